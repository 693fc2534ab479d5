//! Property tests: invariants of every request and every answer, on generated input.

use gemini_adapter::fault::Remedies;
use gemini_adapter::protocol::openai_chat::OpenAiChat;
use gemini_adapter::protocol::{Files, Notes, Protocol, Target};
use gemini_adapter::simulator::judge;
use gemini_adapter::store::Signatures;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

use crate::golden::{model, stamp};

const MODELS: &[&str] = &[
    "gemini-3.8-flash",
    "gemini-3.1-pro-preview",
    "gemini-2.5-pro",
    "gemini-2.5-flash",
    "gemini-2.5-flash-image",
    "gemini-2.0-flash",
    "gemini-flash-latest",
    "gemma-3-27b-it",
    "gemini-1.5-pro",
    "tunedModels/mine",
];
const PIXEL: &str = "data:image/png;base64,iVBORw0KGgo=";

/// A turn of a conversation: one message, or an assistant's calls with their results.
#[derive(Clone, Debug)]
enum Turn {
    Plain(Value),
    Calls { text: Value, calls: Vec<(String, String, String)>, order: Vec<Index>, between: Option<String>, again: bool },
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), Just(" ".to_owned()), "[a-z \\n\"\\\\]{0,12}", Just("ünï \u{1f600}".to_owned())]
}

fn content() -> impl Strategy<Value = Value> {
    let part = prop_oneof![
        texts().prop_map(|text| json!({ "type": "text", "text": text })),
        select(vec!["auto", "low", "high"])
            .prop_map(|detail| json!({ "type": "image_url", "image_url": { "url": PIXEL, "detail": detail } })),
        Just(json!({ "type": "input_audio", "input_audio": { "data": "UklGRg==", "format": "wav" } })),
        Just(
            json!({ "type": "file", "file": { "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0=" } })
        ),
    ];
    prop_oneof![texts().prop_map(Value::String), vec(part, 1..4).prop_map(Value::Array)]
}

fn assistant_text() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        texts().prop_map(Value::String),
        texts().prop_map(|text| json!([{ "type": "text", "text": text }, { "type": "refusal", "refusal": "no" }])),
    ]
}

fn arguments() -> impl Strategy<Value = String> {
    let odd = vec!["", "{}", "{\"a\":1}", "null", "[1]", "{broken", "9007199254740993", "{\"a\":{\"$ref\":\"x\"}}"];
    select(odd).prop_map(str::to_owned)
}

fn turn() -> impl Strategy<Value = Turn> {
    let plain = prop_oneof![
        texts().prop_map(|text| json!({ "role": "system", "content": text })),
        texts().prop_map(|text| json!({ "role": "developer", "content": [{ "type": "text", "text": text }] })),
        content().prop_map(|content| json!({ "role": "user", "name": "u", "content": content })),
        assistant_text().prop_map(|content| json!({ "role": "assistant", "content": content })),
    ];
    let ids = select(vec!["call_0", "call_1", "toolu_01A", "a b/c", "fc_1"]).prop_map(str::to_owned);
    let names = select(vec!["f", "get-weather", "1st", "a.b"]).prop_map(str::to_owned);
    let calls = (
        assistant_text(),
        vec((ids, names, arguments()), 1..4),
        vec(any::<Index>(), 4),
        proptest::option::of(texts()),
        any::<bool>(),
    )
        .prop_map(|(text, calls, order, between, again)| Turn::Calls { text, calls, order, between, again });
    prop_oneof![3 => plain.prop_map(Turn::Plain), 2 => calls]
}

/// The messages of the turns. Results come in any order, once more at times, and with a user's words between them.
fn messages(turns: Vec<Turn>) -> Vec<Value> {
    let mut messages = Vec::new();
    for turn in turns {
        match turn {
            Turn::Plain(message) => messages.push(message),
            Turn::Calls { text, calls, order, between, again } => {
                let called: Vec<Value> = calls
                    .iter()
                    .map(|(id, name, arguments)| {
                        json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
                    })
                    .collect();
                messages.push(json!({ "role": "assistant", "content": text, "tool_calls": called }));
                let mut results: Vec<Value> = calls
                    .iter()
                    .map(|(id, _, content)| json!({ "role": "tool", "tool_call_id": id, "content": content }))
                    .collect();
                for (at, index) in order.iter().enumerate().take(results.len()) {
                    let other = index.index(results.len());
                    results.swap(at, other);
                }
                let repeated = results.first().cloned().filter(|_| again);
                messages.extend(results.pop());
                messages.extend(between.map(|text| json!({ "role": "user", "content": text })));
                messages.extend(results);
                messages.extend(repeated);
            }
        }
    }
    messages
}

fn schemas() -> impl Strategy<Value = Value> {
    let leaf = select(vec![
        json!({ "type": "string" }),
        json!({ "type": ["integer", "null"], "exclusiveMinimum": 0 }),
        json!({ "const": 1 }),
        json!({ "const": "a" }),
        json!({ "enum": [1, "a", null] }),
        json!({ "type": "string", "format": "email", "nullable": true }),
        json!({ "$ref": "#/$defs/Node", "description": "again" }),
        json!({ "type": "array" }),
        json!({ "type": "array", "prefixItems": [{ "type": "string" }, {}] }),
        json!({ "allOf": [{ "$ref": "#/$defs/Node" }, { "required": ["next"] }] }),
        json!(true),
        json!({}),
        json!({ "type": "object", "patternProperties": { "^x": {} } }),
    ]);
    let schema = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(("[a-c]|title|enum|\\$ref", inner.clone()), 0..3).prop_map(|named| {
                let required: Vec<String> = named.iter().map(|(name, _)| name.clone()).collect();
                json!({ "type": "object", "properties": named.into_iter().collect::<Map<_, _>>(), "required": required })
            }),
            inner.clone().prop_map(|items| json!({ "type": "array", "items": items })),
            vec(inner, 1..3).prop_map(|any| json!({ "anyOf": any })),
        ]
    });
    schema.prop_map(|schema| {
        let node = json!({ "type": "object", "properties": { "next": { "$ref": "#/$defs/Node" } } });
        json!({ "type": "object", "properties": { "p": schema }, "$defs": { "Node": node } })
    })
}

fn requests() -> impl Strategy<Value = Value> {
    let fields = (
        proptest::option::of(select(vec!["none", "minimal", "low", "medium", "high", "xhigh"])),
        proptest::option::of(schemas()),
        proptest::option::of(schemas()),
        proptest::option::of(-5_i64..5_000_000_000),
        proptest::option::of(1_i64..2_000_000),
        any::<bool>(),
    );
    (vec(turn(), 1..7), fields).prop_map(|(turns, (effort, tool, format, seed, limit, search))| {
        let mut request = json!({ "model": "gpt-4o", "messages": messages(turns), "presence_penalty": 0.5 });
        let mut tools = Vec::new();
        tools.extend(
            tool.map(|schema| json!({ "type": "function", "function": { "name": "f", "parameters": schema } })),
        );
        tools.extend(search.then(|| json!({ "type": "web_search" })));
        let format =
            format.map(|schema| json!({ "type": "json_schema", "json_schema": { "name": "n", "schema": schema } }));
        for (name, value) in [
            ("reasoning_effort", effort.map(|effort| json!(effort))),
            ("seed", seed.map(|seed| json!(seed))),
            ("max_completion_tokens", limit.map(|limit| json!(limit))),
            ("tools", (!tools.is_empty()).then_some(Value::Array(tools))),
            ("response_format", format),
        ] {
            if let Some(value) = value {
                request[name] = value;
            }
        }
        request
    })
}

/// Anything that is JSON.
fn documents() -> impl Strategy<Value = Value> {
    let words = vec![
        "model",
        "messages",
        "role",
        "content",
        "user",
        "assistant",
        "tool",
        "tool_calls",
        "type",
        "text",
        "function",
        "name",
        "arguments",
        "id",
        "candidates",
        "parts",
        "functionCall",
        "args",
        "finishReason",
        "usageMetadata",
        "index",
        "groundingMetadata",
        "promptFeedback",
        "inlineData",
        "thoughtSignature",
        "tools",
        "response_format",
    ];
    let word = select(words).prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| json!(number)),
        word.clone().prop_map(Value::String),
        ".{0,6}".prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((word.clone(), inner), 0..5).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// What Gemini says: pieces of a stream, in the order of their kinds.
pub fn said() -> impl Strategy<Value = Vec<Value>> {
    let part = prop_oneof![
        4 => texts().prop_map(|text| json!({ "text": text })),
        1 => texts().prop_map(|text| json!({ "text": text, "thought": true })),
        2 => select(vec![json!({ "name": "f", "args": { "a": 1 } }), json!({ "name": "g", "id": "hq1dul8c" })])
            .prop_map(|call| json!({ "functionCall": call })),
        1 => Just(json!({ "functionCall": { "name": "f" }, "thoughtSignature": "QUE=" })),
        1 => Just(json!({ "text": "", "thoughtSignature": "QkI=" })),
        1 => Just(json!({ "inlineData": { "mimeType": "image/png", "data": "iVBORw0KGgo=" } })),
        1 => Just(json!({ "executableCode": { "language": "PYTHON", "code": "print(1)" } })),
    ];
    vec(part, 0..8)
}

pub const REASONS: &[&str] = &["STOP", "MAX_TOKENS", "SAFETY", "NEW_THING"];

pub fn usage(total: u64) -> Value {
    json!({ "promptTokenCount": 3, "candidatesTokenCount": total, "thoughtsTokenCount": 2, "cachedContentTokenCount": 1 })
}

/// The message a client puts together from the deltas of a stream, and the rest of the answer.
fn gathered(out: &[u8]) -> Value {
    let text = std::str::from_utf8(out).unwrap();
    let events = text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).filter(|event| *event != "[DONE]");
    let mut message = json!({ "content": "", "reasoning": "", "calls": [], "images": [], "annotations": [] });
    let (mut finish, mut usage) = (Value::Null, Value::Null);
    for event in events {
        let chunk: Value = serde_json::from_str(event).unwrap();
        if chunk["usage"].is_object() {
            usage = chunk["usage"].clone();
        }
        let choice = &chunk["choices"][0];
        let delta = &choice["delta"];
        let append = |to: &mut Value, from: &Value| {
            *to = json!(to.as_str().unwrap().to_owned() + from.as_str().unwrap_or_default());
        };
        append(&mut message["content"], &delta["content"]);
        append(&mut message["reasoning"], &delta["reasoning_content"]);
        for name in ["images", "annotations"] {
            let more = delta[name].as_array().cloned().unwrap_or_default();
            message[name].as_array_mut().unwrap().extend(more);
        }
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let calls = message["calls"].as_array_mut().unwrap();
            match calls.get_mut(usize::try_from(call["index"].as_u64().unwrap()).unwrap()) {
                Some(known) => append(&mut known["arguments"], &call["function"]["arguments"]),
                None => calls.push(call_of(call)),
            }
        }
        if choice["finish_reason"].is_string() {
            finish = choice["finish_reason"].clone();
        }
    }
    json!({ "message": message, "finish": finish, "usage": usage })
}

fn call_of(call: &Value) -> Value {
    let function = &call["function"];
    json!({ "id": call["id"], "name": function["name"], "arguments": function["arguments"], "extra": call["extra_content"] })
}

fn whole(out: &[u8]) -> Value {
    let answer: Value = serde_json::from_slice(out).unwrap();
    let choice = &answer["choices"][0];
    let told = &choice["message"];
    let list = |name: &str| told[name].as_array().cloned().unwrap_or_default();
    let calls: Vec<Value> = list("tool_calls").iter().map(call_of).collect();
    let message = json!({
        "content": told["content"].as_str().unwrap_or_default(),
        "reasoning": told["reasoning_content"].as_str().unwrap_or_default(),
        "calls": calls,
        "images": list("images"),
        "annotations": list("annotations"),
    });
    json!({ "message": message, "finish": choice["finish_reason"], "usage": answer["usage"] })
}

proptest! {
    /// Whatever conversation OpenAI would take, Gemini takes what it becomes.
    #[test]
    fn a_valid_request_becomes_a_valid_request(request in requests(), name in select(MODELS)) {
        let body = request.to_string();
        let accepted = OpenAiChat.accept(body.as_bytes().into()).unwrap();
        let (model, signatures, notes) = (model(name), Signatures::default(), Notes::on());
        let translated = accepted.call(&Target { model: &model, signatures: &signatures, files: &Files::Refused, earlier: None, remedies: Remedies::default(), notes: &notes });
        let translated = translated.map_err(|error| TestCaseError::fail(format!("{error}")))?;
        let translated: Value = serde_json::from_slice(&translated).unwrap();
        if let Err(why) = judge(name, &translated) {
            prop_assert!(false, "{name}: {why}\n{translated:#}");
        }
        // Every field that was sent has a verdict, and none that was not.
        let told = accepted.verdicts(notes.into_list());
        for field in request.as_object().unwrap().keys() {
            prop_assert!(told.iter().any(|note| note.field.starts_with(field)), "{field} has no verdict");
        }
    }

    /// A client that puts the pieces of a stream together has the message it would have got whole.
    #[test]
    fn a_stream_says_what_the_whole_answer_says(
        parts in said(), cuts in vec(any::<Index>(), 0..4), reason in select(REASONS), grounded in any::<bool>(),
    ) {
        let request = br#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"x"}],"tools":[{"google_search":{}}]}"#;
        let accepted = OpenAiChat.accept((&request[..]).into()).unwrap();
        let sources = json!({
            "groundingChunks": [{ "web": { "uri": "u", "title": "t" } }],
            "groundingSupports": [{ "segment": { "endIndex": 1 }, "groundingChunkIndices": [0] }],
        });
        let candidate = |parts: &[Value], last: bool| {
            let mut candidate = json!({ "content": { "parts": parts, "role": "model" }, "index": 0 });
            if last {
                candidate["finishReason"] = json!(reason);
                if grounded {
                    candidate["groundingMetadata"] = sources.clone();
                }
            }
            candidate
        };
        let document = json!({ "candidates": [candidate(&parts, true)], "usageMetadata": usage(9) });
        let found = accepted.reply(stamp("m")).whole(document.to_string().as_bytes());
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
        prop_assert_eq!(gathered(&out), whole(&found.unwrap()));
    }

    /// No document, sent or received, brings the translator down.
    #[test]
    fn nothing_panics(document in documents(), name in select(MODELS)) {
        let body = document.to_string();
        let (model, signatures) = (model(name), Signatures::default());
        for body in [body.clone(), json!({ "model": "m", "messages": document }).to_string()] {
            if let Ok(accepted) = OpenAiChat.accept(body.as_bytes().into()) {
                let notes = Notes::on();
                let called = accepted.call(&Target { model: &model, signatures: &signatures, files: &Files::Refused, earlier: None, remedies: Remedies::default(), notes: &notes });
                prop_assert!(called.is_ok() || called.is_err_and(|error| (400..500).contains(&error.status)));
                accepted.verdicts(notes.into_list());
            }
        }
        let request = br#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#;
        let accepted = OpenAiChat.accept((&request[..]).into()).unwrap();
        for body in [body, json!({ "candidates": document }).to_string()] {
            let mut out = Vec::new();
            let mut reply = accepted.reply(stamp("m"));
            let _ = reply.event(body.as_bytes(), &mut out).and_then(|()| reply.end(&mut out));
            let _ = accepted.reply(stamp("m")).whole(body.as_bytes());
        }
    }
}
