//! The switch. Preparing may fail, swapping may not: whatever is wrong with a change, what was live stays live.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use serde::Serialize;

use super::{Change, Services, Snapshot, changes, prepare};
use crate::config::Sources;
use crate::problem::{Problem, Problems};
use crate::reading::Reading;

/// Settings that are read at the start only: a listener cannot move while connections are open on it, a log has one format, and
/// what was remembered in one place is not in another.
const RESTART: &[&str] = &[
    "server.listen",
    "server.header_timeout",
    "log.format",
    "store.dir",
    "store.keep_days",
    "store.redis",
    "store.redis_timeout",
    "store.redis_prefix",
];

/// The live snapshot, and the only way to change it.
#[derive(Debug)]
pub struct Live {
    snapshot: ArcSwap<Snapshot>,
    sources: Sources,
    services: Arc<Services>,
    /// Held while a reload is under way: one at a time, in order.
    turn: Mutex<()>,
    refused: Mutex<Option<Refused>>,
    /// What the last load read, whatever came of it.
    reading: Mutex<Reading>,
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
    /// What is other than before.
    pub changes: Vec<Change>,
    /// What somebody should look at.
    pub warnings: Problems,
}

/// A change that was refused.
#[derive(Clone, Debug, Serialize)]
pub struct Refused {
    /// Since when, RFC 3339.
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
        let reading = Reading::default();
        let snapshot = Snapshot { generation: 1, ..prepare(&sources, &reading, &services.ledger)? };
        learn(&services, &snapshot, &[]);
        Ok(Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            sources,
            services,
            turn: Mutex::default(),
            refused: Mutex::default(),
            reading: Mutex::new(reading),
        })
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
        self.refused_now().clone()
    }

    /// What the last load read, whatever came of it: a change of it is worth another load.
    pub fn reading(&self) -> Reading {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads, checks, builds, and swaps if all is well; where nothing has changed, what is live stays. Blocks on files: not for
    /// threads that serve.
    ///
    /// # Errors
    /// All that is wrong; then nothing has changed.
    pub fn reload(&self) -> Result<Reloaded, Problems> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.snapshot();
        let reading = Reading::default();
        let next = prepare(&self.sources, &reading, &self.services.ledger);
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner) = reading;
        match next.and_then(|next| takeable(&before, next)) {
            Ok((next, changes)) => Ok(self.accept(&before, next, changes)),
            Err(problems) => {
                self.refuse(&problems);
                Err(problems)
            }
        }
    }

    fn accept(&self, before: &Snapshot, next: Snapshot, changes: Vec<Change>) -> Reloaded {
        let mended = self.refused_now().take().is_some();
        let changed = next.hash != before.hash;
        let generation = before.generation + u64::from(changed);
        let next = Snapshot { generation, ..next };
        let told = Reloaded { generation, hash: next.hash.clone(), changed, changes, warnings: next.warnings.clone() };
        if changed {
            learn(&self.services, &next, &told.changes);
            self.snapshot.store(Arc::new(next));
        } else if mended {
            self.services.telemetry.reloaded(generation, &told.hash, &[], &told.warnings);
        }
        told
    }

    /// The same problems again are no news: a refused change is tried again and again until it is mended.
    fn refuse(&self, problems: &Problems) {
        let mut refused = self.refused_now();
        if refused.as_ref().is_none_or(|refused| refused.problems != *problems) {
            self.services.telemetry.reload_refused(problems);
            let at = self.services.clock.now().wall.to_string();
            *refused = Some(Refused { at, problems: problems.clone() });
        }
    }

    fn refused_now(&self) -> MutexGuard<'_, Option<Refused>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What everyone else learns of a snapshot that goes live.
fn learn(services: &Services, snapshot: &Snapshot, changes: &[Change]) {
    crate::telemetry::logs::apply(&snapshot.config.settings.log);
    for model in snapshot.models.named() {
        services.telemetry.labels().learn(model.as_str());
    }
    let changes: Vec<String> = changes.iter().map(Change::to_string).collect();
    services.telemetry.reloaded(snapshot.generation, &snapshot.hash, &changes, &snapshot.warnings);
}

/// The next snapshot and what it changes, unless that needs a restart.
fn takeable(before: &Snapshot, next: Snapshot) -> Result<(Snapshot, Vec<Change>), Problems> {
    let changes = changes(before, &next);
    let mut problems = Problems::new();
    for change in changes.iter().filter(|change| RESTART.contains(&change.path.as_str())) {
        let hint = "restart the server for it, or take the change back";
        problems.push(Problem::error("cannot change while the server runs").at(&change.path).hint(hint));
    }
    if problems.is_empty() {
        return Ok((next, changes));
    }
    next.config.locate(&mut problems);
    Err(problems)
}
