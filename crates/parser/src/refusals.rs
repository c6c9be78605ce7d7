//! What vendors send instead of prices, recognised by its words.

use memchr::memmem;

use crate::error::{ParseError, at};
use crate::html::{Token, Tokens, decoded, name};
use crate::table::fold;

/// The refusal that a text without markup is, if it is one.
pub(crate) fn of_text(bytes: &[u8]) -> Option<ParseError> {
    let start = bytes.get(..200).unwrap_or(bytes).to_ascii_lowercase();
    if let Some(position) = memmem::find(&start, b"too many requests") {
        return Some(ParseError::TooManyRequests { position: at(position) });
    }
    let position = memmem::find(&start, b"will be right back")?;
    Some(ParseError::WillBeRightBack { position: at(position) })
}

/// The refusal that a page without prices is, if it is one. Only what the page shows counts, and
/// the addresses of its links and forms.
pub(crate) fn of_page(html: &[u8]) -> Option<ParseError> {
    let mut tokens = Tokens::new(html, 0);
    let mut shown = 0;
    while let Some(token) = tokens.next() {
        let (start, is_title, bytes) = match token {
            Token::Text(text) => (tokens.pos - text.len(), false, text),
            Token::Start(tag) if tag.name == TITLE => (tag.start, true, tag.content),
            Token::Start(tag) => {
                let address = tag.attribute(b"action").or_else(|| tag.attribute(b"href"));
                if address.is_some_and(|a| ADDRESSES.iter().any(|known| a.contains(known))) {
                    return Some(ParseError::ConsentPage { position: at(tag.start) });
                }
                continue;
            }
            Token::End(_) => continue,
        };
        let text = fold(&decoded(bytes, false)).to_lowercase();
        shown += text.len();
        let position = at(start);
        if text.contains("too many requests") {
            return Some(ParseError::TooManyRequests { position });
        }
        if text.contains("will be right back") {
            return Some(ParseError::WillBeRightBack { position });
        }
        let not_found = ["page not found", "404 not found", "no results for", "symbol not found"];
        if not_found.iter().any(|words| text.contains(words)) || is_title && text.contains("404") {
            let description = text.chars().take(100).collect();
            return Some(ParseError::NotFound { code: "404".to_owned(), description, position });
        }
        if is_title && text.contains("consent") || text.contains("before you continue") {
            return Some(ParseError::ConsentPage { position });
        }
        // A refusal is short; a whole page that is none need not be read to its end.
        if shown > 100_000 {
            return None;
        }
    }
    None
}

const TITLE: u64 = name(b"title");
/// Where consent is given.
const ADDRESSES: [&str; 4] =
    ["consent.yahoo.com", "guce.yahoo.com/copyConsent", "collectConsent", "/copyConsent"];

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(html: &str) -> String {
        of_page(html.as_bytes()).map_or("none".to_owned(), |error| error.to_string())
    }

    #[test]
    fn refusals_are_told_by_what_the_page_shows() {
        for (html, message) in [
            (
                "<html><body><form method=post action=\"https://consent.yahoo.com/v2/collectConsent?a\">",
                "consent page",
            ),
            ("<title>Yahoo</title><a href='https://consent.yahoo.com/x'>", "consent page"),
            ("<h1>Will be right\n back...</h1>", "right back"),
            ("<h1>Edge: Too&nbsp;Many Requests</h1>", "Too Many Requests"),
            ("<title>404 - Not here</title>", "404"),
            ("<p>Page not found", "not found"),
        ] {
            assert!(refusal(html).contains(message), "{html}: {}", refusal(html));
        }
    }

    #[test]
    fn other_pages_and_hidden_words_are_no_refusal() {
        for html in [
            "<html><script>'Will be right back'</script><p>Prices</p>",
            "<!-- too many requests --><p title='page not found'>x</p>",
            "",
        ] {
            assert_eq!(refusal(html), "none", "{html}");
        }
        assert_eq!(of_text(b"Unauthenticated"), None);
        assert!(of_text(b"Edge: Too Many Requests").is_some());
        assert!(of_text(b"Will be right back").is_some());
    }
}
