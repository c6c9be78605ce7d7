//! A tokenizer of HTML, for finding things in a page without building a tree.
//!
//! It follows the tokenization of the HTML standard where that decides what is a tag: quoted and
//! unquoted attributes, comments and their odd ends, elements whose content is text (scripts,
//! styles, titles, …) and the double escape inside scripts. Names compare without case.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memchr3, memmem};

/// A page, read from front to back.
#[derive(Clone, Debug)]
pub(crate) struct Tokens<'a> {
    html: &'a [u8],
    /// The next byte to read.
    pub(crate) pos: usize,
    /// How deep in svg or math elements the reader is: tags may close themselves there.
    foreign: usize,
    /// What the input ends inside of.
    pub(crate) unfinished: Option<&'static str>,
}

/// A start or end tag, or a run of text.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Token<'a> {
    /// A start tag; of an element whose content is text, the content is skipped with it.
    Start(Tag<'a>),
    /// An end tag.
    End(Tag<'a>),
    /// Text, entities and all.
    Text(&'a [u8]),
}

/// A tag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tag<'a> {
    /// The name; see [`name`].
    pub(crate) name: u64,
    /// What stands between the name and the `>`.
    pub(crate) attributes: &'a [u8],
    /// Where the tag begins.
    pub(crate) start: usize,
    /// The content, of an element whose content is text.
    pub(crate) content: &'a [u8],
    /// Where the content begins: behind the tag.
    pub(crate) end: usize,
}

/// A name of up to eight letters as a number, without case. Longer names are 0.
pub(crate) const fn name(text: &[u8]) -> u64 {
    let (mut number, mut rest) = (0, text);
    if text.len() > 8 {
        return 0;
    }
    while let [byte, tail @ ..] = rest {
        number = number << 8 | (*byte | 0x20) as u64;
        rest = tail;
    }
    number
}

const SCRIPT: u64 = name(b"script");
const PLAINTEXT: &[u8] = b"plaintext";
/// The other elements whose content is text.
const TEXT_ELEMENTS: [u64; 8] = [
    name(b"style"),
    name(b"textarea"),
    name(b"title"),
    name(b"xmp"),
    name(b"iframe"),
    name(b"noembed"),
    name(b"noframes"),
    name(b"noscript"),
];

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0C)
}

impl<'a> Tokens<'a> {
    pub(crate) const fn new(html: &'a [u8], pos: usize) -> Self {
        Self { html, pos, foreign: 0, unfinished: None }
    }

    pub(crate) const fn html(&self) -> &'a [u8] {
        self.html
    }

    fn rest(&self) -> &'a [u8] {
        self.html.get(self.pos..).unwrap_or_default()
    }

    /// The next tag or run of text, or `None` at the end of the input.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Token<'a>> {
        loop {
            match self.rest() {
                [] => return None,
                [b'<', b'a'..=b'z' | b'A'..=b'Z', ..] => return self.tag(1).map(Token::Start),
                [b'<', b'/', b'a'..=b'z' | b'A'..=b'Z', ..] => return self.tag(2).map(Token::End),
                [b'<', b'!' | b'/' | b'?', ..] => self.comment(),
                rest => {
                    // A `<` that begins nothing is text.
                    let from = rest.get(1..).unwrap_or_default();
                    let length = memchr(b'<', from).map_or(rest.len(), |offset| offset + 1);
                    self.pos += length;
                    return rest.get(..length).map(Token::Text);
                }
            }
        }
    }

    /// The next tag; text is skipped.
    #[inline]
    pub(crate) fn next_tag(&mut self) -> Option<Token<'a>> {
        loop {
            match self.next()? {
                Token::Text(_) => {}
                tag => return Some(tag),
            }
        }
    }

    /// Notes that the input ends inside of something, and goes there.
    #[cold]
    fn end_inside(&mut self, what: &'static str) {
        self.pos = self.html.len();
        self.unfinished.get_or_insert(what);
    }

    /// Skips a comment, a declaration, or what browsers take for a comment.
    fn comment(&mut self) {
        let rest = self.rest();
        let end = match rest {
            [b'<', b'!', b'-', b'-', inner @ ..] => {
                if inner.starts_with(b">") {
                    Some(5)
                } else if inner.starts_with(b"->") {
                    Some(6)
                } else {
                    // `-->` or `--!>`. Told from the `>`, as a run of dashes may be long.
                    memchr_iter(b'>', inner).find_map(|offset| {
                        let before = inner.get(..offset)?;
                        let ends = before.ends_with(b"--") || before.ends_with(b"--!");
                        ends.then_some(4 + offset + 1)
                    })
                }
            }
            [b'<', b'/', b'>', ..] => Some(3),
            // An end tag that does not begin: text, at the end of the input.
            [b'<', b'/'] => Some(2),
            _ => memchr(b'>', rest).map(|offset| offset + 1),
        };
        match end {
            Some(length) => self.pos += length,
            None => self.end_inside("a comment"),
        }
    }

    /// Reads the tag whose name begins `skip` bytes from here.
    #[inline]
    fn tag(&mut self, skip: usize) -> Option<Tag<'a>> {
        let start = self.pos;
        let inner = self.html.get(start + skip..).unwrap_or_default();
        let length = inner
            .iter()
            .position(|&byte| is_space(byte) || byte == b'/' || byte == b'>')
            .unwrap_or(inner.len());
        let (text, after) = inner.split_at_checked(length)?;
        let Some(end) = tag_end(after) else {
            self.end_inside("a tag");
            return None;
        };
        let attributes = after.get(..end)?;
        let end = start + skip + length + end + 1;
        self.pos = end;
        let mut tag = Tag { name: name(text), attributes, start, content: &[], end };
        if skip == 1 {
            self.enter(&mut tag, text);
        } else if self.foreign > 0 && matches!(tag.name, SVG | MATH) {
            self.foreign -= 1;
        }
        Some(tag)
    }

    /// Skips the content of an element whose content is text.
    #[inline]
    fn enter(&mut self, tag: &mut Tag<'a>, text: &[u8]) {
        if matches!(tag.name, SVG | MATH) {
            self.foreign += usize::from(!tag.attributes.ends_with(b"/"));
            return;
        }
        if tag.name != SCRIPT && !TEXT_ELEMENTS.contains(&tag.name) {
            if tag.name == 0 && text.eq_ignore_ascii_case(PLAINTEXT) {
                self.pos = self.html.len();
            }
            return;
        }
        if self.foreign > 0 && tag.attributes.ends_with(b"/") {
            return;
        }
        let rest = self.rest();
        let length = if tag.name == SCRIPT { script_end(rest) } else { text_end(rest, text) };
        match length {
            Some(length) => {
                tag.content = rest.get(..length).unwrap_or_default();
                self.pos += length;
            }
            None => {
                tag.content = rest;
                self.end_inside("an element whose content is text");
            }
        }
    }
}

const SVG: u64 = name(b"svg");
const MATH: u64 = name(b"math");

/// Where the end tag of a text element begins.
fn text_end(bytes: &[u8], name: &[u8]) -> Option<usize> {
    memmem::find_iter(bytes, b"</")
        .find(|offset| bytes.get(offset + 2..).is_some_and(|after| is_name(after, name)))
}

/// Whether a tag's name stands here: the name, then what ends a name.
fn is_name(bytes: &[u8], name: &[u8]) -> bool {
    bytes.split_at_checked(name.len()).is_some_and(|(start, after)| {
        start.eq_ignore_ascii_case(name)
            && after.first().is_some_and(|&byte| is_space(byte) || byte == b'/' || byte == b'>')
    })
}

/// Where the end tag of a script begins. Between `<!--` and `-->`, a script tag inside of the
/// script takes the next end tag for itself.
fn script_end(bytes: &[u8]) -> Option<usize> {
    let simple = text_end(bytes, b"script")?;
    memmem::find(bytes.get(..simple)?, b"<!--").map_or(Some(simple), |from| {
        let (mut pos, mut escaped, mut double) = (from, false, false);
        loop {
            let rest = bytes.get(pos..)?;
            let offset = memchr::memchr2(b'<', b'-', rest)?;
            pos += offset;
            let here = rest.get(offset..)?;
            if !escaped && here.starts_with(b"<!--") {
                escaped = true;
                // The dashes of `<!-->` end it again.
                pos += 2;
            } else if escaped && here.starts_with(b"-->") {
                (escaped, double) = (false, false);
                pos += 3;
            } else if here.starts_with(b"</") && is_name(here.get(2..)?, b"script") {
                if !double {
                    return Some(pos);
                }
                double = false;
                pos += 2;
            } else {
                if escaped && !double && here.starts_with(b"<") {
                    double = is_name(here.get(1..)?, b"script");
                }
                pos += 1;
            }
        }
    })
}

/// Where the `>` of a tag stands, from behind its name.
#[inline]
fn tag_end(bytes: &[u8]) -> Option<usize> {
    let mut attributes = Attributes::new(bytes);
    // Behind the first quote that is not read yet.
    let mut searched = 0;
    loop {
        // Up to the first quote nothing but `>` ends a tag.
        if attributes.pos >= searched {
            let rest = bytes.get(attributes.pos..)?;
            let offset = memchr3(b'>', b'"', b'\'', rest)?;
            if rest.get(offset) == Some(&b'>') {
                return Some(attributes.pos + offset);
            }
            searched = attributes.pos + offset + 1;
        }
        match attributes.next() {
            Some(_) => {}
            None if bytes.get(attributes.pos) == Some(&b'>') => return Some(attributes.pos),
            None => return None,
        }
    }
}

/// The attributes of a tag: names and values as they stand.
#[derive(Clone, Debug)]
pub(crate) struct Attributes<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl<'a> Attributes<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, pos: 0 }
    }

    #[inline]
    fn skip(&mut self, test: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.bytes.get(self.pos..).unwrap_or_default();
        let length = rest.iter().position(|&byte| !test(byte)).unwrap_or(rest.len());
        self.pos += length;
        rest.get(..length).unwrap_or_default()
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a [u8], &'a [u8]);

    /// The next attribute; `None` at the `>`, where the position stays, or at the end, which is
    /// then the position.
    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.skip(|byte| is_space(byte) || byte == b'/');
        let start = self.pos;
        match self.bytes.get(start)? {
            b'>' => return None,
            // A name may begin with `=`.
            _ => self.pos += 1,
        }
        self.skip(|byte| !is_space(byte) && !matches!(byte, b'/' | b'>' | b'='));
        let name = self.bytes.get(start..self.pos)?;
        self.skip(is_space);
        if self.bytes.get(self.pos) != Some(&b'=') {
            return Some((name, &[]));
        }
        self.pos += 1;
        self.skip(is_space);
        let value = match self.bytes.get(self.pos) {
            Some(&quote @ (b'"' | b'\'')) => {
                let rest = self.bytes.get(self.pos + 1..)?;
                let Some(length) = memchr(quote, rest) else {
                    self.pos = self.bytes.len();
                    return None;
                };
                self.pos += length + 2;
                rest.get(..length)?
            }
            _ => self.skip(|byte| !is_space(byte) && byte != b'>'),
        };
        Some((name, value))
    }
}

impl<'a> Tag<'a> {
    /// The value of an attribute, entities decoded; the first of a name counts.
    pub(crate) fn attribute(&self, name: &[u8]) -> Option<Cow<'a, str>> {
        let (_, value) =
            Attributes::new(self.attributes).find(|(other, _)| other.eq_ignore_ascii_case(name))?;
        Some(decoded(value, true))
    }
}

/// Text with its entities decoded. What is not UTF-8 is replaced.
pub(crate) fn decoded(bytes: &[u8], in_attribute: bool) -> Cow<'_, str> {
    if memchr(b'&', bytes).is_none() {
        return String::from_utf8_lossy(bytes);
    }
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some((plain, after)) = rest.split_once('&') {
        out.push_str(plain);
        match entity(after, in_attribute) {
            Some((character, length)) => {
                out.push(character);
                rest = after.get(length..).unwrap_or_default();
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The entity behind an `&` and its length. Only names that can stand in prices, dates and
/// addresses are known; the first six are entities without a semicolon, too.
fn entity(text: &str, in_attribute: bool) -> Option<(char, usize)> {
    const NAMES: [(&str, char); 24] = [
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("nbsp", '\u{A0}'),
        ("shy", '\u{AD}'),
        ("apos", '\''),
        ("minus", '\u{2212}'),
        ("ndash", '\u{2013}'),
        ("mdash", '\u{2014}'),
        ("hyphen", '\u{2010}'),
        ("comma", ','),
        ("period", '.'),
        ("colon", ':'),
        ("semi", ';'),
        ("sol", '/'),
        ("num", '#'),
        ("quest", '?'),
        ("equals", '='),
        ("dollar", '$'),
        ("plus", '+'),
        ("thinsp", '\u{2009}'),
        ("ensp", '\u{2002}'),
        ("emsp", '\u{2003}'),
    ];
    if let Some(digits) = text.strip_prefix('#') {
        let (radix, digits, skip) = match digits.strip_prefix(['x', 'X']) {
            Some(digits) => (16, digits, 2),
            None => (10, digits, 1),
        };
        let length = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
        let (number, after) = digits.split_at_checked(length).filter(|(n, _)| !n.is_empty())?;
        let code = u32::from_str_radix(number, radix).ok().filter(|code| *code != 0);
        let character = code.and_then(windows_1252).unwrap_or(char::REPLACEMENT_CHARACTER);
        return Some((character, skip + length + usize::from(after.starts_with(';'))));
    }
    NAMES.into_iter().enumerate().find_map(|(index, (name, character))| {
        let after = text.strip_prefix(name)?;
        if after.starts_with(';') {
            return Some((character, name.len() + 1));
        }
        let runs_on = after.starts_with(|c: char| c == '=' || c.is_ascii_alphanumeric());
        (index < 6 && !(in_attribute && runs_on)).then_some((character, name.len()))
    })
}

/// The character of a numeric entity: 128 to 159 mean what they mean in Windows-1252.
fn windows_1252(code: u32) -> Option<char> {
    match code {
        0x82 => Some('\u{201A}'),
        0x91 => Some('\u{2018}'),
        0x92 => Some('\u{2019}'),
        0x96 => Some('\u{2013}'),
        0x97 => Some('\u{2014}'),
        _ => char::from_u32(code),
    }
}

#[cfg(test)]
#[path = "html_tests.rs"]
mod tests;
