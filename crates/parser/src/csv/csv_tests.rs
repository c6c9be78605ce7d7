use cream_models::{ActionKind, ActionKinds, CorporateEvent, PriceHistory, Vendor};

use crate::{ParseError, ParseOptions, detect, parse, parse_with};

fn read(text: &str) -> Result<PriceHistory, ParseError> {
    parse_with(text.as_bytes(), &ParseOptions::default().with_vendor(Vendor::Csv))
}

/// A row's prices and volume, unknown ones as `-`.
fn rows(history: &PriceHistory) -> Vec<String> {
    let text = |bar: &cream_models::Bar| {
        let prices = [bar.open(), bar.high(), bar.low(), bar.close(), bar.adj_close()];
        let prices = prices.map(|price| price.map_or("-".to_owned(), |price| price.to_string()));
        let volume = bar.volume().map_or("-".to_owned(), |volume| volume.to_string());
        format!("{} {} {volume}", bar.date(), prices.join(" "))
    };
    history.bars.iter().map(text).collect()
}

fn actions(history: &PriceHistory) -> Vec<String> {
    let text = |event| match event {
        CorporateEvent::Split(ratio) => format!("split {ratio}"),
        CorporateEvent::Dividend { amount } => format!("dividend {amount}"),
        CorporateEvent::CapitalGain { amount } => format!("gain {amount}"),
    };
    history.actions.iter().map(|a| format!("{} {}", a.date, text(a.event))).collect()
}

#[track_caller]
fn refused(text: &str, words: &[&str]) {
    let error = read(text).unwrap_err().to_string();
    for word in words {
        assert!(error.contains(word), "{text:?}: {error}");
    }
}

#[test]
fn yfinance_exports_are_read() {
    let history = read(
        "Date,Open,High,Low,Close,Adj Close,Volume\n\
         2025-06-12,199.08,199.68,197.36,199.2,199.2,43904600\n\
         2025-06-13,199.73,200.37,195.7,196.45,196.45,51447300\n",
    )
    .unwrap();
    assert_eq!(rows(&history)[1], "2025-06-13 199.73 200.37 195.7 196.45 196.45 51447300");
    assert_eq!(history.bars[0].flags().to_string(), "");
    assert!(history.bars[0].is_final() && !history.bars[1].is_final());
    // No column tells of actions, so nothing is decided about them.
    assert!(history.coverage.decided_actions(ActionKinds::NONE).is_empty());

    let history = read(
        "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits,Capital Gains\n\
         2020-08-28 00:00:00-04:00,1,2,0.5,1.5,100,0.0,0.0,0.0\n\
         2020-08-31 00:00:00-04:00,1,2,0.5,1.5,100.0,0.205,4.0,0.25\n\
         2020-09-01 00:00:00-04:00,1,2,0.5,1.5,100,0.0,0.1,0.0\n",
    )
    .unwrap();
    assert_eq!(
        actions(&history),
        [
            "2020-08-31 dividend 0.205",
            "2020-08-31 split 4:1",
            "2020-08-31 gain 0.25",
            "2020-09-01 split 0.1:1"
        ]
    );
    assert_eq!(history.coverage.undecided_kinds, ActionKinds::NONE);
    assert!(history.coverage.undecided_actions.is_empty());
    assert!(history.warnings.is_empty(), "{:?}", history.warnings);
}

#[test]
fn the_head_of_three_lines_is_read_for_one_symbol() {
    let body = "2025-01-02,243.1,244.4,241.2,242.6,55740700\n";
    for head in [
        "Price,Close,High,Low,Open,Volume\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,\n",
        "Ticker,AAPL,AAPL,AAPL,AAPL,AAPL\nPrice,Close,High,Low,Open,Volume\nDate,,,,,\n",
        ",Close,High,Low,Open,Volume\n,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,\n",
    ] {
        let history = parse(format!("{head}{body}").as_bytes()).unwrap();
        assert_eq!(history.vendor_symbol.as_deref(), Some("AAPL"), "{head}");
        assert_eq!(rows(&history), ["2025-01-02 242.6 244.4 241.2 243.1 - 55740700"]);
    }
    refused(
        &format!("Price,Close,Close\nTicker,AAPL,MSFT\nDate,,\n{body}"),
        &["\"MSFT\"", "\"AAPL\"", "one symbol"],
    );
}

#[test]
fn lean_files_are_read_in_their_unit() {
    let text = "20130102 00:00,1300000,1310000,1290000,1305001,12345678\n\
                20130103 00:00,1300000,1310000,1290000,1305000,12345678\n";
    let history = parse(text.as_bytes()).unwrap();
    assert_eq!(history.vendor, Vendor::Csv);
    assert_eq!(rows(&history)[0], "2013-01-02 130 131 129 130.5001 - 12345678");
    assert_eq!(history.bars.len(), 2);
    // Another asset's file, whose unit is another.
    let crypto = "20130102 00:00,13.5,13.9,13.2,13.7,1000\n";
    refused(crypto, &["open is \"13.5\"", "1e-4"]);
    let hours = "20130102 09:00,1,1,1,1,1\n20130102 10:00,1,1,1,1,1\n";
    refused(hours, &["2013-01-02", "daily"]);
}

#[test]
fn other_programs_and_vendors_columns_are_known() {
    for (text, expected, told) in [
        (
            "date,open,high,low,close,volume,dividend,split\n2012-01-03,58.4,58.9,58.4,58.7,75555200,0.0,1.0\n",
            "2012-01-03 58.4 58.9 58.4 58.7 - 75555200",
            2,
        ),
        (
            "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,divCash,splitFactor\n\
             2015-01-02,529.55,535.8,527.88,532.6,1327870,529.55,535.8,527.88,532.6,1327870,0.0,1.0\n",
            "2015-01-02 532.6 535.8 527.88 529.55 529.55 1327870",
            2,
        ),
        (
            "Date,Open,High,Low,Close,Adjusted_close,Volume\n2025-06-13,1,2,0.5,1.5,1.4,7\n",
            "2025-06-13 1 2 0.5 1.5 1.4 7",
            0,
        ),
        (
            "timestamp,open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient\r\n\
             2022-06-06,125.245,128.99,123.81,124.79,124.79,134271125,0.0000,1.0\r\n",
            "2022-06-06 125.245 128.99 123.81 124.79 124.79 134271125",
            2,
        ),
        (
            "Date,Close/Last,Volume,Open,High,Low\n06/13/2025,$196.45,51447350,$199.73,$200.37,$195.70\n",
            "2025-06-13 199.73 200.37 195.7 196.45 - 51447350",
            0,
        ),
        (",Open,Close\n2025-06-13,1,2\n", "2025-06-13 1 - - 2 - -", 0),
        ("Date;Time;Last\n20250613;160000;2\n", "2025-06-13 - - - 2 - -", 0),
        ("Last\tClose\tDATE TIME\n1\t2\t2025-06-13T16:00:00Z\n", "2025-06-13 - - - 2 - -", 0),
        ("time,close\n20250613,2\n", "2025-06-13 - - - 2 - -", 0),
        ("\u{FEFF}# made by hand\n\nDate,Close\n2025-06-13,2", "2025-06-13 - - - 2 - -", 0),
    ] {
        let history = read(text).unwrap();
        assert_eq!(rows(&history), [expected], "{text}");
        let told_of = Vendor::Csv.tells().without(history.coverage.undecided_kinds).iter().count();
        assert_eq!(
            if history.coverage.undecided_actions.is_empty() { told_of } else { 0 },
            told,
            "{text}"
        );
    }
}

#[test]
fn a_header_without_what_is_needed_says_what_it_has() {
    refused("Open,High,Volume\n1,2,3\n", &["\"Open\", \"High\", \"Volume\"", "Date", "at byte 0"]);
    refused("Date,Volume,Value\n2025-06-13,2,3\n", &["\"Value\"", "Open, High, Low and Close"]);
    refused("Date,Close,Open,close\n", &["\"close\"", "\"Close\"", "at byte 16"]);
    refused("Date,Timestamp,Close\n", &["\"Timestamp\"", "\"Date\""]);
    refused("Date,Close\n", &["no rows in the CSV"]);
    refused("Date,Close\n# nothing\n\n", &["no rows in the CSV"]);
    refused("{\"a\":1}", &["CSV with a header"]);
    refused("<html>", &["CSV header"]);
    refused("Too Many Requests", &["Too Many Requests"]);
    let many = ["x"; 1001].join(",");
    refused(&many, &["at most 1000 columns"]);
    refused(&"x".repeat(70_000), &["header line of at most"]);
}

#[test]
fn quotes_ends_and_blanks_are_read_as_they_should() {
    for text in [
        "\"Date\",\"Close\",\"No\"\"te\"\n\"2025-06-13\",\"1,234.5\",\"a,\n\"\"b\"\"\"\n",
        "Date,Close,Note\r\n 2025-06-13 ,\"1,234.5\" ,x\r\n\r\n",
        "Date,Close,Note\n2025-06-13,1234.5,\"\"",
        "Date,Close,Note\n\n2025-06-13,+1.2345e3,5\" pipe\n# end\n",
        "Note;Date;Close\n\"a;b\";2025-06-13;1234.50\n\n  \n",
        "Date,Close,Note\n2025-06-13,1234.5,\r\n",
        "Date,Close,Note\n2025-06-13,1234.5,\r",
    ] {
        let history = read(text).unwrap();
        assert_eq!(rows(&history), ["2025-06-13 - - - 1234.5 - -"], "{text:?}");
        assert!(history.warnings.is_empty(), "{text:?} {:?}", history.warnings);
    }
    refused("Date,Close\n2025-06-13,\"1\n", &["cut off", "byte 22"]);
    refused("Date,Close\n2025-06-13,\"1\"2\n", &["closing quote"]);
    // Where semicolons separate, a comma may be a decimal comma.
    refused("Date;Close\n2025-06-13;\"1,234\"\n", &["close is \"1,234\""]);
}

#[test]
fn unknown_rounded_and_odd_numbers_are_told_apart() {
    let head = "Date,Open,High,Low,Close,Adj Close,Volume\n";
    for (cells, expected, flags) in [
        (",NaN,null,1,N/A,-", "- - - 1 - -", ""),
        ("nan,3,.5,1e0,2E-1,1.5e3", "- 3 0.5 1 0.2 1500", ""),
        ("1.0000000005,3,0.5,1,0.12345678949,12.5", "1 3 0.5 1 0.123456789 12", "rounded"),
        ("1,3,0.5,1,0.12345678949,12", "1 3 0.5 1 0.123456789 12", ""),
        ("1.0000000015,3,0.5,1,2,3.0", "1.000000002 3 0.5 1 2 3", "rounded"),
        ("-1,3,-2,1,2,3", "-1 3 -2 1 2 3", "negative_price"),
        (
            "1234567.123456789,12345678.5,0.1,1,1,123456789012345",
            "1234567.123456789 12345678.5 0.1 1 1 123456789012345",
            "",
        ),
    ] {
        for end in ["\n", "\r\n", ""] {
            let history = read(&format!("{head}2025-06-13,{cells}{end}")).unwrap();
            assert_eq!(rows(&history), [format!("2025-06-13 {expected}")], "{cells}");
            assert_eq!(history.bars[0].flags().to_string(), flags, "{cells}");
        }
    }
    for cells in [
        "1,3,0.5,1,1,-5",
        "1.,3,0.5,1,1,5",
        "1,3,0.5,x,1,5",
        "1e10,1,1,1,1,1",
        "1,2 3,1,1,1,1",
        "1,inf,1,1,1,1",
        "1,0x1,1,1,1,1",
        "1,--1,1,1,1,1",
        "1,1e,1,1,1,1",
        "1,.,1,1,1,1",
        "1,1.2.3,1,1,1,1",
        "1,\"1,23\",1,1,1,1",
        "1,\"1.234,5\",1,1,1,1",
        "1,\",123\",1,1,1,1",
        "1,1,1,1,1",
        "1,1,1,1,1,1,",
    ] {
        refused(
            &format!("{head}2025-06-13,{cells}\n"),
            &["1 of 1 rows are unreadable", "at byte 42"],
        );
    }
}

#[test]
fn dates_are_read_as_written_or_not_at_all() {
    let read_one = |date: &str| read(&format!("Date,Close\n{date},1\n"));
    for date in [
        "2025-06-03",
        "2025/06/03",
        "20250603",
        "06/03/2025",
        "6/3/2025",
        "2025-06-03T00:00:00.000Z",
        "2025-06-03 00:00:00-04:00",
        "2025-06-03 00:00",
        "2025-06-03T16:00:00+0530",
        "6/3/2025 16:00:00",
        "2025-06-03T00:00:00+00:00",
        "\"2025-06-03 00:00:00 UTC\"",
    ] {
        let history = read_one(date).unwrap();
        assert_eq!(history.bars[0].date().to_string(), "2025-06-03", "{date}");
    }
    for date in [
        "",
        "NaN",
        "2025-02-30",
        "2025-6-3",
        "25-06-03",
        "03.06.2025",
        "June 3 2025",
        "1749772800",
        "2025-06-03x",
        "2025-06-03 25:00",
        "2025-06-03T",
        "2025-06-03 12",
        "2025-06-03 00:00:00 EST",
        "06/03/25",
        "13/13/2025",
        "2025-06/03",
        "2025060a",
    ] {
        let error = read_one(date).unwrap_err().to_string();
        assert!(error.contains("the date is"), "{date}: {error}");
    }
    refused("Date,Close\n02/01/2025,1\n13/01/2025,1\n", &["\"13/01/2025\"", "month first"]);
}

#[test]
fn several_times_of_a_day_are_not_daily() {
    let of = |times: [&str; 3]| {
        let rows = times.map(|time| format!("2025-06-13 {time},1\n")).concat();
        read(&format!("Date,Close\n2025-06-12 16:00,1\n{rows}"))
    };
    let error = of(["00:00", "10:00", "11:00"]).unwrap_err();
    assert!(matches!(error, ParseError::NotDaily { .. }) && error.position() == 68, "{error}");
    // One live row beside a settled one is no intraday file.
    assert_eq!(of(["00:00", "00:00", "11:00"]).unwrap().bars.len(), 2);
}

#[test]
fn an_empty_cell_of_actions_is_none_only_where_none_is_never_written() {
    let sparse = read("Date,Close,Dividends\n2025-06-12,1,\n2025-06-13,1,0.5\n").unwrap();
    assert_eq!(actions(&sparse), ["2025-06-13 dividend 0.5"]);
    assert!(sparse.coverage.undecided_actions.is_empty());
    let kinds = ActionKinds::ALL.without(ActionKinds::NONE.with(ActionKind::Dividend));
    assert_eq!(sparse.coverage.undecided_kinds, kinds);

    let mixed =
        read("Date,Close,Dividends\n2025-06-11,1,0.0\n2025-06-12,1,\n2025-06-13,1,0.5\n").unwrap();
    assert_eq!(mixed.coverage.undecided_actions.len(), 1);
    assert!(!mixed.coverage.decides_action(("2025-06-12".parse().unwrap(), ActionKind::Dividend)));

    let odd = read(
        "Date,Close,split,Dividends\n2025-06-11,1,3:2,0\n2025-06-12,1,-2,0\n2025-06-13,1,1,x\n",
    )
    .unwrap();
    assert_eq!(actions(&odd), ["2025-06-11 split 3:2"]);
    let warnings: Vec<_> = odd.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 2);
    assert!(
        warnings[0].contains("split: \"-2\"") && warnings[1].contains("dividend: \"x\""),
        "{warnings:?}"
    );
}

#[test]
fn an_unreadable_row_is_a_warning_and_too_many_are_an_error() {
    let good = (1..=28).map(|day| format!("2025-02-{day:02},1\n")).collect::<String>();
    let history =
        read(&format!("Date,Close\n{good}2025-03-01,x\n2025-03-02,1,1\nx,1\n")).unwrap_err();
    assert!(history.to_string().contains("3 of 31 rows"), "{history}");
    let history = read(&format!("Date,Close\n2025-01-30,1\n2025-01-31,x\n{good}")).unwrap();
    assert_eq!((history.bars.len(), history.warnings.len()), (29, 1));
    let warning = history.warnings[0].to_string();
    assert!(
        warning.contains("of 2025-01-31: close is \"x\"") && warning.contains("(at byte 24)"),
        "{warning}"
    );
    assert!(!history.coverage.decides_bar("2025-01-31".parse().unwrap()));
    // Hundreds of thousands of them are not all kept.
    let bad = "x\n".repeat(200_000);
    refused(&format!("Date,Close\n{bad}"), &["2001 of 2001 rows"]);
    let more = "2025-01-01,1\n".repeat(200_001);
    refused(&format!("Date,Close\n{more}"), &["more than 200000 rows"]);
}

#[test]
fn words_at_the_end_leave_open_what_is_outside_of_the_rows() {
    let text = "Date,Open,High,Low,Close,Adjusted_close,Volume\n2025-06-13,1,2,0.5,1.5,1.4,7\n\
                Data is limited by one year, as you have free subscription\n";
    let options = ParseOptions::default()
        .with_vendor(Vendor::Csv)
        .with_asked("2000-01-01..2025-06-30".parse().unwrap());
    let history = parse_with(text.as_bytes(), &options).unwrap();
    assert_eq!(history.coverage.range.unwrap().to_string(), "2025-06-13");
    assert!(history.warnings[0].to_string().contains("Data is limited"));
    let whole =
        parse_with(text.split_inclusive('\n').take(2).collect::<String>().as_bytes(), &options);
    assert_eq!(whole.unwrap().coverage.range.unwrap().to_string(), "2000-01-01..2025-06-30");
}

#[test]
fn the_header_tells_whose_csv_it_is() {
    assert_eq!(detect(b"Date,Open\n"), Ok(Vendor::Csv.into()));
    assert_eq!(detect(b"<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<CLOSE>\n"), Ok(Vendor::Csv.into()));
    assert_eq!(
        detect(b"20130102 00:00,1300000,1310000,1290000,1305000,12345678\n"),
        Ok(Vendor::Csv.into())
    );
    for (text, vendor) in [
        ("date,close,divCash,splitFactor\n", Some(Vendor::Tiingo)),
        ("date,close,adjVolume,divCash\n", Some(Vendor::Tiingo)),
        ("date,close,splitFactor\n", Some(Vendor::Csv)),
        ("timestamp,open,high,low,close,volume\n", Some(Vendor::AlphaVantage)),
        ("Date,Open,High,Low,Close,Adjusted_close,Volume\n", Some(Vendor::Eodhd)),
        ("Date,Open,High,Low,Close,Adj Close,Volume\n", Some(Vendor::Csv)),
        ("name,value\n", None),
        ("Date", None),
        ("", None),
        ("\"Date,Close\n", None),
    ] {
        assert_eq!(super::vendor(text.as_bytes(), 0), vendor, "{text}");
    }
}

#[test]
fn answers_within_a_larger_file_keep_their_places() {
    let (before, body) = (b"{}\r\n\r\n", b"Date,Close\n2025-06-13,1\n2025-06-12,x\n\"");
    let file = [&before[..], &body[..]].concat();
    let answer = crate::answer::Answer::alone(&file, before.len());
    let mut warnings = crate::warnings::Warnings::new(9);
    let ask = crate::ask::Ask::default();
    let error = super::read(&answer, Vendor::Csv, &ask, &mut warnings).unwrap_err();
    assert_eq!(error.position(), file.len() as u64);
    let shorter = &file[..file.len() - 1];
    let answer = crate::answer::Answer::alone(shorter, before.len());
    super::read(&answer, Vendor::Csv, &ask, &mut warnings).unwrap();
    assert_eq!(warnings.into_vec()[0].position, 6 + 24);
}
