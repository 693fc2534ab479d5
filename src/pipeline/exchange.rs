//! One client request and what accompanies it.

use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::Told;
use crate::clients::Fidelity;
use crate::error::Error;
use crate::fault::{Fault, Remedies};
use crate::keys::Lease;
use crate::model::Model;
use crate::plugin::{Reply as PluginReply, Session};
use crate::protocol::{Accepted, Files, Form, Left, Note, Notes, Place, Protocol, Stamp, Target, Usage, Verdict};
use crate::runtime::{Services, Snapshot};
use crate::telemetry::RequestRecord;

/// One client request, from the door to its end. It holds one snapshot, taken at the door: what is reloaded meanwhile does
/// not touch it.
pub struct Exchange {
    /// What was configured when it came in.
    pub snapshot: Arc<Snapshot>,
    /// What outlives a configuration.
    pub services: Arc<Services>,
    /// The client's dialect.
    pub protocol: &'static dyn Protocol,
    /// Where it was sent to.
    pub place: Arc<Place>,
    /// The plugins, as far as they concern it.
    pub session: Arc<Session>,
    /// What will be told of it.
    pub record: RequestRecord,
    /// Until when an answer makes sense.
    pub deadline: Instant,
    /// What the client wants when its request asks for something Gemini does not have.
    pub fidelity: Fidelity,
    /// Files that the request names by URL.
    pub files: Files,
    /// What the earlier answer left that the request goes on from.
    pub earlier: Option<Bytes>,
    /// What is known before the story is told.
    pub known: Arc<Known>,
}

/// What is known of a request before its story is told; a stream that stays silent is begun by it.
#[derive(Debug, Default)]
pub struct Known {
    form: OnceLock<Form>,
    losses: OnceLock<String>,
}

impl Known {
    /// How the answer travels; a whole document as long as nothing else is known.
    pub fn form(&self) -> Form {
        self.form.get().copied().unwrap_or(Form::JSON)
    }

    /// What the client is warned of: the fields that were lost.
    pub fn losses(&self) -> Option<&str> {
        self.losses.get().map(String::as_str)
    }
}

impl Exchange {
    /// How often a silent stream says that it lives.
    pub fn keep_alive(&self) -> Duration {
        self.snapshot.config.settings.server.keep_alive
    }

    /// The body was read.
    pub fn accepted(&mut self, model: &str, form: Form) {
        model.clone_into(&mut self.record.asked);
        self.record.stream = form.stream;
        let _ = self.known.form.set(form);
    }

    /// The Gemini request for a model. What the client would not lose is judged here, before any quota is spent.
    pub fn translated(&self, accepted: &dyn Accepted, model: &Model, remedies: Remedies) -> Result<Bytes, Error> {
        let notes = if self.fidelity == Fidelity::Lenient { Notes::off() } else { Notes::on() };
        let target = Target {
            model,
            signatures: &self.services.signatures,
            files: &self.files,
            earlier: self.earlier.as_deref(),
            remedies,
            notes: &notes,
        };
        let body = accepted.call(&target)?;
        if self.fidelity != Fidelity::Lenient {
            let losses: Vec<Note> = accepted.verdicts(notes.into_list()).into_iter().filter(|note| note.loss).collect();
            match (self.fidelity, losses.first()) {
                (_, None) => {}
                (Fidelity::Strict, Some(first)) => return Err(too_lossy(first, losses.len() - 1)),
                _ => {
                    let fields: Vec<&str> = losses.iter().map(|note| note.field.as_str()).collect();
                    // Another model after this one may lose other fields; the first is what was asked for.
                    let _ = self.known.losses.set(fields.join(", "));
                }
            }
        }
        Ok(body)
    }

    /// What the answer of the next attempt bears.
    pub fn stamp(&self) -> Stamp {
        Stamp {
            id: self.record.id.clone(),
            created: self.services.clock.now().wall.as_second(),
            model: self.record.asked.clone(),
            seed: fastrand::u64(..),
            signatures: self.services.signatures.clone(),
            earlier: self.earlier.clone(),
            check_json: self.snapshot.config.settings.upstream.check_json,
        }
    }

    /// Recalls what an earlier answer left for this client.
    pub async fn recall(&mut self, earlier: Option<&str>) {
        if let Some(id) = earlier {
            self.earlier = self.services.conversations.recall(&self.record.client, id).await;
        }
    }

    /// Keeps what an answer leaves for a later request of this client.
    pub fn keep(&self, left: Option<Left>) {
        if let Some(Left { id, document }) = left {
            self.services.conversations.keep(&self.record.client, &id, document);
        }
    }

    /// An attempt begins.
    pub fn attempted(&mut self, model: &Model, lease: &Lease) {
        self.record.attempts += 1;
        model.name.as_str().clone_into(&mut self.record.model);
        self.record.key = lease.key().id().to_string();
    }

    /// An attempt has failed.
    pub fn attempt_failed(&self, fault: &Fault) {
        let record = &self.record;
        self.services.telemetry.attempt_failed(&record.id, &record.pool, &record.key, &record.model, fault);
    }

    /// Tokens were used, on this key.
    pub fn used(&mut self, usage: &Usage, lease: &mut Lease) {
        lease.used(usage.prompt, usage.completion);
        self.record.tokens = (usage.prompt, usage.completion);
    }

    /// A plugin has answered instead of Gemini.
    pub(super) fn canned(&mut self, reply: &PluginReply) -> Told {
        match reply {
            PluginReply::Text { text, model, stream } => {
                self.accepted(model, if *stream { Form::EVENTS } else { Form::JSON });
                let body = self.protocol.canned(self.stamp(), *stream, text);
                if *stream { Told::Events(body) } else { Told::Whole(body) }
            }
            PluginReply::Document(document) => Told::Whole(document.to_string().into()),
        }
    }
}

/// What a client is told that wants nothing lost.
fn too_lossy(first: &Note, others: usize) -> Error {
    let what = match first.verdict {
        Verdict::Clamped => "would be changed",
        Verdict::Emulated => "could only be imitated",
        _ => "would be lost",
    };
    let more = if others > 0 { format!(" So it is with {others} more.") } else { String::new() };
    let message = format!(
        "'{}' {what}: {}.{more} Leave it out, or have the operator set this client's `fidelity` to `warn` or `lenient`.",
        first.field, first.why
    );
    Error::invalid(message).param(first.field.clone()).code("fidelity_strict")
}
