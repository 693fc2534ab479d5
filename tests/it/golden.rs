//! Golden cases: `tests/golden/<protocol>/<case>/`.
//!
//! | file | content |
//! |---|---|
//! | `request.json` | what the client sends |
//! | `upstream.json` | what must reach Google (if absent: not checked) |
//! | `losses.json` | which fields are lost in translation, and why (if absent: none) |
//! | `error.json` | the error that the client must get instead (`status`, `param`, `code`, part of `message`) |
//! | `from.json` / `from.sse` | what Google answers |
//! | `answer.json` / `answer.sse` / `answer.txt` | what the client must get |
//! | `earlier.json` | the state of an earlier answer that the request continues |
//! | `path` | the path of the request, for protocols that put parameters there |
//! | `model` | the Gemini model, `gemini-3.8-flash` if absent |
//!
//! `UPDATE_GOLDEN=1 cargo test --test it golden` rewrites the expected files; review the diff.

use std::path::{Path, PathBuf};

use gemini_adapter::error::Error;
use gemini_adapter::fault::Remedies;
use gemini_adapter::model::{Model, ModelName};
use gemini_adapter::models::facts;
use gemini_adapter::protocol::anthropic::{AnthropicCount, AnthropicMessages};
use gemini_adapter::protocol::gemini::Gemini;
use gemini_adapter::protocol::openai_chat::OpenAiChat;
use gemini_adapter::protocol::openai_completions::OpenAiCompletions;
use gemini_adapter::protocol::openai_embeddings::OpenAiEmbeddings;
use gemini_adapter::protocol::openai_images::OpenAiImages;
use gemini_adapter::protocol::openai_responses::OpenAiResponses;
use gemini_adapter::protocol::openai_speech::OpenAiSpeech;
use gemini_adapter::protocol::openai_transcriptions::OpenAiTranscriptions;
use gemini_adapter::protocol::{Accepted, AnswerContext, Files, Incoming, Notes, Place, Protocol, Target};
use gemini_adapter::store::Signatures;
use serde_json::{Value, json};

pub fn model(name: &str) -> Model {
    let name = ModelName::parse(name).unwrap();
    Model { facts: facts::of(name.as_str()), name }
}

pub fn stamp(model: &str) -> AnswerContext {
    AnswerContext {
        id: "golden".into(),
        created: 1_700_000_000,
        model: model.into(),
        seed: 7,
        signatures: Signatures::default(),
        earlier: None,
        check_json: false,
    }
}

/// Protocols by folder.
pub const PROTOCOLS: &[(&str, &dyn Protocol)] = &[
    ("openai_chat", &OpenAiChat),
    ("openai_completions", &OpenAiCompletions),
    ("openai_responses", &OpenAiResponses),
    ("anthropic_messages", &AnthropicMessages),
    ("anthropic_count", &AnthropicCount),
    ("gemini", &Gemini),
    ("openai_embeddings", &OpenAiEmbeddings),
    ("openai_images", &OpenAiImages::Generations),
    ("openai_image_edits", &OpenAiImages::Edits),
    ("openai_speech", &OpenAiSpeech),
    ("openai_transcriptions", &OpenAiTranscriptions::Transcriptions),
    ("openai_translations", &OpenAiTranscriptions::Translations),
];

pub fn cases(folder: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(folder);
    let mut cases: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

fn read(path: PathBuf) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// Compares, or writes anew when asked to.
fn check(path: &Path, found: &str, wrong: &mut Vec<String>) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, found).unwrap();
        return;
    }
    let expected = read(path.to_owned()).unwrap_or_default();
    if expected.trim_end() != found.trim_end() {
        wrong.push(format!("{}\n  expected: {expected}\n  found:    {found}", path.display()));
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

#[test]
fn golden() {
    let mut wrong = Vec::new();
    for (folder, protocol) in PROTOCOLS {
        let cases = cases(folder);
        assert!(!cases.is_empty(), "the golden folder {folder} is gone");
        for case in &cases {
            one(*protocol, case, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn one(protocol: &dyn Protocol, case: &Path, wrong: &mut Vec<String>) {
    let model = model(read(case.join("model")).as_deref().unwrap_or("gemini-3.8-flash").trim());
    let request = read(case.join("request.json")).unwrap_or_else(|| panic!("{}: no request.json", case.display()));
    let signatures = Signatures::default();
    let path = read(case.join("path")).unwrap_or_default();
    let (path, query) = path.trim().split_once('?').unwrap_or((path.trim(), ""));
    let place = Place { path: path.into(), query: query.into(), ..Place::default() };
    let accepted = protocol.accept(Incoming { place: &place, body: request.as_bytes() });
    let notes = Notes::on();
    let earlier = read(case.join("earlier.json"));
    let target = Target {
        model: &model,
        signatures: &signatures,
        files: &Files::Refused,
        earlier: earlier.as_deref().map(str::as_bytes),
        remedies: Remedies::default(),
        notes: &notes,
    };
    let called = accepted.as_ref().map_err(Clone::clone).and_then(|accepted| accepted.call(&target));
    if let (Ok(accepted), Ok(_)) = (&accepted, &called) {
        losses(case, &**accepted, notes, wrong);
    }
    match (called, case.join("error.json").exists()) {
        (Ok(body), false) => {
            let upstream = case.join("upstream.json");
            if upstream.exists() {
                check(&upstream, &pretty(&serde_json::from_slice(&body).unwrap()), wrong);
            }
        }
        (Err(error), true) => check(&case.join("error.json"), &pretty(&described(&error)), wrong),
        (Ok(body), true) => wrong.push(format!("{}: not refused: {}", case.display(), String::from_utf8_lossy(&body))),
        (Err(error), false) => wrong.push(format!("{}: refused: {error:?}", case.display())),
    }
    if let Ok(accepted) = accepted {
        if let Some(from) = read(case.join("from.json")) {
            let mut reply = accepted.reply(stamp(accepted.model()));
            let found = match reply.whole(from.as_bytes()) {
                Ok(body) => match serde_json::from_slice(&body) {
                    Ok(document) => document,
                    Err(_) => return check(&case.join("answer.txt"), &shown(&body), wrong),
                },
                Err(fault) => json!({ "fault": fault.kind.name(), "message": fault.message }),
            };
            check(&case.join("answer.json"), &pretty(&found), wrong);
        }
        if let Some(from) = read(case.join("from.sse")) {
            let mut reply = accepted.reply(stamp(accepted.model()));
            let mut out = Vec::new();
            let events = from.split("\n\n").filter_map(|event| event.trim().strip_prefix("data: "));
            let read = events.map(|event| reply.event(event.as_bytes(), &mut out)).collect::<Result<Vec<()>, _>>();
            if let Err(fault) = read.and_then(|_| reply.end(&mut out)) {
                reply.fail(&Error::from(&fault), &mut out);
            }
            check(&case.join("answer.sse"), &String::from_utf8(out).unwrap(), wrong);
        }
    }
}

/// A text, or the bytes of a sound.
fn shown(body: &[u8]) -> String {
    std::str::from_utf8(body).map_or_else(|_| format!("{body:?}\n"), str::to_owned)
}

/// What is lost, field by field: `losses.json` lists it, and where there is no such file, nothing may be.
fn losses(case: &Path, accepted: &dyn Accepted, notes: Notes, wrong: &mut Vec<String>) {
    let lost = accepted.verdicts(notes.into_list()).into_iter().filter(|note| note.loss);
    let lost: serde_json::Map<String, Value> =
        lost.map(|note| (note.field, json!({ "verdict": note.verdict, "why": note.why }))).collect();
    let file = case.join("losses.json");
    if !lost.is_empty() || file.exists() {
        check(&file, &pretty(&Value::Object(lost)), wrong);
    }
}

fn described(error: &Error) -> Value {
    json!({ "status": error.status, "code": error.code, "param": error.param, "message": error.message })
}
