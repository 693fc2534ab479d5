//! For each protocol: the pieces of a stream add up to the answer that the client would have received without
//! streaming, wherever Gemini splits its answer.

use gemini_adapter::protocol::Protocol;
use gemini_adapter::protocol::anthropic::AnthropicMessages;
use gemini_adapter::protocol::openai_completions::OpenAiCompletions;
use gemini_adapter::protocol::openai_responses::OpenAiResponses;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::golden::stamp;
use crate::properties::{REASONS, said, usage};
use crate::{messages, responses};

/// What a client has of a stream, or of a whole answer.
type Read = fn(&str) -> Value;

struct Dialect {
    protocol: &'static dyn Protocol,
    request: &'static str,
    streamed: Read,
    whole: Read,
}

const DIALECTS: &[Dialect] = &[
    Dialect {
        protocol: &AnthropicMessages,
        request: r#"{"model":"m","max_tokens":9,"stream":true,"thinking":{"type":"adaptive"},"messages":[{"role":"user","content":"x"}],"tools":[{"type":"web_search_20250305","name":"web_search"}]}"#,
        streamed: |text| told(&messages::gathered(text), &["content", "stop_reason", "usage"]),
        whole: |text| told(&serde_json::from_str(text).unwrap(), &["content", "stop_reason", "usage"]),
    },
    Dialect {
        protocol: &OpenAiResponses,
        request: r#"{"model":"m","stream":true,"input":"x","include":["reasoning.encrypted_content"],"tools":[{"type":"web_search"}]}"#,
        streamed: |text| told(&responses::gathered(text), &["output", "status", "incomplete_details", "usage"]),
        whole: |text| told(&serde_json::from_str(text).unwrap(), &["output", "status", "incomplete_details", "usage"]),
    },
    Dialect {
        protocol: &OpenAiCompletions,
        request: r#"{"model":"m","stream":true,"prompt":"x","stream_options":{"include_usage":true}}"#,
        streamed: completed,
        whole: |text| {
            let answer: Value = serde_json::from_str(text).unwrap();
            let choice = &answer["choices"][0];
            json!({ "text": choice["text"], "finish_reason": choice["finish_reason"], "usage": answer["usage"] })
        },
    },
];

/// A text and its end, put together from the events of a completion.
fn completed(text: &str) -> Value {
    let (mut said, mut reason, mut usage) = (String::new(), Value::Null, Value::Null);
    let events = text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).filter(|event| *event != "[DONE]");
    for event in events.map(|event| serde_json::from_str::<Value>(event).unwrap()) {
        let choice = &event["choices"][0];
        said.push_str(choice["text"].as_str().unwrap_or_default());
        if choice["finish_reason"].is_string() {
            reason = choice["finish_reason"].clone();
        }
        if event["usage"].is_object() {
            usage = event["usage"].clone();
        }
    }
    json!({ "text": said, "finish_reason": reason, "usage": usage })
}

fn told(answer: &Value, fields: &[&str]) -> Value {
    fields.iter().map(|field| ((*field).to_owned(), answer[*field].clone())).collect::<serde_json::Map<_, _>>().into()
}

proptest! {
    #[test]
    fn a_stream_says_what_the_whole_answer_says(
        parts in said(), cuts in vec(any::<Index>(), 0..4), reason in select(REASONS), which in 0..DIALECTS.len(),
        grounded in any::<bool>(),
    ) {
        let Dialect { protocol, request, streamed, whole } = &DIALECTS[which];
        let accepted = protocol.accept(request.as_bytes().into()).unwrap();
        let candidate = |parts: &[Value], last: bool| {
            let mut candidate = json!({ "content": { "parts": parts, "role": "model" }, "index": 0 });
            if last {
                candidate["finishReason"] = json!(reason);
                if grounded {
                    candidate["groundingMetadata"] = json!({
                        "webSearchQueries": ["q"],
                        "groundingChunks": [{ "web": { "uri": "u", "title": "t" } }],
                        "groundingSupports": [{ "segment": { "endIndex": 1 }, "groundingChunkIndices": [0] }],
                    });
                }
            }
            candidate
        };
        let document = json!({ "candidates": [candidate(&parts, true)], "usageMetadata": usage(9) });
        let found = accepted.reply(stamp("m")).whole(document.to_string().as_bytes()).unwrap();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(parts.len() + 1)).collect();
        cuts.extend([0, parts.len()]);
        cuts.sort_unstable();
        let mut reply = accepted.reply(stamp("m"));
        let mut out = Vec::new();
        for (number, pair) in cuts.windows(2).enumerate() {
            let last = number + 2 == cuts.len();
            let event = json!({ "candidates": [candidate(&parts[pair[0]..pair[1]], last)], "usageMetadata": usage(if last { 9 } else { 4 }) });
            reply.event(event.to_string().as_bytes(), &mut out).unwrap();
        }
        reply.end(&mut out).unwrap();
        prop_assert_eq!(streamed(std::str::from_utf8(&out).unwrap()), whole(std::str::from_utf8(&found).unwrap()));
    }
}
