//! Converts Gemini's token counts to OpenAI's way of counting: completion tokens include thoughts, and prompt tokens
//! include what built-in tools added. Google's own OpenAI endpoint leaves thoughts out, so its three numbers do not add
//! up.

use std::cell::OnceCell;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde_json::value::RawValue;

use crate::protocol::Usage;
use crate::wire::gemini::response;
use crate::wire::json;

static TIER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""serviceTier""#));

/// The latest report of token counts. In a stream the last one counts: the counts are not monotone, so neither their
/// sum nor their maximum is correct. As every event has one, it is parsed only when someone asks.
#[derive(Debug, Default)]
pub struct LatestUsage {
    report: String,
    /// The counts of this report, once someone has asked.
    counts: OnceCell<Usage>,
    tier: Option<&'static str>,
}

impl LatestUsage {
    /// Records a report.
    pub fn take(&mut self, metadata: &RawValue) {
        metadata.get().clone_into(&mut self.report);
        self.counts.take();
        // Many models report none.
        if self.tier.is_none() && TIER.find(self.report.as_bytes()).is_some() {
            let report = parsed(&self.report);
            self.counts = counted(&report).into();
            self.tier = report.service_tier.map(|tier| match &*tier {
                "flex" | "FLEX" => "flex",
                "priority" | "PRIORITY" => "priority",
                _ => "default",
            });
        }
    }

    /// Returns the counts: 0 if there was no report, or one that cannot be read.
    pub fn read(&self) -> &Usage {
        self.counts.get_or_init(|| counted(&parsed(&self.report)))
    }

    /// OpenAI's name for the service tier, as first reported.
    pub fn tier(&self) -> &'static str {
        self.tier.unwrap_or("default")
    }
}

/// Parses a report; all counts are 0 if it cannot be read.
pub fn parsed(report: &str) -> response::Usage<'_> {
    json::read(report).unwrap_or_default()
}

/// Counts as OpenAI does.
pub fn counted(metadata: &response::Usage<'_>) -> Usage {
    let audio = |details: Option<&RawValue>| {
        // Audio is rare.
        let heard = details.filter(|raw| raw.get().contains("AUDIO"));
        let details = response::Usage::by_kind(heard);
        details.iter().filter(|detail| detail.modality == "AUDIO").map(|detail| detail.token_count).sum()
    };
    Usage {
        prompt: metadata.prompt_token_count + metadata.tool_use_prompt_token_count,
        completion: metadata.candidates_token_count + metadata.thoughts_token_count,
        cached: metadata.cached_content_token_count,
        reasoning: metadata.thoughts_token_count,
        audio_in: audio(metadata.prompt_tokens_details),
        audio_out: audio(metadata.candidates_tokens_details),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(reports: &[&str]) -> LatestUsage {
        let mut usage = LatestUsage::default();
        reports.iter().for_each(|report| usage.take(serde_json::from_str(report).unwrap()));
        usage
    }

    #[test]
    fn the_last_report_counts_and_the_first_tier() {
        let usage = after(&[
            r#"{ "promptTokenCount": 9, "candidatesTokenCount": 7 }"#,
            r#"{ "promptTokenCount": 4, "serviceTier": "FLEX" }"#,
            r#"{ "promptTokenCount": 3, "toolUsePromptTokenCount": 2, "candidatesTokenCount": 1, "thoughtsTokenCount": 5,
                 "cachedContentTokenCount": 1, "serviceTier": "standard",
                 "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": 1 }, { "modality": "AUDIO", "tokenCount": 2 }] }"#,
        ]);
        let expected = Usage { prompt: 5, completion: 6, cached: 1, reasoning: 5, audio_in: 2, audio_out: 0 };
        assert_eq!(*usage.read(), expected);
        assert_eq!(usage.tier(), "flex");
    }

    #[test]
    fn no_report_and_one_that_cannot_be_read() {
        for usage in [after(&[]), after(&["true"]), after(&[r#"{ "promptTokenCount": "many" }"#])] {
            assert_eq!((usage.read(), usage.tier()), (&Usage::default(), "default"));
        }
    }
}
