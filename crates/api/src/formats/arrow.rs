//! Histories as a stream of Arrow's IPC format ("IPC Streaming Format" of the Arrow Columnar
//! Format): the schema, then a record batch for each few thousand bars.
//!
//! Texts are plain, and not of a dictionary: in a stream a dictionary that grows has to be
//! replaced, which not every reader takes.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, TimeUnit};
use cream_models::BarField;
use cream_store::StoredBar;

use super::table::{PRECISION, PRICES, Rows, SCALE};
use crate::history::Head;
use crate::problem::ApiError;

/// Bars in a batch, give or take a chunk.
const BATCH: usize = 4_096;

pub(crate) struct ArrowDocument {
    writer: StreamWriter<Vec<u8>>,
    schema: Arc<Schema>,
    rows: Rows,
    is_many: bool,
}

impl ArrowDocument {
    pub(super) fn new(is_many: bool, metadata: Vec<(String, String)>) -> Result<Self, ApiError> {
        let metadata = metadata.into_iter().collect::<std::collections::HashMap<_, _>>();
        let schema = Schema::new(fields(is_many)).with_metadata(metadata);
        let writer = StreamWriter::try_new(Vec::new(), &schema).map_err(failed)?;
        Ok(Self { writer, schema: Arc::new(schema), rows: Rows::default(), is_many })
    }

    pub(super) fn take_written(&mut self, out: &mut Vec<u8>) {
        out.append(self.writer.get_mut());
    }

    pub(super) fn begin_series(&mut self, head: &Head<'_>) {
        self.rows.begin_series(head);
    }

    pub(super) fn bars(&mut self, out: &mut Vec<u8>, bars: &[StoredBar]) -> Result<(), ApiError> {
        self.rows.bars.extend_from_slice(bars);
        if self.rows.bars.len() < BATCH { Ok(()) } else { self.write_batch(out) }
    }

    fn write_batch(&mut self, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let columns = columns(&self.rows, self.is_many).map_err(failed)?;
        self.rows.clear();
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(failed)?;
        self.writer.write(&batch).map_err(failed)?;
        self.take_written(out);
        Ok(())
    }

    pub(super) fn end(&mut self, out: &mut Vec<u8>) -> Result<(), ApiError> {
        if !self.rows.bars.is_empty() {
            self.write_batch(out)?;
        }
        self.writer.finish().map_err(failed)?;
        self.take_written(out);
        Ok(())
    }
}

fn failed(error: ArrowError) -> ApiError {
    ApiError::internal(error)
}

fn price_type() -> DataType {
    DataType::Decimal128(PRECISION, SCALE.cast_signed())
}

fn instant_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn fields(is_many: bool) -> Vec<Field> {
    let mut fields = Vec::new();
    if is_many {
        fields.push(Field::new("symbol", DataType::Utf8, false));
        fields.push(Field::new("vendor", DataType::Utf8, false));
        fields.push(Field::new("currency", DataType::Utf8, true));
    }
    fields.push(Field::new("date", DataType::Date32, false));
    fields.extend(PRICES.map(|field| Field::new(field.name(), price_type(), true)));
    fields.push(Field::new("volume", DataType::Int64, true));
    fields.push(Field::new("is_final", DataType::Boolean, false));
    fields.push(Field::new("flags", DataType::Utf8, false));
    fields.push(Field::new("as_of", instant_type(), false));
    fields
}

fn columns(rows: &Rows, is_many: bool) -> Result<Vec<ArrayRef>, ArrowError> {
    let bars = || rows.bars.iter();
    let mut columns: Vec<ArrayRef> = Vec::new();
    if is_many {
        let texts = |text: fn(&super::table::Of) -> Option<&str>| -> ArrayRef {
            Arc::new(rows.of_each().map(text).collect::<StringArray>())
        };
        columns.push(texts(|of| Some(&of.symbol)));
        columns.push(texts(|of| Some(of.vendor)));
        columns.push(texts(|of| of.currency.as_deref()));
    }
    // Date32 counts from 1970-01-01, as our own dates do.
    columns.push(Arc::new(Date32Array::from_iter_values(bars().map(|row| row.bar.date().days()))));
    for field in PRICES {
        let values = bars().map(|row| row.bar.value(field).map(i128::from));
        let values = values.collect::<Decimal128Array>();
        columns.push(Arc::new(values.with_data_type(price_type())));
    }
    let volumes = bars().map(|row| row.bar.value(BarField::Volume));
    columns.push(Arc::new(volumes.collect::<Int64Array>()));
    let is_final = bars().map(|row| Some(row.bar.is_final()));
    columns.push(Arc::new(is_final.collect::<BooleanArray>()));
    columns.push(Arc::new(StringArray::from_iter_values(rows.flags())));
    let instants =
        TimestampMicrosecondArray::from_iter_values(bars().map(|row| row.as_of.micros()));
    columns.push(Arc::new(instants.with_timezone("UTC")));
    Ok(columns)
}
