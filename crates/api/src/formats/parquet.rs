//! Histories as Apache Parquet: a row group for each few ten thousand bars, pages compressed by
//! Zstandard, which pyarrow, polars and DuckDB read.

use actix_web::web::Bytes;
use cream_models::{Bar, BarField};
use cream_store::StoredBar;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType,
    Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::table::{Of, PRECISION, PRICES, Rows, SCALE};
use crate::history::Head;
use crate::problem::ApiError;

/// Bars in a row group, give or take a chunk: a few MiB while it is gathered.
const ROW_GROUP: usize = 32_768;

/// The bytes of a price: as few as hold every number of [`PRECISION`] digits, which is what other
/// writers choose, and readers expect.
const PRICE_LEN: usize = 9;

pub(crate) struct ParquetDocument {
    writer: SerializedFileWriter<Vec<u8>>,
    rows: Rows,
    is_many: bool,
}

impl ParquetDocument {
    pub(super) fn new(is_many: bool, metadata: Vec<(String, String)>) -> Result<Self, ApiError> {
        let schema = parse_message_type(&schema(is_many)).map_err(ApiError::internal)?;
        let metadata = metadata.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            // By row group, which is what readers leave out by; by page they would have to be kept
            // until the end of the file.
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .set_key_value_metadata(Some(metadata))
            .build();
        let writer = SerializedFileWriter::new(Vec::new(), schema.into(), properties.into())
            .map_err(ApiError::internal)?;
        Ok(Self { writer, rows: Rows::default(), is_many })
    }

    pub(super) fn begin_series(&mut self, head: &Head<'_>) {
        self.rows.begin_series(head);
    }

    pub(super) fn bars(&mut self, out: &mut Vec<u8>, bars: &[StoredBar]) -> Result<(), ApiError> {
        self.rows.bars.extend_from_slice(bars);
        if self.rows.bars.len() < ROW_GROUP { Ok(()) } else { self.write_group(out) }
    }

    fn write_group(&mut self, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let mut group = self.writer.next_row_group().map_err(ApiError::internal)?;
        write_columns(&mut group, &self.rows, self.is_many).map_err(ApiError::internal)?;
        group.close().map_err(ApiError::internal)?;
        self.rows.clear();
        self.writer.flush().map_err(ApiError::internal)?;
        out.append(self.writer.inner_mut());
        Ok(())
    }

    pub(super) fn end(&mut self, out: &mut Vec<u8>) -> Result<(), ApiError> {
        if !self.rows.bars.is_empty() {
            self.write_group(out)?;
        }
        self.writer.finish().map_err(ApiError::internal)?;
        self.writer.flush().map_err(ApiError::internal)?;
        out.append(self.writer.inner_mut());
        Ok(())
    }
}

/// The schema, as the message type that Parquet's documentation writes schemas in.
fn schema(is_many: bool) -> String {
    let of = "required binary symbol (STRING); required binary vendor (STRING);
              optional binary currency (STRING);";
    let prices = PRICES.map(|field| {
        let name = field.name();
        format!("optional fixed_len_byte_array({PRICE_LEN}) {name} (DECIMAL({PRECISION},{SCALE}));")
    });
    format!(
        "message bars {{ {} required int32 date (DATE); {} optional int64 volume;
         required boolean is_final; required binary flags (STRING);
         required int64 as_of (TIMESTAMP(MICROS,true)); }}",
        if is_many { of } else { "" },
        prices.concat(),
    )
}

type Group<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

fn write_columns(group: &mut Group<'_>, rows: &Rows, is_many: bool) -> Result<(), ParquetError> {
    let bars = || rows.bars.iter().map(|row| &row.bar);
    if is_many {
        let texts = |text: fn(&Of) -> Option<&str>| {
            rows.of_each().map(text).map(|text| text.map(ByteArray::from))
        };
        required::<ByteArrayType>(group, texts(|of| Some(&of.symbol)).flatten().collect())?;
        required::<ByteArrayType>(group, texts(|of| Some(of.vendor)).flatten().collect())?;
        optional::<ByteArrayType>(group, texts(|of| of.currency.as_deref()))?;
    }
    // DATE counts from 1970-01-01, as our own dates do.
    required::<Int32Type>(group, bars().map(|bar| bar.date().days()).collect())?;
    for field in PRICES {
        optional::<FixedLenByteArrayType>(group, prices(bars(), field))?;
    }
    optional::<Int64Type>(group, bars().map(|bar| bar.volume()))?;
    required::<BoolType>(group, bars().map(Bar::is_final).collect())?;
    required::<ByteArrayType>(group, rows.flags().map(|text| text.as_str().into()).collect())?;
    required::<Int64Type>(group, rows.bars.iter().map(|row| row.as_of.micros()).collect())
}

/// Prices in two's complement, the highest byte first, out of one piece of memory.
fn prices<'a>(
    bars: impl Iterator<Item = &'a Bar> + Clone,
    field: BarField,
) -> impl Iterator<Item = Option<FixedLenByteArray>> {
    let mut bytes = Vec::new();
    for value in bars.clone().filter_map(|bar| bar.value(field)) {
        bytes.push(if value < 0 { 0xff } else { 0 });
        bytes.extend_from_slice(&value.to_be_bytes());
    }
    let mut bytes = Bytes::from(bytes);
    bars.map(move |bar| {
        bar.value(field)?;
        Some(ByteArray::from(bytes.split_to(PRICE_LEN)).into())
    })
}

fn required<T: DataType>(group: &mut Group<'_>, values: Vec<T::T>) -> Result<(), ParquetError> {
    write::<T>(group, &values, None)
}

fn optional<T: DataType>(
    group: &mut Group<'_>,
    values: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ParquetError> {
    let (mut known, mut levels) = (Vec::new(), Vec::new());
    for value in values {
        levels.push(i16::from(value.is_some()));
        known.extend(value);
    }
    write::<T>(group, &known, Some(&levels))
}

fn write<T: DataType>(
    group: &mut Group<'_>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let missing = || ParquetError::General("there are more columns than in the schema".to_owned());
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}
