//! Files that a request references by URL: fetched only from where the operator allows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::{CLIENT_KEY, Server, with_keys};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

/// A server of files, and how often it was asked.
struct Host {
    address: String,
    asked: Arc<AtomicUsize>,
}

impl Host {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let count = axum::middleware::map_request(move |request: axum::extract::Request| {
            count.fetch_add(1, Ordering::Relaxed);
            async move { request }
        });
        let to = |place: &str| {
            let place = place.to_owned();
            get(move || async move { (StatusCode::FOUND, [("location", place)]) })
        };
        let router = Router::new()
            .route("/a.png", get(|| async { ([("content-type", "text/plain")], PNG) }))
            .route("/bare", get(|headers: HeaderMap| async move { seen(&headers) }))
            .route("/page", get(|| async { ([("content-type", "text/html")], "<html>secret</html>") }))
            .route("/gone", get(|| async { StatusCode::NOT_FOUND }))
            .route("/big.png", get(|| async { [PNG, &[0; 5000]].concat() }))
            .route("/moved", to("/a.png"))
            .route("/round", to("/round"))
            .route("/metadata", to("http://169.254.169.254/latest/meta-data"))
            .route("/home", to("https://127.0.0.1/"))
            .layer(count);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, asked }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// Nothing of the client's or the operator's goes along.
fn seen(headers: &HeaderMap) -> axum::response::Response {
    let names: Vec<&str> = headers.keys().map(|name| name.as_str()).collect();
    let secret = ["authorization", "cookie", "x-goog-api-key", "x-api-key", "referer"];
    if names.iter().any(|name| secret.contains(name)) {
        return StatusCode::IM_A_TEAPOT.into_response();
    }
    ([("content-type", "image/webp")], PNG).into_response()
}

fn body(urls: &[String]) -> Value {
    let parts: Vec<Value> =
        urls.iter().map(|url| json!({ "type": "image_url", "image_url": { "url": url } })).collect();
    json!({ "model": "gemini-3.8-flash", "messages": [{ "role": "user", "content": parts }] })
}

async fn server(media: &str) -> Server {
    Server::configured(&format!("{}[media]\n{media}\n", with_keys(&["gemini-key-0000000000"])), &[]).await
}

#[tokio::test]
async fn a_file_is_fetched_and_goes_inline() {
    let host = Host::start().await;
    let server = server(&format!("remote = true\ntrusted_hosts = [{:?}]", host.address)).await;
    let reply = server.chat(body(&[host.url("/a.png"), host.url("/moved"), host.url("/bare")])).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let arrivals = server.simulator.arrivals();
    let sent = &arrivals.last().unwrap().body["contents"][0]["parts"];
    for part in 0..3 {
        // By what it is, whatever it is called.
        assert_eq!(sent[part]["inlineData"], json!({ "mimeType": "image/png", "data": "iVBORw0KGgpyZXN0" }));
    }
    let shown = server.admin_post("/admin/translate", &body(&[host.url("/a.png")])).await;
    assert!(shown.text.contains("(fetched from http://"), "{}", shown.text);
    assert_eq!(host.asked.load(Ordering::Relaxed), 4, "showing a translation fetches nothing");
}

#[tokio::test]
async fn whatever_may_not_be_fetched_gets_the_same_words() {
    let host = Host::start().await;
    let server = server(&format!("remote = true\nmax_bytes = 4096\ntrusted_hosts = [{:?}]", host.address)).await;
    let mut told = Vec::new();
    let outside = ["https://127.0.0.1/a.png", "http://localhost:1/", "https://localhost/", "http://169.254.169.254/x"];
    let inside = ["/page", "/gone", "/big.png", "/round", "/metadata", "/home"].map(|path| host.url(path));
    for url in outside.into_iter().map(str::to_owned).chain(inside) {
        let reply = server.chat(body(&["data:image/png;base64,iVBORw0KGgo=".into(), url.clone()])).await;
        assert_eq!(reply.status, 400, "{url}: {}", reply.text);
        let error = reply.error();
        assert_eq!(error["param"], "messages[0].content[1].image_url.url");
        assert_eq!(error["code"], "invalid_image_url");
        told.push(error["message"].as_str().unwrap().to_owned());
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    let many = vec![host.url("/a.png"); 9];
    assert_eq!(server.chat(body(&many)).await.error()["code"], "too_many_images");
    assert!(server.calls().is_empty(), "no quota is spent on a request that cannot be served");
}

#[tokio::test]
async fn nothing_is_fetched_unless_the_operator_says_so() {
    let host = Host::start().await;
    let server = server("").await;
    let reply = server.chat(body(&[host.url("/a.png")])).await;
    let error = reply.error();
    assert_eq!((reply.status, error["code"].as_str()), (400, Some("invalid_image_url")));
    assert!(error["message"].as_str().unwrap().contains("media.remote"), "{error}");
    assert_eq!((host.asked.load(Ordering::Relaxed), server.calls().len()), (0, 0));
}

/// Each place where a dialect takes a URL: nothing listens for what must not come.
#[tokio::test]
async fn no_dialect_leads_home() {
    let home = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = home.local_addr().unwrap().port();
    let server = server("remote = true").await;
    for url in [format!("http://127.0.0.1:{port}/"), format!("https://localhost:{port}/"), "https://[::1]/".into()] {
        let chat = |part: Value| json!({ "messages": [{ "role": "user", "content": [part] }] });
        let responses = |part: Value| json!({ "input": [{ "role": "user", "content": [part] }] });
        let source = json!({ "type": "url", "url": url });
        for (path, mut body) in [
            ("/v1/chat/completions", chat(json!({ "type": "image_url", "image_url": { "url": url } }))),
            ("/v1/responses", responses(json!({ "type": "input_image", "image_url": url }))),
            ("/v1/responses", responses(json!({ "type": "input_file", "file_url": url }))),
            ("/v1/messages", chat(json!({ "type": "image", "source": source }))),
            ("/v1/messages", chat(json!({ "type": "document", "source": source }))),
            ("/v1/messages/count_tokens", chat(json!({ "type": "image", "source": source }))),
        ] {
            body["model"] = "gemini-3.8-flash".into();
            body["max_tokens"] = 9.into();
            let reply = server.request("POST", path, Some(CLIENT_KEY), Some(body.to_string())).await;
            assert_eq!(reply.status, 400, "{path} {url}: {}", reply.text);
            assert!(reply.text.contains("could not be fetched"), "{path} {url}: {}", reply.text);
        }
        // Google fetches what a native request names, from where Google is.
        let part = json!({ "fileData": { "mimeType": "image/png", "fileUri": url } });
        let body = json!({ "contents": [{ "role": "user", "parts": [part] }] }).to_string();
        let path = "/v1beta/models/gemini-3.8-flash:generateContent";
        server.request("POST", path, Some(CLIENT_KEY), Some(body)).await;
        assert_eq!(server.simulator.arrivals().last().unwrap().body["contents"][0]["parts"][0], part);
    }
    let nobody = tokio::time::timeout(std::time::Duration::ZERO, home.accept()).await;
    assert!(nobody.is_err(), "somebody has connected");
}
