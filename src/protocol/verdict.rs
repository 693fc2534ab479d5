//! What becomes of each field of a request on its way to Gemini: said once by a table, field by field, and by the translator
//! where it depends on the request.

use std::cell::RefCell;
use std::fmt::Display;

use serde::Serialize;

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It goes on, under the same name.
    Kept,
    /// It goes on, under another name or in another form that means the same.
    Renamed,
    /// It goes on with the nearest value Gemini takes.
    Clamped,
    /// Gemini has no such thing; something else does its work, wholly or in part.
    Emulated,
    /// It does not go on.
    Dropped,
    /// The request is refused for it.
    Refused,
}

impl Verdict {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Renamed => "renamed",
            Self::Clamped => "clamped",
            Self::Emulated => "emulated",
            Self::Dropped => "dropped",
            Self::Refused => "refused",
        }
    }
}

/// What became of one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Its path in the request: `messages[2].content[0].image_url.detail`.
    pub field: String,
    /// What became of it.
    pub verdict: Verdict,
    /// Where it is in the Gemini request.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// Why.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Whether the answer may be another one for it.
    pub loss: bool,
}

/// Takes down what a translation does. Switched off it costs nothing: neither path nor reason is ever written out.
#[derive(Debug, Default)]
pub struct Notes(Option<RefCell<Vec<Note>>>);

impl Notes {
    /// Takes down everything.
    pub fn on() -> Self {
        Self(Some(RefCell::default()))
    }

    /// Takes down nothing.
    pub fn off() -> Self {
        Self(None)
    }

    /// Where something stands of which a note may be taken later; nothing where none are.
    pub fn place(&self, place: impl Display) -> String {
        if self.0.is_some() { place.to_string() } else { String::new() }
    }

    /// A field goes on as the nearest value Gemini takes.
    pub fn clamped(&self, field: impl Display, why: impl Display) {
        self.add(Verdict::Clamped, field, why, true);
    }

    /// Something else does the work of a field, in part.
    pub fn emulated(&self, field: impl Display, why: impl Display) {
        self.add(Verdict::Emulated, field, why, true);
    }

    /// Something else does the work of a field, wholly.
    pub fn adapted(&self, field: impl Display, why: impl Display) {
        self.add(Verdict::Emulated, field, why, false);
    }

    /// A field goes on in another form that means the same.
    pub fn renamed(&self, field: impl Display, why: impl Display) {
        self.add(Verdict::Renamed, field, why, false);
    }

    /// A field does not go on.
    pub fn dropped(&self, field: impl Display, why: impl Display) {
        self.add(Verdict::Dropped, field, why, true);
    }

    fn add(&self, verdict: Verdict, field: impl Display, why: impl Display, loss: bool) {
        if let Some(notes) = &self.0 {
            let (field, why) = (field.to_string(), why.to_string());
            notes.borrow_mut().push(Note { field, verdict, to: String::new(), why, loss });
        }
    }

    /// All that was taken down.
    pub fn into_list(self) -> Vec<Note> {
        self.0.map(RefCell::into_inner).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_and_the_api_have_one_name_for_each() {
        for verdict in
            [Verdict::Kept, Verdict::Renamed, Verdict::Clamped, Verdict::Emulated, Verdict::Dropped, Verdict::Refused]
        {
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.name());
        }
    }
}
