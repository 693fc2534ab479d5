//! `demo --traffic`: simulated clients that call continuously, on keys that fail now and then.

use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

use super::CLIENT_KEY;

/// The clients by name, each with its key.
const CLIENTS: &[(&str, &str)] = &[
    ("web-chat", CLIENT_KEY),
    ("ci-reviews", "demo-client-key-1111111111"),
    ("agents", "demo-client-key-2222222222"),
    ("notebooks", "demo-client-key-3333333333"),
];

/// The Gemini keys by name. The stand-in Gemini fails keys by their text: one has exhausted its per-minute quota, one
/// its daily quota, and one is invalid.
const KEYS: &[(&str, &str)] = &[
    ("heron", "demo-gemini-key-heron-0000"),
    ("kestrel", "demo-gemini-key-kestrel-00"),
    ("lark", "demo-gemini-key-lark-00000"),
    ("merlin", "demo-gemini-key-merlin-000"),
    ("osprey", "demo-gemini-key-osprey-000"),
    ("plover", "demo-gemini-key-plover-000"),
    ("robin", "demo-gemini-key-robin-minute-0"),
    ("swift", "demo-gemini-key-swift-0000"),
    ("teal", "demo-gemini-key-teal-today-0"),
    ("wren", "demo-gemini-key-wren-invalid"),
];

const MODELS: &[&str] =
    &["gpt-4o", "gpt-4o-mini", "gpt-4o-mini", "gemini-2.5-flash", "gemini-2.5-pro", "gemini-3.8-flash"];

/// Number of concurrent callers.
const AT_ONCE: usize = 7;
/// How long after the start all keys first hit the rate limit of one model, and the time between repetitions.
const FIRST_STORM: Duration = Duration::from_secs(75);
const STORM: Duration = Duration::from_secs(240);

/// Kinds of chat requests: the percentage of requests, whether they stream, and the marker that selects the scenario
/// of the stand-in.
const SHAPES: &[(u32, bool, &str)] = &[
    (39, true, "[[sim:long chunks=40 gap_ms=45]]"),
    (16, true, "[[sim:long chunks=90 gap_ms=30]]"),
    (10, true, "[[sim:thinking]]"),
    (16, false, ""),
    (5, false, "[[sim:slow delay_ms=900]]"),
    (4, false, "[[sim:tool]]"),
    (4, true, "[[sim:429_minute odds=40 retry=20]]"),
    (2, false, "[[sim:503 odds=60]]"),
    (2, true, "[[sim:mid_error after=6]]"),
    (2, false, "[[sim:400]]"),
];

/// The additional settings for a demo with traffic.
pub fn settings() -> [(&'static str, String); 6] {
    let tables = |rows: &[(&str, &str)]| {
        let rows = rows.iter().map(|(name, key)| format!("{{ name = \"{name}\", key = \"{key}\" }}"));
        format!("[{}]", rows.collect::<Vec<_>>().join(", "))
    };
    [
        ("auth.client_keys", tables(CLIENTS)),
        ("pools.default.keys", tables(KEYS)),
        ("telemetry.capsules", "50".to_owned()),
        ("plugins.library", "[\"pii\", \"cost_tags\", \"json_repair\"]".to_owned()),
        // Failures are intended here.
        ("log.level", "\"off\"".to_owned()),
        ("store.dir", "\"\"".to_owned()),
    ]
}

/// Starts the callers. They run until the process ends.
pub fn begin(url: &str) {
    let client = Client::new();
    for number in 0..AT_ONCE {
        let (client, url) = (client.clone(), url.to_owned());
        tokio::spawn(async move {
            loop {
                call(&client, &url, number).await;
                pause(150..1800).await;
            }
        });
    }
    let url = url.to_owned();
    tokio::spawn(async move {
        tokio::time::sleep(FIRST_STORM).await;
        loop {
            let storm = chat("gemini-2.5-pro", false, "[[sim:429_minute retry=18]]");
            send(&client, &url, "/v1/chat/completions", 2, &storm).await;
            tokio::time::sleep(STORM).await;
        }
    });
}

async fn pause(milliseconds: std::ops::Range<u64>) {
    tokio::time::sleep(Duration::from_millis(fastrand::u64(milliseconds))).await;
}

async fn call(client: &Client, url: &str, number: usize) {
    let who = (number + usize::from(fastrand::u8(..) < 40)) % CLIENTS.len();
    match fastrand::u32(0..100) {
        0..6 => {
            let body = json!({ "model": "text-embedding-3-small", "input": ["a heron", "a lark"] });
            send(client, url, "/v1/embeddings", who, &body).await;
        }
        6..14 => {
            let messages = json!([{ "role": "user", "content": "Say hello. [[sim:long chunks=30 gap_ms=40]]" }]);
            let body = json!({ "model": "gemini-2.5-pro", "max_tokens": 4000, "stream": true, "messages": messages });
            send(client, url, "/v1/messages", who, &body).await;
        }
        14..16 => send(client, url, "/v1/chat/completions", who, &json!({ "model": "gpt-4o", "messages": [] })).await,
        _ => {
            let model = MODELS.get(fastrand::usize(..MODELS.len())).copied().unwrap_or("gpt-4o");
            let (stream, marker) = shape(fastrand::u32(0..100));
            send(client, url, "/v1/chat/completions", who, &chat(model, stream, marker)).await;
        }
    }
}

fn shape(mut chance: u32) -> (bool, &'static str) {
    for (share, stream, marker) in SHAPES {
        if chance < *share {
            return (*stream, marker);
        }
        chance -= share;
    }
    (true, "")
}

fn chat(model: &str, stream: bool, marker: &str) -> Value {
    let tool = json!({ "type": "function", "function": { "name": "weather", "parameters": { "type": "object" } } });
    let mut body = json!({
        "model": model, "stream": stream,
        "messages": [
            { "role": "system", "content": "You are a bird watcher's companion." },
            { "role": "user", "content": format!("Which birds winter at the lake? {marker}") },
        ],
    });
    if marker.contains(":tool") {
        body["tools"] = json!([tool]);
    }
    body
}

/// Sends a request and reads the whole answer. The result is ignored; the dashboard shows it.
async fn send(client: &Client, url: &str, path: &str, who: usize, body: &Value) {
    let Some((_, key)) = CLIENTS.get(who) else { return };
    let request = client.post(format!("{url}{path}")).bearer_auth(key).header("content-type", "application/json");
    if let Ok(response) = request.body(body.to_string()).send().await {
        let _ = response.bytes().await;
    }
}
