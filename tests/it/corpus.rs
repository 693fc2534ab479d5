//! Recorded traffic: every recorded Gemini answer goes through the translator, whole or split anywhere, and nothing
//! may be lost: text, reasoning, tool calls, usage and finish reason must match the recording. The recordings are
//! not part of the repository; if they are absent, the test prints one line and is skipped.

use std::path::PathBuf;

use bytes::Bytes;
use gemini_adapter::protocol::Protocol;
use gemini_adapter::protocol::openai_chat::OpenAiChat;
use gemini_adapter::wire::sse::{Decoder, Event};
use serde_json::{Map, Value, json};

use crate::golden::stamp;

const REQUEST: &[u8] =
    br#"{"model":"gemini","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"x"}]}"#;

/// Every recording by name; None where there are none.
pub fn recordings() -> Option<Vec<(String, Value)>> {
    let mut cases = recordings_of("gemini")?;
    cases.extend(recordings_of("gemini-vertex")?);
    cases.sort_by(|one, other| one.0.cmp(&other.0));
    Some(cases)
}

/// The folder of one vendor's recordings.
pub fn folder_of(vendor: &str) -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/recorded");
    PathBuf::from(std::env::var("RECORDED_TRAFFIC").unwrap_or(default.to_owned())).join(vendor)
}

/// The recordings of one vendor.
pub fn recordings_of(vendor: &str) -> Option<Vec<(String, Value)>> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder_of(vendor)).ok()? {
        let path = entry.ok()?.path();
        let name = path.file_name()?.to_string_lossy().into_owned();
        let case: Value = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        cases.push((name, case));
    }
    Some(cases)
}

/// What an answer says, whichever form it came in.
#[derive(Clone, Debug, Default, PartialEq)]
struct Said {
    text: String,
    reasoning: String,
    calls: Vec<(String, Value)>,
    images: usize,
    finish: Option<String>,
    refused: bool,
    usage: Option<(u64, u64, u64, u64)>,
}

/// Read straight from Gemini's own documents, by other code than the translator's.
fn said_by_gemini(documents: &[Value]) -> Said {
    let mut said = Said::default();
    let mut reasons = Vec::new();
    for document in documents {
        if let Some(usage) = document.get("usageMetadata") {
            let count = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or(0);
            said.usage = Some((
                count("promptTokenCount") + count("toolUsePromptTokenCount"),
                count("candidatesTokenCount") + count("thoughtsTokenCount"),
                count("cachedContentTokenCount"),
                count("thoughtsTokenCount"),
            ));
        }
        let candidates = document.get("candidates").and_then(Value::as_array).map_or(0, Vec::len);
        if candidates == 0 && document.get("promptFeedback").is_some() {
            said.refused = true;
            reasons.push("BLOCKED".to_owned());
        }
        let Some(candidate) = document.pointer("/candidates/0") else { continue };
        reasons.extend(candidate.get("finishReason").and_then(Value::as_str).map(str::to_owned));
        for part in candidate.pointer("/content/parts").and_then(Value::as_array).into_iter().flatten() {
            part_said(part, &mut said);
        }
    }
    said.finish = reasons.last().map(|reason| finish(reason, &said).to_owned());
    said
}

fn part_said(part: &Value, said: &mut Said) {
    let text = |pointer: &str| part.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if let Some(call) = part.get("functionCall") {
        let args = call.get("args").cloned().unwrap_or(Value::Object(Map::new()));
        said.calls.push((call["name"].as_str().unwrap_or_default().to_owned(), args));
    } else if part.get("text").is_some() {
        let target = if part["thought"] == true { &mut said.reasoning } else { &mut said.text };
        target.push_str(text("/text"));
    } else if part.get("inlineData").is_some() {
        let shown = part["thought"] != true && !text("/inlineData/mimeType").starts_with("audio/");
        said.images += usize::from(shown);
    } else if part.get("executableCode").is_some() {
        let language = text("/executableCode/language").to_lowercase();
        said.text += &format!("\n```{language}\n{}\n```\n", text("/executableCode/code").trim_end_matches('\n'));
    } else if part.get("codeExecutionResult").is_some() {
        said.text += &format!("\n```\n{}\n```\n", text("/codeExecutionResult/output").trim_end_matches('\n'));
    }
}

fn finish(reason: &str, said: &Said) -> &'static str {
    match reason {
        "MAX_TOKENS" => "length",
        "STOP" | "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "OTHER" if said.calls.is_empty() => "stop",
        "STOP" | "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "OTHER" => "tool_calls",
        "BLOCKED" | "SAFETY" | "RECITATION" | "MODEL_ARMOR" | "PROHIBITED_CONTENT" => "content_filter",
        _ => "stop",
    }
}

fn said_to_client(message: &Value, said: &mut Said) {
    let text = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default();
    said.text += text("content");
    said.reasoning += text("reasoning_content");
    said.refused |= message.get("refusal").is_some_and(Value::is_string);
    said.images += message.get("images").and_then(Value::as_array).map_or(0, Vec::len);
}

fn usage_of(document: &Value) -> Option<(u64, u64, u64, u64)> {
    let usage = document.get("usage").filter(|usage| usage.is_object())?;
    let count = |pointer: &str| usage.pointer(pointer).and_then(Value::as_u64).unwrap();
    assert_eq!(count("/total_tokens"), count("/prompt_tokens") + count("/completion_tokens"));
    Some((
        count("/prompt_tokens"),
        count("/completion_tokens"),
        count("/prompt_tokens_details/cached_tokens"),
        count("/completion_tokens_details/reasoning_tokens"),
    ))
}

/// What the whole answer says.
fn said_whole(body: &[u8]) -> Result<Said, String> {
    let accepted = OpenAiChat.accept(REQUEST.into()).unwrap();
    let mut reply = accepted.reply(stamp("gemini"));
    let out = reply.whole(body).map_err(|fault| fault.message)?;
    let document: Value = serde_json::from_slice(&out).unwrap();
    let mut said = Said { usage: usage_of(&document), ..Said::default() };
    let choice = &document["choices"][0];
    said_to_client(&choice["message"], &mut said);
    for call in choice["message"]["tool_calls"].as_array().into_iter().flatten() {
        let arguments = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
        said.calls.push((call["function"]["name"].as_str().unwrap().to_owned(), arguments));
    }
    said.finish = choice["finish_reason"].as_str().map(str::to_owned);
    Ok(said)
}

/// What the client gets for a stream that arrives in these pieces.
fn stream_out<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u8>, String> {
    let accepted = OpenAiChat.accept(REQUEST.into()).unwrap();
    let mut reply = accepted.reply(stamp("gemini"));
    let mut decoder = Decoder::default();
    let mut out = Vec::new();
    let mut take = |event: Event, out: &mut Vec<u8>| match event {
        Event::Data(data) => reply.event(&data, out).map_err(|fault| fault.message),
        Event::Stray(text) => Err(format!("stray: {}", String::from_utf8_lossy(&text))),
    };
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece)).map_err(|_| "too large".to_owned())?;
        while let Some(event) = decoder.next() {
            take(event, &mut out)?;
        }
    }
    while let Some(event) = decoder.finish() {
        take(event, &mut out)?;
    }
    reply.end(&mut out).map_err(|fault| fault.message)?;
    Ok(out)
}

/// What a stream says, read as a client's SDK reads it; and that it is framed as OpenAI frames it.
fn said_stream(out: &[u8]) -> Said {
    let text = std::str::from_utf8(out).unwrap();
    let events: Vec<&str> = text.strip_suffix("\n\n").unwrap().split("\n\n").collect();
    let (done, events) = events.split_last().unwrap();
    assert_eq!(*done, "data: [DONE]");
    let mut said = Said::default();
    let mut arguments: Vec<String> = Vec::new();
    let (mut roles, mut finishes) = (0, 0);
    let mut ids = std::collections::BTreeSet::new();
    for (number, event) in events.iter().enumerate() {
        let chunk: Value = serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(chunk["object"], "chat.completion.chunk");
        ids.insert(chunk["id"].as_str().unwrap().to_owned());
        if number + 1 == events.len() {
            assert_eq!(chunk["choices"], Value::Array(Vec::new()), "the last chunk before [DONE] has the usage");
            said.usage = usage_of(&chunk);
            continue;
        }
        assert!(chunk.as_object().unwrap().contains_key("usage") && chunk["usage"].is_null());
        let choice = &chunk["choices"][0];
        let delta = &choice["delta"];
        assert_eq!(delta.get("role").is_some(), number == 0, "the role is in the first chunk, and only there");
        roles += usize::from(delta.get("role").is_some());
        assert!(number == 0 || delta["content"] != "", "no empty content after the first chunk");
        said_to_client(delta, &mut said);
        for call in delta.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            if call.get("id").is_some() {
                assert_eq!(index, said.calls.len(), "indexes run on");
                assert_eq!(call["type"], "function");
                said.calls.push((call["function"]["name"].as_str().unwrap().to_owned(), Value::Null));
                arguments.push(String::new());
            }
            arguments[index] += call["function"]["arguments"].as_str().unwrap();
        }
        if let Some(reason) = choice["finish_reason"].as_str() {
            assert_eq!(*delta, Value::Object(Map::new()));
            said.finish = Some(reason.to_owned());
            finishes += 1;
        }
    }
    for ((_, call), text) in said.calls.iter_mut().zip(&arguments) {
        *call = serde_json::from_str(text).unwrap();
    }
    assert_eq!((ids.len(), roles, finishes), (1, 1, 1), "one id, one role chunk, one finish chunk");
    said
}

fn stream_bytes(response: &Value) -> Option<Vec<u8>> {
    let eol = if response.pointer("/framing/eol").and_then(Value::as_str) == Some("LF") { "\n" } else { "\r\n" };
    let events = response.get("sse")?.as_array()?;
    let text: String = events.iter().map(|event| format!("data: {}{eol}{eol}", event.as_str().unwrap())).collect();
    Some(text.into_bytes())
}

fn is_generate(case: &Value) -> bool {
    let path = case.pointer("/request/path").and_then(Value::as_str).unwrap_or("generateContent");
    path.ends_with("enerateContent") && case.pointer("/response/status").and_then(Value::as_u64) == Some(200)
}

/// The body of an answer that was not streamed as SSE: a document, or an array of them.
fn documents(response: &Value) -> Option<Vec<Value>> {
    let body = response.get("body").filter(|body| !body.is_null())?;
    let body = match body {
        Value::String(text) => serde_json::from_str(text).ok()?,
        other => other.clone(),
    };
    Some(match body {
        Value::Array(documents) => documents,
        document => vec![document],
    })
}

#[test]
fn recorded_answers_come_through_whole() {
    let Some(cases) = recordings() else {
        eprintln!("recorded traffic is not here: skipped");
        return;
    };
    let (mut whole, mut streams, mut wrong) = (0, 0, Vec::new());
    for (name, case) in cases.iter().filter(|(_, case)| is_generate(case)) {
        let response = &case["response"];
        let (expected, found) = if let Some(bytes) = stream_bytes(response) {
            streams += 1;
            let events = response["sse"].as_array().unwrap();
            let documents: Vec<Value> =
                events.iter().filter_map(|event| serde_json::from_str(event.as_str().unwrap()).ok()).collect();
            (said_by_gemini(&documents), stream_out(std::iter::once(&bytes[..])).map(|out| said_stream(&out)))
        } else {
            let Some(documents) = documents(response) else { continue };
            whole += 1;
            let found = match documents.as_slice() {
                [document] => said_whole(document.to_string().as_bytes()),
                several => {
                    let bytes: String = several.iter().map(|document| format!("data: {document}\r\n\r\n")).collect();
                    stream_out(std::iter::once(bytes.as_bytes())).map(|out| said_stream(&out))
                }
            };
            (said_by_gemini(&documents), found)
        };
        compare(name, &expected, found, &mut wrong);
    }
    eprintln!("{whole} whole answers, {streams} streams");
    assert!(whole > 100 && streams > 100, "most recordings are gone: {whole} whole, {streams} streams");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn compare(name: &str, expected: &Said, found: Result<Said, String>, wrong: &mut Vec<String>) {
    let empty = expected.text.is_empty() && expected.calls.is_empty() && expected.images == 0;
    match found {
        Ok(mut found) => {
            // Absent counts are zero to the client.
            if expected.usage.is_none() {
                found.usage = None;
            }
            if expected.finish.is_none() {
                found.finish = None;
            }
            if found != *expected {
                wrong.push(format!("{name}\n  expected {expected:?}\n  found    {found:?}"));
            }
        }
        // What is no answer must be an error: a stream without an end, an end without an answer.
        Err(_) if expected.finish.is_none() || empty => {}
        Err(message) => wrong.push(format!("{name}: {message}")),
    }
}

/// The events of a stream that arrives in these pieces. What a client gets is made of nothing else.
fn events_of<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Bytes> {
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    let bytes = |event: Event| match event {
        Event::Data(bytes) | Event::Stray(bytes) => bytes,
    };
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece)).unwrap();
        events.extend(std::iter::from_fn(|| decoder.next()).map(bytes));
    }
    events.extend(std::iter::from_fn(|| decoder.finish()).map(bytes));
    events
}

#[test]
fn a_cut_anywhere_changes_nothing() {
    let Some(cases) = recordings() else {
        eprintln!("recorded traffic is not here: skipped");
        return;
    };
    let mut cuts = 0;
    for (name, case) in cases.iter().filter(|(_, case)| is_generate(case)) {
        let Some(bytes) = stream_bytes(&case["response"]) else { continue };
        let expected = events_of(std::iter::once(&bytes[..]));
        for cut in 0..=bytes.len() {
            let (one, other) = bytes.split_at(cut);
            assert_eq!(events_of([one, other].into_iter()), expected, "{name} cut at {cut}");
            cuts += 1;
        }
    }
    assert!(cuts > 100_000, "most recordings are gone: {cuts} cuts");
}

/// Google has an OpenAI endpoint of its own. Ours says what it says, but where it is known to be wrong: a call ends with `stop`
/// there, thoughts are left out of the completion's tokens, calls have no id and no index.
#[test]
fn googles_own_endpoint_says_the_same() {
    let Some(cases) = recordings_of("google-openai-compat") else {
        eprintln!("recorded traffic is not here: skipped");
        return;
    };
    let mut compared = 0;
    for (name, case) in &cases {
        let Some(theirs) = said_by_googles_endpoint(&case["response"]) else { continue };
        let request = case["request"]["body"].to_string();
        let accepted = OpenAiChat.accept(request.as_bytes().into()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut parts: Vec<Value> = Vec::new();
        if !theirs.text.is_empty() {
            parts.push(json!({ "text": theirs.text }));
        }
        parts.extend(theirs.calls.iter().map(|(name, args)| json!({ "functionCall": { "name": name, "args": args } })));
        let (prompt, completion, ..) = theirs.usage.unwrap_or_default();
        let gemini = json!({
            "candidates": [{ "content": { "parts": parts }, "finishReason": "STOP" }],
            "usageMetadata": { "promptTokenCount": prompt, "candidatesTokenCount": completion },
        });
        let mut reply = accepted.reply(stamp("gemini"));
        let ours = if accepted.form().stream {
            let mut out = Vec::new();
            reply.event(gemini.to_string().as_bytes(), &mut out).and_then(|()| reply.end(&mut out)).unwrap();
            said_stream(&out)
        } else {
            said_whole(gemini.to_string().as_bytes()).unwrap()
        };
        let finish = if theirs.calls.is_empty() { "stop" } else { "tool_calls" };
        let expected = Said { finish: Some(finish.into()), usage: Some((prompt, completion, 0, 0)), ..theirs };
        assert_eq!(ours, expected, "{name}");
        compared += 1;
    }
    assert!(compared >= 8, "most recordings are gone: {compared}");
}

/// What Google's OpenAI endpoint said; it spelt a whole answer's fields in camel case at times.
fn said_by_googles_endpoint(response: &Value) -> Option<Said> {
    let documents: Vec<Value> = match response["sse"].as_array() {
        Some(events) => events.iter().filter_map(|event| serde_json::from_str(event.as_str()?).ok()).collect(),
        None => vec![response["body"].clone()],
    };
    let mut said = Said::default();
    for document in &documents {
        let choice = document.pointer("/choices/0")?;
        let message = choice.get("delta").or(choice.get("message"))?;
        said_to_client(message, &mut said);
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let arguments = serde_json::from_str(call["function"]["arguments"].as_str()?).ok()?;
            said.calls.push((call["function"]["name"].as_str()?.to_owned(), arguments));
        }
        let usage = &document["usage"];
        let count = |one: &str, other: &str| usage[one].as_u64().or(usage[other].as_u64()).unwrap_or(0);
        said.usage =
            Some((count("prompt_tokens", "promptTokens"), count("completion_tokens", "completionTokens"), 0, 0));
    }
    Some(said)
}

#[test]
fn cuts_change_nothing() {
    let Some(cases) = recordings() else {
        eprintln!("recorded traffic is not here: skipped");
        return;
    };
    let mut rng = fastrand::Rng::with_seed(11);
    let mut streams = 0;
    for (name, case) in cases.iter().filter(|(_, case)| is_generate(case)) {
        let Some(bytes) = stream_bytes(&case["response"]) else { continue };
        streams += 1;
        let expected = stream_out(std::iter::once(&bytes[..]));
        for _ in 0..8 {
            let mut cuts: Vec<usize> = (0..rng.usize(1..4)).map(|_| rng.usize(0..=bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let found = stream_out(cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]));
            assert_eq!(found, expected, "{name} cut at {cuts:?}");
        }
        if bytes.len() < 20_000 {
            assert_eq!(stream_out(bytes.chunks(1)), expected, "{name} byte by byte");
        }
    }
    assert!(streams > 100, "most recordings are gone: {streams} streams");
}
