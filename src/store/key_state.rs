//! Breaker states and key usage: what the key pool reports to be stored on disk or shared with replicas, and what it
//! gets back after a restart or from a peer. Data types only; the rules are the pool's.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::fault::Kind;

/// What a breaker guards. Keys are identified by their id, never by their text.
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
    /// A model, regardless of the key.
    Model(String),
}

/// The state of one breaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerState {
    /// What it guards.
    pub scope: Scope,
    /// Increases with each change of state.
    pub epoch: u64,
    /// Cooldowns in a row.
    pub strikes: u32,
    /// The end of its cooldown; None if it is not cooling down.
    pub until: Option<Timestamp>,
    /// Whether only an operator, a probe or a configuration change brings it back.
    pub dead: bool,
    /// Whether an operator has disabled it.
    pub disabled: bool,
    /// The fault that caused the state.
    pub why: Option<Kind>,
    /// The quota Google named.
    pub quota_id: Option<String>,
}

/// Usage of one key, for one model, on one Google day. Amounts are increments, not totals.
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
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// Completion tokens.
    pub completion_tokens: u64,
}

impl Used {
    /// Whether this is usage by a client, not of a key: it is stored and shared in the same way, under an id that no
    /// key can have.
    pub fn is_clients(&self) -> bool {
        self.key.starts_with(CLIENT)
    }
}

/// First character of client ids.
pub const CLIENT: char = '@';

/// Stores or shares changes. Called while requests are served, in the order of the changes and while no other change to
/// the keys can happen. So it must not block and must not call the ledger; slow work belongs on another thread.
pub trait Observer: Send + Sync {
    /// Reports that a breaker has changed.
    fn breaker_changed(&self, standing: &BreakerState);

    /// Reports usage.
    fn used(&self, used: &Used);
}

/// The owner of the breakers, as seen by the code that stores or shares their states. Never called while requests are
/// served.
pub trait StateOwner: Send + Sync {
    /// Merges breaker states from elsewhere or from before a restart.
    fn learn(&self, breaker_states: &[BreakerState]);

    /// Adds usage from elsewhere or from before a restart.
    fn recall(&self, used: &[Used]);

    /// The states of all breakers that have ever changed.
    fn breaker_states(&self) -> Vec<BreakerState>;
}
