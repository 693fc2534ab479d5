//! What an operator sees of requests: the journal, the explanation of one request, capsules, the event feed, the
//! dashboard; and that none contains a key.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::StreamExt;
use futures_util::future::join_all;
use gemini_adapter::simulator::{Options, Simulator};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::{ADMIN_KEY, CLIENT_KEY, Server, with_keys};

const GOOD: &str = "canary-key-good-000000000";
const MINUTE: &str = "canary-key-minute-0000000";

fn kept(capsules: usize) -> String {
    let rotation = "selection = \"round_robin\"";
    format!("[telemetry]\ncapsules = {capsules}\n[pools.default]\nkeys = [{MINUTE:?}, {GOOD:?}]\n{rotation}\n")
}

async fn requests(server: &Server) -> Value {
    server.admin("GET", "/admin/requests").await.json()
}

/// A request that both keys were tried for.
async fn tried_twice(server: &Server) -> String {
    for _ in 0..4 {
        let reply = server.stream("hi there").await;
        let id = reply.headers["x-request-id"].clone();
        let told = server.admin("GET", &format!("/admin/explain/{id}")).await.json();
        if told["request"]["tries"].as_array().unwrap().len() == 2 {
            return id;
        }
    }
    panic!("no request met the key that refuses");
}

#[tokio::test]
async fn a_request_tells_its_story() {
    let server = Server::configured(&kept(0), &[("p.rhai", "fn on_request(ctx) {}")]).await;
    let id = tried_twice(&server).await;
    let told = server.admin("GET", &format!("/admin/explain/{id}")).await.json();
    let request = &told["request"];
    assert_eq!((&request["phase"], &request["status"]), (&json!("done"), &json!(200)));
    assert_eq!((&request["asked"], &request["stream"]), (&json!("gemini-3.8-flash"), &json!(true)));
    let [refused, answered] = [&request["tries"][0], &request["tries"][1]];
    assert_eq!((&refused["outcome"], &refused["status"]), (&json!("rate_limited"), &json!(429)), "{request}");
    assert_eq!(refused["rest"]["of"], "quota");
    assert!((30.0..35.0).contains(&refused["rest"]["seconds"].as_f64().unwrap()), "{refused}");
    assert_eq!(answered["outcome"], "ok");
    assert!(answered["began_ms"].as_f64() >= refused["ended_ms"].as_f64());
    assert_ne!(refused["key"], answered["key"]);
    assert_eq!((&request["plugins"][0]["plugin"], &request["plugins"][0]["hook"]), (&json!("p"), &json!("on_request")));
    assert!(request["written"].as_u64() > Some(0) && request["completion_tokens"].as_u64() > Some(0), "{request}");
    let story = told["story"].to_string();
    assert!(story.contains("Attempt 2") && story.contains("cools down for this model"), "{story}");
    assert_eq!(server.admin("GET", "/admin/explain/nobodys").await.status, 404);
}

#[tokio::test]
async fn what_is_under_way_is_shown_with_its_phase() {
    let server = Server::start(&[GOOD]).await;
    let stalled = server.stream("hi [[sim:stall after=2]]");
    let watched = async {
        for _ in 0..500 {
            let list = requests(&server).await;
            if list["live"][0]["phase"] == "streaming" {
                return list;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never seen streaming");
    };
    let list = tokio::select! { list = watched => list, _ = stalled => panic!("the stream ended") };
    assert_eq!((&list["under_way"], &list["live"][0]["attempts"]), (&json!(1), &json!(1)));
    assert!(list["live"][0]["first_token_ms"].is_u64());
    // The client has left.
    for _ in 0..500 {
        let list = requests(&server).await;
        if list["over"][0]["status"] == 499 {
            return assert_eq!(list["under_way"], 0);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never over");
}

#[tokio::test]
async fn refusals_bear_type_and_code_and_no_word() {
    let server = Server::start(&[GOOD]).await;
    server.chat(json!({ "model": "canary words", "messages": [] })).await;
    let list = server.admin("GET", "/admin/requests").await;
    let over = &list.json()["over"][0];
    assert_eq!((&over["status"], &over["error"]["type"]), (&json!(400), &json!("invalid_request_error")));
    assert!(!list.text.contains("must not be empty"), "{}", list.text);
}

#[tokio::test]
async fn nothing_is_kept_of_what_is_said_unless_asked_for() {
    let server = Server::configured(&kept(0), &[]).await;
    let id = server.say("words of a body").await.headers["x-request-id"].clone();
    let capsule = server.admin("GET", &format!("/admin/capsule/{id}")).await;
    assert_eq!((capsule.status, &capsule.error()["code"]), (404, &json!("capsule_not_kept")));
    for path in ["/admin/requests".to_owned(), format!("/admin/explain/{id}")] {
        assert!(!server.admin("GET", &path).await.text.contains("words of a body"), "{path}");
    }
}

#[tokio::test]
async fn a_capsule_reproduces_a_request_elsewhere() {
    let server = Server::configured(&kept(5), &[]).await;
    let id = tried_twice(&server).await;
    let capsule = server.admin("GET", &format!("/admin/capsule/{id}")).await;
    assert!(capsule.headers["content-disposition"].contains("capsule-"));
    let document = capsule.json();
    assert_eq!(document["request"]["body"]["messages"][0]["content"], "hi there");
    assert_eq!(document["attempts"][0]["response"]["status"], 429);
    assert!(document["attempts"][1]["response"]["sse"].as_array().unwrap().len() > 1, "{}", capsule.text);
    assert!(document["curl"].as_str().unwrap().contains("/v1/chat/completions"));
    assert!(document["config"].as_str().unwrap().starts_with("1-"));

    let file = server.path("capsule.json");
    std::fs::write(&file, &capsule.text).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options { replay: Some(file), ..Options::default() };
    let google = Simulator::start(listener, options).unwrap();
    let elsewhere = Server::before(&google, &with_keys(&["any-gemini-key-000001", "any-gemini-key-000002"])).await;
    let said = server.stream("hi there").await.gathered();
    let again = elsewhere.chat(document["request"]["body"].clone()).await;
    assert_eq!(again.gathered(), said);
    let id = again.headers["x-request-id"].clone();
    let told = elsewhere.admin("GET", &format!("/admin/explain/{id}")).await.json();
    let outcomes: Vec<&Value> =
        told["request"]["tries"].as_array().unwrap().iter().map(|tried| &tried["outcome"]).collect();
    assert_eq!(outcomes, ["rate_limited", "ok"], "{told}");
}

#[tokio::test]
async fn a_file_that_is_no_capsule_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (text, why) in
        [("{}", "is not a capsule"), ("{\"capsule\":1,\"attempts\":[]}", "contains no answer"), ("[", "EOF")]
    {
        let file = dir.path().join("c.json");
        std::fs::write(&file, text).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let started = Simulator::start(listener, Options { replay: Some(file), ..Options::default() });
        assert!(started.unwrap_err().to_string().contains(why), "{text}");
    }
}

/// A client that says keys in every encoding, wherever it can.
#[tokio::test]
async fn no_key_shows_in_any_encoding() {
    let server = Server::configured(&kept(5), &[]).await;
    let percent: String = GOOD.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let escaped: String = GOOD.bytes().map(|byte| format!("\\u00{byte:02x}")).collect();
    let forms = [
        GOOD.to_owned(),
        MINUTE.to_owned(),
        CLIENT_KEY.to_owned(),
        ADMIN_KEY.to_owned(),
        percent,
        STANDARD.encode(format!("user:{GOOD}")),
        URL_SAFE_NO_PAD.encode(format!("x{GOOD}y")),
        GOOD.bytes().map(|byte| format!("{byte:02x}")).collect(),
    ];
    let said = forms.join(" ");
    let body = format!(
        "{{\"model\":\"gemini-3.8-flash\",\"user\":\"{GOOD}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{said} {escaped}\"}}]}}"
    );
    let headers = [
        ("authorization", format!("Bearer {CLIENT_KEY}")),
        ("user-agent", format!("agent/{GOOD}")),
        ("x-request-id", GOOD.to_owned()),
    ];
    assert_eq!(server.send("POST", "/v1/chat/completions", &headers, Some(body)).await.status, 200);
    server.chat(json!({ "model": ADMIN_KEY, "messages": [{ "role": "user", "content": "hi" }] })).await;
    let capsule = server.admin("GET", &format!("/admin/capsule/{GOOD}")).await;
    assert_eq!(capsule.status, 200, "{}", capsule.text);
    let decoded = |text: &str| serde_json::from_str::<Value>(text).map(|value| value.to_string()).unwrap_or_default();
    for path in ["/admin/requests", "/admin/usage", "/admin/latencies", "/admin/keys", "/admin/config", "/stats"] {
        let reply = if path == "/stats" { server.get(path).await } else { server.admin("GET", path).await };
        assert_eq!(reply.status, 200, "{path}");
        for form in &forms {
            assert!(!reply.text.contains(form.as_str()), "{path}: {form}");
        }
    }
    for text in [&capsule.text, &decoded(&capsule.text)] {
        for form in &forms {
            assert!(!text.contains(form.as_str()), "{form} in {text}");
        }
        assert!(text.contains("[secret]"));
    }
}

#[tokio::test]
async fn what_was_used_is_told_by_client_and_by_key() {
    let config = "[auth]\nclient_keys = [{ key = \"test-client-key-0000000000\", name = \"ci\" }]\n";
    let server = Server::configured(&format!("{config}[pools.default]\nkeys = [{GOOD:?}]\n"), &[]).await;
    server.say("hi").await;
    server.stream("hi").await;
    let usage = server.admin("GET", "/admin/usage").await.json();
    let row = &usage["clients"][0];
    assert_eq!(
        (&row["client"], &row["model"], &row["requests"]),
        (&json!("ci"), &json!("gemini-3.8-flash"), &json!(2))
    );
    assert_eq!(usage["keys"][0]["requests"], 2);
    let models = server.admin("GET", "/admin/latencies").await.json();
    assert_eq!(
        (&models["models"][0]["duration"]["count"], &models["models"][0]["first_token"]["count"]),
        (&json!(2), &json!(1))
    );
    assert!(models["models"][0]["duration"]["p50_ms"].is_f64());
}

/// Somebody who watches the feed.
struct Watcher {
    chunks: std::pin::Pin<Box<dyn futures_util::Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    text: String,
}

impl Watcher {
    async fn of(server: &Server) -> Self {
        let request = reqwest::Client::new().get(format!("{}/admin/events", server.url)).bearer_auth(ADMIN_KEY);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        Self { chunks: Box::pin(response.bytes_stream()), text: String::new() }
    }

    /// The next event; None at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((frame, rest)) = self.text.split_once("\n\n") {
                let event = frame.strip_prefix("event: ").and_then(|frame| frame.split_once("\ndata: "));
                let event = event.map(|(name, data)| (name.to_owned(), serde_json::from_str(data).unwrap()));
                self.text = rest.to_owned();
                match event {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            let chunk = self.chunks.next().await?.ok()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn until(&mut self, name: &str, holds: impl Fn(&Value) -> bool) -> Value {
        loop {
            let (event, data) = self.next().await.expect("the feed goes on");
            if event == name && holds(&data) {
                return data;
            }
        }
    }
}

#[tokio::test]
async fn many_watchers_are_told_the_same() {
    let server = Server::start(&[GOOD]).await;
    for (key, status) in [(None, 401), (Some(CLIENT_KEY), 403)] {
        assert_eq!(server.request("GET", "/admin/events", key, None).await.status, status);
    }
    let mut watchers = join_all((0..60).map(|_| Watcher::of(&server))).await;
    for watcher in &mut watchers {
        let mut first = Vec::new();
        while first.len() < 7 {
            first.push(watcher.next().await.unwrap().0);
        }
        assert_eq!(first, ["hello", "requests", "pools", "metrics", "config", "plugins", "usage"]);
    }
    assert_eq!(server.say("hi").await.status, 200);
    let mut told = Vec::new();
    for watcher in &mut watchers {
        told.push(watcher.until("requests", |data| data["over"][0]["status"] == 200).await);
        watcher.until("pools", |data| data["pools"]["default"]["keys"][0]["requests"] == 1).await;
    }
    assert!(told.iter().all(|one| *one == told[0]));
    // Whoever comes later is told how everything stands.
    let late = Watcher::of(&server).await.until("requests", |_| true).await;
    assert_eq!((&late["all"], &late["over"][0]["number"]), (&json!(true), &told[0]["over"][0]["number"]));
}

#[tokio::test]
async fn another_configuration_lets_watchers_in_anew() {
    let server = Server::start(&[GOOD]).await;
    let mut watcher = Watcher::of(&server).await;
    watcher.until("config", |data| data["generation"] == 1).await;
    std::fs::write(server.path("config.toml"), with_keys(&[GOOD, MINUTE])).unwrap();
    assert_eq!(server.admin("POST", "/admin/reload").await.status, 200);
    while watcher.next().await.is_some() {}
    let config = Watcher::of(&server).await.until("config", |_| true).await;
    assert_eq!((&config["generation"], &config["history"][0]["live"]), (&json!(2), &json!(true)));
}

#[tokio::test]
async fn a_refused_change_is_told_at_once_and_no_key_is() {
    let server = Server::configured(&kept(3), &[]).await;
    let mut watcher = Watcher::of(&server).await;
    server.chat(json!({ "model": GOOD, "user": GOOD, "messages": [{ "role": "user", "content": ADMIN_KEY }] })).await;
    std::fs::write(server.path("config.toml"), format!("{}[upstream]\nattempts = 99\n", kept(3))).unwrap();
    assert_eq!(server.admin("POST", "/admin/reload").await.status, 422);
    let mut texts = String::new();
    loop {
        let (name, data) = watcher.next().await.unwrap();
        texts.push_str(&data.to_string());
        if name == "config" && data["refused"]["problems"][0]["path"] == "upstream.attempts" {
            break;
        }
    }
    assert!(texts.contains("chat") && !texts.contains("canary") && !texts.contains(ADMIN_KEY), "{texts}");
}

#[tokio::test]
async fn the_page_is_whole_and_lets_nothing_else_in() {
    let server = Server::start(&[GOOD]).await;
    let page = server.request("GET", "/admin/", None, None).await;
    assert_eq!((page.status, page.headers["content-type"].as_str()), (200, "text/html; charset=utf-8"));
    let policy = &page.headers["content-security-policy"];
    for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !page.text.contains("<style") && !page.text.contains(" style="));
    let redirect = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let redirect = redirect.get(format!("{}/admin", server.url)).send().await.unwrap();
    assert_eq!((redirect.status().as_u16(), redirect.headers()["location"].to_str().unwrap()), (308, "admin/"));

    let mut seen = std::collections::BTreeSet::new();
    let mut wanted = vec!["app.js".to_owned(), "style.css".to_owned(), "icon.svg".to_owned()];
    while let Some(name) = wanted.pop() {
        let file = server.request("GET", &format!("/admin/page/{name}"), None, None).await;
        assert_eq!(file.status, 200, "{name}");
        let held = [("if-none-match", file.headers["etag"].clone())];
        let again = server.send("GET", &format!("/admin/page/{name}"), &held, None).await;
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{name}");
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        for import in file.text.split(" from '").skip(1).filter_map(|rest| rest.split('\'').next()) {
            let path = match import.strip_prefix("../") {
                Some(rest) => rest.to_owned(),
                None => [folder, import.trim_start_matches("./")].join("/").trim_start_matches('/').to_owned(),
            };
            if seen.insert(path.clone()) {
                wanted.push(path);
            }
        }
    }
    assert!(seen.len() > 15, "{seen:?}");
    assert_eq!(server.request("GET", "/admin/page/nothing.js", None, None).await.status, 404);
    assert_eq!(server.request("GET", "/admin/page/../config.toml", None, None).await.status, 404);
}
