//! How much to think, from a client's words to what the model takes: a budget (Gemini 2.5) or a level (3 and later).

use crate::model::{Level, Thinking};
use crate::protocol::verdict::Notes;
use crate::wire::gemini::request::ThinkingConfig;

/// OpenAI's efforts, in rising order.
pub const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh", "max"];

const FIELD: &str = "reasoning_effort";

/// The thinking of this effort (one of [`EFFORTS`]) on a model that thinks like this; None where nothing is to be sent.
///
/// Budgets are those of Google's own OpenAI endpoint (ai.google.dev/gemini-api/docs/openai, November 2026). What cannot be
/// switched off is set as low as it goes, and its summaries stay home.
pub fn for_effort(effort: &str, thinking: Thinking, notes: &Notes) -> Option<ThinkingConfig<'static>> {
    let mut config = ThinkingConfig { include_thoughts: Some(effort != "none"), ..ThinkingConfig::default() };
    match thinking {
        Thinking::None => {
            if effort != "none" {
                notes.dropped(FIELD, "this model does not think");
            }
            return None;
        }
        Thinking::Budget { min, max, off } => {
            let budget = match effort {
                "none" if off => 0,
                "none" => min,
                "minimal" | "low" => 1024.clamp(min, max),
                "medium" => 8192.clamp(min, max),
                "high" => 24_576.clamp(min, max),
                _ => max,
            };
            if effort == "none" && !off {
                notes.clamped(FIELD, format_args!("this model always thinks: its least budget is {min}"));
            }
            config.thinking_budget = Some(budget.into());
        }
        Thinking::Level { lowest, medium } => {
            let level = match effort {
                "none" | "minimal" => Level::Minimal,
                "low" if medium => Level::Low,
                "low" => Level::Minimal,
                "medium" if medium => Level::Medium,
                _ => Level::High,
            };
            let taken = level.max(lowest);
            let asked = if effort == "none" { None } else { Some(effort.to_uppercase()) };
            if asked.as_deref() != Some(taken.name()) {
                notes.clamped(FIELD, format_args!("{} is the nearest level this model takes", taken.name()));
            }
            config.thinking_level = Some(taken.name().into());
        }
    }
    Some(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_or_level_by_model() {
        let flash = Thinking::Budget { min: 1, max: 24_576, off: true };
        let pro = Thinking::Budget { min: 128, max: 32_768, off: false };
        let newest = Thinking::Level { lowest: Level::Low, medium: true };
        let gemma = Thinking::Level { lowest: Level::Minimal, medium: false };
        for (effort, thinking, budget, level) in [
            ("high", flash, Some(24_576), None),
            ("none", flash, Some(0), None),
            ("none", pro, Some(128), None),
            ("xhigh", pro, Some(32_768), None),
            ("high", newest, None, Some("HIGH")),
            ("minimal", newest, None, Some("LOW")),
            ("none", newest, None, Some("LOW")),
            ("low", gemma, None, Some("MINIMAL")),
            ("medium", gemma, None, Some("HIGH")),
        ] {
            let config = for_effort(effort, thinking, &Notes::off()).unwrap();
            assert_eq!((config.thinking_budget, config.thinking_level.as_deref()), (budget, level), "{effort}");
            assert_eq!(config.include_thoughts, Some(effort != "none"), "{effort}");
        }
        assert_eq!(for_effort("high", Thinking::None, &Notes::off()), None);
    }
}
