//! Every vendor meets every fault.

use std::time::Duration;

use cream_models::Vendor;
use cream_retriever::{Advice, Failure, Fetched, RetrievalError};
use cream_testkit::vendors::{Fault, Times};

use crate::setup::{ASKABLE, options, retriever, server, whole};

/// What comes of each fault, by vendor. A letter behind says what is to be done: `l` to try later,
/// `p` to ask a person, `g` to give up; `!` says that the vendor is at fault.
const OUTCOMES: &str = "
                    yahoo-chart       yahoo-page        tiingo            alpha-vantage     massive           eodhd             stooq             nasdaq
RateLimited         rate-limited/l!   rate-limited/l!   quota-spent/l     rate-limited/l!   rate-limited/l!   rate-limited/l!   quota-spent/l     rate-limited/l!
RateLimitedSeconds  rate-limited/l!   rate-limited/l!   quota-spent/l     rate-limited/l!   rate-limited/l!   rate-limited/l!   quota-spent/l     rate-limited/l!
RateLimitedDate     rate-limited/l!   rate-limited/l!   quota-spent/l     rate-limited/l!   rate-limited/l!   rate-limited/l!   quota-spent/l     rate-limited/l!
InternalError       server-error/l!   server-error/l!   server-error/l!   server-error/l!   server-error/l!   server-error/l!   server-error/l!   server-error/l!
BadGateway          server-error/l!   server-error/l!   server-error/l!   server-error/l!   server-error/l!   server-error/l!   server-error/l!   server-error/l!
Unavailable         server-error/l!   server-error/l!   server-error/l!   server-error/l!   server-error/l!   server-error/l!   server-error/l!   server-error/l!
NotFound            unknown/g         unknown/g         unknown/g         unknown/g         unknown/g         unknown/g         unknown/g         unknown/g
Unauthorized        refused/p         refused/p         key-refused/p     key-refused/p     key-refused/p     key-refused/p     key-missing/p     refused/p
UnknownSymbol       unknown/g         unknown/g         unknown/g         unknown/g         unknown/g         unknown/g         no-data/g         unknown/g
BadKey              refused/p         refused/p         key-refused/p     key-refused/p     key-refused/p     key-refused/p     key-missing/p     rate-limited/l!
QuotaSpent          rate-limited/l!   rate-limited/l!   quota-spent/l     quota-spent/l     rate-limited/l!   quota-spent/l     quota-spent/l     rate-limited/l!
ConsentPage         consent/p!        consent/p!        consent/p!        consent/p!        consent/p!        consent/p!        consent/p!        consent/p!
SlowHeaders         timed-out/l!      timed-out/l!      timed-out/l!      timed-out/l!      timed-out/l!      timed-out/l!      timed-out/l!      timed-out/l!
SlowBody            timed-out/l!      timed-out/l!      timed-out/l!      timed-out/l!      timed-out/l!      timed-out/l!      timed-out/l!      timed-out/l!
CutShort            cut/l!            cut/l!            cut/l!            cut/l!            cut/l!            cut/l!            cut/l!            cut/l!
WrongLength         cut/l!            cut/l!            cut/l!            cut/l!            cut/l!            cut/l!            cut/l!            cut/l!
GzipBomb            too-large/p!      too-large/p!      too-large/p!      too-large/p!      too-large/p!      too-large/p!      too-large/p!      too-large/p!
EndlessBody         too-large/p!      too-large/p!      too-large/p!      too-large/p!      too-large/p!      too-large/p!      too-large/p!      too-large/p!
RedirectLoop        redirected/p!     redirected/p!     redirected/p!     redirected/p!     redirected/p!     redirected/p!     redirected/p!     redirected/p!
RedirectElsewhere   redirected/p!     redirected/p!     redirected/p!     redirected/p!     redirected/p!     redirected/p!     redirected/p!     redirected/p!
Reset               unreachable/l!    unreachable/l!    unreachable/l!    unreachable/l!    unreachable/l!    unreachable/l!    unreachable/l!    unreachable/l!
WrongSymbol         wrong-symbol/p    wrong-symbol/p    ok                wrong-symbol/p    wrong-symbol/p    ok                ok                wrong-symbol/p
Empty               cut/l!            cut/l!            cut/l!            cut/l!            cut/l!            cut/l!            cut/l!            cut/l!
HalfJson            not-understood/l! not-understood/l! not-understood/l! not-understood/l! not-understood/l! not-understood/l! cut/l!            not-understood/l!
NoData              no-data/g         no-data/g         no-data/g         no-data/g         no-data/g         no-data/g         no-data/g         no-data/g
Garbage             not-understood/p! not-understood/p! not-understood/p! not-understood/p! not-understood/p! not-understood/p! not-understood/p! not-understood/p!
";

fn name(failure: &Failure) -> &'static str {
    match failure {
        Failure::Unreachable { .. } => "unreachable",
        Failure::Tls { .. } => "tls",
        Failure::TimedOut { .. } => "timed-out",
        Failure::Cut { .. } => "cut",
        Failure::TooLarge { .. } => "too-large",
        Failure::ServerError { .. } => "server-error",
        Failure::Down => "down",
        Failure::RateLimited { .. } => "rate-limited",
        Failure::QuotaSpent { .. } => "quota-spent",
        Failure::Consent => "consent",
        Failure::KeyRefused { .. } => "key-refused",
        Failure::NotInPlan { .. } => "not-in-plan",
        Failure::UnknownSymbol { .. } => "unknown",
        Failure::NoData { .. } => "no-data",
        Failure::WrongSymbol { .. } => "wrong-symbol",
        Failure::Redirected { .. } => "redirected",
        Failure::Refused { .. } => "refused",
        Failure::NotUnderstood { .. } => "not-understood",
        Failure::KeyMissing { .. } => "key-missing",
        other => panic!("{other:?}"),
    }
}

fn outcome(result: &Result<Fetched, RetrievalError>) -> String {
    let error = match result {
        Ok(_) => return "ok".to_owned(),
        Err(error) => error,
    };
    let advice = match error.advice() {
        Advice::RetryLater => "l",
        Advice::AskPerson => "p",
        Advice::GiveUp => "g",
    };
    let fault = if error.is_vendors_fault() { "!" } else { "" };
    format!("{}/{advice}{fault}", name(&error.failure))
}

fn label(fault: Fault) -> String {
    let text = format!("{fault:?}");
    text.split('(').next().unwrap().to_owned()
}

/// A fault that shows soon.
fn quick(fault: Fault) -> Fault {
    match fault {
        Fault::SlowHeaders(_) => Fault::SlowHeaders(Duration::from_secs(20)),
        Fault::SlowBody(_) => Fault::SlowBody(Duration::from_secs(20)),
        other => other,
    }
}

fn meet(vendor: Vendor, fault: Fault) -> (String, String) {
    let server = server();
    server.misbehave(vendor, quick(fault), Times::Always);
    let mut options = options(&server.base_url());
    options.max_body = 4 << 20;
    if matches!(fault, Fault::SlowHeaders(_) | Fault::SlowBody(_)) {
        options.request_timeout = Duration::from_millis(400);
    }
    let result = retriever(options).fetch(&whole(vendor));
    if let Err(error) = &result {
        let message = error.to_string();
        assert!(message.starts_with(&format!("{vendor}: CREAM-B: ")), "{message}");
        assert!(message.len() < 700 && !message.contains('\n'), "{message}");
    }
    let message = result.as_ref().err().map_or(String::new(), ToString::to_string);
    (outcome(&result), message)
}

#[test]
fn every_vendor_meets_every_fault() {
    let rows: Vec<(Fault, Vec<(String, String)>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = Fault::ALL
            .into_iter()
            .map(|fault| {
                (fault, scope.spawn(move || ASKABLE.map(|vendor| meet(vendor, fault)).to_vec()))
            })
            .collect();
        threads.into_iter().map(|(fault, thread)| (fault, thread.join().unwrap())).collect()
    });
    let mut table = format!("{:<19}", "");
    for vendor in ASKABLE {
        table += &format!(" {:<17}", vendor.name());
    }
    let mut lines = vec![table.trim_end().to_owned()];
    let mut messages = String::new();
    for (fault, outcomes) in rows {
        let mut line = format!("{:<19}", label(fault));
        for (vendor, (outcome, message)) in ASKABLE.into_iter().zip(&outcomes) {
            line += &format!(" {outcome:<17}");
            messages += &format!("{} {vendor}: {message}\n", label(fault));
        }
        lines.push(line.trim_end().to_owned());
    }
    let found = lines.join("\n");
    assert!(found == OUTCOMES.trim_matches('\n'), "{found}\n\n{messages}");
}
