//! Faults of keys, of quotas, and of Google; and what each is blamed on.

use serde_json::{Value, json};

use crate::harness::Server;

const GOOD: &str = "gemini-key-good-000000000";
const INVALID: &str = "gemini-key-invalid-000000";
const LEAKED: &str = "gemini-key-leaked-0000000";
const SUSPENDED: &str = "gemini-key-suspended-0000";
const MINUTE: &str = "gemini-key-minute-0000000";
const TODAY: &str = "gemini-key-today-00000000";

#[tokio::test]
async fn the_client_never_sees_a_bad_key() {
    for bad in [INVALID, LEAKED, SUSPENDED, MINUTE, TODAY] {
        let server = Server::start(&[bad, GOOD]).await;
        for turn in 0..6 {
            let reply = if turn % 2 == 0 { server.say("hi").await } else { server.stream("hi").await };
            assert_eq!(reply.status, 200, "{bad}: {}", reply.text);
        }
        let calls = server.calls();
        assert!(calls.get(bad).is_none_or(|calls| *calls == 1), "{bad} was tried again: {calls:?}");
        assert_eq!(calls[GOOD], 6, "{bad}");
    }
}

#[tokio::test]
async fn dead_keys_alone_are_a_503_that_names_no_key() {
    for bad in [INVALID, LEAKED, SUSPENDED] {
        let server = Server::start(&[bad]).await;
        let reply = server.say("hi").await;
        assert_eq!(reply.status, 503, "{}", reply.text);
        assert_eq!(reply.error()["code"], "upstream_key_error");
        assert!(!reply.text.contains("gemini-key"), "{}", reply.text);
        assert_eq!(server.request("GET", "/health", None, None).await.status, 503);
        assert_eq!(server.request("GET", "/readyz", None, None).await.status, 503);
        let keys = server.admin("GET", "/admin/keys").await;
        assert_eq!(keys.json()["pools"]["default"]["keys"][0]["state"], "dead", "{}", keys.text);
        assert!(!keys.text.contains("gemini-key"));
    }
}

#[tokio::test]
async fn resting_keys_alone_are_a_429_that_says_until_when() {
    let server = Server::start(&[MINUTE]).await;
    for reply in [server.say("hi").await, server.stream("hi").await] {
        assert_eq!(reply.status, 429, "{}", reply.text);
        assert_eq!(reply.error()["code"], "rate_limit_exceeded");
        let seconds: u64 = reply.headers["retry-after"].parse().unwrap();
        assert!((33..=35).contains(&seconds), "{seconds}");
        let milliseconds: u64 = reply.headers["retry-after-ms"].parse().unwrap();
        assert!(milliseconds > 33_000 && milliseconds <= 34_400, "{milliseconds}");
        assert_eq!(reply.headers["x-ratelimit-remaining-requests"], "0");
    }
    assert_eq!(server.calls()[MINUTE], 1, "a key that rests is not asked");
    // It rests for that model only.
    let other = json!({ "model": "gemini-2.5-flash", "messages": [{ "role": "user", "content": "hi" }] });
    server.chat(other).await;
    assert_eq!(server.calls()[MINUTE], 2);
}

#[tokio::test]
async fn a_quota_of_the_day_lasts_until_googles_midnight() {
    let server = Server::start(&[TODAY]).await;
    let reply = server.say("hi").await;
    assert_eq!(reply.status, 429);
    assert_eq!(reply.headers["x-should-retry"], "false");
    let keys = server.admin("GET", "/admin/keys").await.json();
    let rest = &keys["pools"]["default"]["keys"][0]["models"]["gemini-3.8-flash"];
    let until: jiff::Timestamp = rest["until"].as_str().unwrap().parse().unwrap();
    let local = until.in_tz("America/Los_Angeles").unwrap();
    assert!(local.hour() == 0 && local.minute() == 0, "{local}");
    assert_eq!(rest["why"], "day_quota");
}

#[tokio::test]
async fn an_admin_puts_a_key_back_to_work() {
    let server = Server::start(&[INVALID, MINUTE]).await;
    server.say("hi").await;
    let keys = server.admin("GET", "/admin/keys").await.json();
    let ids: Vec<String> = keys["pools"]["default"]["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(server.admin("POST", "/admin/reset-key/nobody").await.status, 404);
    let ambiguous = server.admin("POST", "/admin/reset-key/gemini-key").await;
    assert_eq!(ambiguous.status, 409);
    assert!(
        ids.iter().all(|id| ambiguous.text.contains(id.as_str())) && !ambiguous.text.contains("gemini-key-invalid")
    );
    assert_eq!(server.admin("POST", &format!("/admin/reset-key/{}", &ids[0][..8])).await.status, 200);
    assert_eq!(server.admin("POST", "/admin/reset-key/gemini-key-minute").await.status, 200);
    let keys = server.admin("GET", "/admin/keys").await.json();
    assert!(keys["pools"]["default"]["keys"].as_array().unwrap().iter().all(|key| key["state"] == "ready"));
    server.simulator.reset();
    server.say("hi").await;
    assert_eq!(server.calls().len(), 2, "both are tried again");
}

/// What is the request's own fault, or the model's, says nothing about the key.
#[tokio::test]
async fn faults_of_others_never_blame_a_key() {
    let server = Server::start(&[GOOD]).await;
    for (scenario, status, code) in [
        ("400", 400, json!(null)),
        ("403_file", 404, json!(null)),
        ("404_model", 404, json!("model_not_found")),
        ("too_long", 400, json!("context_length_exceeded")),
    ] {
        server.simulator.reset();
        for reply in
            [server.say(&format!("[[sim:{scenario}]]")).await, server.stream(&format!("[[sim:{scenario}]]")).await]
        {
            assert_eq!(reply.status, status, "{scenario}: {}", reply.text);
            assert_eq!(reply.error()["code"], code, "{scenario}");
        }
        assert_eq!(server.calls()[GOOD], 2, "{scenario} was tried again");
    }
    for _ in 0..50 {
        assert_eq!(server.say("[[sim:400]]").await.status, 400);
    }
    let stats = server.get("/stats").await.json();
    let key = &stats["pools"]["default"]["keys"][0];
    assert_eq!((&key["state"], &key["failures"]), (&json!("ready"), &json!(0)));
    assert_eq!(server.say("hi").await.status, 200);
}

/// A model that one key does not find, another may: one more is asked. What neither finds is told as it is, and no key suffers.
#[tokio::test]
async fn a_model_that_is_not_found_is_asked_of_one_other_key() {
    const MODELLESS: &str = "gemini-key-modelless-0000";
    let config = format!("{}selection = \"round_robin\"\n", crate::harness::with_keys(&[MODELLESS, GOOD]));
    let server = Server::configured(&config, &[]).await;
    for _ in 0..4 {
        assert_eq!(server.say("hi").await.status, 200);
    }
    assert_eq!(server.calls(), [(MODELLESS.to_owned(), 1), (GOOD.to_owned(), 4)].into());
    let keys = server.admin("GET", "/admin/keys").await.json();
    let model = &keys["pools"]["default"]["keys"][0]["models"]["gemini-3.8-flash"];
    assert_eq!((&model["state"], &model["why"]), (&json!("resting"), &json!("model_not_for_key")));

    let three = ["gemini-key-a-00000000000", "gemini-key-b-00000000000", "gemini-key-c-00000000000"];
    let server = Server::start(&three).await;
    for reply in [server.say("[[sim:404_model]]").await, server.stream("[[sim:404_model]]").await] {
        assert_eq!((reply.status, reply.error()["code"].as_str()), (404, Some("model_not_found")));
    }
    assert_eq!(server.calls().values().sum::<usize>(), 4, "two for each request");
    let keys = server.admin("GET", "/admin/keys").await.json();
    let keys = keys["pools"]["default"]["keys"].as_array().unwrap().clone();
    assert!(keys.iter().all(|key| key["state"] == "ready" && key["failures"] == 0), "{keys:?}");
}

#[tokio::test]
async fn a_passing_fault_is_not_seen() {
    let server = Server::start(&[GOOD, "gemini-key-other-00000000"]).await;
    for scenario in [
        "503 times=1",
        "500 times=1",
        "502 times=1",
        "empty_200 times=1",
        "garbage times=1",
        "html times=1",
        "malformed_call times=1",
        "truncated after=0 times=1",
        "mid_error after=0 times=1",
        "reset after=0 times=1",
        "eof after=0 times=1",
    ] {
        for stream in [false, true] {
            server.simulator.reset();
            let prompt = format!("[[sim:{scenario}]] hi");
            let reply = if stream { server.stream(&prompt).await } else { server.say(&prompt).await };
            assert_eq!(reply.status, 200, "{scenario}: {}", reply.text);
            let text = if stream {
                reply.gathered().0
            } else {
                reply.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
            };
            assert_eq!(text, "You said: hi", "{scenario}");
        }
    }
    let now = server.live.services().clock.now();
    assert_eq!(server.live.snapshot().pools["default"].counts(now).usable, 2);
}

#[tokio::test]
async fn a_lasting_fault_is_told_with_its_status() {
    let config = format!("{}[upstream]\nattempts = 2\n", crate::harness::with_keys(&[GOOD]));
    let server = Server::configured(&config, &[]).await;
    for (scenario, status) in [
        ("503", 503),
        ("500", 500),
        ("502", 502),
        ("garbage", 502),
        ("html", 502),
        ("empty_200", 502),
        ("malformed_call", 502),
    ] {
        for reply in
            [server.say(&format!("[[sim:{scenario}]]")).await, server.stream(&format!("[[sim:{scenario}]]")).await]
        {
            assert_eq!(reply.status, status, "{scenario}: {}", reply.text);
            reply.error();
        }
    }
}

/// After the first content there is no other attempt: the stream ends in an error that SDKs raise, never in a false `stop`.
#[tokio::test]
async fn a_stream_that_breaks_ends_in_an_error() {
    let server = Server::start(&[GOOD, "gemini-key-other-00000000"]).await;
    for scenario in ["reset", "eof", "mid_error", "mid_error_bare", "truncated"] {
        server.simulator.reset();
        let reply = server.stream(&format!("[[sim:{scenario} after=1]] a text of more than one piece")).await;
        assert_eq!(reply.status, 200);
        let (events, done) = reply.events();
        assert!(!done, "{scenario}: [DONE] after an error");
        assert!(
            events.iter().all(|event| event["choices"][0]["finish_reason"].is_null()),
            "{scenario}: {}",
            reply.text
        );
        assert!(events.last().unwrap()["error"]["message"].is_string(), "{scenario}: {}", reply.text);
        assert!(reply.gathered().0.starts_with("You said"), "{scenario}");
        assert_eq!(server.calls().values().sum::<usize>(), 1, "{scenario} was tried again");
    }
}

#[tokio::test]
async fn another_model_takes_over() {
    let config = "[pools.default]\nkeys = [\"gemini-key-minute-0000000\"]\n[pools.spare]\nkeys = [\"gemini-key-good-000000000\"]\n[upstream]\nattempts = 2\n[models]\n[models.aliases]\n\"fast\" = { model = \"gemini-flash-latest\", pool = \"spare\", fallback = [\"gemini-2.5-flash\"] }\n";
    let server = Server::configured(config, &[]).await;
    let body = |text: &str| json!({ "model": "fast", "messages": [{ "role": "user", "content": text }] });
    assert_eq!(server.chat(body("hi")).await.status, 200);
    // Each model has its own count of times: the first fails twice, the second once, then it answers.
    let reply = server.chat(body("[[sim:503 times=2]] hi")).await;
    assert!(matches!(reply.status, 200 | 503), "{}", reply.text);
    let models: Vec<String> = server.simulator.arrivals().iter().map(|arrival| arrival.model.clone()).collect();
    assert!(models.contains(&"gemini-2.5-flash".to_owned()), "{models:?}");
}

#[tokio::test]
async fn work_is_shared_by_policy() {
    let keys: Vec<String> = (0..4).map(|number| format!("gemini-key-number-{number}-00000")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    for policy in ["least_used", "round_robin"] {
        let config = format!("{}selection = \"{policy}\"\n", crate::harness::with_keys(&keys));
        let server = Server::configured(&config, &[]).await;
        for _ in 0..12 {
            server.say("hi").await;
        }
        assert!(server.calls().values().all(|calls| *calls == 3), "{policy}: {:?}", server.calls());
    }
}

#[tokio::test]
async fn keys_serve_the_models_they_are_for() {
    let config = "[[pools.default.keys]]\nkey = \"gemini-key-a-00000000000\"\nmodels = [\"gemini-2.5-*\"]\n[[pools.default.keys]]\nkey = \"gemini-key-b-00000000000\"\nmodels = [\"gemini-3*\"]\n";
    let server = Server::configured(config, &[]).await;
    for _ in 0..3 {
        server.say("hi").await;
    }
    assert_eq!(server.calls().keys().collect::<Vec<_>>(), ["gemini-key-b-00000000000"]);
    let none =
        server.chat(json!({ "model": "gemini-2.0-flash", "messages": [{ "role": "user", "content": "hi" }] })).await;
    assert_eq!((none.status, none.error()["code"].as_str()), (404, Some("model_not_found")));
}

/// What Google refuses and can do without is left out, on the same key, and remembered for the model.
#[tokio::test]
async fn a_refused_word_about_thinking_is_left_out() {
    let config = format!(
        "{}[models.facts.\"gemini-2.0-flash\"]\nthinking = {{ level = {{ lowest = \"low\" }} }}\n",
        crate::harness::with_keys(&["gemini-key-a-00000000000", "gemini-key-b-00000000000"])
    );
    let server = Server::configured(&config, &[]).await;
    let ask = async |stream: bool| {
        let reply = server.chat(json!({ "model": "gemini-2.0-flash", "reasoning_effort": "high", "stream": stream, "messages": [{ "role": "user", "content": "hi" }] })).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    };
    ask(true).await;
    let calls = server.calls();
    assert_eq!(calls.values().collect::<Vec<_>>(), [&2], "twice on one key: {calls:?}");
    ask(false).await;
    assert_eq!(server.calls().values().sum::<usize>(), 3, "the next request does not try it again");
    let states = server.live.snapshot().pools["default"].status(server.live.services().clock.now());
    assert!(states.iter().all(|key| serde_json::to_value(key).unwrap()["state"] == "ready"), "{states:?}");
}

/// A signature of another model, or of another provider, is no reason to fail.
#[tokio::test]
async fn a_foreign_signature_is_replaced() {
    let server = Server::start(&["gemini-key-a-00000000000"]).await;
    let call = json!({
        "id": "toolu_01", "type": "function", "function": { "name": "f", "arguments": "{}" },
        "extra_content": { "google": { "thought_signature": "Zm9yZWlnbg==" } },
    });
    let messages = json!([
        { "role": "user", "content": "go" },
        { "role": "assistant", "content": null, "tool_calls": [call] },
        { "role": "tool", "tool_call_id": "toolu_01", "content": "1" },
    ]);
    let reply = server.chat(json!({ "model": "gemini-3.8-flash", "messages": messages })).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(server.calls().values().sum::<usize>(), 2);
}

/// Where the operator wants it, an answer that is not what the client's schema asks for is asked for again, and then refused.
#[tokio::test]
async fn answers_are_held_against_the_clients_schema() {
    let keys = crate::harness::with_keys(&["gemini-key-a-00000000000"]);
    let server = Server::configured(&format!("{keys}[upstream]\ncheck_json = true\nattempts = 2\n"), &[]).await;
    // Two attempts at most: the stand-in makes what the schema asks for, but knows nothing of lengths.
    let ask = async |schema: Value| {
        let format = json!({ "type": "json_schema", "json_schema": { "name": "n", "schema": schema } });
        server.chat(json!({ "model": "gpt-4o", "response_format": format, "messages": [{ "role": "user", "content": "x" }] })).await
    };
    let name = |limits: Value| json!({ "type": "object", "properties": { "name": limits }, "required": ["name"] });
    assert_eq!(ask(name(json!({ "type": "string" }))).await.status, 200);
    assert_eq!(server.calls().values().sum::<usize>(), 1);
    let refused = ask(name(json!({ "type": "string", "minLength": 99 }))).await;
    assert_eq!((refused.status, refused.error()["code"].as_str()), (502, Some("upstream_error")), "{}", refused.text);
    assert!(refused.error()["message"].as_str().unwrap().contains("at `/name`"), "{}", refused.text);
    assert_eq!(server.calls().values().sum::<usize>(), 3);
}
