//! Keys, conditional requests, compression, and the record of what was asked.

use std::io::Read as _;

use cream_models::Vendor;
use cream_testkit::vendors::{Door, key};
use serde_json::Value;

use crate::client::{credentials, get, get_with, open, path_of, read};
use crate::{SERVED, server};

#[test]
fn who_has_no_key_gets_nothing() {
    let server = server();
    let ask = |vendor: Vendor, headers: &str| {
        let path = path_of(vendor, None);
        let path = key(vendor).map_or(path.clone(), |key| path.replace(key, "wrong"));
        get_with(&server, &path, headers)
    };
    let got = ask(Vendor::Tiingo, "");
    assert_eq!((got.status, got.text()), (403, "{\"detail\":\"Please supply a token\"}"));
    let got = ask(Vendor::Tiingo, "Authorization: Token wrong\r\n");
    assert_eq!((got.status, got.text()), (401, "{\"detail\":\"Invalid token.\"}"));
    let got = ask(Vendor::AlphaVantage, "");
    assert_eq!(got.status, 200);
    assert!(got.json()["Error Message"].as_str().unwrap().contains("apikey is invalid"));
    let got = ask(Vendor::Massive, "Authorization: Bearer wrong\r\n");
    assert_eq!(got.status, 401);
    assert_eq!(got.json()["error"], "Unknown API Key");
    let got = ask(Vendor::Eodhd, "");
    assert_eq!((got.status, got.text()), (401, "Unauthenticated"));
    assert!(got.header("content-type").unwrap().starts_with("text/html"));
    let got = ask(Vendor::Nasdaq, "User-Agent: own/1.0\r\n");
    assert_eq!(got.status, 403);
    for vendor in [Vendor::Tiingo, Vendor::Massive] {
        let name = if vendor == Vendor::Tiingo { "token" } else { "apiKey" };
        let path = format!("{}&{name}={}", path_of(vendor, None), key(vendor).unwrap());
        assert_eq!(get_with(&server, &path, "").status, 200, "{vendor}");
    }
}

#[test]
fn unknown_symbols_are_told_in_each_vendors_words() {
    let server = server();
    let ask = |vendor: Vendor| {
        let path = path_of(vendor, None).replace("CREAM", "MILK").replace("cream", "milk");
        get(&server, &path)
    };
    let statuses = SERVED.map(|vendor| ask(vendor).status);
    assert_eq!(statuses, [404, 404, 404, 200, 200, 404, 200, 200]);
    assert_eq!(ask(Vendor::YahooChart).json()["chart"]["error"]["code"], "Not Found");
    assert_eq!(ask(Vendor::Tiingo).text(), "{\"detail\":\"Not found.\"}");
    let error = ask(Vendor::AlphaVantage).json()["Error Message"].to_string();
    assert!(error.contains("Invalid API call") && error.contains("TIME_SERIES_DAILY_ADJUSTED"));
    let massive = ask(Vendor::Massive).json();
    assert!(massive["resultsCount"] == 0 && massive.get("results").is_none(), "{massive}");
    assert_eq!(ask(Vendor::Stooq).text(), "No data");
    let nasdaq = ask(Vendor::Nasdaq).json();
    assert!(nasdaq["status"]["rCode"] == 400 && nasdaq["data"] == Value::Null);
    // Massive alone tells upper case from lower.
    let path = path_of(Vendor::Massive, None).replace("CREAM.B", "CREAM.b");
    assert_eq!(get(&server, &path).json()["resultsCount"], 0);
}

#[test]
fn free_plans_are_told_from_paid_ones() {
    let server = server();
    for vendor in [Vendor::AlphaVantage, Vendor::Eodhd, Vendor::Massive] {
        server.free_plan(vendor, true);
    }
    let path = path_of(Vendor::AlphaVantage, None);
    assert!(get(&server, &path).json()["Information"].as_str().unwrap().contains("premium"));
    let path = path.replace("_ADJUSTED", "").replace("=full", "=compact");
    assert!(get(&server, &path).json()["Meta Data"].is_object());
    let rows = get(&server, &path_of(Vendor::Eodhd, None)).json();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows[0]["date"], "2024-06-13");
    let with_warning = rows.iter().filter(|row| row.get("warning").is_some()).count();
    assert!(with_warning == 1 && rows.last().unwrap()["warning"].is_string());
    let got = get(&server, &path_of(Vendor::Massive, None));
    assert_eq!(got.status, 403);
    assert_eq!(got.json()["status"], "NOT_AUTHORIZED");
    server.free_plan(Vendor::Massive, false);
    assert_eq!(get(&server, &path_of(Vendor::Massive, None)).status, 200);
}

#[test]
fn what_a_client_has_is_not_sent_again() {
    let server = server();
    for vendor in SERVED {
        let path = path_of(vendor, None);
        let first = get(&server, &path);
        let tag = first.header("etag").unwrap_or_else(|| panic!("{vendor}"));
        assert!(tag.starts_with('"') && tag.ends_with('"'), "a strong tag: {tag}");
        let headers = format!("{}If-None-Match: \"x\", {tag}\r\n", credentials(&path));
        let again = get_with(&server, &path, &headers);
        assert_eq!((again.status, again.body.len()), (304, 0), "{vendor}");
        assert_eq!(again.header("etag"), Some(tag), "{vendor}");
    }
    let path = path_of(Vendor::Stooq, None);
    let tag = get(&server, &path).header("etag").unwrap().to_owned();
    let longer = crate::scenario().extended(1).build();
    server.serve(cream_testkit::vendors::Instrument::new("CREAM-B", longer));
    let headers = format!("If-None-Match: {tag}\r\n");
    assert_eq!(get_with(&server, &path, &headers).status, 200);
    assert!(get(&server, "/q/d/l/?s=none.us").header("etag").is_none());
}

#[test]
fn answers_are_compressed_as_the_client_allows() {
    let server = server();
    for vendor in SERVED {
        let path = path_of(vendor, None);
        let plain = get(&server, &path).body;
        let ask = |codings: &str| {
            let headers = format!("{}Accept-Encoding: {codings}\r\n", credentials(&path));
            get_with(&server, &path, &headers)
        };
        let gzip = ask("gzip");
        assert_eq!(gzip.header("content-encoding"), Some("gzip"), "{vendor}");
        assert!(gzip.body.len() < plain.len() / 2, "{vendor}");
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&gzip.body[..]).read_to_end(&mut text).unwrap();
        assert_eq!(text, plain, "{vendor}");
        let br = ask("gzip, deflate, br");
        assert_eq!(br.header("content-encoding"), Some("br"), "{vendor}");
        let mut text = Vec::new();
        brotli::Decompressor::new(&br.body[..], 4096).read_to_end(&mut text).unwrap();
        assert_eq!(text, plain, "{vendor}");
        assert_ne!(gzip.header("etag"), br.header("etag"), "{vendor}");
    }
    server.compress(false);
    let got = get_with(&server, &path_of(Vendor::Stooq, None), "Accept-Encoding: gzip\r\n");
    assert_eq!(got.header("content-encoding"), None);
}

#[test]
fn what_was_asked_is_on_record() {
    let server = server();
    let before = std::time::Instant::now();
    // Two requests on one connection.
    let path = path_of(Vendor::Tiingo, None);
    let mut stream = open(&server, "GET", &path, "X-Own: 1\r\n");
    assert_eq!(read(&mut stream).unwrap().status, 403);
    std::io::Write::write_all(&mut stream, b"GET /v1/test/getcrumb HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(read(&mut stream).unwrap().status, 401);
    get(&server, &path_of(Vendor::Nasdaq, None));

    let seen = server.requests();
    assert_eq!(seen.len(), 3);
    assert_eq!((seen[0].vendor, seen[0].status), (Some(Vendor::Tiingo), Some(403)));
    assert_eq!((seen[0].path_and_query.as_str(), seen[0].method.as_str()), (path.as_str(), "GET"));
    assert_eq!(seen[0].header("X-OWN"), Some("1"));
    assert_eq!(seen[0].query("startDate").as_deref(), Some("1990-01-01"));
    assert_eq!((seen[1].vendor, seen[1].path()), (None, "/v1/test/getcrumb"));
    assert_eq!(seen[2].header("user-agent"), Some("Mozilla/5.0 (own)"));
    assert!(seen[2].door == Door::Plain && seen[2].fault.is_none());
    assert!(before <= seen[0].at && seen[0].at <= seen[1].at && seen[1].at <= seen[2].at);
    assert_eq!(server.requests_of(Vendor::Nasdaq).len(), 1);
    server.forget_requests();
    assert!(server.requests().is_empty());
    assert_eq!(server.request_count(), 0);
}

#[test]
fn the_record_keeps_the_newest_and_counts_all() {
    let server = server();
    server.keep_requests(2);
    for vendor in [Vendor::Stooq, Vendor::Nasdaq, Vendor::Tiingo, Vendor::Stooq] {
        get(&server, &path_of(vendor, None));
    }
    let seen: Vec<_> = server.requests().iter().map(|seen| seen.vendor).collect();
    assert_eq!(seen, [Some(Vendor::Tiingo), Some(Vendor::Stooq)]);
    assert_eq!(server.requests_of(Vendor::Stooq).len(), 1);
    assert_eq!(server.request_count(), 4);
}

#[test]
fn an_answer_given_before_is_given_again_until_the_world_is_another() {
    let server = server();
    for vendor in SERVED {
        let path = path_of(vendor, None);
        let first = get(&server, &path);
        let again = get(&server, &path);
        assert_eq!((again.status, again.body == first.body), (200, true), "{vendor}");
        assert_eq!(again.header("etag"), first.header("etag"), "{vendor}");
        // To others it is none of theirs.
        let path = key(vendor).map_or(path.clone(), |key| path.replace(key, "wrong"));
        let refused = get_with(&server, &path, "Authorization: Bearer wrong\r\n");
        assert!(key(vendor).is_none() || refused.body != first.body, "{vendor}");
    }
    server.serve(cream_testkit::vendors::Instrument::new(
        "CREAM-B",
        crate::scenario().extended(1).build(),
    ));
    let path = path_of(Vendor::Stooq, None);
    assert!(get(&server, &path).text().lines().last().unwrap().starts_with("2025-06-16,"));
    server.withdraw("CREAM-B");
    assert_eq!(get(&server, &path).text(), "No data");
}
