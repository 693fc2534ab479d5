//! What becomes of each field of a request on its way to Gemini. A table states it field by field; the translator notes
//! it where it depends on the request.

use std::cell::RefCell;
use std::fmt::Display;

use serde::Serialize;

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The field is passed on under the same name.
    Kept,
    /// The field is passed on under another name, or in another form that means the same.
    Renamed,
    /// The field is passed on with the nearest value that Gemini accepts.
    Clamped,
    /// Gemini has no counterpart; the effect is achieved by other means, wholly or in part.
    Emulated,
    /// The field is not passed on.
    Dropped,
    /// The request is rejected because of the field.
    Refused,
}

impl Verdict {
    /// Returns the name shown to people.
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
    /// Its path in the request, such as `messages[2].content[0].image_url.detail`.
    pub field: String,
    /// What became of it.
    pub verdict: Verdict,
    /// The corresponding field of the Gemini request.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// The reason.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Whether the answer may differ because of it.
    pub loss: bool,
}

/// Records what a translation does. When it is off, it costs nothing: neither path nor reason is formatted.
#[derive(Debug, Default)]
pub struct Notes(Option<RefCell<Vec<Note>>>);

impl Notes {
    /// Creates a recorder that is on.
    pub fn on() -> Self {
        Self(Some(RefCell::default()))
    }

    /// Creates a recorder that is off.
    pub fn off() -> Self {
        Self(None)
    }

    /// Whether notes are taken.
    pub fn are_on(&self) -> bool {
        self.0.is_some()
    }

    /// Returns a location for a note that may be taken later; empty when notes are off.
    pub fn place(&self, place: impl Display) -> String {
        if self.are_on() { place.to_string() } else { String::new() }
    }

    /// Notes that a field is passed on with the nearest value that Gemini accepts.
    pub fn clamped(&self, field: impl Display, why: impl Display) {
        self.add(Verdict::Clamped, field, why, true);
    }

    /// Notes that a field's effect is achieved by other means, in part.
    pub fn emulated(&self, field: impl Display, why: impl Display) {
        self.add(Verdict::Emulated, field, why, true);
    }

    /// Notes that a field's effect is achieved by other means, wholly.
    pub fn adapted(&self, field: impl Display, why: impl Display) {
        self.add(Verdict::Emulated, field, why, false);
    }

    /// Notes that a field is passed on in another form that means the same.
    pub fn renamed(&self, field: impl Display, why: impl Display) {
        self.add(Verdict::Renamed, field, why, false);
    }

    /// Notes that a field is not passed on.
    pub fn dropped(&self, field: impl Display, why: impl Display) {
        self.add(Verdict::Dropped, field, why, true);
    }

    fn add(&self, verdict: Verdict, field: impl Display, why: impl Display, loss: bool) {
        if let Some(notes) = &self.0 {
            let (field, why) = (field.to_string(), why.to_string());
            notes.borrow_mut().push(Note { field, verdict, to: String::new(), why, loss });
        }
    }

    /// Returns all notes.
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
