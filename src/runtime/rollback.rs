//! Back to a configuration that was accepted before: it is checked first, then the user's own files get the text they had, all
//! or none, and then they are loaded as any other change. What stands in their way is set aside, not lost.

use std::sync::PoisonError;

use super::reload::takeable;
use super::restore::restore;
use super::{Change, Generation, Live, Reloaded, start};
use crate::problem::{Problem, Problems};

impl Live {
    /// What a reload would change now. Nothing is changed.
    ///
    /// # Errors
    /// All that a reload would be refused for.
    pub fn trial(&self) -> Result<Vec<Change>, Problems> {
        let next = super::prepare(self.sources(), &Default::default(), &self.services().ledger)?;
        takeable(&self.snapshot(), next).map(|(_, changes)| changes)
    }

    /// Writes the files of an earlier generation back, and loads them. The result is a new generation.
    ///
    /// # Errors
    /// When there is none of this number, when it would be refused now, or when a file cannot be written: then no file and
    /// nothing else has changed.
    pub fn rollback(&self, generation: u64) -> Result<Reloaded, Problems> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = self.kept(generation)?;
        let checked = start::again(&kept, self.sources(), self.services())?;
        let live = self.snapshot();
        takeable(&live, checked)?;
        let Ok(files) = kept.open() else { return Err(gone(generation)) };
        restore(&files, &live.reading.kept())?;
        self.load()
    }

    fn kept(&self, generation: u64) -> Result<Generation, Problems> {
        let kept = self.history.get(generation).ok_or_else(|| gone(generation))?;
        if kept.is_of(self.sources().path()) {
            return Ok(kept);
        }
        let message = format!("generation {generation} was not read from `{}`", self.sources().path().display());
        Err(Problem::error(message).hint("`gemini-adapter config history` lists what is kept").into())
    }
}

fn gone(generation: u64) -> Problems {
    let problem = Problem::error(format!("generation {generation} is not kept"));
    problem.hint("`gemini-adapter config history` lists those that are").into()
}
