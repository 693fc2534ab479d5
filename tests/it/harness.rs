//! A real server on loopback in front of a simulator, both inside the test process, and a client that reads answers
//! as SDKs do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gemini_adapter::config::Sources;
use gemini_adapter::environment::Environment;
use gemini_adapter::runtime::{Live, Services};
use gemini_adapter::server::{App, Running};
use gemini_adapter::simulator::{Options, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

pub const CLIENT_KEY: &str = "test-client-key-0000000000";
pub const ADMIN_KEY: &str = "test-admin-key-00000000000";
pub const METRICS_KEY: &str = "test-metrics-key-000000000";

pub struct Server {
    pub simulator: Simulator,
    pub live: Arc<Live>,
    pub url: String,
    pub dir: TempDir,
    http: reqwest::Client,
    _running: Running,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn error(&self) -> Value {
        let error = self.json()["error"].clone();
        let keys: Vec<&str> = error.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["message", "type", "param", "code"], "OpenAI's error object has four keys");
        error
    }

    /// The events of a stream, `[DONE]` left out; and whether it was there.
    pub fn events(&self) -> (Vec<Value>, bool) {
        let data = self.text.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
        let (done, events): (Vec<&str>, Vec<&str>) = data.partition(|event| *event == "[DONE]");
        (events.iter().map(|event| serde_json::from_str(event).unwrap()).collect(), done.len() == 1)
    }

    /// What a stream says, and why it ended.
    pub fn gathered(&self) -> (String, Option<String>) {
        let (events, _) = self.events();
        let text = events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
        let finish = events.iter().find_map(|event| event["choices"][0]["finish_reason"].as_str());
        (text, finish.map(str::to_owned))
    }
}

/// A configuration with these keys.
pub fn with_keys(keys: &[&str]) -> String {
    format!("[pools.default]\nkeys = {keys:?}\n")
}

impl Server {
    /// With these Gemini keys.
    pub async fn start(keys: &[&str]) -> Self {
        Self::configured(&with_keys(keys), &[]).await
    }

    /// With this configuration; upstream, address and client keys are added as flags. `plugins` are files: name, source.
    pub async fn configured(config: &str, plugins: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let simulator = Simulator::start(listener, Options::default()).unwrap();
        let upstream = simulator.base_url();
        Self::in_front_of(simulator, &upstream, config, plugins).await
    }

    /// In front of somebody else's stand-in.
    pub async fn before(google: &Simulator, config: &str) -> Self {
        Self::at(&google.base_url(), config).await
    }

    /// In front of whatever is there.
    pub async fn at(upstream: &str, config: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let unused = Simulator::start(listener, Options::default()).unwrap();
        Self::in_front_of(unused, upstream, config, &[]).await
    }

    async fn in_front_of(simulator: Simulator, upstream: &str, config: &str, plugins: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("plugins")).unwrap();
        std::fs::write(dir.path().join("config.toml"), config).unwrap();
        for (name, source) in plugins {
            std::fs::write(dir.path().join("plugins").join(name), source).unwrap();
        }
        let mut sources = sources(dir.path(), upstream);
        if config.contains("client_keys") {
            sources.overrides.retain(|(path, _)| path != "auth.client_keys");
        }
        let live = Live::start(sources, Arc::new(Services::start())).unwrap_or_else(|problems| panic!("{problems}"));
        let live = Arc::new(live);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let running = gemini_adapter::server::run(App::new(live.clone()), listener, Duration::from_secs(10)).unwrap();
        Self { simulator, live, url: running.url(), dir, http: reqwest::Client::new(), _running: running }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub async fn request(&self, method: &str, path: &str, key: Option<&str>, body: Option<String>) -> Reply {
        let headers: Vec<(&str, String)> = key.iter().map(|key| ("authorization", format!("Bearer {key}"))).collect();
        self.send(method, path, &headers, body).await
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, String)], body: Option<String>) -> Reply {
        let (mut reply, response) = self.begun(method, path, headers, body).await;
        reply.text = response.text().await.unwrap_or_default();
        reply
    }

    /// The beginning of an answer, and what reads the rest: for answers that do not end by themselves.
    pub async fn begun(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Option<String>,
    ) -> (Reply, reqwest::Response) {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let response = request.send().await.unwrap();
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        (Reply { status: response.status().as_u16(), headers, text: String::new() }, response)
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.request("GET", path, Some(CLIENT_KEY), None).await
    }

    pub async fn admin(&self, method: &str, path: &str) -> Reply {
        self.request(method, path, Some(ADMIN_KEY), None).await
    }

    /// A document for an admin's endpoint.
    pub async fn admin_post(&self, path: &str, body: &Value) -> Reply {
        self.request("POST", path, Some(ADMIN_KEY), Some(body.to_string())).await
    }

    /// A chat request.
    pub async fn chat(&self, body: Value) -> Reply {
        self.request("POST", "/v1/chat/completions", Some(CLIENT_KEY), Some(body.to_string())).await
    }

    /// One message to a Gemini 3 model, whole.
    pub async fn say(&self, text: &str) -> Reply {
        self.chat(json!({ "model": "gemini-3.8-flash", "messages": [{ "role": "user", "content": text }] })).await
    }

    /// The same, streamed.
    pub async fn stream(&self, text: &str) -> Reply {
        let messages = json!([{ "role": "user", "content": text }]);
        self.chat(json!({ "model": "gemini-3.8-flash", "stream": true, "messages": messages })).await
    }

    /// How many calls reached the stand-in, by key.
    pub fn calls(&self) -> BTreeMap<String, usize> {
        let mut calls = BTreeMap::new();
        for arrival in self.simulator.arrivals().iter().filter(|arrival| arrival.method != "models") {
            *calls.entry(arrival.key.clone()).or_default() += 1;
        }
        calls
    }
}

/// Where a server's configuration comes from.
pub fn sources(dir: &Path, upstream: &str) -> Sources {
    let quoted = |text: &str| format!("{text:?}");
    let flag = |path: &str, value: String| (path.to_owned(), value);
    Sources {
        file: Some(dir.join("config.toml")),
        dotenv: dir.join(".env"),
        process: Environment::default(),
        overrides: vec![
            flag("server.listen", quoted("127.0.0.1:0")),
            flag("upstream.base_url", quoted(upstream)),
            flag("auth.client_keys", format!("[{CLIENT_KEY:?}]")),
            flag("auth.admin_keys", format!("[{ADMIN_KEY:?}]")),
            flag("auth.metrics_keys", format!("[{METRICS_KEY:?}]")),
            flag("plugins.dir", quoted(&dir.join("plugins").display().to_string())),
            flag("runtime.dir", quoted(&dir.join("data").display().to_string())),
            flag("log.level", quoted("off")),
        ],
    }
}

/// Waits until it holds; fails after half a minute.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within half a minute: {what}");
}
