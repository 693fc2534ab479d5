//! A replica: the server as a process, with a memory on disk of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

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
    pub async fn start(gemini_keys: &str, upstream: &str, redis: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_gemini-adapter"))
            .args(["serve", "--set", "server.listen=127.0.0.1:0"])
            .current_dir(dir.path())
            .env_clear()
            .env("GEMINI_API_KEYS", gemini_keys)
            .env("GEMINI_BASE_URL", upstream)
            .env("SECURITY_ADAPTER_API_KEYS", CLIENT_KEY)
            .env("SECURITY_ADMIN_API_KEYS", ADMIN_KEY)
            .env("DATABASE_REDIS_URL", redis)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("started successfully")).expect("it starts");
        // What nobody reads would make it wait some day.
        std::thread::spawn(move || lines.for_each(drop));
        let line: Value = serde_json::from_str(&line).unwrap();
        let url = format!("http://{}", line["address"].as_str().unwrap());
        Self { child, url, http: reqwest::Client::new(), _dir: dir }
    }

    /// Three of them.
    pub async fn three(gemini_keys: &str, upstream: &str, redis: &str) -> [Self; 3] {
        let start = || Self::start(gemini_keys, upstream, redis);
        [start().await, start().await, start().await]
    }

    /// The status of an answer to one chat request.
    pub async fn chat(&self) -> u16 {
        let body = json!({ "model": "gemini-3.8-flash", "messages": [{ "role": "user", "content": "hello" }] });
        let request = self.http.post(format!("{}/v1/chat/completions", self.url)).bearer_auth(CLIENT_KEY);
        let request = request.header("content-type", "application/json").body(body.to_string());
        request.send().await.unwrap().status().as_u16()
    }

    async fn document(&self, path: &str, key: &str) -> Value {
        let response = self.http.get(format!("{}{path}", self.url)).bearer_auth(key).send().await.unwrap();
        serde_json::from_str(&response.text().await.unwrap()).unwrap()
    }

    /// Whether it shares its memory now.
    pub async fn connected(&self) -> bool {
        self.document("/stats", CLIENT_KEY).await["store"]["redis"]["connected"].as_bool().unwrap()
    }

    /// The states of its keys, in the order of their configuration.
    pub async fn keys(&self) -> Vec<Value> {
        let keys = self.document("/admin/keys", ADMIN_KEY).await;
        keys["pools"]["default"]["keys"].as_array().unwrap().clone()
    }

    /// The state of a key for the model, and its strikes.
    pub async fn of_model(&self, key: usize) -> (String, u64) {
        let status = &self.keys().await[key]["models"]["gemini-3.8-flash"];
        (status["state"].as_str().unwrap_or("unknown").to_owned(), status["strikes"].as_u64().unwrap_or(0))
    }

    /// Requests of all keys today, as this replica knows them.
    pub async fn used_today(&self) -> u64 {
        let today = |key: &Value| key["models"]["gemini-3.8-flash"]["today"]["requests"].as_u64().unwrap_or(0);
        self.keys().await.iter().map(today).sum()
    }

    /// Forgives a key.
    pub async fn reset(&self, key: usize) {
        let id = self.keys().await[key]["id"].as_str().unwrap().to_owned();
        let request = self.http.post(format!("{}/admin/reset-key/{id}", self.url)).bearer_auth(ADMIN_KEY);
        assert!(request.send().await.unwrap().status().is_success());
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
