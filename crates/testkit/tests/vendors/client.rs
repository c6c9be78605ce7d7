//! A client that shows what goes over the wire.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use cream_models::Vendor;
use cream_testkit::vendors::{VendorServer, key};
use serde_json::Value;

/// An answer as it came.
pub(crate) struct Got {
    pub(crate) status: u16,
    head: String,
    /// All that came after the head, still compressed and framed.
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// Sends one request on a connection of its own.
pub(crate) fn open(server: &VendorServer, method: &str, path: &str, headers: &str) -> TcpStream {
    let url = server.base_url();
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: own\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// Reads an answer until as much came as was announced, or until the server closes.
pub(crate) fn read(stream: &mut TcpStream) -> std::io::Result<Got> {
    let mut all = Vec::new();
    let head = loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece)?;
        all.extend_from_slice(&piece[..count]);
        if let Some(at) = all.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    let body = all.split_off(head);
    let head = String::from_utf8(all).unwrap();
    let status = head[9..12].parse().unwrap();
    let mut got = Got { status, head, body };
    let closes = got.header("connection") == Some("close");
    let announced = got.header("content-length").map(|length| length.parse::<usize>().unwrap());
    if closes || announced.is_none() && status != 304 {
        stream.read_to_end(&mut got.body)?;
    } else {
        let missing = announced.unwrap_or(0).saturating_sub(got.body.len());
        stream.take(missing as u64).read_to_end(&mut got.body)?;
    }
    Ok(got)
}

pub(crate) fn get_with(server: &VendorServer, path: &str, headers: &str) -> Got {
    let mut stream = open(server, "GET", path, headers);
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    read(&mut stream).unwrap()
}

/// Asks as a client does that knows each vendor's key and ways.
pub(crate) fn get(server: &VendorServer, path: &str) -> Got {
    get_with(server, path, &credentials(path))
}

/// The headers that a vendor wants to see.
pub(crate) fn credentials(path: &str) -> String {
    let key = |vendor| key(vendor).unwrap();
    if path.starts_with("/tiingo/") {
        format!("Authorization: Token {}\r\n", key(Vendor::Tiingo))
    } else if path.starts_with("/v2/") || path.starts_with("/v3/") {
        format!("Authorization: Bearer {}\r\n", key(Vendor::Massive))
    } else {
        "User-Agent: Mozilla/5.0 (own)\r\n".to_owned()
    }
}

/// A request for all prices of the class share, or for those between two dates where the vendor
/// can be asked for dates.
pub(crate) fn path_of(vendor: Vendor, dates: Option<[&str; 2]>) -> String {
    let [first, last] = dates.unwrap_or(["1990-01-01", "2090-01-01"]);
    let seconds = |date: &str, days: i64| {
        let date: cream_models::Date = date.parse().unwrap();
        (i64::from(date.days()) + days) * 86_400
    };
    let plain = |date: &str| date.replace('-', "");
    match vendor {
        Vendor::YahooChart => format!(
            "/v8/finance/chart/CREAM-B?period1={}&period2={}&interval=1d&events=div%7Csplit",
            seconds(first, 0),
            seconds(last, 1)
        ),
        Vendor::YahooPage => format!(
            "/quote/CREAM-B/history/?period1={}&period2={}",
            seconds(first, 0),
            seconds(last, 1)
        ),
        Vendor::Tiingo => {
            format!("/tiingo/daily/cream-b/prices?startDate={first}&endDate={last}&format=json")
        }
        Vendor::AlphaVantage => format!(
            "/query?function=TIME_SERIES_DAILY_ADJUSTED&symbol=CREAM-B&outputsize=full&apikey={}",
            key(vendor).unwrap()
        ),
        Vendor::Massive => format!(
            "/v2/aggs/ticker/CREAM.B/range/1/day/{first}/{last}?adjusted=true&sort=asc&limit=50000"
        ),
        Vendor::Eodhd => format!(
            "/api/eod/CREAM-B.US?fmt=json&order=a&from={first}&to={last}&api_token={}",
            key(vendor).unwrap()
        ),
        Vendor::Stooq => {
            format!("/q/d/l/?s=cream-b.us&d1={}&d2={}&i=d", plain(first), plain(last))
        }
        Vendor::Nasdaq => format!(
            "/api/quote/CREAM%2FB/historical?assetclass=stocks&fromdate={first}&todate={last}\
             &limit=9999"
        ),
        other => panic!("nobody serves {other}"),
    }
}
