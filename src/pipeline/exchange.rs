//! One client request and everything that accompanies it.

use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::Served;
use super::cached::Cached;
use crate::cache::{Control, Recording};
use crate::clients::{Admission, Client, Fidelity};
use crate::error::Error;
use crate::fault::Remedies;
use crate::keys::Lease;
use crate::model::Model;
use crate::plugin::{Reply as PluginReply, Session};
use crate::protocol::{
    Accepted, AnswerContext, Continuation, Files, Form, Incoming, Note, Notes, Place, Protocol, Target, Usage, Verdict,
};
use crate::runtime::{Services, Snapshot};
use crate::telemetry::RequestRecord;

/// One client request, from endpoint to end. It holds the snapshot taken on arrival, so a reload in the meantime does
/// not affect it.
pub struct Exchange {
    /// The configuration when the request arrived.
    pub snapshot: Arc<Snapshot>,
    /// Services that outlive a configuration.
    pub services: Arc<Services>,
    /// The client's protocol.
    pub protocol: &'static dyn Protocol,
    /// The path, query and media type of the request.
    pub place: Arc<Place>,
    /// The plugins that apply to this request.
    pub session: Arc<Session>,
    /// The record for logs, metrics and the journal.
    pub record: RequestRecord,
    /// When the request times out.
    pub deadline: Instant,
    /// The client.
    pub client: Arc<Client>,
    /// The client's use of its limits, if they are counted.
    pub visit: Option<Admission>,
    /// What to do when a field of the request cannot be translated.
    pub fidelity: Fidelity,
    /// Files that the request refers to by URL.
    pub files: Files,
    /// The stored document of the earlier answer that this request continues.
    pub earlier: Option<Bytes>,
    /// Facts shared with the response before the request has finished.
    pub known: Arc<Known>,
    /// The client's cache directives.
    pub control: Control,
    /// The body, after plugins have changed it.
    pub body: Bytes,
    /// The index of this part of a split request; None for a request that is not split.
    pub share: Option<usize>,
    /// The first attempt's call, if plugins have already processed it.
    pub prepared: Option<Bytes>,
    /// Recordings for the answer cache, one per call.
    pub keeping: Vec<Recording>,
}

/// Facts about a request that are known before it finishes. A silent stream is started with them.
#[derive(Debug, Default)]
pub struct Known {
    form: OnceLock<Form>,
    losses: OnceLock<String>,
    why: OnceLock<Why>,
    cached: Mutex<Option<Cached>>,
}

/// How an answer came about.
#[derive(Clone, Debug)]
pub struct Why {
    /// The number of attempts.
    pub attempts: u32,
    /// The model of the last attempt.
    pub model: String,
    /// The key id of the last attempt.
    pub key: String,
}

impl Known {
    /// The format of the answer. JSON until the request has been read.
    pub fn form(&self) -> Form {
        self.form.get().copied().unwrap_or(Form::JSON)
    }

    /// The lost fields, for the warning header.
    pub fn losses(&self) -> Option<&str> {
        self.losses.get().map(String::as_str)
    }

    /// How the answer came about; None until decided.
    pub fn why(&self) -> Option<&Why> {
        self.why.get()
    }

    /// What the cache did; None until known, or if the cache is disabled.
    pub fn cached(&self) -> MutexGuard<'_, Option<Cached>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exchange {
    /// The interval of keep-alive messages on a silent stream.
    pub fn keep_alive(&self) -> Duration {
        self.snapshot.config.settings.server.keep_alive
    }

    /// Records that the body was read.
    pub fn accepted(&mut self, model: &str, form: Form) {
        self.record.read(model, form.stream);
        let _ = self.known.form.set(form);
    }

    /// Applies a plugin's change of the model named in the URL.
    ///
    /// # Errors
    /// When the result is not a valid request.
    pub(super) fn renamed(&mut self, body: Bytes) -> Result<Bytes, Error> {
        let Some(model) = self.session.renamed() else { return Ok(body) };
        let (place, body) = self.protocol.renamed(Incoming { place: &self.place, body: &body }, &model)?;
        self.place = Arc::new(place);
        Ok(body)
    }

    /// An exchange for one part of a split request.
    pub fn part(&self, share: usize) -> Self {
        Self {
            snapshot: self.snapshot.clone(),
            services: self.services.clone(),
            protocol: self.protocol,
            place: self.place.clone(),
            session: self.session.clone(),
            record: self.record.part(),
            deadline: self.deadline,
            client: self.client.clone(),
            visit: self.visit.as_ref().map(Admission::part),
            fidelity: self.fidelity,
            files: Files::default(),
            earlier: None,
            known: self.known.clone(),
            control: self.control,
            body: self.body.clone(),
            share: Some(share),
            prepared: None,
            keeping: Vec::new(),
        }
    }

    /// The Gemini request for a model. Losses that the client does not accept are rejected here, before any quota is
    /// used.
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
                    // A fallback model may lose other fields; the first model is the one the client requested.
                    let _ = self.known.losses.set(fields.join(", "));
                }
            }
        }
        Ok(body)
    }

    /// Drops what only another attempt would need. The answer may take minutes, and the request may hold a whole book.
    pub fn settled(&mut self) {
        self.body = Bytes::new();
        self.files = Files::default();
        self.earlier = None;
    }

    /// The facts that the next attempt's answer is stamped with.
    pub fn stamp(&self) -> AnswerContext {
        AnswerContext {
            id: self.record.id.clone(),
            created: self.services.clock.now().wall.as_second(),
            model: self.record.asked.clone(),
            seed: fastrand::u64(..),
            signatures: self.services.signatures.clone(),
            earlier: self.earlier.clone(),
            check_json: self.snapshot.config.settings.upstream.check_json,
        }
    }

    /// Loads the stored document of an earlier answer to this client.
    pub async fn recall(&mut self, earlier: Option<&str>) {
        if let Some(id) = earlier {
            self.earlier = self.services.conversations.recall(&self.record.client, id).await;
        }
    }

    /// Stores what an answer leaves for a later request of this client.
    pub fn keep(&self, left: Option<Continuation>) {
        if let Some(Continuation { id, document }) = left {
            self.services.conversations.keep(&self.record.client, &id, document);
        }
    }

    /// Records the start of an attempt.
    pub fn attempted(&mut self, model: &Model, lease: &Lease) {
        self.record.attempted(model.name.as_str(), lease.key().id().to_string());
    }

    /// Records that there will be no further attempt.
    pub fn decided(&self) {
        let RequestRecord { attempts, model, key, .. } = &self.record;
        let _ = self.known.why.set(Why { attempts: *attempts, model: model.clone(), key: key.clone() });
    }

    /// Records token usage. A cached answer uses no key, and counts against no limit.
    pub fn used(&mut self, usage: &Usage, lease: Option<&mut Lease>) {
        if let Some(lease) = lease {
            lease.used(usage.prompt, usage.completion);
            if let Some(visit) = &mut self.visit {
                let model = &self.record.model;
                let price = self.snapshot.models.price(model);
                let cost = price.map_or(0, |price| price.of(usage.prompt, usage.cached, usage.completion));
                visit.used(model, (usage.prompt, usage.completion), cost, self.services.clock.now().wall);
            }
        }
        self.record.tokens = (usage.prompt, usage.completion);
    }

    /// Answers a request with a plugin's reply instead of calling Gemini.
    ///
    /// # Errors
    /// When the reply is text and the protocol has no textual answer, or a table without text and the client wants a
    /// stream.
    pub(super) fn canned(&mut self, reply: &PluginReply, body: &[u8]) -> Result<Served, Error> {
        // Use what the request says, if it can be read. A plugin may answer one that cannot.
        let place = self.place.clone();
        match self.protocol.accept(Incoming { place: &place, body }) {
            Ok(accepted) => self.accepted(accepted.model(), accepted.form()),
            Err(_) => self.accepted(&reply.model, if reply.stream { Form::EVENTS } else { Form::JSON }),
        }
        let form = self.known.form();
        match &reply.document {
            Some(document) if !form.stream => return Ok(Served::Whole(document.to_string().into())),
            Some(_) if reply.text.is_empty() => return Err(no_stream()),
            _ => {}
        }
        let body = self.protocol.canned(self.stamp(), form, &reply.text).ok_or_else(no_answer)?;
        Ok(if form.stream { Served::Events(body) } else { Served::Whole(body) })
    }
}

fn no_answer() -> Error {
    Error::internal("A plugin replied with text, but this endpoint's answers are not text.")
}

fn no_stream() -> Error {
    Error::internal("A plugin replied with a table without text, but the client requested a stream.")
}

/// The error for a client with strict fidelity.
fn too_lossy(first: &Note, others: usize) -> Error {
    let what = match first.verdict {
        Verdict::Clamped => "would be changed",
        Verdict::Emulated => "could only be emulated",
        _ => "would be lost",
    };
    let more = if others > 0 { format!(" Also affected: {others} more.") } else { String::new() };
    let message = format!(
        "'{}' {what}: {}.{more} Leave it out, or have the operator set this client's `fidelity` to `warn` or `lenient`.",
        first.field, first.why
    );
    Error::invalid(message).param(first.field.clone()).code("fidelity_strict")
}
