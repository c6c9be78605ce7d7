//! What an answer means that holds no prices.

use cream_models::{DateRange, Timestamp};
use cream_parser::pull::Pull;
use cream_parser::{ParseError, ParseOptions};

use crate::error::{Failure, RejectedPull};
use crate::retriever::Prepared;
use crate::vendors::Key;
use crate::words::quoted;

/// When that is found out later.
const SOME_TIME: Timestamp = Timestamp::from_seconds(0);

/// What an answer of status 200 means that the parser does not take.
pub(crate) fn of_answer(
    error: ParseError,
    spelling: &str,
    asked: Option<DateRange>,
    pull: &Pull,
) -> Failure {
    let told = refusal(&error, spelling, asked).or_else(|| {
        // A page where JSON was expected may say why.
        let body = &pull.answers.last()?.body;
        let is_page = body.trim_ascii_start().starts_with(b"<");
        let error = cream_parser::parse(body).err().filter(|_| is_page)?;
        refusal(&error, spelling, asked)
            .filter(|failure| !matches!(failure, Failure::NoData { .. }))
    });
    told.unwrap_or_else(|| match error {
        ParseError::VendorError { code, description, .. } => Failure::Refused {
            status: pull.answers.last().map_or(200, |answer| answer.status),
            words: quoted(format!("{code}: {description}").as_bytes()),
        },
        reason => Failure::NotUnderstood { reason, pull: RejectedPull::new(pull.clone()) },
    })
}

/// What the parser recognises as a refusal.
fn refusal(error: &ParseError, spelling: &str, asked: Option<DateRange>) -> Option<Failure> {
    Some(match error {
        ParseError::ConsentPage { .. } => Failure::Consent,
        ParseError::WillBeRightBack { .. } => Failure::Down,
        ParseError::TooManyRequests { .. } => Failure::RateLimited { until: SOME_TIME },
        ParseError::QuotaSpent { words, .. } => {
            Failure::QuotaSpent { until: SOME_TIME, words: words.clone() }
        }
        ParseError::KeyRefused { words, .. } => Failure::KeyRefused { words: words.clone() },
        ParseError::NotInPlan { words, .. } => Failure::NotInPlan { words: words.clone() },
        ParseError::NotFound { description, .. } => Failure::UnknownSymbol {
            spelling: spelling.to_owned(),
            words: quoted(description.as_bytes()),
        },
        ParseError::WrongSymbol { asked, found, .. } => {
            Failure::WrongSymbol { asked: asked.clone(), found: found.clone() }
        }
        ParseError::NoRows { .. } => Failure::NoData { asked },
        _ => return None,
    })
}

/// What an answer of another status means. Its words are looked at first, and then the status.
pub(crate) fn of_status(
    status: u16,
    body: &[u8],
    vendor: &Prepared,
    spelling: &str,
    asked: Option<DateRange>,
) -> Failure {
    let words = quoted(body);
    let about = vendor.source.about();
    let told = || {
        let options = ParseOptions::default().with_vendor(about.vendor);
        let error = cream_parser::parse_with(body, &options).err()?;
        refusal(&error, spelling, asked)
    };
    let has_key = !matches!(about.key, Key::None);
    match status {
        500.. | 408 => Failure::ServerError { status, words },
        429 => match told() {
            Some(Failure::QuotaSpent { until, words }) => Failure::QuotaSpent { until, words },
            _ => Failure::RateLimited { until: SOME_TIME },
        },
        400..500 => match told() {
            // That there are no rows in a refusal goes without saying.
            Some(failure) if !matches!(failure, Failure::NoData { .. }) => failure,
            _ => match status {
                401 if has_key => Failure::KeyRefused { words },
                402 => Failure::NotInPlan { words },
                403 if has_key => Failure::NotInPlan { words },
                // Who has no account and is not let in has asked too much.
                403 => Failure::RateLimited { until: SOME_TIME },
                404 => Failure::UnknownSymbol { spelling: spelling.to_owned(), words },
                _ => Failure::Refused { status, words },
            },
        },
        _ => Failure::Refused { status, words },
    }
}
