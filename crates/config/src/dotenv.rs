//! The `.env` file.

use std::cell::Cell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The file's name, in the working folder.
const FILE: &str = ".env";

/// Why the `.env` file was not read. No value is shown: it may be a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DotenvError {
    /// A line is not `NAME=value`.
    #[error(
        "{path}, line {line}: expected NAME=value; a value with a space, #, $, a quote or a backslash \
         stands in single quotes"
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
    },
    /// A value holds a NUL, which no environment can hold.
    #[error("{path}: the value of {name} holds a NUL character")]
    Nul {
        /// The file.
        path: PathBuf,
        /// The variable.
        name: String,
    },
    /// The file is there but cannot be read.
    #[error(
        "{path} cannot be read: make it a UTF-8 text file that this user may read, or remove it"
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Adds what `.env` in the working folder sets to the process's environment, and tells whether
/// there is such a file. A variable that is set already keeps its value.
///
/// To be called before any thread is started, since the environment belongs to all of them.
/// A malformed file changes nothing.
///
/// # Errors
///
/// Where the file is there but cannot be read, or a line of it is malformed.
pub fn load_dotenv() -> Result<bool, DotenvError> {
    let path = Path::new(FILE);
    let Some(text) = read(path)? else { return Ok(false) };
    variables(path, &text)?;
    // Every line was read just now, so that this does not fail half-way.
    dotenvy::from_read(text.as_bytes()).map_err(|error| failed(path, 1, &error))?;
    Ok(true)
}

fn read(path: &Path) -> Result<Option<String>, DotenvError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim_start_matches('\u{feff}').to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DotenvError::Read { path: path.to_owned(), source }),
    }
}

/// The variables of a file's text.
fn variables(path: &Path, text: &str) -> Result<Vec<(String, String)>, DotenvError> {
    let begun = Cell::new(0);
    let lines = Lines { rest: text.as_bytes(), at_start: true, begun: &begun };
    let mut variables = Vec::new();
    for item in dotenvy::from_read_iter(lines) {
        let (name, value) = item.map_err(|error| failed(path, begun.get(), &error))?;
        if value.contains('\0') {
            return Err(DotenvError::Nul { path: path.to_owned(), name });
        }
        variables.push((name, value));
    }
    Ok(variables)
}

/// Hands out a text line by line and counts the lines, since the parser's errors quote a part of
/// the text (which may be a secret) but do not tell where it stands.
struct Lines<'a> {
    rest: &'a [u8],
    at_start: bool,
    begun: &'a Cell<usize>,
}

impl io::Read for Lines<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let line = self.rest.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        if self.at_start && !line.is_empty() {
            self.begun.set(self.begun.get() + 1);
        }
        let mut unread = line;
        let len = unread.read(out)?;
        self.at_start = unread.is_empty();
        self.rest = self.rest.get(len..).unwrap_or_default();
        Ok(len)
    }
}

/// An error in what ends with the line of this number. What is quoted may span several lines.
fn failed(path: &Path, last: usize, error: &dotenvy::Error) -> DotenvError {
    let path = path.to_owned();
    match error {
        dotenvy::Error::LineParse(quoted, _) => {
            let more = quoted.trim_end().matches('\n').count();
            DotenvError::Line { path, line: last.saturating_sub(more).max(1) }
        }
        other => DotenvError::Read { path, source: io::Error::other(other.to_string()) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_text(text: &str) -> Result<Vec<(String, String)>, String> {
        variables(Path::new(".env"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn lines_of_every_notation_are_read() {
        let text = "# comment\n\nA=1\nexport B='two words # $A'\nC=\"x\\ny\" # more\nD=\n";
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            read_text(text).unwrap(),
            [pair("A", "1"), pair("B", "two words # $A"), pair("C", "x\ny"), pair("D", "")]
        );
    }

    #[test]
    fn a_malformed_line_is_named_by_its_number_and_not_shown() {
        for (text, line) in [
            ("hunter2", 1),
            ("A=1\nhunter2\nB=2\n", 2),
            ("hunter2=1\n\n# hunter2\nhunter2\n", 4),
            ("A=1\r\nhunter2\r\n", 2),
            ("A=1\nKEY=two hunter2\n", 2),
            ("A=1\nKEY='hunter2\nB=2\n", 2),
            ("A='1\n2'\nhunter2 # comment\n", 3),
            ("\n# comment\n\nexport hunter2", 4),
        ] {
            let error = read_text(text).unwrap_err();
            let expected = format!(".env, line {line}: expected NAME=value");
            assert!(error.starts_with(&expected), "{text:?}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        let error = read_text("A=1\nKEY=hun\0ter2\n").unwrap_err();
        assert_eq!(error, ".env: the value of KEY holds a NUL character");
    }

    #[test]
    fn a_missing_file_is_none_and_an_unreadable_one_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        assert_eq!(read(&path).unwrap(), None);
        fs::write(&path, "\u{feff}A=1\n").unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some("A=1\n"));
        fs::write(&path, b"A=\xff\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("cannot be read"));
        assert!(read(folder.path()).unwrap_err().to_string().contains("cannot be read"));
    }

    proptest! {
        #[test]
        fn no_file_panics(
            text in prop_oneof!["\\PC{0,80}", "[A-C=\"'\\\\$#{} \\n\\r\\t0é]{0,60}"],
        ) {
            let _ = variables(Path::new(".env"), &text);
        }
    }
}
