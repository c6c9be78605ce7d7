//! The fuzzing corpus, replayed: what the fuzz targets demand holds of each input in it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on stops")]

use std::path::Path;

#[allow(unreachable_pub, reason = "shared with the fuzz targets")]
#[path = "../fuzz/fuzz_targets/promises.rs"]
mod promises;

#[test]
fn every_input_of_the_corpus_keeps_the_promises() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut replayed = 0;
    for folder in std::fs::read_dir(corpus).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            promises::check(&std::fs::read(file.unwrap().path()).unwrap());
            replayed += 1;
        }
    }
    assert!(replayed >= 2, "the corpus is there");
}

#[test]
fn the_corpus_reaches_what_it_is_there_for() {
    let read = |path: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(path);
        cream_parser::parse(&std::fs::read(path).unwrap()).unwrap()
    };
    for history in [read("chart/small.json"), read("page/small.html")] {
        assert_eq!((history.bars.len(), history.actions.len()), (2, 2));
    }
}
