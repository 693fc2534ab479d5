//! The hot paths, each isolated and with its own setup: `benches/paths.rs` measures their time, `bench/count.rs` runs
//! them for instruction counting.

use std::hint::black_box;

use bytes::Bytes;
use gemini_adapter::clock::Clock;
use gemini_adapter::environment::{Environment, SecretRef};
use gemini_adapter::fault::Remedies;
use gemini_adapter::keys::settings::KeySettings;
use gemini_adapter::keys::{CooldownSettings, KeyPool, LeaseRequest, Ledger, PoolSettings, Tried};
use gemini_adapter::model::{Model, ModelName};
use gemini_adapter::models::facts;
use gemini_adapter::plugin::Verdict;
use gemini_adapter::problem::Problems;
use gemini_adapter::protocol::openai_chat::OpenAiChat;
use gemini_adapter::protocol::{AnswerContext, Files, Notes, Protocol, Target};
use gemini_adapter::store::Signatures;
use gemini_adapter::wire::sse::{Decoder, Event};
use serde_json::{Value, json};

#[path = "plugged.rs"]
mod plugged;
use plugged::{plugins, session};

/// A benchmark case: one hot path.
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// Runs it once.
    pub turn: Box<dyn FnMut()>,
}

/// Returns all cases.
pub fn all() -> Vec<Case> {
    let events = stream();
    vec![
        Case { name: "request_1kb", turn: request(&small()) },
        Case { name: "request_20_tools", turn: request(&tools()) },
        Case { name: "request_20_new_tools", turn: request_anew(&tools()) },
        Case { name: "request_98kb", turn: request(&history()) },
        Case { name: "answer_1kb", turn: answer() },
        Case { name: "answer_100_events", turn: answered_events(events.clone()) },
        Case { name: "decode_100_events", turn: decode(events) },
        Case { name: "lease_of_10_keys", turn: lease() },
        Case { name: "plugin_request", turn: plugin_request() },
        Case { name: "plugin_chunk", turn: plugin_chunk() },
    ]
}

/// A prompt of about 1 KB.
fn small() -> Value {
    let question = "Why is the sky blue, and the grass green? ".repeat(23);
    json!({ "model": "gpt-4o", "temperature": 0.7, "messages": [
        { "role": "system", "content": "Be brief." }, { "role": "user", "content": question },
    ] })
}

/// A request with about 17 KB of tools, as agents send them.
fn tools() -> Value {
    let tool = |number: usize| {
        let property = |name: &str| json!({ "type": "string", "description": format!("The {name} that the tool is to work on, as the user wrote it.") });
        let mut properties = serde_json::Map::new();
        for name in ["path", "pattern", "replacement", "language", "reason"] {
            properties.insert(name.to_owned(), property(name));
        }
        properties.insert("limit".into(), json!({ "type": "integer", "minimum": 1, "maximum": 1000, "default": 100 }));
        properties.insert("mode".into(), json!({ "enum": ["fast", "exact"], "type": "string" }));
        let parameters = json!({ "type": "object", "properties": properties, "required": ["path", "pattern"], "additionalProperties": false });
        json!({ "type": "function", "function": {
            "name": format!("tool_{number}"), "description": "Does what its name says, and nothing besides.", "parameters": parameters,
        } })
    };
    let mut request = small();
    request["tools"] = (0..20).map(tool).collect();
    request
}

/// A request with about 98 KB of conversation, including tool calls and results.
fn history() -> Value {
    let mut request = tools();
    let mut messages = vec![json!({ "role": "system", "content": "Be brief." })];
    let listing = "src/main.rs: fn main() { println!(\"hello\"); }\n".repeat(55);
    for turn in 0..28 {
        let id = format!("call_{turn:024}");
        let call = json!({ "id": id, "type": "function", "function": { "name": "tool_1", "arguments": "{\"path\":\"src\",\"pattern\":\"main\"}" } });
        messages.push(json!({ "role": "user", "content": "And where is it called?" }));
        messages.push(json!({ "role": "assistant", "content": null, "tool_calls": [call] }));
        messages.push(json!({ "role": "tool", "tool_call_id": id, "content": listing }));
        messages.push(json!({ "role": "assistant", "content": "In one place." }));
    }
    messages.push(json!({ "role": "user", "content": "Thanks. And now?" }));
    request["messages"] = Value::Array(messages);
    request
}

/// Parses an OpenAI request and translates it into a Gemini request.
fn request(request: &Value) -> Box<dyn FnMut()> {
    let (body, mut translate) = (request.to_string(), translation());
    Box::new(move || translate(body.as_bytes()))
}

/// The same, with tools that are different each time, so that they cannot be remembered.
fn request_anew(request: &Value) -> Box<dyn FnMut()> {
    let (body, mut translate) = (request.to_string(), translation());
    let (before, after) = body.split_once("nothing besides").expect("the description of the first tool");
    let (mut body, after, mut number) = (before.to_owned(), after.to_owned(), 0_u64);
    let start = body.len();
    Box::new(move || {
        number += 1;
        body.truncate(start);
        body.push_str(&format!("{number:010}{after}"));
        translate(body.as_bytes());
    })
}

fn translation() -> impl FnMut(&[u8]) {
    let name = ModelName::parse("gemini-3.8-flash").expect("a name");
    let model = Model { facts: facts::of(name.as_str()), name };
    let signatures = Signatures::default();
    move |body| {
        let notes = Notes::off();
        let target = Target {
            model: &model,
            signatures: &signatures,
            files: &Files::Refused,
            earlier: None,
            remedies: Remedies::default(),
            notes: &notes,
        };
        let accepted = OpenAiChat.accept(black_box(body).into()).expect("a request");
        black_box(accepted.call(&target).expect("a Gemini request"));
    }
}

fn stamp(signatures: &Signatures) -> AnswerContext {
    AnswerContext {
        id: "bench".into(),
        created: 1_700_000_000,
        model: "gpt-4o".into(),
        seed: 7,
        signatures: signatures.clone(),
        earlier: None,
        check_json: false,
    }
}

/// One Gemini event, or a whole answer.
fn said(text: &str, finish: Option<&str>) -> String {
    json!({
        "candidates": [{ "content": { "parts": [{ "text": text }], "role": "model" }, "finishReason": finish, "index": 0 }],
        "usageMetadata": { "promptTokenCount": 9, "candidatesTokenCount": 5, "totalTokenCount": 14 },
        "modelVersion": "gemini-3.8-flash", "responseId": "r",
    })
    .to_string()
}

/// 100 events and a final one, as Gemini sends them.
fn stream() -> Vec<String> {
    let piece = said("Because of how light is scattered, mostly, and then some more of it.", None);
    let mut events = vec![piece; 100];
    events.push(said("", Some("STOP")));
    events
}

/// Translates a whole Gemini answer into an OpenAI answer.
fn answer() -> Box<dyn FnMut()> {
    let request = small().to_string();
    let whole = said(&"Because of how light is scattered. ".repeat(30), Some("STOP"));
    let signatures = Signatures::default();
    Box::new(move || {
        let accepted = OpenAiChat.accept(request.as_bytes().into()).expect("a request");
        black_box(accepted.reply(stamp(&signatures)).whole(black_box(whole.as_bytes())).expect("an answer"));
    })
}

/// Translates the events of a Gemini stream into OpenAI events.
fn answered_events(events: Vec<String>) -> Box<dyn FnMut()> {
    let (request, signatures) = (small().to_string(), Signatures::default());
    Box::new(move || {
        let accepted = OpenAiChat.accept(request.as_bytes().into()).expect("a request");
        let mut reply = accepted.reply(stamp(&signatures));
        let mut out = Vec::with_capacity(32 * 1024);
        for event in &events {
            reply.event(black_box(event.as_bytes()), &mut out).expect("an event");
        }
        reply.end(&mut out).expect("an end");
        black_box(out);
    })
}

/// Decodes bytes into events, split at network packet size.
fn decode(events: Vec<String>) -> Box<dyn FnMut()> {
    let sent: String = events.iter().map(|event| format!("data: {event}\r\n\r\n")).collect();
    let pieces: Vec<Bytes> = sent.as_bytes().chunks(1400).map(Bytes::copy_from_slice).collect();
    Box::new(move || {
        let mut decoder = Decoder::default();
        let mut found = 0;
        for piece in &pieces {
            decoder.push(piece.clone()).expect("not too large");
            while let Some(event) = decoder.next() {
                found += usize::from(matches!(black_box(event), Event::Data(_)));
            }
        }
        assert_eq!(found, 101);
    })
}

/// Leases a key, reports success, and returns it.
fn lease() -> Box<dyn FnMut()> {
    let key = |number: usize| KeySettings::from(SecretRef::parse(&format!("bench-gemini-key-{number:02}-000000")));
    let settings = PoolSettings { keys: (0..10).map(key).collect(), ..PoolSettings::default() };
    let mut problems = Problems::new();
    let (cooldown, environment, ledger) = (CooldownSettings::default(), Environment::default(), Ledger::seeded(7));
    let pool = KeyPool::prepare("default", &settings, &cooldown, &environment, &ledger, &mut problems).expect("a pool");
    let (model, tried, now) =
        (ModelName::parse("gemini-3.8-flash").expect("a name"), Tried::default(), Clock::start().now());
    Box::new(move || {
        let ask = LeaseRequest { model: &model, tried: &tried, affinity: None, may_wait: false };
        pool.lease(black_box(&ask), now).expect("a key").succeeded(now);
    })
}

/// A plugin that reads the request and each chunk and changes nothing.
const PLUGIN: &str = "fn on_request(ctx) { if ctx.req.last_user_text == \"\" { ctx.vars.empty = true; } } \
                      fn on_chunk(ctx) { if ctx.chunk.text == \"x\" { ctx.chunk.drop(); } }";

/// Passes a request through a plugin.
fn plugin_request() -> Box<dyn FnMut()> {
    let (plugins, body) = (plugins(1, PLUGIN), Bytes::from(small().to_string()));
    Box::new(move || match session(&plugins).on_request(black_box(body.clone())).expect("a verdict") {
        Verdict::Continue(body) => drop(black_box(body)),
        Verdict::Reply(_) => unreachable!("the plugin never replies"),
    })
}

/// Passes a chunk through a plugin.
fn plugin_chunk() -> Box<dyn FnMut()> {
    let (plugins, event) = (plugins(1, PLUGIN), Bytes::from(said("a few words of an answer, ", None)));
    let session = session(&plugins);
    Box::new(move || drop(black_box(session.on_chunk(black_box(event.clone())).expect("a piece"))))
}
