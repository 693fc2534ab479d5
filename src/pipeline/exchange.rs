//! One client request and what accompanies it.

use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::Served;
use super::cached::Cached;
use crate::cache::{Control, Recording};
use crate::clients::{Client, Fidelity, Visit};
use crate::error::Error;
use crate::fault::Remedies;
use crate::keys::Lease;
use crate::model::Model;
use crate::plugin::{Reply as PluginReply, Session};
use crate::protocol::{
    Accepted, Asked, Files, Form, Left, Note, Notes, Place, Protocol, Stamp, Target, Usage, Verdict,
};
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
    /// Who asks.
    pub client: Arc<Client>,
    /// What it uses, where that is counted.
    pub visit: Option<Visit>,
    /// What the client wants when its request asks for something Gemini does not have.
    pub fidelity: Fidelity,
    /// Files that the request names by URL.
    pub files: Files,
    /// What the earlier answer left that the request goes on from.
    pub earlier: Option<Bytes>,
    /// What is known before the story is told.
    pub known: Arc<Known>,
    /// What the client says about kept answers.
    pub control: Control,
    /// Its body, as plugins have left it.
    pub body: Bytes,
    /// Which of several requests that together are one; None when it is one alone.
    pub share: Option<usize>,
    /// The first attempt's call, where plugins have seen it already.
    pub prepared: Option<Bytes>,
    /// What is to be kept of the answer, one for each call.
    pub keeping: Vec<Recording>,
}

/// What is known of a request before its story is told; a stream that stays silent is begun by it.
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
    /// How many attempts it took.
    pub attempts: u32,
    /// The model of the last one.
    pub model: String,
    /// The id of its key.
    pub key: String,
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

    /// How the answer came about; None as long as that is not decided.
    pub fn why(&self) -> Option<&Why> {
        self.why.get()
    }

    /// What kept answers had to do with it; None as long as that is not known, and where none are kept.
    pub fn cached(&self) -> MutexGuard<'_, Option<Cached>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exchange {
    /// How often a silent stream says that it lives.
    pub fn keep_alive(&self) -> Duration {
        self.snapshot.config.settings.server.keep_alive
    }

    /// The body was read.
    pub fn accepted(&mut self, model: &str, form: Form) {
        self.record.read(model, form.stream);
        let _ = self.known.form.set(form);
    }

    /// The body, after plugins may have put another model into the address.
    ///
    /// # Errors
    /// When it is no request.
    pub(super) fn renamed(&mut self, body: Bytes) -> Result<Bytes, Error> {
        let Some(model) = self.session.renamed() else { return Ok(body) };
        let (place, body) = self.protocol.renamed(Asked { place: &self.place, body: &body }, &model)?;
        self.place = Arc::new(place);
        Ok(body)
    }

    /// One that does a part of this one's work.
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
            visit: self.visit.as_ref().map(Visit::part),
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
        self.record.attempted(model.name.as_str(), lease.key().id().to_string());
    }

    /// There will be no other attempt.
    pub fn decided(&self) {
        let RequestRecord { attempts, model, key, .. } = &self.record;
        let _ = self.known.why.set(Why { attempts: *attempts, model: model.clone(), key: key.clone() });
    }

    /// Tokens were used, on this key; of a kept answer on none.
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

    /// A plugin has answered this request instead of Gemini.
    ///
    /// # Errors
    /// When it has answered with a text where a text is no answer.
    pub(super) fn canned(&mut self, reply: &PluginReply, body: &[u8]) -> Result<Served, Error> {
        // What the request itself says, if it can be read; a plugin may answer one that cannot.
        let place = self.place.clone();
        match self.protocol.accept(Asked { place: &place, body }) {
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
    Error::internal("A plugin replied with a text, which is no answer to this request.")
}

fn no_stream() -> Error {
    Error::internal("A plugin replied with a table that says nothing, to a client that wants a stream of what is said.")
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
