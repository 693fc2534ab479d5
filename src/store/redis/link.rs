//! The connection to Redis: every call has a time limit, Redis is left alone when it fails, and a single task
//! reconnects.
//! Never: a request that waits for a connection.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ::redis::aio::MultiplexedConnection;
use ::redis::{
    AsyncConnectionConfig, Client, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, ScriptInvocation,
    ServerErrorKind,
};
use arc_swap::ArcSwapOption;
use tokio::sync::watch;
use tokio::time::timeout;

use super::breaker::Breaker;

/// Time limit for opening a connection and for its first exchange.
pub const CONNECT: Duration = Duration::from_millis(200);

/// The connection to Redis.
pub struct Link {
    client: Client,
    /// Time limit of a single call.
    cap: Duration,
    connection: ArcSwapOption<MultiplexedConnection>,
    breaker: Mutex<Breaker>,
    /// Why there is no connection, once that was logged.
    away: Mutex<Option<String>>,
    start: Instant,
    /// Whether the connection is up. The keeper waits for it to go down, the listener for both.
    stands: watch::Sender<bool>,
    /// Calls that were answered, and calls that were not.
    pub answered: AtomicU64,
    pub failed: AtomicU64,
}

impl Link {
    /// A link to this address; opens no connection yet.
    ///
    /// # Errors
    /// If the address is not valid.
    pub fn new(url: &str, cap: Duration) -> RedisResult<Self> {
        Ok(Self {
            client: Client::open(url)?,
            cap,
            connection: ArcSwapOption::empty(),
            breaker: Mutex::default(),
            away: Mutex::default(),
            start: Instant::now(),
            stands: watch::Sender::new(false),
            answered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        })
    }

    /// Whether the connection is up.
    pub fn is_up(&self) -> bool {
        *self.stands.borrow()
    }

    /// Signals when the connection comes up and when it goes down.
    pub fn watch(&self) -> watch::Receiver<bool> {
        self.stands.subscribe()
    }

    /// The client, for a separate connection that receives published messages.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Calls a script. Returns None if there is no answer within the time limit, for whatever reason.
    pub async fn call<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Option<T> {
        let mut connection = self.connection()?;
        self.judged(timeout(self.cap, script.invoke_async(&mut connection)).await.ok())
    }

    /// Runs plain commands, with the same result as `call`.
    pub async fn query<T: FromRedisValue>(&self, questions: &Pipeline) -> Option<T> {
        let mut connection = self.connection()?;
        self.judged(timeout(self.cap, questions.query_async(&mut connection)).await.ok())
    }

    fn connection(&self) -> Option<MultiplexedConnection> {
        self.connection.load().as_deref().cloned()
    }

    fn judged<T>(&self, answer: Option<RedisResult<T>>) -> Option<T> {
        let why = match answer {
            Some(Ok(answer)) => {
                self.answered.fetch_add(1, Ordering::Relaxed);
                return Some(answer);
            }
            Some(Err(error)) if useless(&error) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                self.lose(&describe(&error));
                return None;
            }
            Some(Err(error)) => describe(&error),
            None => "no answer in time".to_owned(),
        };
        self.failed.fetch_add(1, Ordering::Relaxed);
        if self.breaker().failed(self.start.elapsed()) {
            self.lose(&why);
        }
        None
    }

    /// Gives up the connection.
    fn lose(&self, why: &str) {
        self.connection.store(None);
        self.stands.send_replace(false);
        self.missing(why);
    }

    /// Logs why there is no connection: once, until there is one again.
    pub fn missing(&self, why: &str) {
        let mut away = self.away();
        if away.is_none() {
            tracing::warn!(why, "Redis is unreachable: this replica works alone");
        }
        *away = Some(why.to_owned());
    }

    /// Why there is no connection.
    pub fn why(&self) -> Option<String> {
        self.away().clone()
    }

    /// Opens a connection, whose first exchange is up to the caller.
    pub async fn open(&self) -> Result<MultiplexedConnection, String> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(None);
        let opened = timeout(2 * CONNECT, self.client.get_multiplexed_async_connection_with_config(&config)).await;
        opened.map_err(|_| "no answer in time".to_owned())?.map_err(|error| describe(&error))
    }

    /// Takes an open connection into use.
    pub fn install(&self, connection: MultiplexedConnection) {
        self.breaker().back();
        self.connection.store(Some(connection.into()));
        *self.away() = None;
        self.stands.send_replace(true);
        tracing::info!("connected to Redis: state is shared");
    }

    /// Records that the connection has worked for a while.
    pub fn healthy(&self) {
        self.breaker().healthy();
    }

    /// The pause before reconnecting.
    pub fn pause(&self) -> Duration {
        self.breaker().pause(fastrand::f64())
    }

    fn away(&self) -> MutexGuard<'_, Option<String>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leaves out the address, which may contain a password.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("up", &self.is_up()).finish_non_exhaustive()
    }
}

/// Whether the connection is of no more use: it is broken, or leads to a server that accepts no writes.
fn useless(error: &RedisError) -> bool {
    let server = matches!(
        error.kind(),
        ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown)
    );
    server || error.is_connection_dropped() || error.is_unrecoverable_error()
}

/// What went wrong, without the data that was sent.
pub fn describe(error: &RedisError) -> String {
    error.code().map_or_else(|| error.category().to_owned(), str::to_owned)
}
