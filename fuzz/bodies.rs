//! What the fuzzers try, and the tests try again on every input that once found something: bytes from outside, and what must
//! hold whatever they are.

use std::time::Duration;

use bytes::Bytes;
use gemini_adapter::fault::Remedies;
use gemini_adapter::model::{Model, ModelName};
use gemini_adapter::models::facts;
use gemini_adapter::protocol::anthropic::AnthropicMessages;
use gemini_adapter::protocol::openai_chat::OpenAiChat;
use gemini_adapter::protocol::openai_responses::OpenAiResponses;
use gemini_adapter::protocol::{Accepted, Files, Notes, Protocol, Stamp, Target};
use gemini_adapter::secret::Secret;
use gemini_adapter::store::Signatures;
use gemini_adapter::upstream::classify;
use gemini_adapter::wire::sse::{Decoder, Event};
use serde_json::Value;

/// One of each generation: they take different fields.
const MODELS: &[&str] = &["gemini-3.8-flash", "gemini-2.5-flash", "gemini-2.0-flash", "gemma-3-27b-it"];

/// Server-sent events: the first byte says where the rest is cut, and the cut changes nothing.
pub fn sse(data: &[u8]) {
    let Some((cut, bytes)) = data.split_first() else { return };
    let (one, other) = bytes.split_at(usize::from(*cut).min(bytes.len()));
    assert_eq!(events([one, other].into_iter()), events([bytes].into_iter()));
    assert_eq!(events(bytes.chunks(1)), events([bytes].into_iter()));
}

fn events<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Event> {
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece)).expect("no input of a fuzzer is that large");
        events.extend(std::iter::from_fn(|| decoder.next()));
    }
    events.extend(std::iter::from_fn(|| decoder.finish()));
    events
}

/// A dialect, and a request in it whose answer comes as a stream.
type Dialect = (&'static dyn Protocol, &'static str);

const DIALECTS: [Dialect; 3] = [
    (&OpenAiChat, r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}"#),
    (
        &OpenAiResponses,
        r#"{"model":"m","stream":true,"input":"x","tools":[{"type":"web_search"}],"include":["reasoning.encrypted_content"]}"#,
    ),
    (
        &AnthropicMessages,
        r#"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"x"}],"thinking":{"type":"adaptive"},"tools":[{"type":"web_search_20250305","name":"web_search"}]}"#,
    ),
];

/// A request, in any dialect: it becomes a JSON document for Gemini, or a 4xx that says why. It may go on from what is no answer.
pub fn request(data: &[u8]) {
    for (protocol, _) in DIALECTS {
        match protocol.accept(data.into()) {
            Ok(accepted) => MODELS.iter().for_each(|name| called(&*accepted, name, data)),
            Err(error) => assert!((400..500).contains(&error.status), "{error:?}"),
        }
    }
}

fn called(accepted: &dyn Accepted, name: &str, data: &[u8]) {
    for earlier in [None, Some(data)] {
        let (signatures, notes) = (Signatures::default(), Notes::on());
        let target = Target {
            model: &model(name),
            signatures: &signatures,
            files: &Files::Refused,
            earlier,
            remedies: Remedies::default(),
            notes: &notes,
        };
        match accepted.call(&target) {
            Ok(body) => assert!(serde_json::from_slice::<Value>(&body).is_ok_and(|body| body.is_object())),
            Err(error) => assert!((400..500).contains(&error.status), "{error:?}"),
        }
        accepted.verdicts(notes.into_list());
    }
    accepted.earlier();
}

/// An answer of Gemini's, whole and as the lines of a stream: the client gets JSON, or a fault is told.
pub fn answer(data: &[u8]) {
    for (protocol, request) in DIALECTS {
        let accepted = protocol.accept(request.as_bytes().into()).expect("this one is valid");
        if let Ok(whole) = accepted.reply(stamp()).whole(data) {
            serde_json::from_slice::<Value>(&whole).expect("an answer is JSON");
        }
        let (mut reply, mut out) = (accepted.reply(stamp()), Vec::new());
        let told = data.split(|byte| *byte == b'\n').try_for_each(|event| reply.event(event, &mut out));
        let ended = told.and_then(|()| reply.end(&mut out));
        let out = String::from_utf8(out).expect("a stream is UTF-8");
        let last = out.trim_end().rsplit('\n').next().unwrap_or_default();
        assert_eq!(ends(last), ended.is_ok(), "only what came to its end says so: {last}");
        for line in out.lines().filter(|line| !line.is_empty() && !line.starts_with("event: ")) {
            let event = line.strip_prefix("data: ").expect("an event is one line of data");
            assert!(event == "[DONE]" || serde_json::from_str::<Value>(event).is_ok(), "{event}");
        }
        reply.left();
    }
}

/// Whether this is the last line of a stream that came to its end.
fn ends(line: &str) -> bool {
    let kind = [
        "[DONE]",
        "{\"type\":\"message_stop\"",
        "{\"type\":\"response.completed\"",
        "{\"type\":\"response.incomplete\"",
    ];
    line.strip_prefix("data: ").is_some_and(|data| kind.iter().any(|kind| data.starts_with(kind)))
}

/// A failure of Google's: the first two bytes are its status. No key shows, and nobody rests for longer than a day.
pub fn failure(data: &[u8]) {
    const KEY: &str = "gemini-key-that-must-not-show";
    let Some((status, body)) = data.split_first_chunk::<2>() else { return };
    let fault = classify::classify(u16::from_be_bytes(*status), body, &Secret::new(KEY));
    assert!(!fault.message.contains(KEY), "{}", fault.message);
    assert!(fault.retry_after.unwrap_or_default() <= Duration::from_secs(25 * 3600));
}

fn model(name: &str) -> Model {
    Model { facts: facts::of(name), name: ModelName::parse(name).expect("this is a name") }
}

fn stamp() -> Stamp {
    Stamp {
        id: "fuzz".into(),
        created: 1_700_000_000,
        model: "m".into(),
        seed: 7,
        signatures: Signatures::default(),
        check_json: false,
        earlier: None,
    }
}
