//! The values that answers and requests are made of, each with its bounds as the code has them.

use cream_auth::{Password, Role, Scope, TokenKind};
use cream_models::{ActionKind, Adjustment, BarFlags, Interval, PriceBasis, Vendor};
use cream_store::{AuditKind, PullStatus, ResponseStatus, TaskOutcome, UserName as Name};
use serde_json::{Value, json};
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::accounts::tokens;

/// A schema's name, and how it is built.
macro_rules! words {
    ($($name:ident = $schema:expr;)*) => {$(
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                RefOr::T(Schema::Object($schema))
            }
        }

        impl ToSchema for $name {}
    )*};
}

words! {
    Symbol = text("A symbol. Lower case is folded, and answers hold capitals; `..` and `//` are not \
        allowed in it.", json!("TSLA"))
        .min_length(Some(1))
        .max_length(Some(32))
        .pattern(Some(SYMBOL))
        .build();
    Date = formatted(KnownFormat::Date, "A trading date in the exchange's own time zone.", "2025-06-13");
    Instant = formatted(KnownFormat::DateTime, "An instant in UTC.", "2025-06-13T20:15:00Z");
    Price = ObjectBuilder::new()
        .schema_type(Type::Number)
        .description(Some("An exact decimal with up to nine digits behind the point. Read it as a \
            decimal where the last digit matters: a double holds no more than 15 to 17 digits."))
        .examples([json!(325.31)])
        .build();
    VendorName = one_of("Where data come from.", Vendor::ALL.map(Vendor::name));
    PriceBasisName = one_of(
        "On which share count prices are: that of their day, that of the last bar, or one that the \
         vendor does not tell.",
        [PriceBasis::AsTraded, PriceBasis::SplitAdjusted, PriceBasis::Unknown].map(PriceBasis::name),
    );
    IntervalName = one_of("What a bar is of: a day, a week or a month.", Interval::ALL.map(Interval::name));
    AdjustmentName = one_of("How prices are adjusted.", Adjustment::ALL.map(Adjustment::name));
    ActionKindName = one_of("What happened to a share.", ActionKind::ALL.map(ActionKind::name));
    FlagName = one_of("What is odd about a bar.", flags());
    ResponseStatusName = one_of(
        "Whether a response is to be loaded, loaded, or set aside.",
        ResponseStatus::ALL.map(ResponseStatus::name),
    );
    PullStatusName = one_of(
        "How the last pull ended; `pending` where there was none.",
        PullStatus::ALL.map(PullStatus::name),
    );
    TaskOutcomeName = one_of("How a task ended.", TaskOutcome::ALL.map(TaskOutcome::name));
    WorkerStateName = one_of(
        "Whether a worker runs, stops, has ended, or was not heard of for too long.",
        ["running", "stopping", "ended", "silent"],
    );
    VendorSymbol = text("A symbol in the spelling of a vendor.", json!("brk-b.us"))
        .min_length(Some(1))
        .max_length(Some(64))
        .pattern(Some("^[!-~]+$"))
        .build();
    ScopeName = one_of("What a token is good for.", Scope::ALL.map(Scope::name));
    RoleName = one_of("What a person is.", Role::ALL.map(Role::name));
    TokenKindName = one_of("Made for a program, or given by a login.", TokenKind::ALL.map(TokenKind::name));
    AuditKindName = one_of("What happened.", AuditKind::ALL.map(AuditKind::name));
    UserName = text("A user's name. It is kept in lower case.", json!("ann"))
        .min_length(Some(1))
        .max_length(Some(Name::MAX_LEN))
        .pattern(Some("^[A-Za-z0-9][A-Za-z0-9._@-]*$"))
        .build();
    TokenName = text("What the owner of a token calls it; none of it a control character.", json!("notebook"))
        .min_length(Some(1))
        .max_length(Some(tokens::MAX_NAME))
        .pattern(Some(PLAIN))
        .build();
    TokenDays = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(tokens::MAX_DAYS))
        .default(Some(json!(tokens::DEFAULT_DAYS)))
        .build();
    NewPassword = secret("A new password: other than the user's name, at least 12 characters, and at \
        most 1024 bytes.")
        .min_length(Some(Password::MIN_CHARACTERS))
        .max_length(Some(Password::MAX_BYTES))
        .build();
    TokenText = text("A token, to be sent as `Authorization: Bearer TOKEN`.", Value::Null)
        .pattern(Some("^creams?_[0-9A-Za-z]{49}$"))
        .examples([json!(TOKEN)])
        .build();
    Cursor = text("Where the next page begins: opaque, and good for the query that it came from.",
        json!("01c2a0d4"))
        .pattern(Some("^([0-9a-f]{2})+$"))
        .build();
}

/// The grammar of symbols. Dots and slashes alternate where several stand together, and the last
/// character is a letter or a digit.
pub(crate) const SYMBOL: &str = r"^([A-Za-z0-9]|[A-Za-z0-9^](((\./)+\.?|(/\.)+/?|[./])?[A-Za-z0-9^=&:_-])*((\./)+\.?|(/\.)+/?|[./])?[A-Za-z0-9])$";

/// Text without a control character.
pub(crate) const PLAIN: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";

/// Nobody's: its checksum is wrong.
pub(crate) const TOKEN: &str = "cream_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg000000";

/// Text with an example, unless that is null.
pub(crate) fn text(description: &str, example: Value) -> ObjectBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String).description(Some(description));
    if example.is_null() { text } else { text.examples([example]) }
}

pub(crate) fn secret(description: &str) -> ObjectBuilder {
    text(description, json!("correct horse battery"))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
        .write_only(true)
}

fn formatted(format: KnownFormat, description: &str, example: &str) -> Object {
    text(description, json!(example)).format(Some(SchemaFormat::KnownFormat(format))).build()
}

/// One of a few words.
pub(crate) fn one_of<'a>(description: &str, words: impl IntoIterator<Item = &'a str>) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .enum_values(Some(words))
        .build()
}

/// Every flag that a bar of an answer can have.
fn flags() -> Vec<&'static str> {
    let daily = (0..15).filter_map(|bit| BarFlags::from_bits(1 << bit));
    daily.chain([BarFlags::MIXED_SHARE_COUNTS]).flat_map(BarFlags::names).collect()
}
