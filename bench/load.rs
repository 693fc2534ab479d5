//! A load for the adapter, and for a plain proxy in front of the same stand-in Gemini. Every answer is checked; what counts is
//! the CPU time of the server's process, from the scheduler's own counters.
//!
//! `scripts/bench` runs it in rounds. One line of JSON comes out.

#![expect(clippy::print_stdout, reason = "its result is its output")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use serde_json::{Value, json};

/// How to load, and whom.
#[derive(Clone, Parser)]
struct Args {
    /// What is spoken: OpenAI's chat to the adapter, Gemini's own to a plain proxy.
    #[arg(long, value_enum)]
    speak: Speak,
    /// Scheme, host and port.
    #[arg(long)]
    url: String,
    /// Whole answers, to a short prompt, a long history or with many tools; streams of 100 events in a burst, or streams that are held
    /// open.
    #[arg(long, value_enum)]
    mode: Mode,
    /// Requests in all; for `hold`, streams at once.
    #[arg(long, default_value_t = 2000)]
    requests: usize,
    /// Requests at once.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Processes whose CPU time and memory are told, with all their threads.
    #[arg(long, value_delimiter = ',')]
    pids: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Speak {
    Openai,
    Gemini,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    Unary,
    History,
    Tools,
    Stream,
    Hold,
}

/// Events of a streamed answer.
const EVENTS: usize = 100;
/// Held streams last for so many events, one each 20 ms.
const HELD_EVENTS: usize = 150;
const KEY: &str = "bench-client-key-00000000";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args = Arc::new(Args::parse());
    let client =
        reqwest::Client::builder().pool_max_idle_per_host(usize::MAX).tcp_nodelay(true).build().expect("a client");
    let connections = if args.mode == Mode::Hold { args.requests } else { args.connections };
    // What is built at the first request is not measured.
    let warm = AtomicUsize::new(0);
    run(&args, &client, connections.min(16), connections.min(16), &warm).await;
    let cpu_before: u64 = args.pids.iter().map(|pid| cpu_nanoseconds(*pid)).sum();
    let (started, wrong) = (Instant::now(), AtomicUsize::new(0));
    let mut latencies = run(&args, &client, args.requests, connections, &wrong).await;
    let elapsed = started.elapsed();
    let cpu: u64 = args.pids.iter().map(|pid| cpu_nanoseconds(*pid)).sum::<u64>() - cpu_before;
    latencies.sort();
    let quantile = |share: f64| {
        let rank = (latencies.len() as f64 * share) as usize;
        latencies.get(rank.min(latencies.len().saturating_sub(1))).map(|latency| latency.as_secs_f64() * 1000.0)
    };
    let requests = args.requests as f64;
    let events = match args.mode {
        Mode::Unary | Mode::History | Mode::Tools => requests,
        Mode::Stream => requests * EVENTS as f64,
        Mode::Hold => requests * HELD_EVENTS as f64,
    };
    let result = json!({
        "requests": args.requests,
        "wrong": wrong.load(Ordering::Relaxed),
        "per_second": requests / elapsed.as_secs_f64(),
        "p50_ms": quantile(0.5),
        "p99_ms": quantile(0.99),
        "cpu_us_per_request": cpu as f64 / 1000.0 / requests,
        "cpu_us_per_event": cpu as f64 / 1000.0 / events,
        "peak_mib": args.pids.iter().map(|pid| peak_kib(*pid)).sum::<u64>() as f64 / 1024.0,
    });
    println!("{result}");
}

async fn run(
    args: &Arc<Args>,
    client: &reqwest::Client,
    requests: usize,
    at_once: usize,
    wrong: &AtomicUsize,
) -> Vec<Duration> {
    let next = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..at_once)
        .map(|_| {
            let (args, client, next) = (args.clone(), client.clone(), next.clone());
            tokio::spawn(async move {
                let mut results = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= requests {
                        return results;
                    }
                    let started = Instant::now();
                    let good = one(&args, &client, number).await;
                    results.push((started.elapsed(), good));
                }
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for worker in workers {
        for (latency, good) in worker.await.expect("a worker") {
            latencies.push(latency);
            wrong.fetch_add(usize::from(!good), Ordering::Relaxed);
        }
    }
    latencies
}

/// One request; whether its answer is whole and right.
async fn one(args: &Args, client: &reqwest::Client, number: usize) -> bool {
    let marker = format!("number {number} {}", "x".repeat(700));
    let prompt = match args.mode {
        Mode::Unary | Mode::History | Mode::Tools => marker.clone(),
        Mode::Stream => format!("[[sim:burst chunks={EVENTS} size=80]] {number}"),
        Mode::Hold => format!("[[sim:long chunks={HELD_EVENTS} size=80 gap_ms=20]] {number}"),
    };
    let (path, body) = match args.speak {
        Speak::Openai => openai(args.mode, &prompt),
        Speak::Gemini => gemini(args.mode, &prompt),
    };
    let request = client.post(format!("{}{path}", args.url)).header("x-goog-api-key", KEY).body(body.to_string());
    let Ok(response) = request.send().await else { return false };
    if response.status() != 200 {
        return false;
    }
    let Ok(text) = response.text().await else { return false };
    match args.mode {
        Mode::Unary | Mode::History | Mode::Tools => text.contains(&marker),
        Mode::Stream => whole(&text, EVENTS, args.speak),
        Mode::Hold => whole(&text, HELD_EVENTS, args.speak),
    }
}

impl Mode {
    fn streams(self) -> bool {
        matches!(self, Self::Stream | Self::Hold)
    }

    /// What was said before, in turns: 98 KB of it where the history is long.
    fn history(self) -> Vec<String> {
        let turn = |number: usize| format!("{number}: {}", "What was said, with \"quotes\" and\nlines. ".repeat(45));
        if self == Self::History { (0..49).map(turn).collect() } else { Vec::new() }
    }

    /// Tools of 850 bytes each, 17 KB in all, where there are many.
    fn tools(self) -> Vec<Value> {
        let property = |number: usize| {
            (
                format!("argument_{number}"),
                json!({ "type": "string", "description": "What the tool is to be told of this." }),
            )
        };
        let tool = |number: usize| {
            let properties: serde_json::Map<String, Value> = (0..8).map(property).collect();
            let parameters = json!({ "type": "object", "properties": properties, "required": ["argument_0"] });
            json!({ "name": format!("tool_{number}"), "description": "Does one thing of many.", "parameters": parameters })
        };
        if self == Self::Tools { (0..20).map(tool).collect() } else { Vec::new() }
    }
}

fn openai(mode: Mode, prompt: &str) -> (String, Value) {
    let role = |turn: usize| if turn.is_multiple_of(2) { "user" } else { "assistant" };
    let before = mode.history().into_iter().enumerate();
    let mut messages: Vec<Value> = before.map(|(turn, text)| json!({ "role": role(turn), "content": text })).collect();
    messages.push(json!({ "role": "user", "content": prompt }));
    let mut body = json!({ "model": "gemini-2.5-flash", "stream": mode.streams(), "messages": messages });
    let tools: Vec<Value> =
        mode.tools().into_iter().map(|tool| json!({ "type": "function", "function": tool })).collect();
    if !tools.is_empty() {
        body["tools"] = tools.into();
    }
    ("/v1/chat/completions".to_owned(), body)
}

fn gemini(mode: Mode, prompt: &str) -> (String, Value) {
    let role = |turn: usize| if turn.is_multiple_of(2) { "user" } else { "model" };
    let before = mode.history().into_iter().enumerate();
    let mut contents: Vec<Value> =
        before.map(|(turn, text)| json!({ "role": role(turn), "parts": [{ "text": text }] })).collect();
    contents.push(json!({ "role": "user", "parts": [{ "text": prompt }] }));
    let mut body = json!({ "contents": contents });
    let tools = mode.tools();
    if !tools.is_empty() {
        body["tools"] = json!([{ "functionDeclarations": tools }]);
    }
    let method = if mode.streams() { "streamGenerateContent?alt=sse" } else { "generateContent" };
    (format!("/v1beta/models/gemini-2.5-flash:{method}"), body)
}

/// Whether every numbered piece is there, once and in order, and the end too.
fn whole(text: &str, pieces: usize, speak: Speak) -> bool {
    let pointer = match speak {
        Speak::Openai => "/choices/0/delta/content",
        Speak::Gemini => "/candidates/0/content/parts/0/text",
    };
    let events = text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|event| *event != "[DONE]");
    let texts = events.filter_map(|event| {
        let event: Value = serde_json::from_str(event).ok()?;
        event.pointer(pointer)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    });
    let numbers: Vec<usize> = texts.filter_map(|text| text.split(' ').next()?.parse().ok()).collect();
    let ended = speak == Speak::Gemini || text.ends_with("data: [DONE]\n\n");
    ended && numbers == (0..pieces).collect::<Vec<_>>()
}

/// CPU time of all threads so far.
fn cpu_nanoseconds(pid: u32) -> u64 {
    let threads = std::fs::read_dir(Path::new("/proc").join(pid.to_string()).join("task"));
    let times = threads.into_iter().flatten().flatten().filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    times.sum()
}

/// The most memory that was resident.
fn peak_kib(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
