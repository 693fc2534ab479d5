//! Google over HTTP/2: the limit of streams per connection, and connections that Google closes.

use std::collections::HashSet;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::Version;
use axum::response::Response;
use axum::routing::post;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use futures_util::stream;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use crate::endpoint::{Proof, issuer, tls};
use crate::process::{Process, command, read, variables};

const FIRST: &str = "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"first\"}]}}]}\n\n";
const LAST: &str = "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\" last\"}]},\"finishReason\":\"STOP\"}]}\n\n";

/// An upstream whose streams say one word and go on when they are let.
#[derive(Clone)]
struct Upstream {
    /// Connections, and requests.
    came: Arc<Mutex<(HashSet<SocketAddr>, usize)>>,
    goes_on: watch::Receiver<bool>,
}

async fn answer(
    State(upstream): State<Upstream>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    version: Version,
) -> Response {
    assert_eq!(version, Version::HTTP_2);
    {
        let mut came = upstream.came.lock().unwrap();
        came.0.insert(from);
        came.1 += 1;
    }
    let mut goes_on = upstream.goes_on.clone();
    let last = async move {
        let _ = goes_on.wait_for(|goes_on| *goes_on).await;
        Ok::<_, std::io::Error>(Bytes::from_static(LAST.as_bytes()))
    };
    let events = stream::once(async { Ok(Bytes::from_static(FIRST.as_bytes())) });
    let body = Body::from_stream(futures_util::StreamExt::chain(events, stream::once(last)));
    Response::builder().header("content-type", "text/event-stream").body(body).unwrap()
}

/// A server in front of it, the upstream, what ends its connections, and what lets its streams go on.
async fn house() -> (Process, tempfile::TempDir, Upstream, Handle<SocketAddr>, watch::Sender<bool>) {
    let dir = tempfile::tempdir().unwrap();
    let issuer = issuer();
    std::fs::write(dir.path().join("issuer.pem"), issuer.pem()).unwrap();
    let mut config = tls(&issuer, &Proof::Good);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let (let_go, goes_on) = watch::channel(false);
    let upstream = Upstream { came: Arc::default(), goes_on };
    let app = Router::new().route("/{*path}", post(answer)).with_state(upstream.clone());
    let handle = Handle::new();
    let config = RustlsConfig::from_config(Arc::new(config));
    let mut server = axum_server::from_tcp_rustls(listener, config).unwrap().handle(handle.clone());
    server.http_builder().http2().max_concurrent_streams(100);
    tokio::spawn(server.serve(app.into_make_service_with_connect_info::<SocketAddr>()));
    let mut command = command(dir.path());
    command.env("SSL_CERT_FILE", "issuer.pem");
    let process = spawn_blocking(move || Process::start_as(command, &variables(&url))).await.unwrap();
    (process, dir, upstream, handle, let_go)
}

/// Reads until this has come.
fn until(stream: &mut TcpStream, words: &str) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while !text.contains(words) {
        let read = stream.read(&mut buffer).unwrap_or_else(|error| panic!("{error} before {words}: {text}"));
        assert!(read > 0, "it ended before {words}: {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    text
}

/// Connections take 100 streams each: the next ones have their first word all the same, while all others are still open.
#[tokio::test(flavor = "multi_thread")]
async fn more_streams_than_one_connection_takes_are_served_at_once() {
    let (process, _dir, upstream, _handle, let_go) = house().await;
    let texts = spawn_blocking(move || {
        let mut open: Vec<TcpStream> = (0..260).map(|_| process.chat("hello", true)).collect();
        open.iter_mut().for_each(|stream| drop(until(stream, "first")));
        let_go.send(true).unwrap();
        open.into_iter().map(read).collect::<Vec<_>>()
    });
    let texts = texts.await.unwrap();
    assert!(texts.iter().all(|text| text.contains("last") && text.contains("[DONE]")));
    let (connections, requests) = &*upstream.came.lock().unwrap();
    assert_eq!(*requests, 260);
    assert!((4..=8).contains(&connections.len()), "{} connections", connections.len());
}

/// A connection that says that it goes (GOAWAY) still brings to an end what it has begun; what comes next takes another.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_goes_away_loses_nothing() {
    let (process, _dir, upstream, handle, let_go) = house().await;
    let mut open: Vec<TcpStream> = (0..4).map(|_| process.chat("hello", true)).collect();
    let mut open = spawn_blocking(move || {
        open.iter_mut().for_each(|stream| drop(until(stream, "first")));
        open
    })
    .await
    .unwrap();
    // All connections are told to go, and have as long as they need.
    handle.graceful_shutdown(None);
    let_go.send(true).unwrap();
    let texts = spawn_blocking(move || open.drain(..).map(read).collect::<Vec<_>>()).await.unwrap();
    assert!(texts.iter().all(|text| text.contains("last") && text.contains("[DONE]")), "{texts:?}");
    assert_eq!(upstream.came.lock().unwrap().1, 4, "nothing is asked twice");
    // Nobody listens any more: that is said as it is, and not taken for the key's fault.
    let refused = spawn_blocking(move || read(process.chat("hello", false))).await.unwrap();
    assert!(refused.starts_with("HTTP/1.1 502") && refused.contains("upstream_error"), "{refused}");
}
