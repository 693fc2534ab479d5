//! What plugins cost: a request's hooks with 0, 1 and 5 plugins, and a streamed piece's, against no plugins in the same run.
//!
//! `cargo bench --bench plugins`

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot begin has nothing to say")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use gemini_adapter::plugin::Verdict;
use serde_json::json;

#[path = "../bench/plugged.rs"]
mod plugged;
use plugged::{plugins, session};

/// Looks at the request and changes nothing; looks at each piece and changes nothing.
const LOOKS: &str = "fn on_request(ctx) { if ctx.req.last_user_text == \"\" { ctx.vars.empty = true; } } \
                     fn on_chunk(ctx) { if ctx.chunk.text == \"x\" { ctx.chunk.drop(); } }";
/// Changes the request; replaces in each piece.
const CHANGES: &str = "fn on_request(ctx) { ctx.req.last_user_text += \" please\"; } \
                       fn on_text(ctx) { ctx.replace(\"[0-9]{4}\", \"***\"); }";
/// Has hooks of which none does anything.
const NOTHING: &str = "fn on_request(ctx) { } fn on_chunk(ctx) { }";

/// A conversation of about so many bytes.
fn request(bytes: usize) -> Bytes {
    let turn = json!({ "role": "user", "content": "a word and another one ".repeat(40) });
    let turns = (bytes / 920).max(1);
    json!({ "model": "gpt-4o", "messages": vec![turn; turns] }).to_string().into()
}

fn requests(criterion: &mut Criterion) {
    for (size, body) in [("1KB", request(1000)), ("100KB", request(100_000))] {
        let mut group = criterion.benchmark_group(format!("request_{size}"));
        for (name, count, source) in [
            ("none", 0, ""),
            ("nothing_1", 1, NOTHING),
            ("looks_1", 1, LOOKS),
            ("looks_5", 5, LOOKS),
            ("changes_1", 1, CHANGES),
            ("changes_5", 5, CHANGES),
        ] {
            let plugins = plugins(count, source);
            group.bench_function(name, |bencher| {
                bencher.iter(|| match session(&plugins).on_request(black_box(body.clone())).unwrap() {
                    Verdict::Continue(body) => body,
                    Verdict::Reply(_) => Bytes::new(),
                });
            });
        }
        group.finish();
    }
}

fn chunks(criterion: &mut Criterion) {
    let event = json!({ "candidates": [{ "content": { "role": "model", "parts": [{ "text": "a few words of an answer, " }] }, "index": 0 }],
        "usageMetadata": { "promptTokenCount": 10, "totalTokenCount": 20 }, "modelVersion": "gemini-2.5-flash", "responseId": "r" });
    let event = Bytes::from(event.to_string());
    let mut group = criterion.benchmark_group("chunk");
    for (name, count, source) in [
        ("none", 0, ""),
        ("nothing_1", 1, NOTHING),
        ("looks_1", 1, LOOKS),
        ("looks_5", 5, LOOKS),
        ("replaces_1", 1, CHANGES),
        ("replaces_5", 5, CHANGES),
    ] {
        let plugins = plugins(count, source);
        let session = session(&plugins);
        group.bench_function(name, |bencher| bencher.iter(|| session.on_chunk(black_box(event.clone())).unwrap()));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).warm_up_time(std::time::Duration::from_millis(300)).measurement_time(std::time::Duration::from_secs(1));
    targets = requests, chunks
}
criterion_main!(benches);
