//! Translates a client's thinking settings to what the model accepts: a budget (Gemini 2.5) or a level (3 and later).

use crate::error::Error;
use crate::model::{Level, Thinking};
use crate::protocol::{Notes, Target};
use crate::wire::gemini::request::ThinkingConfig;

/// OpenAI's efforts, in ascending order.
pub const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// Returns the thinking config for this effort, set in this field, on this model; None where nothing is to be sent.
///
/// # Errors
/// 400 when it is not one of [`EFFORTS`].
pub fn for_effort(effort: &str, field: &str, target: &Target<'_>) -> Result<Option<ThinkingConfig<'static>>, Error> {
    if !EFFORTS.contains(&effort) {
        let shown: String = effort.chars().take(64).collect();
        let known = EFFORTS.join("', '");
        let message = format!("Invalid value: '{}'. Supported values are: '{known}'.", shown.escape_debug());
        return Err(Error::invalid(message).param(field).code("invalid_value"));
    }
    Ok(config(effort, field, target.model.facts.thinking, target.notes))
}

/// Returns the config for as little thinking as possible, for calls that need none.
pub fn least(thinking: Thinking) -> Option<ThinkingConfig<'static>> {
    config("none", "", thinking, &Notes::off())
}

/// Returns the effort nearest to a budget in tokens. The bounds are those of Google's own efforts.
pub fn effort_of(budget: i64) -> &'static str {
    match budget {
        ..=512 => "minimal",
        513..=1024 => "low",
        1025..=8192 => "medium",
        _ => "high",
    }
}

/// Returns the thinking config for this budget in tokens, set in this field, on this model.
pub fn for_budget(budget: i64, field: &str, target: &Target<'_>) -> Option<ThinkingConfig<'static>> {
    let Thinking::Budget { min, max, .. } = target.model.facts.thinking else {
        return config(effort_of(budget), field, target.model.facts.thinking, target.notes);
    };
    let taken = budget.clamp(min.into(), max.into());
    if taken != budget {
        target.notes.clamped(field, format_args!("{taken} is the nearest budget this model accepts"));
    }
    let thinking_budget = Some(taken);
    Some(ThinkingConfig { thinking_budget, include_thoughts: Some(true), ..ThinkingConfig::default() })
}

/// Builds the config. The budgets are those of Google's own OpenAI endpoint (ai.google.dev/gemini-api/docs/openai,
/// November 2026). Thinking that cannot be disabled is set to its minimum, without summaries.
fn config(effort: &str, field: &str, thinking: Thinking, notes: &Notes) -> Option<ThinkingConfig<'static>> {
    let mut config = ThinkingConfig { include_thoughts: Some(effort != "none"), ..ThinkingConfig::default() };
    match thinking {
        Thinking::None => {
            if effort != "none" {
                notes.dropped(field, "this model does not think");
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
                notes.clamped(field, format_args!("this model always thinks: its minimum budget is {min}"));
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
                notes.clamped(field, format_args!("{} is the nearest level this model accepts", taken.name()));
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
            let config = config(effort, "f", thinking, &Notes::off()).unwrap();
            assert_eq!((config.thinking_budget, config.thinking_level.as_deref()), (budget, level), "{effort}");
            assert_eq!(config.include_thoughts, Some(effort != "none"), "{effort}");
        }
        assert_eq!(config("high", "f", Thinking::None, &Notes::off()), None);
    }
}
