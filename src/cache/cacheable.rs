//! Decides which answers may be cached. All protocols are translated to and from Gemini's format, so a decision made
//! here holds for each of them. Pure.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::settings::{CacheSettings, Cacheable};
use crate::call::Method;
use crate::wire::gemini::response::Response;
use crate::wire::json;

/// The parts of a call that decide. Google accepts both spellings.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked<'a> {
    #[serde(rename = "generationConfig", alias = "generation_config")]
    config: Config,
    #[serde(borrow)]
    tools: Vec<HashMap<Cow<'a, str>, IgnoredAny>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    temperature: Option<f64>,
    seed: Option<i64>,
    #[serde(rename = "candidateCount", alias = "candidate_count")]
    candidates: Option<u32>,
}

/// Whether the answer to this call may be cached.
pub fn may_keep(settings: &CacheSettings, method: Method, body: &[u8]) -> bool {
    let any = settings.requests == Cacheable::Any;
    match method {
        Method::CountTokens | Method::Embed | Method::EmbedBatch => true,
        // Every generated image is a different one.
        Method::Predict => any,
        Method::Generate | Method::Stream => {
            // A body that cannot be parsed here is for Google to judge.
            let Ok(Asked { config, tools }) = json::read_slice(body) else { return false };
            let one = config.candidates.unwrap_or(1) == 1;
            let same = config.temperature == Some(0.0) || config.seed.is_some();
            one && (any || same && tools.iter().all(only_declares))
        }
    }
}

/// Whether a tool only declares functions of the client. Google's own tools look at the outside world, which changes.
fn only_declares(tool: &HashMap<Cow<'_, str>, IgnoredAny>) -> bool {
    tool.keys().all(|name| matches!(&**name, "functionDeclarations" | "function_declarations"))
}

/// Whether this is a complete answer: it finished normally, has content, and consists of a single candidate.
pub fn is_complete(settings: &CacheSettings, method: Method, pieces: &[Bytes]) -> bool {
    if !matches!(method, Method::Generate | Method::Stream) {
        return !pieces.is_empty();
    }
    let (mut stopped, mut says) = (false, false);
    for piece in pieces {
        let Ok(response) = json::read_slice::<Response<'_>>(piece) else { return false };
        if response.prompt_feedback.is_some_and(|feedback| feedback.block_reason.is_some()) {
            return false;
        }
        for candidate in &response.candidates {
            let parts = candidate.content.iter().flat_map(|content| &content.parts);
            let calls = parts.clone().any(|part| part.function_call.is_some());
            if candidate.index > 0 || calls && !settings.tool_calls {
                return false;
            }
            says |= parts.clone().any(|part| !part.thought && part.text.is_none_or(|text| text.get() != "\"\""));
            // The last finish reason counts.
            stopped = candidate.finish_reason.as_deref().map_or(stopped, |reason| reason == "STOP");
        }
    }
    stopped && says
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(requests: Cacheable) -> CacheSettings {
        CacheSettings { requests, ..CacheSettings::default() }
    }

    #[test]
    fn what_asks_for_the_same_each_time_is_kept() {
        for (body, deterministic, any) in [
            (r#"{"generationConfig":{"temperature":0}}"#, true, true),
            (r#"{"generation_config":{"temperature":0.0,"topP":1}}"#, true, true),
            (r#"{"generationConfig":{"temperature":1,"seed":7}}"#, true, true),
            (r#"{"generationConfig":{"temperature":0.1}}"#, false, true),
            (r#"{"contents":[]}"#, false, true),
            (r#"{"generationConfig":{"seed":7,"candidateCount":2}}"#, false, false),
            (r#"{"generationConfig":{"seed":7},"tools":[{"functionDeclarations":[]}]}"#, true, true),
            (r#"{"generationConfig":{"seed":7},"tools":[{"googleSearch":{}}]}"#, false, true),
            ("nonsense", false, false),
        ] {
            for method in [Method::Generate, Method::Stream] {
                assert_eq!(
                    may_keep(&settings(Cacheable::Deterministic), method, body.as_bytes()),
                    deterministic,
                    "{body}"
                );
                assert_eq!(may_keep(&settings(Cacheable::Any), method, body.as_bytes()), any, "{body}");
            }
        }
        assert!(may_keep(&settings(Cacheable::Deterministic), Method::Embed, b"{}"));
        assert!(!may_keep(&settings(Cacheable::Deterministic), Method::Predict, b"{}"));
    }

    #[test]
    fn only_what_is_complete_is_kept() {
        let settings = settings(Cacheable::Deterministic);
        let text = r#"{"candidates":[{"content":{"parts":[{"text":"hi"}]}}]}"#;
        let end = |reason: &str| format!(r#"{{"candidates":[{{"finishReason":"{reason}"}}]}}"#);
        for (pieces, complete) in [
            (vec![text.to_owned(), end("STOP")], true),
            (vec![text.to_owned(), end("STOP"), end("STOP")], true),
            (vec![text.to_owned()], false),
            (vec![end("STOP")], false),
            (vec![text.to_owned(), end("MAX_TOKENS")], false),
            (vec![text.to_owned(), end("STOP"), end("SAFETY")], false),
            (vec![r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#.to_owned()], false),
            (vec![text.replace(r#"{"text""#, r#"{"functionCall":{"name":"f"}},{"text""#), end("STOP")], false),
            (vec![text.replace(r#""content""#, r#""index":1,"content""#), end("STOP")], false),
            (vec![], false),
        ] {
            let pieces: Vec<Bytes> = pieces.into_iter().map(Bytes::from).collect();
            assert_eq!(is_complete(&settings, Method::Stream, &pieces), complete, "{pieces:?}");
        }
    }
}
