//! Names of Gemini models, and what a model can do.

use std::fmt;
use std::sync::Arc;

/// A model's name at Google, safe to put into a URL path: `[A-Za-z0-9._-]{1,128}`, optionally after `tunedModels/`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelName(Arc<str>);

impl ModelName {
    /// Parses a name as a client or the configuration writes it; the prefixes `models/`, `google/` and `gemini/` are
    /// removed. Returns None if it is not a valid name: a path, a query or a control character would otherwise rewrite
    /// the upstream URL.
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

    /// The resource name in Google's paths: `models/gemini-2.5-pro` or `tunedModels/mine`.
    pub fn resource(&self) -> String {
        if self.0.starts_with("tunedModels/") { self.0.to_string() } else { ["models/", &*self.0].concat() }
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

/// How the amount of thinking is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinking {
    /// The model does not think; a `thinkingConfig` is rejected with status 400.
    None,
    /// By `thinkingBudget`, in tokens.
    Budget {
        /// Smallest budget the model accepts, not counting 0.
        min: u32,
        /// Largest budget the model accepts.
        max: u32,
        /// Whether 0 disables thinking.
        off: bool,
    },
    /// By `thinkingLevel`.
    Level {
        /// The lowest level the model accepts.
        lowest: Level,
        /// Whether the model accepts MEDIUM (Gemma models accept only MINIMAL and HIGH).
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

/// What a model produces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// Unknown: Google decides.
    Anything,
    /// Text.
    Words,
    /// Images, as answers in a conversation.
    Pictures {
        /// Whether their size, and the most extreme aspect ratios, can be requested.
        sizes: bool,
    },
    /// Images, each from a single prompt: Imagen.
    Predictions,
    /// Speech that reads a given text.
    Voice,
    /// Embedding vectors.
    Vectors,
}

impl Gives {
    /// The name for display.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anything => "anything",
            Self::Words => "text",
            Self::Pictures { .. } | Self::Predictions => "images",
            Self::Voice => "speech",
            Self::Vectors => "vectors",
        }
    }
}

/// What a family of models can do. Data, not code: the table is in `models/facts.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// How the amount of thinking is set.
    pub thinking: Thinking,
    /// Whether function calls must carry a thought signature when they are sent back.
    pub signatures: bool,
    /// Whether tools may be combined with a JSON response type.
    pub tools_with_json: bool,
    /// Whether Google's tools may be combined with the client's functions.
    pub tools_together: bool,
    /// Whether schemas may be JSON Schema; otherwise they use Gemini's own dialect.
    pub json_schema: bool,
    /// Whether a conversation may end with the model's own turn.
    pub prefill: bool,
    /// Whether the model accepts a `systemInstruction`.
    pub system_instruction: bool,
    /// Whether images may be part of a function's result.
    pub media_in_results: bool,
    /// Whether the model accepts frequency and presence penalties.
    pub penalties: bool,
    /// How many candidates one call may request.
    pub candidates: u32,
    /// Whether the model returns token probabilities.
    pub logprobs: bool,
    /// Whether the model generates images.
    pub images: bool,
    /// What the model produces.
    pub gives: Gives,
    /// Maximum number of tokens in an answer.
    pub output_tokens: u32,
}

/// A model chosen for a request: its name, and what it can do.
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
