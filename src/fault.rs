//! What went wrong upstream, whose fault it is, and what next. Blame decides: only faults of a key, or of a quota
//! group for a model, move a key's state; a client's bad request never cools a key; unknown blames nobody.

use std::time::Duration;

use bytes::Bytes;

/// Who is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The request itself: it fails on every key.
    Request,
    /// The client went away.
    Client,
    /// This key, for every model: invalid, blocked, out of money.
    Key,
    /// The quota group of this key, for this model.
    Quota,
    /// The model, whatever the key: overloaded.
    Model,
    /// The way to Google: DNS, connection, TLS, a proxy.
    Endpoint,
    /// Ourselves: a plugin, a translation.
    Ours,
}

/// What went wrong. A closed set: it labels metrics and key states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Google refuses the request as it is.
    BadRequest,
    /// More tokens than the model takes.
    ContextLength,
    /// Google holds its answer back, for safety or for rights.
    Withheld,
    /// No such model, or not for this method.
    ModelNotFound,
    /// The model exists, but not for this key (closed to new users, not on its tier).
    ModelNotForKey,
    /// A file or cached content of another project.
    NotOwned,
    /// Google does not know this key, or it expired.
    KeyInvalid,
    /// Google knows the key and will not serve it: leaked, suspended, restricted, service off.
    KeyBlocked,
    /// This key may not be used from where we are.
    Location,
    /// The billing account is empty.
    Billing,
    /// A per-minute quota, or a quota without further words.
    RateLimited,
    /// A per-day quota.
    DayQuota,
    /// The model is overloaded.
    Overloaded,
    /// Google failed inside (500, 502, 504).
    UpstreamError,
    /// No connection to Google.
    Unreachable,
    /// Google took too long.
    Timeout,
    /// An answer that is no answer: HTML, truncated JSON, nothing at all.
    BrokenAnswer,
    /// A stream that ended without a finish reason.
    Truncated,
    /// A status nobody has described.
    Unknown,
}

impl Kind {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::BadRequest,
        Self::ContextLength,
        Self::ModelNotFound,
        Self::ModelNotForKey,
        Self::NotOwned,
        Self::KeyInvalid,
        Self::KeyBlocked,
        Self::Location,
        Self::Billing,
        Self::RateLimited,
        Self::DayQuota,
        Self::Overloaded,
        Self::UpstreamError,
        Self::Unreachable,
        Self::Timeout,
        Self::BrokenAnswer,
        Self::Truncated,
        Self::Unknown,
    ];

    /// The name for labels and states: `snake_case`, stable.
    pub fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::ContextLength => "context_length",
            Self::Withheld => "withheld",
            Self::ModelNotFound => "model_not_found",
            Self::ModelNotForKey => "model_not_for_key",
            Self::NotOwned => "not_owned",
            Self::KeyInvalid => "key_invalid",
            Self::KeyBlocked => "key_blocked",
            Self::Location => "location",
            Self::Billing => "billing",
            Self::RateLimited => "rate_limited",
            Self::DayQuota => "day_quota",
            Self::Overloaded => "overloaded",
            Self::UpstreamError => "upstream_error",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::BrokenAnswer => "broken_answer",
            Self::Truncated => "truncated",
            Self::Unknown => "unknown",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// What to try next, as long as nothing has reached the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Nothing: the same would happen again.
    Never,
    /// Another key, at once.
    OtherKey,
    /// Any key, after a pause with jitter.
    AfterPause,
}

/// What may be done about a request that Google refuses: each once, on the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Say nothing about thinking: this model takes no word of it, or not this one.
    NoThinking,
    /// Leave signatures to Google's placeholder: one that was sent is not this model's.
    PlaceholderSignatures,
}

/// Remedies that are in use for a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remedies {
    /// Nothing is said about thinking.
    pub no_thinking: bool,
    /// Signatures are left to Google's placeholder.
    pub placeholder_signatures: bool,
}

impl Remedies {
    /// Takes one into use; false when it was already.
    pub fn add(&mut self, remedy: Remedy) -> bool {
        let place = match remedy {
            Remedy::NoThinking => &mut self.no_thinking,
            Remedy::PlaceholderSignatures => &mut self.placeholder_signatures,
        };
        !std::mem::replace(place, true)
    }
}

/// One failure of one upstream attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What went wrong.
    pub kind: Kind,
    /// Who is to blame.
    pub blame: Blame,
    /// How long Google says to wait; fractions kept.
    pub retry_after: Option<Duration>,
    /// The HTTP status Google answered with, if it answered.
    pub status: Option<u16>,
    /// Google's own words, free of keys; or ours when there are none. Fit for the client.
    pub message: String,
    /// The quota Google names: `GenerateRequestsPerDayPerProjectPerModel-FreeTier`.
    pub quota_id: Option<String>,
    /// How much that quota allows.
    pub quota_value: Option<u64>,
    /// What may be done about it.
    pub remedy: Option<Remedy>,
    /// What Google answered.
    pub said: Option<Said>,
}

/// An answer of Google's, free of the key it came to. It may quote the request, and so shows nothing of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Said(pub Bytes);

impl std::fmt::Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Fault {
    /// A fault with neither hint nor status.
    pub fn new(kind: Kind, blame: Blame, message: impl Into<String>) -> Self {
        Self {
            kind,
            blame,
            retry_after: None,
            status: None,
            message: message.into(),
            quota_id: None,
            quota_value: None,
            remedy: None,
            said: None,
        }
    }

    /// The one question the retry loop asks.
    pub fn retry(&self) -> Retry {
        match self.kind {
            Kind::KeyInvalid
            | Kind::KeyBlocked
            | Kind::Location
            | Kind::Billing
            | Kind::RateLimited
            | Kind::DayQuota
            | Kind::ModelNotForKey => Retry::OtherKey,
            Kind::Overloaded | Kind::UpstreamError | Kind::Unreachable | Kind::Timeout | Kind::BrokenAnswer => {
                Retry::AfterPause
            }
            // A stream that breaks before its first content is as good as a broken answer; the pipeline never asks later.
            Kind::Truncated => Retry::AfterPause,
            Kind::BadRequest
            | Kind::ContextLength
            | Kind::Withheld
            | Kind::ModelNotFound
            | Kind::NotOwned
            | Kind::Unknown => Retry::Never,
        }
    }
}
