//! Faults, one file each (`tests/faults/`): the behaviour of the peer, and the required result. A real server runs
//! in between, and is tested through every protocol. Tokens are numbered: none may be lost, duplicated or invented.
//!
//! The suite runs each fault once, streamed and not streamed; `scripts/faults` runs each a given number of times,
//! with all protocols.

mod door;
mod peer;
mod script;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{Server, eventually};
use door::{DOORS, Door, End};
use peer::{Part, Peer, act};

/// A fault file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    /// A description of the fault.
    fault: String,
    /// The forms of the request: `whole`, `stream`; both if omitted.
    #[serde(default = "both")]
    ask: Vec<String>,
    /// The protocols to test it with; all if omitted. Gemini's native protocol passes Google's answers on unchanged.
    #[serde(default = "all_doors")]
    doors: Vec<Door>,
    /// The configured keys, by letter.
    #[serde(default = "one_key")]
    keys: Vec<char>,
    /// Additional settings.
    #[serde(default)]
    config: String,
    /// The scripted behaviour of Google.
    upstream: Vec<Upstream>,
    /// The script of the client, if the client itself is a scripted peer.
    client: Option<String>,
    /// The required result.
    expect: Expect,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Upstream {
    /// If set, the script applies only to calls with this key.
    key: Option<char>,
    does: String,
}

/// The required result. Fields that are omitted are not checked; but without a scripted client, `status` and `end` are
/// required, and omitted `tokens` means none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    /// The status that the client sees.
    status: Option<u16>,
    /// How its answer ends.
    end: Option<End>,
    /// How many tokens the answer must contain: these, in order, and no others.
    #[serde(default)]
    tokens: usize,
    /// The code of the error in OpenAI's format.
    code: Option<String>,
    /// Minimum and maximum of `retry-after` in seconds.
    retry_after: Option<[u64; 2]>,
    /// Texts that a scripted client must have read.
    #[serde(default)]
    says: Vec<String>,
    /// Texts that it must not have read.
    #[serde(default)]
    never: Vec<String>,
    /// Calls by key; keys that are not listed must have none.
    calls: Option<BTreeMap<String, usize>>,
    /// States of keys afterwards: `ready`, `dead`, `resting`, or `model WHY` if the key is cooling down for the model
    /// only.
    #[serde(default)]
    keys: BTreeMap<char, String>,
    /// How many connections the server closes before Google's script ends.
    left: Option<usize>,
}

fn both() -> Vec<String> {
    vec!["whole".to_owned(), "stream".to_owned()]
}

fn all_doors() -> Vec<Door> {
    DOORS.to_vec()
}

fn one_key() -> Vec<char> {
    vec!['a']
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    files.sort();
    files
}

fn text_of(key: char) -> String {
    format!("gemini-key-{key}-0000000000000")
}

impl Fault {
    fn load(path: &Path) -> Self {
        toml::from_str(&std::fs::read_to_string(path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    async fn peer(&self) -> Peer {
        let part =
            |upstream: &Upstream| Part { key: upstream.key.map(String::from), steps: script::read(&upstream.does) };
        Peer::start(self.upstream.iter().map(part).collect()).await
    }

    async fn server(&self, peer: &Peer) -> Server {
        let keys: Vec<String> = self.keys.iter().map(|key| text_of(*key)).collect();
        let pool = format!("[pools.default]\nkeys = {keys:?}\nselection = \"round_robin\"\n");
        Server::at(&peer.url, &format!("{pool}{}", self.config)).await
    }

    /// Runs the fault once, with a new peer, a new server and one request.
    async fn run(&self, ask: &str, door: Door) {
        let peer = self.peer().await;
        let server = self.server(&peer).await;
        let expect = &self.expect;
        if let Some(client) = &self.client {
            let heard = scripted(&server, &peer, client).await;
            for words in &expect.says {
                assert!(heard.contains(words.as_str()), "`{words}` is not in\n{heard}");
            }
            for words in &expect.never {
                assert!(!heard.contains(words.as_str()), "`{words}` is in\n{heard}");
            }
            if let Some(status) = expect.status {
                assert!(heard.starts_with(&format!("HTTP/1.1 {status}")), "{heard}");
            }
        } else {
            let (reply, heard) = door.ask(&server, ask == "stream").await;
            let all: String = (0..expect.tokens).map(script::token).collect();
            assert_eq!(heard.text, all, "tokens lost, duplicated or invented: {}", reply.text);
            assert_eq!(
                Some(heard.status),
                expect.status.map(|status| door.status(status, expect.code.as_deref())),
                "{}",
                reply.text
            );
            assert_eq!(Some(heard.end), expect.end, "{}", reply.text);
            if let (Some(code), Door::Chat) = (&expect.code, door) {
                assert_eq!(heard.code, Value::from(code.as_str()), "{}", reply.text);
            }
            if let (Some([least, most]), Door::Chat) = (expect.retry_after, door) {
                let after: u64 = reply.headers["retry-after"].parse().unwrap();
                assert!((least..=most).contains(&after), "retry-after: {after}");
            }
            assert!(!reply.text.contains("gemini-key-"), "a key is visible: {}", reply.text);
        }
        self.afterwards(&server, &peer).await;
    }

    /// Checks the calls that Google received and the states of the keys.
    async fn afterwards(&self, server: &Server, peer: &Peer) {
        let status = || server.live.snapshot().pools["default"].status(server.live.services().clock.now());
        eventually("no key is in use", || status().iter().all(|key| key.in_flight == 0)).await;
        if let Some(left) = self.expect.left {
            eventually("Google sees the connection closed", || peer.left() == left).await;
        }
        if let Some(calls) = &self.expect.calls {
            assert_eq!(&peer.calls(), calls, "calls by key");
        }
        let keys = status();
        for (letter, wanted) in &self.expect.keys {
            let at = self.keys.iter().position(|key| key == letter).unwrap();
            let key = &keys[at];
            let resting = key.models.values().find(|model| model.state.state != "ready");
            let found = match (key.state.state, resting) {
                ("ready", None) if key.failures == 0 => "ready".to_owned(),
                ("ready", None) => format!("ready, failures {}", key.failures),
                ("ready", Some(model)) => format!("model {}", model.state.why.unwrap_or_default()),
                (state, _) => state.to_owned(),
            };
            assert_eq!(&found, wanted, "key {letter}: {key:?}");
        }
    }
}

/// Runs a scripted client and returns everything it has read. A line `called` in its script waits until Google has been
/// called.
async fn scripted(server: &Server, peer: &Peer, script: &str) -> String {
    let address = server.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut heard = Vec::new();
    for (number, steps) in script.split("called\n").enumerate() {
        if number > 0 {
            eventually("Google is called", || !peer.calls().is_empty()).await;
        }
        // A client that is rejected in the middle of its request cannot send the rest.
        let Ok(peer::Ended::Open) = act(&mut stream, &script::read(steps), &mut heard).await else {
            return String::from_utf8_lossy(&heard).into_owned();
        };
    }
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut heard).await;
    String::from_utf8_lossy(&heard).into_owned()
}

/// Runs every fault `FAULTS_RUNS` times (default: once).
#[expect(clippy::print_stdout, reason = "`scripts/faults` prints the number of runs")]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_under_any_fault() {
    let runs: usize = std::env::var("FAULTS_RUNS").map_or(1, |runs| runs.parse().unwrap());
    let only = std::env::var("FAULTS_ONLY").unwrap_or_default();
    let mut tasks = Vec::new();
    let mut faults = 0;
    for path in files() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if !name.contains(&only) {
            continue;
        }
        faults += 1;
        let fault = Arc::new(Fault::load(&path));
        assert!(!fault.fault.is_empty(), "{name}: the description is empty");
        let doors = if fault.client.is_some() { &DOORS[..1] } else { &fault.doors };
        let asks = if fault.client.is_some() { vec![String::new()] } else { fault.ask.clone() };
        // Rotates through the protocols, from run to run and from fault to fault.
        let ways: Vec<(String, Door)> =
            doors.iter().flat_map(|door| asks.iter().map(move |ask| (ask.clone(), *door))).collect();
        for run in 0..runs.max(asks.len()) {
            tasks.push((fault.clone(), name.clone(), ways[(faults * asks.len() + run) % ways.len()].clone()));
        }
    }
    let total = tasks.len();
    let runs = stream::iter(tasks).map(|(fault, name, (ask, door))| async move {
        let label = format!("{name} {ask} {door:?}");
        // Nothing may hang, whatever happens.
        let run = timeout(Duration::from_secs(120), tokio::spawn(async move { fault.run(&ask, door).await })).await;
        let why = match run {
            Ok(Ok(())) => return None,
            Ok(Err(error)) => match error.into_panic().downcast::<String>() {
                Ok(words) => *words,
                Err(_) => "panicked".to_owned(),
            },
            Err(_) => "hangs".to_owned(),
        };
        Some(format!("{label}: {why}"))
    });
    let failed: Vec<String> = runs.buffer_unordered(16).filter_map(std::future::ready).collect().await;
    failed.iter().for_each(|failed| println!("{failed}"));
    assert!(failed.is_empty(), "{} of {total} runs failed", failed.len());
    assert!(faults > 0, "no fault has `{only}` in its name");
    println!("{faults} faults, {total} runs: nothing lost, duplicated or invented");
}
