//! One answer of a vendor, within the file that holds it.

use crate::json::Reader;

/// The body of one answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    /// The file up to the answer's end, so that positions count from the file's start.
    file: &'a [u8],
    start: usize,
    /// What was asked, where the file tells: an address without its secrets.
    pub(crate) url: Option<&'a str>,
}

impl<'a> Answer<'a> {
    /// An answer that is a file of its own, from `start` on.
    pub(crate) const fn alone(file: &'a [u8], start: usize) -> Self {
        Self { file, start, url: None }
    }

    /// The answer to a request, which ends where `file` does.
    pub(crate) const fn to(url: &'a str, file: &'a [u8], start: usize) -> Self {
        Self { file, start, url: Some(url) }
    }

    /// The answer's own bytes.
    pub(crate) fn body(&self) -> &'a [u8] {
        self.file.get(self.start..).unwrap_or_default()
    }

    /// Where the answer begins in its file.
    pub(crate) const fn start(&self) -> usize {
        self.start
    }

    /// The file up to the answer's end.
    pub(crate) const fn file(&self) -> &'a [u8] {
        self.file
    }

    /// A reader of JSON, whose positions are those of the file.
    pub(crate) const fn reader(&self) -> Reader<'a> {
        Reader::new(self.file, self.start)
    }

    /// A reader at the object or array that the answer is, behind a byte order mark and white
    /// space; `None` where it is something else.
    pub(crate) fn json(&self) -> Option<Reader<'a>> {
        let body = self.body();
        let json = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii_start();
        let mut reader = self.reader();
        reader.pos = self.file().len() - json.len();
        matches!(json.first(), Some(b'{' | b'[')).then_some(reader)
    }

    /// Whether the address asked holds this part.
    pub(crate) fn asked(&self, part: &str) -> bool {
        self.url.is_some_and(|url| url.contains(part))
    }
}
