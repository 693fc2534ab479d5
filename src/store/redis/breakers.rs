//! Breaker states in Redis: how they are published and received. A cooldown is sent as the time left, so that clocks
//! need not agree.

use std::sync::LazyLock;
use std::time::Duration;

use ::redis::{Script, ScriptInvocation};
use jiff::Timestamp;
use serde::Deserialize;

use super::Names;
use crate::fault::Kind;
use crate::store::{BreakerState, Scope};

/// How long a state is kept after it was last published.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

static STAND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("stand.lua")));
static SINCE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("since.lua")));

/// A breaker state, as the scripts represent it.
#[derive(Debug, Deserialize)]
pub struct Line {
    /// The scope.
    k: String,
    /// The node that published it.
    pub n: String,
    e: u64,
    s: u32,
    /// What is left of the cooldown, in milliseconds.
    r: i64,
    d: bool,
    x: bool,
    w: String,
    q: String,
}

impl Line {
    /// Parses a line.
    pub fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// The breaker state, for a node whose wall clock shows `now`.
    pub fn state(self, now: Timestamp) -> Option<BreakerState> {
        let rests = self.r > 0 && !self.d;
        let until =
            rests.then(|| now.saturating_add(Duration::from_millis(self.r.unsigned_abs())).unwrap_or(Timestamp::MAX));
        Some(BreakerState {
            scope: scope_of(&self.k)?,
            epoch: self.e,
            strikes: self.s,
            until,
            dead: self.d,
            disabled: self.x,
            why: Kind::named(&self.w),
            quota_id: Some(self.q).filter(|id| !id.is_empty()),
        })
    }

    /// Whether it says more than the published state: another node knew better.
    pub fn is_news_to(&self, told: &BreakerState) -> bool {
        self.e > told.epoch || (self.e == told.epoch && (self.d && !told.dead || self.x && !told.disabled))
    }
}

/// Publishes the state of a breaker.
pub fn publish<'a>(names: &Names, standing: &BreakerState, now: Timestamp) -> ScriptInvocation<'a> {
    let rest = standing.until.map_or(0, |until| until.as_millisecond().saturating_sub(now.as_millisecond()).max(0));
    let mut call = STAND.prepare_invoke();
    call.key(names.of("standings")).key(names.of("changed")).key(names.of("version"));
    call.arg(key_of(&standing.scope)).arg(&names.node).arg(standing.epoch).arg(standing.strikes).arg(rest);
    call.arg(u8::from(standing.dead)).arg(u8::from(standing.disabled)).arg(standing.why.map_or("", Kind::name));
    call.arg(standing.quota_id.as_deref().unwrap_or_default()).arg(names.of("news")).arg(millis(KEPT));
    call
}

/// Queries what has changed since a version.
pub fn since<'a>(names: &Names, version: i64) -> ScriptInvocation<'a> {
    let mut call = SINCE.prepare_invoke();
    for name in ["standings", "changed", "version", "era", "nodes"] {
        call.key(names.of(name));
    }
    let era = format!("{:016x}", fastrand::u64(..));
    call.arg(version).arg(&names.node).arg(era).arg(millis(KEPT));
    call
}

pub fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Separates the names in a scope; no name contains it.
const SEPARATOR: char = '\u{1f}';

/// The name of a scope.
pub fn key_of(scope: &Scope) -> String {
    match scope {
        Scope::Key(id) => format!("key{SEPARATOR}{id}"),
        Scope::Quota { group, model } => format!("quota{SEPARATOR}{group}{SEPARATOR}{model}"),
        Scope::Model(model) => format!("model{SEPARATOR}{model}"),
    }
}

fn scope_of(key: &str) -> Option<Scope> {
    let mut words = key.split(SEPARATOR);
    Some(match (words.next()?, words.next()?, words.next()) {
        ("key", id, None) => Scope::Key(id.to_owned()),
        ("quota", group, Some(model)) => Scope::Quota { group: group.to_owned(), model: model.to_owned() },
        ("model", model, None) => Scope::Model(model.to_owned()),
        _ => return None,
    })
}
