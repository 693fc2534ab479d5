//! The model's output, piece by piece and at once.

use serde_json::{Value, json};

use super::*;

fn event(parts: &Value, finish: bool) -> Bytes {
    let mut candidate = json!({ "content": { "role": "model", "parts": parts } });
    if finish {
        candidate["finishReason"] = json!("STOP");
    }
    json!({ "candidates": [candidate] }).to_string().into()
}

/// Returns the parts that are passed on for each event, abbreviated.
fn through(source: &str, events: &[(Value, bool)]) -> Vec<Vec<String>> {
    let (plugins, problems) = load(&[("p.rhai", source)], PluginsSettings::default());
    assert!(problems.is_empty(), "{problems}");
    let session = session(&plugins);
    let told = events.iter().map(|(parts, finish)| session.on_chunk(event(parts, *finish)).unwrap().unwrap());
    told.map(|bytes| short(&bytes)).collect()
}

fn short(bytes: &[u8]) -> Vec<String> {
    let event: Value = serde_json::from_slice(bytes).unwrap();
    let parts = event["candidates"][0]["content"]["parts"].as_array().cloned().unwrap_or_default();
    let mark = |part: &Value| match part {
        part if part["thought"] == true => format!("({})", part["text"].as_str().unwrap()),
        part if part["text"].is_string() => part["text"].as_str().unwrap().to_owned(),
        part => part["functionCall"]["args"].to_string(),
    };
    parts.iter().map(mark).collect()
}

fn text(text: &str) -> Value {
    json!([{ "text": text }])
}

#[test]
fn a_secret_in_seven_pieces_is_masked() {
    let source = "fn on_text(ctx) { ctx.replace(`sk-[a-z0-9]{8}`, \"***\"); }";
    let pieces = ["my key is s", "k", "-ab", "cd", "12", "3", "4, keep it", ""];
    let events: Vec<(Value, bool)> =
        pieces.iter().enumerate().map(|(at, piece)| (text(piece), at + 1 == pieces.len())).collect();
    let told = through(source, &events);
    assert_eq!(told.concat().concat(), "my key is ***, keep it");
    assert_eq!(told[0], ["my key is "], "what cannot become a match does not wait");
    let whole = through(source, &[(text(&pieces.concat()), true)]);
    assert_eq!(whole.concat().concat(), "my key is ***, keep it");
}

#[test]
fn what_is_held_back_comes_before_anything_else() {
    let source = "fn on_text(ctx) { ctx.hold(3); }";
    let call = json!([{ "functionCall": { "name": "f", "args": { "a": 1 } } }]);
    let thought = json!([{ "text": "hm", "thought": true }]);
    let told = through(
        source,
        &[(text("abcdef"), false), (call, false), (text("ghij"), false), (thought, false), (json!([]), true)],
    );
    assert_eq!(told, [vec!["abc"], vec!["def", "{\"a\":1}"], vec!["g"], vec!["hij", "(hm)"], vec![]]);
}

#[test]
fn texts_are_dropped_and_added() {
    let source = r#"
        fn on_reasoning(ctx) { ctx.text = ""; }
        fn on_text(ctx) { if ctx.last { ctx.text += "."; } }
        fn on_tool_arguments(ctx) { if ctx.tool == "f" { ctx.text = ctx.text.replace("1", "2"); } }
        fn on_end(ctx) { ctx.text = " Bye"; }
    "#;
    let all = json!([{ "text": "hm", "thought": true }, { "text": "Hello" }, { "functionCall": { "name": "f", "args": { "a": 1 } } }]);
    assert_eq!(through(source, &[(all, true)]), [["Hello.", "{\"a\":2}", " Bye"]]);
    let told = through(
        source,
        &[(json!([{ "text": "hm", "thought": true }]), false), (text("Hel"), false), (text("lo"), true)],
    );
    assert_eq!(told, [vec![], vec!["Hel"], vec!["lo.", " Bye"]]);
}

#[test]
fn everything_may_wait_for_the_end() {
    let source = "fn on_text(ctx) { if !ctx.last { ctx.hold_to_end(); return; } ctx.text = json_repair(ctx.text); }";
    let told = through(
        source,
        &[(text("```json\n{\"a\""), false), (text(": [1,"), false), (text("]}\n```"), false), (json!([]), true)],
    );
    assert_eq!(told.concat(), ["{\"a\": [1]}"]);
}

#[test]
fn signatures_stay_where_they_are() {
    let source = "fn on_text(ctx) { ctx.text = \"\"; }";
    let (plugins, _) = load(&[("p.rhai", source)], PluginsSettings::default());
    let parts = json!([{ "text": "secret", "thoughtSignature": "c2ln" }]);
    let told = session(&plugins).on_chunk(event(&parts, true)).unwrap().unwrap();
    assert!(String::from_utf8_lossy(&told).contains("c2ln"));
}

#[test]
fn candidates_do_not_mix() {
    let source = "fn on_text(ctx) { ctx.hold(1); ctx.text += ctx.candidate.to_string(); }";
    let (plugins, problems) = load(&[("p.rhai", source)], PluginsSettings::default());
    assert!(problems.is_empty(), "{problems}");
    let session = session(&plugins);
    let two = json!({ "candidates": [
        { "index": 0, "content": { "parts": [{ "text": "ab" }] } }, { "index": 1, "content": { "parts": [{ "text": "xy" }] } },
    ] });
    let end = json!({ "candidates": [{ "index": 1, "finishReason": "STOP" }, { "index": 0, "finishReason": "STOP" }] });
    let first: Value = serde_json::from_slice(&session.on_chunk(two.to_string().into()).unwrap().unwrap()).unwrap();
    let last: Value = serde_json::from_slice(&session.on_chunk(end.to_string().into()).unwrap().unwrap()).unwrap();
    let said = |event: &Value, at: usize| event["candidates"][at]["content"]["parts"][0]["text"].clone();
    assert_eq!([said(&first, 0), said(&first, 1), said(&last, 0), said(&last, 1)], ["a0", "x1", "y1", "b0"]);
}

#[test]
fn one_that_does_nothing_leaves_the_same_bytes() {
    let source = "fn on_text(ctx) { let t = ctx.text; ctx.text = t; } fn on_reasoning(ctx) { } fn on_tool_arguments(ctx) { } fn on_end(ctx) { } fn on_chunk(ctx) { }";
    let (plugins, _) = load(&[("p.rhai", source)], PluginsSettings::default());
    let odd = br#"{ "candidates" : [ {"content":{"parts":[{"text":"\u0041"},{"functionCall":{"name":"f","args":{ "n":12345678901234567890 }}}]}, "finishReason":"STOP"}],"x":1.0 }"#;
    let event = Bytes::from_static(odd);
    assert_eq!(session(&plugins).on_chunk(event.clone()).unwrap().unwrap(), event);
    assert_eq!(session(&plugins).on_upstream_response(Some(event.clone())).unwrap().unwrap(), event);
}

#[test]
fn one_that_fails_and_may_lets_everything_pass() {
    let source = "//! on_error = \"skip\"\nfn on_text(ctx) { if ctx.text.contains(\"x\") { throw 1; } ctx.hold(2); }";
    let told = through(source, &[(text("abc"), false), (text("x"), false), (text("d"), true)]);
    assert_eq!(told.concat().concat(), "abcxd");
}

#[test]
fn a_refusal_ends_it() {
    let (plugins, _) =
        load(&[("p.rhai", "fn on_text(ctx) { reject(451, \"no\", \"No.\"); }")], PluginsSettings::default());
    assert_eq!(session(&plugins).on_chunk(event(&text("a"), false)).unwrap_err().status, 451);
}

#[test]
fn what_a_call_for_a_piece_does_counts_as_that_of_any_other() {
    use crate::telemetry::Costs;
    let source = "fn on_text(ctx) { ctx.no_store(); ctx.vars.seen = true; }";
    let (plugins, problems) = load(&[("p.rhai", source)], PluginsSettings::default());
    assert!(problems.is_empty(), "{problems}");
    let session = session(&plugins);
    assert!(session.may_store());
    session.on_chunk(event(&text("hi"), true)).unwrap();
    assert!(!session.may_store(), "`no_store` forbids to cache the answer");
    let costs = session.costs();
    assert_eq!(costs.iter().map(|cost| (cost.hook, cost.calls)).collect::<Vec<_>>(), [("on_text", 1)]);
}
