//! Timeouts and limits of the server, tested with clients that are slow, greedy, gone, or too many.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;

use crate::harness::{CLIENT_KEY, Server, eventually, with_keys};
use crate::process::{Process, Served, command, read, simulator, variables};

const KEYS: &[&str] = &["gemini-key-one-0000000000"];

async fn server(settings: &str) -> Server {
    Server::configured(&format!("{}{settings}", with_keys(KEYS)), &[]).await
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

fn head(length: usize) -> String {
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {CLIENT_KEY}\r\ncontent-length: {length}\r\n\r\n"
    )
}

fn chat(prompt: &str) -> String {
    let body = serde_json::json!({ "model": "gemini-2.5-flash", "stream": true, "messages": [{ "role": "user", "content": prompt }] });
    let body = body.to_string();
    format!("{}{body}", head(body.len()))
}

fn said(stream: TcpStream, bytes: &str) -> TcpStream {
    (&stream).write_all(bytes.as_bytes()).unwrap();
    stream
}

/// Whoever does not come to the point is let go, wherever it stops; and others are served meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn the_slow_are_let_go() {
    // The harness starts its server with ten seconds for headers; the command has a setting for it.
    let served = Served::by("[server]\nheader_timeout = \"2s\"\nbody_timeout = \"300ms\"\n").await;
    let process = &served.process;
    let slow: Vec<TcpStream> = ["", "POST /v1/chat/comp", "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-slow: "]
        .iter()
        .cycle()
        .take(60)
        .map(|beginning| process.ask(beginning))
        .collect();
    assert!(read(process.chat("hello", true)).contains("data: [DONE]"), "others are served");
    for stream in slow {
        // The end, or a reset: never the thirty seconds after which this read gives up.
        let began = Instant::now();
        read(stream);
        assert!(began.elapsed() < Duration::from_secs(25), "it is still open");
    }
    let body = read(process.ask("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer client-key-0123456789\r\ncontent-length: 100\r\n\r\n{\"model\""));
    assert!(body.starts_with("HTTP/1.1 408"), "{body}");
    let idle = process.ask("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(read(idle).starts_with("HTTP/1.1 200"), "answered, and closed when no other request comes");
}

/// A client that takes nothing of its answer is let go, and Google with it; what is held for it meanwhile is little.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_is_let_go() {
    let server = server("[server]\nwrite_timeout = \"300ms\"\n").await;
    let stream = said(connect(&server), &chat("[[sim:burst chunks=400 size=100000]]"));
    eventually("the stream is open", || server.simulator.open_streams() == 1).await;
    eventually("Google is let go", || server.simulator.abandoned_streams() == 1).await;
    assert_eq!(server.say("hi").await.status, 200);
    let rest = spawn_blocking(move || read(stream)).await.unwrap();
    assert!(!rest.contains("[DONE]"), "it cannot have got all");
    let keys = server.live.snapshot().pools["default"].status(server.live.services().clock.now());
    assert!(keys.iter().all(|key| key.in_flight == 0 && key.failures == 0), "{keys:?}");
}

/// One connection too many is told so at once, and those that are there go on.
#[tokio::test(flavor = "multi_thread")]
async fn so_many_connections_and_no_more() {
    let server = server("[server]\nmax_connections = 3\n").await;
    let ask = |stream: &TcpStream| {
        let mut first = [0; 12];
        let mut stream = said(stream.try_clone().unwrap(), "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
    };
    let open: Vec<TcpStream> = (0..3).map(|_| connect(&server)).collect();
    open.iter().for_each(ask);
    let refused = read(connect(&server));
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("retry-after: 1"), "{refused}");
    let (head, body) = refused.split_once("\r\n\r\n").unwrap();
    assert!(head.ends_with(&format!("content-length: {}", body.len())), "{refused}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(body).unwrap()["error"]["code"], "overloaded");
    drop(open);
    eventually("there are places again", || {
        let stream = said(connect(&server), "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        read(stream).starts_with("HTTP/1.1 200")
    })
    .await;
}

/// All bodies together have a bound; a single one is held by its own alone.
#[tokio::test(flavor = "multi_thread")]
async fn bodies_have_a_bound_together() {
    let server = server("[server]\nmax_bodies = 100000\n").await;
    let large = "x".repeat(150_000);
    assert_eq!(server.say(&large).await.status, 200, "alone");
    let full = async || server.say(&large).await;
    let (holding, refused) = loop {
        // Held anew each time: a body that comes while the large one is read is itself refused.
        let holding = said(connect(&server), &format!("{}{}", head(200_000), "x".repeat(90_000)));
        let refused = full().await;
        if refused.status != 200 {
            break (holding, refused);
        }
    };
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (503, "1"), "{}", refused.text);
    assert_eq!(refused.error()["code"], "overloaded");
    assert_eq!(server.say("small").await.status, 200, "there is room for it");
    drop(holding);
    while full().await.status != 200 {}
}

/// A stream that has begun needs its request no more, however long it goes on.
#[tokio::test(flavor = "multi_thread")]
async fn the_body_of_a_stream_that_has_begun_is_forgotten() {
    let server = server("[server]\nmax_bodies = 100000\n").await;
    let prompt = format!("[[sim:stall after=2]] hello {}", "x".repeat(80_000));
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut stream = said(connect(&server), &chat(&prompt));
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        open.push(stream);
    }
    assert_eq!(server.simulator.open_streams(), 3);
}

/// Files run out: those who wait are served when there are some again, nobody is lost, and it is told once.
#[tokio::test(flavor = "multi_thread")]
async fn files_may_run_out() {
    let served = Served::by("").await;
    let process = &served.process;
    assert!(read(process.chat("hello", false)).contains("You said: hello"));
    let pid = process.child.id();
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    let limit = |files: usize| {
        let status = Command::new("prlimit").args([&format!("--pid={pid}"), &format!("--nofile={files}:")]).status();
        assert!(status.unwrap().success());
    };
    limit(open + 2);
    let waiting: Vec<TcpStream> = (0..12).map(|_| process.ask("GET /livez HTTP/1.1\r\nhost: x\r\n")).collect();
    process.until("out of file descriptors");
    limit(4096);
    for stream in waiting {
        let answer = read(said(stream, "connection: close\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert!(read(process.chat("hello", false)).contains("You said: hello"), "as before");
}

/// A stop with many streams: those that finish in time are whole, all others end with an error, and the process with 0.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_every_stream_in_good_order() {
    let Served { simulator, mut process, dir: _dir } = Served::by("[server]\ndrain = \"2s\"\n").await;
    let short: Vec<TcpStream> = (0..30).map(|_| process.chat("[[sim:long chunks=10 gap_ms=50]]", true)).collect();
    let long: Vec<TcpStream> =
        (0..30).map(|_| process.chat("[[sim:stall after=2]] hello to all of you", true)).collect();
    let silent: Vec<TcpStream> = (0..10).map(|_| process.chat("[[sim:stall after=0]] hello", true)).collect();
    eventually("all are under way", || simulator.open_streams() >= 40).await;
    process.signal("TERM");
    process.until("stopping");
    assert!(TcpStream::connect(&process.address).map_or(true, |stream| read(stream).is_empty()), "nobody new");
    for stream in short {
        let text = read(stream);
        assert!(text.contains("9 xxx") && text.contains("data: [DONE]"), "{text}");
    }
    for stream in long {
        let text = read(stream);
        let last = text.trim_end().trim_end_matches("\r\n0").rsplit("data: ").next().unwrap();
        assert!(text.contains("You said") && last.contains("shutting_down"), "{text}");
        assert!(!text.contains("[DONE]") && !text.contains("\"finish_reason\":\"stop\""), "{text}");
    }
    for stream in silent {
        assert!(read(stream).contains("shutting_down"), "whoever has got nothing yet is told too");
    }
    let status = spawn_blocking(move || process.child.wait().unwrap()).await.unwrap();
    assert_eq!(status.code(), Some(0));
}

/// Told twice, it stops at once.
#[tokio::test(flavor = "multi_thread")]
async fn told_twice_it_stops_at_once() {
    let Served { simulator, mut process, dir: _dir } = Served::by("[server]\ndrain = \"10m\"\n").await;
    let stream = process.chat("[[sim:stall after=1]] hello to all of you", true);
    eventually("it is under way", || simulator.open_streams() == 1).await;
    process.signal("TERM");
    process.until("stopping");
    process.signal("TERM");
    process.until("second signal");
    let status = spawn_blocking(move || process.child.wait().unwrap()).await.unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(!read(stream).contains("[DONE]"));
}

/// The log may be a pipe that nobody reads: requests do not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_holds_nobody_up() {
    let (simulator, dir) = (simulator().await, tempfile::tempdir().unwrap());
    let mut command = command(dir.path());
    command.env("SERVICE_LOG_LEVEL", "debug");
    let process = Process::unread(command, &variables(&simulator.base_url()));
    // Far more than a pipe holds.
    for number in 0..300 {
        let text = format!("{number} {}", "x".repeat(2000));
        assert!(read(process.chat(&text, false)).contains("You said"), "request {number} waits for the log");
    }
}

/// Nobody answers the knock: no refusal, no reset, nothing. It is given up in time, tried as often as configured, and no key is to blame.
#[tokio::test(flavor = "multi_thread")]
async fn a_hole_instead_of_google_is_given_up() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let hole = socket.listen(1).unwrap();
    let address = hole.local_addr().unwrap();
    // The queue of a listener that never accepts is filled: what comes then is not even answered.
    let patience = Duration::from_millis(300);
    let filling: Vec<TcpStream> =
        std::iter::from_fn(|| TcpStream::connect_timeout(&address, patience).ok()).take(64).collect();
    assert!(filling.len() < 64, "the hole answers");
    let config = format!("{}[upstream]\nconnect_timeout = \"200ms\"\nattempts = 2\n", with_keys(KEYS));
    let server = Server::at(&format!("http://{address}"), &config).await;
    for reply in [server.say("hi").await, server.stream("hi").await] {
        assert_eq!((reply.status, reply.error()["code"].as_str()), (502, Some("upstream_error")), "{}", reply.text);
    }
    let keys = server.live.snapshot().pools["default"].status(server.live.services().clock.now());
    assert_eq!((keys[0].state.state, keys[0].failures, keys[0].requests), ("ready", 0, 4), "{keys:?}");
}

/// A server that nobody holds any more lets go of its port and its connections: tests start thousands of them in a process.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_server_stops() {
    let server = Server::start(&["one"]).await;
    assert_eq!(server.get("/livez").await.status, 200);
    let address = server.url.trim_start_matches("http://").to_owned();
    drop(server);
    eventually("nobody listens there any more", || std::net::TcpStream::connect(&address).is_err()).await;
}
