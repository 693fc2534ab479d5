//! The switch. Preparing may fail, swapping may not: whatever is wrong with a change, what was live stays live.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use serde::Serialize;

use super::{Change, Generation, History, Services, Snapshot, changes, prepare};
use crate::config::Sources;
use crate::problem::{Problem, Problems};
use crate::reading::Reading;

/// Settings that are read at the start only: a listener cannot move while connections are open on it, a log has one format, and
/// what was remembered in one place is not in another.
const RESTART: &[&str] = &[
    "server.listen",
    "server.header_timeout",
    "log.format",
    "runtime.dir",
    "store.dir",
    "store.keep_days",
    "store.redis",
    "store.redis_timeout",
    "store.redis_prefix",
    "telemetry.otel.endpoint",
    "telemetry.otel.service",
    "telemetry.otel.ratio",
];

/// The live snapshot, and the only way to change it.
#[derive(Debug)]
pub struct Live {
    pub(super) snapshot: ArcSwap<Snapshot>,
    pub(super) sources: Sources,
    pub(super) services: Arc<Services>,
    pub(super) history: History,
    /// Held while a reload is under way: one at a time, in order.
    pub(super) turn: Mutex<()>,
    pub(super) refused: Mutex<Option<Refused>>,
    /// What the last load read, whatever came of it.
    pub(super) reading: Mutex<Reading>,
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
    /// Whether it was refused at the start already: what is live is the last one that was accepted before.
    pub started_on_last_good: bool,
}

/// Why nothing has changed.
#[derive(Debug)]
pub enum Refusal {
    /// Something is wrong with the change.
    Problems(Problems),
    /// Something else is live than what the change was decided upon: this version.
    Moved(String),
}

impl From<Problems> for Refusal {
    fn from(problems: Problems) -> Self {
        Self::Problems(problems)
    }
}

impl Live {
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

    /// The configurations that were accepted, the newest first.
    pub fn history(&self) -> Vec<Generation> {
        self.history.all()
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
        self.load()
    }

    /// As [`Live::reload`], if what is live is still what somebody has `seen`, by its version: of two who decide at once, the second is told.
    ///
    /// # Errors
    /// All that is wrong, or that something else is live; then nothing has changed.
    pub fn reload_if(&self, seen: Option<&str>) -> Result<Reloaded, Refusal> {
        let _turn = self.turn_if(seen)?;
        Ok(self.load()?)
    }

    pub(super) fn turn_if(&self, seen: Option<&str>) -> Result<MutexGuard<'_, ()>, Refusal> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let live = self.snapshot().version();
        if seen.is_none_or(|seen| seen == live) { Ok(turn) } else { Err(Refusal::Moved(live)) }
    }

    /// As [`Live::reload`], for whoever has the turn.
    pub(super) fn load(&self) -> Result<Reloaded, Problems> {
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
        self.services.telemetry.stands_on_last_good(false);
        let changed = next.hash != before.hash;
        let generation = before.generation + u64::from(changed);
        let next = Snapshot { generation, ..next };
        let told = Reloaded { generation, hash: next.hash.clone(), changed, changes, warnings: next.warnings.clone() };
        if changed {
            learn(&self.services, &next, &told.changes);
            let next = Arc::new(next);
            self.snapshot.store(next.clone());
            self.remember(&next, &told.changes);
        } else if mended {
            self.services.telemetry.reloaded(generation, &told.hash, &[], &told.warnings);
        }
        told
    }

    /// Keeps what went live. A folder that cannot be written is no reason for anything to fail.
    pub(super) fn remember(&self, live: &Snapshot, changes: &[Change]) {
        if self.history.last().is_some_and(|last| last.generation == live.generation) {
            return;
        }
        if let Err(error) = self.history.keep(Generation::of(live, changes)) {
            let folder = self.snapshot().config.settings.runtime.dir.display().to_string();
            tracing::warn!(folder, %error, "accepted configurations are kept in memory only");
        }
    }

    /// The same problems again are no news: a refused change is tried again and again until it is mended.
    fn refuse(&self, problems: &Problems) {
        let mut refused = self.refused_now();
        if refused.as_ref().is_none_or(|refused| refused.problems != *problems) {
            self.services.telemetry.reload_refused(problems);
            let at = self.services.clock.now().wall.to_string();
            let started_on_last_good = refused.as_ref().is_some_and(|refused| refused.started_on_last_good);
            *refused = Some(Refused { at, problems: problems.clone(), started_on_last_good });
        }
    }

    fn refused_now(&self) -> MutexGuard<'_, Option<Refused>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What everyone else learns of a snapshot that goes live.
pub(super) fn learn(services: &Services, snapshot: &Snapshot, changes: &[Change]) {
    crate::telemetry::logs::apply(&snapshot.config.settings.log);
    services.telemetry.journal().keep(&snapshot.config.settings.telemetry);
    for model in snapshot.models.named() {
        services.telemetry.labels().learn(model.as_str());
    }
    snapshot.clients.open_accounts(&services.accounts);
    services.answers.apply(&snapshot.config.settings.cache);
    snapshot.plugins.remember_in(&services.plugin_state);
    let changes: Vec<String> = changes.iter().map(Change::to_string).collect();
    services.telemetry.reloaded(snapshot.generation, &snapshot.hash, &changes, &snapshot.warnings);
}

/// The next snapshot and what it changes, unless that needs a restart.
pub(super) fn takeable(before: &Snapshot, next: Snapshot) -> Result<(Snapshot, Vec<Change>), Problems> {
    let changes = changes(before, &next);
    let mut problems = Problems::new();
    for change in changes.iter().filter(|change| RESTART.contains(&change.path.as_str())) {
        let hint = "restart the server for it, or take the change back";
        problems.push(Problem::error("cannot change while the server runs").at(&change.path).hint(hint));
    }
    certificate(before, &next, &mut problems);
    if problems.is_empty() {
        return Ok((next, changes));
    }
    next.config.locate(&mut problems);
    Err(problems)
}

/// A listener speaks TLS or it does not; and a certificate that clients refuse takes no good one's place.
fn certificate(before: &Snapshot, next: &Snapshot, problems: &mut Problems) {
    let now = next.loaded_at;
    match (&before.certificate, &next.certificate) {
        (Some(before), Some(next)) if before.is_good(now) && !next.is_good(now) => {
            let hint = "renew it; the one before is shown until then";
            problems.push(
                Problem::error(format!("clients would refuse the new certificate: it is {next}"))
                    .at("server.tls.cert")
                    .hint(hint),
            );
        }
        (Some(_), None) | (None, Some(_)) => {
            let hint = "restart the server for it, or take the change back";
            problems.push(Problem::error("cannot begin or end while the server runs").at("server.tls").hint(hint));
        }
        _ => {}
    }
}
