//! A database with a few series, a server over it, and a client.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::OnceLock;
use std::thread::JoinHandle;
use std::time::Duration;

use cream_api::{ApiSettings, ServeError, Server, StopHandle};
use cream_auth::HashParams;
use cream_models::{
    Bar, BarFlags, CorporateAction, CorporateEvent, Date, Instrument, SplitRatio, Symbol,
    Timestamp, Vendor,
};
use cream_store::{Store, StoreError, StoreOptions, Writer};

pub(crate) struct Api {
    pub(crate) base: String,
    pub(crate) store: Store,
    stop: StopHandle,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Asserts a problem document and gives it, its request id checked and left out.
    pub(crate) fn problem(&self, status: u16, code: &str) -> serde_json::Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let mut problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        let id = problem.as_object_mut().unwrap().remove("request_id").unwrap();
        assert_eq!(id, self.header("x-request-id"));
        problem
    }
}

impl Api {
    /// A server over an empty database, migrated or not.
    pub(crate) fn start(migrate: bool, fill: impl FnOnce(&Store)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("cream.db").display());
        let store = Store::open(&url.parse().unwrap(), &StoreOptions::default()).unwrap();
        if migrate {
            store.migrate_up().unwrap();
        }
        fill(&store);
        Self::serve(folder, store, |settings| settings)
    }

    /// A server over a database in a folder.
    pub(crate) fn serve(
        folder: tempfile::TempDir,
        store: Store,
        change: impl FnOnce(ApiSettings) -> ApiSettings,
    ) -> Self {
        let raw = folder.path().join("raw");
        std::fs::create_dir_all(&raw).unwrap();
        let settings = ApiSettings::new("127.0.0.1:0".parse().unwrap())
            .with_workers(1)
            .with_request_timeout(Duration::from_secs(1))
            // Tests are many requests from one address.
            .with_requests_per_second(None)
            .with_password_hash(HashParams::WEAK)
            .with_folder("STOCK_DATA_RAW_RESPONSES_DIR", raw);
        let server = Server::bind(store.clone(), change(settings)).unwrap();
        let base = format!("http://{}", server.address());
        let stop = server.stop_handle();
        let thread = Some(std::thread::spawn(|| server.run()));
        Self { base, store, stop, thread, folder }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers)
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut stream = self.ask(method, path, headers);
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        answer(&bytes)
    }

    /// A request of these bytes, whatever they are, and all that comes back.
    pub(crate) fn send_raw(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        // A server may answer, and close, before it has read all.
        let _ = stream.write_all(request);
        let mut bytes = Vec::new();
        match stream.read_to_end(&mut bytes) {
            Ok(_) => bytes,
            Err(_) if !bytes.is_empty() => bytes,
            Err(error) => panic!("no answer to {}: {error}", request.escape_ascii()),
        }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.host()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    pub(crate) fn host(&self) -> &str {
        self.base.strip_prefix("http://").unwrap()
    }

    /// Over a plain socket: a client library may unpack bodies and send headers of its own.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> TcpStream {
        let (host, mut stream) = (self.host(), self.connect());
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{request}\r\n").as_bytes()).unwrap();
        stream
    }
}

pub(crate) fn answer(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut answer = Answer { status, headers, body: bytes[end + 4..].to_vec() };
    if answer.header("transfer-encoding") == "chunked" {
        answer.body = unchunked(&answer.body);
    }
    answer
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").unwrap();
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            return body;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + length]);
        rest = &rest[end + 4 + length..];
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One filled server for all tests that only read.
pub(crate) fn filled() -> &'static Api {
    static API: OnceLock<Api> = OnceLock::new();
    API.get_or_init(|| Api::start(true, fill))
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub(crate) fn bar(date: &str, close: &str) -> Bar {
    Bar::new(day(date)).with_close(close.parse().unwrap())
}

pub(crate) fn describe(
    writer: &mut Writer<'_>,
    symbol: &str,
    vendor: Vendor,
    bars: &[Bar],
    fetched: &str,
) -> Result<(), StoreError> {
    let fetched_at = at(fetched);
    let stock = writer.ensure_stock(&Symbol::parse(symbol).unwrap())?;
    let text = |text: &str| Some(text.to_owned());
    let instrument = Instrument {
        name: Some(format!("{symbol} \"Inc.\"")),
        exchange: text("NMS"),
        currency: text("USD"),
        time_zone: text("America/New_York"),
        kind: None,
    };
    writer.insert_bars(stock.id, vendor, fetched_at, bars)?;
    let mut state = writer.lock_series(stock.id, vendor)?;
    state.add(bars);
    state.describe(&instrument, fetched_at);
    state.revise(fetched_at);
    writer.save_series(state)
}

pub(crate) fn fill(store: &Store) {
    let price = |text: &str| text.parse().unwrap();
    let full = bar("2025-06-11", "326.43")
        .with_open(price("334.399994"))
        .with_high(price("335.5"))
        .with_low(price("322.5"))
        .with_adj_close(price("326.429993"))
        .with_volume(122_611_400);
    let odd = bar("2025-06-12", "-0.005")
        .with_volume(0)
        .with_flags(BarFlags::NEGATIVE_PRICE | BarFlags::ZERO_VOLUME);
    let live = bar("2025-06-13", "325.31").with_final(false);
    let old = [bar("2025-06-09", "308.58"), bar("2025-06-10", "326.09")];
    let bars = [old[0], old[1], full, odd, live];
    let written = store.write(|writer| {
        let chart = Vendor::YahooChart;
        describe(writer, "TSLA", chart, &bars, "2025-06-13T15:00:00Z")?;
        describe(writer, "TSLA", Vendor::YahooPage, &old, "2025-06-10T21:00:00Z")?;
        let stock = writer.ensure_stock(&Symbol::parse("TSLA").unwrap())?;
        let split = SplitRatio::new(price("1.5"), price("1")).unwrap();
        let actions = [
            (day("2025-06-09"), CorporateEvent::Split(split)),
            (day("2025-06-11"), CorporateEvent::Dividend { amount: price("0.26") }),
            (day("2025-06-11"), CorporateEvent::CapitalGain { amount: price("0.000000001") }),
        ]
        .map(|(date, event)| CorporateAction { date, event });
        writer.put_actions(stock.id, chart, at("2025-06-13T15:00:00Z"), &actions)?;
        for symbol in ["^GSPC", "BRK/B", "EURUSD=X"] {
            let bars = [bar("2025-06-13", "1.5")];
            describe(writer, symbol, chart, &bars, "2025-06-13T15:00:00Z")?;
        }
        // Two vendors, equally fresh.
        describe(writer, "TIE", Vendor::YahooPage, &old, "2025-06-13T15:00:00Z")?;
        describe(writer, "TIE", chart, &old, "2025-06-13T15:00:00Z")?;
        writer.ensure_stock(&Symbol::parse("BARE").unwrap())?;
        let empty = writer.ensure_stock(&Symbol::parse("EMPTY").unwrap())?;
        writer.lock_series(empty.id, chart).map(drop)
    });
    written.unwrap();
}

pub(crate) fn remove_folder(path: &Path) {
    std::fs::remove_dir_all(path).unwrap();
}
