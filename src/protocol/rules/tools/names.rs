//! What functions are called, at Gemini and by the client.

use std::borrow::Cow;

use crate::protocol::rules::answer::Call;
use crate::wire::json::{self, compact};

/// Functions that have another name at Gemini, or take free text.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Pairs of Gemini's name and the client's.
    renamed: Vec<(String, String)>,
    /// Gemini's names of the functions that take free text.
    free_text: Vec<String>,
}

impl Names {
    /// Collects the names of these functions, and of these tools that take free text.
    pub fn of<'n, 'a: 'n>(
        functions: impl Iterator<Item = &'n Cow<'a, str>>,
        free_text: impl Iterator<Item = &'n Cow<'a, str>>,
    ) -> Self {
        let mut names = Self::default();
        functions.for_each(|name| names.add(name, false));
        free_text.for_each(|name| names.add(name, true));
        names
    }

    /// Adds a function by the client's name for it.
    pub fn add(&mut self, name: &str, free_text: bool) {
        let ours = Cow::Borrowed(name);
        let theirs = gemini_name(&ours);
        if theirs != ours {
            self.renamed.push((theirs.to_string(), name.to_owned()));
        }
        if free_text {
            self.free_text.push(theirs.into_owned());
        }
    }

    /// Returns the client's name for a function.
    pub fn client<'n>(&'n self, name: &'n str) -> &'n str {
        self.renamed.iter().find(|(theirs, _)| theirs == name).map_or(name, |(_, ours)| ours)
    }

    /// Whether the function takes free text instead of JSON.
    pub fn is_free_text(&self, name: &str) -> bool {
        self.free_text.iter().any(|known| known == name)
    }

    /// Returns a call's arguments for the client: the free text of a custom tool, or the JSON of a function.
    pub fn arguments<'a>(&self, call: &Call<'a>) -> Cow<'a, str> {
        #[derive(serde::Deserialize)]
        struct Input {
            input: String,
        }
        if self.is_free_text(call.name)
            && let Ok(Input { input }) = json::read(call.args)
        {
            return input.into();
        }
        compact(call.args)
    }
}

/// Returns Gemini's name for a function. It must not begin with a digit or `-`.
pub fn gemini_name<'a>(name: &Cow<'a, str>) -> Cow<'a, str> {
    match name.as_bytes().first() {
        Some(b'0'..=b'9' | b'-') => format!("_{name}").into(),
        _ => name.clone(),
    }
}
