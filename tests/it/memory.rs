//! Persisted state survives the process, however it ends.

use std::io::Read;
use std::net::TcpStream;
use std::path::Path;

use gemini_adapter::simulator::{Options, Simulator};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::process::{Process, read};

const INVALID: &str = "gemini-key-invalid-000000";
const TODAY: &str = "gemini-key-today-00000000";
const GOOD: &str = "gemini-key-good-000000000";

fn start(dir: &Path, upstream: &str, keys: &str) -> Process {
    let variables = [
        ("GEMINI_API_KEYS", keys),
        ("SECURITY_ADAPTER_API_KEYS", "client-key-0123456789"),
        ("GEMINI_BASE_URL", upstream),
    ];
    Process::start(dir, &variables)
}

fn stats(process: &Process) -> Value {
    let request =
        "GET /stats HTTP/1.1\r\nhost: x\r\nauthorization: Bearer client-key-0123456789\r\nconnection: close\r\n\r\n";
    let answer = read(process.ask(request));
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

fn requests(stats: &Value) -> u64 {
    let days = stats["usage"]["days"].as_object().into_iter().flat_map(|days| days.values());
    days.map(|day| day["requests"].as_u64().unwrap()).sum()
}

/// What is on disk for sure: waits until nothing is left to write.
fn settled(process: &Process) -> Value {
    for _ in 0..3000 {
        let stats = stats(process);
        assert_eq!(stats["store"]["disk"]["state"], "open", "{stats}");
        if stats["store"]["disk"]["unwritten"] == 0 {
            return stats;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("never written");
}

fn states(stats: &Value) -> Vec<&str> {
    let keys = stats["pools"]["default"]["keys"].as_array().unwrap();
    keys.iter().map(|key| key["state"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_writes_loses_nothing_that_was_written_and_breaks_nothing() {
    const ROUNDS: usize = 12;
    const MORE: usize = 8;
    let simulator = Simulator::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), Options::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let keys = [INVALID, TODAY, GOOD].join(",");
    let (mut least, mut most) = (0, 0);
    for round in 0..ROUNDS {
        let process = start(dir.path(), &simulator.base_url(), &keys);
        let begun = requests(&stats(&process));
        assert!((least..=most).contains(&begun), "round {round}: {begun} is not in {least}..={most}");
        for _ in 0..4 {
            assert!(read(process.chat("hi", false)).starts_with("HTTP/1.1 200"), "round {round}");
        }
        let written = settled(&process);
        assert_eq!(states(&written), ["dead", "ready", "ready"], "round {round}: {written}");
        least = requests(&written);
        most = least + MORE as u64;
        // Requests under way while it is killed, after a number of them that differs from round to round.
        let mut open: Vec<TcpStream> = (0..MORE).map(|_| process.chat("hi", false)).collect();
        for stream in open.iter_mut().take(round % MORE) {
            let _ = stream.read(&mut [0; 1]);
        }
        process.signal("KILL");
        open.into_iter().for_each(|stream| drop(read(stream)));
        drop(process);
    }
    let names: Vec<_> =
        std::fs::read_dir(dir.path().join("data")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("damaged")), "{names:?} were set aside");
    let kept = std::fs::read(dir.path().join("data/ledger.redb")).unwrap();
    let kept = String::from_utf8_lossy(&kept);
    let arrivals = simulator.arrivals();
    for (key, times) in [(INVALID, 1), (TODAY, 1)] {
        assert_eq!(
            arrivals.iter().filter(|arrival| arrival.key == key).count(),
            times,
            "{key} was asked again after a restart"
        );
    }
    assert!(kept.contains("day_quota") && !kept.contains("gemini-key"), "ids only");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_writes_what_is_left() {
    let simulator = Simulator::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), Options::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for round in 1..=3 {
        let mut process = start(dir.path(), &simulator.base_url(), GOOD);
        assert!(read(process.chat("hi", false)).starts_with("HTTP/1.1 200"));
        let stats = stats(&process);
        assert_eq!(requests(&stats), round, "{stats}");
        process.signal("TERM");
        assert_eq!(process.child.wait().unwrap().code(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_place_to_write_it_serves_all_the_same() {
    let simulator = Simulator::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), Options::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("data"), "a file where the folder should be").unwrap();
    let process = start(dir.path(), &simulator.base_url(), GOOD);
    assert!(read(process.chat("hi", false)).starts_with("HTTP/1.1 200"));
    let stats = stats(&process);
    assert_eq!((&stats["store"]["disk"]["state"], requests(&stats)), (&Value::from("closed"), 1));
}
