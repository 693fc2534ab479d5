//! `gemini-adapter smoke`: sends a few real requests through a running server, the way its clients do. They cost a
//! few tokens.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use super::print;
use super::remote::{ClientArgs, ClientConnection, Failure};
use crate::config::Sources;

/// The arguments of `smoke`.
#[derive(Debug, Args)]
pub struct SmokeArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// The model for the chat requests
    #[arg(long, default_value = "gpt-4o")]
    model: String,
    /// The model for the embeddings request
    #[arg(long, default_value = "text-embedding-3-small")]
    embedding_model: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One request, and what its answer must contain.
struct Trial {
    name: &'static str,
    path: String,
    body: Value,
    status: u16,
    /// A text that the answer must contain.
    holds: &'static str,
}

fn trials(model: &str, embedding_model: &str) -> Vec<Trial> {
    let says = json!([{ "role": "user", "content": "Say hello." }]);
    let chat = |stream: bool| json!({ "model": model, "stream": stream, "messages": says });
    let trial = |name, path: &str, body, holds| Trial { name, path: path.to_owned(), body, status: 200, holds };
    vec![
        trial("chat", "/v1/chat/completions", chat(false), "\"finish_reason\":\"stop\""),
        trial("chat, streamed", "/v1/chat/completions", chat(true), "data: [DONE]"),
        trial(
            "responses",
            "/v1/responses",
            json!({ "model": model, "store": false, "input": "Say hello." }),
            "\"completed\"",
        ),
        trial(
            "messages",
            "/v1/messages",
            json!({ "model": model, "max_tokens": 2000, "messages": says }),
            "\"end_turn\"",
        ),
        trial(
            "Gemini's native API",
            &format!("/v1beta/models/{model}:generateContent"),
            json!({ "contents": [{ "role": "user", "parts": [{ "text": "Say hello." }] }] }),
            "\"candidates\"",
        ),
        trial(
            "embeddings",
            "/v1/embeddings",
            json!({ "model": embedding_model, "input": "Say hello." }),
            "\"embedding\"",
        ),
        Trial {
            name: "error report",
            path: "/v1/chat/completions".to_owned(),
            body: json!({ "model": model, "messages": [] }),
            status: 400,
            holds: "\"param\":\"messages\"",
        },
    ]
}

/// Sends the requests one after the other; exit 0, 1 if one fails, 69 if no server answers.
pub async fn run(args: SmokeArgs, sources: &Sources) -> ExitCode {
    let door = match args.client.connect(sources) {
        Ok(door) => door,
        Err(failure) => return failure.exit(),
    };
    let mut told = Vec::new();
    for trial in trials(&args.model, &args.embedding_model) {
        let began = Instant::now();
        let wrong = match sent(&door, &trial).await {
            Ok(wrong) => wrong,
            Err(failure) => return failure.exit(),
        };
        if !args.json {
            print(&line(trial.name, wrong.as_deref(), began.elapsed()));
        }
        let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        told.push(json!({ "name": trial.name, "ok": wrong.is_none(), "duration_ms": took, "wrong": wrong }));
    }
    let good = told.iter().all(|trial| trial["ok"] == true);
    if args.json {
        print(
            &serde_json::to_string_pretty(&json!({ "ok": good, "server": door.server, "trials": told }))
                .unwrap_or_default(),
        );
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn line(name: &str, wrong: Option<&str>, took: Duration) -> String {
    match wrong {
        None => format!("✓ {name:20} {:>6} ms", took.as_millis()),
        Some(wrong) => format!("✗ {name:20} {wrong}"),
    }
}

/// Sends a request and returns what is wrong with the answer, if anything.
async fn sent(door: &ClientConnection, trial: &Trial) -> Result<Option<String>, Failure> {
    let request = door.request(Method::POST, &trial.path).header("content-type", "application/json");
    let answer = request.body(trial.body.to_string()).send().await;
    let answer = answer.map_err(|_| Failure::Unreachable(door.server.clone()))?;
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap_or_default();
    if status != trial.status {
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let message = body.pointer("/error/message").and_then(Value::as_str).unwrap_or("no reason given");
        return Ok(Some(format!("status {status}: {message}")));
    }
    let wrong = format!("the answer does not contain `{}`", trial.holds);
    Ok((!text.contains(trial.holds)).then_some(wrong))
}
