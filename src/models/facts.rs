//! What each family of models can do, as a table: the only place where a model's name means anything.
//!
//! Sources: ai.google.dev/gemini-api/docs/{models,thinking,thought-signatures,structured-output}, November 2026, and recorded
//! answers. A model nobody knows yet is taken for the newest family: it refuses the least.

use crate::model::{Facts, Level, Thinking};

/// Gemini 3 and later, the strictest common ground: no answer may be put in its mouth, calls are signed.
const NEWEST: Facts = Facts {
    thinking: Thinking::Level { lowest: Level::Low, medium: true },
    signatures: true,
    tools_with_json: true,
    prefill: false,
    system_instruction: true,
    media_in_results: true,
    penalties: false,
    candidates: 1,
};

/// Gemini 2.5 thinks by budget, refuses JSON output together with functions, and signs nothing it wants back.
const BUDGET: Facts = Facts {
    thinking: Thinking::Budget { min: 1, max: 24_576, off: true },
    signatures: false,
    tools_with_json: false,
    prefill: true,
    system_instruction: true,
    media_in_results: false,
    penalties: true,
    candidates: 8,
};

/// Models that do not think.
const PLAIN: Facts = Facts { thinking: Thinking::None, tools_with_json: true, ..BUDGET };

const MINIMAL: Thinking = Thinking::Level { lowest: Level::Minimal, medium: true };
const LOW: Thinking = Thinking::Level { lowest: Level::Low, medium: true };
const GEMMA: Thinking = Thinking::Level { lowest: Level::Minimal, medium: false };

/// Families by the beginning of their names; the first that fits counts.
const FAMILIES: &[(&str, Facts)] = &[
    ("gemini-1", PLAIN),
    ("gemini-2.0", PLAIN),
    ("gemini-2.5-flash-image", Facts { thinking: Thinking::None, system_instruction: false, candidates: 1, ..BUDGET }),
    ("gemini-2.5-flash-lite", Facts { thinking: Thinking::Budget { min: 512, max: 24_576, off: true }, ..BUDGET }),
    ("gemini-2.5-flash-preview-tts", Facts { thinking: Thinking::None, candidates: 1, ..BUDGET }),
    ("gemini-2.5-flash", BUDGET),
    ("gemini-2.5-pro-preview-tts", Facts { thinking: Thinking::None, candidates: 1, ..BUDGET }),
    ("gemini-2.5-pro", Facts { thinking: Thinking::Budget { min: 128, max: 32_768, off: false }, ..BUDGET }),
    ("gemini-2.5", BUDGET),
    ("gemini-3-flash", Facts { thinking: MINIMAL, prefill: true, ..NEWEST }),
    ("gemini-3-pro-image", Facts { thinking: Thinking::None, ..NEWEST }),
    ("gemini-3-pro", Facts { thinking: LOW, prefill: true, ..NEWEST }),
    ("gemini-3.1-flash-lite-image", Facts { thinking: Thinking::None, ..NEWEST }),
    ("gemini-3.1-flash-image", Facts { thinking: Thinking::None, ..NEWEST }),
    ("gemini-3.1-flash-lite", Facts { thinking: MINIMAL, prefill: true, ..NEWEST }),
    ("gemini-3.1-flash-tts", Facts { thinking: Thinking::None, ..NEWEST }),
    ("gemini-3.1-pro", Facts { thinking: LOW, prefill: true, ..NEWEST }),
    ("gemini-3.5-flash-lite", Facts { thinking: MINIMAL, ..NEWEST }),
    ("gemini-3.5-flash", Facts { thinking: MINIMAL, prefill: true, ..NEWEST }),
    ("gemini-3.6-flash", Facts { thinking: MINIMAL, ..NEWEST }),
    ("gemini-3.8-flash-tts", Facts { thinking: Thinking::None, ..NEWEST }),
    ("gemini-3.8-flash-lite-tts", Facts { thinking: Thinking::None, ..NEWEST }),
    ("gemma-", Facts { thinking: GEMMA, signatures: false, prefill: true, ..NEWEST }),
];

/// What the model of this name can do.
pub fn of(name: &str) -> Facts {
    FAMILIES.iter().find(|(start, _)| name.starts_with(start)).map_or(NEWEST, |(_, facts)| *facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_beginnings_come_first() {
        for (index, (earlier, _)) in FAMILIES.iter().enumerate() {
            for (later, _) in &FAMILIES[index + 1..] {
                assert!(!later.starts_with(earlier), "`{later}` is never reached, `{earlier}` stands before it");
            }
        }
    }

    #[test]
    fn families() {
        assert_eq!(of("gemini-flash-latest"), NEWEST);
        assert_eq!(of("gemini-9-ultra"), NEWEST);
        assert_eq!(of("gemini-2.5-pro").thinking, Thinking::Budget { min: 128, max: 32_768, off: false });
        assert_eq!(of("gemini-2.0-flash").thinking, Thinking::None);
        assert!(of("gemini-2.5-flash").prefill && !of("gemini-3.8-flash").prefill);
    }
}
