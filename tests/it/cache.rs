//! End-to-end tests of the response cache: who gets cached answers, which are cached, how they are replayed, and
//! concurrent requests for the same one.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{CLIENT_KEY, Reply, Server, eventually};

const OTHER_KEY: &str = "test-other-key-00000000000";
const SAME_CLIENT: &str = "test-third-key-00000000000";

/// A server that keeps answers; `more` are further settings of `[cache]`.
async fn server(more: &str, plugins: &[(&str, &str)]) -> Server {
    let config = format!(
        "[pools.default]\nkeys = [\"gemini-key-one-0000000000\"]\n[auth]\nclient_keys = [{CLIENT_KEY:?}, {OTHER_KEY:?}, \
         {{ key = {SAME_CLIENT:?}, name = \"third\" }}]\n[cache]\nenabled = true\n{more}"
    );
    Server::configured(&config, plugins).await
}

fn body(prompt: &str) -> Value {
    json!({ "model": "gemini-3.8-flash", "temperature": 0, "messages": [{ "role": "user", "content": prompt }] })
}

/// What the answer says of kept ones.
fn cached(reply: &Reply) -> &str {
    reply.headers.get("x-gemini-adapter-cache").map_or("", String::as_str)
}

fn asked(server: &Server) -> usize {
    server.calls().values().sum()
}

async fn with(server: &Server, control: &str, body: &Value) -> Reply {
    let headers = [("authorization", format!("Bearer {CLIENT_KEY}")), ("cache-control", control.to_owned())];
    server.send("POST", "/v1/chat/completions", &headers, Some(body.to_string())).await
}

#[tokio::test]
async fn off_nothing_is_kept_or_said() {
    let server = Server::start(&["gemini-key-one-0000000000"]).await;
    for _ in 0..2 {
        assert_eq!(cached(&server.chat(body("hi")).await), "");
    }
    assert_eq!(asked(&server), 2);
    assert_eq!(server.get("/stats").await.json()["cache"]["enabled"], false);
    let refused = with(&server, "only-if-cached", &body("hi")).await;
    assert_eq!((refused.status, refused.error()["code"].as_str()), (504, Some("not_cached")));
    assert_eq!(asked(&server), 2, "who wants a kept answer or none is not sent to Gemini");
}

/// Everything that is one answer's own taken out: ids, times, numbers of events.
fn without_names(text: &str) -> String {
    let own = regex::Regex::new(
        r#"(chatcmpl|cmpl|resp|msg|call|toolu|rs|fc|audio)[-_][0-9a-zA-Z-]+|"(created|created_at|completed_at)":[0-9.]+|"responseId":"[^"]*""#,
    );
    own.unwrap().replace_all(text, "#").into_owned()
}

/// One request in each dialect, whole and streamed where it streams: its path and its body.
fn dialects() -> Vec<(&'static str, Value)> {
    let messages = json!([{ "role": "user", "content": "[[sim:long chunks=40 size=200]] é" }]);
    let model = "gemini-3.8-flash";
    let chat = json!({ "model": model, "temperature": 0, "messages": messages });
    let responses = json!({ "model": model, "temperature": 0, "input": messages });
    let anthropic = json!({ "model": model, "temperature": 0, "max_tokens": 9000, "messages": messages });
    let completions = json!({ "model": model, "temperature": 0, "prompt": "Once" });
    let native =
        json!({ "contents": [{ "role": "user", "parts": [{ "text": "hi" }] }], "generationConfig": { "seed": 7 } });
    let streamed = |body: &Value| {
        let mut body = body.clone();
        body["stream"] = true.into();
        body
    };
    vec![
        ("/v1/chat/completions", streamed(&chat)),
        ("/v1/chat/completions", chat),
        ("/v1/responses", streamed(&responses)),
        ("/v1/responses", responses),
        ("/v1/messages", streamed(&anthropic)),
        ("/v1/messages/count_tokens", json!({ "model": model, "messages": messages })),
        ("/v1/messages", anthropic),
        ("/v1/completions", streamed(&completions)),
        ("/v1/completions", completions),
        ("/v1beta/models/gemini-3.8-flash:generateContent", native.clone()),
        ("/v1beta/models/gemini-3.8-flash:streamGenerateContent", native.clone()),
        ("/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse", native),
        ("/v1/embeddings", json!({ "model": "gemini-embedding-001", "input": ["a", "b"] })),
        // More than Google takes at once: two calls, and both are kept.
        ("/v1/embeddings", json!({ "model": "gemini-embedding-001", "dimensions": 64, "input": vec!["a"; 150] })),
    ]
}

#[tokio::test]
async fn in_every_dialect_what_is_given_again_is_as_it_was() {
    let server = server("", &[]).await;
    let mut calls = 0;
    for (path, body) in dialects() {
        let first = server.request("POST", path, Some(CLIENT_KEY), Some(body.to_string())).await;
        assert_eq!((first.status, cached(&first)), (200, "miss"), "{path}: {}", first.text);
        assert!(asked(&server) > calls, "{path}");
        calls = asked(&server);
        let again = server.request("POST", path, Some(CLIENT_KEY), Some(body.to_string())).await;
        assert_eq!((again.status, cached(&again)), (200, "hit"), "{path}: {}", again.text);
        assert_eq!(asked(&server), calls, "{path}: Gemini is not asked again");
        assert_eq!(again.headers["content-type"], first.headers["content-type"], "{path}");
        assert!(again.headers.contains_key("age") && !first.headers.contains_key("age"), "{path}");
        if path.starts_with("/v1beta") {
            assert_eq!(again.text, first.text, "{path}");
        } else {
            assert_eq!(whole_text(&again.text), whole_text(&first.text), "{path}");
        }
    }
    let stats = server.get("/stats").await.json()["cache"].clone();
    assert_eq!(stats["hit_rate"], 0.5, "{stats}");
    assert!(stats["entries"].as_u64().unwrap() >= 14 && stats["bytes"].as_u64().unwrap() > 0, "{stats}");
    let metrics = server.get("/metrics").await.text;
    assert!(metrics.contains("gemini_adapter_cache_requests_total{result=\"hit\"}"), "{metrics}");
}

/// What an answer says, event by event, but for names of its own. Pieces of a live one come as the network brings them: a replay has the
/// same events.
fn whole_text(text: &str) -> String {
    let kept = without_names(text);
    kept.lines().filter(|line| !line.starts_with(": ")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn each_answer_bears_names_of_its_own() {
    let server = server("", &[]).await;
    let (first, again) = (server.chat(body("hi")).await, server.chat(body("hi")).await);
    assert_eq!(cached(&again), "hit");
    assert_ne!(first.json()["id"], again.json()["id"]);
    // What is gone on from is the answer that was given, though Gemini gave it to somebody before.
    let responses = json!({ "model": "gemini-3.8-flash", "temperature": 0, "input": "hi" });
    let mut id = Value::Null;
    for _ in 0..2 {
        let reply = server.request("POST", "/v1/responses", Some(CLIENT_KEY), Some(responses.to_string())).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        id = reply.json()["id"].clone();
    }
    let on = json!({ "model": "gemini-3.8-flash", "input": "and?", "previous_response_id": id });
    let reply = server.request("POST", "/v1/responses", Some(CLIENT_KEY), Some(on.to_string())).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[tokio::test]
async fn no_client_gets_what_is_anothers() {
    let server = server("", &[]).await;
    let ask =
        async |key: &str| server.request("POST", "/v1/chat/completions", Some(key), Some(body("hi").to_string())).await;
    for key in [CLIENT_KEY, OTHER_KEY, SAME_CLIENT] {
        assert_eq!(cached(&ask(key).await), "miss", "{key}");
    }
    for key in [CLIENT_KEY, OTHER_KEY, SAME_CLIENT] {
        assert_eq!(cached(&ask(key).await), "hit", "{key}");
    }
    assert_eq!(asked(&server), 3);
}

#[tokio::test]
async fn whatever_field_differs_is_another_question() {
    let server = server("", &[]).await;
    assert_eq!(cached(&server.chat(body("hi")).await), "miss");
    for (field, value) in [
        ("model", json!("gemini-2.5-flash")),
        ("messages", json!([{ "role": "user", "content": "hi " }])),
        ("messages", json!([{ "role": "system", "content": "x" }, { "role": "user", "content": "hi" }])),
        ("max_tokens", json!(100)),
        ("max_completion_tokens", json!(101)),
        ("top_p", json!(0.5)),
        ("seed", json!(1)),
        ("stop", json!(["x"])),
        ("stream", json!(true)),
        ("user", json!("u")),
        ("metadata", json!({ "a": "b" })),
        ("presence_penalty", json!(0.5)),
        ("reasoning_effort", json!("low")),
        ("response_format", json!({ "type": "json_object" })),
        ("logprobs", json!(false)),
        ("parallel_tool_calls", json!(false)),
        ("store", json!(false)),
        ("n", json!(1)),
        ("tools", json!([{ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } } }])),
    ] {
        let mut other = body("hi");
        other[field] = value;
        let reply = server.chat(other.clone()).await;
        assert_eq!((reply.status, cached(&reply)), (200, "miss"), "{field}: {}", reply.text);
        assert_eq!(cached(&server.chat(other).await), "hit", "{field}");
    }
    assert_eq!(cached(&server.chat(body("hi")).await), "hit");
}

#[tokio::test]
async fn only_complete_deterministic_answers_are_kept() {
    let server = server("", &[]).await;
    let tools = json!([{ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } } }]);
    let field = |prompt: &str, name: &str, value: Value| {
        let mut body = body(prompt);
        body[name] = value;
        body
    };
    for (request, result) in [
        (field("hi", "temperature", json!(1)), "bypass"),
        (field("hi", "temperature", Value::Null), "bypass"),
        (
            json!({ "model": "gemini-2.5-flash", "n": 2, "temperature": 0, "messages": body("hi")["messages"] }),
            "bypass",
        ),
        (field("[[sim:tool steps=9]] hi", "tools", tools), "miss"),
        (body("[[sim:max_tokens]]"), "miss"),
        (body("[[sim:safety]]"), "miss"),
        (body("[[sim:blocked]]"), "miss"),
        (body("[[sim:empty]]"), "miss"),
        (body("[[sim:400]]"), ""),
        (field("[[sim:eof after=2]]", "stream", json!(true)), "miss"),
        (field("[[sim:mid_error after=2]]", "stream", json!(true)), "miss"),
    ] {
        for _ in 0..2 {
            let before = asked(&server);
            let reply = server.chat(request.clone()).await;
            assert!(asked(&server) > before, "{request}: Gemini is asked");
            assert_ne!(cached(&reply), "hit", "{request}");
            if !result.is_empty() {
                assert_eq!(cached(&reply), result, "{request}: {}", reply.text);
            }
        }
    }
    assert_eq!(server.get("/stats").await.json()["cache"]["entries"], 0);
}

#[tokio::test]
async fn what_is_asked_for_is_kept_too() {
    let server = server("requests = \"any\"\ntool_calls = true", &[]).await;
    let tools = json!([{ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } } }]);
    let mut request = body("[[sim:tool steps=9]] hi");
    request["tools"] = tools;
    request["temperature"] = 1.into();
    let (first, again) = (server.chat(request.clone()).await, server.chat(request).await);
    assert_eq!((cached(&first), cached(&again)), ("miss", "hit"), "{}", again.text);
    let name = |reply: &Reply| reply.json()["choices"][0]["message"]["tool_calls"][0]["function"].clone();
    assert_eq!(name(&first), name(&again));
}

#[tokio::test]
async fn a_request_has_the_say() {
    let server = server("", &[]).await;
    let refused = with(&server, "only-if-cached", &body("hi")).await;
    assert_eq!((refused.status, asked(&server)), (504, 0));
    for (control, result, calls) in [
        ("no-store", "bypass", 1),
        ("max-age=60", "miss", 2),
        ("max-age=60", "hit", 2),
        ("only-if-cached", "hit", 2),
        ("no-cache", "refresh", 3),
        ("no-store", "bypass", 4),
        ("", "hit", 4),
    ] {
        let reply = with(&server, control, &body("hi")).await;
        assert_eq!((reply.status, cached(&reply), asked(&server)), (200, result, calls), "{control}");
    }
}

#[tokio::test]
async fn fifty_at_once_are_one_call() {
    let server = server("", &[]).await;
    for stream in [false, true] {
        let mut request = body("[[sim:slow delay_ms=500]] hi");
        request["stream"] = stream.into();
        let before = asked(&server);
        let replies = join_all((0..50).map(|_| server.chat(request.clone()))).await;
        assert_eq!(asked(&server), before + 1);
        let first = whole_text(&replies[0].text);
        assert!(replies.iter().all(|reply| reply.status == 200 && whole_text(&reply.text) == first));
        assert_eq!(replies.iter().filter(|reply| cached(reply) == "miss").count(), 1);
    }
    // Not across clients.
    let request = body("[[sim:slow delay_ms=500]] ho").to_string();
    let before = asked(&server);
    let ask = |key| server.request("POST", "/v1/chat/completions", Some(key), Some(request.clone()));
    join_all((0..10).map(|number| ask(if number % 2 == 0 { CLIENT_KEY } else { OTHER_KEY }))).await;
    assert_eq!(asked(&server), before + 2);
}

#[tokio::test]
async fn when_the_first_leaves_another_goes_on() {
    let server = server("", &[]).await;
    for stream in [false, true] {
        let before = asked(&server);
        let mut request = body("[[sim:slow delay_ms=60000 times=1]] hi");
        request["stream"] = stream.into();
        if stream {
            // Another question for the stand-in too: each happens once for a key and a model.
            request["model"] = "gemini-2.5-flash".into();
        }
        let mut first = Box::pin(server.chat(request.clone()));
        tokio::select! {
            _ = &mut first => panic!("the first one is slow"),
            () = eventually("the first has asked", || asked(&server) == before + 1) => {}
        }
        let others = join_all((0..20).map(|_| server.chat(request.clone())));
        let leaves = async { drop(first) };
        let (replies, ()) = tokio::join!(others, leaves);
        assert!(replies.iter().all(|reply| reply.status == 200), "{:?}", replies.first());
        assert_eq!(asked(&server), before + 2);
    }
}

#[tokio::test]
async fn when_the_first_fails_not_all_fail_with_it() {
    let server = server("", &[]).await;
    let request = body("[[sim:400 times=1]] hi");
    let replies = join_all((0..20).map(|_| server.chat(request.clone()))).await;
    let failed = replies.iter().filter(|reply| reply.status == 400).count();
    assert_eq!((failed, replies.iter().filter(|reply| reply.status == 200).count()), (1, 19));
    assert_eq!(asked(&server), 2);
}

#[tokio::test]
async fn kept_answers_stay_within_their_bytes() {
    let server = server("max_bytes = 40000\nmax_entry = 8000", &[]).await;
    for number in 0..40 {
        let reply = server.chat(body(&format!("[[sim:long chunks=4 size=1000]] {number}"))).await;
        assert_eq!(reply.status, 200);
    }
    let stats = server.get("/stats").await.json()["cache"].clone();
    let bytes = stats["bytes"].as_u64().unwrap();
    assert!((1..=40_000).contains(&bytes), "{stats}");
    // What is larger than one may be is not kept.
    for _ in 0..2 {
        assert_eq!(cached(&server.chat(body("[[sim:long chunks=10 size=2000]]")).await), "miss");
    }
}

#[tokio::test]
async fn an_admin_forgets_them_all_and_a_change_of_settings_is_live() {
    let server = server("", &[]).await;
    server.chat(body("hi")).await;
    assert_eq!(server.request("POST", "/admin/cache/clear", Some(CLIENT_KEY), None).await.status, 403);
    assert_eq!(server.admin("POST", "/admin/cache/clear").await.json()["cleared"], 1);
    assert_eq!(cached(&server.chat(body("hi")).await), "miss");
    let config = std::fs::read_to_string(server.path("config.toml")).unwrap();
    std::fs::write(server.path("config.toml"), config.replace("enabled = true", "enabled = false")).unwrap();
    assert_eq!(server.admin("POST", "/admin/reload").await.status, 200);
    assert_eq!(cached(&server.chat(body("hi")).await), "");
    std::fs::write(server.path("config.toml"), config).unwrap();
    assert_eq!(server.admin("POST", "/admin/reload").await.status, 200);
    assert_eq!(cached(&server.chat(body("hi")).await), "miss", "what was turned off is forgotten");
}

#[tokio::test]
async fn plugins_see_what_is_given_again_and_have_a_say() {
    const STAMP: &str = r#"//! name = "stamp"
fn on_upstream_request(ctx) { ctx.up.set("/labels", #{ lang: `${ctx.header("x-lang")}` }); }
fn on_text(ctx) { ctx.text = ctx.text + " [" + ctx.id + "]"; }
"#;
    const PRIVATE: &str = r#"//! name = "private"
fn on_response(ctx) { if ctx.res.text.contains("private") { ctx.no_store(); } }
fn on_request(ctx) { if ctx.req.last_user_text.contains("secret") { ctx.no_store(); } }
"#;
    let server = server("", &[("stamp.rhai", STAMP), ("private.rhai", PRIVATE)]).await;
    let (first, again) = (server.chat(body("hi")).await, server.chat(body("hi")).await);
    assert_eq!((cached(&first), cached(&again)), ("miss", "hit"), "{}", first.text);
    let says = |reply: &Reply| reply.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    assert!(says(&again).contains('[') && says(&first) != says(&again), "plugins run again: {}", says(&again));
    // What a plugin makes of a header is part of the question.
    let headers = [("authorization", format!("Bearer {CLIENT_KEY}")), ("x-lang", "de".to_owned())];
    let german = server.send("POST", "/v1/chat/completions", &headers, Some(body("hi").to_string())).await;
    assert_eq!(cached(&german), "miss");
    for (prompt, result) in [("private", "miss"), ("secret", "bypass")] {
        for _ in 0..2 {
            assert_eq!(cached(&server.chat(body(prompt)).await), result, "{prompt}");
        }
    }
    // Other plugins, other answers.
    std::fs::write(server.path("plugins/stamp.rhai"), STAMP.replace(" [", " <")).unwrap();
    assert_eq!(server.admin("POST", "/admin/reload").await.status, 200);
    assert_eq!(cached(&server.chat(body("hi")).await), "miss");
}
