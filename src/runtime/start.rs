//! Builds the first snapshot: from the current configuration or, if that is rejected and the last accepted
//! configuration allows it, from the last accepted one.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::reload::{Live, Refused, learn};
use super::{Generation, History, Services, Snapshot, prepare};
use crate::config::{Sources, lenient};
use crate::problem::{Problem, Problems};
use crate::reading::{Reading, StoredFiles};

impl Live {
    /// Builds the first snapshot.
    ///
    /// # Errors
    /// All problems, when there is an error and no earlier configuration to fall back to.
    pub fn start(sources: Sources, services: Arc<Services>) -> Result<Self, Problems> {
        let reading = Reading::default();
        let prepared = prepare(&sources, &reading, &services.ledger);
        let folder = match &prepared {
            Ok(snapshot) => snapshot.config.settings.runtime.dir.clone(),
            Err(_) => lenient(&sources, &reading).settings.runtime.dir,
        };
        let history = History::open(&folder);
        let (snapshot, refused) = match prepared {
            Ok(snapshot) => (numbered(snapshot, &history), None),
            Err(problems) => match last_good(&sources, &history, &services) {
                Some(snapshot) => (snapshot, Some(problems)),
                None => return Err(problems),
            },
        };
        learn(&services, &snapshot, &[]);
        let at = services.clock.now().wall.to_string();
        if let Some(problems) = &refused {
            services.telemetry.reload_refused(problems);
        }
        services.telemetry.last_good_in_use(refused.is_some());
        let live = Self {
            refused: std::sync::Mutex::new(refused.map(|problems| Refused {
                at,
                problems,
                started_on_last_good: true,
            })),
            snapshot: ArcSwap::from_pointee(snapshot),
            sources,
            services,
            history,
            turn: Default::default(),
            reading: std::sync::Mutex::new(reading),
        };
        live.remember(&live.snapshot(), &[]);
        Ok(live)
    }
}

/// Numbers the snapshot: the number of the last stored generation if it is the same configuration, else the next.
fn numbered(snapshot: Snapshot, history: &History) -> Snapshot {
    let generation = match history.last() {
        Some(last) if last.hash == snapshot.hash => last.generation,
        Some(last) => last.generation + 1,
        None => 1,
    };
    Snapshot { generation, ..snapshot }
}

/// The last accepted configuration of this file, if it permits its own use in place of a rejected one.
fn last_good(sources: &Sources, history: &History, services: &Services) -> Option<Snapshot> {
    let last = history.last().filter(|last| last.is_of(sources.path()))?;
    let snapshot = prepare(sources, &Reading::from_stored(open(&last).ok()?), &services.ledger).ok()?;
    let wanted = snapshot.config.settings.runtime.start_from_last_good;
    wanted.then_some(Snapshot { generation: last.generation, ..snapshot })
}

/// The files of a stored generation, with their secrets restored.
///
/// # Errors
/// When secrets can no longer be found.
pub fn open(kept: &Generation) -> Result<StoredFiles, Problems> {
    kept.open().map_err(|(file, lost)| {
        let message = format!("had {lost} secrets that none of your files contains any more");
        let hint = "put them back; or keep them in the environment, and refer to them as `env:NAME`";
        Problem::error(message).in_file(file, None).hint(hint).into()
    })
}
