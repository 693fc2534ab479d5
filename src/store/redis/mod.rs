//! The memory that replicas share through Redis or Valkey: how breakers stand, and what was used. The only Redis code.
//!
//! Each replica has all of it in its own ledger. A task tells the server what changes here, and the ledger what changes elsewhere; no
//! request ever waits for it. While the server is away each replica goes on with what it knows; when it is back, both memories are
//! joined so that neither order nor repetition matters. Keys go by their ids.

mod changes;
mod patience;
mod session;
mod usage;
mod word;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::{Client, IntoConnectionInfo};
use serde::Serialize;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Holder, Standing, Used, Witness};
use crate::secret::Secret;
use changes::Changes;
use patience::Patience;
use session::{Ended, Scripts, Session};
use usage::Known;

/// How long a stop waits for the last words.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The shared memory.
pub struct Redis {
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What witness and task have in common.
#[derive(Default)]
struct Shared {
    changes: Mutex<Changes>,
    /// There is something to tell, or to end.
    wake: Notify,
    ending: AtomicBool,
    status: Mutex<RedisStatus>,
}

/// How the shared memory is, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RedisStatus {
    /// Whether it is shared now.
    pub connected: bool,
    /// Sessions that ended by a failure of the server, since the process started.
    pub failures: u64,
    /// The last failure.
    pub error: Option<String>,
}

/// Whether this is the address of a server.
///
/// # Errors
/// What is wrong with it; the address itself is not in the words.
pub(super) fn check_address(url: &Secret) -> Result<(), String> {
    client(url).map(drop)
}

fn client(url: &Secret) -> Result<Client, String> {
    let text = |error: redis::RedisError| url.scrub(&error.to_string());
    Client::open(url.expose().into_connection_info().map_err(text)?).map_err(text)
}

impl Redis {
    /// Begins to share. `used` is what `holder` was told already of what this replica has used.
    ///
    /// # Errors
    /// What is wrong with the address. A server that is away is none: it is waited for.
    pub fn start(url: &Secret, holder: Arc<dyn Holder>, used: &[Used]) -> Result<Self, String> {
        let client = client(url)?;
        let shared = Arc::<Shared>::default();
        let share = Sharing { client, url: url.clone(), shared: shared.clone(), holder, known: Known::of(used) };
        let task = tokio::spawn(share.run());
        Ok(Self { shared, task: Mutex::new(Some(task)) })
    }

    /// How it is.
    pub fn status(&self) -> RedisStatus {
        locked(&self.shared.status).clone()
    }

    /// Tells what was not told yet, if the server is there, and ends.
    pub async fn close(&self) {
        self.shared.ending.store(true, Ordering::Relaxed);
        self.shared.wake.notify_one();
        let task = locked(&self.task).take();
        if let Some(mut task) = task
            && timeout(LAST_WORDS, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

impl Witness for Redis {
    fn stands(&self, standing: &Standing) {
        locked(&self.shared.changes).stands(standing);
        self.shared.wake.notify_one();
    }

    /// Goes out with the next poll: what was used need not be known at once.
    fn used(&self, used: &Used) {
        locked(&self.shared.changes).used(used);
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Shared {
    fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }

    fn take_standings(&self) -> Changes {
        Changes { standings: std::mem::take(&mut locked(&self.changes).standings), ..Changes::default() }
    }

    fn take_used(&self) -> impl Iterator<Item = Used> + use<> {
        std::mem::take(&mut locked(&self.changes).used).into_values()
    }

    fn put_back(&self, used: impl Iterator<Item = Used>) {
        let mut changes = locked(&self.changes);
        used.for_each(|used| changes.used(&used));
    }
}

/// What the task has.
struct Sharing {
    client: Client,
    url: Secret,
    shared: Arc<Shared>,
    holder: Arc<dyn Holder>,
    known: Known,
}

impl Sharing {
    async fn run(mut self) {
        let (started, scripts) = (Instant::now(), Scripts::default());
        let mut patience = Patience::default();
        let mut away = false;
        loop {
            let shared = self.shared.clone();
            let session = Session {
                client: &self.client,
                shared: &shared,
                holder: &*self.holder,
                known: &mut self.known,
                scripts: &scripts,
            };
            let works = || {
                patience.works();
                locked(&shared.status).connected = true;
                if std::mem::take(&mut away) {
                    tracing::info!("Redis is back: the states of keys are shared again");
                }
            };
            let error = match session.run(works).await {
                Ended::Told => return,
                Ended::Failed(error) => self.url.scrub(&error.to_string()),
            };
            let (pause, gone) = patience.failed(started.elapsed(), fastrand::f64());
            if gone && !away {
                away = true;
                tracing::warn!(why = error, "Redis is away: each replica goes on with what it knows");
            }
            {
                let mut status = locked(&shared.status);
                *status = RedisStatus { connected: false, failures: status.failures + 1, error: Some(error) };
            }
            if shared.is_ending() {
                return;
            }
            // Changes wait for the next session; only the end is worth waking up for.
            let wake = async {
                while !shared.is_ending() {
                    shared.wake.notified().await
                }
            };
            let _ = timeout(pause, wake).await;
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked while holding it has changed single rows only.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
