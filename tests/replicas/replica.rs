//! A replica: the program as a separate process with its own folder, which shares one Redis with others.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

const CLIENT_KEY: &str = "client-key-0123456789";
const ADMIN_KEY: &str = "admin-key-0123456789";

pub struct Replica {
    child: Child,
    url: String,
    http: reqwest::Client,
    _dir: TempDir,
}

impl Replica {
    /// Starts a replica with this upstream, these Gemini keys, this Redis and this limit on the time of Redis commands.
    /// Most tests use a long limit: they test what happens, not how soon.
    pub fn start(upstream: &str, keys: &[&str], redis: &str, cap: &str) -> Self {
        Self::configured(upstream, keys, redis, cap, &[])
    }

    /// Like [`Self::start`], with additional settings.
    pub fn configured(upstream: &str, keys: &[&str], redis: &str, cap: &str, settings: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_gemini-adapter"))
            .current_dir(dir.path())
            .env_clear()
            .args(["serve", "--set", "server.listen=127.0.0.1:0", "--set", &format!("store.redis_timeout={cap}")])
            .args(settings.iter().flat_map(|setting| ["--set", setting]))
            .env("GEMINI_API_KEYS", keys.join(","))
            .env("GEMINI_BASE_URL", upstream)
            .env("SECURITY_ADAPTER_API_KEYS", CLIENT_KEY)
            .env("SECURITY_ADMIN_API_KEYS", ADMIN_KEY)
            .env("DATABASE_REDIS_URL", redis)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let started = lines.by_ref().map_while(Result::ok).find(|line| line.contains("started successfully")).unwrap();
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let started: Value = serde_json::from_str(&started).unwrap();
        let url = format!("http://{}", started["address"].as_str().unwrap());
        Self { child, url, http: reqwest::Client::new(), _dir: dir }
    }

    pub async fn chat(&self, body: &Value) -> (u16, Value) {
        self.ask("/v1/chat/completions", body).await
    }

    /// Sends a request in any protocol.
    pub async fn ask(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(CLIENT_KEY);
        let answer = request.body(body.to_string()).header("content-type", "application/json").send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    pub async fn say(&self, text: &str) -> (u16, Value) {
        self.chat(&json!({ "model": "gemini-3.8-flash", "messages": [{ "role": "user", "content": text }] })).await
    }

    pub async fn get(&self, path: &str) -> Value {
        let key = if path.starts_with("/admin") { ADMIN_KEY } else { CLIENT_KEY };
        let answer = self.http.get(format!("{}{path}", self.url)).bearer_auth(key).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    pub async fn post(&self, path: &str) {
        let answer = self.http.post(format!("{}{path}", self.url)).bearer_auth(ADMIN_KEY).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }

    /// Stops it with SIGTERM and waits until it has exited.
    pub fn stop(&mut self) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success() && self.child.wait().unwrap().success());
    }

    /// Returns one of its keys, by position in the configuration.
    pub async fn key(&self, number: usize) -> Value {
        self.get("/admin/keys").await["pools"]["default"]["keys"][number].clone()
    }

    /// Returns how many requests of today, by all replicas, it knows for a key.
    pub async fn used(&self, number: usize) -> u64 {
        self.key(number).await["models"]["gemini-3.8-flash"]["today"]["requests"].as_u64().unwrap_or_default()
    }

    /// Returns the states of its keys, in the order of the configuration; the state for the model if that is not
    /// `ready`.
    pub async fn states(&self) -> Vec<String> {
        let keys = self.get("/admin/keys").await;
        let keys = keys["pools"]["default"]["keys"].as_array().unwrap().clone();
        let state = |key: &Value| match key["models"]["gemini-3.8-flash"]["state"].as_str() {
            Some(state) if state != "ready" => state.to_owned(),
            _ => key["state"].as_str().unwrap().to_owned(),
        };
        keys.iter().map(state).collect()
    }

    pub async fn redis(&self) -> Value {
        self.get("/stats").await["store"]["redis"].clone()
    }

    /// Waits until Redis is shared, or away.
    pub async fn until_redis_is(&self, state: &str) {
        self.until(&format!("Redis is {state}"), async || self.redis().await["state"] == state).await;
    }

    pub async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        for _ in 0..6000 {
            if holds().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not within a minute: {what}; {}", self.get("/stats").await);
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
