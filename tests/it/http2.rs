//! Google over HTTP/2: the limit of streams per connection, connections that Google closes, and connections that die
//! without a word.

use std::collections::HashMap;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::Version;
use axum::response::Response;
use axum::routing::post;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use futures_util::stream;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::task::{block_in_place, spawn_blocking};

use crate::endpoint::{Proof, issuer, tls};
use crate::process::{Process, command, read, variables};

const FIRST: &str = "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"first\"}]}}]}\n\n";
const LAST: &str = "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\" last\"}]},\"finishReason\":\"STOP\"}]}\n\n";

/// An upstream whose streams say one word and go on when they are let.
#[derive(Clone)]
struct Upstream {
    /// Connections with their version, and requests.
    came: Arc<Mutex<(HashMap<SocketAddr, Version>, usize)>>,
    goes_on: watch::Receiver<bool>,
}

async fn answer(
    State(upstream): State<Upstream>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    version: Version,
) -> Response {
    {
        let mut came = upstream.came.lock().unwrap();
        came.0.insert(from, version);
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

/// A server in front of it.
struct House {
    process: Process,
    upstream: Upstream,
    /// Its TLS, which may change.
    tls: RustlsConfig,
    /// Ends the connections of the upstream.
    handle: Handle<SocketAddr>,
    /// Lets its streams go on.
    let_go: watch::Sender<bool>,
    _dir: tempfile::TempDir,
}

async fn house() -> House {
    let dir = tempfile::tempdir().unwrap();
    house_by(command(dir.path()), dir, |upstream| upstream).await
}

/// With a command of one's own, and a way to the upstream: from its address to the one that the server is given.
async fn house_by(mut command: Command, dir: tempfile::TempDir, way: impl FnOnce(SocketAddr) -> SocketAddr) -> House {
    let issuer = issuer();
    std::fs::write(dir.path().join("issuer.pem"), issuer.pem()).unwrap();
    let mut config = tls(&issuer, &Proof::Good);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let config = RustlsConfig::from_config(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("https://localhost:{}", way(listener.local_addr().unwrap()).port());
    let (let_go, goes_on) = watch::channel(false);
    let upstream = Upstream { came: Arc::default(), goes_on };
    let app = Router::new().route("/{*path}", post(answer)).with_state(upstream.clone());
    let handle = Handle::new();
    let mut server = axum_server::from_tcp_rustls(listener, config.clone()).unwrap().handle(handle.clone());
    server.http_builder().http2().max_concurrent_streams(100);
    tokio::spawn(server.serve(app.into_make_service_with_connect_info::<SocketAddr>()));
    command.env("SSL_CERT_FILE", "issuer.pem");
    let process = spawn_blocking(move || Process::start_as(command, &variables(&url))).await.unwrap();
    House { process, upstream, tls: config, handle, let_go, _dir: dir }
}

/// A way to the upstream on which connections can die silently: nothing is carried any more, and nothing is closed.
struct Relay {
    accepted: Arc<AtomicUsize>,
    /// Connections with a lower number are dead.
    dead: watch::Sender<usize>,
}

impl Relay {
    fn new() -> Self {
        Self { accepted: Arc::default(), dead: watch::channel(0).0 }
    }

    /// Carries connections to this address. Returns the relay's own.
    fn to(&self, upstream: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let address = listener.local_addr().unwrap();
        let (accepted, dead) = (self.accepted.clone(), self.dead.clone());
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let number = accepted.fetch_add(1, Ordering::SeqCst);
                let far = tokio::net::TcpStream::connect(upstream).await.unwrap();
                let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
                tokio::spawn(carry(near_read, far_write, number, dead.subscribe()));
                tokio::spawn(carry(far_read, near_write, number, dead.subscribe()));
            }
        });
        address
    }

    fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// All connections there are die; those to come live.
    fn kill(&self) {
        self.dead.send_replace(self.connections());
    }

    /// The dead live again. Nothing was lost.
    fn revive(&self) {
        self.dead.send_replace(0);
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    number: usize,
    mut dead: watch::Receiver<usize>,
) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let lives = dead.wait_for(|dead| number >= *dead).await.is_ok();
        if !lives || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// A server that gives Google little time to begin, the relay before Google, and two open streams, which lie on two
/// connections.
async fn house_behind_a_relay() -> (House, Relay, Vec<TcpStream>) {
    let (dir, relay) = (tempfile::tempdir().unwrap(), Relay::new());
    let mut command = command(dir.path());
    command.args(["--set", "upstream.first_byte_timeout=3s", "--set", "server.why_headers=true"]);
    let house = house_by(command, dir, |upstream| relay.to(upstream)).await;
    let mut open = Vec::new();
    for _ in 0..2 {
        // One after the other, because two that come together may choose the same connection.
        let mut stream = house.process.chat("hello", true);
        let begun = spawn_blocking(move || {
            until(&mut stream, "first");
            stream
        });
        open.push(begun.await.unwrap());
    }
    assert_eq!(relay.connections(), 2);
    (house, relay, open)
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
    let House { process, upstream, let_go, handle: _handle, _dir, .. } = house().await;
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
    assert!(connections.values().all(|version| *version == Version::HTTP_2));
}

/// A server that comes to speak HTTP/2, as behind a new balancer, is spoken to so, and its connections are shared.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_to_speak_http2_is_noticed() {
    let House { process, upstream, tls, let_go, handle: _handle, _dir } = house().await;
    let speak = |protocol: &[u8]| {
        let mut config = (*tls.get_inner()).clone();
        config.alpn_protocols = vec![protocol.to_vec()];
        tls.reload_from_config(Arc::new(config));
    };
    let open = |streams: usize| {
        let streams: Vec<TcpStream> = block_in_place(|| {
            let open = (0..streams).map(|_| process.chat("hello", true));
            open.inspect(|stream| drop(until(&mut stream.try_clone().unwrap(), "first"))).collect()
        });
        let versions: Vec<Version> = upstream.came.lock().unwrap().0.values().copied().collect();
        let of = |wanted| versions.iter().filter(|version| **version == wanted).count();
        (streams, of(Version::HTTP_11), of(Version::HTTP_2))
    };
    speak(b"http/1.1");
    let (mut streams, first, second) = open(4);
    assert_eq!((first, second), (4, 0), "each needs its own");
    speak(b"h2");
    let (more, first, second) = open(6);
    assert_eq!((first, second), (4, 2), "shared");
    streams.extend(more);
    let_go.send(true).unwrap();
    let texts = spawn_blocking(move || streams.into_iter().map(read).collect::<Vec<_>>()).await.unwrap();
    assert!(texts.iter().all(|text| text.contains("last") && text.contains("[DONE]")), "{texts:?}");
}

/// A connection that says that it goes (GOAWAY) still brings to an end what it has begun; what comes next takes another.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_goes_away_loses_nothing() {
    let House { process, upstream, handle, let_go, _dir, .. } = house().await;
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

fn attempts(answer: &str) -> Option<&str> {
    answer.split("x-gemini-adapter-attempts: ").nth(1)?.split("\r\n").next()
}

/// A connection that died silently costs the request that finds it out one attempt, and no other request anything. What
/// it has begun is not given up with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_died_silently_is_found_out_once() {
    let (House { process, upstream, let_go, handle: _handle, _dir, .. }, relay, open) = house_behind_a_relay().await;
    relay.kill();
    let_go.send(true).unwrap();
    let ask_two = move || {
        // One on each lane, as both are equally loaded.
        let asked = [process.chat("hello", true), process.chat("hello", true)].map(read);
        (process, asked)
    };
    let (process, found_out) = spawn_blocking(ask_two).await.unwrap();
    for answer in &found_out {
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("[DONE]"), "{answer}");
        assert_eq!(attempts(answer), Some("2"), "{answer}");
    }
    let later = spawn_blocking(move || {
        let pairs = (0..5).flat_map(|_| [process.chat("hello", true), process.chat("hello", true)].map(read));
        (pairs.collect::<Vec<_>>(), process)
    });
    let (later, process) = later.await.unwrap();
    for answer in &later {
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("[DONE]"), "{answer}");
        assert_eq!(attempts(answer), Some("1"), "{answer}");
    }
    assert!((3..=4).contains(&relay.connections()), "{} connections", relay.connections());
    assert_eq!(upstream.came.lock().unwrap().1, 2 + 2 + 10, "nothing else has arrived");
    relay.revive();
    let texts = spawn_blocking(move || open.into_iter().map(read).collect::<Vec<_>>()).await.unwrap();
    assert!(texts.iter().all(|text| text.contains("last") && text.contains("[DONE]")), "{texts:?}");
    drop(process);
}

/// Streams that are open on it end with an error as soon as a ping has got no answer, long before `idle_timeout`.
#[tokio::test(flavor = "multi_thread")]
async fn streams_of_a_connection_that_died_silently_end_with_an_error() {
    let (House { process: _process, handle: _handle, let_go: _let_go, _dir, .. }, relay, open) =
        house_behind_a_relay().await;
    relay.kill();
    let texts = spawn_blocking(move || {
        let patience = Some(Duration::from_secs(90));
        open.iter().for_each(|stream| stream.set_read_timeout(patience).unwrap());
        open.into_iter().map(read).collect::<Vec<_>>()
    });
    for text in texts.await.unwrap() {
        assert!(text.contains("The connection to Gemini broke in the middle of the answer."), "{text}");
        assert!(!text.contains("[DONE]"), "{text}");
    }
}
