//! The database file: its tables, and what they contain. Changes are written in atomic groups: if the process is killed
//! while writing one, the file holds the state of the group before.

use std::any::Any;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use redb::{Builder, Database, DatabaseError, Error, ReadableDatabase, ReadableTable, StorageError, TableDefinition};

use super::line;
use crate::store::usage::{Amounts, Row};
use crate::store::{BreakerState, Scope};

/// Incremented when an older program could not read what a newer one writes.
const VERSION: u64 = 1;
/// Size of the cache through which the whole content of the file passes.
const CACHE: usize = 4 * 1024 * 1024;

const ABOUT: TableDefinition<&str, u64> = TableDefinition::new("about");
/// What a breaker guards (its kind, then one or two names), and its state as JSON.
const BREAKER_STATES: TableDefinition<(u8, &str, &str), &[u8]> = TableDefinition::new("standings");
const USED: TableDefinition<DayKeyModel, Sums> = TableDefinition::new("used");

/// The day, the key's id, the model.
type DayKeyModel = (&'static str, &'static str, &'static str);
/// Requests, failures, prompt tokens, completion tokens.
type Sums = (u64, u64, u64, u64);

/// The open file.
pub struct File(Database);

/// What was in the file.
#[derive(Debug, Default)]
pub struct Content {
    /// Breaker states.
    pub breaker_states: Vec<BreakerState>,
    /// Usage.
    pub used: Vec<(Row, Amounts)>,
}

/// Why the file is not open.
#[derive(Debug)]
pub enum FileError {
    /// Another process has opened it.
    Taken,
    /// Its content is not what this program writes.
    Damaged(String),
    /// It cannot be reached, read or written.
    Unusable(String),
}

impl From<Error> for FileError {
    fn from(error: Error) -> Self {
        match error {
            Error::DatabaseAlreadyOpen | Error::LockProtocolMismatch => Self::Taken,
            Error::Io(error) if error.kind() != ErrorKind::InvalidData => Self::Unusable(error.to_string()),
            Error::PreviousIo => Self::Unusable("an earlier failure".to_owned()),
            other => Self::Damaged(other.to_string()),
        }
    }
}

impl File {
    /// Opens the file, creating it if there is none, and reads all of it.
    ///
    /// # Errors
    /// Returns why the file cannot be opened.
    pub fn open(path: &Path) -> Result<(Self, Content), FileError> {
        // redb promises errors for damaged files, but panics in code that no file written by it would reach.
        catch_unwind(AssertUnwindSafe(|| Self::try_open(path).map_err(FileError::from)))
            .unwrap_or_else(|panic| Err(FileError::Damaged(panic_message(&*panic))))
    }

    fn try_open(path: &Path) -> Result<(Self, Content), Error> {
        let opened = Builder::new().set_cache_size(CACHE).set_check_integrity_on_open(true).create(path);
        let database = opened.map_err(|error: DatabaseError| Error::from(error))?;
        let transaction = database.begin_write()?;
        let version = transaction.open_table(ABOUT)?.get("version")?.map(|version| version.value());
        match version {
            None => {
                transaction.open_table(ABOUT)?.insert("version", VERSION)?;
                transaction.open_table(BREAKER_STATES)?;
                transaction.open_table(USED)?;
                transaction.commit()?;
            }
            // The tables were created with the version; a commit would make every start wait for the disk.
            Some(VERSION) => transaction.abort()?,
            Some(other) => {
                return Err(Error::Corrupted(format!("file version {other} is not supported")));
            }
        }
        let file = Self(database);
        let content = file.read()?;
        Ok((file, content))
    }

    fn read(&self) -> Result<Content, Error> {
        let transaction = self.0.begin_read()?;
        let mut content = Content::default();
        for row in transaction.open_table(BREAKER_STATES)?.iter()? {
            let (scope, stands) = row?;
            // A row that cannot be read counts as a breaker that has never changed.
            content.breaker_states.extend(scope_of(scope.value()).and_then(|scope| line::read(scope, stands.value())));
        }
        for row in transaction.open_table(USED)?.iter()? {
            let (row, amounts) = row?;
            let ((day, key, model), amounts) = (row.value(), amounts.value());
            if let Ok(day) = day.parse::<Date>() {
                content.used.push(((day, key.to_owned(), model.to_owned()), amounts_of(amounts)));
            }
        }
        Ok(content)
    }

    /// Writes a group: all of it, or nothing.
    ///
    /// # Errors
    /// Returns why the group cannot be written.
    pub fn write(&self, breaker_states: &[BreakerState], used: &[(Row, Amounts)]) -> Result<(), FileError> {
        self.try_write(breaker_states, used).map_err(FileError::from)
    }

    fn try_write(&self, breaker_states: &[BreakerState], used: &[(Row, Amounts)]) -> Result<(), Error> {
        let transaction = self.0.begin_write()?;
        {
            let mut table = transaction.open_table(BREAKER_STATES)?;
            for standing in breaker_states {
                table.insert(key_of(&standing.scope), line::write(standing).as_slice())?;
            }
            let mut table = transaction.open_table(USED)?;
            for ((day, key, model), it) in used {
                let amounts = (it.requests, it.failures, it.prompt_tokens, it.completion_tokens);
                table.insert((day.to_string().as_str(), key.as_str(), model.as_str()), amounts)?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Removes days before the first one that is kept, and breakers whose cooldown ended long ago. Compacts the file if
    /// anything was removed.
    ///
    /// # Errors
    /// Returns why the file cannot be pruned.
    pub fn prune(&mut self, first: Option<Date>, over: Timestamp) -> Result<(), FileError> {
        self.try_prune(first, over).map_err(FileError::from)
    }

    fn try_prune(&mut self, first: Option<Date>, over: Timestamp) -> Result<(), Error> {
        let mut gone = 0;
        let transaction = self.0.begin_write()?;
        {
            let mut table = transaction.open_table(BREAKER_STATES)?;
            table.retain(|scope, stands| {
                let standing = scope_of(scope).and_then(|scope| line::read(scope, stands));
                let kept =
                    standing.is_some_and(|it| it.dead || it.disabled || it.until.is_some_and(|until| until >= over));
                gone += usize::from(!kept);
                kept
            })?;
            if let Some(first) = first {
                let first = first.to_string();
                transaction.open_table(USED)?.retain(|(day, ..), _| {
                    let kept = day >= first.as_str();
                    gone += usize::from(!kept);
                    kept
                })?;
            }
        }
        transaction.commit()?;
        if gone > 0 {
            self.0.compact().map_err(|error| Error::Corrupted(error.to_string()))?;
        }
        Ok(())
    }
}

impl From<StorageError> for FileError {
    fn from(error: StorageError) -> Self {
        Self::from(Error::from(error))
    }
}

fn key_of(scope: &Scope) -> (u8, &str, &str) {
    match scope {
        Scope::Key(id) => (0, id, ""),
        Scope::Quota { group, model } => (1, group, model),
        Scope::Model(model) => (2, model, ""),
    }
}

fn scope_of((kind, one, two): (u8, &str, &str)) -> Option<Scope> {
    Some(match kind {
        0 => Scope::Key(one.to_owned()),
        1 => Scope::Quota { group: one.to_owned(), model: two.to_owned() },
        2 => Scope::Model(one.to_owned()),
        _ => return None,
    })
}

fn amounts_of((requests, failures, prompt_tokens, completion_tokens): Sums) -> Amounts {
    Amounts { requests, failures, prompt_tokens, completion_tokens }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("it cannot be read").to_owned()
}
