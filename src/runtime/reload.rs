//! The switch. Preparing may fail, swapping may not: whatever is wrong with a change, what was live stays live.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use serde::Serialize;

use super::{Services, Snapshot, prepare};
use crate::config::Sources;
use crate::problem::{Problem, Problems};

/// The live snapshot, and the only way to change it.
#[derive(Debug)]
pub struct Live {
    snapshot: ArcSwap<Snapshot>,
    sources: Sources,
    services: Arc<Services>,
    /// Held while a reload is under way: one at a time, in order.
    refused: Mutex<Option<Refused>>,
}

/// What came of a reload.
#[derive(Clone, Debug, Serialize)]
pub struct Reloaded {
    /// The generation that is live now.
    pub generation: u64,
    /// Its hash.
    pub hash: String,
    /// Whether it is another than before.
    pub changed: bool,
    /// What somebody should look at.
    pub warnings: Problems,
}

/// A change that was refused.
#[derive(Clone, Debug, Serialize)]
pub struct Refused {
    /// When, RFC 3339.
    pub at: String,
    /// Why.
    pub problems: Problems,
}

impl Live {
    /// Builds the first snapshot.
    ///
    /// # Errors
    /// All that is wrong, when anything is.
    pub fn start(sources: Sources, services: Arc<Services>) -> Result<Self, Problems> {
        let snapshot = Snapshot { generation: 1, ..prepare(&sources, &services.ledger)? };
        learn(&services, &snapshot);
        Ok(Self { snapshot: ArcSwap::from_pointee(snapshot), sources, services, refused: Mutex::default() })
    }

    /// What is live now. Take it once a request.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// What outlives it.
    pub fn services(&self) -> &Arc<Services> {
        &self.services
    }

    /// Where it comes from.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The last change, if it was refused.
    pub fn refused(&self) -> Option<Refused> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads, checks, builds, and swaps if all is well. Blocks on files: not for threads that serve.
    ///
    /// # Errors
    /// All that is wrong; then nothing has changed.
    pub fn reload(&self) -> Result<Reloaded, Problems> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.snapshot();
        match prepare(&self.sources, &self.services.ledger).and_then(|next| keeps_address(&before, next)) {
            Ok(next) => {
                *refused = None;
                let changed = next.hash != before.hash;
                let generation = before.generation + u64::from(changed);
                let next = Snapshot { generation, ..next };
                let told = Reloaded { generation, hash: next.hash.clone(), changed, warnings: next.warnings.clone() };
                if changed {
                    learn(&self.services, &next);
                    self.snapshot.store(Arc::new(next));
                }
                Ok(told)
            }
            Err(problems) => {
                self.services.telemetry.reload_refused(&problems);
                *refused = Some(Refused { at: jiff::Timestamp::now().to_string(), problems: problems.clone() });
                Err(problems)
            }
        }
    }
}

/// What everyone else learns of a snapshot that goes live.
fn learn(services: &Services, snapshot: &Snapshot) {
    crate::telemetry::logs::apply(&snapshot.config.settings.log);
    for model in snapshot.models.named() {
        services.telemetry.labels().learn(model.as_str());
    }
    services.telemetry.reloaded(snapshot.generation, &snapshot.hash, &snapshot.warnings);
}

/// A listener cannot move while connections are open on it.
fn keeps_address(before: &Snapshot, next: Snapshot) -> Result<Snapshot, Problems> {
    let (old, new) = (&before.config.settings.server, &next.config.settings.server);
    let mut problems = Problems::new();
    for (field, same) in
        [("listen", old.listen == new.listen), ("header_timeout", old.header_timeout == new.header_timeout)]
    {
        if !same {
            let hint = "restart the server for it, or take the change back";
            problems
                .push(Problem::error("cannot change while the server runs").at(format!("server.{field}")).hint(hint));
        }
    }
    if problems.is_empty() {
        return Ok(next);
    }
    next.config.locate(&mut problems);
    Err(problems)
}
