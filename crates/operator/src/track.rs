//! Saying which stocks are pulled by the workers that run on their own.

use std::collections::{HashMap, HashSet};
use std::io::Write;

use anyhow::{Result, bail};
use cream_models::{Symbol, Timestamp, Vendor};
use cream_processor::{Cancel, OneLine};
use cream_retriever::KeyNeed;
use cream_retry::{Policy, Verdict};
use cream_store::{Store, StoreError, SymbolTracking, TrackedBy, Tracking, Writer};

use crate::fetch::{infix, symbols};
use crate::vendors::descriptions;
use crate::{Exit, Operator};

/// What to track.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// The symbols; one that comes twice counts once.
    pub symbols: Vec<Symbol>,
    /// Whom to pull them from; `None` for the vendor of the settings.
    pub vendor: Option<Vendor>,
    /// The symbol in the vendor's own spelling; for a single symbol.
    pub vendor_symbol: Option<String>,
}

/// What to track no more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Untrack {
    /// The symbols; one that comes twice counts once.
    pub symbols: Vec<Symbol>,
    /// From whom; `None` for every vendor.
    pub vendor: Option<Vendor>,
}

/// So many symbols are written in one transaction: few enough that no worker waits for long.
const CHUNK: usize = 200;

impl Operator {
    /// Lets workers pull these symbols from now on, the first time at once.
    ///
    /// A spelling that was given before, here or to a fetch, is kept unless another one is given.
    ///
    /// # Errors
    ///
    /// Where the vendor cannot be asked, one spelling is given to several symbols, or the
    /// database or the output fails. What becomes of a symbol is told in its line.
    pub fn track(&self, track: &Track, cancel: &Cancel, out: &mut dyn Write) -> Result<Exit> {
        let vendor = track.vendor.unwrap_or(self.settings.vendor);
        let Some(about) =
            descriptions(&self.settings)?.into_iter().find(|about| about.vendor == vendor)
        else {
            bail!("{vendor} cannot be asked, so that nothing can be tracked from it");
        };
        let wanted = distinct(&track.symbols);
        let given = track.vendor_symbol.as_deref();
        if given.is_some() && wanted.len() > 1 {
            bail!("one spelling is given for {} symbols: expected one symbol", wanted.len());
        }
        let mut tally = Tally::default();
        let is_whole = self.in_chunks(
            &wanted,
            cancel,
            |writer, now, symbol| {
                writer.track_symbol(symbol, vendor, given, TrackedBy::Operator, now)
            },
            |symbol, tracking| {
                tally.add(&tracking);
                writeln!(out, "{symbol}: {vendor}: {}", OneLine(&fate(symbol, &tracking)))?;
                Ok(())
            },
        )?;
        writeln!(out, "track: {}", symbols(wanted.len()))?;
        tally.write(wanted.len(), out)?;
        if about.key == KeyNeed::Required && !about.key_is_set {
            writeln!(
                out,
                "{vendor} answers nothing without a key: nothing is pulled until STOCK_DATA_{}_API_KEY is \
                 set where the worker runs; it is not set here",
                infix(vendor)
            )?;
        }
        Ok(exit(is_whole, tally.refused))
    }

    /// Lets workers pull these symbols no more. Their prices, and how they are spelled, stay.
    ///
    /// # Errors
    ///
    /// Where the database or the output fails. What becomes of a symbol is told in its line.
    pub fn untrack(&self, untrack: &Untrack, cancel: &Cancel, out: &mut dyn Write) -> Result<Exit> {
        let vendors: Vec<Vendor> =
            untrack.vendor.map_or_else(|| Vendor::ALL.to_vec(), |vendor| vec![vendor]);
        let wanted = distinct(&untrack.symbols);
        let (mut ended, mut missing) = (0_usize, 0_usize);
        let is_whole = self.in_chunks(
            &wanted,
            cancel,
            |writer, now, symbol| {
                let Some(stock) = writer.stock(symbol)? else { return Ok(Vec::new()) };
                let mut ended = Vec::new();
                for vendor in &vendors {
                    if writer.untrack(stock.id, *vendor, now)? {
                        ended.push(*vendor);
                    }
                }
                Ok(ended)
            },
            |symbol, vendors| {
                for vendor in &vendors {
                    writeln!(out, "{symbol}: {vendor}: tracked no more")?;
                }
                if vendors.is_empty() {
                    missing += 1;
                    let from = untrack.vendor.map(|vendor| format!("{vendor}: "));
                    writeln!(out, "{symbol}: {}was not tracked", from.unwrap_or_default())?;
                } else {
                    ended += 1;
                }
                Ok(())
            },
        )?;
        writeln!(out, "untrack: {}", symbols(wanted.len()))?;
        counts([("tracked no more", ended), ("were not tracked", missing)], wanted.len(), out)?;
        Ok(exit(is_whole, missing))
    }

    /// Works through symbols, some in a transaction, and tells of each once it is committed. False
    /// where it was asked to stop before the end.
    fn in_chunks<T>(
        &self,
        wanted: &[&Symbol],
        cancel: &Cancel,
        work: impl Fn(&mut Writer<'_>, Timestamp, &Symbol) -> Result<T, StoreError>,
        mut tell: impl FnMut(&Symbol, T) -> Result<()>,
    ) -> Result<bool> {
        for chunk in wanted.chunks(CHUNK) {
            if cancel.is_cancelled() {
                return Ok(false);
            }
            // In one order for all, so that of two at once none waits for the other in a circle.
            let mut sorted = chunk.to_vec();
            sorted.sort_unstable();
            let mut fates = self.patiently(cancel, |store| {
                let now = self.clock.now();
                store.write(|writer| {
                    let mut fate = |symbol| Ok((symbol, work(writer, now, symbol)?));
                    sorted
                        .iter()
                        .map(|&symbol| fate(symbol))
                        .collect::<Result<HashMap<_, _>, StoreError>>()
                })
            })?;
            for symbol in chunk {
                if let Some(fate) = fates.remove(symbol) {
                    tell(symbol, fate)?;
                }
            }
        }
        Ok(true)
    }

    /// Tries a transaction again while the database is away or locked, as long as the settings
    /// have patience.
    fn patiently<T>(
        &self,
        cancel: &Cancel,
        work: impl Fn(&Store) -> Result<T, StoreError>,
    ) -> Result<T> {
        let policy = Policy { total: self.settings.patience, ..Policy::default() };
        let result = policy.run_while(
            || !cancel.is_cancelled(),
            || work(&self.store),
            |error: &StoreError, retry| {
                if !error.is_transient() {
                    return Verdict::GiveUp;
                }
                let (error, attempt) = (error.to_string(), retry.attempt);
                log::warn!(error = error.as_str(), attempt = attempt; "trying the database again");
                Verdict::Retry
            },
        );
        Ok(result?)
    }
}

/// What became of a symbol that was to be tracked, for a person.
fn fate(symbol: &Symbol, fate: &SymbolTracking) -> String {
    let (tracking, tracked) = match fate {
        SymbolTracking::Tracked(tracking, tracked) => (tracking, tracked),
        SymbolTracking::Refused(why) => return format!("refused: {why}"),
    };
    let text = match tracking {
        Tracking::New => "tracked",
        Tracking::Reactivated => "tracked again",
        Tracking::Already => "already tracked",
    };
    match tracked.vendor_symbol.as_str() {
        spelled if spelled == symbol.as_str() => text.to_owned(),
        spelled => format!("{text}, as {spelled}"),
    }
}

/// How many symbols went how.
#[derive(Default)]
struct Tally {
    new: usize,
    again: usize,
    already: usize,
    refused: usize,
}

impl Tally {
    const fn add(&mut self, fate: &SymbolTracking) {
        let place = match fate {
            SymbolTracking::Tracked(Tracking::New, _) => &mut self.new,
            SymbolTracking::Tracked(Tracking::Reactivated, _) => &mut self.again,
            SymbolTracking::Tracked(Tracking::Already, _) => &mut self.already,
            SymbolTracking::Refused(_) => &mut self.refused,
        };
        *place += 1;
    }

    fn write(&self, wanted: usize, out: &mut dyn Write) -> Result<()> {
        let Self { new, again, already, refused } = *self;
        let rows = [
            ("tracked", new),
            ("tracked again", again),
            ("already tracked", already),
            ("refused", refused),
        ];
        counts(rows, wanted, out)
    }
}

fn counts<const N: usize>(
    rows: [(&str, usize); N],
    wanted: usize,
    out: &mut dyn Write,
) -> Result<()> {
    let done: usize = rows.iter().map(|(_, count)| count).sum();
    let not_begun = [("not begun", wanted.saturating_sub(done))];
    for (label, count) in rows.into_iter().chain(not_begun) {
        if count > 0 {
            writeln!(out, "  {label:<19} {count:>8}")?;
        }
    }
    Ok(())
}

fn distinct(symbols: &[Symbol]) -> Vec<&Symbol> {
    let mut seen = HashSet::new();
    symbols.iter().filter(|symbol| seen.insert(*symbol)).collect()
}

const fn exit(is_whole: bool, missed: usize) -> Exit {
    match (is_whole, missed) {
        (false, _) => Exit::Interrupted,
        (true, 0) => Exit::Done,
        (true, _) => Exit::Incomplete,
    }
}
