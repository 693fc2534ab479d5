//! One connection's life: everything is told and asked once, then what changes.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, Msg, RedisError, Script};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Shared;
use super::changes::Changes;
use super::usage::{Known, amounts, name, parse, text};
use super::word::Word;

use crate::store::{Holder, Used};

/// Longest time to connect.
const CONNECT: Duration = Duration::from_millis(200);
/// Longest time for one operation. Requests wait for none of them.
const OPERATION: Duration = Duration::from_millis(500);
/// How often is asked what has changed, for what was published and got lost; and what others have used.
const POLL: Duration = Duration::from_millis(500);
/// Changes are asked for again from so long before the last answer: some may have been made while it was given.
const OVERLAP: i64 = 2_000;
/// How long words about breakers are kept.
const STANDINGS_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long a day's sums are kept.
const USAGE_KEPT: Duration = Duration::from_secs(3 * 24 * 3600);
/// Words in one operation: others have their turn in between.
const AT_ONCE: usize = 100;

/// All keys begin so, and are on one node of a cluster.
const STANDINGS: [&str; 2] = ["{gemini-adapter}:standings", "{gemini-adapter}:changed"];
const CHANNEL: &str = "{gemini-adapter}:news";
const USAGE: &str = "{gemini-adapter}:usage";

/// What outlives a connection.
pub struct Session<'a> {
    pub client: &'a Client,
    pub shared: &'a Shared,
    pub holder: &'a dyn Holder,
    pub known: &'a mut Known,
    pub scripts: &'a Scripts,
}

/// What the server does for us in one go.
pub struct Scripts {
    standings: Script,
    changed: Script,
    usage: Script,
}

impl Default for Scripts {
    fn default() -> Self {
        Self {
            standings: Script::new(include_str!("standings.lua")),
            changed: Script::new(include_str!("changed.lua")),
            usage: Script::new(include_str!("usage.lua")),
        }
    }
}

/// Why a session ended.
pub enum Ended {
    /// It was told to, and has sent everything.
    Told,
    /// The server failed.
    Failed(RedisError),
}

impl From<RedisError> for Ended {
    fn from(error: RedisError) -> Self {
        Self::Failed(error)
    }
}

impl Session<'_> {
    /// Until it is told to end, or something fails. Calls `works` once everything was told and asked.
    pub async fn run(mut self, works: impl FnOnce()) -> Ended {
        match self.go(works).await {
            Ok(()) => Ended::Told,
            Err(error) => Ended::Failed(error),
        }
    }

    async fn go(&mut self, works: impl FnOnce()) -> Result<(), RedisError> {
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(OPERATION));
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        // Whoever listens first misses nothing that changes while all is asked for.
        let mut news = Box::pin(in_time(self.listen()).await?);
        self.tell(&mut connection, self.everything()).await?;
        let mut asked = self.ask(&mut connection, 0).await?;
        self.use_up(&mut connection).await?;
        works();
        let mut poll = interval(POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let ending = self.shared.is_ending();
            let changes = self.shared.take_standings();
            self.tell(&mut connection, changes).await?;
            if ending {
                return self.use_up(&mut connection).await;
            }
            tokio::select! {
                () = self.shared.wake.notified() => {}
                message = news.next() => {
                    let message = message.ok_or((ErrorKind::Io, "the channel was closed"))?;
                    self.hear(&message);
                }
                _ = poll.tick() => {
                    asked = self.ask(&mut connection, asked - OVERLAP).await?;
                    self.use_up(&mut connection).await?;
                }
            }
        }
    }

    async fn listen(&self) -> Result<impl Stream<Item = Msg> + use<>, RedisError> {
        let mut news = self.client.get_async_pubsub().await?;
        news.subscribe(CHANNEL).await?;
        Ok(news.into_on_message())
    }

    /// What this replica knows, and what waited while there was no connection.
    fn everything(&self) -> Changes {
        let mut changes = self.shared.take_standings();
        self.holder.standings().iter().for_each(|standing| changes.stands(standing));
        changes
    }

    /// Tells how breakers stand. What could not be told is told at the next beginning, with everything else.
    async fn tell(&self, connection: &mut MultiplexedConnection, changes: Changes) -> Result<(), RedisError> {
        let now = Timestamp::now();
        let standings: Vec<_> = changes.standings.values().collect();
        for some in standings.chunks(AT_ONCE) {
            let mut call = self.scripts.standings.key(&STANDINGS[..]);
            call.arg(CHANNEL).arg(milliseconds(STANDINGS_KEPT));
            for standing in some {
                let word = serde_json::to_string(&Word::of(standing, now)).unwrap_or_default();
                call.arg(standing.scope.to_string()).arg(word);
            }
            call.invoke_async::<i64>(connection).await?;
        }
        Ok(())
    }

    /// Learns what has changed since; what time it is there.
    async fn ask(&self, connection: &mut MultiplexedConnection, since: i64) -> Result<i64, RedisError> {
        let mut call = self.scripts.changed.key(&STANDINGS[..]);
        let mut answer: Vec<String> = call.arg(since).invoke_async(connection).await?;
        let words = answer.split_off(answer.len().min(1));
        self.learn(words.iter().map(String::as_str));
        Ok(answer.first().and_then(|now| now.parse().ok()).unwrap_or(since))
    }

    fn hear(&self, message: &Msg) {
        let word: Option<String> = message.get_payload().ok();
        self.learn(word.as_deref().into_iter());
    }

    /// Words that nobody here understands, of a newer version perhaps, are passed over.
    fn learn<'w>(&self, words: impl Iterator<Item = &'w str>) {
        let now = Timestamp::now();
        let words = words.filter_map(|word| serde_json::from_str::<Word>(word).ok());
        let standings: Vec<_> = words.map(|word| word.standing(now)).collect();
        if !standings.is_empty() {
            self.holder.learn(&standings);
        }
    }

    /// Tells what was used here, and learns what was used elsewhere, on the days of which there is something to tell and on
    /// Google's.
    async fn use_up(&mut self, connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
        let mut days: BTreeMap<Date, Vec<Used>> = BTreeMap::from([(google_day(), Vec::new())]);
        for used in self.shared.take_used() {
            days.entry(used.day).or_default().push(used);
        }
        while let Some((day, used)) = days.pop_first() {
            if let Err(error) = self.use_up_day(connection, day, &used).await {
                // Whether the server has counted it nobody knows: a quota that is counted twice does no harm.
                self.shared.put_back(used.into_iter().chain(days.into_values().flatten()));
                return Err(error);
            }
        }
        self.known.forget_before(google_day().checked_sub(1.day()).unwrap_or(Date::MIN));
        Ok(())
    }

    async fn use_up_day(
        &mut self,
        connection: &mut MultiplexedConnection,
        day: Date,
        used: &[Used],
    ) -> Result<(), RedisError> {
        let mut call = self.scripts.usage.key(format!("{USAGE}:{day}"));
        call.arg(milliseconds(USAGE_KEPT));
        for used in used {
            let name = name(used);
            call.arg(&name).arg(text(self.known.sum(day, &name))).arg(text(amounts(used)));
        }
        let all: Vec<(String, String)> = call.invoke_async(connection).await?;
        used.iter().for_each(|used| self.known.sent(used));
        let news: Vec<Used> = all.iter().filter_map(|(name, all)| self.known.heard(day, name, parse(all)?)).collect();
        if !news.is_empty() {
            self.holder.recall(&news);
        }
        Ok(())
    }
}

async fn in_time<T>(operation: impl Future<Output = Result<T, RedisError>>) -> Result<T, RedisError> {
    let late = || RedisError::from((ErrorKind::Io, "it took too long"));
    timeout(CONNECT + OPERATION, operation).await.unwrap_or_else(|_| Err(late()))
}

/// Where Google counts its days.
fn google_day() -> Date {
    let now = Timestamp::now();
    now.in_tz("America/Los_Angeles").map_or_else(|_| TimeZone::UTC.to_datetime(now).date(), |local| local.date())
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
