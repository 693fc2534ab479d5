//! Clients that attack over HTTP/2: floods of frames, headers without end, answers that they give no room. Each attack
//! ends with the connection or is bounded. Meanwhile and afterwards other clients are served, the process holds no more
//! memory than before, and it stops in good order.
//!
//! The attackers write their frames by hand and speak cleartext, to which the same limits apply as to TLS.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::eventually;
use crate::process::{Served, read};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

const NO_ERROR: u32 = 0;
const CANCEL: u32 = 8;
const ENHANCE_YOUR_CALM: u32 = 11;

/// `:status: 431` in HPACK: the static table's name 8, and the value in Huffman's code.
const TOO_LARGE: &[u8] = &[0x48, 0x83, 0x69, 0x90, 0xff];

/// The setting for the window of new streams.
const INITIAL_WINDOW_SIZE: u16 = 4;
/// The largest window there may be.
const WIDEST: u32 = (1 << 31) - 1;

/// More of these than any limit allows.
const MANY: usize = 50_000;
/// How much the process may grow, in KiB. The 200 answers that one connection may ask for hold up to a quarter of a
/// megabyte each on their way: read ahead from Google, translated, and handed over. Whole, they would be 80 MB and more.
const GROWTH: usize = 60 * 1024;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// An integer in HPACK, after a prefix of seven bits that is zero otherwise.
fn integer(number: usize) -> Vec<u8> {
    let Some(mut rest) = number.checked_sub(127) else { return vec![u8::try_from(number).unwrap()] };
    let mut bytes = vec![127];
    while rest >= 128 {
        bytes.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    bytes.push(u8::try_from(rest).unwrap());
    bytes
}

/// A header as it is, with its way of indexing: 0 for none, 0x40 to add it to the table.
fn header(indexing: u8, name: &str, value: &str) -> Vec<u8> {
    [&[indexing], &*integer(name.len()), name.as_bytes(), &integer(value.len()), value.as_bytes()].concat()
}

/// The headers of a chat request.
fn head() -> Vec<u8> {
    let headers = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/v1/chat/completions"),
        (":authority", "x"),
        ("authorization", "Bearer client-key-0123456789"),
    ];
    headers.iter().flat_map(|(name, value)| header(0, name, value)).collect()
}

/// A streamed chat request.
fn chat(stream: u32, prompt: &str) -> Vec<u8> {
    let body = serde_json::json!({ "model": "gemini-3.8-flash", "stream": true, "messages": [{ "role": "user", "content": prompt }] });
    let body = body.to_string();
    [frame(HEADERS, END_HEADERS, stream, &head()), frame(DATA, END_STREAM, stream, body.as_bytes())].concat()
}

fn settings(settings: &[(u16, u32)]) -> Vec<u8> {
    let settings = settings.iter().flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat());
    frame(SETTINGS, 0, 0, &settings.collect::<Vec<u8>>())
}

/// The numbers of a client's streams.
fn streams() -> impl Iterator<Item = u32> {
    (1..).step_by(2)
}

/// A server that is attacked, with little patience.
struct Attacked {
    served: Served,
    /// Its memory at first, in KiB.
    memory: usize,
}

/// One attacking connection.
struct Attacker {
    connection: TcpStream,
    /// Whether it answers the server's pings, as whoever wants to stay does.
    answers: bool,
}

/// How a connection ended.
#[derive(Debug, Default)]
struct End {
    /// The reasons the server gave for it.
    goaway: Vec<u32>,
    /// Streams that it reset.
    resets: usize,
    /// Its headers, as they came.
    headers: Vec<Vec<u8>>,
    /// Streams whose answers came to their end.
    complete: Vec<u32>,
}

impl Attacked {
    async fn start() -> Self {
        let served = Served::by("[server]\nheader_timeout = \"3s\"\nwrite_timeout = \"3s\"\n").await;
        let attacked = Self { served, memory: 0 };
        attacked.serves_others();
        Self { memory: attacked.memory(), ..attacked }
    }

    fn attacker(&self, settings: &[(u16, u32)]) -> Attacker {
        let mut stream = self.served.process.ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(120))).unwrap();
        stream.write_all(&self::settings(settings)).unwrap();
        Attacker { connection: stream, answers: true }
    }

    /// Others are served. On a slow machine, an attack may be an overload, for which they are told to come again.
    fn serves_others(&self) {
        let ask = || read(self.served.process.chat("hello", false));
        let come_again = |answer: &String| answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: 1");
        let answer = std::iter::repeat_with(ask).take(10_000).find(|answer| !come_again(answer)).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("You said: hello"), "{answer}");
    }

    /// Resident memory, in KiB.
    fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.served.process.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn holds_little(&self) {
        let memory = self.memory();
        assert!(memory < self.memory + GROWTH, "{} KiB have become {memory} KiB", self.memory);
    }

    /// It goes on, and stops in good order.
    fn ends_unharmed(mut self) {
        self.serves_others();
        self.holds_little();
        let process = &mut self.served.process;
        process.signal("TERM");
        loop {
            let line = process.until("");
            assert!(!line.contains("panicked"), "{line}");
            if line.contains("\"stopped\"") {
                break;
            }
        }
        assert_eq!(process.child.wait().unwrap().code(), Some(0));
    }
}

impl Attacker {
    /// The same connection for another thread, which only reads.
    fn reader(&self) -> Self {
        Self { connection: self.connection.try_clone().unwrap(), answers: false }
    }

    /// Whether the server still takes it.
    fn send(&mut self, bytes: &[u8]) -> bool {
        match self.connection.write_all(bytes) {
            Ok(()) => true,
            Err(error) => {
                assert!(!matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "it is still open");
                false
            }
        }
    }

    /// Sends these again and again until the connection ends, while others are served.
    fn flood(&mut self, attacked: &Attacked, frames: impl IntoIterator<Item = Vec<u8>>) {
        let mut frames = frames.into_iter();
        for round in 0.. {
            let some: Vec<u8> = frames.by_ref().take(500).flatten().collect();
            if some.is_empty() || !self.send(&some) {
                return;
            }
            if round % 20 == 0 {
                attacked.serves_others();
                attacked.holds_little();
            }
        }
    }

    /// Makes so many chat requests, from the second stream on. Others are served in between, so that most of these are taken on too.
    fn asks(&mut self, attacked: &Attacked, prompt: &str, requests: usize) {
        let requests: Vec<_> = streams().skip(1).map(|stream| chat(stream, prompt)).take(requests).collect();
        for some in requests.chunks(10) {
            attacked.serves_others();
            self.send(&some.concat());
        }
        attacked.serves_others();
        attacked.holds_little();
    }

    /// Reads until the server ends the connection.
    fn end(&mut self) -> End {
        let (mut end, mut head) = (End::default(), [0; 9]);
        while self.read(&mut head) {
            let [a, b, c, kind, flags, stream @ ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            if !self.read(&mut payload) {
                break;
            }
            match kind {
                PING if self.answers && flags & ACK == 0 => drop(self.send(&frame(PING, ACK, 0, &payload))),
                GOAWAY => end.goaway.push(u32::from_be_bytes(payload[4..8].try_into().unwrap())),
                RST_STREAM => end.resets += 1,
                HEADERS => end.headers.push(payload),
                DATA if flags & END_STREAM != 0 => end.complete.push(u32::from_be_bytes(stream)),
                _ => {}
            }
        }
        end
    }

    fn read(&mut self, buffer: &mut [u8]) -> bool {
        match self.connection.read_exact(buffer) {
            Ok(()) => true,
            Err(error) => {
                assert!(!matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "it is still open");
                false
            }
        }
    }
}

impl End {
    /// The server has ended it for the attack.
    fn was_for_the_attack(&self) {
        assert_eq!(self.goaway, [ENHANCE_YOUR_CALM], "{self:?}");
    }
}

/// Requests that are cancelled as soon as they are made (CVE-2023-44487).
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_cancelled_at_once() {
    let attacked = Attacked::start().await;
    let mut attacker = attacked.attacker(&[]);
    let reset = |stream| frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes());
    let pairs = streams().map(|stream| [frame(HEADERS, END_HEADERS, stream, &head()), reset(stream)].concat());
    attacker.flood(&attacked, pairs.take(MANY));
    attacker.end().was_for_the_attack();
    attacked.ends_unharmed();
}

/// Headers that go on and on (CVE-2024-27316), in frames of any size.
#[tokio::test(flavor = "multi_thread")]
async fn headers_without_end() {
    let attacked = Attacked::start().await;
    for piece in [&b""[..], &[0], &header(0, "x-more", &"x".repeat(16_000))] {
        let mut attacker = attacked.attacker(&[]);
        attacker.send(&frame(HEADERS, 0, 1, &head()));
        attacker.flood(&attacked, std::iter::repeat_n(frame(CONTINUATION, 0, 1, piece), MANY));
        attacker.end().was_for_the_attack();
    }
    attacked.ends_unharmed();
}

/// A body of frames without content, which no limit on size would ever reach.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_nothing() {
    let attacked = Attacked::start().await;
    let mut attacker = attacked.attacker(&[]);
    attacker.send(&frame(HEADERS, END_HEADERS, 1, &head()));
    attacker.flood(&attacked, std::iter::repeat_n(frame(DATA, 0, 1, &[]), MANY));
    attacker.end().was_for_the_attack();
    attacked.ends_unharmed();
}

/// Frames that must be answered, on a connection with an open request, by a client that reads no answer: the connection
/// is blocked, and `write_timeout` ends it.
#[tokio::test(flavor = "multi_thread")]
async fn answers_to_floods_that_nobody_reads() {
    let attacked = Attacked::start().await;
    for asks in [frame(PING, 0, 0, &[0; 8]), frame(SETTINGS, 0, 0, &[])] {
        let mut attacker = attacked.attacker(&[]);
        attacker.send(&chat(1, "[[sim:stall after=1]] hello to you"));
        attacker.flood(&attacked, std::iter::repeat(asks.repeat(100)));
        eventually("Google is let go", || attacked.served.simulator.open_streams() == 0).await;
    }
    attacked.ends_unharmed();
}

/// The same by a client that reads all answers and asks for nothing: a connection without requests is closed after
/// `header_timeout`, and if its client does not go, after `write_timeout` more.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_kept_without_requests() {
    let attacked = Attacked::start().await;
    let mut attacker = attacked.attacker(&[]);
    attacker.send(&chat(1, "hello"));
    let mut reader = attacker.reader();
    let reader = std::thread::spawn(move || reader.end());
    attacker.flood(&attacked, std::iter::repeat(frame(PING, 0, 0, &[0; 8])));
    let end = reader.join().unwrap();
    assert!(end.goaway.iter().all(|reason| *reason == NO_ERROR), "{end:?}");
    // And if it does nothing at all.
    let mut silent = attacked.attacker(&[]);
    silent.send(&chat(1, "hello"));
    // The first says that it is about to go, the second after the answer to its ping that it goes.
    assert_eq!(silent.end().goaway, [NO_ERROR; 2]);
    attacked.ends_unharmed();
}

/// As many streams as there may be, and no room for their answers, while the connection itself is not blocked: Google is
/// let go after `write_timeout`. One stream that has room is not touched; after it, the connection is closed.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_given_no_room() {
    let attacked = Attacked::start().await;
    let mut attacker = attacked.attacker(&[(INITIAL_WINDOW_SIZE, 0)]);
    // Its pings are answered: those come when nothing has been sent for long.
    let mut reader = Attacker { answers: true, ..attacker.reader() };
    let reader = std::thread::spawn(move || reader.end());
    attacker.send(&chat(1, "[[sim:long chunks=120 gap_ms=50]]"));
    attacker.send(&frame(WINDOW_UPDATE, 0, 1, &WIDEST.to_be_bytes()));
    attacker.asks(&attacked, "[[sim:stall after=1]] hello to you", 300);
    let simulator = &attacked.served.simulator;
    eventually("Google is let go", || simulator.open_streams() == 0).await;
    assert!(simulator.abandoned_streams() >= 100, "{} were taken on", simulator.abandoned_streams());
    let end = reader.join().unwrap();
    assert!(end.resets >= 100, "no more than 200 at once: {end:?}");
    assert_eq!(end.complete, [1]);
    attacked.ends_unharmed();
}

/// All the room in the world for many answers at once, but nobody reads: little of each is prepared for sending.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_reads() {
    let attacked = Attacked::start().await;
    let mut attacker = attacked.attacker(&[(INITIAL_WINDOW_SIZE, 0)]);
    attacker.asks(&attacked, "[[sim:burst chunks=40 size=10000]]", 200);
    let arrivals = attacked.served.simulator.arrivals().len();
    assert!(arrivals >= 100, "{arrivals} have arrived");
    attacker.send(&frame(WINDOW_UPDATE, 0, 0, &(WIDEST - 65_535).to_be_bytes()));
    attacker.send(&settings(&[(INITIAL_WINDOW_SIZE, WIDEST)]));
    attacker.flood(&attacked, std::iter::repeat(frame(PING, 0, 0, &[0; 8])));
    attacked.ends_unharmed();
}

/// Large headers, and small ones that become large: one entry of the table, named thousands of times.
#[tokio::test(flavor = "multi_thread")]
async fn headers_that_are_too_large() {
    let attacked = Attacked::start().await;
    let large = header(0, "x-large", &"x".repeat(15_000));
    let mut attacker = attacked.attacker(&[]);
    let headers = [frame(HEADERS, END_STREAM, 1, &head()), frame(CONTINUATION, 0, 1, &large).repeat(4)].concat();
    attacker.send(&[headers, frame(CONTINUATION, END_HEADERS, 1, &large)].concat());
    assert_eq!(attacker.end().headers, [TOO_LARGE], "and closed when no request comes");
    // The first of the table's own entries is number 62.
    let bomb = [head(), header(0x40, "x-bomb", &"x".repeat(4000)), vec![0x80 | 62; 10_000]].concat();
    for _ in 0..10 {
        let mut attacker = attacked.attacker(&[]);
        attacker.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &bomb));
        attacker.end().was_for_the_attack();
    }
    attacked.ends_unharmed();
}
