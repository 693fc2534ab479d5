//! The main task: chat completions through a real server, streamed and not streamed.

use serde_json::{Value, json};

use crate::harness::{CLIENT_KEY, Server, eventually};

const KEYS: &[&str] = &["gemini-key-one-0000000000"];

fn tools() -> Value {
    let function = |name: &str| {
        json!({ "type": "function", "function": { "name": name, "parameters": {
            "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"]
        } } })
    };
    json!([function("weather"), function("time")])
}

#[tokio::test]
async fn a_stream_says_what_the_whole_answer_says() {
    let server = Server::start(KEYS).await;
    for prompt in [
        "Grüße, 世界! 🎉 \"quoted\"",
        "[[sim:long chunks=57 size=33]]",
        "[[sim:thinking]] x",
        "[[sim:double_stop]]",
        "[[sim:empty]]",
        "[[sim:split size=3]] é世",
    ] {
        let (whole, stream) = (server.say(prompt).await, server.stream(prompt).await);
        assert_eq!((whole.status, stream.status), (200, 200), "{prompt}: {}", whole.text);
        let choice = &whole.json()["choices"][0];
        let (text, finish) = stream.gathered();
        assert_eq!(choice["message"]["content"], text.as_str(), "{prompt}");
        assert_eq!(choice["finish_reason"].as_str(), finish.as_deref(), "{prompt}");
        assert!(stream.events().1, "{prompt}: no [DONE]");
    }
}

#[tokio::test]
async fn usage_comes_only_when_asked_for() {
    let server = Server::start(KEYS).await;
    let body = |include: bool| {
        json!({
            "model": "gpt-4o", "stream": true, "stream_options": { "include_usage": include },
            "messages": [{ "role": "user", "content": "hi" }]
        })
    };
    let (with, _) = server.chat(body(true)).await.events();
    let (last, rest) = with.split_last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert!(last["usage"]["total_tokens"].as_u64().unwrap() > 0);
    assert!(rest.iter().all(|event| event["usage"].is_null() && event.as_object().unwrap().contains_key("usage")));
    let (without, _) = server.chat(body(false)).await.events();
    assert!(without.iter().all(|event| !event.as_object().unwrap().contains_key("usage")));
}

/// A tool loop over several turns on a model that demands its signatures back. The stand-in refuses a call whose signature is
/// missing or another's.
async fn tool_loop(server: &Server, model: &str, stream: bool, keep_extra: bool, scenario: &str) {
    let mut messages = vec![json!({ "role": "user", "content": format!("[[sim:{scenario}]] go") })];
    for _ in 0..4 {
        let body = json!({ "model": model, "stream": stream, "messages": messages, "tools": tools() });
        let reply = server.chat(body).await;
        assert_eq!(reply.status, 200, "{model}: {}", reply.text);
        let mut message =
            if stream { assembled(&reply.events().0) } else { reply.json()["choices"][0]["message"].clone() };
        let Some(calls) = message.get("tool_calls").and_then(Value::as_array).cloned() else {
            let text = message["content"].as_str().unwrap();
            assert!(text.contains("weather={\"degrees\":21}"), "{text}");
            return;
        };
        if !keep_extra {
            for call in message["tool_calls"].as_array_mut().unwrap() {
                call.as_object_mut().unwrap().remove("extra_content");
            }
        }
        messages.push(message);
        for call in &calls {
            assert!(call["id"].as_str().unwrap().len() <= 64);
            messages.push(json!({ "role": "tool", "tool_call_id": call["id"], "content": "{\"degrees\":21}" }));
        }
    }
    panic!("{model}: the loop does not end");
}

/// A message from its deltas, as an SDK puts it together.
fn assembled(events: &[Value]) -> Value {
    let mut message = json!({ "role": "assistant", "content": null });
    let mut text = String::new();
    let mut calls: Vec<Value> = Vec::new();
    for delta in events.iter().map(|event| &event["choices"][0]["delta"]) {
        text.push_str(delta["content"].as_str().unwrap_or_default());
        for part in delta["tool_calls"].as_array().into_iter().flatten() {
            let index = usize::try_from(part["index"].as_u64().unwrap()).unwrap();
            if index == calls.len() {
                calls.push(json!({ "id": part["id"], "type": part["type"], "function": { "name": part["function"]["name"], "arguments": "" } }));
                if let Some(extra) = part.get("extra_content") {
                    calls[index]["extra_content"] = extra.clone();
                }
            }
            let arguments = calls[index]["function"]["arguments"].as_str().unwrap().to_owned();
            calls[index]["function"]["arguments"] =
                json!(arguments + part["function"]["arguments"].as_str().unwrap_or_default());
        }
    }
    if !text.is_empty() {
        message["content"] = json!(text);
    }
    if !calls.is_empty() {
        message["tool_calls"] = json!(calls);
    }
    message
}

#[tokio::test]
async fn tool_loops_keep_their_signatures() {
    let server = Server::start(KEYS).await;
    for model in ["gemini-3.8-flash", "gemini-2.5-flash", "gpt-4o"] {
        for stream in [false, true] {
            for keep_extra in [true, false] {
                for scenario in ["tool", "tool steps=3", "parallel calls=2"] {
                    tool_loop(&server, model, stream, keep_extra, scenario).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_history_of_another_provider_is_taken() {
    let server = Server::start(KEYS).await;
    let reply = server.chat(json!({ "model": "gemini-3.8-flash", "tools": tools(), "messages": [
        { "role": "user", "content": "go" },
        { "role": "assistant", "content": null, "tool_calls": [
            { "id": "toolu_01", "type": "function", "function": { "name": "weather", "arguments": "{\"city\":\"Rome\"}" } }
        ] },
        { "role": "tool", "tool_call_id": "toolu_01", "content": "warm" }
    ] })).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[tokio::test]
async fn forms_of_answers() {
    let server = Server::start(KEYS).await;
    let schema =
        json!({ "type": "object", "properties": { "name": { "type": "string" }, "age": { "type": "integer" } } });
    let format = json!({ "type": "json_schema", "json_schema": { "name": "n", "schema": schema } });
    let body =
        json!({ "model": "gpt-4o", "messages": [{ "role": "user", "content": "x" }], "response_format": format });
    let text = server.chat(body).await.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({ "name": "text", "age": 7 }));

    let thought = json!({ "model": "gemini-3.8-flash", "reasoning_effort": "low", "messages": [{ "role": "user", "content": "[[sim:thinking]] x" }] });
    let answer = server.chat(thought).await.json();
    assert_eq!(answer["choices"][0]["message"]["reasoning_content"], "The user wants an answer.");
    assert_eq!(answer["usage"]["completion_tokens_details"]["reasoning_tokens"], 40);

    for (scenario, finish) in [
        ("max_tokens", "length"),
        ("only_thoughts", "length"),
        ("safety", "content_filter"),
        ("blocked", "content_filter"),
    ] {
        let (whole, stream) =
            (server.say(&format!("[[sim:{scenario}]]")).await, server.stream(&format!("[[sim:{scenario}]]")).await);
        assert_eq!(whole.json()["choices"][0]["finish_reason"], finish, "{scenario}");
        assert_eq!(stream.gathered().1.as_deref(), Some(finish), "{scenario}");
    }
    let image = server.say("[[sim:image]]").await.json();
    assert!(
        image["choices"][0]["message"]["images"][0]["image_url"]["url"]
            .as_str()
            .unwrap()
            .starts_with("data:image/png;base64,")
    );
}

/// The first event is there while the upstream holds the rest back: nothing is gathered that was not there.
#[tokio::test]
async fn a_lone_event_leaves_at_once() {
    let server = Server::start(KEYS).await;
    let body = json!({ "model": "gemini-3.8-flash", "stream": true, "messages": [{ "role": "user", "content": "[[sim:stall after=1]] hello to you" }] });
    let mut response = reqwest::Client::new()
        .post(format!("{}/v1/chat/completions", server.url))
        .bearer_auth(CLIENT_KEY)
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let mut text = String::new();
    while !text.contains("You said") {
        text.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    assert_eq!(server.simulator.open_streams(), 1);
    // The client leaves, and so does the upstream's work.
    drop(response);
    eventually("the upstream stream is closed", || server.simulator.abandoned_streams() == 1).await;
    eventually("the key is given back", || {
        let now = server.live.services().clock.now();
        server.live.snapshot().pools["default"].status(now).iter().all(|key| key.in_flight == 0)
    })
    .await;
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_ends_the_call() {
    let server = Server::start(KEYS).await;
    let body = json!({ "model": "gemini-3.8-flash", "stream": true, "messages": [{ "role": "user", "content": "[[sim:stall after=0]]" }] });
    let request = reqwest::Client::new()
        .post(format!("{}/v1/chat/completions", server.url))
        .bearer_auth(CLIENT_KEY)
        .body(body.to_string());
    let waiting = tokio::spawn(request.send());
    eventually("the upstream stream is open", || server.simulator.open_streams() == 1).await;
    waiting.abort();
    eventually("the upstream stream is closed", || server.simulator.abandoned_streams() == 1).await;
}

/// Thinking takes long: comments keep the stream alive before its first content, and are passed over by readers.
#[tokio::test]
async fn silence_is_kept_alive() {
    let config = format!("{}[server]\nkeep_alive = \"1s\"\n", crate::harness::with_keys(KEYS));
    let server = Server::configured(&config, &[]).await;
    let reply = server.stream("[[sim:slow delay_ms=2500]] hi").await;
    assert!(reply.text.starts_with(": keep-alive\n\n"), "{}", reply.text);
    assert_eq!(reply.gathered().0, "You said: hi");
    // An error that comes after the stream was begun is its last event.
    let refuses_late = "fn on_chunk(ctx) { reject(403, \"too_late\", \"Not now.\"); }";
    let server = Server::configured(&config, &[("late.rhai", refuses_late)]).await;
    let late = server.stream("[[sim:slow delay_ms=2500]] hi").await;
    assert_eq!(late.status, 200);
    assert!(late.text.starts_with(": keep-alive\n\n"), "{}", late.text);
    let event = late.text.trim_end().rsplit("data: ").next().expect("an event");
    assert_eq!(serde_json::from_str::<Value>(event).unwrap()["error"]["code"], "too_late", "{}", late.text);
}

/// What is lost is named to a client that wants to know, and refused to one that wants nothing lost, before any key is used.
#[tokio::test]
async fn fidelity() {
    let keys = r#"["lenient-client-key-00000", { key = "warned-client-key-000000", name = "warned", fidelity = "warn" }, { key = "strict-client-key-000000", fidelity = "strict" }]"#;
    let config = format!("{}[auth]\nclient_keys = {keys}\n", crate::harness::with_keys(KEYS));
    let server = Server::configured(&config, &[]).await;
    let ask = async |key: &str, stream: bool| {
        let body = json!({ "model": "gpt-4o", "stream": stream, "logit_bias": { "1": 2 }, "user": "u", "messages": [{ "role": "user", "content": "hi" }] });
        let request = reqwest::Client::new().post(format!("{}/v1/chat/completions", server.url)).bearer_auth(key);
        let response = request.body(body.to_string()).send().await.unwrap();
        let losses = response.headers().get("x-gemini-adapter-losses").map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), losses, response.text().await.unwrap())
    };
    for stream in [false, true] {
        assert_eq!(ask("lenient-client-key-00000", stream).await.1, None);
        let (status, losses, _) = ask("warned-client-key-000000", stream).await;
        assert_eq!((status, losses.as_deref()), (200, Some("logit_bias")));
        let calls = server.calls().values().sum::<usize>();
        let (status, _, text) = ask("strict-client-key-000000", stream).await;
        let error: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, error["error"]["param"].as_str()), (400, Some("logit_bias")), "{text}");
        assert_eq!(error["error"]["code"], "fidelity_strict");
        assert_eq!(server.calls().values().sum::<usize>(), calls, "no upstream call");
    }
}

/// The operator sees what a request becomes, and which plugin had a hand in it; nobody is called.
#[tokio::test]
async fn translation_is_shown() {
    let plugin = "fn on_request(ctx) { ctx.req.set(\"/temperature\", 0.5); }\nfn on_upstream_request(ctx) { ctx.up.get(\"/contents\"); }";
    let server = Server::configured(&crate::harness::with_keys(KEYS), &[("warm.rhai", plugin)]).await;
    let body = json!({ "model": "gpt-4o-mini", "stream": true, "seed": 5_000_000_000_i64, "messages": [{ "role": "user", "content": "hi" }] });
    let shown = server.admin_post("/admin/translate", &body).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let shown = shown.json();
    assert_eq!(shown["model"], "gemini-flash-latest");
    assert_eq!(shown["fallback"], json!(["gemini-flash-lite-latest"]));
    assert_eq!(shown["method"], "streamGenerateContent");
    assert_eq!(
        shown["plugins"],
        json!([{ "plugin": "warm", "hook": "on_request", "changes": [{ "pointer": "/temperature", "after": 0.5 }] }])
    );
    assert_eq!(shown["request"]["generationConfig"]["temperature"], 0.5);
    let seed = shown["fields"].as_array().unwrap().iter().find(|field| field["field"] == "seed").unwrap();
    assert_eq!((seed["verdict"].as_str(), seed["loss"].as_bool()), (Some("clamped"), Some(true)));
    assert!(server.calls().is_empty());
    let refused = server.admin_post("/admin/translate", &json!({ "model": "gpt-4o", "messages": [] })).await;
    assert_eq!((refused.status, refused.error()["param"].as_str()), (400, Some("messages")));
}

/// What clients do to a conversation, and Gemini 3 takes it all the same: extensions dropped, ids cut or renamed, other
/// providers' calls, results of parallel calls in another order, old turns trimmed.
#[tokio::test]
async fn conversations_survive_their_clients() {
    let server = Server::start(KEYS).await;
    let parameters = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    let tools = ["get_weather", "get_time", "get_news"]
        .map(|name| json!({ "type": "function", "function": { "name": name, "parameters": parameters } }));
    let ask = async |messages: &Value| {
        server.chat(json!({ "model": "gemini-3.8-flash", "tools": tools, "messages": messages })).await
    };
    let go = json!([{ "role": "user", "content": "[[sim:parallel]] weather?" }]);
    let called = ask(&go).await.json()["choices"][0]["message"].clone();
    let calls = called["tool_calls"].as_array().unwrap().clone();
    assert!(calls.len() > 1 && calls[0]["extra_content"].is_object(), "{called}");
    let history = |calls: Vec<Value>, backwards: bool| {
        let result = |call: &Value| json!({ "role": "tool", "tool_call_id": call["id"], "content": "21" });
        let mut results: Vec<Value> = calls.iter().map(result).collect();
        if backwards {
            results.reverse();
        }
        let mut messages = go.as_array().unwrap().clone();
        messages.push(json!({ "role": "assistant", "content": null, "tool_calls": calls }));
        messages.extend(results);
        messages
    };
    let bare = |call: &Value| json!({ "id": call["id"], "type": "function", "function": call["function"] });
    let with_id = |call: &Value, id: String| {
        let mut call = call.clone();
        call["id"] = json!(id);
        call
    };
    let cut = |call: &Value| call["id"].as_str().unwrap().chars().take(40).collect::<String>();
    let mutations: Vec<(&str, Vec<Value>)> = vec![
        ("as it came", history(calls.clone(), false)),
        ("results backwards", history(calls.clone(), true)),
        ("extensions dropped", history(calls.iter().map(bare).collect(), false)),
        ("ids cut", history(calls.iter().map(|call| with_id(call, cut(call))).collect(), false)),
        (
            "ids renamed, extensions dropped",
            history(
                calls.iter().enumerate().map(|(at, call)| with_id(&bare(call), format!("toolu_{at}"))).collect(),
                false,
            ),
        ),
        ("the user's turn trimmed", history(calls.clone(), false)[1..].to_vec()),
        ("one call of several kept", history(calls[1..].to_vec(), false)),
    ];
    for (name, messages) in mutations {
        let reply = ask(&Value::Array(messages.clone())).await;
        assert_eq!(reply.status, 200, "{name}: {}", reply.text);
        let mut later = messages;
        later.push(json!({ "role": "assistant", "content": "It is warm." }));
        later.push(json!({ "role": "user", "content": "Thanks." }));
        assert_eq!(ask(&Value::Array(later)).await.status, 200, "{name}, a turn later");
    }
}
