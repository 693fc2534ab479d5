//! Recorded answers, served again byte for byte. A case is a JSON file with `response.status`, `response.headers`, and either
//! `response.sse` (the events) or `response.body`.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use bytes::Bytes;
use serde_json::Value;

/// An answer that was recorded.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub status: u16,
    pub content_type: String,
    pub body: Bytes,
}

/// All answers of a folder, by the stem of their file.
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

/// The name of the answer a prompt asks for.
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
