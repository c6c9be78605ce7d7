//! Every fault does what it says, at every vendor.

use std::io::{ErrorKind, Read as _};
use std::sync::mpsc;
use std::time::Duration;

use cream_models::{Timestamp, Vendor};
use cream_testkit::vendors::{Door, Fault, Times, VendorServer};

use crate::client::{Got, credentials, get, open, path_of, read};
use crate::reading::bars;
use crate::{SERVED, server};

/// The answer to a request for everything, in which the vendor once commits a fault; then it must
/// be in its right mind again.
fn once(server: &VendorServer, vendor: Vendor, fault: Fault) -> Got {
    server.misbehave(vendor, fault, Times::Once);
    let path = path_of(vendor, None);
    let got = get(server, &path);
    assert_eq!(bars(vendor, &get(server, &path)).len(), 398, "{vendor} after {fault:?}");
    let seen = server.requests_of(vendor);
    let [faulty, right] = &seen[seen.len() - 2..] else { panic!() };
    assert_eq!((faulty.fault, faulty.status), (Some(fault), Some(got.status)));
    assert_eq!((right.fault, right.status), (None, Some(200)));
    got
}

#[test]
fn there_is_one_of_each() {
    for (at, fault) in Fault::ALL.iter().enumerate() {
        assert!(!Fault::ALL[..at].contains(fault), "{fault:?}");
    }
}

#[test]
fn statuses_are_those_asked_for() {
    let server = server();
    let date: Timestamp = "2025-06-13T20:00:00Z".parse().unwrap();
    for vendor in SERVED {
        for (fault, status, retry_after) in [
            (Fault::RateLimited, 429, None),
            (Fault::RateLimitedSeconds(12), 429, Some("12")),
            (Fault::RateLimitedDate(date), 429, Some("Fri, 13 Jun 2025 20:00:00 GMT")),
            (Fault::InternalError, 500, None),
            (Fault::BadGateway, 502, None),
            (Fault::Unavailable, 503, None),
            (Fault::NotFound, 404, None),
            (Fault::Unauthorized, 401, None),
        ] {
            let got = once(&server, vendor, fault);
            assert_eq!(got.status, status, "{vendor} {fault:?}");
            assert_eq!(got.header("retry-after"), retry_after, "{vendor} {fault:?}");
            assert_eq!(got.header("etag"), None, "{vendor} {fault:?}");
            assert!(!got.body.is_empty(), "{vendor} {fault:?}");
        }
    }
}

#[test]
fn refusals_are_in_the_vendors_own_words() {
    let server = server();
    let table = [
        (Vendor::YahooChart, Fault::QuotaSpent, 429, "Edge: Too Many Requests"),
        (Vendor::YahooChart, Fault::BadKey, 401, "Invalid Crumb"),
        (Vendor::YahooChart, Fault::NoData, 200, "\"quote\":[{}]"),
        (Vendor::YahooPage, Fault::QuotaSpent, 429, "Too Many Requests"),
        (Vendor::Tiingo, Fault::QuotaSpent, 429, "hourly request allocation"),
        (Vendor::Tiingo, Fault::NoData, 200, "[]"),
        (Vendor::AlphaVantage, Fault::QuotaSpent, 200, "API key as OWNALPHAKEY93"),
        (Vendor::AlphaVantage, Fault::RateLimited, 429, "5 calls per minute"),
        (Vendor::AlphaVantage, Fault::Unauthorized, 401, "apikey is invalid"),
        (Vendor::Massive, Fault::QuotaSpent, 429, "exceeded the maximum requests"),
        (Vendor::Massive, Fault::BadKey, 401, "Unknown API Key"),
        (Vendor::Massive, Fault::NoData, 200, "\"resultsCount\":0"),
        (Vendor::Eodhd, Fault::QuotaSpent, 402, "daily API requests limit"),
        (Vendor::Eodhd, Fault::NotFound, 404, "Ticker Not Found."),
        (Vendor::Stooq, Fault::QuotaSpent, 200, "Exceeded the daily hits limit"),
        (Vendor::Stooq, Fault::NoData, 200, "No data"),
        (Vendor::Stooq, Fault::BadKey, 200, "Get your apikey"),
        (Vendor::Nasdaq, Fault::QuotaSpent, 403, "Access Denied"),
        (Vendor::Nasdaq, Fault::UnknownSymbol, 200, "\"rCode\":400"),
        (Vendor::Nasdaq, Fault::NoData, 200, "\"totalRecords\":0"),
    ];
    for (vendor, fault, status, words) in table {
        let got = once(&server, vendor, fault);
        assert_eq!(got.status, status, "{vendor} {fault:?}");
        assert!(got.text().contains(words), "{vendor} {fault:?}: {}", got.text());
    }
    let page = once(&server, Vendor::YahooPage, Fault::NoData);
    assert!(page.status == 200 && !page.text().contains("\\\"timestamp\\\""));
}

#[test]
fn successes_may_hold_nothing_of_use() {
    let server = server();
    for vendor in SERVED {
        let got = once(&server, vendor, Fault::ConsentPage);
        assert!(got.status == 200 && got.text().contains("consent-form"), "{vendor}");
        let got = once(&server, vendor, Fault::Empty);
        assert_eq!((got.status, got.body.len()), (200, 0), "{vendor}");
        let got = once(&server, vendor, Fault::Garbage);
        assert!(got.status == 200 && got.text().starts_with("own words"), "{vendor}");

        let whole = get(&server, &path_of(vendor, None)).body;
        let half = once(&server, vendor, Fault::HalfJson);
        assert_eq!(half.status, 200, "{vendor}");
        assert!(half.body.len().abs_diff(whole.len() / 2) <= 4, "{vendor}");
        assert!(whole.starts_with(&half.body), "{vendor}");
        assert_eq!(half.header("content-length").unwrap(), half.body.len().to_string());
    }
}

#[test]
fn wrong_symbols_show_where_one_is_named() {
    let server = server();
    for vendor in SERVED {
        let got = once(&server, vendor, Fault::WrongSymbol);
        assert_eq!(got.status, 200, "{vendor}");
        let other = got.text().contains("OTHER9");
        assert_eq!(other, Fault::names_symbol(vendor), "{vendor}");
        assert!(!other || !got.text().contains("CREAM"), "{vendor}");
    }
}

#[test]
fn bodies_may_be_framed_wrongly() {
    let server = server();
    for vendor in SERVED {
        let whole = get(&server, &path_of(vendor, None)).body;
        let cut = once(&server, vendor, Fault::CutShort);
        assert_eq!(cut.header("content-length").unwrap(), whole.len().to_string(), "{vendor}");
        assert_eq!(cut.body, whole[..whole.len() / 2], "{vendor}");
        let wrong = once(&server, vendor, Fault::WrongLength);
        let half = (whole.len() / 2).to_string();
        assert_eq!(wrong.header("content-length").unwrap(), half, "{vendor}");
        assert_eq!(wrong.body, whole, "{vendor}");
    }
}

#[test]
fn a_bomb_is_small_and_unfolds() {
    let server = server();
    for vendor in SERVED {
        let got = once(&server, vendor, Fault::GzipBomb);
        assert_eq!(got.header("content-encoding"), Some("gzip"), "{vendor}");
        assert!(got.body.len() < 128 << 10, "{vendor}: {}", got.body.len());
        if vendor == Vendor::Stooq {
            let decoder = flate2::read::GzDecoder::new(&got.body[..]);
            let bytes = std::io::copy(&mut decoder.take(1 << 30), &mut std::io::sink()).unwrap();
            assert_eq!(bytes, 96 << 20);
        }
    }
}

#[test]
fn a_body_may_have_no_end() {
    let server = server();
    for vendor in SERVED {
        server.misbehave(vendor, Fault::EndlessBody, Times::Once);
        let path = path_of(vendor, None);
        let mut stream = open(&server, "GET", &path, &credentials(&path));
        let mut some = vec![0; 8 << 20];
        stream.read_exact(&mut some).unwrap();
        let text = String::from_utf8_lossy(&some[..400]).into_owned();
        assert!(text.contains("transfer-encoding: chunked\r\n"), "{vendor}: {text}");
        assert!(some.ends_with(b"  ") || some.ends_with(b"\n"), "{vendor}");
    }
}

#[test]
fn redirects_lead_in_circles_or_away() {
    let server = server();
    for vendor in SERVED {
        let path = path_of(vendor, None);
        let mut got = once(&server, vendor, Fault::RedirectLoop);
        let mut places = Vec::new();
        for _ in 0..4 {
            assert_eq!(got.status, 302, "{vendor}");
            let place = got.header("location").unwrap().to_owned();
            got = get(&server, &place);
            places.push(place);
        }
        assert!(places[0] == places[2] && places[1] == places[3] && places[0] != places[1]);
        assert!(server.requests().last().unwrap().vendor == Some(vendor));

        let got = once(&server, vendor, Fault::RedirectElsewhere);
        let away = format!("{}{path}", server.elsewhere_base_url());
        assert_eq!((got.status, got.header("location")), (302, Some(away.as_str())), "{vendor}");
        assert!(away.starts_with("http://localhost:"));
    }
    assert!(server.requests().iter().all(|seen| seen.door == Door::Plain));
    // Who follows gets a right answer, and is seen.
    server.misbehave(Vendor::Stooq, Fault::RedirectElsewhere, Times::Once);
    let url = format!("{}{}", server.base_url(), path_of(Vendor::Stooq, None));
    let text = ureq::get(&url).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(text.starts_with("Date,Open"));
    assert_eq!(server.requests().last().unwrap().door, Door::Elsewhere);
}

#[test]
fn connections_may_be_reset() {
    let server = server();
    for vendor in SERVED {
        server.misbehave(vendor, Fault::Reset, Times::Once);
        let path = path_of(vendor, None);
        let mut stream = open(&server, "GET", &path, &credentials(&path));
        let error = read(&mut stream).map(|got| got.status).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{vendor}");
        let seen = server.requests_of(vendor).pop().unwrap();
        assert_eq!((seen.fault, seen.status), (Some(Fault::Reset), None));
    }
}

#[test]
fn slow_answers_are_right_in_the_end() {
    let server = server();
    let time = Duration::from_millis(60);
    for vendor in SERVED {
        for fault in [Fault::SlowHeaders(time), Fault::SlowBody(time)] {
            server.misbehave(vendor, fault, Times::Once);
            let begun = std::time::Instant::now();
            let got = get(&server, &path_of(vendor, None));
            assert!(begun.elapsed() >= time, "{vendor} {fault:?}");
            assert_eq!(bars(vendor, &got).len(), 398, "{vendor} {fault:?}");
        }
    }
}

#[test]
fn faults_may_be_for_one_path_and_last() {
    let server = server();
    server.misbehave_at("/v3/reference/splits", Fault::InternalError, Times::Always);
    server.misbehave_at("/v1/test/getcrumb", Fault::RateLimited, Times::Exactly(2));
    for _ in 0..5 {
        assert_eq!(get(&server, "/v3/reference/splits").status, 500);
    }
    assert_eq!(get(&server, "/v3/reference/dividends").status, 200);
    let crumbs = [(); 3].map(|()| get(&server, "/v1/test/getcrumb"));
    assert_eq!(crumbs.each_ref().map(|got| got.status), [429, 429, 401]);
    assert_eq!(crumbs[0].text(), "Too Many Requests\r\n");
    server.behave_at_all();
    assert_eq!(get(&server, "/v3/reference/splits").status, 200);
    server.misbehave(Vendor::Stooq, Fault::Empty, Times::Always);
    server.behave(Vendor::Stooq);
    assert!(!get(&server, &path_of(Vendor::Stooq, None)).body.is_empty());
}

/// Clients that hang in every way, while the server goes. That it stops is the test: a server that
/// waits for its clients, or for half an hour, makes this one fail.
#[test]
fn the_server_stops_whatever_its_clients_do() {
    let (done, stopped) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let server = server();
        let long = Duration::from_secs(1_800);
        let faults = [Fault::SlowHeaders(long), Fault::SlowBody(long), Fault::EndlessBody];
        let mut streams = Vec::new();
        for fault in faults {
            server.misbehave(Vendor::Stooq, fault, Times::Once);
            let path = path_of(Vendor::Stooq, None);
            streams.push(open(&server, "GET", &path, ""));
            // The fault is taken by this request, not by that of the next round.
            while server.requests().len() < streams.len() {
                std::thread::yield_now();
            }
        }
        // One that asks nothing, and one that asks half a question.
        let address = server.base_url().strip_prefix("http://").unwrap().to_owned();
        streams.push(std::net::TcpStream::connect(&address).unwrap());
        let mut half = std::net::TcpStream::connect(&address).unwrap();
        std::io::Write::write_all(&mut half, b"GET /q/d/l/ HTT").unwrap();
        streams.push(half);
        let tls = server.tls_base_url().strip_prefix("https://").unwrap().to_owned();
        streams.push(std::net::TcpStream::connect(tls).unwrap());
        drop(server);
        done.send(()).unwrap();
        drop(streams);
    });
    stopped.recv_timeout(Duration::from_secs(300)).expect("the server to stop");
    thread.join().unwrap();
}
