//! The order in which files are worked on.

use std::collections::BTreeMap;
use std::path::PathBuf;

use cream_archive::{Fetched, FileName, Folder};
use cream_models::{Symbol, Timestamp};

/// What can be put in the order of its fetching.
pub(crate) trait Ordered {
    fn name(&self) -> Option<FileName>;
    fn shown(&self) -> String;
}

impl Ordered for FileName {
    fn name(&self) -> Option<FileName> {
        Some(self.clone())
    }

    fn shown(&self) -> String {
        self.as_str().to_owned()
    }
}

/// A file of the archive and where it lies.
pub(crate) struct InFolder {
    pub(crate) name: FileName,
    pub(crate) folder: Folder,
}

impl Ordered for InFolder {
    fn name(&self) -> Option<FileName> {
        Some(self.name.clone())
    }

    fn shown(&self) -> String {
        self.name.as_str().to_owned()
    }
}

impl Ordered for PathBuf {
    fn name(&self) -> Option<FileName> {
        FileName::parse(self.file_name()?.to_str()?).ok()
    }

    fn shown(&self) -> String {
        self.display().to_string()
    }
}

/// One queue a symbol, each in the order of fetching, the queues in the order of their oldest
/// files. Files whose name tells no symbol have a queue each; those whose name tells no time come
/// last, since how long they wait is not known.
pub(crate) fn by_symbol<F: Ordered>(files: Vec<F>) -> Vec<Vec<F>> {
    let mut queues: BTreeMap<Symbol, Vec<(Option<Timestamp>, F)>> = BTreeMap::new();
    let mut all: Vec<Vec<(Option<Timestamp>, F)>> = Vec::new();
    for file in files {
        let name = file.name();
        let fetched = name.as_ref().and_then(FileName::fetched).map(|fetched| match fetched {
            Fetched::At(instant) => instant,
            Fetched::On(date) => Timestamp::start_of(date),
        });
        match name.as_ref().and_then(FileName::symbol) {
            Some(symbol) => queues.entry(symbol.clone()).or_default().push((fetched, file)),
            None => all.push(vec![(fetched, file)]),
        }
    }
    let alone = std::mem::replace(&mut all, queues.into_values().collect());
    for queue in &mut all {
        queue.sort_by_key(|(fetched, _)| *fetched);
    }
    all.extend(alone);
    all.sort_by_key(|queue| {
        let oldest = queue.iter().filter_map(|(fetched, _)| *fetched).min();
        (oldest.is_none(), oldest)
    });
    let bare = |queue: Vec<(Option<Timestamp>, F)>| queue.into_iter().map(|(_, file)| file);
    all.into_iter().map(|queue| bare(queue).collect()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn queued(names: &[&str]) -> Vec<Vec<String>> {
        let names: Vec<_> = names.iter().map(|name| FileName::parse(name).unwrap()).collect();
        let shown = |queue: Vec<FileName>| queue.iter().map(Ordered::shown).collect();
        by_symbol(names).into_iter().map(shown).collect()
    }

    #[test]
    fn files_of_a_symbol_queue_and_the_oldest_come_first() {
        let queues = queued(&[
            "README.md",
            "B_2025-01-02.html",
            "A_2025-03-01T000000Z_yahoo-chart.json",
            "C_2024-12-31.html",
            "A_2025-01-01.html",
            "D_2025-01-01T000001Z_stooq.csv",
        ]);
        let expected = [
            vec!["C_2024-12-31.html"],
            vec!["A_2025-01-01.html", "A_2025-03-01T000000Z_yahoo-chart.json"],
            vec!["D_2025-01-01T000001Z_stooq.csv"],
            vec!["B_2025-01-02.html"],
            vec!["README.md"],
        ];
        assert_eq!(queues, expected);
    }

    proptest! {
        #[test]
        fn every_file_is_in_one_queue_and_time_never_goes_back(
            files in proptest::collection::vec((0..5_u8, 1..29_u8), 0..40)
        ) {
            let name = |(symbol, day): &(u8, u8)| format!("S{symbol}_2025-01-{day:02}.html");
            let mut names: Vec<_> = files.iter().map(name).collect();
            names.sort();
            names.dedup();
            let texts: Vec<_> = names.iter().map(String::as_str).collect();
            let queues = queued(&texts);
            let date = |queue: &Vec<String>| queue[0].split_once('_').unwrap().1.to_owned();
            let firsts: Vec<_> = queues.iter().map(date).collect();
            prop_assert!(firsts.is_sorted(), "{:?}", queues);
            prop_assert!(queues.iter().all(|queue| queue.is_sorted()));
            let mut all: Vec<_> = queues.into_iter().flatten().collect();
            all.sort();
            prop_assert_eq!(all, names);
        }
    }
}
