//! Why there are no prices, and what is to be done about it.

use cream_models::{DateRange, SpellingError, Symbol, Timestamp, Vendor};
use cream_parser::ParseError;
use cream_parser::pull::Pull;

use crate::gate::GateError;

/// Why a vendor gave no prices of a symbol.
///
/// The message names both, tells what happened and what can be done. It holds no secret, and of
/// what the vendor sent no more than some words.
#[derive(Debug, thiserror::Error)]
#[error("{vendor}: {symbol}: {failure}")]
#[non_exhaustive]
pub struct RetrievalError {
    /// Who was asked.
    pub vendor: Vendor,
    /// For what.
    pub symbol: Symbol,
    /// What went wrong.
    #[source]
    pub failure: Failure,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// There is no connection to the vendor, or it was lost before an answer began.
    #[error("the vendor cannot be reached: {reason}; look at the network, or try later")]
    Unreachable {
        /// What the network says.
        reason: String,
    },
    /// The vendor does not prove that it is the vendor.
    #[error(
        "no secure connection: {reason}; look at this machine's clock, and at what stands between \
         it and the vendor"
    )]
    Tls {
        /// What is wrong.
        reason: String,
    },
    /// No answer in time.
    #[error("no answer in time: {doing} took too long; try later, or allow more time")]
    TimedOut {
        /// What took too long.
        doing: &'static str,
    },
    /// The answer was lost on its way.
    #[error("the answer did not come whole: {reason}; try later")]
    Cut {
        /// How.
        reason: String,
    },
    /// The answer is longer than any history.
    #[error("the answer is longer than {limit} bytes; it is not a price history")]
    TooLarge {
        /// How long one may be.
        limit: u64,
    },
    /// The vendor's server has an error.
    #[error("the vendor's server failed with status {status}: {words}; try later")]
    ServerError {
        /// The HTTP status.
        status: u16,
        /// Its words, shortened.
        words: String,
    },
    /// The vendor's service is down, and says so.
    #[error("the vendor's service is down for a while; try later")]
    Down,
    /// The vendor wants to be asked less often.
    #[error("too many requests; the vendor is left alone until {until}, ask it less often")]
    RateLimited {
        /// No request is made before then.
        until: Timestamp,
    },
    /// The vendor gives no more before its quota is renewed.
    #[error(
        "the quota is spent until about {until}: {words}; ask for less, or see to another plan"
    )]
    QuotaSpent {
        /// When it is renewed, as far as is known.
        until: Timestamp,
        /// The vendor's words, shortened.
        words: String,
    },
    /// The vendor is left alone for what it answered before.
    #[error("the vendor is left alone until {until}: {reason}")]
    CircuitOpen {
        /// Until then.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// Our own limit of requests to the vendor is used up.
    #[error("as often asked as is allowed, until {until}; wait, or set other limits")]
    Limited {
        /// Until then.
        until: Timestamp,
        /// Whether requests of the same pull had been made before, whose answers are in vain.
        is_begun: bool,
    },
    /// The vendor asks for consent to its cookies; where it is known how to give it, that did not
    /// help.
    #[error(
        "the vendor shows a page that asks for consent, and no prices; try later or from elsewhere"
    )]
    Consent,
    /// The vendor wants a key and none is set.
    #[error("it needs an API key and none is set; get one at {at} and set it")]
    KeyMissing {
        /// Where there are keys.
        at: &'static str,
    },
    /// The vendor does not take the key.
    #[error("the vendor refuses the API key: {words}; check the key")]
    KeyRefused {
        /// The vendor's words, shortened.
        words: String,
    },
    /// The vendor's plan does not include what was asked for.
    #[error("the plan does not include this: {words}; ask for less, or see to another plan")]
    NotInPlan {
        /// The vendor's words, shortened.
        words: String,
    },
    /// The vendor does not know the symbol.
    #[error(
        "the vendor knows no {spelling:?}: {words}; check the symbol, or give the vendor's own \
         spelling"
    )]
    UnknownSymbol {
        /// The symbol as it was asked for.
        spelling: String,
        /// The vendor's words, shortened.
        words: String,
    },
    /// The vendor has no prices for these dates.
    #[error("no prices {}", within(.asked.as_ref()))]
    NoData {
        /// The dates; `None` for the whole history.
        asked: Option<DateRange>,
    },
    /// The answer is about another symbol.
    #[error(
        "the answer is about {found} but {asked} was asked for; give the symbol in the vendor's \
         own spelling"
    )]
    WrongSymbol {
        /// What was asked for.
        asked: String,
        /// What came.
        found: String,
    },
    /// The vendor sends to somebody else, who is not asked.
    #[error("the vendor redirects to {to}; it is not followed. Look whether the vendor has moved")]
    Redirected {
        /// The host, or what is wrong with the address.
        to: String,
    },
    /// The vendor refuses, for a reason of its own.
    #[error(
        "the vendor refuses with status {status}: {words}; look at its words and at the symbol"
    )]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its words, shortened.
        words: String,
    },
    /// The answer cannot be read.
    #[error("the answer is not understood: {reason}; it is worth keeping and looking at")]
    NotUnderstood {
        /// Why.
        #[source]
        reason: ParseError,
        /// The answers, without secrets, to be archived.
        pull: RejectedPull,
    },
    /// There is no rule for how the vendor spells the symbol.
    #[error(transparent)]
    Spelling(#[from] SpellingError),
    /// Nobody can be asked for this vendor's prices.
    #[error("{0} prices are files of the user's own; nobody can be asked for them")]
    NobodyToAsk(Vendor),
    /// The dates are reversed.
    #[error("the last date {to} is before the first {from}; ask for dates in order")]
    Reversed {
        /// The first date.
        from: cream_models::Date,
        /// The last.
        to: cream_models::Date,
    },
    /// How often the vendor was asked is not known.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// Nobody waits for it any more.
    #[error("given up while waiting")]
    Cancelled,
}

/// A pull that is not understood. `Debug` does not show its answers, which are long.
#[derive(Clone, PartialEq, Eq)]
pub struct RejectedPull(Box<Pull>);

impl RejectedPull {
    pub(crate) fn new(pull: Pull) -> Self {
        Self(Box::new(pull))
    }

    /// The pull.
    #[must_use]
    pub fn into_pull(self) -> Pull {
        *self.0
    }
}

impl std::ops::Deref for RejectedPull {
    type Target = Pull;

    fn deref(&self) -> &Pull {
        &self.0
    }
}

impl AsRef<Pull> for RejectedPull {
    fn as_ref(&self) -> &Pull {
        &self.0
    }
}

impl std::fmt::Debug for RejectedPull {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RejectedPull({} answers)", self.answers.len())
    }
}

fn within(range: Option<&DateRange>) -> String {
    range.map_or_else(
        || "at all; check the symbol, or give the vendor's own spelling".to_owned(),
        |range| format!("within {range}; ask for other dates, or try later"),
    )
}

/// What is to be done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// It may pass by itself.
    RetryLater,
    /// It will not pass, and nobody can do anything about it.
    GiveUp,
    /// A person has to see to it.
    AskPerson,
}

impl RetrievalError {
    /// What is to be done.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        self.failure.advice()
    }

    /// Whether the vendor, or the way to it, is at fault, rather than the question.
    #[must_use]
    pub const fn is_vendors_fault(&self) -> bool {
        self.failure.is_vendors_fault()
    }

    /// Before when another try is in vain.
    #[must_use]
    pub const fn until(&self) -> Option<Timestamp> {
        self.failure.until()
    }

    /// Whether the vendor was not asked because it is not the time for it: nothing was learnt
    /// about the symbol, and the same question is to be put later.
    #[must_use]
    pub const fn is_for_later(&self) -> bool {
        matches!(
            self.failure,
            Failure::Limited { is_begun: false, .. }
                | Failure::CircuitOpen { .. }
                | Failure::Gate(_)
                | Failure::Cancelled
        )
    }
}

impl Failure {
    /// What is to be done.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        match self {
            // It may come whole the next time.
            Self::NotUnderstood { .. } if self.is_passing() => Advice::RetryLater,
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Cut { .. }
            | Self::ServerError { .. }
            | Self::Down
            | Self::RateLimited { .. }
            | Self::QuotaSpent { .. }
            | Self::CircuitOpen { .. }
            | Self::Limited { .. }
            | Self::NoData { asked: Some(_) }
            | Self::Gate(_)
            | Self::Cancelled => Advice::RetryLater,
            Self::UnknownSymbol { .. }
            | Self::NoData { asked: None }
            | Self::NobodyToAsk(_)
            | Self::Reversed { .. } => Advice::GiveUp,
            Self::Tls { .. }
            | Self::TooLarge { .. }
            | Self::Consent
            | Self::KeyMissing { .. }
            | Self::KeyRefused { .. }
            | Self::NotInPlan { .. }
            | Self::WrongSymbol { .. }
            | Self::Redirected { .. }
            | Self::Refused { .. }
            | Self::NotUnderstood { .. }
            | Self::Spelling(_) => Advice::AskPerson,
        }
    }

    /// Whether the vendor, or the way to it, is at fault, rather than the question.
    #[must_use]
    pub const fn is_vendors_fault(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Tls { .. }
                | Self::TimedOut { .. }
                | Self::Cut { .. }
                | Self::TooLarge { .. }
                | Self::ServerError { .. }
                | Self::Down
                | Self::RateLimited { .. }
                | Self::CircuitOpen { .. }
                | Self::Consent
                | Self::Redirected { .. }
                | Self::NotUnderstood { .. }
        )
    }

    /// Before when another try is in vain.
    #[must_use]
    pub const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::RateLimited { until }
            | Self::QuotaSpent { until, .. }
            | Self::CircuitOpen { until, .. }
            | Self::Limited { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// Whether the same request may succeed in a moment.
    pub(crate) const fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Cut { .. }
            | Self::ServerError { .. }
            | Self::Down => true,
            // An answer that ends too early.
            Self::NotUnderstood { reason, .. } => {
                matches!(reason, ParseError::Empty | ParseError::Truncated { .. })
            }
            _ => false,
        }
    }
}
