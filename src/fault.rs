//! What went wrong upstream, who is to blame, and what to do next. Blame decides: only faults of a key, or of a quota
//! group for a model, change the state of a key; a client's bad request never cools down a key; an unknown fault blames
//! no key.

use std::time::Duration;

use bytes::Bytes;

/// Who is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The request itself: it fails with every key.
    Request,
    /// The client disconnected.
    Client,
    /// This key, for every model: invalid, blocked, without credit.
    Key,
    /// The quota group of this key, for this model.
    Quota,
    /// The model, regardless of the key: overloaded.
    Model,
    /// The path to Google: DNS, connection, TLS, a proxy.
    Endpoint,
    /// This program: a plugin, a translation.
    Internal,
}

/// What went wrong. A closed set: used as labels of metrics and in key states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Google rejects the request as it is.
    BadRequest,
    /// More tokens than the model accepts.
    ContextLength,
    /// Google withholds its answer, for safety or for copyright reasons.
    Withheld,
    /// There is no such model, or it does not support this method.
    ModelNotFound,
    /// The model exists, but not for this key (closed to new users, not on its tier).
    ModelNotForKey,
    /// A file or cached content that belongs to another project.
    NotOwned,
    /// Google does not know this key, or the key has expired.
    KeyInvalid,
    /// Google knows the key but does not serve it: leaked, suspended, restricted, service disabled.
    KeyBlocked,
    /// This key must not be used from our location.
    Location,
    /// The billing account has no credit.
    Billing,
    /// A per-minute quota, or a quota without further details.
    RateLimited,
    /// A per-day quota.
    DayQuota,
    /// The model is overloaded.
    Overloaded,
    /// An internal error at Google (500, 502, 504).
    UpstreamError,
    /// No connection to Google.
    Unreachable,
    /// Google took too long.
    Timeout,
    /// An invalid answer: HTML, truncated JSON, or nothing.
    BrokenAnswer,
    /// A stream that ended without a finish reason.
    Truncated,
    /// A status that is not documented.
    Unknown,
}

impl Kind {
    /// The kinds that [`Kind::named`] finds.
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
        Self::Withheld,
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

    /// The kind with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// What to try next, as long as nothing has been sent to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Nothing: a retry would fail in the same way.
    Never,
    /// Another key, immediately.
    OtherKey,
    /// Any key, after a pause with jitter.
    AfterPause,
}

/// What to change in a request that Google rejected: each remedy once, on the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Send no thinking settings: this model accepts none, or not these.
    NoThinking,
    /// Replace signatures by Google's placeholder: one that was sent is not from this model.
    PlaceholderSignatures,
}

/// Remedies applied to a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remedies {
    /// No thinking settings are sent.
    pub no_thinking: bool,
    /// Signatures are replaced by Google's placeholder.
    pub placeholder_signatures: bool,
}

impl Remedies {
    /// Applies a remedy; returns false if it was applied already.
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
    /// How long Google says to wait, including fractions of a second.
    pub retry_after: Option<Duration>,
    /// The HTTP status Google answered with, if it answered.
    pub status: Option<u16>,
    /// Google's own message, without keys, or ours if there is none. May be shown to the client.
    pub message: String,
    /// The quota that Google names: `GenerateRequestsPerDayPerProjectPerModel-FreeTier`.
    pub quota_id: Option<String>,
    /// The limit of that quota.
    pub quota_value: Option<u64>,
    /// What to change in the request, if anything helps.
    pub remedy: Option<Remedy>,
    /// Google's answer.
    pub said: Option<UpstreamBody>,
}

/// An answer from Google, without the key it was sent to. It may quote the request, so `Debug` does not show its
/// content.
#[derive(Clone, PartialEq, Eq)]
pub struct UpstreamBody(pub Bytes);

impl std::fmt::Debug for UpstreamBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Fault {
    /// A fault without a hint or a status.
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

    /// What the retry loop may do about it.
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
            // A stream that breaks off before its first content equals a broken answer; the pipeline does not retry
            // later.
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
