//! The name of an answer: a digest of everything it depends on. Pure.

use std::fmt;

/// What an answer depends on. Whatever a request may say, in whatever dialect, is in `body`; what plugins and translation make of it is in
/// `upstream`.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// Who asks: no client is given another's answers.
    pub client: &'q str,
    /// In which dialect.
    pub api: &'q str,
    /// Where the request was sent to, with its query.
    pub path: &'q str,
    /// See there.
    pub query: &'q str,
    /// Its body, as it is after plugins have seen it.
    pub body: &'q [u8],
    /// Which of several calls that one request becomes.
    pub share: usize,
    /// Where the call goes.
    pub endpoint: &'q str,
    /// On whose keys.
    pub pool: &'q str,
    /// To which model.
    pub model: &'q str,
    /// What is asked of it.
    pub method: &'q str,
    /// The call's body.
    pub upstream: &'q [u8],
    /// The plugins and their settings.
    pub plugins: &'q str,
    /// What changes when all kept answers are to be forgotten.
    pub era: &'q [u8],
}

/// The name of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// The name of the answer to this.
    pub fn of(question: &Question<'_>) -> Self {
        let Question { client, api, path, query, body, share, endpoint, pool, model, method, upstream, plugins, era } =
            *question;
        let mut hasher = blake3::Hasher::new_derive_key("gemini-adapter 2026 answer");
        hasher.update(&(share as u64).to_le_bytes());
        let texts = [client, api, path, query, endpoint, pool, model, method, plugins];
        for field in texts.map(str::as_bytes).into_iter().chain([body, upstream, era]) {
            // Each with its length, or the end of one could pass for the beginning of the next.
            hasher.update(&(field.len() as u64).to_le_bytes()).update(field);
        }
        Self(hasher.finalize().into())
    }
}

/// Its digits: the name of a row.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: Question<'_> = Question {
        client: "c",
        api: "a",
        path: "/p",
        query: "q",
        body: b"b",
        share: 0,
        endpoint: "e",
        pool: "p",
        model: "m",
        method: "g",
        upstream: b"u",
        plugins: "f",
        era: b"",
    };

    #[test]
    fn whatever_differs_has_another_name() {
        let others = [
            Question { client: "d", ..QUESTION },
            Question { api: "b", ..QUESTION },
            Question { path: "/q", ..QUESTION },
            Question { query: "r", ..QUESTION },
            Question { body: b"c", ..QUESTION },
            Question { share: 1, ..QUESTION },
            Question { endpoint: "f", ..QUESTION },
            Question { pool: "q", ..QUESTION },
            Question { model: "n", ..QUESTION },
            Question { method: "h", ..QUESTION },
            Question { upstream: b"v", ..QUESTION },
            Question { plugins: "g", ..QUESTION },
            Question { era: b"1", ..QUESTION },
            // The same letters, cut elsewhere.
            Question { client: "ca", api: "", ..QUESTION },
        ];
        let mut names: Vec<String> = others.iter().map(|question| Key::of(question).to_string()).collect();
        names.push(Key::of(&QUESTION).to_string());
        names.sort();
        names.dedup();
        assert_eq!(names.len(), others.len() + 1);
    }
}
