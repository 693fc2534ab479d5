//! The protocols with which a fault is tested: how a client of each sends its request and reads the answer.

use serde_json::{Value, json};

use crate::harness::{CLIENT_KEY, Reply, Server};

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    Chat,
    Messages,
    Responses,
    Gemini,
}

pub const DOORS: &[Door] = &[Door::Chat, Door::Messages, Door::Responses, Door::Gemini];

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// With one finish reason, and nothing after it.
    Done,
    /// With an error as the last event, and without a finish reason.
    Error,
}

/// What a client received.
#[derive(Debug)]
pub struct Heard {
    pub status: u16,
    pub text: String,
    pub end: End,
    pub code: Value,
}

impl Door {
    /// Returns the status that this protocol uses for this error: Anthropic has its own status for overload.
    pub fn status(self, status: u16, code: Option<&str>) -> u16 {
        if (self, status, code) == (Self::Messages, 503, Some("overloaded")) { 529 } else { status }
    }

    /// Sends a request and reads the answer to its end.
    pub async fn ask(self, server: &Server, stream: bool) -> (Reply, Heard) {
        let model = "gemini-2.5-flash";
        let (path, mut body) = match self {
            Self::Chat => ("/v1/chat/completions", json!({ "messages": [{ "role": "user", "content": "x" }] })),
            Self::Messages => {
                ("/v1/messages", json!({ "max_tokens": 9, "messages": [{ "role": "user", "content": "x" }] }))
            }
            Self::Responses => ("/v1/responses", json!({ "input": "x" })),
            Self::Gemini => ("", json!({ "contents": [{ "role": "user", "parts": [{ "text": "x" }] }] })),
        };
        let native = format!(
            "/v1beta/models/{model}:{}",
            if stream { "streamGenerateContent?alt=sse" } else { "generateContent" }
        );
        let path = if self == Self::Gemini { native.as_str() } else { path };
        if self != Self::Gemini {
            body["model"] = json!(model);
            body["stream"] = json!(stream);
        }
        let headers = [("x-api-key", CLIENT_KEY.to_owned())];
        let reply = server.send("POST", path, &headers, Some(body.to_string())).await;
        let heard = self.heard(&reply, stream);
        (reply, heard)
    }

    fn heard(self, reply: &Reply, stream: bool) -> Heard {
        let events: Vec<Value> = if stream && reply.status == 200 {
            let text = reply.text.replace("\r\n", "\n");
            let data = text
                .split("\n\n")
                .map(|event| -> String { event.lines().filter_map(|line| line.strip_prefix("data: ")).collect() });
            let told = data.filter(|data| !data.is_empty() && data != "[DONE]");
            told.map(|data| serde_json::from_str(&data).unwrap()).collect()
        } else {
            vec![reply.json()]
        };
        let is_error = |event: &Value| event["error"].is_object() || matches!(event["type"].as_str(), Some("error"));
        let error = events.iter().find(|event| is_error(event) || event["response"]["error"].is_object());
        let ends = events.iter().filter(|event| self.ends(event, stream)).count();
        let done = reply.text.matches("data: [DONE]").count();
        let wants_done = usize::from(stream && self == Self::Chat);
        let end = match error {
            Some(_) => {
                assert_eq!((ends, done), (0, 0), "{self:?}: an error, and a regular end as well: {}", reply.text);
                assert!(
                    is_error(events.last().unwrap()) || events.last().unwrap()["response"]["error"].is_object(),
                    "{self:?}: more events after the error: {}",
                    reply.text
                );
                End::Error
            }
            None => {
                assert_eq!((ends, done), (1, wants_done), "{self:?}: not exactly one end: {}", reply.text);
                End::Done
            }
        };
        let text = events.iter().map(|event| self.text(event, stream)).collect();
        let code = error.map_or(Value::Null, |event| event["error"]["code"].clone());
        Heard { status: reply.status, text, end, code }
    }

    fn ends(self, event: &Value, stream: bool) -> bool {
        match (self, stream) {
            (Self::Chat, _) => event["choices"][0]["finish_reason"].is_string(),
            (Self::Messages, true) => event["type"] == "message_stop",
            (Self::Messages, false) => event["stop_reason"].is_string(),
            (Self::Responses, true) => event["type"] == "response.completed",
            (Self::Responses, false) => event["status"] == "completed",
            (Self::Gemini, _) => event["candidates"][0]["finishReason"].is_string(),
        }
    }

    fn text(self, event: &Value, stream: bool) -> String {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let each = |list: &Value, field: &str| -> String {
            list.as_array().into_iter().flatten().map(|part| text(&part[field])).collect()
        };
        match (self, stream) {
            (Self::Chat, true) => text(&event["choices"][0]["delta"]["content"]),
            (Self::Chat, false) => text(&event["choices"][0]["message"]["content"]),
            (Self::Messages, true) => text(&event["delta"]["text"]),
            (Self::Messages, false) => each(&event["content"], "text"),
            (Self::Responses, true) if event["type"] == "response.output_text.delta" => text(&event["delta"]),
            (Self::Responses, true) => String::new(),
            (Self::Responses, false) => {
                event["output"].as_array().into_iter().flatten().map(|item| each(&item["content"], "text")).collect()
            }
            (Self::Gemini, _) => each(&event["candidates"][0]["content"]["parts"], "text"),
        }
    }
}
