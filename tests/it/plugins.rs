//! Plugins in a real server: the shipped ones, each hook, and the effect of a bad plugin on others.

use serde_json::json;

use crate::harness::{Server, with_keys};

const KEYS: &[&str] = &["gemini-key-one-0000000000"];

fn shipped(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins").join(name);
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn model_mapping_does_nothing_without_settings_and_maps_with_them() {
    let source = shipped("model_mapping.rhai");
    let plugin = [("model_mapping.rhai", source.as_str())];
    let plain = Server::configured(&with_keys(KEYS), &plugin).await;
    plain.say("hi").await;
    assert_eq!(plain.simulator.arrivals()[0].model, "gemini-3.8-flash");
    let config = format!(
        "{}[models]\n[plugins.settings.model_mapping.map]\n\"gemini-*\" = \"gemini-2.5-pro\"\n\"gemini-3.8*\" = \"gemini-2.5-flash\"\n\"house-*\" = \"gemini-2.5-pro\"\n",
        with_keys(KEYS)
    );
    let mapped = Server::configured(&config, &plugin).await;
    mapped.say("hi").await;
    assert_eq!(mapped.simulator.arrivals()[0].model, "gemini-2.5-flash");
    let unknown = |model: &str| json!({ "model": model, "messages": [{ "role": "user", "content": "hi" }] });
    assert_eq!(mapped.chat(unknown("house-model")).await.status, 200, "a name of the plugin's own");
    assert_eq!(mapped.simulator.arrivals()[1].model, "gemini-2.5-pro");
    assert_eq!(mapped.chat(unknown("nobodys-model")).await.error()["code"], "model_not_found");
}

#[tokio::test]
async fn the_examples_work_whole_and_streamed() {
    let (prompt, guard) = (shipped("library/system_prompt.rhai"), shipped("library/word_guard.rhai"));
    let config = format!(
        "{}[plugins.settings.system_prompt]\ntext = \"Be brief.\"\n[plugins.settings.word_guard]\nrefuse = [\"(?i)password\"]\nmask = [\"[0-9]{{4}}\"]\n",
        with_keys(KEYS)
    );
    let server = Server::configured(&config, &[("system_prompt.rhai", &prompt), ("word_guard.rhai", &guard)]).await;
    let reply = server.say("call 1234 now").await;
    assert_eq!(reply.json()["choices"][0]["message"]["content"], "You said: call *** now", "{}", reply.text);
    assert_eq!(server.stream("call 1234 now").await.gathered().0, "You said: call *** now");
    let system = server.simulator.arrivals()[0].body["systemInstruction"]["parts"][0]["text"].clone();
    assert_eq!(system, "Be brief.");
    server.simulator.reset();
    for refused in [server.say("my PASSWORD").await, server.stream("my PASSWORD").await] {
        assert_eq!((refused.status, refused.error()["code"].as_str()), (403, Some("word_guard")));
    }
    assert!(server.calls().is_empty());
}

#[tokio::test]
async fn every_hook_is_called_and_edits() {
    let plugin = r#"
        fn on_request(ctx) { ctx.vars.trail = "request"; ctx.req.set("/temperature", 0.5); }
        fn on_route(ctx) { ctx.vars.trail += " route"; ctx.model = "gemini-2.5-flash"; }
        fn on_upstream_request(ctx) { ctx.vars.trail += " up" + ctx.attempt; ctx.up.set("/generationConfig/topK", 7); }
        fn on_upstream_response(ctx) { ctx.vars.trail += " gemini"; if ctx.has_body { ctx.gemini.text = ctx.gemini.text + "!"; } }
        fn on_response(ctx) { ctx.res.set("/trail", ctx.vars.trail); ctx.res.text = ctx.res.text.to_upper(); }
        fn on_chunk(ctx) { if ctx.chunk.text.contains("drop me") { ctx.chunk.drop(); } else { ctx.chunk.text = ctx.chunk.text.to_upper(); } }
        fn on_error(ctx) { ctx.error.message = "translated: " + ctx.error.message; ctx.error.status = 418; }
    "#;
    let server = Server::configured(&with_keys(KEYS), &[("all.rhai", plugin)]).await;
    let whole = server.say("hi").await.json();
    assert_eq!(whole["choices"][0]["message"]["content"], "YOU SAID: HI!");
    assert_eq!(whole["trail"], "request route up1 gemini");
    let arrival = &server.simulator.arrivals()[0];
    assert_eq!(arrival.model, "gemini-2.5-flash");
    assert_eq!(
        (&arrival.body["generationConfig"]["topK"], &arrival.body["generationConfig"]["temperature"]),
        (&json!(7), &json!(0.5))
    );
    assert_eq!(server.stream("hi").await.gathered().0, "YOU SAID: HI");
    let error = server.say("[[sim:400]]").await;
    assert_eq!(error.status, 418);
    assert!(error.error()["message"].as_str().unwrap().starts_with("translated: "));
}

#[tokio::test]
async fn a_plugin_answers_or_refuses_itself() {
    let plugin = r#"
        fn on_request(ctx) {
            if ctx.req.last_user_text == "ping" { return reply("pong"); }
            if ctx.req.last_user_text == "thrown" { throw #{ status: 402, code: "pay", message: "Pay first." }; }
        }
    "#;
    let server = Server::configured(&with_keys(KEYS), &[("a.rhai", plugin)]).await;
    assert_eq!(server.say("ping").await.json()["choices"][0]["message"]["content"], "pong");
    let stream = server.stream("ping").await;
    assert_eq!((stream.gathered().0.as_str(), stream.events().1), ("pong", true));
    for reply in [server.say("thrown").await, server.stream("thrown").await] {
        assert_eq!(
            (reply.status, reply.error()["code"].as_str(), reply.error()["message"].as_str()),
            (402, Some("pay"), Some("Pay first."))
        );
    }
    assert!(server.calls().is_empty());
}

#[tokio::test]
async fn a_failing_plugin_follows_its_policy() {
    for (policy, status) in [("fail", 500), ("skip", 200), ("disable", 200)] {
        let plugin =
            format!("//! on_error = \"{policy}\"\nfn on_request(ctx) {{ ctx.req.model = \"broken\"; let x = 1 / 0; }}");
        let server = Server::configured(&with_keys(KEYS), &[("bad.rhai", &plugin)]).await;
        let reply = server.say("hi").await;
        assert_eq!(reply.status, status, "{policy}: {}", reply.text);
        if status == 500 {
            assert_eq!(reply.error()["code"], "plugin_error");
        } else {
            assert_eq!(
                server.simulator.arrivals()[0].model,
                "gemini-3.8-flash",
                "{policy}: the edit of a failed call stayed"
            );
        }
        let state = server.get("/stats").await.json()["plugins"][0]["state"].clone();
        assert_eq!(state, if policy == "disable" { "off" } else { "live" });
    }
}

#[tokio::test]
async fn an_endless_loop_is_cut_off_and_its_plugin_too() {
    let plugin = "//! on_error = \"skip\"\nfn on_request(ctx) { loop { } }";
    let server = Server::configured(&with_keys(KEYS), &[("loop.rhai", plugin)]).await;
    for _ in 0..4 {
        assert_eq!(server.say("hi").await.status, 200);
    }
    let plugin = server.get("/stats").await.json()["plugins"][0].clone();
    assert_eq!((&plugin["state"], &plugin["hooks"][0]["calls"]), (&json!("off"), &json!(3)));
}

#[tokio::test]
async fn the_library_works_whole_and_streamed() {
    let config = format!(
        "{}[plugins]\ntimeout = \"500ms\"\nlibrary = [\"pii\", \"json_repair\", \"reply_language\", \"safety_presets\", \"model_list\"]\n\
         [plugins.settings.reply_language]\nlanguage = \"German\"\n[plugins.settings.safety_presets]\npreset = \"off\"\n\
         [plugins.settings.model_list]\nshow = [\"gpt-*\"]\n",
        with_keys(KEYS)
    );
    let server = Server::configured(&config, &[]).await;
    let said = "write to ann@example.com, now";
    assert_eq!(
        server.say(said).await.json()["choices"][0]["message"]["content"],
        "You said: write to ann@example.com, now"
    );
    assert_eq!(server.stream(said).await.gathered().0, "You said: write to ann@example.com, now");
    for arrival in server.simulator.arrivals() {
        let sent = arrival.body.to_string();
        assert!(
            sent.contains("[EMAIL_1]") && !sent.contains("example.com") && sent.contains("answer in German"),
            "{sent}"
        );
        assert_eq!(arrival.body["safetySettings"][0]["threshold"], "OFF");
    }
    let models = server.get("/v1/models").await.json();
    let ids: Vec<&str> = models["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert!(!ids.is_empty() && ids.iter().all(|id| id.starts_with("gpt-")), "{ids:?}");
    assert_eq!(server.get("/v1/models/gemini-2.5-flash").await.status, 404);
}

#[tokio::test]
async fn a_plugin_decides_what_follows_a_failure() {
    let plugin = r#"fn on_upstream_error(ctx) {
        ctx.state.incr("failures", 1);
        if ctx.failure.status == 400 { return retry(); }
        return fail();
    }"#;
    let keys = &["gemini-key-one-0000000000", "gemini-key-two-0000000000"];
    let server = Server::configured(&with_keys(keys), &[("a.rhai", plugin)]).await;
    assert_eq!(server.say("[[sim:400]]").await.status, 400);
    assert_eq!(server.calls().len(), 2, "a bad request goes to one key only, unless a plugin says otherwise");
    server.simulator.reset();
    assert!(server.say("[[sim:503]]").await.status >= 500);
    assert_eq!(server.calls().values().sum::<usize>(), 1, "a failure is tried again, unless a plugin says otherwise");
    let resting = "fn on_upstream_error(ctx) { return cool_down(600); }";
    let server = Server::configured(&with_keys(keys), &[("a.rhai", resting)]).await;
    server.say("[[sim:500]]").await;
    assert_eq!(server.say("hi").await.status, 429, "both keys rest");
}

#[tokio::test]
async fn a_long_plugin_is_on_its_own_and_its_state_shows() {
    let plugin = "//! timeout_ms = 50\n//! on_error = \"skip\"\n//! when = { models = [\"slow\"] }\nfn on_request(ctx) { loop { } }\nfn on_log(ctx) { #{ team: \"red\" } }";
    let server = Server::configured(&with_keys(KEYS), &[("slow.rhai", plugin)]).await;
    for _ in 0..3 {
        let body = json!({ "model": "slow", "messages": [{ "role": "user", "content": "hi" }] });
        server.chat(body).await;
        assert_eq!(server.say("hi").await.status, 200);
    }
    let status = server.get("/stats").await.json()["plugins"][0].clone();
    assert_eq!((&status["state"], status["why_off"].is_string()), (&json!("off"), true), "{status}");
    let metrics = server.get("/metrics").await.text;
    assert!(metrics.contains("gemini_adapter_plugin_enabled{plugin=\"slow\"} 0"), "{metrics}");
}

#[tokio::test]
async fn a_translation_shows_what_each_plugin_changed() {
    let config = format!(
        "{}[plugins]\nlibrary = [\"system_prompt\"]\n[plugins.settings.system_prompt]\ntext = \"Be brief.\"\n",
        with_keys(KEYS)
    );
    let server = Server::configured(&config, &[]).await;
    let body = json!({ "model": "gemini-3.8-flash", "messages": [{ "role": "user", "content": "hi" }] });
    let translation = server.admin_post("/admin/translate", &body).await.json();
    let changed = &translation["plugins"][0];
    assert_eq!(
        (&changed["plugin"], &changed["hook"]),
        (&json!("system_prompt"), &json!("on_request")),
        "{translation}"
    );
    assert_eq!(changed["changes"][0]["after"], "system", "{translation}");
}
