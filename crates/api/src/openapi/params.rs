//! What each route takes beside a body: the parameters that its handler reads, with its bounds.

use cream_models::{Adjustment, Interval};
use cream_store::{ResponseStatus, UserName};
use serde_json::{Value, json};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, Type};
use utoipa::openapi::{RefOr, Required};
use utoipa::{IntoParams, PartialSchema};

use super::words::{self, one_of, text};
use crate::formats::FORMATS;
use crate::negotiate::IfNoneMatch;
use crate::params::{NumberInPath, SymbolInPath};
use crate::{pages, stocks};

/// Bars of a history at most.
const MAX_BARS: u32 = 50_000;

/// The parameters of a route, under a name for its handler's attribute.
macro_rules! parameters {
    ($($name:ty = [$($parameter:expr),* $(,)?];)*) => {$(
        impl IntoParams for $name {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                vec![$($parameter),*]
            }
        }
    )*};
}

pub(crate) struct ListStocks;
pub(crate) struct OfVendor;
pub(crate) struct OfDates;
pub(crate) struct History;
pub(crate) struct Histories;
pub(crate) struct Responses;
pub(crate) struct Chart;
pub(crate) struct ListUsers;
pub(crate) struct Events;
pub(crate) struct ListTracked;
pub(crate) struct Archived;
pub(crate) struct AssetInPath;

parameters! {
    SymbolInPath = [path(
        "symbol",
        "The symbol, percent-encoded: `%5EGSPC` is ^GSPC, `BRK%2FB` is BRK/B, `EURUSD%3DX` is \
         EURUSD=X. Lower case is folded.",
        words::Symbol::schema(),
        json!("TSLA"),
    )];
    NumberInPath = [path("id", "The number of the list's `id`.", number(1, None), json!(1))];
    AssetInPath = [path(
        "asset",
        "A file that the page loads.",
        one_of("A file.", super::docs::asset_names()),
        json!("start.js"),
    )];
    IfNoneMatch = [parameter(
        ParameterIn::Header,
        "If-None-Match",
        "The `ETag` of what the client holds; 304 tells that nothing changed.",
        text("Entity tags between commas, or `*`.", Value::Null).build(),
        json!("\"5f0c1e9d2a7b4c36\""),
    )];
    ListStocks = [
        query(
            "q",
            "Symbols of which the symbol or the name contains this text, letters A to Z in either case.",
            plain_text(stocks::MAX_SEARCH),
            json!("tsla"),
        ),
        limit(pages::DEFAULT_LIMIT, pages::MAX_LIMIT),
        cursor(),
    ];
    OfVendor = [vendor()];
    OfDates = [start(), end(), vendor()];
    History = [
        start(), end(), vendor(), adjustment(), order(), limit(MAX_BARS, MAX_BARS), cursor(), format(),
        interval(),
    ];
    Histories = [
        required(query(
            "symbols",
            "1 to 2,000 symbols between commas, each once, as long as path and query have room. What is no symbol is told beside the others.",
            text("Symbols between commas.", Value::Null)
                .min_length(Some(1))
                .build(),
            json!("TSLA,BRK/B"),
        )),
        start(), end(), vendor(), adjustment(), order(),
        query("limit", "Bars of each symbol at most; every bar where it is absent.", number(1, Some(MAX_BARS)), json!(250)),
        format(), interval(),
    ];
    Responses = [vendor(), limit(pages::DEFAULT_LIMIT, pages::MAX_LIMIT), cursor()];
    Chart = [
        query(
            "range",
            "How far back from the last bar: one of 1d, 5d, 1mo, 3mo, 6mo, 1y, 2y, 5y, 10y, ytd, \
             max, or any other number up to 9999 of d, wk, mo or y.",
            default(text("A range.", Value::Null).pattern(Some("^(max|ytd|[1-9][0-9]{0,3}(d|wk|mo|y))?$")), json!("1d")),
            json!("6mo"),
        ),
        query("period1", "From this instant on, in seconds since 1970; goes before `range`.", seconds(), json!(1_748_736_000)),
        query("period2", "Up to this instant and without it, in seconds since 1970; not before `period1`.", seconds(), json!(1_751_328_000)),
        interval(),
        query(
            "events",
            "Which corporate actions are told: of `div`, `splits` and `capitalGains`, between commas or bars.",
            text("Kinds of corporate action.", Value::Null).build(),
            json!("div,splits"),
        ),
        query(
            "includeAdjustedClose",
            "Whether adjusted closes are told.",
            default(text("`false` and `0` leave them out.", Value::Null), json!("true")),
            json!("true"),
        ),
        query(
            "vendor",
            "From which vendor; without it the freshest whose prices can be split-adjusted. Yahoo has no such parameter.",
            words::VendorName::schema(),
            json!("yahoo-chart"),
        ),
    ];
    ListTracked = [
        vendor(),
        query(
            "status",
            "Those alone whose last pull ended so.",
            words::PullStatusName::schema(),
            json!("failed"),
        ),
        query(
            "active",
            "`true`: what is pulled when it is due; `false`: what is not.",
            one_of("Whether it is pulled.", ["true", "false"]),
            json!("true"),
        ),
        limit(pages::DEFAULT_LIMIT, pages::MAX_LIMIT),
        cursor(),
    ];
    Archived = [
        query("status", "Which responses.", deadletter(), json!("deadletter")),
        limit(pages::DEFAULT_LIMIT, pages::MAX_LIMIT),
        cursor(),
    ];
    ListUsers = [limit(pages::DEFAULT_LIMIT, pages::MAX_LIMIT), cursor()];
    Events = [
        query("kind", "Events of this kind alone.", words::AuditKindName::schema(), json!("login")),
        query("account", "Events of the account by this name alone.", plain_text(UserName::MAX_LEN), json!("ann")),
        limit(pages::DEFAULT_LIMIT, pages::MAX_LIMIT),
        cursor(),
    ];
}

fn parameter(
    place: ParameterIn,
    name: &str,
    description: &str,
    schema: impl Into<RefOr<Schema>>,
    example: Value,
) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .example((!example.is_null()).then_some(example))
        .build()
}

fn query(
    name: &str,
    description: &str,
    schema: impl Into<RefOr<Schema>>,
    example: Value,
) -> Parameter {
    parameter(ParameterIn::Query, name, description, schema, example)
}

fn path(
    name: &str,
    description: &str,
    schema: impl Into<RefOr<Schema>>,
    example: Value,
) -> Parameter {
    required(parameter(ParameterIn::Path, name, description, schema, example))
}

fn required(mut parameter: Parameter) -> Parameter {
    parameter.required = Required::True;
    parameter
}

fn default(schema: ObjectBuilder, value: Value) -> Object {
    schema.default(Some(value)).build()
}

fn number(least: u32, most: Option<u32>) -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(most).build()
}

/// Seconds since 1970.
fn seconds() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(i64::MIN))
        .maximum(Some(i64::MAX))
        .build()
}

/// Text that is looked for.
fn plain_text(most: usize) -> Object {
    text("None of it a control character.", Value::Null)
        .max_length(Some(most))
        .pattern(Some(words::PLAIN))
        .build()
}

fn limit(usual: u32, most: u32) -> Parameter {
    let mut schema = number(1, Some(most));
    schema.default = Some(json!(usual));
    query("limit", "How many at most.", schema, json!(10.min(most)))
}

fn cursor() -> Parameter {
    let description = "The `next` of the page before; every other parameter stays as it was but \
                       `limit` and `format`.";
    query("cursor", description, words::Cursor::schema(), Value::Null)
}

fn vendor() -> Parameter {
    let description = "From which vendor; without it, from the one whose last bar is newest, or of \
                       responses from every one.";
    query("vendor", description, words::VendorName::schema(), json!("yahoo-chart"))
}

fn start() -> Parameter {
    query("start", "The first date, not after `end`.", words::Date::schema(), json!("2025-06-10"))
}

fn end() -> Parameter {
    query(
        "end",
        "The last date, which is part of the range.",
        words::Date::schema(),
        json!("2025-06-12"),
    )
}

fn deadletter() -> Object {
    let words = ResponseStatus::ALL.map(ResponseStatus::name);
    let mut schema = one_of("To be loaded, loaded, or set aside.", words);
    schema.default = Some(json!(ResponseStatus::Deadletter.name()));
    schema
}

fn interval() -> Parameter {
    let mut schema = one_of("A day, a week or a month.", Interval::ALL.map(Interval::name));
    schema.default = Some(json!(Interval::default().name()));
    query("interval", "What a bar is of.", schema, json!("1d"))
}

fn adjustment() -> Parameter {
    let schema = one_of("How prices are adjusted.", Adjustment::ALL.map(Adjustment::name));
    let description = "`raw` as traded, `splits` on the share count of the last bar, `all` for \
                       distributions too; as delivered where it is absent.";
    query("adjustment", description, schema, json!("splits"))
}

fn order() -> Parameter {
    let mut schema = one_of("The oldest or the newest first.", ["asc", "desc"]);
    schema.default = Some(json!("asc"));
    query("order", "Whether the oldest or the newest comes first.", schema, json!("desc"))
}

fn format() -> Parameter {
    let schema = one_of("A form.", FORMATS.map(|(name, _)| name));
    query(
        "format",
        "In which form; what `Accept` likes best where it is absent.",
        schema,
        json!("json"),
    )
}
