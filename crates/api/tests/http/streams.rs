//! Histories that are too long to be built at once.

use std::io::Read as _;
use std::net::TcpStream;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use cream_models::{Bar, Price, Vendor};
use cream_store::{Store, StoreOptions};
use serde_json::Value;

use crate::formats::{load, many_bars};
use crate::support::{Answer, Api};

fn long() -> &'static Api {
    static API: OnceLock<Api> = OnceLock::new();
    API.get_or_init(|| {
        Api::start(true, |store| {
            let bars = many_bars(21_000);
            load(store, "LONG", Vendor::Tiingo, &bars);
            let every_third: Vec<Bar> = bars.into_iter().step_by(3).collect();
            load(store, "GAPS", Vendor::Tiingo, &every_third);
        })
    })
}

/// Every page of a query, each small enough to be built at once.
fn pages(api: &Api, query: &str, wanted: usize) -> Vec<Value> {
    let mut pages = Vec::new();
    let (mut cursor, mut bars) = (String::new(), 0);
    loop {
        let limit = (wanted - bars).min(130);
        let path = format!("/stock-data/LONG/history?{query}&limit={limit}{cursor}");
        let answer = api.get(&path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let page = answer.json();
        bars += page["bars"].as_array().unwrap().len();
        let next = page["next"].as_str().map(str::to_owned);
        pages.push(page);
        match next {
            Some(next) if bars < wanted => cursor = format!("&cursor={next}"),
            _ => return pages,
        }
    }
}

#[test]
fn a_long_history_is_that_of_its_pages() {
    let api = long();
    for (query, limit) in [
        ("order=asc", 50_000),
        ("order=desc&adjustment=all", 50_000),
        ("adjustment=all&start=1920-01-01", 9_000),
        ("order=desc&adjustment=raw&end=1970-01-01", 15_000),
        ("order=desc&adjustment=splits", 6_000),
        ("interval=1wk&adjustment=all", 50_000),
        ("interval=1mo&order=desc", 500),
        ("interval=1wk&order=desc&adjustment=raw", 700),
    ] {
        let path = format!("/stock-data/LONG/history?{query}&limit={limit}");
        let answer = api.get(&path);
        assert_eq!(answer.header("transfer-encoding"), "chunked", "{path}");
        let whole = answer.json();
        let pages = pages(api, query, limit);
        let bars = |page: &Value| page["bars"].as_array().unwrap().clone();
        let wanted: Vec<Value> = pages.iter().flat_map(bars).collect();
        assert_eq!(whole["count"], wanted.len(), "{path}");
        assert!(bars(&whole) == wanted, "{path}: other bars");
        let last = pages.last().unwrap();
        assert_eq!(whole["next"], last["next"], "{path}");
        assert_eq!(answer.header("link").is_empty(), whole["next"].is_null(), "{path}");
        // Said of the page that holds the oldest bars.
        let limits = |page: &Value| page["adjusted_from"].as_str().map(str::to_owned);
        assert_eq!(limits(&whole), pages.iter().find_map(limits), "{path}");
        let csv = api.get(&format!("{path}&format=csv"));
        assert_eq!(csv.text().lines().count(), wanted.len() + 1, "{path}");
        assert_eq!(csv.header("cream-adjusted-from"), limits(&whole).unwrap_or_default());
        assert_eq!(csv.header("link").is_empty(), whole["next"].is_null(), "{path}");
    }
}

#[test]
fn a_long_history_has_a_tag_and_its_head_alone_is_not_written() {
    let (api, path) = (long(), "/stock-data/LONG/history?adjustment=all&order=desc&format=csv");
    let get = api.get(path);
    let head = api.send("HEAD", path, &[]);
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["etag", "content-type", "cream-adjusted-from", "cream-price-basis"] {
        assert!(!get.header(name).is_empty(), "{name}");
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    let unchanged = api.get_with(path, &[("if-none-match", get.header("etag"))]);
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    let packed = api.get_with(path, &[("accept-encoding", "zstd")]);
    assert_eq!(packed.header("content-encoding"), "zstd");
    assert!(packed.body.len() * 2 < get.body.len());
    // That it is short after all is known once its bars are read.
    let short = api.get("/stock-data/GAPS/history?start=1920-01-01&end=1949-12-31");
    assert_eq!(short.json()["count"], 3_653);
    assert_eq!(short.header("content-length"), short.body.len().to_string());
}

/// More than the buffers of two sockets hold.
fn heavy(store: &Store) {
    let mut bars = many_bars(60_000);
    for symbol in ["A", "B"] {
        load(store, symbol, Vendor::Tiingo, &bars);
    }
    bars[50_000] = bars[50_000].with_adj_close(MARK);
    load(store, "C", Vendor::Tiingo, &bars);
}

/// Of one bar of C, which nothing else is.
const MARK: Price = Price::from_nanos(123_456_789_012_345);

const HEAVY: &str = "/stock-data/history?symbols=A,B,C";

fn folder_with(fill: impl FnOnce(&Store)) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("cream.db").display());
    let store = Store::open(&url.parse().unwrap(), &StoreOptions::default()).unwrap();
    store.migrate_up().unwrap();
    fill(&store);
    (folder, url)
}

fn first_bytes(stream: &mut TcpStream) -> String {
    let mut begin = [0; 64];
    stream.read_exact(&mut begin).unwrap();
    String::from_utf8_lossy(&begin).into_owned()
}

#[test]
fn so_many_stream_at_once_and_one_that_goes_away_makes_room() {
    let (folder, url) = folder_with(heavy);
    let store = Store::open(&url.parse().unwrap(), &StoreOptions::default()).unwrap();
    // Half of two threads may be held.
    let api = Api::serve(folder, store, |settings| {
        settings.with_blocking_threads(2).with_queue_timeout(Duration::from_millis(100))
    });
    let mut held = api.ask("GET", HEAVY, &[]);
    assert!(first_bytes(&mut held).starts_with("HTTP/1.1 200 "));
    let refused = api.get(HEAVY);
    refused.problem(503, "unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(api.get("/stock-data/A/history?limit=10").status, 200);
    drop(held);
    // Its end is noticed when the next bytes are sent.
    let answer = (0..200).map(|_| api.get(HEAVY)).find(|answer| answer.status == 200).unwrap();
    assert_eq!(counts(&answer), [60_000; 3]);
}

fn counts(answer: &Answer) -> Vec<u64> {
    let series = answer.json()["series"].clone();
    series.as_array().unwrap().iter().map(|one| one["count"].as_u64().unwrap()).collect()
}

/// Writes over every page of the file that holds this price.
fn break_pages_of(file: &Path, price: Price) {
    // SQLite writes an integer of this size in six bytes, and leaves copies behind where it moves
    // rows from page to page.
    let [_, _, number @ ..] = price.nanos().to_be_bytes();
    let bytes = std::fs::read(file).unwrap();
    let places = bytes.windows(number.len()).enumerate().filter(|(_, bytes)| *bytes == number);
    let pages: Vec<usize> = places.map(|(place, _)| place / 4_096 * 4_096).collect();
    assert!(!pages.is_empty(), "it is in a log beside the file");
    let file = std::fs::File::options().write(true).open(file).unwrap();
    for page in pages {
        file.write_all_at(&[0x5a; 4_096], u64::try_from(page).unwrap()).unwrap();
    }
}

#[test]
fn a_database_that_breaks_ends_the_answer_before_its_end() {
    let (folder, url) = folder_with(heavy);
    break_pages_of(&folder.path().join("cream.db"), MARK);
    let store = Store::open(&url.parse().unwrap(), &StoreOptions::default()).unwrap();
    let api = Api::serve(folder, store, |settings| settings);
    for form in ["json", "csv", "arrow", "parquet"] {
        let mut stream = api.ask("GET", &format!("{HEAVY}&format={form}"), &[]);
        let mut bytes = Vec::new();
        let ended = stream.read_to_end(&mut bytes);
        let begin = String::from_utf8_lossy(bytes.get(..600).unwrap_or(&bytes));
        assert!(bytes.starts_with(b"HTTP/1.1 200 "), "{form}: {begin}");
        // The last chunk of a whole body has the length 0.
        assert!(ended.is_err() || !bytes.ends_with(b"\r\n0\r\n\r\n"), "{form}");
    }
    // The server lives, and so does what is not broken.
    assert_eq!(api.get("/stock-data/A/history?limit=10").status, 200);
    // What fails before its first byte is an error as any other.
    let early = "/stock-data/C/history?order=desc&limit=20000&end=2055-01-01";
    api.get(early).problem(500, "internal");
}
