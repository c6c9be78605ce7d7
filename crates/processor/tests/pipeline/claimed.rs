//! Pulls for whoever holds a claim, and what a pull is known by.

use std::sync::{Arc, Mutex};

use cream_models::{Symbol, Vendor};
use cream_parser::pull::PullId;
use cream_processor::pull::{PullOutcome, Puller};
use cream_processor::{Cancel, Outcome};
use cream_store::{StockId, Tracked};
use cream_testkit::vendors::{Fault, Times, VendorServer};

use crate::support::{Site, start};
use crate::vendor::{SYMBOL, puller, server, target};

fn puller_of(site: &Site, server: &VendorServer) -> Puller {
    puller(site.processor(), &server.base_url(), site.clock.clone())
}

fn stock(site: &Site) -> StockId {
    let symbol = Symbol::parse(SYMBOL).unwrap();
    site.store.read(|reader| reader.stock(&symbol)).unwrap().unwrap().id
}

fn tracked(site: &Site, vendor: Vendor) -> Option<Tracked> {
    let stock = stock(site);
    site.store.read(|reader| reader.tracked(stock, vendor)).unwrap()
}

#[test]
fn of_a_claimed_pull_the_first_vendor_is_left_to_be_recorded() {
    let (site, server) = (Site::new(), server(60));
    let puller = puller_of(&site, &server);
    // What succeeds.
    let claimed = puller.pull_claimed(&target(&[Vendor::Tiingo, Vendor::YahooChart]), &|| true);
    assert!(claimed.report.is_success(), "{}", claimed.report);
    assert_eq!(claimed.report.attempts.len(), 1, "{}", claimed.report);
    let record = claimed.record.unwrap();
    assert_eq!(
        (record.stock_id, record.vendor, record.at),
        (stock(&site), Vendor::Tiingo, start())
    );
    assert!(record.result.is_ok(), "{record:?}");
    assert_eq!(tracked(&site, Vendor::Tiingo), None);
    assert_eq!(site.bars(), 60, "loaded, for all that");

    // What fails, where another vendor gives it.
    server.misbehave(Vendor::Tiingo, Fault::UnknownSymbol, Times::Always);
    let claimed = puller.pull_claimed(&target(&[Vendor::Tiingo, Vendor::YahooChart]), &|| true);
    assert!(claimed.report.is_success(), "{}", claimed.report);
    let vendors: Vec<_> = claimed.report.attempts.iter().map(|attempt| attempt.vendor).collect();
    assert_eq!(vendors, [Vendor::Tiingo, Vendor::YahooChart]);
    assert!(claimed.report.attempts[0].outcome.is_unknown_symbol());
    let record = claimed.record.unwrap();
    assert_eq!(record.vendor, Vendor::Tiingo);
    assert!(record.result.is_err(), "{record:?}");
    assert_eq!(tracked(&site, Vendor::Tiingo), None);
    let fallback = tracked(&site, Vendor::YahooChart).unwrap();
    assert_eq!((fallback.last_pull_at, fallback.failures), (Some(start()), 0));

    // What nobody claimed is recorded for each.
    let report = puller.pull(&target(&[Vendor::Tiingo, Vendor::YahooChart]), &|| true);
    assert!(report.is_success(), "{report}");
    assert_eq!(tracked(&site, Vendor::Tiingo).unwrap().failures, 1);

    // What was not asked leaves nothing to be recorded.
    let claimed = puller.pull_claimed(&target(&[Vendor::Tiingo]), &|| false);
    assert!(claimed.report.is_cancelled() && claimed.record.is_none(), "{claimed:?}");
}

#[test]
fn a_pull_is_known_by_one_identifier_all_the_way() {
    let (site, server) = (Site::new(), server(60));
    let report = puller_of(&site, &server).pull(&target(&[Vendor::Tiingo]), &|| true);
    let PullOutcome::Filed { file, .. } = &report.attempts[0].outcome else { panic!("{report}") };
    assert!(matches!(file.outcome, Outcome::Loaded(_)), "{file}");
    let id = Some(report.pull_id);
    assert_eq!((Some(report.attempts[0].pull_id), file.pull_id), (id, id));
    let bytes = std::fs::read(site.folder.join("parsed").join(&file.file)).unwrap();
    assert_eq!(PullId::of_file(&bytes), id);
}

#[test]
fn what_is_processed_later_is_known_by_the_same_identifier() {
    let (site, server) = (Site::new(), server(60));
    let failing = site.processor().with_steps(Arc::new(|step| {
        assert_ne!(step, "process.begun", "its own bug");
    }));
    let puller = puller(failing, &server.base_url(), site.clock.clone());
    let report = puller.pull(&target(&[Vendor::Tiingo]), &|| true);
    assert!(!report.is_success(), "{report}");
    let [raw, _, _] = site.files();
    assert_eq!(raw.len(), 1, "{report}");
    let bytes = std::fs::read(site.folder.join("raw").join(&raw[0])).unwrap();
    assert_eq!(PullId::of_file(&bytes), Some(report.pull_id));
    let ids = Mutex::new(Vec::new());
    let summary = site.processor().process_all(&Cancel::default(), &|file| {
        ids.lock().unwrap().push(file.pull_id);
    });
    assert_eq!(summary.unwrap().loaded, 1);
    assert_eq!(*ids.lock().unwrap(), [Some(report.pull_id)]);

    // Another pull has another one.
    let again = puller_of(&site, &server).pull(&target(&[Vendor::Tiingo]), &|| true);
    assert_ne!(again.pull_id, report.pull_id);
}
