//! How breakers stand, and what keys have used: what the key pool tells whoever remembers it, on disk or among replicas, and
//! what it is told again after a restart or by a peer. Words only; the rules are the pool's.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::fault::Kind;

/// What a breaker guards. Keys go by their id, never by their text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A key, for every model.
    Key(String),
    /// A quota group, for one model.
    Quota {
        /// The group.
        group: String,
        /// The model.
        model: String,
    },
    /// A model, whatever the key.
    Model(String),
}

/// How one breaker stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerState {
    /// What it guards.
    pub scope: Scope,
    /// Goes up with each change of state.
    pub epoch: u64,
    /// Rests in a row.
    pub strikes: u32,
    /// The end of its rest; None when it does not rest.
    pub until: Option<Timestamp>,
    /// Whether only an operator, a probe or another configuration brings it back.
    pub dead: bool,
    /// Whether an operator has taken it out of use.
    pub disabled: bool,
    /// The fault that led to it.
    pub why: Option<Kind>,
    /// The quota Google named.
    pub quota_id: Option<String>,
}

/// What was used on one key, for one model, on one of Google's days. Amounts are additions, not sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// The key's id.
    pub key: String,
    /// The model.
    pub model: String,
    /// The day in Los Angeles.
    pub day: Date,
    /// Requests sent.
    pub requests: u64,
    /// Those that failed by the key's or its quota's fault.
    pub failures: u64,
    /// Tokens of prompts.
    pub prompt_tokens: u64,
    /// Tokens of answers.
    pub completion_tokens: u64,
}

impl Used {
    /// Whether it was used by a client, whose id no key can have, and not on a key: it is remembered and shared in the same way.
    pub fn is_clients(&self) -> bool {
        self.key.starts_with(CLIENT)
    }
}

/// What the ids of clients begin with.
pub const CLIENT: char = '@';

/// Whoever remembers. Called where requests are served, in the order of what happens and while nothing else can happen to the
/// keys: so it must not wait, and not ask the ledger; whatever takes time is for another thread.
pub trait Observer: Send + Sync {
    /// A breaker has changed.
    fn breaker_changed(&self, standing: &BreakerState);

    /// Something was used.
    fn used(&self, used: &Used);
}

/// Whoever holds the breakers themselves, as those who remember them see it. Never called where requests are served.
pub trait StateOwner: Send + Sync {
    /// Takes in how breakers stand elsewhere, or stood before a restart.
    fn learn(&self, breaker_states: &[BreakerState]);

    /// Adds what was used before a restart, or elsewhere.
    fn recall(&self, used: &[Used]);

    /// How all breakers stand that have ever changed.
    fn breaker_states(&self) -> Vec<BreakerState>;
}
