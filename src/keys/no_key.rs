//! Why no key is available.

use std::time::Duration;

use crate::error::Error;
use crate::fault::{Blame, Fault, Kind};
use crate::model::ModelName;

/// How long a client should wait while a probe is in flight, since its end cannot be predicted.
pub const A_MOMENT: Duration = Duration::from_secs(1);

/// Why no key is available.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoKey {
    /// No key may serve this model.
    NotAllowed {
        /// The model.
        model: ModelName,
    },
    /// All eligible keys are dead or disabled.
    AllDead,
    /// All eligible keys have been tried.
    AllTried,
    /// All eligible keys are cooling down.
    CoolingDown {
        /// Time until the first one is available again.
        soonest: Duration,
        /// Why that one is cooling down.
        why: Kind,
    },
    /// All eligible keys are cooling down or recovering, and a recovering key accepts no further request yet.
    Recovering {
        /// Why they were cooling down.
        why: Kind,
    },
    /// Other requests are already finding out which keys can answer.
    BeingTried,
    /// The model itself is overloaded, regardless of the key.
    Overloaded {
        /// Time until the model may be tried again.
        soonest: Duration,
    },
}

impl NoKey {
    /// Whether there are usable keys, but each has already been tried.
    pub fn all_tried(&self) -> bool {
        *self == Self::AllTried
    }

    /// After how long it is worth trying again; None if waiting a fixed time does not help.
    pub fn soonest(&self) -> Option<Duration> {
        match self {
            Self::CoolingDown { soonest, .. } | Self::Overloaded { soonest } => Some(*soonest),
            Self::Recovering { .. } => Some(A_MOMENT / 4),
            Self::NotAllowed { .. } | Self::AllDead | Self::AllTried | Self::BeingTried => None,
        }
    }

    /// Of two reasons, returns the more informative one; of two cooldowns, the one that ends sooner.
    pub(super) fn or(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::CoolingDown { soonest: one, .. }, Self::CoolingDown { soonest: two, .. }) if two < one => other,
            _ if other.weight() > self.weight() => other,
            _ => self,
        }
    }

    fn weight(&self) -> u8 {
        match self {
            Self::NotAllowed { .. } => 0,
            Self::AllDead => 1,
            Self::CoolingDown { .. } => 2,
            Self::Recovering { .. } => 3,
            Self::BeingTried => 4,
            Self::AllTried => 5,
            Self::Overloaded { .. } => 6,
        }
    }

    /// Converts the reason into the error sent to the client.
    pub fn into_error(self) -> Error {
        match self {
            Self::NotAllowed { model } => Error::model_not_found(model.as_str()),
            Self::AllDead => Error::from(&Fault::new(Kind::KeyBlocked, Blame::Key, "")),
            Self::AllTried => {
                Error::unavailable("upstream_error", "Every Gemini key was tried, and none could answer.")
            }
            Self::CoolingDown { soonest, why: Kind::ModelNotForKey } => {
                let message = format!(
                    "No configured Gemini key has access to this model. Access is checked again in {}.",
                    spoken(soonest)
                );
                Error::not_found(message).param("model").code("model_not_found")
            }
            Self::CoolingDown { soonest, why } => {
                let message =
                    format!("All Gemini keys for this model {}. Try again in {}.", reason(why), spoken(soonest));
                Error::all_resting(message, soonest)
            }
            Self::Recovering { why } => {
                let message = format!("All Gemini keys for this model {}. Try again in a moment.", reason(why));
                Error::all_resting(message, A_MOMENT)
            }
            Self::BeingTried => {
                Error::all_resting("The Gemini keys are being tested. Try again in a moment.", A_MOMENT)
            }
            Self::Overloaded { soonest } => {
                let message = format!("The model is overloaded. Try again in {}.", spoken(soonest));
                Error { retry_after: Some(soonest), ..Error::unavailable("overloaded", message) }
            }
        }
    }
}

fn reason(why: Kind) -> &'static str {
    match why {
        Kind::DayQuota => "have used up their daily quota",
        Kind::Billing => "have no credit left",
        _ => "are at their rate limit",
    }
}

/// Formats a duration in words, rounded up to whole seconds.
fn spoken(rest: Duration) -> String {
    let seconds = rest.as_secs() + u64::from(rest.subsec_nanos() > 0);
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}
