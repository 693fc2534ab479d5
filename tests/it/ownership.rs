//! Files and cached contents belong to the key they were created with, and to the client that created them.

use serde_json::{Value, json};

use crate::harness::{Reply, Server, with_keys};

const KEYS: &[&str] = &["gemini-key-one-0000000000", "gemini-key-two-0000000000", "gemini-key-three-00000000"];
const ANNA: &str = "client-key-anna-000000000";
const BERT: &str = "client-key-bert-000000000";

fn configured(keys: &[&str]) -> String {
    format!("{}[auth]\nclient_keys = [{ANNA:?}, {BERT:?}]\n", with_keys(keys))
}

async fn start() -> Server {
    Server::configured(&configured(KEYS), &[]).await
}

async fn ask(server: &Server, who: &str, method: &str, path: &str, body: Value) -> Reply {
    let body = (!body.is_null()).then(|| body.to_string());
    server.send(method, path, &[("x-goog-api-key", who.to_owned())], body).await
}

fn cache() -> Value {
    json!({ "model": "models/gemini-2.5-flash", "displayName": "d", "ttl": "600s",
            "contents": [{ "role": "user", "parts": [{ "text": "word ".repeat(1200) }] }] })
}

fn question(extra: Value) -> Value {
    let mut body = json!({ "contents": [{ "role": "user", "parts": [{ "text": "what is it about?" }] }] });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

/// A file in two pieces, by Google's protocol.
async fn upload(server: &Server, who: &str, text: &str) -> Value {
    let headers = |command: &str, offset: usize| {
        vec![
            ("x-goog-upload-protocol", "resumable".to_owned()),
            ("x-goog-upload-command", command.to_owned()),
            ("x-goog-upload-offset", offset.to_string()),
            ("x-goog-upload-header-content-length", text.len().to_string()),
            ("x-goog-upload-header-content-type", "text/plain".to_owned()),
        ]
    };
    let mut begin = headers("start", 0);
    begin.push(("x-goog-api-key", who.to_owned()));
    let begun = server.send("POST", "/upload/v1beta/files", &begin, Some(json!({ "file": {} }).to_string())).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    let path = begun.headers["x-goog-upload-url"].strip_prefix(&server.url).unwrap().to_owned();
    assert!(!path.contains("standin"), "Google's own place stays ours: {path}");
    let (one, two) = text.split_at(text.len() / 2);
    let first = server.send("POST", &path, &headers("upload", 0), Some(one.to_owned())).await;
    assert_eq!((first.status, &*first.headers["x-goog-upload-status"]), (200, "active"), "{}", first.text);
    let last = server.send("POST", &path, &headers("upload, finalize", one.len()), Some(two.to_owned())).await;
    assert_eq!((last.status, &*last.headers["x-goog-upload-status"]), (200, "final"), "{}", last.text);
    let again = server.send("POST", &path, &headers("upload", 0), Some(one.to_owned())).await;
    assert_eq!(again.status, 404, "an upload ends once");
    last.json()["file"].clone()
}

/// The keys that were used, one for each call.
fn keys_of(server: &Server, method: &str) -> Vec<String> {
    let arrivals = server.simulator.arrivals().into_iter().filter(|arrival| arrival.method == method);
    arrivals.map(|arrival| arrival.key).collect()
}

#[tokio::test]
async fn cached_contents_are_used_with_their_own_key() {
    let server = start().await;
    let made = ask(&server, ANNA, "POST", "/v1beta/cachedContents", cache()).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let name = made.json()["name"].as_str().unwrap().to_owned();
    let owner = keys_of(&server, "cachedContents.create")[0].clone();
    for _ in 0..6 {
        let body = question(json!({ "cachedContent": name }));
        let reply = ask(&server, ANNA, "POST", "/v1beta/models/gemini-2.5-flash:generateContent", body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let chat = json!({ "model": "gemini-2.5-flash", "messages": [{ "role": "user", "content": "hi" }],
                           "extra_body": { "google": { "cached_content": name } } });
        let reply = server.request("POST", "/v1/chat/completions", Some(ANNA), Some(chat.to_string())).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    assert!(keys_of(&server, "generateContent").iter().all(|key| *key == owner));
    let path = format!("/v1beta/{name}");
    let longer = ask(&server, ANNA, "PATCH", &format!("{path}?updateMask=ttl"), json!({ "ttl": "1200s" })).await;
    assert_eq!(longer.status, 200, "{}", longer.text);
    assert_eq!(ask(&server, ANNA, "GET", &path.replace("v1beta", "v1"), Value::Null).await.json()["name"], name);
    let mine = ask(&server, ANNA, "GET", "/v1beta/cachedContents", Value::Null).await.json();
    assert_eq!(mine["cachedContents"][0]["name"], name);
    // Nobody else learns of it.
    for (method, path) in [("GET", &path), ("DELETE", &path)] {
        let reply = ask(&server, BERT, method, path, Value::Null).await;
        assert_eq!((reply.status, &reply.json()["error"]["status"]), (404, &json!("NOT_FOUND")), "{}", reply.text);
    }
    let body = question(json!({ "cachedContent": name }));
    let stolen = ask(&server, BERT, "POST", "/v1beta/models/gemini-2.5-flash:generateContent", body).await;
    assert_eq!(stolen.status, 404, "{}", stolen.text);
    assert_eq!(ask(&server, BERT, "GET", "/v1beta/cachedContents", Value::Null).await.json(), json!({}));
    assert_eq!(ask(&server, ANNA, "DELETE", &path, Value::Null).await.json(), json!({}));
    assert_eq!(ask(&server, ANNA, "GET", &path, Value::Null).await.status, 404);
}

#[tokio::test]
async fn files_are_used_with_their_own_key() {
    let server = start().await;
    let file = upload(&server, ANNA, "a text in two pieces").await;
    let name = file["name"].as_str().unwrap().to_owned();
    assert_eq!(file["sizeBytes"], "20");
    let owner = keys_of(&server, "files.upload")[0].clone();
    for _ in 0..6 {
        let part = json!({ "fileData": { "mimeType": "text/plain", "fileUri": file["uri"] } });
        let body = json!({ "contents": [{ "role": "user", "parts": [{ "text": "what is it?" }, part] }] });
        let reply =
            ask(&server, ANNA, "POST", "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse", body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let parts = json!([{ "type": "text", "text": "hi" }, { "type": "file", "file": { "file_id": name } }]);
        let chat = json!({ "model": "gemini-3.8-flash", "messages": [{ "role": "user", "content": parts }] });
        let reply = server.request("POST", "/v1/chat/completions", Some(ANNA), Some(chat.to_string())).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    let used = [keys_of(&server, "generateContent"), keys_of(&server, "streamGenerateContent")].concat();
    assert!(used.len() == 12 && used.iter().all(|key| *key == owner), "{used:?}");
    let second = upload(&server, ANNA, "another").await;
    let listed = ask(&server, ANNA, "GET", "/v1beta/files?pageSize=1", Value::Null).await.json();
    assert_eq!(listed["files"][0]["name"], name);
    let next = format!("/v1beta/files?pageSize=1&pageToken={}", listed["nextPageToken"].as_str().unwrap());
    let next = ask(&server, ANNA, "GET", &next, Value::Null).await.json();
    assert_eq!(next["files"][0]["name"], second["name"]);
    assert_eq!(ask(&server, BERT, "GET", "/v1beta/files", Value::Null).await.json(), json!({}));
    assert_eq!(ask(&server, BERT, "GET", &format!("/v1beta/{name}"), Value::Null).await.status, 404);
    assert_eq!(ask(&server, ANNA, "DELETE", &format!("/v1beta/{name}"), Value::Null).await.status, 200);
    assert_eq!(ask(&server, ANNA, "GET", &format!("/v1beta/{name}"), Value::Null).await.status, 404);
}

/// No other key takes the place of an owner that rests, is gone, or is one of two.
#[tokio::test]
async fn an_owner_that_cannot_serve_is_told() {
    let server = Server::configured(&configured(&KEYS[..1]), &[]).await;
    let reload = async |keys: &[&str]| {
        std::fs::write(server.path("config.toml"), configured(keys)).unwrap();
        assert_eq!(server.admin("POST", "/admin/reload").await.status, 200);
    };
    let one = upload(&server, ANNA, "one").await;
    reload(&KEYS[1..2]).await;
    let two = upload(&server, ANNA, "two").await;
    let part = |file: &Value| json!({ "fileData": { "mimeType": "text/plain", "fileUri": file["uri"] } });
    let say = |parts: Vec<Value>| json!({ "contents": [{ "role": "user", "parts": parts }] });
    let path = "/v1beta/models/gemini-3.8-flash:generateContent";
    let gone = ask(&server, ANNA, "POST", path, say(vec![part(&one)])).await;
    assert!(gone.status == 404 && gone.text.contains("no longer configured"), "{}", gone.text);
    reload(&KEYS[..2]).await;
    let both = ask(&server, ANNA, "POST", path, say(vec![part(&one), part(&two)])).await;
    assert!(both.status == 409 && both.text.contains("different Gemini keys"), "{}", both.text);
    for file in [&one, &two] {
        assert_eq!(ask(&server, ANNA, "POST", path, say(vec![part(file)])).await.status, 200);
    }
    // The owner rests for this model: the others are not asked.
    let tired = say(vec![part(&one), json!({ "text": "[[sim:429_minute]]" })]);
    assert_eq!(ask(&server, ANNA, "POST", path, tired).await.status, 429);
    server.simulator.reset();
    let rests = ask(&server, ANNA, "POST", path, say(vec![part(&one)])).await;
    assert!(rests.status == 429 && rests.text.contains("only that key"), "{}", rests.text);
    assert!(rests.headers.contains_key("retry-after"));
    assert!(server.simulator.arrivals().is_empty(), "another key was asked");
    assert_eq!(ask(&server, ANNA, "POST", path, say(vec![part(&two)])).await.status, 200);
}

/// What is not remembered, after a restart for one, is looked for with the key that the client's things are made with.
#[tokio::test]
async fn what_nobody_remembers_is_still_found() {
    let server = start().await;
    let file = upload(&server, ANNA, "kept").await;
    let path = format!("/v1beta/{}", file["name"].as_str().unwrap());
    server.live.services().owners.forget(file["name"].as_str().unwrap());
    assert_eq!(ask(&server, ANNA, "GET", &path, Value::Null).await.json()["name"], file["name"]);
}

#[tokio::test]
async fn things_that_are_none() {
    let server = start().await;
    for (method, path, body, status) in [
        ("GET", "/v1beta/files/a%2F..%2Fb", Value::Null, 404),
        ("GET", "/v1beta/files/a?key=x", Value::Null, 400),
        ("GET", "/v1beta/files/nothing", Value::Null, 404),
        ("POST", "/v1beta/cachedContents", json!({}), 400),
        ("POST", "/v1beta/cachedContents", json!({ "model": "models/gemini-2.5-flash" }), 400),
        ("POST", "/v1beta/cachedContents", json!({ "model": "models/../x" }), 404),
        ("POST", "/upload/v1beta/files", json!({ "file": {} }), 400),
        ("POST", "/upload/v1beta/files/guessed", Value::Null, 404),
        ("DELETE", "/v1beta/files", Value::Null, 405),
    ] {
        let reply = ask(&server, ANNA, method, path, body).await;
        assert_eq!(
            (reply.status, &reply.json()["error"]["code"]),
            (status, &json!(status)),
            "{method} {path}: {}",
            reply.text
        );
    }
}

#[tokio::test]
async fn models_as_google_lists_them() {
    let server = start().await;
    let page = ask(&server, ANNA, "GET", "/v1beta/models?pageSize=3", Value::Null).await.json();
    assert_eq!(page["models"].as_array().unwrap().len(), 3);
    let next = format!("/v1beta/models?pageSize=3&pageToken={}", page["nextPageToken"].as_str().unwrap());
    assert_ne!(ask(&server, ANNA, "GET", &next, Value::Null).await.json()["models"][0], page["models"][0]);
    let one = ask(&server, ANNA, "GET", "/v1beta/models/gpt-4o", Value::Null).await.json();
    assert_eq!(one["name"], "models/gemini-pro-latest", "an alias leads to its model");
    // At the path that OpenAI's clients use too, Google's SDKs are told apart by their header.
    let sdk = [("x-goog-api-key", ANNA.to_owned()), ("x-goog-api-client", "google-genai-sdk/3.4.0".to_owned())];
    let googles = server.send("GET", "/v1/models", &sdk, None).await.json();
    assert!(googles["models"].is_array() && googles.get("data").is_none());
    assert!(ask(&server, ANNA, "GET", "/v1/models", Value::Null).await.json()["data"].is_array());
}

/// What is told alike on every key is asked of another one when one fails; and what a key that Google does not take should make, the
/// next one makes.
#[tokio::test]
async fn another_key_stands_in_where_no_owner_is_needed() {
    let keys = ["gemini-key-invalid-000000", "gemini-key-invalid-111111", "gemini-key-one-0000000000"];
    let server = Server::configured(&configured(&keys), &[]).await;
    let page = ask(&server, ANNA, "GET", "/v1beta/models?pageSize=3", Value::Null).await;
    assert_eq!(page.status, 200, "{}", page.text);
    for who in [ANNA, BERT] {
        let made = ask(&server, who, "POST", "/v1beta/cachedContents", cache()).await;
        assert_eq!(made.status, 200, "{}", made.text);
        let name = made.json()["name"].clone();
        let mine = ask(&server, who, "GET", "/v1beta/cachedContents", Value::Null).await.json();
        assert_eq!((mine["cachedContents"].as_array().unwrap().len(), &mine["cachedContents"][0]["name"]), (1, &name));
        upload(&server, who, "a text in two pieces").await;
    }
    // What a resource request finds out about a key is known to all: no request tries it again.
    let stats = ask(&server, ANNA, "GET", "/stats", Value::Null).await.json();
    assert_eq!(stats["pools"]["default"]["counts"]["dead"], 2, "{stats}");
    // A request that is wrong is wrong on every key.
    let before = keys_of(&server, "cachedContents.create").len();
    let mut wrong = cache();
    wrong["contents"] = json!([]);
    assert_eq!(ask(&server, ANNA, "POST", "/v1beta/cachedContents", wrong).await.status, 400);
    let tried = keys_of(&server, "cachedContents.create").split_off(before);
    assert!(tried.iter().filter(|key| !key.contains("invalid")).count() <= 1, "{tried:?}");
}

/// A limit is told as one, and is no key's fault.
#[tokio::test]
async fn a_limit_of_a_resource_request_is_the_clients_to_wait_for() {
    let server = Server::configured(&configured(&["gemini-key-minute-0000000"]), &[]).await;
    let refused = ask(&server, ANNA, "POST", "/v1beta/cachedContents", cache()).await;
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (429, "35"), "{}", refused.text);
    let stats = ask(&server, ANNA, "GET", "/stats", Value::Null).await.json();
    assert_eq!(stats["pools"]["default"]["keys"][0]["state"], "ready", "{stats}");
}

#[tokio::test]
async fn plugins_say_which_of_googles_models_are_seen() {
    let plugin = r#"fn on_models(ctx) { ctx.models = ctx.models.filter(|model| !model.id.contains("pro")); }"#;
    let server = Server::configured(&configured(KEYS), &[("fewer.rhai", plugin)]).await;
    let page = ask(&server, ANNA, "GET", "/v1beta/models?pageSize=1000", Value::Null).await.json();
    let models = page["models"].as_array().unwrap();
    assert!(models.len() > 5 && !page.to_string().contains("models/gemini-2.5-pro"), "{page}");
    assert!(models.iter().all(|model| model.get("id").is_none() && model["supportedGenerationMethods"].is_array()));
    let path = |model: &str| format!("/v1beta/models/{model}");
    assert_eq!(ask(&server, ANNA, "GET", &path("gemini-2.5-flash"), Value::Null).await.status, 200);
    assert_eq!(ask(&server, ANNA, "GET", &path("gemini-2.5-pro"), Value::Null).await.status, 404);
}
