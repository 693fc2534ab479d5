//! Invalid requests: the error follows OpenAI's format and names the field, nothing reaches Google, and no key is
//! blamed.

use serde_json::json;

use crate::harness::{CLIENT_KEY, Server};

const CHAT: &str = "/v1/chat/completions";

#[tokio::test]
async fn mistakes_are_told_and_reach_nobody() {
    let server = Server::configured("[pools.default]\nkeys = [\"gemini-key-one-0000000000\"]\n[models]\n", &[]).await;
    let user = |content: serde_json::Value| {
        json!({ "model": "gemini-3.8-flash", "messages": [{ "role": "user", "content": content }] }).to_string()
    };
    let model = |name: &str| json!({ "model": name, "messages": [{ "role": "user", "content": "x" }] }).to_string();
    let cases: Vec<(String, u16, Option<&str>)> = vec![
        ("{".into(), 400, None),
        ("nothing".into(), 400, None),
        (String::new(), 400, None),
        ("[]".into(), 400, None),
        ("\"x\"".into(), 400, None),
        ("{\"model\":\"gemini-3.8-flash\",\"messages\":[],\"messages\":[]}".into(), 400, Some("messages")),
        ("[".repeat(100_000), 400, None),
        (format!("{{\"model\":\"gemini-3.8-flash\",\"messages\":[{}", "{\"content\":[".repeat(5000)), 400, None),
        (user(json!(5)), 400, Some("messages[0].content")),
        (user(json!([{ "type": "hologram" }])), 400, Some("messages[0].content[0].type")),
        (user(json!([{ "type": "image_url", "image_url": { "url": "data:image/png;base64,%%%" } }])), 400, Some("messages[0].content[0].image_url.url")),
        (user(json!([{ "type": "image_url", "image_url": { "url": "file:///etc/passwd" } }])), 400, Some("messages[0].content[0].image_url.url")),
        (user(json!([{ "type": "image_url", "image_url": { "url": "http://169.254.169.254/" } }])), 400, Some("messages[0].content[0].image_url.url")),
        (json!({ "model": "gemini-3.8-flash", "messages": [{ "role": "tool", "tool_call_id": "x", "content": "y" }] }).to_string(), 400, Some("messages[0].tool_call_id")),
        (json!({ "model": "gemini-3.8-flash", "messages": "x" }).to_string(), 400, Some("messages")),
        (json!({ "model": 5, "messages": [] }).to_string(), 400, Some("model")),
        (json!({ "model": "gemini-3.8-flash", "temperature": "1e999" , "messages": [] }).to_string(), 400, Some("temperature")),
        ("{\"model\":\"gemini-3.8-flash\",\"temperature\":1e999,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}".into(), 400, None),
        (model("../../x?key="), 404, Some("model")),
        (model("gemini-2.5\r\nx-evil: 1"), 404, Some("model")),
        (model("models/../../x"), 404, Some("model")),
        (model("gemini-%2e%2e"), 404, Some("model")),
        (model("nobody-knows-me"), 404, Some("model")),
        (model(&"g".repeat(5000)), 404, Some("model")),
    ];
    for (body, status, param) in cases {
        let shown: String = body.chars().take(120).collect();
        let reply = server.request("POST", CHAT, Some(CLIENT_KEY), Some(body)).await;
        assert_eq!(reply.status, status, "{shown}: {}", reply.text);
        let error = reply.error();
        assert_eq!(error["type"], "invalid_request_error", "{shown}");
        if param.is_some() {
            assert_eq!(error["param"].as_str(), param, "{shown}: {}", reply.text);
        }
        assert!(reply.headers.contains_key("x-request-id"));
    }
    assert!(server.calls().is_empty(), "a bad request reached the upstream: {:?}", server.calls());
    let now = server.live.services().clock.now();
    assert_eq!(server.live.snapshot().pools["default"].status(now)[0].requests, 0);
}

/// The same at every door that takes JSON, each in its dialect's own shape; and nothing reaches anybody.
#[tokio::test]
async fn each_door_tells_mistakes_in_its_own_words() {
    let server = Server::start(&["gemini-key-one-0000000000"]).await;
    let deep = "[".repeat(100_000);
    let nested = format!("{}1{}", "{\"a\":".repeat(5000), "}".repeat(5000));
    let own = |name: &str, reply: &crate::harness::Reply| {
        let error = reply.json()["error"].clone();
        let kind = match name {
            "anthropic" => (reply.json()["type"] == "error").then(|| error["type"].clone()),
            "google" => (error["code"] == reply.status).then(|| error["status"].clone()),
            _ => error.get("param").map(|_| error["type"].clone()),
        };
        assert!(!error["message"].as_str().unwrap_or_default().is_empty(), "{}", reply.text);
        kind.unwrap_or_else(|| panic!("{name}: {}", reply.text))
    };
    for (path, name, kind) in [
        ("/v1/chat/completions", "openai", "invalid_request_error"),
        ("/v1/completions", "openai", "invalid_request_error"),
        ("/v1/responses", "openai", "invalid_request_error"),
        ("/v1/embeddings", "openai", "invalid_request_error"),
        ("/v1/images/generations", "openai", "invalid_request_error"),
        ("/v1/images/edits", "openai", "invalid_request_error"),
        ("/v1/audio/speech", "openai", "invalid_request_error"),
        ("/v1/audio/transcriptions", "openai", "invalid_request_error"),
        ("/v1/audio/translations", "openai", "invalid_request_error"),
        ("/v1/messages", "anthropic", "invalid_request_error"),
        ("/v1/messages/count_tokens", "anthropic", "invalid_request_error"),
        ("/v1beta/models/gemini-2.5-flash:generateContent", "google", "INVALID_ARGUMENT"),
        ("/v1beta/models/gemini-2.5-flash:embedContent", "google", "INVALID_ARGUMENT"),
        ("/v1beta/cachedContents", "google", "INVALID_ARGUMENT"),
    ] {
        let model = |more: &str| format!("{{\"model\":\"gemini-2.5-flash\",\"max_tokens\":5{more}}}");
        let mut bodies = vec![String::new(), "{".into(), "nothing".into(), "[]".into(), "\"x\"".into(), deep.clone()];
        if name != "google" {
            // Google's own reads what is in a body that goes through as it is.
            let words = ["messages", "input", "prompt", "file", "image"];
            let odd = words.map(|word| format!(",\"{word}\":{nested}")).concat();
            let wrong = words.map(|word| format!(",\"{word}\":true")).concat();
            bodies.extend(["{}".into(), model(""), model(&odd), model(&wrong), model(",\"model\":1")]);
        }
        for body in bodies {
            let shown: String = body.chars().take(60).collect();
            let reply = server.request("POST", path, Some(CLIENT_KEY), Some(body)).await;
            assert_eq!(reply.status, 400, "{path}: {shown}: {}", reply.text);
            assert_eq!(own(name, &reply), kind, "{path}: {shown}: {}", reply.text);
        }
    }
    assert!(server.calls().is_empty(), "a bad request reached the upstream: {:?}", server.calls());
}

#[tokio::test]
async fn large_bodies_are_refused_early() {
    let config = "[pools.default]\nkeys = [\"gemini-key-one-0000000000\"]\n[server]\nmax_body = 1000\n";
    let server = Server::configured(config, &[]).await;
    let reply = server.request("POST", CHAT, Some(CLIENT_KEY), Some("x".repeat(1001))).await;
    assert_eq!((reply.status, reply.error()["code"].as_str()), (413, Some("request_too_large")));
    let own = [
        ("/v1/messages", "/error/type", json!("request_too_large")),
        ("/v1beta/models/m:countTokens", "/error/code", json!(413)),
    ];
    for (path, at, expected) in own {
        let reply = server.request("POST", path, Some(CLIENT_KEY), Some("x".repeat(1001))).await;
        assert_eq!((reply.status, reply.json().pointer(at)), (413, Some(&expected)), "{path}: {}", reply.text);
    }
    // Without a length, it is found out while reading.
    let pieces = futures_util::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>("x".repeat(100))));
    let response = reqwest::Client::new()
        .post(format!("{}{CHAT}", server.url))
        .bearer_auth(CLIENT_KEY)
        .body(reqwest::Body::wrap_stream(pieces))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 413);
}
