//! `plugin replay`: shows how plugins change a request and its answer, one plugin after the other.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use clap::Args;
use serde_json::Value;

use super::super::translate::prepared;
use super::{failed, refused, say};
use crate::config::Sources;
use crate::error::Error;
use crate::pipeline::translate;
use crate::plugin::{Difference, PluginChange, Session, SessionFacts};
use crate::protocol::Place;
use crate::server::door_at;
use crate::store::Signatures;

/// The arguments of `plugin replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// A file with the body of a request
    file: PathBuf,
    /// The endpoint of the request, such as `/v1/messages`; paths of Gemini's own API contain the model
    #[arg(long, default_value = "/v1/chat/completions")]
    path: String,
    /// A file with Gemini's complete answer to it
    #[arg(long, value_name = "FILE")]
    answer: Option<PathBuf>,
    /// A file with the events of Gemini's streamed answer: as sent (`data: …`), or as a JSON array
    #[arg(long, value_name = "FILE", conflicts_with = "answer")]
    chunks: Option<PathBuf>,
    /// The client's name, as in the log
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

/// Runs the request through all hooks up to the call to Gemini, and the answer through those after it; nothing is
/// sent.
pub fn run(args: &ReplayArgs, sources: Sources) -> ExitCode {
    let Some((path, protocol)) = door_at(&args.path) else {
        return failed(&format!("`{}` is not a model endpoint; docs/endpoints.md lists the endpoints", args.path));
    };
    let body = match read(&args.file) {
        Ok(body) => body,
        Err(why) => return failed(&why),
    };
    let snapshot = match prepared(sources) {
        Ok(snapshot) => snapshot,
        Err(problems) => return refused(&problems),
    };
    let place = Place { path: args.path.clone(), ..Place::default() };
    let session = snapshot.plugins.session(|| SessionFacts {
        id: "replay".into(),
        api: protocol.name(),
        path,
        model: protocol.model_in(&place),
        client: args.client.clone(),
        headers: args.headers.clone(),
    });
    let session = session.traced();
    let told = translate(&snapshot, &session, protocol, &Signatures::default(), &place, body.into());
    let told = told.map(|_| ()).map_err(refusal);
    show(&session, 0);
    let told = told.and_then(|()| answered(args, &session));
    if session.changes().is_empty() {
        eprintln!("no plugin changes anything");
    }
    told.map_or_else(|why| failed(&why), |()| ExitCode::SUCCESS)
}

/// Runs the hooks for the answer, whole or event by event.
fn answered(args: &ReplayArgs, session: &Session) -> Result<(), String> {
    let shown = session.changes().len();
    if let Some(answer) = &args.answer {
        let answer = session.on_upstream_response(Some(read(answer)?.into()));
        show(session, shown);
        answer.map_err(refusal)?;
    }
    let Some(chunks) = &args.chunks else { return Ok(()) };
    session.on_upstream_response(None).map_err(refusal)?;
    for (number, event) in events(&read(chunks)?)?.into_iter().enumerate() {
        let shown = session.changes().len();
        let told = session.on_chunk(event);
        if session.changes().len() > shown {
            say(&format!("-- event {}", number + 1));
        }
        show(session, shown);
        told.map_err(refusal)?;
    }
    Ok(())
}

/// Reads the events of a stream, as sent over the wire or as a JSON array.
fn events(file: &[u8]) -> Result<Vec<Bytes>, String> {
    if let Ok(events) = serde_json::from_slice::<Vec<Value>>(file) {
        return Ok(events.iter().map(|event| event.to_string().into()).collect());
    }
    let text = String::from_utf8_lossy(file);
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let events: Vec<Bytes> = data.map(|event| Bytes::from(event.trim().to_owned())).collect();
    if events.is_empty() {
        return Err("it contains no events: neither lines that begin with `data:` nor an array".to_owned());
    }
    Ok(events)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}

fn refusal(error: Error) -> String {
    format!("the client would get {error}")
}

/// Prints the changes from index `since` on.
fn show(session: &Session, since: usize) {
    session.changes().iter().skip(since).for_each(|touched| say(&shown(touched)));
}

/// Formats the changes of a plugin, each with the values before and after.
fn shown(touched: &PluginChange) -> String {
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
