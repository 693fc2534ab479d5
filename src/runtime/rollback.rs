//! Rolls back to an earlier accepted configuration. The configuration is checked first; then the user's own files are
//! restored, all or none, and loaded like any other change. Files in the way are set aside, not lost.

use super::reload::{not_emptied, takeable};
use super::restore::restore;
use super::start::open;
use super::{Change, History, Live, Refusal, Reloaded, Snapshot, prepare};
use crate::config::Sources;
use crate::keys::Ledger;
use crate::problem::{Problem, Problems};
use crate::reading::{Reading, StoredFiles};

impl Live {
    /// Returns what a reload would change now, without changing anything.
    ///
    /// # Errors
    /// All problems a reload would be rejected for.
    pub fn trial(&self) -> Result<Vec<Change>, Problems> {
        let next = prepare(self.sources(), &Default::default(), &self.services().ledger)?;
        let live = self.snapshot();
        not_emptied(&live, &next)?;
        takeable(&live, next).map(|(_, changes)| changes)
    }

    /// Restores the files of an earlier generation and loads them. The result is a new generation.
    ///
    /// # Errors
    /// When the generation does not exist, would be rejected now, or a file cannot be written; no file and nothing else
    /// has changed then. Also when the live version is not the one in `seen`.
    pub fn rollback(&self, generation: u64, seen: Option<&str>) -> Result<Reloaded, Refusal> {
        let _turn = self.turn_if(seen)?;
        let live = self.snapshot();
        let checked = |next| takeable(&live, next).map(|_| live.reading.kept());
        bring_back(&self.history, generation, self.sources(), &self.services().ledger, checked)?;
        // A file that was empty then is meant to be.
        Ok(self.load(|_, _| Ok(()))?)
    }
}

/// Restores the files of an earlier generation while no server is running. The next start reads them.
///
/// # Errors
/// As [`Live::rollback`].
pub fn rollback_files(history: &History, generation: u64, sources: &Sources) -> Result<(), Problems> {
    let accepted = || history.last().and_then(|last| last.open().ok()).unwrap_or_default();
    bring_back(history, generation, sources, &Ledger::default(), |_| Ok(accepted()))
}

/// Restores the files of a generation. `checked` validates the snapshot built from them and returns the files accepted
/// last.
fn bring_back(
    history: &History,
    generation: u64,
    sources: &Sources,
    ledger: &Ledger,
    checked: impl FnOnce(Snapshot) -> Result<StoredFiles, Problems>,
) -> Result<(), Problems> {
    let kept = history.get(generation).ok_or_else(|| gone(generation))?;
    if !kept.is_of(sources.path()) {
        let message = format!("generation {generation} was not read from `{}`", sources.path().display());
        return Err(Problem::error(message).hint("`gemini-adapter config history` lists what is stored").into());
    }
    let files = open(&kept)?;
    let again = prepare(sources, &Reading::from_stored(files.clone()), ledger)?;
    restore(&files, &checked(again)?)
}

fn gone(generation: u64) -> Problems {
    let problem = Problem::error(format!("generation {generation} is not stored"));
    problem.hint("`gemini-adapter config history` lists those that are").into()
}
