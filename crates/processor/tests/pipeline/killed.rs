//! A worker that is killed at a step, each step of each kind of work in turn, and the next run that
//! mends what it left.
//!
//! The worker is a process of its own: this test program, started again with what it is to do in
//! its environment. It stands still where it is told to, and is killed there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cream_archive::{Archive, FileName, Folder};
use cream_models::{Timestamp, Vendor};
use cream_processor::{Cancel, ImportSource, Outcome, Processor, ProcessorOptions};
use cream_store::{DueLetters, ResponseStatus, Store, StoreOptions};
use cream_testkit::vendors::VendorServer;
use cream_testkit::{ReadyProcess, Signal};

use crate::support::{LEASE, Site, TestClock, chart_name, series, start};
use crate::vendor;

/// Kinds of work, each on one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// A file is imported.
    Import,
    /// A file waits in the folder of raw responses.
    Wait,
    /// One waits that is no response.
    Dead,
    /// One waits whose name stands for other content.
    Conflict,
    /// A dead letter is tried again, and loaded.
    Retry,
    /// A dead letter is tried again, in vain.
    RetryInVain,
    /// A dead letter is tried again that a person accepts.
    Accept,
    /// A symbol is pulled.
    Pull,
}

impl Work {
    const ALL: [Self; 8] = [
        Self::Import,
        Self::Wait,
        Self::Dead,
        Self::Conflict,
        Self::Retry,
        Self::RetryInVain,
        Self::Accept,
        Self::Pull,
    ];

    /// When it is done.
    fn at(self) -> Timestamp {
        match self {
            Self::Retry | Self::RetryInVain | Self::Accept => start().plus_seconds(86_400),
            _ => start(),
        }
    }

    fn prepare(self, site: &mut Site) {
        let name = chart_name("KILLED1", 14);
        let good = series("KILLED1", 50).chart_json();
        match self {
            Self::Import => drop(site.put("in", &name, good)),
            Self::Wait => drop(site.put("raw", &name, good)),
            Self::Dead => drop(site.put("raw", &name, "Will be right back")),
            Self::Conflict => {
                site.put("raw", &name, good);
                assert_eq!(site.process().summary.loaded, 1);
                site.put("raw", &name, series("KILLED1", 49).chart_json());
            }
            Self::Retry => {
                site.put("raw", &name, good);
                let limit = std::mem::replace(&mut site.options.max_response_bytes, 100);
                assert_eq!(site.process().summary.dead_letters, 1);
                site.options.max_response_bytes = limit;
            }
            Self::RetryInVain => {
                site.put("raw", &name, "Will be right back");
                assert_eq!(site.process().summary.dead_letters, 1);
            }
            Self::Accept => {
                site.put("raw", &chart_name("KILLED1", 13), series("KILLED1", 50).chart_json());
                let few = series("KILLED1", 50);
                let gone = few.rows[20..30].iter().map(|row| row.date).collect::<Vec<_>>();
                let few = gone.into_iter().fold(few, |few, date| few.without_row(date));
                site.put("raw", &name, few.chart_json());
                assert_eq!(site.process().summary.dead_letters, 1);
            }
            Self::Pull => {}
        }
        site.clock.set(self.at());
    }
}

type Told = Arc<dyn Fn(&'static str) + Send + Sync>;

/// Where the work is done, here or in another process.
struct Place {
    folder: PathBuf,
    store: Store,
    archive: Archive,
    clock: TestClock,
    options: ProcessorOptions,
    /// Of the vendor server.
    url: String,
}

impl Place {
    fn of(site: &Site, url: &str) -> Self {
        Self {
            folder: site.folder.path().to_owned(),
            store: site.store.clone(),
            archive: site.archive.clone(),
            clock: site.clock.clone(),
            options: site.options.clone(),
            url: url.to_owned(),
        }
    }

    fn processor(&self, told: Told) -> Processor {
        let (store, archive) = (self.store.clone(), self.archive.clone());
        let clock = Box::new(self.clock.clone());
        Processor::new(store, archive, clock, self.options.clone()).with_steps(told)
    }

    /// Does the work, which must not fail.
    fn work(&self, work: Work, told: Told) {
        let processor = self.processor(told);
        let (cancel, watch) = (Cancel::default(), |_: &_| {});
        let summary = match work {
            Work::Import => {
                let source = ImportSource::find(&[self.folder.join("in")]).unwrap();
                processor.import(&source, &cancel, &watch)
            }
            Work::Wait | Work::Dead | Work::Conflict => {
                processor.process_all(&cancel, &watch).unwrap()
            }
            Work::Retry | Work::RetryInVain => {
                processor.retry_dead_letters(DueLetters::All, &cancel, &watch).unwrap()
            }
            Work::Accept => {
                let names = [FileName::parse(&chart_name("KILLED1", 14)).unwrap()];
                processor.retry(&names, true, &cancel, &watch)
            }
            Work::Pull => {
                let puller = vendor::puller(processor, &self.url, self.clock.clone());
                let report = puller.pull(&vendor::target(&[Vendor::Tiingo]), &|| true);
                assert!(report.is_success(), "{report}");
                return;
            }
        };
        assert_eq!((summary.failed, summary.refused, summary.halted), (0, 0, false));
    }

    /// What any next run does.
    fn mend(&self, work: Work) {
        let summary = self.processor(Arc::new(|_| {})).process_all(&Cancel::default(), &|report| {
            assert!(!matches!(report.outcome, Outcome::Failed(_)), "{report}");
        });
        assert_eq!(summary.unwrap().in_other_hands, 0);
        self.work(work, Arc::new(|_| {}));
    }
}

/// What there is in the end.
#[derive(Debug, PartialEq, Eq)]
struct End {
    digest: String,
    bars: i64,
    /// By name. A pull that is done again may leave a second file.
    files: BTreeMap<String, ResponseStatus>,
}

/// What there is, which must be in order: each file in the one folder that its state says, nothing
/// pending and nothing in hand.
fn end(site: &Site) -> End {
    let responses = site.store.read(|reader| reader.responses_after(None, 100)).unwrap();
    let mut files = BTreeMap::new();
    for response in responses {
        assert_eq!(response.lease_until, None, "{response:?}");
        files.insert(response.file_name, response.status);
    }
    let of = |status| {
        let names = files.iter().filter(|(_, is)| **is == status).map(|(name, _)| name.clone());
        names.collect::<Vec<_>>()
    };
    let [mut raw, parsed, dead] = site.files();
    // What a write left that was cut short is no response.
    raw.retain(|name| !name.ends_with(".partial"));
    let expected =
        [ResponseStatus::Pending, ResponseStatus::Parsed, ResponseStatus::Deadletter].map(of);
    assert_eq!([raw, parsed, dead], expected);
    assert_eq!(expected[0], [""; 0]);
    End { digest: site.digest(), bars: site.bars(), files }
}

/// An undisturbed run of a work: the steps it goes through, and how it ends.
fn undisturbed(work: Work, url: &str) -> (Vec<&'static str>, End) {
    let mut site = Site::new();
    work.prepare(&mut site);
    let steps = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&steps);
    Place::of(&site, url).work(work, Arc::new(move |step| shared.lock().unwrap().push(step)));
    let steps = steps.lock().unwrap().clone();
    (steps, end(&site))
}

/// As much time as anything takes.
const LONG: Duration = Duration::from_secs(120);

const CHILD: &str = "CREAM_PROCESSOR_CHILD";

/// Does the work in a process of its own, which is killed when the step is reached for this time.
fn killed_at(work: Work, site: &Site, url: &str, step: &str, time: usize) {
    // On Linux there is a name for this very program, also where it was built anew meanwhile.
    let own = if cfg!(target_os = "linux") {
        PathBuf::from("/proc/self/exe")
    } else {
        std::env::current_exe().unwrap()
    };
    let mut command = Command::new(own);
    command.args(["--exact", "killed::a_worker_of_its_own", "--ignored", "--nocapture"]);
    let number = Work::ALL.iter().position(|other| *other == work).unwrap();
    let told = [
        &number.to_string(),
        step,
        &time.to_string(),
        &site.url(),
        &site.folder.path().display().to_string(),
        url,
    ];
    let worker = ReadyProcess::start(command.env(CHILD, told.join("\n")));
    worker.wait_for("stands still", LONG).unwrap_or_else(|error| {
        panic!("{work:?} does not come to {step} for the time {time}: {error}")
    });
    worker.signal(Signal::Kill);
    let ended = worker.wait(LONG).unwrap();
    assert_eq!(ended.code(), None, "it was not killed");
}

#[test]
#[ignore = "other tests start it in a process of its own"]
fn a_worker_of_its_own() {
    let Some(told) = std::env::var_os(CHILD) else { return };
    let told = told.into_string().unwrap();
    let [number, step, time, database, folder, url] =
        told.split('\n').collect::<Vec<_>>().try_into().unwrap();
    let work = Work::ALL[number.parse::<usize>().unwrap()];
    let (step, time) = (step.to_owned(), time.parse::<usize>().unwrap());
    let folder = PathBuf::from(folder);
    let clock = TestClock::at(work.at());
    let place = Place {
        store: Store::open(&database.parse().unwrap(), &StoreOptions::default()).unwrap(),
        archive: Archive::new(folder.join("raw"), folder.join("parsed"), folder.join("dead")),
        folder,
        clock,
        options: ProcessorOptions::default(),
        url: url.to_owned(),
    };
    let reached = Mutex::new(0);
    let stand_still = Arc::new(move |at: &'static str| {
        if at == step {
            let mut reached = reached.lock().unwrap();
            *reached += 1;
            if *reached == time {
                println!("\nstands still");
                std::thread::sleep(LONG);
            }
        }
    });
    place.work(work, stand_still);
}

/// Kills the work at each of its steps, and looks at what the next run makes of it.
fn is_mended_wherever_it_is_killed(work: Work) {
    let server = vendor_server();
    let url = server.base_url();
    let (steps, expected) = undisturbed(work, &url);
    for (index, step) in steps.iter().enumerate() {
        let time = steps[..=index].iter().filter(|other| *other == step).count();
        let mut site = Site::new();
        work.prepare(&mut site);
        killed_at(work, &site, &url, step, time);
        site.clock.set(work.at().plus_seconds(2 * LEASE));
        // What a server has to end first of the killed worker's transaction is waited for.
        site.options.patience = LONG;
        Place::of(&site, &url).mend(work);
        let mut end = end(&site);
        if work == Work::Pull {
            let all = end.files.values().all(|status| *status == ResponseStatus::Parsed);
            assert!(all && (1..=2).contains(&end.files.len()), "killed at {step}: {end:?}");
            end.files.clone_from(&expected.files);
        }
        assert_eq!(end, expected, "{work:?} killed at {step} for the time {time}");
    }
}

fn vendor_server() -> VendorServer {
    vendor::server(60)
}

#[test]
fn an_import_is_mended_wherever_it_is_killed() {
    is_mended_wherever_it_is_killed(Work::Import);
}

#[test]
fn a_file_that_waits_is_mended_wherever_its_worker_is_killed() {
    is_mended_wherever_it_is_killed(Work::Wait);
}

#[test]
fn a_dead_letter_is_mended_wherever_its_worker_is_killed() {
    is_mended_wherever_it_is_killed(Work::Dead);
}

#[test]
fn a_name_conflict_is_mended_wherever_its_worker_is_killed() {
    is_mended_wherever_it_is_killed(Work::Conflict);
}

#[test]
fn a_retry_is_mended_wherever_it_is_killed() {
    is_mended_wherever_it_is_killed(Work::Retry);
}

#[test]
fn a_retry_in_vain_is_mended_wherever_it_is_killed() {
    is_mended_wherever_it_is_killed(Work::RetryInVain);
}

#[test]
fn an_acceptance_is_mended_wherever_it_is_killed() {
    is_mended_wherever_it_is_killed(Work::Accept);
}

#[test]
fn a_pull_is_mended_wherever_it_is_killed() {
    is_mended_wherever_it_is_killed(Work::Pull);
}

/// None is forgotten: what has a name is reached by one of the works, and so was killed there.
#[test]
fn each_step_is_reached_and_has_its_name() {
    let server = vendor_server();
    let reached: BTreeSet<_> =
        Work::ALL.into_iter().flat_map(|work| undisturbed(work, &server.base_url()).0).collect();
    let named: BTreeSet<_> = Archive::STEPS.into_iter().chain(Processor::STEPS).collect();
    assert_eq!(reached, named);
}

/// However often its worker was killed, a file is not given up.
#[test]
fn a_file_whose_workers_were_all_killed_is_loaded_at_last() {
    let mut site = Site::new();
    Work::Wait.prepare(&mut site);
    let place = Place::of(&site, "");
    let limit = i64::from(site.options.max_attempts);
    for time in 0..limit + 2 {
        site.clock.set(start().plus_seconds(2 * LEASE * time));
        // As good as killed: nothing of the worker is heard any more, and its lease runs out.
        let told: Told = Arc::new(|step| assert_ne!(step, "process.parsed", "the end"));
        let summary = place.processor(told).process_all(&Cancel::default(), &|_| {}).unwrap();
        assert_eq!(summary.failed, 1);
    }
    let name = chart_name("KILLED1", 14);
    assert!(i64::from(site.response(&name).unwrap().attempts) > limit);
    site.clock.set(start().plus_seconds(86_400));
    assert_eq!(site.process().counts(), [1, 0, 0, 0, 0, 0, 0]);
    assert!(site.holds(Folder::Parsed, &name));
}
