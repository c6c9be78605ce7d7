//! The fuzzing corpus, replayed: what the fuzz targets demand holds of each input in it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on stops")]

use std::path::Path;

use cream_models::Vendor;

#[allow(unreachable_pub, reason = "shared with the fuzz targets")]
#[path = "../fuzz/fuzz_targets/promises.rs"]
mod promises;

#[test]
fn every_input_of_the_corpus_keeps_the_promises() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut replayed = 0;
    for folder in std::fs::read_dir(corpus).unwrap() {
        let folder = folder.unwrap().path();
        let target = folder.file_name().unwrap().to_string_lossy().into_owned();
        for file in std::fs::read_dir(folder).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            promises::check_target(&target, &bytes);
            for vendor in Vendor::ALL {
                promises::check_target(vendor.name(), &bytes);
            }
            replayed += 1;
        }
    }
    assert!(replayed >= 20, "the corpus is there");
}

#[test]
fn the_corpus_reaches_what_it_is_there_for() {
    let read = |path: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(path);
        cream_parser::parse(&std::fs::read(path).unwrap()).unwrap()
    };
    for (path, bars, actions) in [
        ("chart/small.json", 2, 2),
        ("page/small.html", 2, 2),
        ("csv/yfinance.csv", 2, 2),
        ("tiingo/small.json", 2, 2),
        ("alpha_vantage/small.json", 2, 2),
        ("massive/small.json", 2, 0),
        ("massive/splits.json", 0, 1),
        ("massive/dividends.json", 0, 1),
        ("eodhd/small.json", 2, 0),
        ("eodhd/splits.json", 0, 1),
        ("eodhd/dividends.json", 0, 1),
        ("nasdaq/small.json", 2, 0),
        ("nasdaq/dividends.json", 0, 1),
    ] {
        let history = read(path);
        assert_eq!((history.bars.len(), history.actions.len()), (bars, actions), "{path}");
    }
    for path in ["levels.csv", "lean.csv", "quoted.csv", "thousands.csv", "../stooq/daily.csv"] {
        assert_eq!(read(&format!("csv/{path}")).bars.len(), 2, "{path}");
    }
    assert_eq!(read("stooq/bulk.txt").vendor_symbol.as_deref(), Some("DEMO.US"));
}
