//! In which forms histories are written: JSON, CSV, Arrow and Parquet, one module each.
//!
//! Each writes in pieces, so that none holds more than a bounded number of bars. The tables (CSV,
//! Arrow, Parquet) have the same columns, and those of many symbols have three more in front:
//! `symbol`, and `vendor` and `currency`, without which prices of one table could not be told
//! apart.

mod arrow;
mod csv;
mod json;
mod parquet;
mod table;

use cream_store::StoredBar;

use crate::history::{Ask, Head, Outcome, Tail};
use crate::json::JSON_BAR_LEN;
use crate::negotiate::MediaType;
use crate::problem::ApiError;

/// Every form by its name in a query; the first is answered where nothing is said.
pub(crate) const FORMATS: [(&str, MediaType); 4] = [
    ("json", MediaType::Json),
    ("csv", MediaType::Csv),
    ("arrow", MediaType::Arrow),
    ("parquet", MediaType::Parquet),
];

/// Roughly what a body of so many bars takes, to reserve it once.
pub(crate) fn expected_len(media: MediaType, bars: usize) -> usize {
    match media {
        MediaType::Json => 480 + JSON_BAR_LEN * bars,
        MediaType::Csv => 80 + csv::BAR_LEN * bars,
        MediaType::Arrow => 4_096 + 128 * bars,
        MediaType::Parquet => 8_192 + 32 * bars,
    }
}

/// A history, or many, under way in one of the forms. What is written is appended.
pub(crate) enum Document {
    Json(json::JsonDocument),
    Csv(csv::CsvDocument),
    Arrow(Box<arrow::ArrowDocument>),
    Parquet(Box<parquet::ParquetDocument>),
}

impl Document {
    /// The history of one series.
    pub(crate) fn one(media: MediaType, head: &Head<'_>) -> Result<Self, ApiError> {
        let metadata = || table::metadata_of_one(head);
        Ok(match media {
            MediaType::Json => Self::Json(json::JsonDocument::one()),
            MediaType::Csv => Self::Csv(csv::CsvDocument::new(false)),
            MediaType::Arrow => Self::Arrow(arrow::ArrowDocument::new(false, metadata())?.into()),
            MediaType::Parquet => {
                Self::Parquet(parquet::ParquetDocument::new(false, metadata())?.into())
            }
        })
    }

    /// The histories of many.
    pub(crate) fn many(
        media: MediaType,
        ask: &Ask,
        outcomes: &[Outcome],
    ) -> Result<Self, ApiError> {
        let metadata = || table::metadata_of_many(ask, outcomes);
        Ok(match media {
            MediaType::Json => Self::Json(json::JsonDocument::many(ask, outcomes)),
            MediaType::Csv => Self::Csv(csv::CsvDocument::new(true)),
            MediaType::Arrow => Self::Arrow(arrow::ArrowDocument::new(true, metadata())?.into()),
            MediaType::Parquet => {
                Self::Parquet(parquet::ParquetDocument::new(true, metadata())?.into())
            }
        })
    }

    pub(crate) fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), ApiError> {
        match self {
            Self::Json(document) => document.begin(out),
            Self::Csv(document) => document.begin(out),
            Self::Arrow(document) => document.take_written(out),
            Self::Parquet(_) => {}
        }
        Ok(())
    }

    /// Begins the bars of a series.
    pub(crate) fn begin_series(&mut self, out: &mut Vec<u8>, head: &Head<'_>) {
        match self {
            Self::Json(document) => document.begin_series(out, head),
            Self::Csv(document) => document.begin_series(head),
            Self::Arrow(document) => document.begin_series(head),
            Self::Parquet(document) => document.begin_series(head),
        }
    }

    pub(crate) fn bars(&mut self, out: &mut Vec<u8>, bars: &[StoredBar]) -> Result<(), ApiError> {
        match self {
            Self::Json(document) => document.bars(out, bars),
            Self::Csv(document) => document.bars(out, bars),
            Self::Arrow(document) => document.bars(out, bars)?,
            Self::Parquet(document) => document.bars(out, bars)?,
        }
        Ok(())
    }

    /// Ends the bars of a series.
    pub(crate) fn end_series(&mut self, out: &mut Vec<u8>, tail: &Tail<'_>) {
        if let Self::Json(document) = self {
            document.end_series(out, tail);
        }
    }

    /// A symbol without bars. The tables have told of it elsewhere.
    pub(crate) fn failed(&mut self, out: &mut Vec<u8>, ask: &Ask, outcome: &Outcome) {
        if let Self::Json(document) = self {
            document.failed(out, ask, outcome);
        }
    }

    pub(crate) fn end(&mut self, out: &mut Vec<u8>) -> Result<(), ApiError> {
        match self {
            Self::Json(document) => document.end(out),
            Self::Csv(_) => {}
            Self::Arrow(document) => document.end(out)?,
            Self::Parquet(document) => document.end(out)?,
        }
        Ok(())
    }
}
