//! What vendors say in headers and in words.

use std::time::Duration;

use cream_models::{Date, Timestamp};

/// So many characters of a vendor's words are quoted.
const QUOTED: usize = 160;

/// A vendor's words on one line, shortened, without the tags of a page.
pub(crate) fn quoted(body: &[u8]) -> String {
    // Nothing of interest stands further down.
    let start = String::from_utf8_lossy(body.get(..8192).unwrap_or(body)).into_owned();
    let text = if start.trim_start().starts_with('<') { without_tags(&start) } else { start };
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = text.chars().map(visible).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
        None if text.is_empty() => "without a word".to_owned(),
        None => format!("{text:?}"),
    }
}

fn without_tags(page: &str) -> String {
    let mut out = String::new();
    let mut rest = page;
    while let Some((before, tag)) = rest.split_once('<') {
        out.push_str(before);
        out.push(' ');
        let name = tag.get(..6).unwrap_or(tag).to_ascii_lowercase();
        let end = if name.starts_with("style") {
            "</style>"
        } else if name.starts_with("script") {
            "</script>"
        } else {
            ">"
        };
        rest = tag.split_once(end).map_or("", |(_, after)| after);
    }
    out + rest
}

/// When to come back, as `Retry-After` says it: in seconds or as a date.
pub(crate) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than a number holds is for ever.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::from(u32::MAX))));
    }
    http_date(value).map(|then| crate::gate::until(now, then))
}

/// A date as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, rest) = text.split_once(", ")?;
    let mut parts = rest.split(' ');
    let mut next = || parts.next();
    let (day, month, year, time, zone) = (next()?, next()?, next()?, next()?, next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let date: Date = format!("{year:0>4}-{month:02}-{day:0>2}").parse().ok()?;
    (zone == "GMT" && parts.next().is_none()).then_some(())?;
    format!("{date}T{time}Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now: Timestamp = "1994-11-06T08:49:00Z".parse().unwrap();
        let read = |text| retry_after(text, now).map(|wait| wait.as_secs());
        assert_eq!(read("120"), Some(120));
        assert_eq!(read(" 0 "), Some(0));
        assert_eq!(read("99999999999999999999999"), Some(u64::from(u32::MAX)));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(37));
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0), "past");
        for bad in
            ["", "-1", "soon", "Sun, 06 Nov 1994 08:49:37 CET", "1994-11-06T08:49:37Z", "Sun, 6"]
        {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn words_are_short_and_on_one_line() {
        assert_eq!(quoted(b""), "without a word");
        assert_eq!(quoted(b"Too Many\r\n  Requests\x00\r\n"), "\"Too Many Requests\"");
        let page = b"<html><head><style>a { b }</style><title>Access Denied</title><body>No<br>way";
        assert_eq!(quoted(page), "\"Access Denied No way\"");
        let long = quoted("é".repeat(5000).as_bytes());
        assert_eq!(long, format!("{:?}…", "é".repeat(160)));
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes: Vec<u8>, text in "\\PC*") {
            let words = quoted(&bytes);
            prop_assert!(words.chars().count() < 4 * QUOTED + 8 && !words.contains('\n'));
            let _ = retry_after(&text, Timestamp::from_seconds(0));
            let _ = quoted(text.as_bytes());
        }
    }
}
