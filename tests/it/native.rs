//! Gemini's native API through the server: requests of Google's SDKs reach Google unchanged, and its answers come
//! back unchanged.

use serde_json::{Value, json};

use crate::harness::{CLIENT_KEY, Reply, Server, with_keys};

const GOOD: &str = "gemini-key-good-000000000";
const INVALID: &str = "gemini-key-invalid-000000";
const MINUTE: &str = "gemini-key-minute-0000000";

async fn post(server: &Server, path: &str, body: impl Into<String>) -> Reply {
    server.send("POST", path, &[("x-goog-api-key", CLIENT_KEY.to_owned())], Some(body.into())).await
}

/// The same request to the stand-in itself.
async fn directly(server: &Server, path: &str, body: &str) -> String {
    let url = format!("{}{path}", server.simulator.base_url());
    let request = reqwest::Client::new().post(url).header("x-goog-api-key", GOOD).body(body.to_owned());
    request.send().await.unwrap().text().await.unwrap()
}

fn said(text: &str) -> String {
    json!({ "contents": [{ "role": "user", "parts": [{ "text": text }] }] }).to_string()
}

fn google_error(reply: &Reply) -> Value {
    let error = reply.json()["error"].clone();
    assert_eq!(error["code"], reply.status, "{}", reply.text);
    assert!(error["status"].is_string() && error["message"].is_string(), "{}", reply.text);
    error
}

/// The stand-in makes the answer's id of the very bytes of the request: an equal answer means equal bytes both ways.
#[tokio::test]
async fn bytes_go_through_untouched() {
    let server = Server::start(&[GOOD]).await;
    let body = "{ \"contents\" : [{\"parts\":[{\"text\":\"Gr\\u00fc\\u00dfe, \u{4e16} [[sim:thinking]]\"}]}],\n\t\"generation_config\":{\"temperature\":1.50, \"thinkingConfig\":{\"includeThoughts\":true}} }";
    for method in ["generateContent", "streamGenerateContent?alt=sse"] {
        let path = format!("/v1beta/models/gemini-3.8-flash:{method}");
        let reply = post(&server, &path, body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.text, directly(&server, &path, body).await, "{method}");
        let v1 = post(&server, &path.replace("v1beta", "v1"), body).await;
        assert_eq!(v1.text, reply.text, "Google's SDKs say v1");
    }
    let stream = post(&server, "/v1beta/models/gemini-3.8-flash:streamGenerateContent", body).await;
    assert_eq!(stream.headers["content-type"], "application/json");
    let direct = directly(&server, "/v1beta/models/gemini-3.8-flash:streamGenerateContent", body).await;
    assert_eq!(stream.json(), serde_json::from_str::<Value>(&direct).unwrap());
}

#[tokio::test]
async fn every_method_of_models() {
    let server = Server::start(&[GOOD]).await;
    for (model, method, body) in [
        ("gemini-3.8-flash", "countTokens", said("hi")),
        (
            "gemini-3.8-flash",
            "countTokens",
            json!({ "generateContentRequest": { "model": "models/gemini-3.8-flash", "contents": [{ "parts": [{ "text": "hi" }] }] } })
                .to_string(),
        ),
        ("gemini-embedding-001", "embedContent", json!({ "content": { "parts": [{ "text": "hi" }] } }).to_string()),
        (
            "gemini-embedding-2",
            "batchEmbedContents",
            json!({ "requests": [{ "model": "models/gemini-embedding-2", "content": { "parts": [{ "text": "hi" }] } }] })
                .to_string(),
        ),
        ("imagen-4.0-generate-001", "predict", json!({ "instances": [{ "prompt": "a cat" }] }).to_string()),
    ] {
        let path = format!("/v1beta/models/{model}:{method}");
        let reply = post(&server, &path, body.clone()).await;
        assert_eq!((reply.status, reply.text), (200, directly(&server, &path, &body).await), "{method}");
    }
}

#[tokio::test]
async fn aliases_fallbacks_and_keys_work_as_for_all() {
    let config = format!(
        "{}[models.aliases]\nmine = \"gemini-embedding-2\"\nfirst = {{ model = \"gemini-2.5-pro\", fallback = [\"gemini-3.8-flash\"] }}\n",
        with_keys(&[INVALID, GOOD])
    );
    let server = Server::configured(&config, &[]).await;
    let batch = json!({ "requests": [{ "model": "models/mine", "content": { "parts": [{ "text": "hi" }] } }] });
    for _ in 0..3 {
        let reply = post(&server, "/v1beta/models/mine:batchEmbedContents", batch.to_string()).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    let arrived = server.simulator.arrivals();
    assert_eq!(arrived.last().unwrap().body["requests"][0]["model"], "models/gemini-embedding-2");
    assert_eq!(server.calls().get(INVALID).copied().unwrap_or_default(), 1, "a dead key is asked once");
    let resting = Server::configured(&config.replace(GOOD, MINUTE).replace(INVALID, MINUTE), &[]).await;
    assert_eq!(post(&resting, "/v1beta/models/first:generateContent", said("hi")).await.status, 429);
    let models: Vec<String> = resting.simulator.arrivals().into_iter().map(|arrival| arrival.model).collect();
    assert_eq!(models, ["gemini-2.5-pro", "gemini-3.8-flash"], "the second model was tried");
}

#[tokio::test]
async fn errors_are_in_googles_own_shape() {
    let server = Server::start(&[GOOD]).await;
    let path = "/v1beta/models/gemini-3.8-flash:generateContent";
    for (path, body, status, name) in [
        (path, "{".to_owned(), 400, "INVALID_ARGUMENT"),
        (path, "[]".to_owned(), 400, "INVALID_ARGUMENT"),
        (path, "{}".to_owned(), 400, "INVALID_ARGUMENT"),
        (path, said("[[sim:400]]"), 400, "INVALID_ARGUMENT"),
        (path, said("[[sim:404_model]]"), 404, "NOT_FOUND"),
        ("/v1beta/models/nothing:generateContent", said("hi"), 200, ""),
        ("/v1beta/models/gemini-nothing:generateContent", said("hi"), 404, "NOT_FOUND"),
        ("/v1beta/models/gemini-3.8-flash:think", said("hi"), 404, "NOT_FOUND"),
        ("/v1beta/models/gemini-3.8-flash", said("hi"), 404, "NOT_FOUND"),
        ("/v1beta/models/..%2F..%2Fx:generateContent", said("hi"), 404, "NOT_FOUND"),
        ("/v1beta/nothing", said("hi"), 404, "NOT_FOUND"),
    ] {
        let reply = post(&server, path, body).await;
        assert_eq!(reply.status, status, "{path}: {}", reply.text);
        if status != 200 {
            assert_eq!(google_error(&reply)["status"], name, "{path}");
        }
    }
    let stranger = server.send("POST", path, &[("x-goog-api-key", "wrong".into())], Some(said("hi"))).await;
    assert_eq!(google_error(&stranger)["status"], "UNAUTHENTICATED");
    let in_url = format!("{path}?key={CLIENT_KEY}");
    assert_eq!(server.send("POST", &in_url, &[], Some(said("hi"))).await.status, 401, "a key in the URL is none");
    let both = post(&server, &in_url, said("hi")).await;
    assert!(both.status == 400 && !both.text.contains(CLIENT_KEY), "{}", both.text);
}

#[tokio::test]
async fn a_quota_says_when_to_come_back() {
    let server = Server::start(&[MINUTE]).await;
    let reply = post(&server, "/v1beta/models/gemini-3.8-flash:generateContent", said("hi")).await;
    let error = google_error(&reply);
    assert_eq!(error["status"], "RESOURCE_EXHAUSTED");
    let delay = error["details"][0]["retryDelay"].as_str().unwrap().trim_end_matches('s');
    assert!((33.0..=34.4).contains(&delay.parse::<f64>().unwrap()), "{delay}");
}

#[tokio::test]
async fn a_stream_that_breaks_ends_with_googles_error() {
    let server = Server::start(&[GOOD]).await;
    let path = "/v1beta/models/gemini-3.8-flash:streamGenerateContent";
    for scenario in ["mid_error after=2", "mid_error_bare after=2", "truncated after=2", "reset after=2"] {
        let body = said(&format!("[[sim:{scenario}]] a text that is long enough for several pieces of an answer"));
        let events = post(&server, &format!("{path}?alt=sse"), body.clone()).await;
        assert_eq!(events.status, 200, "{scenario}");
        let last = events.text.trim_end().rsplit("\r\n\r\n").next().unwrap();
        let error: Value = serde_json::from_str(last.strip_prefix("data: ").unwrap()).unwrap();
        assert!(error["error"]["code"].as_u64().unwrap() >= 500, "{scenario}: {error}");
        let array = post(&server, path, body).await.json();
        let (last, rest) = array.as_array().unwrap().split_last().unwrap();
        assert!(last["error"]["status"].is_string() && rest.len() == 2, "{scenario}: {array}");
    }
    // Before anything was shown, it is an error like any other.
    let early = post(&server, &format!("{path}?alt=sse"), said("[[sim:503]]")).await;
    assert_eq!(google_error(&early)["status"], "UNAVAILABLE");
}

/// Google's SDK for Python reads a comment as an answer that is no JSON: only empty lines say that a stream lives.
#[tokio::test]
async fn a_silent_stream_says_nothing_but_empty_lines() {
    let config = format!("{}[server]\nkeep_alive = \"1s\"\n", with_keys(&[GOOD]));
    let server = Server::configured(&config, &[]).await;
    let path = "/v1beta/models/gemini-3.8-flash:streamGenerateContent";
    let body = said("[[sim:slow delay_ms=1500]] hi");
    let events = post(&server, &format!("{path}?alt=sse"), body.clone()).await.text;
    let lines: Vec<&str> = events.lines().filter(|line| !line.is_empty()).collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line.starts_with("data: {")), "{events}");
    assert!(post(&server, path, body).await.json().is_array());
}

#[tokio::test]
async fn a_plugin_may_answer() {
    let plugin = ("p.rhai", "//! api = 1\n//! hooks = [\"on_request\"]\nfn on_request(ctx) { reply(\"mine\") }\n");
    let server = Server::configured(&with_keys(&[GOOD]), &[plugin]).await;
    let path = "/v1beta/models/gemini-3.8-flash:";
    let whole = post(&server, &format!("{path}generateContent"), said("hi")).await;
    assert_eq!(whole.json()["candidates"][0]["content"]["parts"][0]["text"], "mine", "{}", whole.text);
    let events = post(&server, &format!("{path}streamGenerateContent?alt=sse"), said("hi")).await;
    assert!(events.text.starts_with("data: {") && events.text.ends_with("\r\n\r\n"), "{}", events.text);
    let array = post(&server, &format!("{path}streamGenerateContent"), said("hi")).await;
    assert_eq!(array.json()[0]["candidates"][0]["finishReason"], "STOP");
    let vectors = post(&server, "/v1/embeddings", json!({ "model": "m", "input": "hi" }).to_string()).await;
    assert_eq!(vectors.status, 500, "a text is not a vector");
    assert!(server.simulator.arrivals().is_empty());
}
