//! Commands over many files, with progress as they go and a summary at the end.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use cream_archive::Folder;
use cream_processor::{Cancel, FileReport, ImportSource, OneLine, Summary};
use indicatif::HumanBytes;

use crate::display::{Display, Size, Troubles};
use crate::{Exit, Operator};

/// What a batch is run with, besides its files.
pub struct Run<'a> {
    /// Asks the batch to stop.
    pub cancel: &'a Cancel,
    /// Where progress is shown.
    pub display: &'a Display,
    /// Where the summary is written.
    pub out: &'a mut dyn Write,
}

impl Operator {
    /// Copies the files under `paths` into the archive and processes them.
    ///
    /// # Errors
    ///
    /// Where a path does not exist or cannot be read, before anything is imported.
    pub fn import(&self, paths: &[PathBuf], run: Run<'_>) -> Result<Exit> {
        let source = ImportSource::find(paths)?;
        for skipped in &source.skipped {
            let path = skipped.path.display().to_string();
            writeln!(run.out, "{}: passed over, {}", OneLine(&path), skipped.reason)?;
        }
        let size = Size { files: source.files.len(), bytes: Some(source.bytes()) };
        let processor = self.processor();
        batch("import", size, run, |cancel, watch| Ok(processor.import(&source, cancel, watch)))
    }

    /// Processes what waits in the folder of raw responses, once.
    ///
    /// # Errors
    ///
    /// Where the folder cannot be listed.
    pub fn process(&self, run: Run<'_>) -> Result<Exit> {
        let listing = self.archive.list(Folder::Raw)?;
        for (name, reason) in &listing.ignored {
            writeln!(run.out, "{}: passed over, {}", OneLine(name), OneLine(reason))?;
        }
        let size = Size { files: listing.files.len(), bytes: None };
        let processor = self.processor();
        batch("process", size, run, |cancel, watch| Ok(processor.process_all(cancel, watch)?))
    }

    /// Fills an empty database from the archive.
    ///
    /// # Errors
    ///
    /// Where the database is not empty, or the archive cannot be listed.
    pub fn rebuild(&self, run: Run<'_>) -> Result<Exit> {
        let (totals, responses) = self
            .store
            .read(|reader| -> Result<_> { Ok((reader.totals()?, reader.response_counts()?)) })?;
        let responses = responses.pending + responses.parsed + responses.deadletter;
        if totals.bars > 0 || responses > 0 {
            bail!(
                "a rebuild fills an empty database, but {} holds {} bars and knows {} responses; \
                 name a new one in DATABASE_URL",
                self.url,
                totals.bars,
                responses
            );
        }
        let mut files = 0;
        for folder in [Folder::Parsed, Folder::Deadletter] {
            files += self.archive.list(folder)?.files.len();
        }
        let size = Size { files, bytes: None };
        let processor = self.processor();
        batch("rebuild", size, run, |cancel, watch| Ok(processor.rebuild(cancel, watch)?))
    }
}

/// Runs a batch, shows its progress, and writes its summary.
pub(crate) fn batch(
    verb: &str,
    size: Size,
    run: Run<'_>,
    work: impl FnOnce(&Cancel, &(dyn Fn(&FileReport) + Sync)) -> Result<Summary>,
) -> Result<Exit> {
    let Run { cancel, display, out } = run;
    let start = Instant::now();
    let progress = display.begin(verb, size);
    let result = work(cancel, &|report| progress.add(report));
    let troubles = progress.finish();
    let summary = result?;
    write_summary(verb, &summary, &troubles, start.elapsed(), out)?;
    Ok(if cancel.is_cancelled() && summary.not_begun > 0 {
        Exit::Interrupted
    } else if summary.halted || summary.dead_letters + summary.refused + summary.failed > 0 {
        Exit::Incomplete
    } else {
        Exit::Done
    })
}

fn write_summary(
    verb: &str,
    summary: &Summary,
    troubles: &Troubles,
    took: Duration,
    out: &mut dyn Write,
) -> Result<()> {
    let seconds = took.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = summary.bytes as f64 / seconds.max(1e-9) / 1e6;
    writeln!(
        out,
        "{verb}: {} in {seconds:.2} s ({}, {rate:.1} MB/s)",
        files(usize::try_from(summary.files()).unwrap_or(usize::MAX)),
        HumanBytes(summary.bytes),
    )?;
    writeln!(out, "  loaded              {:>8}", summary.loaded)?;
    for (label, count) in [
        ("loaded before", summary.already_loaded),
        ("dead letters", summary.dead_letters),
        ("dead letters before", summary.already_dead),
        ("in other hands", summary.in_other_hands),
        ("refused", summary.refused),
        ("failed", summary.failed),
        ("not begun", summary.not_begun),
        ("warnings", summary.warnings),
    ] {
        if count > 0 {
            writeln!(out, "  {label:<19} {count:>8}")?;
        }
    }
    writeln!(out, "  bars                {}", summary.report.bars)?;
    writeln!(out, "  corporate actions   {}", summary.report.actions)?;
    if summary.halted {
        writeln!(
            out,
            "stopped early: the database or the disk cannot be used, and every further file \
             would have met that too. Nothing is lost; see to it and run the same command again."
        )?;
    }
    let lines = troubles.lines();
    if !lines.is_empty() {
        writeln!(out, "not loaded:")?;
        for line in lines {
            writeln!(out, "  {line}")?;
        }
        if let Some(more @ 1..) = troubles.count().checked_sub(lines.len()) {
            writeln!(out, "  and {more} more; `worker status` lists the dead letters")?;
        }
    }
    Ok(())
}

pub(crate) fn files(count: usize) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}
