//! What the worker's tasks share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cream_archive::Archive;
use cream_models::{Clock, Timestamp, Vendor};
use cream_processor::pull::Puller;
use cream_processor::{Cancel, Leases, Processor, Summary};
use cream_retriever::KeyNeed;
use cream_store::{DueLetters, Store, SweptAccounts};

use crate::error::RunError;
use crate::lasting::Lasting;
use crate::observe::Observer;
use crate::options::RunnerOptions;
use crate::presence::Presence;
use crate::rest::Rest;
use crate::seconds;

/// Workers that were not seen for so long are forgotten, in seconds.
const FORGET: i64 = 7 * 86_400;

/// So long after their end, tokens and sessions are forgotten, in seconds.
const FORGET_TOKENS: i64 = 30 * 86_400;

/// So long after they happened, the events of accounts are forgotten, in seconds.
const FORGET_EVENTS: i64 = 400 * 86_400;

/// As far ahead, in seconds, as anything says when a vendor may be asked again.
const FARTHEST: i64 = 8 * 86_400;

/// A worker, with all that its tasks need.
pub(crate) struct Worker {
    pub(crate) puller: Puller,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: RunnerOptions,
    pub(crate) presence: Arc<Presence>,
    pub(crate) observer: Arc<Observer>,
    /// The vendors that can be asked: those that need a key have one.
    pub(crate) askable: Vec<Vendor>,
    /// Vendors that this worker leaves alone for a while, besides those that all do.
    pub(crate) limited: Mutex<BTreeMap<Vendor, Timestamp>>,
    /// How many pulls at once vendors bear that refused some.
    pub(crate) widths: Mutex<BTreeMap<Vendor, usize>>,
    /// After pulls in vain.
    pub(crate) rest: Rest,
    claims: AtomicU64,
    renewing: Lasting,
    beating: Lasting,
}

impl Worker {
    pub(crate) fn new(puller: Puller, clock: Arc<dyn Clock>, options: RunnerOptions) -> Self {
        let lease = puller.processor().leases().length();
        let presence = Presence::new(&options.name, &options.host, &options.version, lease);
        let observer = Observer::new(&options.version);
        let described = puller.retriever().vendors();
        let is_askable = |about: &&cream_retriever::VendorDescription| {
            about.key != KeyNeed::Required || about.key_is_set
        };
        let askable = described.iter().filter(is_askable).map(|about| about.vendor).collect();
        Self {
            puller,
            clock,
            options,
            presence: Arc::new(presence),
            observer: Arc::new(observer),
            askable,
            limited: Mutex::default(),
            widths: Mutex::default(),
            rest: Rest::default(),
            claims: AtomicU64::new(0),
            renewing: Lasting::new("leases are not renewed"),
            beating: Lasting::new("nobody is told that this worker is alive"),
        }
    }

    pub(crate) const fn processor(&self) -> &Processor {
        self.puller.processor()
    }

    pub(crate) fn store(&self) -> &Store {
        self.processor().store()
    }

    pub(crate) fn archive(&self) -> &Archive {
        self.processor().archive()
    }

    pub(crate) fn leases(&self) -> &Leases {
        self.processor().leases()
    }

    /// The beginning of the tokens of one claim, which no other claim of any worker has.
    pub(crate) fn token(&self) -> String {
        let claim = self.claims.fetch_add(1, Ordering::Relaxed);
        format!("{}-{claim}-", self.processor().holder())
    }

    /// Leaves a vendor alone for a while.
    pub(crate) fn limit(&self, vendor: Vendor, until: Timestamp) {
        let mut limited = self.limited.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        limited.retain(|_, until| is_ahead(*until, now));
        let known = limited.entry(vendor).or_insert(until);
        *known = until.max(*known);
    }

    /// Processes the files that wait, and the dead letters for which somebody asked.
    pub(crate) fn process(&self, cancel: &Cancel) -> Result<(Summary, String), RunError> {
        let watch = |report: &cream_processor::FileReport| self.observer.file(report);
        let mut summary = self.processor().process_all(cancel, &watch)?;
        if !summary.halted {
            let asked = DueLetters::Asked;
            summary.merge(self.processor().retry_dead_letters(asked, cancel, &watch)?);
        }
        told(summary, "files")
    }

    /// Gives dead letters another try that are due for it.
    pub(crate) fn retry(&self, cancel: &Cancel) -> Result<(Summary, String), RunError> {
        let watch = |report: &cream_processor::FileReport| self.observer.file(report);
        let due = DueLetters::All;
        told(self.processor().retry_dead_letters(due, cancel, &watch)?, "dead letters")
    }

    /// Forgets what workers left behind that are gone, and what is over of accounts.
    pub(crate) fn sweep(&self) -> Result<String, RunError> {
        let now = self.clock.now();
        let before = |span: i64| now.plus_seconds(-span);
        let (leases, workers, accounts) = self.store().write_loosely(|writer| {
            let leases = writer.sweep_leases(before(seconds(self.leases().length())))?;
            let workers = writer.sweep_workers(before(FORGET))?;
            let accounts = writer.sweep_accounts(before(FORGET_TOKENS), before(FORGET_EVENTS))?;
            Ok::<_, cream_store::StoreError>((leases, workers, accounts))
        })?;
        let leases = leases.tracked.saturating_add(leases.responses);
        let SweptAccounts { tokens, events } = accounts;
        let swept: Vec<String> = [
            (leases, "leases of workers that are gone"),
            (workers, "workers"),
            (tokens, "tokens that had ended"),
            (events, "old events"),
        ]
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
        if swept.is_empty() {
            return Ok("nothing to sweep".to_owned());
        }
        log::info!(leases, workers, tokens, events; "swept");
        Ok(swept.join(", "))
    }

    /// Says that the worker is alive and keeps what it has in hand.
    pub(crate) fn beat(&self, is_stopping: bool) {
        // What was lost meanwhile, the leases tell themselves.
        self.renewing.tell(&self.leases().renew());
        let (now, in_hand) = (self.clock.now(), self.leases().in_hand());
        let seen = self.presence.beat(self.store(), now, in_hand, is_stopping);
        self.beating.tell(&seen);
    }
}

/// Whether a vendor is left alone until a moment: it lies ahead, and not so far that the clock was
/// wrong from which it was taken. Vendors are blocked for a week at most.
pub(crate) fn is_ahead(until: Timestamp, now: Timestamp) -> bool {
    until > now && until <= now.plus_seconds(FARTHEST)
}

fn told(summary: Summary, what: &str) -> Result<(Summary, String), RunError> {
    if summary.halted {
        return Err(RunError::Halted);
    }
    let mut text = format!("{} {what}", summary.files());
    for (count, how) in [
        (summary.loaded, "loaded"),
        (summary.already_loaded, "loaded before"),
        (summary.dead_letters, "dead letters"),
        (summary.already_dead, "still dead letters"),
        (summary.in_other_hands, "in other hands"),
        (summary.failed, "failed"),
        (summary.not_begun, "not begun"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {how}"));
        }
    }
    Ok((summary, text))
}
