//! `plugin replay`: what plugins make of a request, one after the other.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::super::translate::prepared;
use super::{failed, refused, say};
use crate::config::Sources;
use crate::pipeline::translate;
use crate::plugin::{Difference, SessionFacts, Touched};
use crate::protocol::openai_chat::OpenAiChat;
use crate::protocol::{Place, Protocol};
use crate::store::Signatures;

/// What to replay.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// A file with the body of a chat request
    file: PathBuf,
    /// A file with Gemini's answer to it, whole
    #[arg(long, value_name = "FILE")]
    answer: Option<PathBuf>,
    /// The client's name, as the log has it
    #[arg(long, default_value = "replay")]
    client: String,
    /// A header of the request: `x-team: red`
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write NAME: VALUE")?;
    Ok((name.trim().to_lowercase(), value.trim().to_owned()))
}

/// Takes the request up to Gemini's door, and the answer back from there; nobody is called.
pub fn run(args: &ReplayArgs, sources: Sources) -> ExitCode {
    let read =
        |path: &PathBuf| std::fs::read(path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()));
    let body = match read(&args.file) {
        Ok(body) => body,
        Err(why) => return failed(&why),
    };
    let snapshot = match prepared(sources) {
        Ok(snapshot) => snapshot,
        Err(problems) => return refused(&problems),
    };
    let session = snapshot.plugins.session(|| SessionFacts {
        id: "replay".into(),
        api: OpenAiChat.name(),
        path: "/v1/chat/completions",
        model: None,
        client: args.client.clone(),
        headers: args.headers.clone(),
    });
    let session = session.traced();
    let told = translate(&snapshot, &session, &OpenAiChat, &Signatures::default(), &Place::default(), body.into());
    let told = told.map_err(|error| format!("the client would get {error}")).and_then(|_| {
        let Some(answer) = &args.answer else { return Ok(()) };
        let answer = session.on_upstream_response(Some(read(answer)?.into()));
        answer.map(|_| ()).map_err(|error| format!("the client would get {error}"))
    });
    let changes = session.changes();
    changes.iter().for_each(|touched| say(&shown(touched)));
    if changes.is_empty() {
        eprintln!("no plugin changes anything");
    }
    told.map_or_else(|why| failed(&why), |()| ExitCode::SUCCESS)
}

/// A plugin's changes, each with what was there and what is.
fn shown(touched: &Touched) -> String {
    let mut text = format!("== {} {}", touched.plugin, touched.hook);
    for Difference { pointer, before, after } in &touched.changes {
        text.push_str(&format!("\n   {}", if pointer.is_empty() { "/" } else { pointer }));
        for (mark, value) in [('-', before), ('+', after)] {
            if let Some(value) = value {
                text.push_str(&format!("\n {mark} {}", pretty(value)));
            }
        }
    }
    text
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default().replace('\n', "\n   ")
}
