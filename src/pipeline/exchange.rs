//! One client request and what accompanies it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::Told;
use crate::fault::Fault;
use crate::keys::Lease;
use crate::model::Model;
use crate::plugin::{Reply as PluginReply, Session};
use crate::protocol::{Protocol, Stamp, Usage};
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
    /// The plugins, as far as they concern it.
    pub session: Arc<Session>,
    /// What will be told of it.
    pub record: RequestRecord,
    /// Until when an answer makes sense.
    pub deadline: Instant,
    /// Whether the client wants a stream; known once the body is read.
    pub streaming: Flag,
}

/// Set once, seen from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Flag(Arc<AtomicBool>);

impl Flag {
    /// Sets it.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Exchange {
    /// How often a silent stream says that it lives.
    pub fn keep_alive(&self) -> Duration {
        self.snapshot.config.settings.server.keep_alive
    }

    /// The body was read.
    pub fn accepted(&mut self, model: &str, stream: bool) {
        model.clone_into(&mut self.record.asked);
        self.record.stream = stream;
        if stream {
            self.streaming.set();
        }
    }

    /// What the answer of the next attempt bears.
    pub fn stamp(&self) -> Stamp {
        Stamp {
            id: self.record.id.clone(),
            created: self.services.clock.now().wall.as_second(),
            model: self.record.asked.clone(),
            seed: fastrand::u64(..),
            signatures: self.services.signatures.clone(),
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

    /// Tokens were used.
    pub fn used(&mut self, usage: &Usage) {
        self.record.tokens = (usage.prompt, usage.completion);
    }

    /// A plugin has answered instead of Gemini.
    pub(super) fn canned(&mut self, reply: &PluginReply) -> Told {
        match reply {
            PluginReply::Text { text, model, stream } => {
                self.accepted(model, *stream);
                let body = self.protocol.canned(self.stamp(), *stream, text);
                if *stream { Told::Events(body) } else { Told::Whole(body) }
            }
            PluginReply::Document(document) => Told::Whole(document.to_string().into()),
        }
    }
}
