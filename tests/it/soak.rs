//! A soak test compressed into seconds: streams, clients that disconnect and reloads, concurrently and repeatedly.
//! `scripts/soak` runs for hours.

use std::io::Read;
use std::path::Path;

use crate::process::{Process, read, simulator};

const CYCLES: usize = 8;
/// Streams at once in each cycle that are read to their end; half as many are left.
const STREAMS: usize = 24;

/// KiB resident, and files open.
fn held(pid: u32) -> (usize, usize) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let memory = line.split_whitespace().next().unwrap().parse().unwrap();
    (memory, std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count())
}

fn configure(dir: &Path, cycle: usize) {
    // Each third is rejected: the live configuration is unchanged.
    let attempts = if cycle % 3 == 2 { "\"many\"".to_owned() } else { (2 + cycle % 4).to_string() };
    std::fs::write(dir.join("config/config.toml"), format!("[upstream]\nattempts = {attempts}\n")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn minutes_are_like_hours() {
    let simulator = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("config")).unwrap();
    configure(dir.path(), 0);
    let url = simulator.base_url();
    let variables = [
        ("GEMINI_API_KEYS", "gemini-key-one-0000000000"),
        ("SECURITY_ADAPTER_API_KEYS", "client-key-0123456789"),
        ("GEMINI_BASE_URL", url.as_str()),
    ];
    let process = Process::start(dir.path(), &variables);
    let mut seen = Vec::new();
    for cycle in 1..=CYCLES {
        let streams: Vec<_> = (0..STREAMS).map(|_| process.chat("[[sim:long chunks=20 gap_ms=10]]", true)).collect();
        let leaving: Vec<_> = (0..STREAMS / 2).map(|_| process.chat("[[sim:stall after=1]] hello", true)).collect();
        configure(dir.path(), cycle);
        process.signal("HUP");
        for mut stream in leaving {
            stream.read_exact(&mut [0; 64]).unwrap();
        }
        for stream in streams {
            let text = read(stream);
            assert!(text.contains("19 xxx") && text.contains("data: [DONE]"), "cycle {cycle}: {text}");
        }
        crate::harness::eventually("all streams are over at Google", || simulator.open_streams() == 0).await;
        seen.push(held(process.child.id()));
    }
    let ((memory_then, _), (memory, files)) = (seen[2], seen[CYCLES - 1]);
    // One idle connection to Google for each stream of a cycle, of those who leave too, may be kept, and never more.
    let fewest = seen.iter().map(|(_, files)| *files).min().unwrap();
    assert!(files <= fewest + STREAMS + STREAMS / 2, "files stay open: {seen:?}");
    assert!(memory <= memory_then + memory_then / 4, "memory grows, KiB and files after each cycle: {seen:?}");
}
