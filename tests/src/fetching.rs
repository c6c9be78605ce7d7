//! Fetching from the vendor server, and what became of it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cream_models::{Bar, CorporateAction, Date, DateRange, Symbol, Vendor};
use cream_store::{Response, ResponseStatus, Store, StoreOptions, VendorState};
use cream_testkit::Exited;
use cream_testkit::postgres;
use cream_testkit::vendors::{VendorServer, key};

use crate::Site;

/// Every vendor that can be asked.
pub const VENDORS: [Vendor; 8] = [
    Vendor::YahooChart,
    Vendor::YahooPage,
    Vendor::Tiingo,
    Vendor::AlphaVantage,
    Vendor::Massive,
    Vendor::Eodhd,
    Vendor::Stooq,
    Vendor::Nasdaq,
];

/// Runs a test on SQLite, and on PostgreSQL where that is installed.
pub fn on_both(test: impl Fn(Site)) {
    test(Site::new());
    // Where it is absent, that is said.
    if let Some(cluster) = postgres::shared() {
        let database = cluster.empty_database();
        test(Site::on(database.url()));
    }
}

impl Site {
    /// The same, that asks this server in place of every vendor: with the keys it takes, as often
    /// as it likes, trying again once and at once. It logs what a person would look for.
    #[must_use]
    pub fn asking(self, server: &VendorServer) -> Self {
        let mut site = self
            .with("STOCK_DATA_ALPHA_VANTAGE_PLAN", "premium")
            .with("STOCK_DATA_RETRY_DELAY_SECONDS", "0")
            .with("STOCK_DATA_MAX_RETRIES", "1")
            .with("STOCK_DATA_MAX_WAIT_SECONDS", "0")
            .with("LOG_FORMAT", "text")
            .with("RUST_LOG", "debug");
        for vendor in VENDORS {
            let name = setting_of(vendor);
            site = site
                .with(format!("{name}_BASE_URL"), server.base_url())
                .with(format!("{name}_RATE_LIMIT"), "none");
            if let Some(key) = key(vendor) {
                site = site.with(format!("{name}_API_KEY"), key);
            }
        }
        site
    }

    /// Fetches a symbol from a vendor, which must succeed, and gives the line about it.
    ///
    /// # Panics
    ///
    /// Where it does not, and where a key shows.
    #[must_use]
    pub fn fetched(&self, vendor: Vendor, symbol: &str, options: &[&str]) -> String {
        let ended = self.fetch(vendor, symbol, options);
        assert_eq!(ended.code(), Some(0), "{vendor}:\n{}\n{}", ended.stdout, ended.stderr);
        line_about(symbol, &ended)
    }

    /// Fetches a symbol from a vendor, which must fail, and gives the line about it.
    ///
    /// # Panics
    ///
    /// Where it does not, where it is told in more than a line, and where a key shows.
    #[must_use]
    pub fn refused(&self, vendor: Vendor, symbol: &str, options: &[&str]) -> String {
        let ended = self.fetch(vendor, symbol, options);
        assert_eq!(ended.code(), Some(3), "{vendor}:\n{}\n{}", ended.stdout, ended.stderr);
        let (_, told) = ended.stdout.split_once("without new prices:\n").expect(&ended.stdout);
        assert_eq!(told.lines().count(), 1, "{told}");
        let line = line_about(symbol, &ended);
        assert_eq!(told.trim(), line);
        line
    }

    fn fetch(&self, vendor: Vendor, symbol: &str, options: &[&str]) -> Exited {
        let ended = self.worker(&[&["fetch", "--vendor", vendor.name(), symbol], options].concat());
        for text in [&ended.stdout, &ended.stderr] {
            assert_no_key_in("what the worker wrote", text.as_bytes());
        }
        ended
    }

    /// The database.
    ///
    /// # Panics
    ///
    /// Where it cannot be opened.
    #[must_use]
    pub fn store(&self) -> Store {
        Store::open(&self.url().parse().unwrap(), &StoreOptions::default()).unwrap()
    }

    /// The bars and the corporate actions of a series that are served.
    ///
    /// # Panics
    ///
    /// Where the database cannot be read.
    #[must_use]
    pub fn served(&self, symbol: &Symbol, vendor: Vendor) -> (Vec<Bar>, Vec<CorporateAction>) {
        let all = DateRange::new(Date::MIN, Date::MAX).unwrap();
        let read = self.store().read(|reader| {
            let Some(stock) = reader.stock(symbol)? else { return Ok(Default::default()) };
            let mut bars = reader.all_bars(stock.id, vendor, all)?;
            bars.retain(|bar| bar.withdrawn_at.is_none());
            let actions = reader.actions(stock.id, vendor, all)?;
            Ok::<_, cream_store::StoreError>((bars, actions))
        });
        let (bars, actions): (Vec<cream_store::StoredBar>, Vec<cream_store::StoredAction>) =
            read.unwrap();
        let bars = bars.iter().map(|stored| stored.bar).collect();
        (bars, actions.iter().map(|stored| stored.action).collect())
    }

    /// The digest of what is served, without starting the worker for it.
    ///
    /// # Panics
    ///
    /// Where the database cannot be read.
    #[must_use]
    pub fn digest_now(&self) -> String {
        self.store().read(|reader| reader.digest()).unwrap()
    }

    /// The digest of a new database that is filled from this site's archive alone.
    ///
    /// # Panics
    ///
    /// Where that fails.
    #[must_use]
    pub fn digest_rebuilt(&self) -> String {
        // The same kind of database, where there is a server to hold one more.
        let database =
            self.database().and_then(|_| postgres::shared()).map(|it| it.empty_database());
        let site = database.as_ref().map_or_else(Site::new, |database| Site::on(database.url()));
        let site = site.with_archive(self.archive("raw").parent().unwrap());
        let ended = site.worker(&["rebuild"]);
        // Dead letters are dead letters again.
        assert!(matches!(ended.code(), Some(0 | 3)), "{}\n{}", ended.stdout, ended.stderr);
        assert_eq!(site.archived("dead"), self.archived("dead"), "{}", ended.stdout);
        site.digest_now()
    }

    /// The dead letters, newest first.
    ///
    /// # Panics
    ///
    /// Where the database cannot be read.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<Response> {
        let dead = ResponseStatus::Deadletter;
        self.store().read(|reader| reader.responses_that_are(dead, None, 1000)).unwrap()
    }

    /// Lets every vendor be asked again, whatever it answered.
    ///
    /// # Panics
    ///
    /// Where the database refuses it.
    pub fn forget_blocks(&self) {
        let store = self.store();
        for vendor in VENDORS {
            store.write(|writer| writer.set_vendor_state(vendor, &VendorState::default())).unwrap();
        }
    }

    /// Asserts that no key is in the name of a file of the site or in its bytes: of the archive,
    /// and of the database where that is a file.
    ///
    /// # Panics
    ///
    /// Where one is.
    pub fn assert_no_key(&self) {
        for path in files_under(self.folder.path()) {
            let name = path.to_string_lossy().into_owned();
            assert_no_key_in(&name, name.as_bytes());
            match std::fs::read(&path) {
                Ok(bytes) => assert_no_key_in(&name, &bytes),
                // The log of a database goes with its last connection.
                Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{name}: {error}"),
            }
        }
        for letter in self.dead_letters() {
            assert_no_key_in(&letter.file_name, letter.error.unwrap_or_default().as_bytes());
        }
    }
}

/// The beginning of the names of a vendor's settings.
fn setting_of(vendor: Vendor) -> String {
    format!("STOCK_DATA_{}", vendor.name().to_ascii_uppercase().replace('-', "_"))
}

/// The one line about a symbol.
fn line_about(symbol: &str, ended: &Exited) -> String {
    let start = format!("{symbol}: ");
    let lines: Vec<&str> = ended.stdout.lines().filter(|line| line.starts_with(&start)).collect();
    assert_eq!(lines.len(), 1, "{}\n{}", ended.stdout, ended.stderr);
    lines[0].to_owned()
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_under(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// Asserts that none of the keys is there.
///
/// # Panics
///
/// Where one is.
pub fn assert_no_key_in(place: &str, bytes: &[u8]) {
    for key in VENDORS.into_iter().filter_map(key) {
        let found = bytes.windows(key.len()).position(|window| window == key.as_bytes());
        if let Some(at) = found {
            let around = &bytes[at.saturating_sub(200)..(at + key.len() + 50).min(bytes.len())];
            panic!("{place} holds the key {key}: {}", String::from_utf8_lossy(around));
        }
    }
}

/// The text without what differs from run to run: instants, the last date asked for, places in
/// files, and the server's address.
#[must_use]
pub fn words_of(text: &str, server: &VendorServer) -> String {
    let text = text.replace(&server.base_url(), "http://SERVER");
    let text = without_number(&text, "byte ", "N", char::is_ascii_digit);
    let is_of_date = |c: &char| c.is_ascii_digit() || *c == '-';
    without_instants(
        &without_number(&text, "..20", "TODAY", is_of_date).replace("..20TODAY", "..TODAY"),
    )
}

/// The text with another word for what follows a word.
fn without_number(
    text: &str,
    before: &str,
    instead: &str,
    is_of: impl Fn(&char) -> bool,
) -> String {
    let mut parts = text.split(before);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c| is_of(&c));
        out += before;
        out += if rest.len() < part.len() { instead } else { "" };
        out += rest;
    }
    out
}

/// With a word in place of `2026-06-16T21:30:00.123456Z`, or of `2026-06-16T213000Z` as in a
/// file's name.
fn without_instants(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("20") {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let is_of_instant = |c: char| c.is_ascii_digit() || "-:.TZ".contains(c);
        let length = after.find(|c| !is_of_instant(c)).unwrap_or(after.len());
        let instant = after.split_at(length).0.split_inclusive('Z').next().unwrap_or_default();
        if instant.ends_with('Z') && instant.get(10..11) == Some("T") {
            out.push_str("INSTANT");
            rest = after.split_at(instant.len()).1;
        } else {
            out.push_str("20");
            rest = after.split_at(2).1;
        }
    }
    out + rest
}
