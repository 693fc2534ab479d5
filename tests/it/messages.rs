//! End-to-end tests of `POST /v1/messages`.

use gemini_adapter::protocol::anthropic::AnthropicMessages;
use gemini_adapter::protocol::{Accepted, Protocol};
use serde_json::{Value, json};

use crate::golden::stamp;
use crate::harness::{CLIENT_KEY, Reply, Server};

const KEYS: &[&str] = &["gemini-key-one-0000000000"];

async fn send(server: &Server, path: &str, body: &Value) -> Reply {
    let headers = [("x-api-key", CLIENT_KEY.to_owned()), ("anthropic-version", "2023-06-01".to_owned())];
    server.send("POST", path, &headers, Some(body.to_string())).await
}

fn asking(text: &str) -> Value {
    json!({ "model": "gemini-3.8-flash", "max_tokens": 500, "messages": [{ "role": "user", "content": text }] })
}

/// The events of a stream: their names, and what they say. A name is always that of the type inside.
pub fn events(text: &str) -> Vec<Value> {
    let read = |event: &str| {
        let (name, data) = event.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(name.strip_prefix("event: "), data["type"].as_str(), "{event}");
        data
    };
    text.split("\n\n").filter(|event| !event.is_empty()).map(read).collect()
}

/// The message that a client puts together from a stream.
pub fn gathered(text: &str) -> Value {
    let mut message = Value::Null;
    for event in events(text) {
        let at = usize::try_from(event["index"].as_u64().unwrap_or_default()).unwrap();
        let append = |block: &mut Value, field: &str, more: &Value| {
            let known = block[field].as_str().unwrap_or_default().to_owned();
            block[field] = json!(known + more.as_str().unwrap());
        };
        match event["type"].as_str().unwrap() {
            "message_start" => message = event["message"].clone(),
            "content_block_start" => {
                let content = message["content"].as_array_mut().unwrap();
                assert_eq!(content.len(), at, "blocks come one after another");
                content.push(event["content_block"].clone());
            }
            "content_block_delta" => {
                let (block, delta) = (&mut message["content"][at], &event["delta"]);
                match delta["type"].as_str().unwrap() {
                    "text_delta" => append(block, "text", &delta["text"]),
                    "thinking_delta" => append(block, "thinking", &delta["thinking"]),
                    "signature_delta" => append(block, "signature", &delta["signature"]),
                    "citations_delta" => {
                        let mut citations = block["citations"].as_array().cloned().unwrap_or_default();
                        citations.push(delta["citation"].clone());
                        block["citations"] = Value::Array(citations);
                    }
                    "input_json_delta" => {
                        block["input"] = serde_json::from_str(delta["partial_json"].as_str().unwrap()).unwrap();
                    }
                    other => panic!("{other}"),
                }
            }
            "message_delta" => {
                message["stop_reason"] = event["delta"]["stop_reason"].clone();
                message["usage"] = event["usage"].clone();
            }
            "content_block_stop" | "message_stop" | "ping" => {}
            other => panic!("{other}"),
        }
    }
    message
}

#[tokio::test]
async fn whole_and_streamed() {
    let server = Server::start(KEYS).await;
    let whole = send(&server, "/v1/messages", &asking("Grüße, 世界")).await;
    assert_eq!(whole.status, 200, "{}", whole.text);
    assert_eq!(whole.headers["request-id"], whole.headers["x-request-id"]);
    let message = whole.json();
    assert_eq!(message["content"], json!([{ "type": "text", "text": "You said: Grüße, 世界" }]));
    assert_eq!((message["type"].as_str(), message["stop_reason"].as_str()), (Some("message"), Some("end_turn")));
    let mut asked = asking("Grüße, 世界");
    asked["stream"] = json!(true);
    let streamed = send(&server, "/v1/messages?beta=true", &asked).await;
    assert!(streamed.headers["content-type"].starts_with("text/event-stream"));
    assert_eq!(gathered(&streamed.text)["content"][0]["text"], "You said: Grüße, 世界");
    assert!(streamed.text.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
    assert!(!streamed.text.contains("[DONE]"));
}

#[tokio::test]
async fn tokens_are_counted() {
    let server = Server::start(KEYS).await;
    let mut asked = asking("hello");
    asked.as_object_mut().unwrap().remove("max_tokens");
    let counted = send(&server, "/v1/messages/count_tokens", &asked).await;
    assert_eq!(counted.status, 200, "{}", counted.text);
    assert!(counted.json()["input_tokens"].as_u64().unwrap() > 0);
    assert_eq!(server.simulator.arrivals().last().unwrap().method, "countTokens");
}

/// Three turns with calls; the client keeps the blocks as they came, or the ids alone.
#[tokio::test]
async fn a_tool_loop_over_three_turns() {
    let server = Server::start(KEYS).await;
    let tool = json!({ "name": "weather", "input_schema": {
        "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] } });
    for (thinking, keeps) in [(json!(null), true), (json!({ "type": "adaptive" }), true), (json!(null), false)] {
        let mut asked = asking("[[sim:tool steps=3]] go");
        asked["tools"] = json!([tool]);
        asked["thinking"] = thinking;
        let mut calls = 0;
        loop {
            let message = send(&server, "/v1/messages", &asked).await.json();
            let content = message["content"].as_array().unwrap_or_else(|| panic!("{message}")).clone();
            let called: Vec<Value> = content.iter().filter(|block| block["type"] == "tool_use").cloned().collect();
            if called.is_empty() {
                assert_eq!(message["stop_reason"], "end_turn");
                break;
            }
            calls += called.len();
            assert_eq!(message["stop_reason"], "tool_use");
            let result = |call: &Value| json!({ "type": "tool_result", "tool_use_id": call["id"], "content": "21" });
            let results: Vec<Value> = called.iter().map(result).collect();
            let messages = asked["messages"].as_array_mut().unwrap();
            messages.push(json!({ "role": "assistant", "content": if keeps { content } else { called } }));
            messages.push(json!({ "role": "user", "content": results }));
        }
        assert_eq!(calls, 3);
    }
}

/// What the tool runner of Anthropic's SDKs does: only what is new is sent, and the conversation is kept here.
#[tokio::test]
async fn a_thread_is_gone_on_from() {
    let server = Server::start(KEYS).await;
    let tool = json!({ "name": "weather", "input_schema": {
        "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] } });
    let mut asked = asking("[[sim:tool steps=3]] go");
    asked["system"] = json!("Be brief.");
    asked["tools"] = json!([tool]);
    asked["thread"] = json!({ "type": "create" });
    let mut calls = 0;
    for streamed in [false, true, false, true] {
        asked["stream"] = json!(streamed);
        let reply = send(&server, "/v1/messages", &asked).await;
        let message = if streamed { gathered(&reply.text) } else { reply.json() };
        let content = message["content"].as_array().unwrap_or_else(|| panic!("{message}"));
        let called = content.iter().filter(|block| block["type"] == "tool_use");
        let results: Vec<Value> =
            called.map(|call| json!({ "type": "tool_result", "tool_use_id": call["id"], "content": "21" })).collect();
        calls += results.len();
        asked = json!({ "model": "gemini-3.8-flash", "max_tokens": 500, "messages": [{ "role": "user", "content": results }] });
        asked["thread"] = json!({ "type": "continue", "previous_message_id": message["id"] });
    }
    assert_eq!(calls, 3);
    let sent = server.simulator.arrivals().last().unwrap().body.clone();
    assert_eq!(sent["contents"].as_array().unwrap().len(), 7, "{sent:#}");
    assert_eq!(sent["systemInstruction"]["parts"][0]["text"], "Be brief.");

    asked["thread"]["previous_message_id"] = json!("msg_of_nobody");
    let lost = send(&server, "/v1/messages", &asked).await;
    let error = lost.json()["error"].clone();
    assert_eq!((lost.status, error["details"]["error_code"].as_str()), (404, Some("thread_not_found")), "{error}");
}

#[tokio::test]
async fn errors_are_anthropics() {
    let server = Server::start(KEYS).await;
    let kind = |reply: &Reply| reply.json()["error"]["type"].as_str().unwrap().to_owned();
    let no_key = server.send("POST", "/v1/messages", &[], Some(asking("x").to_string())).await;
    assert_eq!((no_key.status, kind(&no_key).as_str()), (401, "authentication_error"));
    for (text, status, expected) in [
        ("[[sim:503]]", 529, "overloaded_error"),
        ("[[sim:too_long]]", 400, "invalid_request_error"),
        // Last, because the key rests then.
        ("[[sim:429_minute retry=20]]", 429, "rate_limit_error"),
    ] {
        let failed = send(&server, "/v1/messages", &asking(text)).await;
        assert_eq!((failed.status, kind(&failed).as_str()), (status, expected), "{text}: {}", failed.text);
    }
    let wrong = send(&server, "/v1/messages", &json!({ "model": "m" })).await;
    assert_eq!((wrong.status, kind(&wrong).as_str()), (400, "invalid_request_error"));
    let get = server.get("/v1/messages").await;
    assert_eq!((get.status, get.json()["type"].as_str()), (405, Some("error")));
}

#[tokio::test]
async fn a_stream_that_breaks_ends_with_an_error_event() {
    let server = Server::start(KEYS).await;
    let mut asked = asking("[[sim:mid_error]] a text in more than one piece");
    asked["stream"] = json!(true);
    let broken = send(&server, "/v1/messages", &asked).await;
    let events = events(&broken.text);
    assert_eq!(events.last().unwrap()["type"], "error");
    assert!(!broken.text.contains("message_stop"));
}

/// The events of each recorded stream of Anthropic's have the fields that ours have, and no kind of ours is unknown there.
#[test]
fn events_have_the_shape_of_recorded_ones() {
    let Some(recorded) = crate::corpus::recordings_of("anthropic") else { return };
    let mut known: std::collections::BTreeMap<String, Vec<Value>> = std::collections::BTreeMap::new();
    for (_, case) in recorded {
        for event in case["response"]["sse"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if let Ok(event) = serde_json::from_str::<Value>(event) {
                known.entry(kind_of(&event)).or_default().push(event);
            }
        }
    }
    assert!(known.len() > 8, "{:?}", known.keys());
    for event in ours() {
        let kind = kind_of(&event);
        let examples = known.get(&kind).unwrap_or_else(|| panic!("no recorded event is a {kind}"));
        assert!(examples.iter().any(|example| covers(&event, example)), "{kind}: {event}\n{}", examples[0]);
    }
}

fn kind_of(event: &Value) -> String {
    let inner = &event["delta"]["type"].as_str().or(event["content_block"]["type"].as_str()).unwrap_or_default();
    format!("{} {inner}", event["type"].as_str().unwrap_or_default())
}

/// Whether each field of ours is there, and of the same type where both say something.
pub fn covers(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.iter().all(|(name, value)| theirs.get(name).is_some_and(|other| covers(value, other)))
        }
        (Value::Null, _) | (_, Value::Null) => true,
        (ours, theirs) => std::mem::discriminant(ours) == std::mem::discriminant(theirs),
    }
}

fn ours() -> Vec<Value> {
    let request = br#"{"model":"m","max_tokens":5,"stream":true,"thinking":{"type":"adaptive"},"messages":[{"role":"user","content":"x"}],"tools":[{"type":"web_search_20250305","name":"web_search"}]}"#;
    let accepted = AnthropicMessages.accept((&request[..]).into()).unwrap();
    let mut reply = Accepted::reply(&*accepted, stamp("m"));
    let parts = json!([
        { "text": "hm", "thought": true },
        { "functionCall": { "name": "f", "args": { "a": 1 } }, "thoughtSignature": "QUE=" },
        { "text": "so" },
    ]);
    let sources = json!({
        "webSearchQueries": ["q"],
        "groundingChunks": [{ "web": { "uri": "u", "title": "t" } }],
        "groundingSupports": [{ "segment": { "endIndex": 2 }, "groundingChunkIndices": [0] }],
    });
    let answer = json!({ "candidates": [{ "content": { "parts": parts }, "finishReason": "STOP", "groundingMetadata": sources }] });
    let mut out = Vec::new();
    reply.event(answer.to_string().as_bytes(), &mut out).unwrap();
    reply.end(&mut out).unwrap();
    events(std::str::from_utf8(&out).unwrap())
}
