//! The history of one symbol.

use cream_store::{Reader, Series, Stock, Store, StoredBar};

use super::Long;
use super::ask::{Head, Tail, header_name, why_empty};
use super::query::HistoryQuery;
use super::source::{Source, Told};
use crate::adjusted;
use crate::answer::{Answer, Body, Content, Rows};
use crate::formats::{self, Document};
use crate::negotiate::{IfNoneMatch, MediaType};
use crate::periods::CHUNK;
use crate::problem::ApiError;
use crate::state::find_series;
use crate::streams::Outlet;

pub(super) struct One {
    pub(super) query: HistoryQuery,
    pub(super) held: IfNoneMatch,
    pub(super) is_head: bool,
}

/// A series that is to be answered, in the state that the tag names.
struct Found {
    stock: Stock,
    series: Series,
    tag: String,
}

/// Bars with all that stands beside them.
struct Page<'a> {
    head: Head<'a>,
    tag: String,
    /// The cursor of the next page.
    next: Option<String>,
}

impl One {
    fn find(&self, reader: &mut Reader<'_>) -> Result<Result<Found, Answer>, ApiError> {
        let query = &self.query;
        let (stock, series) = find_series(reader, &query.symbol, query.vendor)?;
        if let Some(adjustment) = query.ask.adjustment {
            adjusted::check(reader, &series, adjustment)?;
        }
        let tag = query.tag(&stock, &series);
        Ok(Answer::unchanged(&self.held, &tag).map_or(Ok(Found { stock, series, tag }), Err))
    }

    fn page<'a>(
        &'a self,
        stock: &'a Stock,
        series: &'a Series,
        Told { limit, stop }: Told,
        tag: String,
    ) -> Page<'a> {
        let next = stop.map(|date| self.query.cursor(series, date));
        Page { head: Head { ask: &self.query.ask, stock, series, limit }, tag, next }
    }

    fn tail<'a>(&self, page: &'a Page<'_>, count: u64) -> Tail<'a> {
        let reason = (count == 0).then(|| why_empty(page.head.series, self.query.ask.whole_span()));
        Tail { count, next: page.next.as_deref(), reason }
    }

    /// The answer without its bytes.
    fn body(&self, page: &Page<'_>) -> Body {
        let facts = match self.query.media {
            // They are within.
            MediaType::Json => Vec::new(),
            _ => page
                .head
                .facts()
                .into_iter()
                .map(|(name, value)| (header_name(name), value))
                .collect(),
        };
        let next = page.next.as_deref().map(|cursor| self.query.link(cursor));
        Body {
            tag: page.tag.clone(),
            media: self.query.media,
            content: Content::Omitted,
            next,
            facts,
            rows: Rows::default(),
        }
    }

    /// The answer of bars that are all there are.
    fn whole(&self, page: &Page<'_>, bars: &[StoredBar]) -> Result<Answer, ApiError> {
        let mut document = Document::one(self.query.media, &page.head)?;
        let mut bytes = Vec::with_capacity(formats::expected_len(self.query.media, bars.len()));
        document.begin(&mut bytes)?;
        document.begin_series(&mut bytes, &page.head);
        document.bars(&mut bytes, bars)?;
        document.end_series(&mut bytes, &self.tail(page, count(bars)));
        document.end(&mut bytes)?;
        let (content, rows) = (Content::Whole(bytes.into()), Rows::of(count(bars)));
        Ok(Answer::Body(Body { content, rows, ..self.body(page) }))
    }
}

fn count(bars: &[StoredBar]) -> u64 {
    u64::try_from(bars.len()).unwrap_or(u64::MAX)
}

impl Long for One {
    fn at_once(&self, store: &Store) -> Result<Option<Answer>, ApiError> {
        // The text is written once the connection is back in the pool.
        let read = store.read_any(|reader| {
            let Found { stock, series, tag } = match self.find(reader)? {
                Ok(found) => found,
                Err(unchanged) => return Ok::<_, ApiError>(Err(Some(unchanged))),
            };
            let (ask, range) = (self.query.ask, self.query.range());
            if ask.most_days(&series, range) > u64::from(CHUNK) {
                return Ok(Err(None));
            }
            Ok(Ok((stock, Source::open(reader, series, ask, range)?, tag)))
        })?;
        let (stock, mut source, tag) = match read {
            Ok(read) => read,
            Err(answer) => return Ok(answer),
        };
        let bars = source.take_first();
        let page = self.page(&stock, source.series(), source.told(), tag);
        self.whole(&page, &bars).map(Some)
    }

    fn stream(&self, store: &Store, outlet: &mut Outlet) -> Result<(), ApiError> {
        store.read_any(|reader| {
            // It may be in another state by now.
            let Found { stock, series, tag } = match self.find(reader)? {
                Ok(found) => found,
                Err(unchanged) => {
                    outlet.answer(unchanged);
                    return Ok(());
                }
            };
            let mut source = Source::open(reader, series, self.query.ask, self.query.range())?;
            if source.is_whole() {
                let bars = source.take_first();
                let page = self.page(&stock, source.series(), source.told(), tag);
                outlet.answer(self.whole(&page, &bars)?);
                return Ok(());
            }
            source.look_ahead(reader)?;
            let series = source.series().clone();
            let page = self.page(&stock, &series, source.told(), tag);
            if self.is_head {
                outlet.answer(Answer::Body(self.body(&page)));
                return Ok(());
            }
            let mut document = Document::one(self.query.media, &page.head)?;
            let body = self.body(&page);
            let rows = body.rows.clone();
            outlet.begin(body);
            let mut bytes = Vec::new();
            document.begin(&mut bytes)?;
            document.begin_series(&mut bytes, &page.head);
            while let Some(bars) = source.next(reader)? {
                rows.add(count(&bars));
                document.bars(&mut bytes, &bars)?;
                outlet.pass_on(&mut bytes)?;
            }
            document.end_series(&mut bytes, &self.tail(&page, rows.count()));
            document.end(&mut bytes)?;
            outlet.send(&mut bytes)
        })
    }
}
