//! State that replicas share through a Redis or a Valkey. No other module accesses it.
//!
//! The shared state is advisory: what a replica knows by itself is complete, and what others publish is merged into it.
//! One task sends changes, in order; a second receives what others publish; a third reconnects when Redis is
//! unavailable, and polls every second for what was missed. When Redis comes back, each replica publishes all it knows,
//! and the states are merged: nothing is lost that any replica still knows.
//! Never: a key's text, a request that waits beyond the time limit, an error that reaches a request.

mod backlog;
mod breaker;
mod breakers;
mod claims;
mod link;
mod ping;
mod rows;
mod tasks;
mod usage;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::mpsc::{self, Sender};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::table::Tables;
use super::{BreakerState, Claim, Claimed, Held, Scope, StateOwner, Store, StoreSettings, Used};
use crate::clock::Clock;
use crate::secret::Secret;
use backlog::Backlog;
use claims::Answer;
use link::Link;
use rows::{Change, UnderWay};
use usage::Uses;

pub use ping::is_there;
pub use rows::{Now, Op, RowChange};

/// Capacity for outgoing changes: more than a second's worth on a busy replica.
const QUEUE: usize = 4096;
/// The longest a start waits for Redis.
const PATIENCE: Duration = Duration::from_millis(500);
/// The longest a stop waits for everything to be sent.
const GOODBYE: Duration = Duration::from_secs(1);

/// Whether this is the address of a Redis.
pub fn is_url(url: &Secret) -> bool {
    ::redis::Client::open(url.expose()).is_ok()
}

/// The shared state.
pub struct Redis(Arc<Shared>);

/// What the tasks share.
struct Shared {
    link: Link,
    names: Names,
    queue: Sender<Outgoing>,
    under_way: UnderWay,
    missed: Backlog,
    uses: Mutex<Uses>,
    holder: Arc<dyn StateOwner>,
    tables: Tables,
    clock: Clock,
    /// Whether a change that all replicas should know could not be sent.
    behind: AtomicBool,
    changes: AtomicU64,
    dropped: AtomicU64,
    nodes: AtomicU64,
}

/// An outgoing message.
enum Outgoing {
    BreakerState(BreakerState),
    Row(Change),
    /// The probes that this node made under this number are over.
    Released(Vec<Scope>, u64),
    /// Everything before this has been sent.
    Mark(oneshot::Sender<()>),
}

/// Names in Redis.
#[derive(Clone, Debug)]
struct Names {
    prefix: String,
    /// The id of this process.
    node: String,
}

impl Names {
    /// A name that scripts use together with others: the braces make a cluster keep all of them in one slot.
    fn of(&self, thing: &str) -> String {
        format!("{{{}}}:{thing}", self.prefix)
    }

    fn row(&self, table: &str, key: &str) -> String {
        format!("{}:{table}:{key}", self.prefix)
    }
}

/// The state of the connection, for `/stats`.
#[derive(Clone, Debug, Serialize)]
pub struct State {
    /// `shared`; or `away`, while Redis is unavailable and each replica works on its own.
    pub state: &'static str,
    /// Why Redis is unavailable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The id of this replica, as the others see it.
    pub node: String,
    /// Replicas that were seen within the last ten seconds.
    pub nodes: u64,
    /// Calls that were answered.
    pub answered: u64,
    /// Calls that were not answered in time, or at all.
    pub failed: u64,
    /// Changes that were not sent because too many were queued or Redis was unavailable.
    pub dropped: u64,
}

impl State {
    /// Whether state is shared.
    pub fn is_shared(&self) -> bool {
        self.state == "shared"
    }
}

impl Redis {
    /// Starts the tasks, and waits briefly for Redis to become available. `used` is the usage that the holder already
    /// knows.
    pub async fn start(
        url: &Secret,
        settings: &StoreSettings,
        clock: Clock,
        holder: Arc<dyn StateOwner>,
        tables: Tables,
        used: &[Used],
    ) -> Option<Self> {
        // The address was already validated with the settings.
        let link = Link::new(url.expose(), settings.redis_timeout).ok()?;
        let names = Names { prefix: settings.redis_prefix.clone(), node: format!("{:08x}", fastrand::u32(..)) };
        let (queue, told) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared {
            link,
            names,
            queue,
            under_way: UnderWay::default(),
            missed: Backlog::default(),
            uses: Mutex::new(Uses::of(used)),
            holder,
            tables,
            clock,
            behind: AtomicBool::default(),
            changes: AtomicU64::default(),
            dropped: AtomicU64::default(),
            nodes: AtomicU64::default(),
        });
        tokio::spawn(tasks::publish(shared.clone(), told));
        tokio::spawn(tasks::subscribe(shared.clone()));
        tokio::spawn(tasks::keep(shared.clone()));
        let mut stands = shared.link.watch();
        // Without Redis, the start continues all the same.
        let _ = timeout(PATIENCE, stands.wait_for(|stands| *stands)).await;
        Some(Self(shared))
    }

    /// Publishes the new state of a breaker.
    pub fn breaker_changed(&self, standing: &BreakerState) {
        if !self.0.queued(Outgoing::BreakerState(standing.clone())) {
            self.0.behind.store(true, Ordering::Relaxed);
        }
    }

    /// Records usage. It is sent with the next poll: other replicas need not know at once.
    pub fn used(&self, used: &Used) {
        self.0.uses().add(used);
    }

    /// Publishes a change to a row of a table.
    pub fn change(&self, table: &'static str, key: &str, op: Op, kept: Duration) {
        let change = Change { table, key: key.to_owned(), op, kept, number: self.0.number() };
        let mut missed = self.0.missed.rows();
        if (missed.hold(&change) || !self.0.row_queued(change.clone())) && !missed.keep(change) {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Makes a claim. Without an answer in time, a probe may be made, and each node may use its share of what is left
    /// of a day.
    pub async fn claim(&self, claim: &Claim, store: &Store) -> Claimed {
        let shared = &self.0;
        let number = shared.number();
        match claims::make(shared, claim, number).await {
            Some(Answer::Granted) if claim.probes.is_empty() => Claimed::Granted(None),
            Some(Answer::Granted) => Claimed::Granted(Some(Held::new(store, claim.probes.clone(), number))),
            Some(Answer::Probed(left)) => Claimed::Probed(left),
            Some(Answer::Spent) => Claimed::Spent,
            None => {
                let nodes = shared.nodes.load(Ordering::Relaxed);
                let spent = claim.day.as_ref().is_some_and(|day| shared.uses().has_used_its_share(day, nodes));
                if spent { Claimed::Spent } else { Claimed::Granted(None) }
            }
        }
    }

    /// Releases probes. If that cannot be sent, they expire.
    pub fn release(&self, probes: Vec<Scope>, number: u64) {
        self.0.queued(Outgoing::Released(probes, number));
    }

    /// Sends what is waiting, within a time limit.
    pub async fn end(&self) {
        if !self.0.link.is_up() {
            return;
        }
        let all_told = async {
            let (mark, told) = oneshot::channel();
            if self.0.queue.send(Outgoing::Mark(mark)).await.is_ok() {
                // This fails only if the task has ended.
                let _ = told.await;
            }
            // One message may be in flight, and what was used after it waits for the next.
            for _ in 0..2 {
                usage::share(&self.0).await;
            }
        };
        if timeout(GOODBYE, all_told).await.is_err() {
            tracing::warn!("stopped before all state was sent to Redis");
        }
    }

    /// The value of a row, and how long it will be kept.
    pub async fn fetch(&self, table: &str, key: &str) -> Option<(Bytes, Duration)> {
        let row = self.0.names.row(table, key);
        let mut questions = ::redis::pipe();
        questions.get(&row).pttl(&row);
        let (value, left): (Option<Vec<u8>>, i64) = self.0.link.query(&questions).await?;
        Some((value?.into(), Duration::from_millis(u64::try_from(left).ok()?)))
    }

    /// The state of the connection.
    pub fn state(&self) -> State {
        let shared = &self.0;
        State {
            state: if shared.link.is_up() { "shared" } else { "away" },
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
        // Code that panicked while holding the lock had changed single sums only.
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that this node has not used before.
    fn number(&self) -> u64 {
        self.changes.fetch_add(1, Ordering::Relaxed)
    }

    fn queued(&self, told: Outgoing) -> bool {
        let queued = self.link.is_up() && self.queue.try_send(told).is_ok();
        if !queued {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        queued
    }

    fn row_queued(&self, change: Change) -> bool {
        self.under_way.begins(&change);
        let queued = self.link.is_up() && self.queue.try_send(Outgoing::Row(change.clone())).is_ok();
        if !queued {
            self.under_way.failed(&change);
        }
        queued
    }

    /// Sends row changes that could not be sent before.
    fn flush_backlog(&self) {
        self.missed.rows().hand_out(|change| self.row_queued(Change { number: self.number(), ..change }));
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redis").field(&self.state()).finish()
    }
}
