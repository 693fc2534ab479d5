//! Translates a request without sending it, and reports what became of each of its fields.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::route;
use crate::error::Error;
use crate::fault::Remedies;
use crate::plugin::{PluginChange, Reply, Session, Verdict};
use crate::protocol::{Files, Incoming, Note, Notes, Place, Protocol, Target};
use crate::runtime::Snapshot;
use crate::store::Signatures;

/// The result of a translation.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Translation {
    /// A request to Gemini.
    Request(Translated),
    /// A plugin answers the request.
    Reply {
        /// The plugin's answer.
        reply: Value,
        /// The plugins that changed the request.
        plugins: Vec<PluginChange>,
    },
}

/// A request to Gemini.
#[derive(Debug, Serialize)]
pub struct Translated {
    /// The model name that the client used.
    pub asked: String,
    /// The model at Google.
    pub model: String,
    /// The fallback models.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fallback: Vec<String>,
    /// The pool whose keys would serve it.
    pub pool: String,
    /// The method of Gemini's API.
    pub method: &'static str,
    /// The plugins that changed the request.
    pub plugins: Vec<PluginChange>,
    /// What became of each field.
    pub fields: Vec<Note>,
    /// The Gemini request.
    pub request: Value,
}

/// Translates a request as it would be translated for Google, without sending it.
///
/// # Errors
/// The error the client would receive.
pub fn translate(
    snapshot: &Snapshot,
    session: &Session,
    protocol: &dyn Protocol,
    signatures: &Signatures,
    place: &Place,
    body: Bytes,
) -> Result<Translation, Error> {
    let body = match session.on_request(body)? {
        Verdict::Continue(body) => body,
        Verdict::Reply(Reply { text, document, .. }) => {
            return Ok(replied(document.unwrap_or(Value::String(text)), session));
        }
    };
    let (place, body) = match session.renamed() {
        Some(model) => protocol.renamed(Incoming { place, body: &body }, &model)?,
        None => (place.clone(), body),
    };
    let accepted = protocol.accept(Incoming { place: &place, body: &body })?;
    let route = route::choose(snapshot, session, accepted.model())?;
    let (model, fallback) = route.targets.split_first().ok_or_else(|| Error::internal("The route has no model."))?;
    let notes = Notes::on();
    let files = if snapshot.media.is_enabled() { Files::Described } else { Files::Refused };
    let remedies = Remedies::default();
    let target = Target { model, signatures, files: &files, earlier: None, remedies, notes: &notes };
    let request = accepted.call(&target)?;
    let request = session.on_upstream_request(1, request)?;
    Ok(Translation::Request(Translated {
        asked: accepted.model().to_owned(),
        model: model.name.to_string(),
        fallback: fallback.iter().map(|model| model.name.to_string()).collect(),
        pool: route.pool.name().to_owned(),
        method: accepted.method().name(),
        plugins: session.changes(),
        fields: accepted.verdicts(notes.into_list()),
        request: serde_json::from_slice(&request).unwrap_or_default(),
    }))
}

fn replied(reply: Value, session: &Session) -> Translation {
    Translation::Reply { reply, plugins: session.changes() }
}
