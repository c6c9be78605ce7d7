//! Tests of log lines.

use super::*;
use log::Level;
use log::kv::{Source, Value};
use proptest::prelude::*;

fn lines(message: &str, fields: &dyn Source) -> (String, String) {
    let now = "2025-06-16T21:30:00.0429Z".parse().unwrap();
    let render = |render: fn(Timestamp, &Record<'_>) -> String| {
        render(
            now,
            &Record::builder()
                .level(Level::Info)
                .target("cream")
                .module_path(Some("cream::files"))
                .line(Some(7))
                .args(format_args!("{message}"))
                .key_values(&fields)
                .build(),
        )
    };
    (render(text), render(json))
}

const TEXT: &str = "2025-06-16T21:30:00.042Z INFO  ";
const JSON: &str = r#"{"timestamp":"2025-06-16T21:30:00.042Z","level":"INFO","target":"cream","module":"cream::files","line":7,"message":"#;

fn check(message: &str, fields: &dyn Source, text: &str, json: &str) {
    let (text_line, json_line) = lines(message, fields);
    assert_eq!(text_line, format!("{TEXT}{text}"));
    assert_eq!(json_line, format!("{JSON}{json}}}"));
    serde_json::from_str::<serde_json::Value>(&json_line).unwrap();
}

#[test]
fn a_plain_message() {
    check("done", &[("file", "a.json")], "done file=a.json", r#""done","file":"a.json""#);
    check("", &[("file", "")], r#" file="""#, r#""","file":"""#);
}

#[test]
fn numbers_and_truth_values_keep_their_type() {
    let fields = [
        ("count", Value::from(3)),
        ("big", Value::from(u64::MAX)),
        ("low", Value::from(-5_i64)),
        ("rate", Value::from(0.25)),
        ("whole", Value::from(2.0)),
        ("endless", Value::from(f64::INFINITY)),
        ("none", Value::null()),
        ("ok", Value::from(true)),
        ("letter", Value::from('x')),
        ("digits", Value::from("12")),
    ];
    check(
        "n",
        &fields.as_slice(),
        "n count=3 big=18446744073709551615 low=-5 rate=0.25 whole=2.0 endless=inf none=null \
         ok=true letter=x digits=12",
        r#""n","count":3,"big":18446744073709551615,"low":-5,"rate":0.25,"whole":2.0,"endless":"inf","none":null,"ok":true,"letter":"x","digits":"12""#,
    );
}

#[test]
fn quotes_newlines_and_steering_characters_are_escaped() {
    check(
        "a \"quote\", a \\ and\na line\r\t\u{1b}[31m",
        &[("file", "x\n2025 INFO forged=\"1\"\\"), ("rtl", "\u{202e}gpj"), ("csi", "\u{9b}2J")]
            .as_slice(),
        r#"a "quote", a \ and\na line\r\t\u{1b}[31m file="x\n2025 INFO forged=\"1\"\\" rtl="\u{202e}gpj" csi="\u{9b}2J""#,
        r#""a \"quote\", a \\ and\na line\r\t\u001b[31m","file":"x\n2025 INFO forged=\"1\"\\","rtl":"\u202egpj","csi":"\u009b2J""#,
    );
}

#[test]
fn other_scripts_stay_readable() {
    check(
        "größe 価格 🍦",
        &[("名", "données.html")],
        "größe 価格 🍦 名=données.html",
        r#""größe 価格 🍦","名":"données.html""#,
    );
}

#[test]
fn a_value_that_looks_like_fields_stays_one_value() {
    let nested = [("a", 1), ("b", 2)];
    let json = r#"{"level":"ERROR"}"#;
    check(
        "n",
        &[("outer", Value::from_debug(&nested)), ("json", Value::from(json))].as_slice(),
        r#"n outer="[(\"a\", 1), (\"b\", 2)]" json="{\"level\":\"ERROR\"}""#,
        r#""n","outer":"[(\"a\", 1), (\"b\", 2)]","json":"{\"level\":\"ERROR\"}""#,
    );
}

#[test]
fn a_field_by_a_taken_name_is_renamed_and_none_is_lost() {
    let fields =
        [("message", "x"), ("file", "1"), ("file", "2"), ("level", "y"), ("field_level", "z")];
    check(
        "n",
        &fields.as_slice(),
        "n message=x file=1 file=2 level=y field_level=z",
        r#""n","field_message":"x","file":"1","field_file":"2","field_level":"y","field_field_level":"z""#,
    );
}

#[test]
fn what_is_unknown_is_null_and_time_is_as_wide_as_ever() {
    let record = || Record::builder().level(Level::Error).args(format_args!("x")).build();
    let now = Timestamp::from_micros(0);
    assert_eq!(text(now, &record()), "1970-01-01T00:00:00.000Z ERROR x");
    assert_eq!(
        json(now, &record()),
        r#"{"timestamp":"1970-01-01T00:00:00.000Z","level":"ERROR","target":"","module":null,"line":null,"message":"x"}"#
    );
}

#[test]
fn what_fails_to_show_itself_is_no_panic() {
    struct Broken;
    impl fmt::Display for Broken {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half")?;
            Err(fmt::Error)
        }
    }
    let fields = [("broken", Value::from_display(&Broken)), ("file", Value::from("x"))];
    let fields = fields.as_slice();
    let render = |render: fn(Timestamp, &Record<'_>) -> String| {
        render(
            Timestamp::from_micros(0),
            &Record::builder().args(format_args!("a {Broken}")).key_values(&fields).build(),
        )
    };
    assert!(render(text).ends_with(" a half broken=half file=x"), "{}", render(text));
    let object: serde_json::Value = serde_json::from_str(&render(json)).unwrap();
    assert_eq!((&object["message"], &object["file"]), (&"a half".into(), &"x".into()));
}

proptest! {
    #[test]
    fn a_line_is_one_line_and_json_reads_back(
        message in ".*",
        key in prop_oneof![".*", Just("message".to_owned())],
        value in "(.|\\n)*",
    ) {
        let message = format!("{message}\u{85}\u{2028}\n{message}");
        let (text, json) = lines(&message, &[(key.as_str(), value.as_str())]);
        for line in [&text, &json] {
            prop_assert!(!line.chars().any(is_unsafe), "{line:?}");
        }
        let object: serde_json::Value = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(object.as_object().unwrap().len(), 7);
        prop_assert_eq!(&object["message"], &message);
        let key = if key == "message" { "field_message".to_owned() } else { key };
        prop_assert_eq!(&object[&key], &value);
    }
}
