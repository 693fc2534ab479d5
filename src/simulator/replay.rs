//! Recorded answers, served again byte for byte. A case is a JSON file with `response.status`, `response.headers`,
//! and either `response.sse` (the events) or `response.body`. A capsule is one file with several answers, the
//! attempts of one request, which are served one after the other.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use serde_json::Value;

/// A recorded answer.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub status: u16,
    pub content_type: String,
    pub body: Bytes,
}

/// Google's answers to the attempts of one request.
#[derive(Debug)]
pub struct Capsule {
    calls: Vec<(Value, Recorded)>,
    next: AtomicUsize,
}

impl Capsule {
    /// Reads a file from `GET /admin/capsule/{id}`.
    pub fn load(file: &Path) -> io::Result<Self> {
        let wrong = |why: String| io::Error::other(format!("{}: {why}", file.display()));
        let capsule: Value = serde_json::from_slice(&std::fs::read(file)?).map_err(|error| wrong(error.to_string()))?;
        if capsule["capsule"] != 1 {
            return Err(wrong("is not a capsule; a folder of recorded answers can be replayed too".to_owned()));
        }
        let attempts = capsule["attempts"].as_array().into_iter().flatten();
        let call = |attempt: &Value| Some((attempt["request"].clone(), read(&attempt["response"])?));
        let calls: Vec<_> = attempts.filter_map(call).collect();
        if calls.is_empty() {
            return Err(wrong("contains no answer from Google: no attempt got one".to_owned()));
        }
        Ok(Self { calls, next: AtomicUsize::default() })
    }

    /// Returns the next answer; after the last one, the first again. A request that differs from the recorded one is
    /// answered too; the log says whether it is the same.
    pub fn answer(&self, body: &Value) -> Option<&Recorded> {
        let number = self.next.fetch_add(1, Ordering::Relaxed) % self.calls.len();
        let (request, recorded) = self.calls.get(number)?;
        let same = request == body;
        tracing::info!(attempt = number + 1, status = recorded.status, same_request = same, "replayed an attempt");
        Some(recorded)
    }
}

/// Reads all answers in a folder, by file stem.
pub fn load(dir: &Path) -> io::Result<HashMap<String, Recorded>> {
    let mut answers = HashMap::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let (Some(stem), true) = (path.file_stem(), path.extension().is_some_and(|end| end == "json")) else {
            continue;
        };
        let case: Value = serde_json::from_slice(&std::fs::read(&path)?)
            .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
        if let Some(recorded) = read(&case["response"]) {
            answers.insert(stem.to_string_lossy().into_owned(), recorded);
        }
    }
    Ok(answers)
}

/// Returns the name of the answer that a prompt requests.
pub fn wanted(prompt: &str) -> Option<&str> {
    prompt.split_once("[[replay:")?.1.split("]]").next().map(str::trim)
}

fn read(response: &Value) -> Option<Recorded> {
    let status = u16::try_from(response["status"].as_u64()?).ok()?;
    let content_type = response["headers"]["content-type"].as_str();
    let body = match (response["raw"].as_str(), response["sse"].as_array()) {
        (Some(raw), _) => raw.to_owned(),
        (None, Some(events)) => {
            let end = if response["framing"]["eol"] == "LF" { "\n" } else { "\r\n" };
            events.iter().filter_map(Value::as_str).map(|event| format!("data: {event}{end}{end}")).collect()
        }
        (None, None) => match &response["body"] {
            Value::String(text) => text.clone(),
            body => body.to_string(),
        },
    };
    let default = if response["sse"].is_array() { "text/event-stream" } else { "application/json; charset=UTF-8" };
    Some(Recorded { status, content_type: content_type.unwrap_or(default).to_owned(), body: body.into() })
}
