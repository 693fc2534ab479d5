//! The bodies of the fuzz targets: each takes bytes from outside and asserts what must hold for any input. The test
//! suite runs them again on every input that once revealed a bug.

use std::fmt::Debug;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use gemini_adapter::config::Sources;
use gemini_adapter::fault::{Blame, Remedies};
use gemini_adapter::model::{Model, ModelName};
use gemini_adapter::models::facts;
use gemini_adapter::protocol::{Accepted, AnswerContext, Files, Notes, Target};
use gemini_adapter::reading::{Reading, StoredFiles};
use gemini_adapter::secret::Secret;
use gemini_adapter::store::Signatures;
use gemini_adapter::upstream::classify;
use gemini_adapter::wire::gemini::response::Response;
use gemini_adapter::wire::json::read;
use gemini_adapter::wire::sse::{Decoder, Event};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Value, json};

#[path = "doors.rs"]
pub mod doors;

/// One model of each generation: they accept different fields.
const MODELS: &[&str] = &["gemini-3.8-flash", "gemini-2.5-flash", "gemini-2.0-flash", "gemma-3-27b-it"];

/// Server-sent events: the first byte says where the rest is split, and the split must not change the result.
pub fn sse(data: &[u8]) {
    let Some((cut, bytes)) = data.split_first() else { return };
    let bytes = Bytes::copy_from_slice(bytes);
    let whole = events([bytes.clone()]);
    let mut one = bytes.clone();
    let other = one.split_off(usize::from(*cut).min(bytes.len()));
    assert_eq!(events([one, other]), whole);
    assert_eq!(events((0..bytes.len()).map(|at| bytes.slice(at..=at))), whole);
}

fn events(pieces: impl IntoIterator<Item = Bytes>) -> Vec<Event> {
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(piece).expect("no fuzz input exceeds the size limit");
        events.extend(std::iter::from_fn(|| decoder.next()));
    }
    events.extend(std::iter::from_fn(|| decoder.finish()));
    events
}

/// JSON: our reader gives what serde_json gives, the value or the error.
pub fn json(data: &[u8]) {
    fn same<'a, T: Deserialize<'a> + Debug>(text: &'a str) {
        let (ours, theirs) = (read::<T>(text), serde_json::from_str::<T>(text));
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"), "{text:?}");
    }

    let Ok(text) = std::str::from_utf8(data) else { return };
    same::<Value>(text);
    same::<IgnoredAny>(text);
    same::<&RawValue>(text);
    same::<Vec<&RawValue>>(text);
    same::<Response<'_>>(text);
}

/// A request in any protocol: it becomes a JSON document for Gemini, or a 4xx with a reason. Its stored earlier
/// conversation may be invalid.
pub fn request(data: &[u8]) {
    let Some((door, body)) = doors::at(data) else { return };
    match door.accept(body) {
        Ok(accepted) => MODELS.iter().for_each(|name| called(&*accepted, name, body)),
        Err(error) => assert!((400..500).contains(&error.status), "{error:?}"),
    }
}

fn called(accepted: &dyn Accepted, name: &str, data: &[u8]) {
    for earlier in [None, Some(data)] {
        let notes = Notes::on();
        let told = call(accepted, name, earlier, &notes);
        let parts = if told.is_ok() { accepted.split() } else { Vec::new() };
        for part in parts.iter().take(3) {
            let _ = call(&**part, name, earlier, &notes);
        }
        accepted.verdicts(notes.into_list());
    }
    accepted.earlier();
    accepted.remote_files();
}

/// Returns the upstream call, or the status of the rejection.
fn call(accepted: &dyn Accepted, name: &str, earlier: Option<&[u8]>, notes: &Notes) -> Result<Bytes, u16> {
    let signatures = Signatures::default();
    let (model, files, remedies) = (&model(name), &Files::Refused, Remedies::default());
    match accepted.call(&Target { model, signatures: &signatures, files, earlier, remedies, notes }) {
        Ok(body) => {
            // Not a `Value`: parts that are forwarded unchanged may contain what it cannot hold, such as a number out
            // of range.
            let document: &RawValue = serde_json::from_slice(&body).expect("a call is JSON");
            assert!(document.get().starts_with('{'), "{document}");
            Ok(body)
        }
        Err(error) => {
            assert!((400..500).contains(&error.status), "{error:?}");
            Err(error.status)
        }
    }
}

/// A file in a `data:` URL: it is sent to Gemini as a type and base64, or rejected.
pub fn data_url(data: &[u8]) {
    let url = format!("data:{}", String::from_utf8_lossy(data));
    let content = json!([{ "type": "image_url", "image_url": { "url": url } }]);
    let body = json!({ "model": "m", "messages": [{ "role": "user", "content": content }] }).to_string();
    let accepted = doors::DOORS[0].accept(body.as_bytes()).expect("URLs are checked later");
    if let Ok(body) = call(&*accepted, MODELS[0], None, &Notes::on()) {
        let body: Value = serde_json::from_slice(&body).expect("a call is JSON");
        let inline = &body["contents"][0]["parts"][0]["inlineData"];
        let (mime, text) = (inline["mimeType"].as_str().unwrap(), inline["data"].as_str().unwrap());
        assert!(mime.split_once('/').is_some_and(|(kind, sub)| !kind.is_empty() && !sub.is_empty()), "{mime}");
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
        assert!(!text.is_empty() && text.bytes().all(letter), "{text}");
    }
}

/// Gemini's answer in any protocol, whole and as the lines of a stream: the client gets a well-formed answer, or a
/// fault is returned. Texts are forwarded as they were written, even half of a surrogate pair, which is valid JSON but
/// not a `Value`.
pub fn answer(data: &[u8]) {
    let Some((door, data)) = doors::at(data) else { return };
    let accepted = door.accept(door.request.as_bytes()).expect("the request is valid");
    if let Ok(whole) = accepted.reply(stamp()).whole(data)
        && !door.ends.is_empty()
    {
        serde_json::from_slice::<&RawValue>(&whole).expect("an answer is JSON");
    }
    let (mut reply, mut out) = (accepted.reply(stamp()), Vec::new());
    let told = data.split(|byte| *byte == b'\n').try_for_each(|event| reply.event(event, &mut out));
    let ended = told.and_then(|()| reply.end(&mut out));
    reply.left();
    if door.ends.is_empty() {
        return;
    }
    let out = String::from_utf8(out).expect("a stream is UTF-8");
    let last = out.trim_end().rsplit('\n').next().unwrap_or_default();
    let ends = last.strip_prefix("data: ").is_some_and(|data| door.ends.iter().any(|end| data.starts_with(end)));
    assert_eq!(ends, ended.is_ok(), "only a complete stream has an end marker: {last}");
    for line in out.lines().filter(|line| !line.is_empty() && !line.starts_with("event: ")) {
        let event = line.strip_prefix("data: ").expect("an event is one line of data");
        assert!(event == "[DONE]" || serde_json::from_str::<&RawValue>(event).is_ok(), "{event}");
    }
}

/// An error from Google; the first two bytes are its status. The message shows no key, and no cooldown exceeds 25
/// hours.
pub fn failure(data: &[u8]) {
    const KEY: &str = "gemini-key-that-must-not-show";
    let Some((status, body)) = data.split_first_chunk::<2>() else { return };
    let fault = classify::classify(u16::from_be_bytes(*status), body, &Secret::new(KEY));
    assert!(!fault.message.contains(KEY), "{}", fault.message);
    assert!(fault.retry_after.unwrap_or_default() <= Duration::from_secs(25 * 3600));
}

/// Google's retry delay, in its own field and in the message text: no cooldown is zero or exceeds 25 hours.
pub fn hint(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let info = json!({ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": text });
    let words = format!("Quota exceeded. Please retry in {text}.");
    for details in [json!([info]), json!([])] {
        let error = json!({ "code": 429, "message": words, "status": "RESOURCE_EXHAUSTED", "details": details });
        let fault = classify::classify(429, json!({ "error": error }).to_string().as_bytes(), &Secret::new("key"));
        assert_eq!(fault.blame, Blame::Quota, "{fault:?}");
        let longest = Duration::from_secs(25 * 3600);
        assert!(fault.retry_after.is_none_or(|rest| !rest.is_zero() && rest <= longest), "{fault:?}");
    }
}

/// A configuration; the first line holds the environment variables. It is loaded or its problems are reported, and no
/// report shows a key.
pub fn config(data: &[u8]) {
    const KEY: &str = "gemini-key-that-must-not-show";
    let text = String::from_utf8_lossy(data);
    let (variables, document) = text.split_once('\n').unwrap_or(("", &text));
    let document = format!("{document}\n[pools.fuzzed]\nkeys = [{KEY:?}]\n");
    let variables = variables.replace(';', "\n");
    let files = [("config.toml", document), ("fuzz.env", variables)];
    let files = files.map(|(name, text)| (PathBuf::from(name), Some(text))).into();
    let reading = Reading::from_stored(StoredFiles { files, folders: Vec::new() });
    let sources = Sources { file: Some("config.toml".into()), dotenv: "fuzz.env".into(), ..Sources::default() };
    let problems = match gemini_adapter::config::load(&sources, &reading) {
        Ok(loaded) => loaded.problems,
        Err(problems) => problems,
    };
    let told = problems.to_string();
    assert!(!told.contains(KEY) || text.contains(KEY), "{told}");
    gemini_adapter::config::lenient(&sources, &reading);
}

fn model(name: &str) -> Model {
    Model { facts: facts::of(name), name: ModelName::parse(name).expect("a valid name") }
}

fn stamp() -> AnswerContext {
    AnswerContext {
        id: "fuzz".into(),
        created: 1_700_000_000,
        model: "m".into(),
        seed: 7,
        signatures: Signatures::default(),
        check_json: false,
        earlier: None,
    }
}
