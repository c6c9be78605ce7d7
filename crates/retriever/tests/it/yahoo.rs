//! Yahoo's cookie, crumb and consent.

use std::sync::Arc;

use cream_models::Vendor;
use cream_retriever::{Failure, Gate, MemoryGate, Standing};
use cream_testkit::vendors::{Fault, Times, YahooDoor};

use crate::setup::{options, pull, retriever, server, whole, with_gate};

#[test]
fn a_crumb_is_got_once_and_kept() {
    let server = server();
    server.yahoo_door(YahooDoor::Crumb);
    let retriever = retriever(options(&server.base_url()));
    let first = pull(retriever.fetch(&whole(Vendor::YahooChart)));
    assert_eq!(server.requests().len(), 4, "refused, cookie, crumb, asked again");
    let again = pull(retriever.fetch(&whole(Vendor::YahooChart)));
    assert_eq!(server.requests().len(), 5);
    assert_eq!(first.history.bars, again.history.bars);
    assert!(again.pull.answers[0].url.ends_with("&crumb=***"), "{}", again.pull.answers[0].url);
    assert_eq!(first.validators.map(|it| it.url), again.validators.map(|it| it.url));

    server.expire_crumbs();
    pull(retriever.fetch(&whole(Vendor::YahooChart)));
    assert_eq!(server.requests().len(), 9);
}

#[test]
fn consent_is_given_where_it_is_asked_for() {
    for vendor in [Vendor::YahooChart, Vendor::YahooPage] {
        let server = server();
        server.yahoo_door(YahooDoor::Consent);
        let retriever = retriever(options(&server.base_url()));
        pull(retriever.fetch(&whole(vendor)));
        let asked = server.requests().len();
        pull(retriever.fetch(&whole(vendor)));
        assert_eq!(server.requests().len(), asked + 1, "{vendor}: it is kept");
    }
}

#[test]
fn many_threads_get_one_crumb() {
    let server = server();
    server.yahoo_door(YahooDoor::Crumb);
    let retriever = retriever(options(&server.base_url()));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| pull(retriever.fetch(&whole(Vendor::YahooChart))));
        }
    });
    let crumbs = server.requests().iter().filter(|seen| seen.path().ends_with("getcrumb")).count();
    assert_eq!(crumbs, 1);
}

#[test]
fn where_there_is_no_crumb_it_ends() {
    let server = server();
    server.yahoo_door(YahooDoor::Crumb);
    server.misbehave_at("/v1/test/getcrumb", Fault::Garbage, Times::Always);
    let retriever = retriever(options(&server.base_url()));
    let error = retriever.fetch(&whole(Vendor::YahooChart)).unwrap_err();
    assert!(matches!(error.failure, Failure::Consent), "{error}");
    assert!(server.requests().len() < 12, "{}", server.requests().len());

    server.behave_at_all();
    server.misbehave_at("/v1/test/getcrumb", Fault::RateLimitedSeconds(600), Times::Always);
    let error = retriever.fetch(&whole(Vendor::YahooChart)).unwrap_err();
    assert!(matches!(error.failure, Failure::RateLimited { .. }), "{error}");
}

#[test]
fn a_cookie_is_got_by_the_request_that_sees_whether_yahoo_is_back() {
    for door in [YahooDoor::Crumb, YahooDoor::Consent] {
        let server = server();
        server.yahoo_door(door);
        let gate = Arc::new(MemoryGate::default());
        let open = |standing: &mut Standing| standing.failures = 9;
        gate.update(Vendor::YahooChart, &mut { open }).unwrap();
        let retriever = with_gate(options(&server.base_url()), gate.clone());
        pull(retriever.fetch(&whole(Vendor::YahooChart)));
        assert_eq!(gate.standing(Vendor::YahooChart).unwrap(), Standing::default(), "{door:?}");
    }
}
