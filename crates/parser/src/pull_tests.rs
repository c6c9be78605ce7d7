use proptest::prelude::*;

use super::*;

fn pull() -> Pull {
    let answer = |url: &str, body: &[u8]| Answer {
        url: url.to_owned(),
        at: "2025-06-16T21:30:01Z".parse().unwrap(),
        status: 200,
        headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
        body: body.to_vec(),
    };
    Pull {
        vendor: Vendor::YahooChart,
        symbol: Symbol::parse("TSLA").unwrap(),
        vendor_symbol: "TSLA".to_owned(),
        from: Some("2025-01-01".parse().unwrap()),
        to: "2025-06-16".parse().unwrap(),
        actions: true,
        fetched_at: "2025-06-16T21:30:00Z".parse().unwrap(),
        answers: vec![
            answer("https://q/1?a=b", b"one\r\n\r\nWARC/1.1\r\n"),
            answer("https://q/2", b""),
        ],
    }
}

#[test]
fn every_cut_is_an_error_that_tells_where() {
    let file = pull().to_bytes(1);
    for end in 0..file.len() {
        let error = Pull::read(&file[..end]).unwrap_err();
        assert!(error.position() <= at(end), "{end}: {error}");
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn what_is_wrong_in_a_head_is_told() {
    let file = String::from_utf8(pull().to_bytes(1)).unwrap();
    for (from, to, message) in [
        ("WARC-Type: warcinfo", "WARC-Type: metadata", "expected a record of the type warcinfo"),
        ("vendor: yahoo-chart", "vendor: yahoo", "expected a field \"vendor\""),
        ("vendor-symbol: TSLA\r\n", "", "expected a field \"vendor-symbol\""),
        ("asked-to: 2025-06-16", "asked-to: 2025-06-31", "expected a field \"asked-to\""),
        ("answers: 2", "answers: 1", "expected as many answers as the pull says it has"),
        ("answers: 2", "answers: 0", "expected a field \"answers\""),
        ("asked-actions: true", "asked-actions: yes", "expected a field \"asked-actions\""),
        ("WARC-Target-URI", "WARC-Target", "expected a response with a WARC-Target-URI"),
        ("HTTP/1.1 200", "HTTP/1.1 OK.", "expected an HTTP status line"),
        ("Content-Length: ", "Content-Length: x", "expected a record with a Content-Length"),
        ("Content-Length: ", "Content-Length: 9999", "cut off"),
        ("WARC-Date: 2025", "WARC-Date: x", "expected a record with a WARC-Date"),
        ("software: ", "software ", "expected a field such as name: value"),
    ] {
        let length = |text: &str| i64::try_from(text.len()).unwrap();
        let mut broken = file.replacen(from, to, 1);
        // The record's length follows its content.
        if !from.starts_with("WARC") && !from.starts_with("Content") {
            let place = if from.starts_with("HTTP") { 1 } else { 0 };
            let found = broken.match_indices("Content-Length: ").nth(place).unwrap().0 + 16;
            let rest = broken.get(found..).unwrap();
            let end = rest.find('\r').unwrap() + found;
            let old: i64 = broken.get(found..end).unwrap().parse().unwrap();
            broken.replace_range(found..end, &(old + length(to) - length(from)).to_string());
        }
        let error = Pull::read(broken.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(message), "{from}: {error}");
    }
}

#[test]
fn a_line_without_end_is_not_read_to_its_end() {
    let mut file = b"WARC/1.1\r\nWARC-Type: ".to_vec();
    file.resize(1 << 20, b'x');
    let error = Pull::read(&file).unwrap_err().to_string();
    assert!(error.contains("expected a line of at most 16 KiB"), "{error}");
}

#[test]
fn the_identifier_of_a_file_is_that_of_its_first_record() {
    let file = String::from_utf8(pull().to_bytes(0xfeed)).unwrap();
    let of = |from: &str, to: &str| PullId::of_file(file.replacen(from, to, 1).as_bytes());
    assert_eq!(of("", ""), Some(PullId(0xfeed)));
    assert_eq!(of("WARC-Record-ID", "warc-record-id"), Some(PullId(0xfeed)));
    assert_eq!(of("WARC/1.1", "WARC/2.0"), None);
    assert_eq!(of("00feed>", "00feeg>"), None);
    assert_eq!(of("00feed>", "00feed"), None);
    assert_eq!(of("00feed>", "0feed>"), None);
    // Not that of the second one.
    assert_eq!(of("WARC-Record-ID", "WARC-Other"), None);
    assert_eq!(PullId::of_file(b"{}"), None);
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        body: Vec<u8>, id: u128, status in 100_u16..1000, whole: bool, actions: bool,
        header in "[ -~]{0,40}", spelling in "[!-~]{1,20}",
    ) {
        let mut pull = pull();
        pull.actions = actions;
        pull.vendor_symbol = spelling;
        if whole { pull.from = None; }
        pull.answers[0].body = body;
        pull.answers[0].status = status;
        pull.answers[0].headers[0].1 = header.trim().to_owned();
        let file = pull.to_bytes(id);
        prop_assert_eq!(PullId::of_file(&file), Some(PullId(id)));
        prop_assert_eq!(Pull::read(&file), Ok(pull));
    }

    #[test]
    fn a_header_cannot_add_another(value in "[a-z\r\n: ]{0,30}") {
        let mut pull = pull();
        pull.answers[0].headers[0].1 = value;
        let read = Pull::read(&pull.to_bytes(1)).unwrap();
        prop_assert_eq!(read.answers[0].headers.len(), 1);
        prop_assert_eq!(&read.answers[0].body, &pull.answers[0].body);
    }

    #[test]
    fn nothing_panics(bytes: Vec<u8>) {
        let _ = Pull::read(&bytes);
        let _ = Pull::read(&[MAGIC, &bytes].concat());
        let _ = PullId::of_file(&[MAGIC, &bytes].concat());
    }
}
