//! Replaces the live snapshot. Preparing may fail, swapping cannot: whatever is wrong with a change, the old snapshot
//! stays live.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use serde::Serialize;

use super::{Change, Generation, History, Services, Snapshot, changes, prepare};
use crate::config::Sources;
use crate::problem::{Problem, Problems};
use crate::reading::Reading;

/// Settings that are read only at startup: a listener cannot move while connections are open on it, a log has one
/// format, and state stored in one place is not available in another.
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

/// The live snapshot, and the only means to replace it.
#[derive(Debug)]
pub struct Live {
    pub(super) snapshot: ArcSwap<Snapshot>,
    pub(super) sources: Sources,
    pub(super) services: Arc<Services>,
    pub(super) history: History,
    /// Held during a reload, so that reloads run one at a time.
    pub(super) turn: Mutex<()>,
    pub(super) refused: Mutex<Option<Refused>>,
    /// The files read by the last load, successful or not.
    pub(super) reading: Mutex<Reading>,
}

/// The result of a reload.
#[derive(Clone, Debug, Serialize)]
pub struct Reloaded {
    /// The generation that is now live.
    pub generation: u64,
    /// Its hash.
    pub hash: String,
    /// Whether the live configuration has changed.
    pub changed: bool,
    /// The differences.
    pub changes: Vec<Change>,
    /// Problems that did not prevent the reload but deserve attention.
    pub warnings: Problems,
}

/// A change that was rejected.
#[derive(Clone, Debug, Serialize)]
pub struct Refused {
    /// When it was rejected, RFC 3339.
    pub at: String,
    /// The reasons.
    pub problems: Problems,
    /// Whether it was rejected at startup, so that the last accepted configuration is live instead.
    pub started_on_last_good: bool,
}

/// Why nothing was changed.
#[derive(Debug)]
pub enum Refusal {
    /// The change has problems.
    Problems(Problems),
    /// The live version is not the one the change was based on. Contains the live version.
    Moved(String),
}

impl From<Problems> for Refusal {
    fn from(problems: Problems) -> Self {
        Self::Problems(problems)
    }
}

impl Live {
    /// The live snapshot. Load it once per request.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// The services that outlive snapshots.
    pub fn services(&self) -> &Arc<Services> {
        &self.services
    }

    /// The sources of the configuration.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The last change, if it was rejected.
    pub fn refused(&self) -> Option<Refused> {
        self.refused_now().clone()
    }

    /// The accepted configurations, newest first.
    pub fn history(&self) -> Vec<Generation> {
        self.history.all()
    }

    /// The files read by the last load, successful or not. If any of them changes, another load is worthwhile.
    pub fn reading(&self) -> Reading {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads, checks and builds the configuration, and swaps it in if there are no errors and something has changed.
    /// Blocks on file access, so it must not run on threads that serve requests.
    ///
    /// # Errors
    /// All problems found. Nothing has changed then.
    pub fn reload(&self) -> Result<Reloaded, Problems> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.load(not_emptied)
    }

    /// As [`Live::reload`], provided that the live version is still the one in `seen`: of two concurrent decisions, the
    /// second is rejected.
    ///
    /// # Errors
    /// All problems found, or that another version is live. Nothing has changed then.
    pub fn reload_if(&self, seen: Option<&str>) -> Result<Reloaded, Refusal> {
        let _turn = self.turn_if(seen)?;
        Ok(self.load(not_emptied)?)
    }

    pub(super) fn turn_if(&self, seen: Option<&str>) -> Result<MutexGuard<'_, ()>, Refusal> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let live = self.snapshot().version();
        if seen.is_none_or(|seen| seen == live) { Ok(turn) } else { Err(Refusal::Moved(live)) }
    }

    /// As [`Live::reload`], for a caller that holds the turn. `check` compares the live snapshot with the next.
    pub(super) fn load(
        &self,
        check: impl FnOnce(&Snapshot, &Snapshot) -> Result<(), Problems>,
    ) -> Result<Reloaded, Problems> {
        let before = self.snapshot();
        let reading = Reading::default();
        let next = prepare(&self.sources, &reading, &self.services.ledger);
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner) = reading;
        let checked = next.and_then(|next| check(&before, &next).map(|()| next));
        match checked.and_then(|next| takeable(&before, next)) {
            Ok((next, changes)) => Ok(self.accept(&before, next, changes)),
            Err(problems) => {
                self.refuse(&problems);
                Err(problems)
            }
        }
    }

    fn accept(&self, before: &Snapshot, next: Snapshot, changes: Vec<Change>) -> Reloaded {
        let mended = self.refused_now().take().is_some();
        self.services.telemetry.last_good_in_use(false);
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

    /// Stores the live configuration in the history. A folder that cannot be written to is only logged.
    pub(super) fn remember(&self, live: &Snapshot, changes: &[Change]) {
        if self.history.last().is_some_and(|last| last.generation == live.generation) {
            return;
        }
        if let Err(error) = self.history.keep(Generation::of(live, changes)) {
            let folder = self.snapshot().config.settings.runtime.dir.display().to_string();
            tracing::warn!(folder, %error, "accepted configurations are kept in memory only");
        }
    }

    /// Reports a rejected change, unless its problems are those already reported: a rejected change is retried until it
    /// is fixed.
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

/// Applies a snapshot that is about to go live to the services.
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

/// Checks that no file has lost all its content: an editor empties a file before it writes it, and leaves it empty when
/// the disk is full.
///
/// # Errors
/// Names each such file.
pub(super) fn not_emptied(before: &Snapshot, next: &Snapshot) -> Result<(), Problems> {
    let is_empty = |reading: &Reading, file: &Path| reading.shown(file).map(|text| text.trim().is_empty());
    let files = next.reading.files();
    let emptied = files
        .iter()
        .filter(|file| is_empty(&next.reading, file) == Some(true) && is_empty(&before.reading, file) == Some(false));
    let mut problems = Problems::new();
    problems.extend(emptied.map(|file| {
        let hint = "save it again; if nothing is to be in it, leave a comment in it, or delete it";
        Problem::error("has become empty").in_file(file, None).hint(hint)
    }));
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Returns the next snapshot and its changes, unless they need a restart.
pub(super) fn takeable(before: &Snapshot, next: Snapshot) -> Result<(Snapshot, Vec<Change>), Problems> {
    let changes = changes(before, &next);
    let mut problems = Problems::new();
    for change in changes.iter().filter(|change| RESTART.contains(&change.path.as_str())) {
        let hint = "restart the server to apply it, or undo the change";
        problems.push(Problem::error("cannot change while the server runs").at(&change.path).hint(hint));
    }
    certificate(before, &next, &mut problems);
    if problems.is_empty() {
        return Ok((next, changes));
    }
    next.config.locate(&mut problems);
    Err(problems)
}

/// TLS cannot be turned on or off at run time, and a certificate that clients would reject must not replace a valid
/// one.
fn certificate(before: &Snapshot, next: &Snapshot, problems: &mut Problems) {
    let now = next.loaded_at;
    match (&before.certificate, &next.certificate) {
        (Some(before), Some(next)) if before.is_good(now) && !next.is_good(now) => {
            let hint = "renew it; the previous one is used until then";
            problems.push(
                Problem::error(format!("clients would reject the new certificate: it is {next}"))
                    .at("server.tls.cert")
                    .hint(hint),
            );
        }
        (Some(_), None) | (None, Some(_)) => {
            let hint = "restart the server to apply it, or undo the change";
            problems.push(Problem::error("cannot be toggled while the server runs").at("server.tls").hint(hint));
        }
        _ => {}
    }
}
