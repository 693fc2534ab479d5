//! End-to-end tests of keys: what an operator can do to them, what clients see, what is spent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt, stream};
use gemini_adapter::store::BreakerState;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::harness::{Reply, Server, with_keys};
use crate::held::Held;

const ONE: &str = "gemini-key-one-0000000000";
const TWO: &str = "gemini-key-two-0000000000";
const MINUTE: &str = "gemini-key-minute-0000000";

async fn keys(server: &Server) -> Vec<Value> {
    let keys = server.admin("GET", "/admin/keys").await.json();
    keys["pools"]["default"]["keys"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_operator_disables_enables_tests_and_resets() {
    let server = Server::start(&[ONE, MINUTE, "gemini-key-invalid-000000"]).await;
    for _ in 0..3 {
        server.say("hi").await;
    }
    let ids: Vec<String> = keys(&server).await.iter().map(|key| key["id"].as_str().unwrap().to_owned()).collect();
    let act = async |id: &str, action: &str| server.admin("POST", &format!("/admin/keys/{id}/{action}")).await;

    assert_eq!(act(&ids[0], "disable").await.status, 200);
    assert_eq!(keys(&server).await[0]["state"], "disabled");
    server.simulator.reset();
    assert_eq!(server.say("hi").await.status, 429, "what is left rests");
    assert!(server.calls().is_empty(), "a disabled key is not used");
    assert_eq!(server.get("/health").await.json()["keys"]["disabled"], 1);
    // It stays disabled when the configuration is loaded anew.
    assert_eq!(server.admin("POST", "/admin/reload").await.status, 200);
    assert_eq!(keys(&server).await[0]["state"], "disabled");
    assert_eq!(act(&ids[0], "enable").await.status, 200);
    assert_eq!(server.say("hi").await.status, 200);

    let rest = |key: &Value| key["models"]["gemini-3.8-flash"]["state"].clone();
    assert_eq!(rest(&keys(&server).await[1]), "resting");
    assert_eq!(act(&ids[1], "reset?model=gemini-2.5-flash").await.status, 200);
    assert_eq!(rest(&keys(&server).await[1]), "resting", "another model was forgiven");
    assert_eq!(act(&ids[1], "reset?model=gemini-3.8-flash").await.status, 200);
    assert_eq!(rest(&keys(&server).await[1]), "ready");

    let tested = act(&ids[0], "test").await.json();
    assert!(tested["accepted"] == true && tested["models"].as_u64().unwrap() > 0, "{tested}");
    let tested = act(&ids[2], "test").await;
    assert_eq!((&tested.json()["accepted"], &tested.json()["why"]), (&json!(false), &json!("key_invalid")));
    assert!(!tested.text.contains("gemini-key"));
    assert_eq!(act(&ids[0], "explode").await.status, 404);
    assert_eq!(act("nobody", "reset").await.status, 404);
    assert_eq!(act(&ids[0], "disable?model=a").await.status, 400);
}

#[tokio::test]
async fn what_is_known_of_a_key_is_told() {
    let server = Server::start(&[ONE, MINUTE]).await;
    for _ in 0..2 {
        server.say("hi").await;
    }
    let keys = keys(&server).await;
    let good = &keys[0]["models"]["gemini-3.8-flash"];
    assert_eq!((&good["state"], &good["today"]["requests"]), (&json!("ready"), &json!(2)));
    assert!(
        good["today"]["prompt_tokens"].as_u64().unwrap() > 0
            && good["today"]["completion_tokens"].as_u64().unwrap() > 0
    );
    let resting = &keys[1]["models"]["gemini-3.8-flash"];
    assert_eq!((&resting["why"], &resting["last_fault"]), (&json!("rate_limited"), &json!("rate_limited")));
    assert_eq!((&resting["strikes"], &resting["today"]["failures"]), (&json!(1), &json!(1)));
    assert!(resting["quota_id"].as_str().unwrap().contains("PerMinute"));
}

#[tokio::test]
async fn answers_tell_how_they_came_about_where_that_is_wanted() {
    let config = format!("{}[server]\nwhy_headers = true\n", with_keys(&[MINUTE, ONE]));
    let server = Server::configured(&config, &[]).await;
    for reply in [server.say("hi").await, server.stream("hi").await] {
        assert_eq!(reply.headers["x-gemini-adapter-model"], "gemini-3.8-flash");
        assert_eq!(reply.headers["x-gemini-adapter-key"], keys(&server).await[1]["id"].as_str().unwrap());
    }
    let refused = server.say("[[sim:400]]").await;
    assert_eq!((refused.status, refused.headers["x-gemini-adapter-attempts"].as_str()), (400, "1"));
    let server = Server::start(&[ONE]).await;
    assert!(!server.say("hi").await.headers.contains_key("x-gemini-adapter-key"), "only where it is wanted");
}

#[tokio::test]
async fn a_short_rest_is_waited_for_and_a_long_one_is_not() {
    let server = Server::start(&[ONE]).await;
    let reply = server.say("[[sim:429_minute times=1 retry=0.3]] hi").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(server.calls()[ONE], 2, "once refused, once answered");
    let server = Server::configured(&format!("{}[upstream]\nwait = \"0s\"\n", with_keys(&[ONE])), &[]).await;
    let reply = server.say("[[sim:429_minute times=1 retry=0.3]] hi").await;
    assert_eq!(reply.status, 429);
    let wait: u64 = reply.headers["retry-after-ms"].parse().unwrap();
    assert!(wait <= 300, "{wait}");
}

/// A burst on one key that rests: so many wait, and the others are told at once.
#[tokio::test]
async fn so_many_wait_and_no_more() {
    let settings = "[upstream]\nwait = \"60s\"\nwaiting = 3\n";
    let server = Server::configured(&format!("{}{settings}", with_keys(&[ONE])), &[]).await;
    let mut asked = FuturesUnordered::new();
    asked.push(server.say("[[sim:429_minute times=1 retry=40]] hi"));
    let rests = async || keys(&server).await[0]["models"]["gemini-3.8-flash"]["state"] == "resting";
    while !rests().await {
        assert!(timeout(Duration::from_millis(5), asked.next()).await.is_err(), "it waits");
    }
    asked.extend((0..20).map(|_| server.say("hi")));
    for _ in 0..18 {
        let reply: Reply = asked.next().await.unwrap();
        assert_eq!((reply.status, reply.error()["code"].as_str()), (429, Some("rate_limit_exceeded")));
        assert!(reply.headers.contains_key("retry-after"));
    }
    assert_eq!((asked.len(), server.calls()[ONE]), (3, 1));
}

#[tokio::test]
async fn known_limits_keep_google_from_refusing() {
    let config = format!("{}[pools.default.limits]\nrpm = 2\n", with_keys(&[ONE, TWO]));
    let server = Server::configured(&config, &[]).await;
    for _ in 0..4 {
        assert_eq!(server.say("hi").await.status, 200);
    }
    let refused = server.say("hi").await;
    assert_eq!((refused.status, refused.error()["code"].as_str()), (429, Some("rate_limit_exceeded")));
    assert!(refused.headers["retry-after"].parse::<u64>().unwrap() <= 65);
    assert_eq!(server.calls().values().collect::<Vec<_>>(), [&2, &2]);
}

#[tokio::test]
async fn a_conversation_stays_on_its_key() {
    let config = format!("{}affinity = true\n", with_keys(&[ONE, TWO, "gemini-key-three-00000000"]));
    let server = Server::configured(&config, &[]).await;
    let mut messages = vec![json!({ "role": "user", "content": "a beginning" })];
    for _ in 0..5 {
        server.chat(json!({ "model": "gpt-4o", "messages": messages })).await;
        messages.push(json!({ "role": "assistant", "content": "yes" }));
        messages.push(json!({ "role": "user", "content": "and then?" }));
    }
    assert_eq!(server.calls().values().collect::<Vec<_>>(), [&5]);
    for number in 0..20 {
        server.say(&format!("another beginning, {number}")).await;
    }
    assert!(server.calls().len() > 1, "other conversations go elsewhere");
    // Claude Code names its conversations: whatever is asked in one stays together, however it begins.
    server.simulator.reset();
    for number in 0..10 {
        let asked = json!({ "model": "gemini-3.8-flash", "max_tokens": 9, "messages": [{ "role": "user", "content": format!("{number}") }] });
        let named =
            [("x-api-key", crate::harness::CLIENT_KEY.to_owned()), ("x-claude-code-session-id", "one".to_owned())];
        assert_eq!(server.send("POST", "/v1/messages", &named, Some(asked.to_string())).await.status, 200);
    }
    assert_eq!(server.calls().values().collect::<Vec<_>>(), [&10]);
}

#[tokio::test]
async fn a_key_is_kept_from_models_it_is_denied() {
    let config = format!(
        "[[pools.default.keys]]\nkey = \"{ONE}\"\ndeny = [\"gemini-3.8-*\"]\n[[pools.default.keys]]\nkey = \"{TWO}\"\n"
    );
    let server = Server::configured(&config, &[]).await;
    for _ in 0..3 {
        server.say("hi").await;
    }
    assert_eq!(server.calls().keys().collect::<Vec<_>>(), [TWO]);
}

/// Ten keys, five of which are at their limit, and twenty clients at once, on a server that knows nothing of the keys yet: no client
/// sees it, and each key refuses once for a model and a rest.
#[tokio::test(flavor = "multi_thread")]
async fn keys_at_their_limit_are_asked_once() {
    let name = |number| format!("gemini-key-{number}-{}", if number % 2 == 0 { "000000000" } else { "minute-00" });
    let names: Vec<String> = (0..10).map(name).collect();
    let server = Server::start(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let load = async |model: &str| {
        server.simulator.reset();
        let asked = (0..200).map(|number| {
            let messages = json!([{ "role": "user", "content": "hi" }]);
            server.chat(json!({ "model": model, "stream": number % 2 == 0, "messages": messages }))
        });
        let replies: Vec<Reply> = stream::iter(asked).buffer_unordered(20).collect().await;
        assert!(replies.iter().all(|reply| reply.status == 200 && !reply.text.contains("\"error\"")));
        let calls = server.calls();
        let refused: Vec<usize> =
            names.iter().filter(|name| name.contains("minute")).filter_map(|name| calls.get(name).copied()).collect();
        assert_eq!(refused, [1; 5], "each is found out once: {calls:?}");
        assert_eq!(calls.values().sum::<usize>(), 205);
    };
    load("gemini-2.5-flash").await;
    load("gemini-2.5-pro").await;
    // The rests are over: once more, once each.
    for name in &names {
        assert_eq!(server.admin("POST", &format!("/admin/reset-key/{name}")).await.status, 200);
    }
    load("gemini-2.5-flash").await;
}

/// Many that find a model failing do not all come back four times: of forty that fail together a fifth may try again.
#[tokio::test]
async fn retries_have_a_budget() {
    let upstream = Held::start().await;
    let settings = format!("[upstream]\nwait = \"0s\"\nproxy = \"{}\"\n", upstream.url);
    let server = Server::configured(&format!("{}{settings}", with_keys(&[ONE, TWO])), &[]).await;
    let mut asked: FuturesUnordered<_> = (0..40).map(|_| server.say("hi")).collect();
    let fails = async |asked: &mut FuturesUnordered<_>, replies: usize| {
        for _ in 0..replies {
            let reply: Reply = asked.next().await.unwrap();
            assert_eq!(reply.status, 500, "{}", reply.text);
        }
    };
    // All forty are under way when the first fails; the others are told, and those that try again are held.
    upstream.let_fail(&mut asked, 40).await;
    fails(&mut asked, 32).await;
    assert_eq!((asked.len(), upstream.seen()), (8, 40));
    // These go on to their last attempt: three more each.
    for round in 1..=3 {
        upstream.let_fail(&mut asked, 8).await;
        assert_eq!(upstream.seen(), 40 + 8 * round);
    }
    fails(&mut asked, 8).await;
    assert!(asked.is_empty());
}

/// 5 refusals of an overloaded model close the way to it, and no key is to blame; a fallback takes over without asking.
#[tokio::test]
async fn an_overloaded_model_is_left_alone() {
    let config = format!(
        "{}[upstream]\nwait = \"0s\"\nattempts = 1\n[models.aliases]\n\"fast\" = {{ model = \"gemini-2.5-flash\", fallback = [\"gemini-2.5-pro\"] }}\n",
        with_keys(&[ONE, TWO])
    );
    let server = Server::configured(&config, &[]).await;
    let ask = async |model: &str, text: &str| {
        server.chat(json!({ "model": model, "messages": [{ "role": "user", "content": text }] })).await
    };
    let strikes =
        async || server.admin("GET", "/admin/keys").await.json()["models"]["gemini-2.5-flash"]["strikes"].clone();
    for _ in 0..5 {
        assert_ne!(strikes().await, 1);
        assert_eq!(ask("gemini-2.5-flash", "[[sim:503]]").await.status, 503);
    }
    assert_eq!(strikes().await, 1);
    assert!(keys(&server).await.iter().all(|key| key["state"] == "ready" && key["failures"] == 0));
    // The rest is a second: as a peer would, somebody says that it is an hour, and the test has time.
    let services = server.live.services();
    let now = services.clock.now();
    let rest =
        |standing: BreakerState| BreakerState { until: Some(now.plus(Duration::from_secs(3600)).wall), ..standing };
    let standings: Vec<BreakerState> = services.ledger.breaker_states(now).into_iter().map(rest).collect();
    services.ledger.merge(&standings, now);
    server.simulator.reset();
    assert_eq!(ask("fast", "hi").await.status, 200);
    let refused = ask("gemini-2.5-flash", "hi").await;
    assert_eq!((refused.status, refused.error()["code"].as_str()), (503, Some("overloaded")));
    let models: Vec<String> = server.simulator.arrivals().iter().map(|arrival| arrival.model.clone()).collect();
    assert_eq!(models, ["gemini-2.5-pro"]);
}

/// `keys check`: a table, JSON, exit codes, a cleaned file; no key's text, and not one generated token.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_checked_without_a_generated_token() {
    let server = Server::start(&[ONE]).await;
    let check = async |keys: &str, arguments: &[&str]| {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(".env"), format!("PORT=1\nGEMINI_API_KEYS={keys}\n")).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gemini-adapter"));
        command.current_dir(dir.path()).env_clear().args(["keys", "check"]).args(arguments);
        command.arg("--set").arg(format!("upstream.base_url={}", server.simulator.base_url()));
        command.env("SECURITY_ADAPTER_API_KEYS", "client-key-of-the-test-000");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let updated = std::fs::read_to_string(dir.path().join(".env.updated")).unwrap_or_default();
        (output.status.code().unwrap(), said, updated)
    };
    let (code, said, _) = check(&format!("{ONE},{TWO}"), &[]).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("2 of 2 keys are good") && !said.contains("gemini-key"), "{said}");

    let mixed = format!("{ONE},gemini-key-invalid-000000,{ONE},gemini-key-suspended-0000,{MINUTE}");
    let (code, said, updated) = check(&mixed, &["--json", "--write-env"]).await;
    assert_eq!(code, 3, "{said}");
    assert!(!said.contains("gemini-key"), "{said}");
    let document: Value = serde_json::from_str(&said[said.find("{\n").unwrap()..=said.rfind('}').unwrap()]).unwrap();
    let verdicts: Vec<&str> =
        document["keys"].as_array().unwrap().iter().map(|key| key["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["good", "bad", "bad", "unknown"]);
    assert_eq!(document["keys"][0]["doubled"], 2);
    assert_eq!(updated, format!("PORT=1\nGEMINI_API_KEYS={ONE},{MINUTE}\n"));

    let (code, said, _) = check("gemini-key-invalid-000000", &[]).await;
    assert_eq!(code, 4, "{said}");
    let methods: Vec<String> = server.simulator.arrivals().iter().map(|arrival| arrival.method.clone()).collect();
    assert!(methods.iter().all(|method| method == "models" || method == "countTokens"), "{methods:?}");
    check(ONE, &["--generate"]).await;
    assert!(server.simulator.arrivals().iter().any(|arrival| arrival.method == "generateContent"));
}

/// A proxy that passes everything to the stand-in, and what went through it so far.
async fn proxy(upstream: String) -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let through = seen.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (server, seen) = (TcpStream::connect(&upstream).await.unwrap(), through.clone());
            let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
                (client.into_split(), server.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
                    seen.lock().unwrap().extend_from_slice(&buffer[..read]);
                    to_server.write_all(&buffer[..read]).await.unwrap();
                }
            });
        }
    });
    (url, seen)
}

#[tokio::test]
async fn a_key_with_a_proxy_of_its_own_goes_through_it_alone() {
    let server = Server::start(&[ONE]).await;
    let (proxy, seen) = proxy(server.simulator.base_url().trim_start_matches("http://").to_owned()).await;
    let pool = format!(
        "[pools.default]\nselection = \"round_robin\"\nkeys = [\"{ONE}\", {{ key = \"{TWO}\", proxy = \"{proxy}\" }}]\n"
    );
    std::fs::write(server.path("config.toml"), pool).unwrap();
    assert_eq!(server.admin("POST", "/admin/reload").await.status, 200);
    for _ in 0..4 {
        assert_eq!(server.say("hi").await.status, 200);
    }
    assert_eq!(server.calls(), [(ONE.to_owned(), 2), (TWO.to_owned(), 2)].into());
    let seen = String::from_utf8_lossy(&seen.lock().unwrap()).into_owned();
    assert_eq!(seen.matches(&format!("x-goog-api-key: {TWO}")).count(), 2);
    assert!(!seen.contains(ONE), "another key went through it");

    let bad = "[pools.default]\nkeys = [{ key = \"k-0000000000\", proxy = \"nowhere at canary\" }]\n";
    std::fs::write(server.path("config.toml"), bad).unwrap();
    let reload = server.admin("POST", "/admin/reload").await;
    assert_eq!((reload.status, &reload.json()["problems"][0]["path"]), (422, &json!("pools.default.keys[0].proxy")));
    assert!(!reload.text.contains("canary"));
}
