//! What Yahoo's chart and page have in common: hosts, the period of dates, and the cookie and
//! crumb that Yahoo may want to see.

use cream_models::{RateLimit, Timestamp};
use url::Url;

use super::{Question, per_hour, per_minute};
use crate::address::encoded;
use crate::client::{Jar, Reply};
use crate::error::Failure;
use crate::key::Scrubber;
use crate::words::quoted;

pub(crate) const HOSTS: &[&str] = &[
    "query1.finance.yahoo.com",
    "query2.finance.yahoo.com",
    "finance.yahoo.com",
    "fc.yahoo.com",
    "guce.yahoo.com",
    "consent.yahoo.com",
];

/// Yahoo publishes none: polite.
pub(crate) const LIMITS: &[RateLimit] = &[per_minute(60), per_hour(2000)];

/// Before every row there is.
const BEGINNING: i64 = -2_208_988_800;

/// So long before midnight in UTC the first exchange of a day opens, New Zealand's. Those of
/// America have closed by then.
const FIRST_OPEN: i64 = 3 * 3600;

/// The period of the dates asked for, in seconds since 1970, its end not included. It is the same
/// all day long, so that an address is.
pub(crate) fn period(question: &Question) -> (i64, i64) {
    let start = |from| Timestamp::start_of(from).seconds() - FIRST_OPEN;
    let end = Timestamp::start_of(question.to).plus_seconds(86_400).seconds();
    (question.from.map_or(BEGINNING, start), end)
}

/// What an answer means that neither its status nor the parser tells.
pub(crate) fn judge(status: u16, body: &[u8]) -> Option<Failure> {
    let has = |words: &[u8]| memchr::memmem::find(body, words).is_some();
    match status {
        400 | 422 if has(b"Data doesn't exist") => Some(Failure::NoData { asked: None }),
        400..500 if has(b"Invalid Crumb") || has(b"Invalid Cookie") => {
            Some(Failure::Refused { status: 401, words: quoted(body) })
        }
        _ => None,
    }
}

/// Whether an address is that of Yahoo's question for consent.
pub(crate) fn is_consent(url: &Url) -> bool {
    matches!(url.host_str(), Some("consent.yahoo.com" | "guce.yahoo.com"))
        || ["/consent", "/v2/collectConsent"].contains(&url.path())
}

/// The cookies and the crumb, kept for later requests.
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// How often it was renewed.
    pub(crate) generation: u64,
    pub(crate) cookies: Jar,
    pub(crate) crumb: Option<String>,
    /// Blanks what of it must not be seen.
    pub(crate) scrubber: Scrubber,
}

/// A request on the way to a cookie.
pub(crate) struct Step<'a> {
    /// Yahoo's host for it.
    pub(crate) host: &'static str,
    pub(crate) target: &'a str,
    /// A form to be posted.
    pub(crate) form: Option<&'a str>,
}

impl Session {
    /// Gets a new cookie and its crumb, with consent where that is asked for.
    pub(crate) fn renew(
        &mut self,
        ask: &mut dyn FnMut(&Step<'_>, &mut Jar) -> Result<Reply, Failure>,
    ) -> Result<(), Failure> {
        let mut jar = Jar::default();
        let mut get =
            |host, target: &str, jar: &mut Jar| ask(&Step { host, target, form: None }, jar);
        // It answers 404, with a cookie.
        get("fc.yahoo.com", "/", &mut jar)?;
        let mut crumb = crumb_in(&get("query1.finance.yahoo.com", CRUMB, &mut jar)?);
        if crumb.is_none() {
            jar = Jar::default();
            let page = get("guce.yahoo.com", "/consent", &mut jar)?;
            let page = String::from_utf8_lossy(&page.body).into_owned();
            let (token, id) = (field(&page, "csrfToken"), field(&page, "sessionId"));
            let (Some(token), Some(id)) = (token, id) else { return Err(Failure::Consent) };
            if is_telling(&token) {
                self.scrubber.add(&token);
            }
            let target = format!("/v2/collectConsent?sessionId={}", encoded(&id));
            let done = field(&page, "originalDoneUrl").unwrap_or_default();
            let form = format!(
                "agree=agree&agree=agree&consentUUID=default&namespace=yahoo&sessionId={}\
                 &csrfToken={}&originalDoneUrl={}",
                encoded(&id),
                encoded(&token),
                encoded(&done),
            );
            let post = Step { host: "consent.yahoo.com", target: &target, form: Some(&form) };
            ask(&post, &mut jar)?;
            let mut get =
                |host, target: &str, jar: &mut Jar| ask(&Step { host, target, form: None }, jar);
            let target = format!("/copyConsent?sessionId={}", encoded(&id));
            get("guce.yahoo.com", &target, &mut jar)?;
            crumb = crumb_in(&get("query2.finance.yahoo.com", CRUMB, &mut jar)?);
        }
        let Some(crumb) = crumb else { return Err(Failure::Consent) };
        self.scrubber.add(&crumb);
        for value in jar.values().filter(|value| is_telling(value)) {
            self.scrubber.add(value);
        }
        (self.cookies, self.crumb) = (jar, Some(crumb));
        self.generation += 1;
        Ok(())
    }
}

const CRUMB: &str = "/v1/test/getcrumb";

/// Whether a text can be a secret: nothing is one that stands in answers as a price, a time or a
/// word, such as the `-1` and `1` of cookies that keep somebody's choice.
fn is_telling(text: &str) -> bool {
    text.len() >= 8 && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// The crumb, where the answer is one.
fn crumb_in(reply: &Reply) -> Option<String> {
    let text = std::str::from_utf8(&reply.body).ok()?.trim();
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"<>{}".contains(&byte);
    let is_crumb = reply.status == 200
        && (4..=64).contains(&text.len())
        && text.bytes().all(is_plain)
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && text != "null";
    is_crumb.then(|| text.to_owned())
}

/// The value of an input of a form.
fn field(page: &str, name: &str) -> Option<String> {
    let inputs = page.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
    for input in inputs {
        if attribute(input, "name").is_some_and(|found| found == name) {
            let value = attribute(input, "value")?;
            return Some(
                value.replace("&amp;", "&").replace("&#x2F;", "/").replace("&quot;", "\""),
            );
        }
    }
    None
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = tag;
    while let Some((_, after)) = rest.split_once(name) {
        let before = rest.get(..rest.len() - after.len() - name.len())?;
        rest = after;
        if !before.ends_with(|c: char| c.is_ascii_whitespace()) {
            continue;
        }
        let Some(value) = after.strip_prefix('=') else { continue };
        let quote = value.chars().next()?;
        return if quote == '"' || quote == '\'' {
            value.get(1..)?.split(quote).next()
        } else {
            value.split(|c: char| c.is_ascii_whitespace()).next()
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(from: Option<&str>) -> Question {
        Question {
            symbol: "BHP.AX".to_owned(),
            from: from.map(|date| date.parse().unwrap()),
            to: "2025-06-16".parse().unwrap(),
            premium: false,
            actions: true,
        }
    }

    #[test]
    fn a_period_holds_the_sessions_of_its_dates() {
        let (start, end) = period(&question(Some("2025-01-02")));
        let seconds = |text: &str| text.parse::<Timestamp>().unwrap().seconds();
        // Sydney opens at 23:00 of the day before in UTC; New York's day before is left out.
        assert!(start <= seconds("2025-01-01T23:00:00Z"));
        assert!(start > seconds("2025-01-01T14:30:00Z"));
        assert_eq!(end, seconds("2025-06-17T00:00:00Z"));
        assert!(period(&question(None)).0 < seconds("1927-12-30T00:00:00Z"), "where ^GSPC begins");
    }

    #[test]
    fn fields_of_a_form_are_found() {
        let page = "<form><input type=hidden name=\"csrfToken\" value=\"a&amp;b\"><INPUT><input \
                    value='x y' name='sessionId'/><input data-name=\"z\" name=z value=1 >";
        assert_eq!(field(page, "csrfToken").as_deref(), Some("a&b"));
        assert_eq!(field(page, "sessionId").as_deref(), Some("x y"));
        assert_eq!(field(page, "z").as_deref(), Some("1"));
        assert_eq!(field(page, "none"), None);
    }

    #[test]
    fn what_could_be_a_price_is_not_blanked_as_a_cookie() {
        let mut session = Session::default();
        let renewed = session.renew(&mut |step, jar| {
            for (name, value) in [
                ("A3", "d=AQABBown&S=AQAAAown"),
                ("gpp_sid", "-1"),
                ("n", "1"),
                ("t", "1750080600"),
            ] {
                jar.insert(name.to_owned(), value.to_owned());
            }
            let body = if step.target == CRUMB { b"Own/1.x&y".to_vec() } else { Vec::new() };
            Ok(Reply { status: 200, body, ..Reply::default() })
        });
        assert!(renewed.is_ok());
        let answer = "{\"denominator\":1,\"timestamp\":[1750080600],\"priceHint\":-1}";
        assert_eq!(session.scrubber.text(answer), answer);
        assert_eq!(session.scrubber.text("d=AQABBown&S=AQAAAown Own%2F1.x%26y"), "*** ***");
    }

    #[test]
    fn what_is_no_crumb_is_none() {
        let crumb = |status, body: &str| {
            crumb_in(&Reply { status, body: body.as_bytes().to_vec(), ..Reply::default() })
        };
        assert_eq!(crumb(200, "Own/1.x&y\n").as_deref(), Some("Own/1.x&y"));
        for bad in
            ["", "Too Many Requests\r\n", "<html>", "{\"a\":1}", "null", "12345", &"x".repeat(65)]
        {
            assert_eq!(crumb(200, bad), None, "{bad:?}");
        }
        assert_eq!(crumb(401, "Own/1.x&y"), None);
    }
}
