//! `gemini-adapter translate`: prints how a request is translated and what happens to each of its fields. Nothing is
//! sent.

use std::io::Read;
use std::process::ExitCode;

use clap::Args;

use super::{BAD_CONFIG, check, failed};
use crate::config::Sources;
use crate::keys::Ledger;
use crate::pipeline::translate;
use crate::plugin::SessionFacts;
use crate::problem::Problems;
use crate::protocol::Place;
use crate::reading::Reading;
use crate::runtime::{Snapshot, prepare};
use crate::server::door_at;
use crate::store::Signatures;

/// The arguments of `translate`.
#[derive(Debug, Args)]
pub struct TranslateArgs {
    /// The endpoint of the request, such as `/v1/messages`; paths of Gemini's own API contain the model
    #[arg(long, default_value = "/v1/chat/completions")]
    path: String,
}

/// Reads a request from standard input and prints its translation. Fails if the client would get an error, and prints
/// that.
pub fn run(args: &TranslateArgs, sources: Sources) -> ExitCode {
    let Some((path, protocol)) = door_at(&args.path) else {
        return failed(&format!("`{}` is not a model endpoint; docs/endpoints.md lists the endpoints", args.path));
    };
    let mut body = Vec::new();
    if let Err(error) = std::io::stdin().read_to_end(&mut body) {
        return failed(&format!("cannot read standard input: {error}"));
    }
    let snapshot = match prepared(sources) {
        Ok(snapshot) => snapshot,
        Err(problems) => {
            check::show(&problems);
            return ExitCode::from(BAD_CONFIG);
        }
    };
    let place = Place { path: args.path.clone(), ..Place::default() };
    let session = snapshot.plugins.session(|| SessionFacts {
        id: "translate".into(),
        api: protocol.name(),
        path,
        model: protocol.model_in(&place),
        client: "translate".into(),
        headers: Vec::new(),
    });
    let session = session.traced();
    match translate(&snapshot, &session, protocol, &Signatures::default(), &place, body.into()) {
        Ok(translation) => {
            let text = serde_json::to_string_pretty(&translation).unwrap_or_default();
            #[expect(clippy::print_stdout, reason = "the translation is the requested output")]
            {
                println!("{text}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            let param = error.param.as_deref().map(|param| format!(" ({param})")).unwrap_or_default();
            failed(&format!("the client would get {error}{param}"))
        }
    }
}

/// Prepares the configuration. Nothing is sent, so missing keys are replaced by dummies.
pub fn prepared(mut sources: Sources) -> Result<Snapshot, Problems> {
    prepare(&sources, &Reading::default(), &Ledger::default()).or_else(|problems| {
        let keys =
            [("auth.client_keys", "no-client-key-0000000000"), ("pools.default.keys", "no-gemini-key-0000000000")];
        sources.overrides.extend(keys.map(|(path, key)| (path.to_owned(), format!("[\"{key}\"]"))));
        prepare(&sources, &Reading::default(), &Ledger::default()).map_err(|_| problems)
    })
}
