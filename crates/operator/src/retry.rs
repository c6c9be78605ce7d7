//! Another try of dead letters, by hand.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::{Context, Result, bail};
use cream_archive::{FileName, Folder};
use cream_processor::OneLine;
use cream_store::ResponseId;

use crate::batch::{Run, batch};
use crate::display::Size;
use crate::{Exit, Operator};

/// Which dead letters are tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Letters {
    /// All whose files lie in this archive.
    All,
    /// Those named: by file name, by the path of the file, or by id.
    Named(Vec<String>),
}

impl Operator {
    /// Tries dead letters again. With `accept` also what the guard against broken responses
    /// refused is loaded, which is to be said of named ones only.
    ///
    /// # Errors
    ///
    /// Where a name can be no response's, `accept` is said of all, or the archive cannot be
    /// listed. What becomes of a response is told in its line.
    pub fn retry(&self, letters: &Letters, accept: bool, run: Run<'_>) -> Result<Exit> {
        let (names, missing) = match letters {
            Letters::All if accept => bail!(
                "what the guard refused is accepted by name only: look at each with `worker \
                 deadletters`, then name it"
            ),
            Letters::All => (self.archive.list(Folder::Deadletter)?.files, 0),
            Letters::Named(given) => self.named(given, run.out)?,
        };
        let size = Size { files: names.len(), bytes: None };
        let processor = self.processor();
        let mut still_dead = 0;
        let exit = batch("retry", size, run, |cancel, watch| {
            let summary = processor.retry(&names, accept, cancel, watch);
            still_dead = summary.already_dead;
            Ok(summary)
        })?;
        let is_incomplete = missing > 0 || still_dead > 0;
        Ok(if exit == Exit::Done && is_incomplete { Exit::Incomplete } else { exit })
    }

    /// The files that are meant, and how many of those named are not there.
    fn named(&self, given: &[String], out: &mut dyn Write) -> Result<(Vec<FileName>, usize)> {
        let mut names = BTreeSet::new();
        let mut missing = 0;
        for text in given {
            let file = match text.parse::<i64>() {
                Ok(id) => {
                    let response = self.store.read(|it| it.response_with_id(ResponseId(id)))?;
                    let Some(response) = response else {
                        missing += 1;
                        writeln!(out, "{id}: no response has this id")?;
                        continue;
                    };
                    response.file_name
                }
                // A path, as a shell completes it.
                Err(_) => text.rsplit('/').next().unwrap_or(text).to_owned(),
            };
            let name = FileName::parse(&file).context("expected a file name or an id")?;
            if self.archive.find(&name)?.is_some() {
                names.insert(name);
            } else {
                missing += 1;
                writeln!(out, "{}: there is no such file in this archive", OneLine(&file))?;
            }
        }
        Ok((names.into_iter().collect(), missing))
    }
}
