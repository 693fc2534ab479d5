//! The memory that replicas share: a Redis, or a Valkey. The only place that knows of it.
//!
//! It is advice. What a replica knows itself is whole; what it is told by others comes on top. Changes go out by one task, in
//! order; what others tell comes in by another; a third looks for Redis when it is away, and asks every second for what was
//! missed. When Redis comes back, each replica tells all it knows: it is joined, and nothing is lost that somebody still knows.
//! Never: a key's text, a request that waits beyond the cap, an error that reaches one.

mod breaker;
mod breakers;
mod link;
mod rows;
mod tasks;
mod used;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::mpsc::{self, Sender};

use super::table::Tables;
use super::{Holder, Standing, StoreSettings, Used};
use crate::clock::Clock;
use crate::secret::Secret;
use link::Link;
use rows::{Change, UnderWay};
use used::Uses;

pub use rows::{Heard, Now, Op};

/// Changes that wait for their turn. More than a second of a busy replica.
const QUEUE: usize = 4096;
/// The longest a start waits for Redis.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whether this is the address of a Redis.
pub fn is_url(url: &Secret) -> bool {
    ::redis::Client::open(url.expose()).is_ok()
}

/// The shared memory.
pub struct Redis(Arc<Shared>);

/// What the tasks share.
struct Shared {
    link: Link,
    names: Names,
    queue: Sender<Told>,
    under_way: UnderWay,
    uses: Mutex<Uses>,
    holder: Arc<dyn Holder>,
    tables: Tables,
    clock: Clock,
    /// Whether something could not be told that all should know.
    behind: AtomicBool,
    changes: AtomicU64,
    dropped: AtomicU64,
    nodes: AtomicU64,
}

/// What goes out.
enum Told {
    Standing(Standing),
    Row(Change),
}

/// How things are called in Redis.
#[derive(Clone, Debug)]
struct Names {
    prefix: String,
    /// This process.
    node: String,
}

impl Names {
    /// One of those that scripts use together: a cluster keeps them in one place for what is in braces.
    fn of(&self, thing: &str) -> String {
        format!("{{{}}}:{thing}", self.prefix)
    }

    fn row(&self, table: &str, key: &str) -> String {
        format!("{}:{table}:{key}", self.prefix)
    }
}

/// How it is, for `/stats`.
#[derive(Clone, Debug, Serialize)]
pub struct State {
    /// `shared`, or `away` and each replica goes on by itself.
    pub state: &'static str,
    /// Why it is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// This replica, as the others see it.
    pub node: String,
    /// Replicas that were there within the last ten seconds.
    pub nodes: u64,
    /// Questions that were answered.
    pub answered: u64,
    /// Questions that were not, in time or at all.
    pub failed: u64,
    /// Changes that were not told, because too many waited or Redis was away.
    pub dropped: u64,
}

impl State {
    /// Whether it is shared.
    pub fn is_shared(&self) -> bool {
        self.state == "shared"
    }
}

impl Redis {
    /// Starts the tasks, and waits for a moment for Redis to be there. `used` is what the holder knows of already.
    pub async fn start(
        url: &Secret,
        settings: &StoreSettings,
        clock: Clock,
        holder: Arc<dyn Holder>,
        tables: Tables,
        used: &[Used],
    ) -> Option<Self> {
        // That it is an address was checked with the settings.
        let link = Link::new(url.expose(), settings.redis_timeout).ok()?;
        let names = Names { prefix: settings.redis_prefix.clone(), node: format!("{:08x}", fastrand::u32(..)) };
        let (queue, told) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared {
            link,
            names,
            queue,
            under_way: UnderWay::default(),
            uses: Mutex::new(Uses::of(used)),
            holder,
            tables,
            clock,
            behind: AtomicBool::default(),
            changes: AtomicU64::default(),
            dropped: AtomicU64::default(),
            nodes: AtomicU64::default(),
        });
        tokio::spawn(tasks::tell(shared.clone(), told));
        tokio::spawn(tasks::listen(shared.clone()));
        tokio::spawn(tasks::keep(shared.clone()));
        let mut stands = shared.link.watch();
        // Without it, it is started all the same.
        let _ = tokio::time::timeout(PATIENCE, stands.wait_for(|stands| *stands)).await;
        Some(Self(shared))
    }

    /// A breaker stands differently.
    pub fn stands(&self, standing: &Standing) {
        if !self.0.queued(Told::Standing(standing.clone())) {
            self.0.behind.store(true, Ordering::Relaxed);
        }
    }

    /// Something was used. It is told when Redis is asked for what was missed: others need not know at once.
    pub fn used(&self, used: &Used) {
        self.0.uses().add(used);
    }

    /// A row of a table changes.
    pub fn change(&self, table: &'static str, key: &str, op: Op, kept: Duration) {
        let number = self.0.changes.fetch_add(1, Ordering::Relaxed);
        let change = Change { table, key: key.to_owned(), op, kept, number };
        self.0.under_way.begins(&change);
        if !self.0.queued(Told::Row(change.clone())) {
            self.0.under_way.failed(&change);
        }
    }

    /// What is under a row, and how long it is kept.
    pub async fn fetch(&self, table: &str, key: &str) -> Option<(Bytes, Duration)> {
        let row = self.0.names.row(table, key);
        let mut questions = ::redis::pipe();
        questions.get(&row).pttl(&row);
        let (value, left): (Option<Vec<u8>>, i64) = self.0.link.ask(&questions).await?;
        Some((value?.into(), Duration::from_millis(u64::try_from(left).ok()?)))
    }

    /// How it is.
    pub fn state(&self) -> State {
        let shared = &self.0;
        State {
            state: if shared.link.stands() { "shared" } else { "away" },
            why: shared.link.why(),
            node: shared.names.node.clone(),
            nodes: shared.nodes.load(Ordering::Relaxed),
            answered: shared.link.answered.load(Ordering::Relaxed),
            failed: shared.link.failed.load(Ordering::Relaxed),
            dropped: shared.dropped.load(Ordering::Relaxed),
        }
    }
}

impl Shared {
    fn uses(&self) -> MutexGuard<'_, Uses> {
        // Whoever panicked while holding it had changed single sums only.
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queued(&self, told: Told) -> bool {
        let queued = self.link.stands() && self.queue.try_send(told).is_ok();
        if !queued {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        queued
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redis").field(&self.state()).finish()
    }
}
