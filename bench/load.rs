//! A load generator for the adapter, and for a plain proxy in front of the same simulator. Checks every answer and
//! measures the CPU time of the server's process, from the scheduler's own counters.
//!
//! `scripts/bench` runs it in rounds. Prints one line of JSON.

#![expect(clippy::print_stdout, reason = "its output is its result")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// Load parameters and target.
#[derive(Parser)]
struct Args {
    /// Protocol: OpenAI's chat for the adapter, Gemini's native API for a plain proxy.
    #[arg(long, value_enum)]
    speak: Speak,
    /// Scheme, host and port of the server.
    #[arg(long)]
    url: String,
    /// Whole answers, to a short prompt, with a long history or with many tools; streams of 100 events in a burst, or
    /// streams that are held open.
    #[arg(long, value_enum)]
    mode: Mode,
    /// Total number of requests; for `hold`, concurrent streams.
    #[arg(long, default_value_t = 2000)]
    requests: usize,
    /// Concurrent requests.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Requests per second, as far as `connections` allows.
    #[arg(long)]
    rate: Option<f64>,
    /// Events of a held stream.
    #[arg(long, default_value_t = 150)]
    held_events: usize,
    /// Milliseconds between the events of a held stream.
    #[arg(long, default_value_t = 20)]
    held_gap: u64,
    /// Processes whose CPU time and memory are reported, including all their threads.
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
/// Placeholder for the prompt in the body template.
const ASKED: &str = "@ASKED@";
const KEY: &str = "bench-client-key-00000000";

/// The parts that all requests share.
struct Plan {
    args: Args,
    client: reqwest::Client,
    url: String,
    /// With [`ASKED`] in place of the prompt.
    body: String,
}

/// The outcome of one request.
struct Seen {
    good: bool,
    took: Duration,
    /// Time until the first text of a streamed answer arrived.
    first: Option<Duration>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args = Args::parse();
    let client =
        reqwest::Client::builder().pool_max_idle_per_host(usize::MAX).tcp_nodelay(true).build().expect("a client");
    let (path, body) = match args.speak {
        Speak::Openai => openai(args.mode, ASKED),
        Speak::Gemini => gemini(args.mode, ASKED),
    };
    let plan = Arc::new(Plan { url: format!("{}{path}", args.url), body: body.to_string(), client, args });
    let args = &plan.args;
    let connections = if args.mode == Mode::Hold { args.requests } else { args.connections };
    // Warm up: the cost of the first requests is not measured.
    in_turn(&plan, connections.min(16), connections.min(16)).await;
    let cpu_before: u64 = args.pids.iter().map(|pid| cpu_nanoseconds(*pid)).sum();
    let started = Instant::now();
    let seen = match args.rate {
        Some(rate) => at_rate(&plan, args.requests, rate, connections).await,
        None => in_turn(&plan, args.requests, connections).await,
    };
    let elapsed = started.elapsed();
    let cpu_after: u64 = args.pids.iter().map(|pid| cpu_nanoseconds(*pid)).sum();
    // The CPU time of a thread that has ended is no longer visible.
    let cpu = cpu_after.saturating_sub(cpu_before);
    let requests = args.requests as f64;
    let events = match args.mode {
        Mode::Unary | Mode::History | Mode::Tools => requests,
        Mode::Stream => requests * EVENTS as f64,
        Mode::Hold => requests * args.held_events as f64,
    };
    let took: Vec<Duration> = seen.iter().map(|seen| seen.took).collect();
    let first: Vec<Duration> = seen.iter().filter_map(|seen| seen.first).collect();
    let result = json!({
        "requests": args.requests,
        "wrong": seen.iter().filter(|seen| !seen.good).count(),
        "per_second": requests / elapsed.as_secs_f64(),
        "p50_ms": quantile(&took, 0.5),
        "p99_ms": quantile(&took, 0.99),
        "first_p50_ms": quantile(&first, 0.5),
        "first_p99_ms": quantile(&first, 0.99),
        "cpu_us_per_request": cpu as f64 / 1000.0 / requests,
        "cpu_us_per_event": cpu as f64 / 1000.0 / events,
        "peak_mib": args.pids.iter().map(|pid| peak_kib(*pid)).sum::<u64>() as f64 / 1024.0,
    });
    println!("{result}");
}

/// Returns a quantile in milliseconds.
fn quantile(latencies: &[Duration], share: f64) -> Option<f64> {
    let mut sorted = latencies.to_vec();
    sorted.sort();
    let rank = (sorted.len() as f64 * share) as usize;
    sorted.get(rank.min(sorted.len().saturating_sub(1))).map(|latency| latency.as_secs_f64() * 1000.0)
}

/// Sends requests over a fixed number of connections, each as soon as the one before it is done.
async fn in_turn(plan: &Arc<Plan>, requests: usize, at_once: usize) -> Vec<Seen> {
    let next = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..at_once)
        .map(|_| {
            let (plan, next) = (plan.clone(), next.clone());
            tokio::spawn(async move {
                let mut seen = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= requests {
                        return seen;
                    }
                    seen.push(one(&plan, number, Instant::now()).await);
                }
            })
        })
        .collect();
    let mut seen = Vec::new();
    for worker in workers {
        seen.extend(worker.await.expect("a worker"));
    }
    seen
}

/// Sends requests at a fixed rate. Latency counts from the scheduled time, including any wait for a connection.
async fn at_rate(plan: &Arc<Plan>, requests: usize, rate: f64, connections: usize) -> Vec<Seen> {
    let began = Instant::now();
    let connections = Arc::new(Semaphore::new(connections));
    let due = (0..requests).map(|number| (number, began + Duration::from_secs_f64(number as f64 / rate)));
    let all = due.map(|(number, due)| {
        let (plan, connections) = (plan.clone(), connections.clone());
        tokio::spawn(async move {
            tokio::time::sleep_until(due.into()).await;
            let _connection = connections.acquire().await;
            one(&plan, number, due).await
        })
    });
    let mut seen = Vec::new();
    for request in all.collect::<Vec<_>>() {
        seen.push(request.await.expect("a request"));
    }
    seen
}

/// Sends one request and checks that its answer is complete and correct.
async fn one(plan: &Plan, number: usize, since: Instant) -> Seen {
    let mode = plan.args.mode;
    let marker = format!("number {number} {}", "x".repeat(700));
    let prompt = match mode {
        Mode::Unary | Mode::History | Mode::Tools => marker.clone(),
        Mode::Stream => format!("[[sim:burst chunks={EVENTS} size=80]] {number}"),
        Mode::Hold => {
            let Args { held_events, held_gap, .. } = &plan.args;
            format!("[[sim:long chunks={held_events} size=80 gap_ms={held_gap}]] {number}")
        }
    };
    let body = plan.body.replacen(ASKED, &prompt, 1);
    let request = plan.client.post(&plan.url).header("x-goog-api-key", KEY).body(body);
    let mut first = None;
    let text = match request.send().await {
        Ok(response) if response.status() == 200 => {
            read(response, mode.streams(), || first = Some(since.elapsed())).await
        }
        _ => None,
    };
    let good = text.is_some_and(|text| match mode {
        Mode::Unary | Mode::History | Mode::Tools => text.contains(&marker),
        Mode::Stream => whole(&text, EVENTS, plan.args.speak),
        Mode::Hold => whole(&text, plan.args.held_events, plan.args.speak),
    });
    Seen { good, took: since.elapsed(), first }
}

/// Reads the whole text and calls `first` when its first piece arrives.
async fn read(mut response: reqwest::Response, streams: bool, first: impl FnOnce()) -> Option<String> {
    let mut text = Vec::new();
    let mut first = streams.then_some(first);
    while let Some(chunk) = response.chunk().await.ok()? {
        text.extend_from_slice(&chunk);
        // Pieces are numbered from 0.
        if let Some(tell) = first.take_if(|_| text.windows(2).any(|two| two == b"\"0")) {
            tell();
        }
    }
    String::from_utf8(text).ok()
}

impl Mode {
    fn streams(self) -> bool {
        matches!(self, Self::Stream | Self::Hold)
    }

    /// The earlier turns: 98 KB of them in history mode, otherwise none.
    fn history(self) -> Vec<String> {
        let turn = |number: usize| format!("{number}: {}", "What was said, with \"quotes\" and\nlines. ".repeat(45));
        if self == Self::History { (0..49).map(turn).collect() } else { Vec::new() }
    }

    /// In tools mode, 20 tools of 850 bytes each, 17 KB in all; otherwise none.
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

/// Returns whether every numbered piece is present, once and in order, followed by the end of the stream.
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

/// CPU time of all threads of the process so far.
fn cpu_nanoseconds(pid: u32) -> u64 {
    let threads = std::fs::read_dir(Path::new("/proc").join(pid.to_string()).join("task"));
    let times = threads.into_iter().flatten().flatten().filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    times.sum()
}

/// Peak resident memory.
fn peak_kib(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
