//! Plugins with every protocol, streamed and not streamed: the same script has the same effect whatever the
//! client's protocol; and a plugin that does nothing leaves every byte unchanged.

use serde_json::{Value, json};

use crate::harness::{CLIENT_KEY, Reply, Server, with_keys};
use crate::{messages, responses};

const KEYS: &[&str] = &["gemini-key-one-0000000000"];

/// A door, and how its clients speak.
struct DoorCase {
    api: &'static str,
    path: fn(stream: bool) -> String,
    ask: fn(text: &str, stream: bool) -> Value,
    /// What an answer says.
    said: fn(&Reply, stream: bool) -> String,
    /// A whole answer of one's own that says `from a table`.
    table: &'static str,
    /// Where an error has the code of a plugin, if it has one.
    code: &'static str,
}

const MODEL: &str = "gemini-3.8-flash";

const DOORS: &[DoorCase] = &[
    DoorCase {
        api: "chat",
        path: |_| "/v1/chat/completions".to_owned(),
        ask: |text, stream| json!({ "model": MODEL, "stream": stream, "messages": [{ "role": "user", "content": text }] }),
        said: |reply, stream| match stream {
            true => reply.gathered().0,
            false => text(&reply.json(), "/choices/0/message/content"),
        },
        table: "#{ choices: [#{ message: #{ role: \"assistant\", content: \"from a table\" } }] }",
        code: "/error/code",
    },
    DoorCase {
        api: "responses",
        path: |_| "/v1/responses".to_owned(),
        ask: |text, stream| json!({ "model": MODEL, "stream": stream, "input": text }),
        said: |reply, stream| {
            let response = if stream { responses::gathered(&reply.text) } else { reply.json() };
            let items = response["output"].as_array().unwrap().iter();
            items.filter_map(|item| item["content"][0]["text"].as_str()).collect()
        },
        table: "#{ output: [#{ type: \"message\", content: [#{ type: \"output_text\", text: \"from a table\" }] }] }",
        code: "/error/code",
    },
    DoorCase {
        api: "messages",
        path: |_| "/v1/messages".to_owned(),
        ask: |text, stream| json!({ "model": MODEL, "stream": stream, "max_tokens": 500, "messages": [{ "role": "user", "content": text }] }),
        said: |reply, stream| {
            let message = if stream { messages::gathered(&reply.text) } else { reply.json() };
            let blocks = message["content"].as_array().unwrap().iter();
            blocks.filter_map(|block| block["text"].as_str()).collect()
        },
        table: "#{ content: [#{ type: \"text\", text: \"from a table\" }] }",
        code: "/error/type",
    },
    DoorCase {
        api: "native",
        path: |stream| {
            format!(
                "/v1beta/models/{MODEL}:{}",
                if stream { "streamGenerateContent?alt=sse" } else { "generateContent" }
            )
        },
        ask: |text, _| json!({ "contents": [{ "role": "user", "parts": [{ "text": text }] }] }),
        said: |reply, stream| {
            let spoken = |answer: Value| -> String {
                let parts = answer["candidates"][0]["content"]["parts"].as_array().into_iter().flatten();
                parts.filter_map(|part| part["text"].as_str()).collect()
            };
            if !stream {
                return spoken(reply.json());
            }
            let events = reply.text.split("\r\n\r\n").filter_map(|event| event.strip_prefix("data: "));
            events.map(|event| spoken(serde_json::from_str(event).unwrap())).collect()
        },
        table: "#{ candidates: [#{ content: #{ parts: [#{ text: \"from a table\" }] } }] }",
        code: "/error/status",
    },
];

fn text(document: &Value, pointer: &str) -> String {
    document.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl DoorCase {
    async fn asked(&self, server: &Server, text: &str, stream: bool) -> Reply {
        // An id of the client's own: ids of answers are made of it.
        let headers = [("authorization", format!("Bearer {CLIENT_KEY}")), ("x-request-id", "same-id".to_owned())];
        let body = (self.ask)(text, stream).to_string();
        server.send("POST", &(self.path)(stream), &headers, Some(body)).await
    }

    async fn says(&self, server: &Server, text: &str, stream: bool) -> String {
        let reply = self.asked(server, text, stream).await;
        assert_eq!(reply.status, 200, "{} {stream}: {}", self.api, reply.text);
        (self.said)(&reply, stream)
    }
}

/// Each door, whole and streamed.
fn doors() -> impl Iterator<Item = (&'static DoorCase, bool)> {
    DOORS.iter().flat_map(|door| [(door, false), (door, true)])
}

/// Without the time at which it was made and the ids that are drawn by lot.
fn timeless(text: &str) -> String {
    let lots = regex::Regex::new(r#""(created|created_at|completed_at)":\d+|"(msg|rs|fc|call)_[0-9a-z]+""#).unwrap();
    lots.replace_all(text, "").into_owned()
}

#[tokio::test]
async fn what_does_nothing_is_not_there() {
    let idle = "fn on_request(ctx) { let s = ctx.req.system + ctx.req.last_user_text + ctx.req.model; }
        fn on_route(ctx) { ctx.model = ctx.model; }
        fn on_upstream_request(ctx) { let n = ctx.up.messages.len(); }
        fn on_upstream_response(ctx) { if ctx.has_body { let t = ctx.gemini.text; } }
        fn on_chunk(ctx) { let t = ctx.chunk.text; }
        fn on_text(ctx) { ctx.replace(\"never said\", \"\"); }
        fn on_reasoning(ctx) { }
        fn on_tool_arguments(ctx) { }
        fn on_end(ctx) { }
        fn on_response(ctx) { let t = ctx.res.text; }
        fn on_error(ctx) { }";
    let (plain, idle) = (Server::start(KEYS).await, Server::configured(&with_keys(KEYS), &[("idle.rhai", idle)]).await);
    for (door, stream) in doors() {
        for said in ["hi", "think [[sim:thinking]]", "[[sim:400]]"] {
            let replies = [door.asked(&plain, said, stream).await, door.asked(&idle, said, stream).await];
            let [without, with] = replies.map(|reply| (reply.status, timeless(&reply.text)));
            assert_eq!(without, with, "{} {stream} {said}", door.api);
        }
    }
    let arrived = |server: &Server| -> Vec<_> {
        server.simulator.arrivals().into_iter().map(|arrival| (arrival.model, arrival.method, arrival.body)).collect()
    };
    assert_eq!(arrived(&plain), arrived(&idle));
}

#[tokio::test]
async fn every_hook_at_every_door() {
    let plugin = r#"
        fn on_request(ctx) { ctx.vars.trail = ctx.api + " " + ctx.asked + " request"; ctx.req.last_user_text += " there"; ctx.req.system = "S"; }
        fn on_route(ctx) { ctx.vars.trail += " route"; ctx.model = "gemini-2.5-flash"; }
        fn on_upstream_request(ctx) { ctx.vars.trail += " up" + ctx.attempt; ctx.up.set("/generationConfig/topK", 7); }
        fn on_upstream_response(ctx) { ctx.vars.trail += " gemini"; if ctx.has_body { ctx.gemini.text = ctx.gemini.text + "!"; } }
        fn on_chunk(ctx) { if ctx.chunk.text != "" { ctx.chunk.text = ctx.chunk.text.to_upper(); } }
        fn on_text(ctx) { ctx.replace("(?i)hi there", "hello"); }
        fn on_end(ctx) { ctx.text = " (end)"; }
        fn on_response(ctx) { ctx.res.set("/trail", ctx.vars.trail); ctx.res.text = ctx.res.text.to_lower(); }
        fn on_error(ctx) { ctx.error.message = "translated: " + ctx.error.message; ctx.error.status = 418; }
    "#;
    let server = Server::configured(&with_keys(KEYS), &[("all.rhai", plugin)]).await;
    for (door, stream) in doors() {
        server.simulator.reset();
        let reply = door.asked(&server, "hi", stream).await;
        assert_eq!(reply.status, 200, "{}: {}", door.api, reply.text);
        let expected = if stream { "YOU SAID: hello (end)" } else { "you said: hello! (end)" };
        assert_eq!((door.said)(&reply, stream), expected, "{}", door.api);
        if !stream {
            let trail = format!("{} {MODEL} request route up1 gemini", door.api);
            assert_eq!(reply.json()["trail"], trail, "{}", door.api);
        }
        let arrival = &server.simulator.arrivals()[0];
        assert_eq!(arrival.model, "gemini-2.5-flash", "{}", door.api);
        assert_eq!(arrival.body["generationConfig"]["topK"], 7, "{}", door.api);
        assert_eq!(text(&arrival.body, "/systemInstruction/parts/0/text"), "S", "{}", door.api);
        assert_eq!(text(&arrival.body, "/contents/0/parts/0/text"), "hi there", "{}", door.api);
        let error = door.asked(&server, "[[sim:400]]", stream).await;
        assert_eq!(error.status, 418, "{}: {}", door.api, error.text);
        assert!(text(&error.json(), "/error/message").starts_with("translated: "), "{}: {}", door.api, error.text);
    }
}

#[tokio::test]
async fn a_plugin_answers_or_refuses_at_every_door() {
    for (door, stream) in doors() {
        let plugin = format!(
            "fn on_request(ctx) {{
                if ctx.req.last_user_text == \"ping\" {{ return reply(\"pong\"); }}
                if ctx.req.last_user_text == \"table\" {{ return reply({}); }}
                if ctx.req.last_user_text == \"mute\" {{ return reply(#{{ }}); }}
                if ctx.req.last_user_text == \"no\" {{ reject(402, \"pay\", \"Pay first.\"); }}
            }}",
            door.table
        );
        let server = Server::configured(&with_keys(KEYS), &[("a.rhai", &plugin)]).await;
        assert_eq!(door.says(&server, "ping", stream).await, "pong", "{} {stream}", door.api);
        assert_eq!(door.says(&server, "table", stream).await, "from a table", "{} {stream}", door.api);
        let mute = door.asked(&server, "mute", stream).await;
        assert_eq!((mute.status, mute.text == "{}"), if stream { (500, false) } else { (200, true) }, "{}", door.api);
        let refused = door.asked(&server, "no", stream).await;
        assert_eq!(refused.status, 402, "{}: {}", door.api, refused.text);
        assert_eq!(text(&refused.json(), "/error/message"), "Pay first.", "{}", door.api);
        assert!(refused.json().pointer(door.code).is_some(), "{}: {}", door.api, refused.text);
        assert!(server.calls().is_empty(), "{}", door.api);
    }
}

#[tokio::test]
async fn a_rule_matches_across_pieces_at_every_door() {
    let mask = "fn on_text(ctx) { ctx.replace(\"[0-9]{4} [a-z]+ [0-9]{4}\", \"***\"); }";
    let server = Server::configured(&with_keys(KEYS), &[("mask.rhai", mask)]).await;
    for (door, stream) in doors() {
        let said = door.says(&server, "from 1234 until 5678 and on", stream).await;
        assert_eq!(said, "You said: from *** and on", "{} {stream}", door.api);
    }
}

#[tokio::test]
async fn the_model_of_a_native_request_is_a_plugins_to_choose() {
    let plugin = r#"
        //! when = { models = ["mine*"] }
        fn on_request(ctx) {
            ctx.vars.seen = ctx.req.model + " " + ctx.asked;
            if ctx.req.model == "mine:low" { ctx.req.model = "gemini-2.5-flash"; }
        }
        fn on_route(ctx) { if ctx.asked == "mine" { ctx.model = "gemini-2.5-pro"; } }
        fn on_response(ctx) { ctx.res.set("/seen", ctx.vars.seen); }
    "#;
    let config = format!("{}[models.aliases]\nmine = \"gemini-3.8-flash\"\n", with_keys(KEYS));
    let server = Server::configured(&config, &[("a.rhai", plugin.trim_start())]).await;
    let key = [("x-goog-api-key", CLIENT_KEY.to_owned())];
    for (asked, method, model) in [
        ("mine:low", "generateContent", "gemini-2.5-flash"),
        ("mine:low", "streamGenerateContent?alt=sse", "gemini-2.5-flash"),
        ("mine", "generateContent", "gemini-2.5-pro"),
        ("gemini-3.8-flash", "generateContent", "gemini-3.8-flash"),
    ] {
        server.simulator.reset();
        // Some SDKs name the model in the body too: Google wants both names to be one.
        let body = json!({ "model": format!("models/{asked}"), "contents": [{ "parts": [{ "text": "hi" }] }] });
        let path = format!("/v1beta/models/{asked}:{method}");
        let reply = server.send("POST", &path, &key, Some(body.to_string())).await;
        assert_eq!(reply.status, 200, "{asked}: {}", reply.text);
        let arrival = &server.simulator.arrivals()[0];
        assert_eq!(
            (arrival.model.as_str(), text(&arrival.body, "/model")),
            (model, format!("models/{model}")),
            "{asked}"
        );
        if asked.starts_with("mine") && method == "generateContent" && !asked.contains(':') {
            assert_eq!(reply.json()["seen"], "mine mine");
        }
    }
}
