//! What is kept of pulling from vendors: how a pull ended, how each vendor fares, and how often it
//! may be asked.

use cream_models::{Timestamp, Vendor};

use crate::types::StockId;

/// What a server said of a whole answer by which it knows it again (RFC 9110, "Validator Fields").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    /// The URL that was asked, without any key: they hold for no other.
    pub url: String,
    /// The ETag, as it was sent.
    pub etag: Option<String>,
    /// The Last-Modified, as it was sent.
    pub last_modified: Option<String>,
}

impl Validators {
    /// As they are stored, as the schema's constraints have it. A text that is cut short would be
    /// another, so that one which is too long is left out; the next request is not conditional.
    pub(crate) fn storable(&self) -> Option<Self> {
        let fits = |text: &String, limit| {
            !text.is_empty() && !text.contains('\0') && text.chars().count() <= limit
        };
        let Self { url, etag, last_modified } = self;
        let etag = etag.clone().filter(|text| fits(text, 1024));
        let last_modified = last_modified.clone().filter(|text| fits(text, 128));
        let is_known = fits(url, 2048) && (etag.is_some() || last_modified.is_some());
        is_known.then(|| Self { url: url.clone(), etag, last_modified })
    }
}

/// How the last pull of a stock ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PullStatus {
    /// It was not pulled since it is tracked.
    Pending,
    /// It gave an answer that holds what was asked for.
    Success,
    /// It failed.
    Failed,
    /// It is not pulled any more, with a reason.
    Disabled,
}

impl PullStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Success, Self::Failed, Self::Disabled];

    /// The name in the database and in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Disabled => "disabled",
        }
    }

    /// The status of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// A pull that was done, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRecord {
    /// The stock.
    pub stock_id: StockId,
    /// From whom.
    pub vendor: Vendor,
    /// The vendor's name for it, of 1 to 64 characters.
    pub vendor_symbol: String,
    /// When it was done.
    pub at: Timestamp,
    /// What makes the next request a conditional one, or why it failed, for a person.
    pub result: Result<Option<Validators>, String>,
}

/// Whether a request may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Now; it is counted.
    Now,
    /// Not before then, which lies in the future; nothing is counted. Others may be faster, so
    /// that it is to be asked again then.
    At(Timestamp),
}

/// How a vendor fares, as all workers together know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VendorState {
    /// Requests in a row that failed by the vendor's fault.
    pub failures: u32,
    /// No request is made before then.
    pub blocked_until: Option<Timestamp>,
    /// Why, for a person.
    pub reason: Option<String>,
}

/// So many characters of a message for a person are kept.
const MESSAGE: usize = 1000;

/// A message as it is stored.
pub(crate) fn bounded(message: &str) -> String {
    cut(message, MESSAGE)
}

/// A text of at most `limit` characters, above 0, as it is stored.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    let is_long = text.chars().nth(limit).is_some();
    let kept = if is_long { limit.saturating_sub(1) } else { limit };
    let end = is_long.then_some('…');
    // PostgreSQL can hold no U+0000.
    let plain = |c| if c == '\0' { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().take(kept).chain(end).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_read_back() {
        for status in PullStatus::ALL {
            assert_eq!(PullStatus::from_name(status.name()), Some(status));
        }
        assert_eq!(PullStatus::from_name("parsed"), None);
    }

    #[test]
    fn a_message_is_cut_to_what_the_schema_takes() {
        assert_eq!(bounded("a\0b"), "a\u{fffd}b");
        assert_eq!(bounded(&"ü".repeat(1000)), "ü".repeat(1000));
        assert_eq!(bounded(&"ü".repeat(1001)), format!("{}…", "ü".repeat(999)));
    }

    #[test]
    fn validators_are_whole_or_left_out() {
        let of = |url: usize, etag: Option<usize>, last_modified: Option<usize>| {
            let text = |len| "x".repeat(len);
            let validators = Validators {
                url: text(url),
                etag: etag.map(text),
                last_modified: last_modified.map(text),
            };
            validators.storable().map(|v| (v.etag.is_some(), v.last_modified.is_some()))
        };
        assert_eq!(of(2048, Some(1024), Some(128)), Some((true, true)));
        assert_eq!(of(1, Some(1025), Some(128)), Some((false, true)));
        assert_eq!(of(1, Some(1), Some(0)), Some((true, false)));
        for nothing in [of(2049, Some(1), None), of(0, Some(1), None), of(1, None, Some(129))] {
            assert_eq!(nothing, None);
        }
    }
}
