//! Parses our answers with third-party types: those of a Rust client for OpenAI. In `tests/clients`, the official
//! SDKs for Python and Node read them from a running server.

use std::path::PathBuf;

use async_openai::types::chat::{CreateChatCompletionResponse, CreateChatCompletionStreamResponse};

fn answers(name: &str) -> Vec<(PathBuf, String)> {
    let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/openai_chat");
    let files = std::fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path().join(name));
    let read: Vec<_> = files.filter_map(|file| Some((file.clone(), std::fs::read_to_string(file).ok()?))).collect();
    assert!(read.len() > 10, "the golden folders are gone");
    read
}

#[test]
fn whole_answers_are_openais() {
    for (file, text) in answers("answer.json") {
        // These types look for a custom tool's call under another name than OpenAI's own SDKs do.
        let misread = text.contains("\"custom\"");
        if !misread && !text.contains("\"fault\"") {
            let read = serde_json::from_str::<CreateChatCompletionResponse>(&text);
            assert!(read.is_ok(), "{}: {}", file.display(), read.unwrap_err());
        }
    }
}

#[test]
fn chunks_are_openais() {
    for (file, text) in answers("answer.sse") {
        let events = text.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
        for event in events.filter(|event| *event != "[DONE]" && !event.starts_with("{\"error\"")) {
            // OpenAI streams a custom tool's call as here, but its specification leaves it out, and these types go by that
            // (its published description, November 2026).
            if event.contains("\"custom\"") {
                continue;
            }
            let read = serde_json::from_str::<CreateChatCompletionStreamResponse>(event);
            assert!(read.is_ok(), "{}: {}\n{event}", file.display(), read.unwrap_err());
        }
    }
}
