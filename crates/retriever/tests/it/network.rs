//! Connections: TLS, redirects, bodies without an end, and time.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use cream_models::Vendor;
use cream_retriever::{Failure, OptionsError, Retriever, RetrieverOptions, VendorOptions};
use cream_testkit::vendors::{Door, Fault, Times};

use crate::setup::{ASKABLE, options, pull, retriever, server, whole};

#[test]
fn who_does_not_prove_to_be_the_vendor_is_told_nothing() {
    let server = server();
    let retriever = retriever(options(&server.tls_base_url()));
    for vendor in ASKABLE {
        let error = retriever.fetch(&whole(vendor)).unwrap_err();
        assert!(matches!(error.failure, Failure::Tls { .. }), "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_redirect_elsewhere_is_not_followed() {
    let server = server();
    let retriever = retriever(options(&server.base_url()));
    for vendor in ASKABLE {
        server.misbehave(vendor, Fault::RedirectElsewhere, Times::Always);
        let error = retriever.fetch(&whole(vendor)).unwrap_err();
        let Failure::Redirected { to } = &error.failure else { panic!("{error}") };
        assert!(server.elsewhere_base_url().ends_with(to.as_str()), "{to}");
    }
    assert!(server.requests().iter().all(|seen| seen.door == Door::Plain));
}

#[test]
fn a_redirect_within_the_vendor_is_followed_so_many_times() {
    let server = server();
    server.misbehave(Vendor::Massive, Fault::RedirectLoop, Times::Always);
    let error = retriever(options(&server.base_url())).fetch(&whole(Vendor::Massive)).unwrap_err();
    assert!(error.to_string().contains("again and again"), "{error}");
    assert_eq!(server.requests().len(), 6, "the request and five redirects");
}

#[test]
fn the_limit_of_a_body_is_exact() {
    let server = server();
    server.compress(false);
    let whole_body = {
        let found = pull(retriever(options(&server.base_url())).fetch(&whole(Vendor::Tiingo)));
        found.pull.answers[0].body.len() as u64
    };
    for compress in [false, true] {
        server.compress(compress);
        for (limit, is_taken) in [(whole_body, true), (whole_body - 1, false)] {
            let mut options = options(&server.base_url());
            options.max_body = limit;
            let result = retriever(options).fetch(&whole(Vendor::Tiingo));
            match result {
                Ok(_) => assert!(is_taken, "{limit} {compress}"),
                Err(error) => {
                    assert!(!is_taken, "{limit} {compress}");
                    assert!(matches!(error.failure, Failure::TooLarge { .. }), "{error}");
                }
            }
        }
    }
}

#[test]
fn a_body_that_is_cut_off_is_told_as_it_is() {
    for compress in [false, true] {
        for fault in [Fault::CutShort, Fault::WrongLength] {
            for vendor in ASKABLE {
                let server = server();
                server.compress(compress);
                server.misbehave(vendor, fault, Times::Once);
                let mut options = options(&server.base_url());
                let error = retriever(options.clone()).fetch(&whole(vendor)).unwrap_err();
                let is_cut = match &error.failure {
                    Failure::Cut { .. } => true,
                    // A length that is too short looks like half an answer.
                    Failure::NotUnderstood { .. } => fault == Fault::WrongLength,
                    _ => false,
                };
                assert!(is_cut, "{vendor} {fault:?} {compress}: {error}");
                server.misbehave(vendor, fault, Times::Once);
                options.max_retries = 1;
                pull(retriever(options).fetch(&whole(vendor)));
            }
        }
    }
}

#[test]
fn nobody_waits_longer_than_allowed() {
    let server = server();
    let told = |options: RetrieverOptions| {
        let start = Instant::now();
        let error = retriever(options).fetch(&whole(Vendor::Tiingo)).unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(25), "not as long as the server takes");
        match error.failure {
            Failure::TimedOut { doing } => doing,
            other => panic!("{other}"),
        }
    };
    let slow = Duration::from_secs(30);
    let mut quick = options(&server.base_url());
    quick.read_timeout = Duration::from_millis(100);
    server.misbehave(Vendor::Tiingo, Fault::SlowHeaders(slow), Times::Once);
    assert_eq!(told(quick.clone()), "waiting for data");
    // A body that trickles is stopped by the time for all of it.
    quick.read_timeout = Duration::from_secs(20);
    quick.request_timeout = Duration::from_millis(300);
    server.misbehave(Vendor::Tiingo, Fault::SlowBody(slow), Times::Once);
    assert_eq!(told(quick), "the whole request");
}

#[test]
fn a_closed_port_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let retriever = retriever(options(&format!("http://{address}")));
    let error = retriever.fetch(&whole(Vendor::Stooq)).unwrap_err();
    assert!(matches!(error.failure, Failure::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("refused") && error.is_vendors_fault(), "{error}");
}

#[test]
fn the_next_page_is_asked_of_the_vendor_alone() {
    // A base with a path, behind which the server does not answer as Massive's does.
    let server = server();
    let mut options = options(&server.base_url());
    options.vendor_mut(Vendor::Massive).base_url = Some(format!("{}/proxied", server.base_url()));
    let error = retriever(options).fetch(&whole(Vendor::Massive)).unwrap_err();
    assert!(matches!(error.failure, Failure::UnknownSymbol { .. }), "{error}");
    assert!(server.requests()[0].path().starts_with("/proxied/v2/aggs/"));
}

#[test]
fn options_that_cannot_be_are_refused() {
    let refused = |options: RetrieverOptions| {
        let gate = std::sync::Arc::new(cream_retriever::MemoryGate::default());
        Retriever::new(options, gate, Box::new(cream_models::SystemClock)).unwrap_err()
    };
    let mut options = RetrieverOptions::default();
    options.user_agent = "a\nb".to_owned();
    assert!(matches!(refused(options), OptionsError::UserAgent(_)));
    let mut options = RetrieverOptions::default();
    options.read_timeout = Duration::ZERO;
    assert!(matches!(refused(options), OptionsError::NoTime("the read timeout")));
    let mut options = RetrieverOptions::default();
    options.vendors.insert(Vendor::Eodhd, VendorOptions::default().with_base_url("eodhd.com"));
    assert!(matches!(refused(options), OptionsError::BaseUrl { .. }));
}
