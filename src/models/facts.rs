//! What each family of models can do, as a table: the only place where the name of a model has a meaning.
//!
//! Sources: ai.google.dev/gemini-api/docs/{models,thinking,thought-signatures,structured-output}, November 2026, and
//! recorded answers. Where they leave something open, the table has what is least likely to be rejected: a field that
//! is left out costs a nuance, one that is rejected costs the answer.

use std::sync::LazyLock;

use crate::glob::Glob;

use crate::model::{Facts, Gives, Level, Thinking};

/// Gemini 3 and later, the strictest common ground: a conversation must not end with a model turn, calls are signed,
/// and LOW is a level that all of them accept. It also applies to Gemini models that are not in the table, and to
/// moving names such as `gemini-flash-latest`, which pointed to 2.5, 3.5 and 3.6 within one recorded year: what these
/// accept, the next one will accept.
const NEWEST: Facts = Facts {
    thinking: LOW,
    signatures: true,
    tools_with_json: true,
    tools_together: true,
    json_schema: true,
    prefill: false,
    system_instruction: true,
    media_in_results: true,
    penalties: false,
    candidates: 1,
    logprobs: false,
    images: false,
    gives: Gives::Words,
    output_tokens: 65_536,
};

/// Gemini 2.5 thinks by budget, rejects JSON output together with functions, rejects penalties ("Penalty is not enabled
/// for models/gemini-2.5-flash", recorded), and has no signatures that must be sent back.
const BUDGET: Facts = Facts {
    thinking: Thinking::Budget { min: 1, max: 24_576, off: true },
    signatures: false,
    tools_with_json: false,
    tools_together: false,
    json_schema: true,
    prefill: true,
    system_instruction: true,
    media_in_results: false,
    penalties: false,
    candidates: 8,
    logprobs: true,
    images: false,
    gives: Gives::Words,
    output_tokens: 65_536,
};

/// Models that do not think: a `thinkingConfig` is rejected with status 400. The 2.0 family accepted JSON together with
/// functions (recorded).
const PLAIN: Facts =
    Facts { thinking: Thinking::None, tools_with_json: true, penalties: true, output_tokens: 8192, ..BUDGET };

/// Gemma 4 has two levels; no Gemma model signs.
const GEMMA_4: Facts = Facts {
    thinking: Thinking::Level { lowest: Level::Minimal, medium: false },
    signatures: false,
    prefill: true,
    media_in_results: false,
    ..NEWEST
};

/// Gemma 3 and earlier reject system instructions: "Developer instruction is not enabled".
const GEMMA: Facts = Facts { system_instruction: false, penalties: false, candidates: 1, logprobs: false, ..PLAIN };

/// Models on no list: tuned models, and names only the operator knows. Schemas use the older dialect, which every model
/// accepts, and no output limit is known.
const UNKNOWN: Facts =
    Facts { json_schema: false, gives: Gives::Anything, output_tokens: i32::MAX.unsigned_abs(), ..PLAIN };

const IMAGES_2_5: Facts = Facts {
    thinking: Thinking::None,
    system_instruction: false,
    candidates: 1,
    logprobs: false,
    images: true,
    gives: Gives::Pictures { sizes: false },
    ..BUDGET
};

/// Models for images and speech: they sign, and accept no `thinkingConfig` ("Thinking is not enabled for this model",
/// recorded).
const MEDIA: Facts = Facts { thinking: Thinking::None, ..NEWEST };
const PICTURES: Facts = Facts { images: true, gives: Gives::Pictures { sizes: true }, ..MEDIA };
const VOICE: Facts = Facts { gives: Gives::Voice, ..MEDIA };

const MINIMAL: Thinking = Thinking::Level { lowest: Level::Minimal, medium: true };
const LOW: Thinking = Thinking::Level { lowest: Level::Low, medium: true };
const LITE_BUDGET: Thinking = Thinking::Budget { min: 512, max: 24_576, off: true };
const PRO_BUDGET: Thinking = Thinking::Budget { min: 128, max: 32_768, off: false };

/// Families by name; the first match counts.
const FAMILIES: &[(&str, Facts)] = &[
    ("gemini-1*", Facts { json_schema: false, ..PLAIN }),
    (
        "gemini-2.0*-image*",
        Facts { gives: Gives::Pictures { sizes: false }, system_instruction: false, images: true, ..PLAIN },
    ),
    ("gemini-2.0*", PLAIN),
    ("gemini-exp*", PLAIN),
    ("gemini-embedding*", Facts { gives: Gives::Vectors, ..PLAIN }),
    ("text-embedding-*", Facts { gives: Gives::Vectors, ..PLAIN }),
    ("imagen-*", Facts { gives: Gives::Predictions, ..PLAIN }),
    ("gemini-2.5*-image*", IMAGES_2_5),
    ("gemini-2.5*-tts*", Facts { thinking: Thinking::None, candidates: 1, gives: Gives::Voice, ..BUDGET }),
    ("gemini-2.5-flash-lite*", Facts { thinking: LITE_BUDGET, ..BUDGET }),
    ("gemini-2.5-pro*", Facts { thinking: PRO_BUDGET, ..BUDGET }),
    ("gemini-2.5*", BUDGET),
    ("gemini-robotics*", Facts { candidates: 1, ..BUDGET }),
    ("gemini-*-tts*", VOICE),
    ("gemini-*-image*", PICTURES),
    ("gemini-nano-banana*", PICTURES),
    ("gemini-3-flash*", Facts { thinking: MINIMAL, prefill: true, ..NEWEST }),
    ("gemini-3-pro*", Facts { prefill: true, ..NEWEST }),
    ("gemini-3.1-flash-lite*", Facts { thinking: MINIMAL, prefill: true, ..NEWEST }),
    ("gemini-3.1-pro*", Facts { prefill: true, ..NEWEST }),
    // From here on a conversation must not end with the model's turn: 3.5-flash-lite, 3.6-flash and all that follow.
    ("gemini-3.5-flash-lite*", Facts { thinking: MINIMAL, ..NEWEST }),
    ("gemini-3.5-flash*", Facts { thinking: MINIMAL, prefill: true, ..NEWEST }),
    ("gemini-3.6-flash*", Facts { thinking: MINIMAL, ..NEWEST }),
    ("gemini-*", NEWEST),
    ("gemma-4*", GEMMA_4),
    ("gemma-*", GEMMA),
    // Tuned models, and names only the operator knows.
    ("*", UNKNOWN),
];

/// What the model with this name can do.
pub fn of(name: &str) -> Facts {
    static TABLE: LazyLock<Vec<(Glob, Facts)>> =
        LazyLock::new(|| FAMILIES.iter().map(|(glob, facts)| (Glob::new(glob), *facts)).collect());
    TABLE.iter().find(|(glob, _)| glob.matches(name)).map_or(UNKNOWN, |(_, facts)| *facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_reached() {
        for (index, (row, _)) in FAMILIES.iter().enumerate() {
            let name = row.replace('*', "");
            let first = FAMILIES.iter().position(|(glob, _)| Glob::new(glob).matches(&name));
            assert_eq!(first, Some(index), "`{name}` never gets to its row");
        }
    }

    #[test]
    fn families() {
        for name in ["gemini-flash-latest", "gemini-pro-latest", "gemini-3.8-flash", "gemini-4-argon", "gemini-9-ultra"]
        {
            assert_eq!(of(name), NEWEST, "{name}");
        }
        for name in ["gemini-2.5-flash-image", "gemini-3.1-flash-tts-preview", "gemini-3-pro-image", "gemini-2.0-flash"]
        {
            assert_eq!(of(name).thinking, Thinking::None, "{name}");
        }
        assert_eq!(of("gemini-2.5-pro").thinking, PRO_BUDGET);
        assert_eq!(of("gemini-2.5-flash-lite-preview-09-2025").thinking, LITE_BUDGET);
        assert_eq!(of("gemini-3.1-flash-lite").thinking, MINIMAL);
        assert!(of("gemini-2.5-flash").prefill && of("gemini-3.5-flash").prefill && !of("gemini-3.8-flash").prefill);
        assert!(!of("gemma-3-27b-it").system_instruction && of("gemma-4-31b-it").system_instruction);
        assert_eq!(of("tunedModels/mine"), UNKNOWN);
    }
}
