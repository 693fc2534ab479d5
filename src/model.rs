//! Names of Gemini models, and what a model can do.

use std::fmt;
use std::sync::Arc;

/// A model's name at Google, safe to put into a URL path: `[A-Za-z0-9._-]{1,128}`, optionally after `tunedModels/`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelName(Arc<str>);

impl ModelName {
    /// Takes a name as a client or a config writes it; `models/`, `google/` and `gemini/` in front are dropped.
    /// None when it is not a name: a path, a query, a control character would otherwise rewrite the upstream URL.
    pub fn parse(text: &str) -> Option<Self> {
        let name =
            ["models/", "google/", "gemini/"].iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
        let bare = name.strip_prefix("tunedModels/").unwrap_or(name);
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let valid = (1..=128).contains(&bare.len()) && bare.chars().all(allowed) && !bare.chars().all(|c| c == '.');
        valid.then(|| Self(name.into()))
    }

    /// The name, without `models/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The resource name Google's paths use: `models/gemini-2.5-pro` or `tunedModels/mine`.
    pub fn resource(&self) -> String {
        if self.0.starts_with("tunedModels/") { self.0.to_string() } else { format!("models/{}", self.0) }
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a model is told how much to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinking {
    /// It does not think; a `thinkingConfig` is a 400.
    None,
    /// By `thinkingBudget`, in tokens.
    Budget {
        /// Smallest budget it takes, not counting 0.
        min: u32,
        /// Largest budget it takes.
        max: u32,
        /// Whether 0 switches thinking off.
        off: bool,
    },
    /// By `thinkingLevel`.
    Level {
        /// The lowest level it takes.
        lowest: Level,
        /// Whether MEDIUM is a level (the Gemma family knows MINIMAL and HIGH only).
        medium: bool,
    },
}

/// A thinking level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As little as possible.
    Minimal,
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
}

impl Level {
    /// Google's spelling.
    pub fn name(self) -> &'static str {
        match self {
            Self::Minimal => "MINIMAL",
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
        }
    }
}

/// What a model gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// Nobody knows: it is for Google to say.
    Anything,
    /// Answers in words.
    Words,
    /// Pictures, as an answer of a conversation.
    Pictures {
        /// Whether their size can be chosen, and the longest and highest of ratios.
        sizes: bool,
    },
    /// Pictures, each from one prompt: Imagen.
    Predictions,
    /// A voice that reads what it is told.
    Voice,
    /// Vectors.
    Vectors,
}

impl Gives {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anything => "anything",
            Self::Words => "words",
            Self::Pictures { .. } | Self::Predictions => "pictures",
            Self::Voice => "a voice",
            Self::Vectors => "vectors",
        }
    }
}

/// What one family of models can do. Data, not code: the table is in `models/facts.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// How it is told to think.
    pub thinking: Thinking,
    /// Whether function calls must carry a thought signature when they are sent back.
    pub signatures: bool,
    /// Whether tools may go together with a JSON response type.
    pub tools_with_json: bool,
    /// Whether Google's tools may go together with the client's functions.
    pub tools_together: bool,
    /// Whether schemas may be JSON Schema; else they are in Gemini's own dialect.
    pub json_schema: bool,
    /// Whether a conversation may end with the model's own turn.
    pub prefill: bool,
    /// Whether it takes a `systemInstruction`.
    pub system_instruction: bool,
    /// Whether images may be part of a function's result.
    pub media_in_results: bool,
    /// Whether it takes frequency and presence penalties.
    pub penalties: bool,
    /// How many candidates one call may ask for.
    pub candidates: u32,
    /// Whether it gives token probabilities.
    pub logprobs: bool,
    /// Whether it draws.
    pub images: bool,
    /// What it gives.
    pub gives: Gives,
    /// Most tokens of an answer.
    pub output_tokens: u32,
}

/// A model that was chosen for a request: its name and what it can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its name at Google.
    pub name: ModelName,
    /// What it can do.
    pub facts: Facts,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_rewrite_the_url_are_none() {
        for hostile in ["", "../../x?key=", "a/b", "a?b", "a%2fb", "a\r\nb", "..", "models/..", "tunedModels/a/b", "é"]
        {
            assert_eq!(ModelName::parse(hostile), None, "{hostile:?}");
        }
        assert_eq!(ModelName::parse(&"a".repeat(129)), None);
    }

    #[test]
    fn prefixes_are_dropped() {
        for text in ["gemini-2.5-pro", "models/gemini-2.5-pro", "google/gemini-2.5-pro", "gemini/gemini-2.5-pro"] {
            assert_eq!(ModelName::parse(text).unwrap().resource(), "models/gemini-2.5-pro");
        }
        assert_eq!(ModelName::parse("tunedModels/mine").unwrap().resource(), "tunedModels/mine");
    }
}
