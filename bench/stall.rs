//! Measures how a heavy plugin affects requests that it does not apply to: the latency of a light request while others
//! use up their plugin's whole budget, compared with no heavy requests in the same run.
//!
//! `cargo run --release --example stall`

#![expect(clippy::print_stdout, reason = "its output is its result")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot start may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use gemini_adapter::plugin::{Plugins, PluginsSettings, SessionFacts};
use gemini_adapter::problem::Problems;
use gemini_adapter::reading::Reading;

/// Uses about as much CPU as a call may without being an overrun.
const HEAVY: &str = "//! timeout_ms = TIME\n//! max_operations = 10000000\n//! on_error = \"skip\"\n//! when = { clients = [\"heavy\"] }\n\
                     fn on_request(ctx) { let n = 0; for i in 0..COUNT { n += i; } }";
const LIGHT: &str = "//! when = { clients = [\"light\"] }\nfn on_request(ctx) { ctx.vars.seen = true; }";
const LIGHT_REQUESTS: usize = 4000;

fn main() {
    for (name, heavy, time, count) in [("alone", 0, 10, 0), ("short", 4, 10, 8_000), ("long", 4, 1000, 400_000)] {
        let (times, heavies) = measured(heavy, time, count);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        println!(
            "{{\"heavy\":\"{name}\",\"p50_ms\":{:.3},\"p99_ms\":{:.3},\"max_ms\":{:.3},\"heavy_calls\":{heavies}}}",
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
}

/// Returns the sorted durations of the light requests, and the number of heavy calls made meanwhile.
fn measured(heavy: usize, time: u32, count: u32) -> (Vec<Duration>, u64) {
    let source = HEAVY.replace("TIME", &time.to_string()).replace("COUNT", &count.to_string());
    let plugins = Arc::new(plugins(&[("heavy.rhai", &source), ("light.rhai", LIGHT)]));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().thread_stack_size(4 << 20).build();
    let over = Arc::new(AtomicBool::new(false));
    let heavies = Arc::new(AtomicU64::new(0));
    let mut times = runtime.unwrap().block_on(async {
        for _ in 0..heavy {
            let (plugins, over, heavies) = (plugins.clone(), over.clone(), heavies.clone());
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    ask(&plugins, "heavy");
                    heavies.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            });
        }
        let mut times = Vec::new();
        for _ in 0..LIGHT_REQUESTS {
            let plugins = plugins.clone();
            let began = Instant::now();
            tokio::spawn(async move { ask(&plugins, "light") }).await.unwrap();
            times.push(began.elapsed());
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        over.store(true, Ordering::Relaxed);
        times
    });
    times.sort();
    (times, heavies.load(Ordering::Relaxed))
}

fn ask(plugins: &Plugins, client: &str) {
    let facts = || SessionFacts {
        id: "stall".into(),
        api: "chat",
        path: "/v1/chat/completions",
        model: None,
        client: client.into(),
        headers: Vec::new(),
    };
    drop(plugins.session(facts).on_request(Bytes::from_static(b"{}")).unwrap());
}

fn plugins(files: &[(&str, &str)]) -> Plugins {
    let dir = tempfile::tempdir().unwrap();
    for (name, source) in files {
        std::fs::write(dir.path().join(name), source).unwrap();
    }
    let settings = PluginsSettings { dir: dir.path().to_owned(), ..PluginsSettings::default() };
    let mut problems = Problems::new();
    let plugins = Plugins::load(&settings, &Reading::default(), &mut problems);
    assert!(problems.is_empty(), "{problems}");
    plugins
}
