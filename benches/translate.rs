//! What translating costs, alone: a request in, the Gemini request out; a Gemini answer in, OpenAI's out.
//!
//! `cargo bench --bench translate`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gemini_adapter::fault::Remedies;
use gemini_adapter::model::{Model, ModelName};
use gemini_adapter::models::facts;
use gemini_adapter::protocol::openai_chat::OpenAiChat;
use gemini_adapter::protocol::{Files, Notes, Protocol, Stamp, Target};
use gemini_adapter::store::Signatures;
use serde_json::{Value, json};

/// A question of about 1 KB.
fn small() -> Value {
    let question = "Why is the sky blue, and the grass green? ".repeat(23);
    json!({ "model": "gpt-4o", "temperature": 0.7, "messages": [
        { "role": "system", "content": "Be brief." }, { "role": "user", "content": question },
    ] })
}

/// About 17 KB of tools, as agents send them.
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

/// About 98 KB of conversation with calls and results.
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

fn model() -> Model {
    let name = ModelName::parse("gemini-3.8-flash").expect("a name");
    Model { facts: facts::of(name.as_str()), name }
}

fn stamp() -> Stamp {
    let signatures = Signatures::default();
    Stamp {
        id: "bench".into(),
        created: 1_700_000_000,
        model: "gpt-4o".into(),
        seed: 7,
        signatures,
        earlier: None,
        check_json: false,
    }
}

fn requests(criterion: &mut Criterion) {
    let (model, signatures) = (model(), Signatures::default());
    let mut group = criterion.benchmark_group("request");
    for (name, request) in [("1 KB", small()), ("17 KB of tools", tools()), ("98 KB of history", history())] {
        let body = request.to_string();
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(format!("{name} ({} bytes)", body.len()), |bencher| {
            bencher.iter(|| {
                let notes = Notes::off();
                let target = Target {
                    model: &model,
                    signatures: &signatures,
                    files: &Files::Refused,
                    earlier: None,
                    remedies: Remedies::default(),
                    notes: &notes,
                };
                let accepted = OpenAiChat.accept(black_box(body.as_bytes()).into()).expect("a request");
                accepted.call(&target).expect("a Gemini request")
            });
        });
    }
}

fn answers(criterion: &mut Criterion) {
    let request = small().to_string();
    let accepted = OpenAiChat.accept(request.as_bytes().into()).expect("a request");
    let usage = json!({ "promptTokenCount": 9, "candidatesTokenCount": 5, "totalTokenCount": 14 });
    let event = |text: &str, finish: Option<&str>| {
        json!({
            "candidates": [{ "content": { "parts": [{ "text": text }], "role": "model" }, "finishReason": finish, "index": 0 }],
            "usageMetadata": usage, "modelVersion": "gemini-3.8-flash", "responseId": "r",
        })
        .to_string()
    };
    let mut group = criterion.benchmark_group("answer");
    let whole = event(&"Because of how light is scattered. ".repeat(30), Some("STOP"));
    group.throughput(Throughput::Bytes(whole.len() as u64));
    group.bench_function("1 KB whole", |bencher| {
        bencher.iter(|| accepted.reply(stamp()).whole(black_box(whole.as_bytes())).expect("an answer"));
    });
    let piece = event("Because of how light is scattered, mostly, and then some more of it.", None);
    let last = event("", Some("STOP"));
    group.throughput(Throughput::Elements(101));
    group.bench_function("100 events", |bencher| {
        bencher.iter(|| {
            let mut reply = accepted.reply(stamp());
            let mut out = Vec::with_capacity(32 * 1024);
            for _ in 0..100 {
                reply.event(black_box(piece.as_bytes()), &mut out).expect("an event");
            }
            reply.event(last.as_bytes(), &mut out).and_then(|()| reply.end(&mut out)).expect("an end");
            out
        });
    });
}

criterion_group!(benches, requests, answers);
criterion_main!(benches);
