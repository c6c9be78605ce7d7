#![expect(clippy::string_slice, reason = "a wrong place is a failed test")]

use proptest::prelude::*;

use super::*;

/// The tags and texts of a page in a line each.
fn tokens(html: &str) -> Vec<String> {
    let mut tokens = Tokens::new(html.as_bytes(), 0);
    let mut lines = Vec::new();
    let tag_name = |tag: &Tag<'_>| {
        let start = tag.start + usize::from(html.as_bytes()[tag.start + 1] == b'/') + 1;
        html[start..].split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap().to_owned()
    };
    while let Some(token) = tokens.next() {
        lines.push(match token {
            Token::Start(tag) if tag.content.is_empty() => format!("<{}>", tag_name(&tag)),
            Token::Start(tag) => {
                format!("<{}>{}", tag_name(&tag), String::from_utf8_lossy(tag.content))
            }
            Token::End(tag) => format!("</{}>", tag_name(&tag)),
            Token::Text(text) => String::from_utf8_lossy(text).into_owned(),
        });
    }
    if let Some(what) = tokens.unfinished {
        lines.push(format!("inside {what}"));
    }
    lines
}

#[test]
fn tags_end_where_a_browser_ends_them() {
    for (html, expected) in [
        ("<a href='>' title=\">\">x</a>", vec!["<a>", "x", "</a>"]),
        ("<a href=>x", vec!["<a>", "x"]),
        ("<a b=c\"d>x", vec!["<a>", "x"]),
        ("<a b\"c>x", vec!["<a>", "x"]),
        ("<a =\">x", vec!["<a>", "x"]),
        ("<a b = \">\" c>x", vec!["<a>", "x"]),
        ("<a b==\">x", vec!["<a>", "x"]),
        ("<a/b=\"/>\"/>x", vec!["<a>", "x"]),
        ("<a\nb>x", vec!["<a>", "x"]),
        ("</a b=\">\">x", vec!["</a>", "x"]),
        ("a < b <3 <", vec!["a ", "< b ", "<3 ", "<"]),
        ("<a b=\">", vec!["inside a tag"]),
        ("<a", vec!["inside a tag"]),
        ("x</", vec!["x"]),
    ] {
        assert_eq!(tokens(html), expected, "{html}");
    }
}

#[test]
fn comments_end_where_a_browser_ends_them() {
    for (html, expected) in [
        ("<!-- <a> -->x", vec!["x"]),
        ("<!-->x", vec!["x"]),
        ("<!--->x", vec!["x"]),
        ("<!---->x", vec!["x"]),
        ("<!----->x", vec!["x"]),
        ("<!-- a --!>x", vec!["x"]),
        ("<!-- a --x--->y", vec!["y"]),
        ("<!-- a -- > b -->x", vec!["x"]),
        ("<!doctype html>x", vec!["x"]),
        ("<?xml a?>x", vec!["x"]),
        ("</ a>x", vec!["x"]),
        ("</>x", vec!["x"]),
        ("<!-- a", vec!["inside a comment"]),
    ] {
        assert_eq!(tokens(html), expected, "{html}");
    }
}

#[test]
fn the_content_of_text_elements_is_text() {
    for (html, expected) in [
        ("<script><a></script >x", vec!["<script><a>", "</script>", "x"]),
        ("<SCRIPT>'</scripty>'</Script>x", vec!["<SCRIPT>'</scripty>'", "</Script>", "x"]),
        ("<title><table></title>x", vec!["<title><table>", "</title>", "x"]),
        ("<textarea><td></textarea/>x", vec!["<textarea><td>", "</textarea>", "x"]),
        ("<noscript><b></noscript>x", vec!["<noscript><b>", "</noscript>", "x"]),
        (
            "<script><!-- <script> </script> --></script>x",
            vec!["<script><!-- <script> </script> -->", "</script>", "x"],
        ),
        ("<script><!-- </script>x", vec!["<script><!-- ", "</script>", "x"]),
        ("<script><!--><script></script>x", vec!["<script><!--><script>", "</script>", "x"]),
        ("<svg><style/><g></svg>x", vec!["<svg>", "<style>", "<g>", "</svg>", "x"]),
        ("<style/><g></style>x", vec!["<style><g>", "</style>", "x"]),
        ("<plaintext><a>", vec!["<plaintext>"]),
        ("<script>abc", vec!["<script>abc", "inside an element whose content is text"]),
    ] {
        assert_eq!(tokens(html), expected, "{html}");
    }
}

#[test]
fn attributes_are_found_in_any_writing() {
    for html in [
        "<td colspan=6 class=x>",
        "<TD CLASS='x' COLSPAN = \"6\">",
        "<td class=\"a 'colspan=7' b\" colspan='6'>",
        "<td/colspan=6/ >",
        "<td colspan=6 colspan=7>",
        "<td colspan=&#54;>",
    ] {
        let mut tokens = Tokens::new(html.as_bytes(), 0);
        let Some(Token::Start(tag)) = tokens.next() else { panic!("{html}") };
        let value = tag.attribute(b"colspan").unwrap();
        assert_eq!(value.trim_end_matches('/'), "6", "{html}");
        assert_eq!(tag.attribute(b"rowspan"), None);
    }
}

#[test]
fn entities_are_decoded() {
    let text = |html: &str| decoded(html.as_bytes(), false).into_owned();
    assert_eq!(text("a&amp;b&lt;&#65;&#x42;&#X43;&nbsp;&minus;1"), "a&b<ABC\u{A0}\u{2212}1");
    assert_eq!(
        text("&amp &notanentity; & &#; &#x; &#0; &#151;"),
        "& &notanentity; & &#; &#x; \u{FFFD} \u{2014}"
    );
    assert_eq!(decoded(b"?a=1&amp;b=2&lt=3&amp", true), "?a=1&b=2&lt=3&");
    assert_eq!(decoded(b"&lt=3", false), "<=3");
    assert_eq!(decoded(b"\xff&amp;", false), "\u{FFFD}&");
}

proptest! {
    #[test]
    fn nothing_panics_and_the_input_is_read_to_its_end(html in "[<>/!a-c\"'= -]{0,40}|(<script>|<!--|-->|</script|<table|>|\"| |a=){0,12}") {
        let mut tokens = Tokens::new(html.as_bytes(), 0);
        let mut before = 0;
        while let Some(token) = tokens.next() {
            if let Token::Start(tag) | Token::End(tag) = token {
                let _ = tag.attribute(b"a");
            }
            prop_assert!(tokens.pos > before);
            before = tokens.pos;
        }
        prop_assert_eq!(tokens.pos, html.len());
        let _ = decoded(html.as_bytes(), true);
    }
}
