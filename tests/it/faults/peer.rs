//! A TCP peer that follows its script byte by byte, with no HTTP library between it and the socket.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::script::{self, Step};

/// The script for one call: with any key, or only with this key.
#[derive(Clone, Debug)]
pub struct Part {
    pub key: Option<String>,
    pub steps: Vec<Step>,
}

/// The stand-in for Google: a listener that answers calls with its parts, in order. The last part that matches a call
/// is repeated for all that follow.
pub struct Peer {
    pub url: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    parts: Vec<Part>,
    calls: Mutex<Vec<String>>,
    used: Mutex<Vec<bool>>,
    /// How many connections the other side has closed before the script ended.
    left: Mutex<usize>,
}

impl Peer {
    pub async fn start(parts: Vec<Part>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let used = Mutex::new(vec![false; parts.len()]);
        let state = Arc::new(State { parts, calls: Mutex::default(), used, left: Mutex::default() });
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { url, state, task }
    }

    /// Returns how many calls came, by key.
    pub fn calls(&self) -> BTreeMap<String, usize> {
        let mut calls = BTreeMap::new();
        for key in self.state.calls.lock().unwrap().iter() {
            *calls.entry(key.clone()).or_default() += 1;
        }
        calls
    }

    /// Returns how many connections the other side has closed before the script ended.
    pub fn left(&self) -> usize {
        *self.state.left.lock().unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    fn steps_for(&self, key: &str) -> Vec<Step> {
        let mut used = self.used.lock().unwrap();
        let fitting: Vec<usize> = (0..self.parts.len())
            .filter(|at| self.parts[*at].key.as_deref().is_none_or(|wanted| wanted == key))
            .collect();
        let fresh = fitting.iter().find(|at| !used[**at]).or(fitting.last());
        let Some(at) = fresh.copied() else { panic!("no part for key {key}") };
        used[at] = true;
        self.parts[at].steps.clone()
    }
}

async fn serve(mut stream: TcpStream, state: Arc<State>) {
    let _ = stream.set_nodelay(true);
    while let Ok(Some((key, stream_wanted))) = request(&mut stream).await {
        state.calls.lock().unwrap().push(key.clone());
        let steps = state.steps_for(&key).into_iter().flat_map(|step| match step {
            Step::Good(tokens) => script::good(tokens, stream_wanted),
            step => vec![step],
        });
        let steps: Vec<Step> = steps.collect();
        match act(&mut stream, &steps, &mut Vec::new()).await {
            Ok(Ended::Open) => {}
            Ok(Ended::Closed) => return,
            Ok(Ended::Left) | Err(_) => {
                *state.left.lock().unwrap() += 1;
                return;
            }
        }
    }
}

/// Reads a request. Returns the letter of its key and whether it requests a stream, or None if no further request
/// comes.
async fn request(stream: &mut TcpStream) -> io::Result<Option<(String, bool)>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let length = field("content-length").map_or(0, |length| length.parse().unwrap());
    stream.read_exact(&mut vec![0; length]).await?;
    let key = field("x-goog-api-key").unwrap_or_default();
    let letter = key.trim_start_matches("gemini-key-").split('-').next().unwrap_or_default();
    Ok(Some((letter.to_owned(), head.lines().next().is_some_and(|line| line.contains("streamgeneratecontent")))))
}

/// How a script ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The connection is still open.
    Open,
    /// The script closed the connection.
    Closed,
    /// The other side closed the connection.
    Left,
}

/// Executes a script. Bytes that are read on the way are appended to `heard`.
pub async fn act(stream: &mut TcpStream, steps: &[Step], heard: &mut Vec<u8>) -> io::Result<Ended> {
    let (mut chunked, mut size) = (false, usize::MAX);
    for step in steps {
        match step {
            Step::Raw(bytes) => write(stream, bytes, size).await?,
            Step::Head(status, kind) => {
                let head =
                    format!("HTTP/1.1 {status} OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n");
                write(stream, head.as_bytes(), size).await?;
                chunked = true;
            }
            Step::Body(bytes) => body(stream, bytes, size, chunked).await?,
            Step::Fill(count) => {
                let piece = vec![b'x'; 64 * 1024];
                for _ in 0..count.div_ceil(piece.len()) {
                    body(stream, &piece, size, chunked).await?;
                }
            }
            Step::Split(pieces) => size = *pieces,
            Step::Drip(pause, bytes) => {
                for byte in bytes {
                    body(stream, &[*byte], size, chunked).await?;
                    sleep(*pause).await;
                }
            }
            Step::Pause(time) => sleep(*time).await,
            Step::Until(words) => until(stream, words, heard).await?,
            Step::Good(_) => panic!("`good` is not a step of a client"),
            Step::End => {
                if std::mem::take(&mut chunked) {
                    stream.write_all(b"0\r\n\r\n").await?;
                }
            }
            Step::Half => stream.shutdown().await?,
            Step::Close => return Ok(Ended::Closed),
            Step::Reset => {
                stream.set_zero_linger()?;
                return Ok(Ended::Closed);
            }
            Step::Stall => {
                let mut rest = [0; 1024];
                while !matches!(stream.read(&mut rest).await, Ok(0) | Err(_)) {}
                return Ok(Ended::Left);
            }
        }
    }
    Ok(Ended::Open)
}

async fn body(stream: &mut TcpStream, bytes: &[u8], size: usize, chunked: bool) -> io::Result<()> {
    if !chunked {
        return write(stream, bytes, size).await;
    }
    for piece in bytes.chunks(size) {
        let framed = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        stream.write_all(&framed).await?;
        if size != usize::MAX {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

async fn write(stream: &mut TcpStream, bytes: &[u8], size: usize) -> io::Result<()> {
    for piece in bytes.chunks(size) {
        stream.write_all(piece).await?;
        if size != usize::MAX {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

async fn until(stream: &mut TcpStream, words: &[u8], heard: &mut Vec<u8>) -> io::Result<()> {
    let mut piece = [0; 4096];
    while !heard.windows(words.len()).any(|window| window == words) {
        let read = timeout(Duration::from_secs(30), stream.read(&mut piece)).await;
        match read.unwrap_or_else(|_| panic!("did not arrive: {}", String::from_utf8_lossy(words)))? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => heard.extend_from_slice(&piece[..count]),
        }
    }
    Ok(())
}
