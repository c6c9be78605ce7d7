//! What is asked for, by what is stored.

use cream_models::{Date, DateRange, PriceHistory, Symbol, Vendor};
use cream_retriever::{Ask, FetchedPull, Validators};
use cream_store::{StockId, StoredAction, StoredBar};

use super::{Puller, Rewritten, Span, Target, overlap};
use crate::Error;

/// What is stored of a series, as far as a pull needs it.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) stock: Option<StockId>,
    pub(super) last_date: Option<Date>,
    pub(super) vendor_symbol: Option<String>,
    pub(super) validators: Option<Validators>,
}

/// Dates begin first where the clocks are 14 hours ahead of UTC.
const EARLIEST_ZONE_SECONDS: i64 = 14 * 3600;

impl Puller {
    /// What to ask for.
    pub(super) fn ask(
        &self,
        vendor: Vendor,
        target: &Target,
        vendor_symbol: Option<&str>,
        known: &Known,
    ) -> Ask {
        let overlap = i32::from(self.options.overlap_days);
        let missing = known
            .last_date
            .map(|last| Date::from_days_saturating(i64::from(last.days().saturating_sub(overlap))));
        let (from, to) = match target.span {
            Span::Whole => (None, self.today()),
            // Not to leave a gap, in which nobody would see a split.
            Span::Dates { from, to } => (
                from.map(|from| missing.map_or(from, |missing| from.min(missing))),
                to.unwrap_or_else(|| self.today()),
            ),
            Span::Missing => (missing, self.today()),
        };
        Ask {
            vendor,
            symbol: target.symbol.clone(),
            vendor_symbol: vendor_symbol.map(str::to_owned).or_else(|| known.vendor_symbol.clone()),
            from,
            to,
            // Who asks for dates, or for all, wants an answer.
            validators: known.validators.clone().filter(|_| target.span == Span::Missing),
            pull_id: None,
            is_continued: false,
        }
    }

    /// The last date that has begun anywhere.
    pub(super) fn today(&self) -> Date {
        self.processor.clock.now().plus_seconds(EARLIEST_ZONE_SECONDS).date()
    }

    pub(super) fn known(&self, symbol: &Symbol, vendor: Vendor) -> Result<Known, Error> {
        Ok(self.processor.store.read(|reader| {
            let Some(stock) = reader.stock(symbol)? else { return Ok(Known::default()) };
            let series = reader.series(stock.id, vendor)?;
            let tracked = reader.tracked(stock.id, vendor)?;
            Ok::<_, cream_store::StoreError>(Known {
                stock: Some(stock.id),
                last_date: series.and_then(|series| series.last_date),
                vendor_symbol: tracked.as_ref().map(|tracked| tracked.vendor_symbol.clone()),
                validators: tracked.and_then(|tracked| tracked.validators).map(|held| Validators {
                    url: held.url,
                    etag: held.etag,
                    last_modified: held.last_modified,
                }),
            })
        })?)
    }

    /// Whether the last days show that what lies before them is not as it was.
    pub(super) fn rewritten(
        &self,
        ask: &Ask,
        known: &Known,
        pulled: &FetchedPull,
    ) -> Result<Option<Rewritten>, Error> {
        let history = &pulled.history;
        let (Some(_), Some(stock), Some(range)) = (ask.from, known.stock, history.coverage.range)
        else {
            return Ok(None);
        };
        // Nothing lies before the first pull's first day.
        let Some(last) = known.last_date else { return Ok(None) };
        let Ok(overlap) = DateRange::new(range.first(), last.max(range.first())) else {
            return Ok(None);
        };
        let (bars, actions) = self.processor.store.read(|reader| {
            let mut bars = reader.all_bars(stock, ask.vendor, overlap)?;
            bars.retain(|bar: &StoredBar| bar.withdrawn_at.is_none());
            let actions: Vec<StoredAction> = reader.actions(stock, ask.vendor, range)?;
            Ok::<_, cream_store::StoreError>((bars, actions))
        })?;
        Ok(overlap::rewritten(history, &bars, &actions))
    }
}

/// What lies between the last bar that is stored and the first that came. Where a vendor gives its
/// newest days only, and was not asked for long, some are missing.
pub(super) fn gap(known: &Known, history: &PriceHistory) -> Option<DateRange> {
    let (last, first) = (known.last_date?, history.bars.first()?.date());
    DateRange::new(last.next()?, first.previous()?).ok().filter(|_| first > last)
}
