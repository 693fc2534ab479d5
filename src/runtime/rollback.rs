//! Back to a configuration that was accepted before: it is checked first, then the user's own files get the text they had, all
//! or none, and then they are loaded as any other change. What stands in their way is set aside, not lost.

use super::reload::takeable;
use super::restore::restore;
use super::start::open;
use super::{Change, History, Live, Refusal, Reloaded, Snapshot, prepare};
use crate::config::Sources;
use crate::keys::Ledger;
use crate::problem::{Problem, Problems};
use crate::reading::{Kept, Reading};

impl Live {
    /// What a reload would change now. Nothing is changed.
    ///
    /// # Errors
    /// All that a reload would be refused for.
    pub fn trial(&self) -> Result<Vec<Change>, Problems> {
        let next = prepare(self.sources(), &Default::default(), &self.services().ledger)?;
        takeable(&self.snapshot(), next).map(|(_, changes)| changes)
    }

    /// Writes the files of an earlier generation back, and loads them. The result is a new generation.
    ///
    /// # Errors
    /// When there is none of this number, when it would be refused now, or when a file cannot be written: then no file and
    /// nothing else has changed. When something else is live than what was `seen`.
    pub fn rollback(&self, generation: u64, seen: Option<&str>) -> Result<Reloaded, Refusal> {
        let _turn = self.turn_if(seen)?;
        let live = self.snapshot();
        let checked = |next| takeable(&live, next).map(|_| live.reading.kept());
        bring_back(&self.history, generation, self.sources(), &self.services().ledger, checked)?;
        Ok(self.load()?)
    }
}

/// Writes the files of an earlier generation back where no server runs, for the next start to read.
///
/// # Errors
/// As [`Live::rollback`].
pub fn rollback_files(history: &History, generation: u64, sources: &Sources) -> Result<(), Problems> {
    let accepted = || history.last().and_then(|last| last.open().ok()).unwrap_or_default();
    bring_back(history, generation, sources, &Ledger::default(), |_| Ok(accepted()))
}

/// `checked` says no to what was built from the generation, or what was accepted last.
fn bring_back(
    history: &History,
    generation: u64,
    sources: &Sources,
    ledger: &Ledger,
    checked: impl FnOnce(Snapshot) -> Result<Kept, Problems>,
) -> Result<(), Problems> {
    let kept = history.get(generation).ok_or_else(|| gone(generation))?;
    if !kept.is_of(sources.path()) {
        let message = format!("generation {generation} was not read from `{}`", sources.path().display());
        return Err(Problem::error(message).hint("`gemini-adapter config history` lists what is kept").into());
    }
    let files = open(&kept)?;
    let again = prepare(sources, &Reading::of_kept(files.clone()), ledger)?;
    restore(&files, &checked(again)?)
}

fn gone(generation: u64) -> Problems {
    let problem = Problem::error(format!("generation {generation} is not kept"));
    problem.hint("`gemini-adapter config history` lists those that are").into()
}
