//! The key of a cache entry: a digest of everything the answer depends on. Pure.

use std::fmt;

/// Everything an answer depends on. Whatever a request says, in whatever protocol, is in `body`; what plugins and
/// translation make of it is in `upstream`.
#[derive(Clone, Copy, Debug)]
pub struct KeyParts<'q> {
    /// The client: no client is given another's answers.
    pub client: &'q str,
    /// The protocol.
    pub api: &'q str,
    /// The path of the request.
    pub path: &'q str,
    /// The query of the request.
    pub query: &'q str,
    /// The body of the request, after plugins have processed it.
    pub body: &'q [u8],
    /// The position of the call among those that one request becomes.
    pub share: usize,
    /// The endpoint of the call.
    pub endpoint: &'q str,
    /// The pool whose keys serve the call.
    pub pool: &'q str,
    /// The model.
    pub model: &'q str,
    /// The method.
    pub method: &'q str,
    /// The call's body.
    pub upstream: &'q [u8],
    /// The plugins and their settings.
    pub plugins: &'q str,
    /// Changes when all cached answers are to be forgotten.
    pub era: &'q [u8],
}

/// The key of a cache entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of the answer to this question.
    pub fn of(question: &KeyParts<'_>) -> Self {
        let KeyParts { client, api, path, query, body, share, endpoint, pool, model, method, upstream, plugins, era } =
            *question;
        let mut hasher = blake3::Hasher::new_derive_key("gemini-adapter 2026 answer");
        hasher.update(&(share as u64).to_le_bytes());
        let texts = [client, api, path, query, endpoint, pool, model, method, plugins];
        for field in texts.map(str::as_bytes).into_iter().chain([body, upstream, era]) {
            // Each field with its length, or the end of one could pass for the beginning of the next.
            hasher.update(&(field.len() as u64).to_le_bytes()).update(field);
        }
        Self(hasher.finalize().into())
    }
}

/// The hex digits: the name of a row.
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

    const QUESTION: KeyParts<'_> = KeyParts {
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
            KeyParts { client: "d", ..QUESTION },
            KeyParts { api: "b", ..QUESTION },
            KeyParts { path: "/q", ..QUESTION },
            KeyParts { query: "r", ..QUESTION },
            KeyParts { body: b"c", ..QUESTION },
            KeyParts { share: 1, ..QUESTION },
            KeyParts { endpoint: "f", ..QUESTION },
            KeyParts { pool: "q", ..QUESTION },
            KeyParts { model: "n", ..QUESTION },
            KeyParts { method: "h", ..QUESTION },
            KeyParts { upstream: b"v", ..QUESTION },
            KeyParts { plugins: "g", ..QUESTION },
            KeyParts { era: b"1", ..QUESTION },
            // The same letters, split differently.
            KeyParts { client: "ca", api: "", ..QUESTION },
        ];
        let mut names: Vec<String> = others.iter().map(|question| Key::of(question).to_string()).collect();
        names.push(Key::of(&QUESTION).to_string());
        names.sort();
        names.dedup();
        assert_eq!(names.len(), others.len() + 1);
    }
}
