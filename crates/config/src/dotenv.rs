//! The `.env` file.

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
    // Every line was read just now.
    dotenvy::from_read(text.as_bytes()).map_err(|error| at_line(path, &text, &error))?;
    Ok(true)
}

fn read(path: &Path) -> Result<Option<String>, DotenvError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DotenvError::Read { path: path.to_owned(), source }),
    }
}

/// The variables of a file's text.
fn variables(path: &Path, text: &str) -> Result<Vec<(String, String)>, DotenvError> {
    let mut variables = Vec::new();
    for item in dotenvy::from_read_iter(text.as_bytes()) {
        let (name, value) = item.map_err(|error| at_line(path, text, &error))?;
        if value.contains('\0') {
            return Err(DotenvError::Nul { path: path.to_owned(), name });
        }
        variables.push((name, value));
    }
    Ok(variables)
}

fn at_line(path: &Path, text: &str, error: &dotenvy::Error) -> DotenvError {
    let before = match error {
        dotenvy::Error::LineParse(line, _) => text.find(line.as_str()),
        _ => None,
    };
    // A value in quotes that are not closed runs to the end of the file; its first line counts.
    let before = before.and_then(|start| text.get(..start)).unwrap_or("");
    DotenvError::Line { path: path.to_owned(), line: before.matches('\n').count() + 1 }
}
