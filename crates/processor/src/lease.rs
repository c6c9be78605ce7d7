//! What this process has in hand, held for as long as it works on it.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cream_models::{Clock, Timestamp};
use cream_store::{Store, StoreError};

/// The leases in hand: what was claimed and is not finished. They are renewed together, long before
/// they end, while there is work ([`Leases::while_renewing`]). Clones are of the same leases.
#[derive(Clone)]
pub struct Leases(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    length: Duration,
    in_hand: Mutex<InHand>,
    renewal: Mutex<Renewal>,
    /// That no more work is going on.
    ended: Condvar,
    lost: AtomicU64,
}

#[derive(Default)]
struct InHand {
    /// Counts what was ever in hand.
    next: u64,
    leases: BTreeMap<u64, Held>,
}

struct Held {
    token: String,
    until: Timestamp,
    /// Taken over by another, or given back.
    is_gone: bool,
    /// Its holder is finishing it, and will learn itself whether it is lost: that the database
    /// knows the token no more may be the finish.
    is_finishing: bool,
}

/// The thread that renews.
#[derive(Default)]
struct Renewal {
    /// How much work is going on.
    users: usize,
    /// Counts the threads: one that wakes up late does not take the place of the next.
    number: u64,
    thread: Option<JoinHandle<()>>,
}

/// A lease in hand. It is forgotten when dropped; the database then keeps it until its end, unless
/// the work was finished.
#[must_use]
pub struct Hold {
    leases: Leases,
    number: u64,
    token: String,
}

/// Leases are renewed so many times before they end.
const RENEWALS: u32 = 4;
/// A thread that renews is never busier than this.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

impl Leases {
    /// No leases in hand yet. Each will be of this length.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, length: Duration) -> Self {
        Self(Arc::new(Inner {
            store,
            clock,
            length,
            in_hand: Mutex::default(),
            renewal: Mutex::default(),
            ended: Condvar::new(),
            lost: AtomicU64::new(0),
        }))
    }

    /// When a lease ends that is taken now.
    #[must_use]
    pub fn lease_until(&self, now: Timestamp) -> Timestamp {
        let micros = i64::try_from(self.0.length.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(now.micros().saturating_add(micros))
    }

    /// Keeps what was claimed under this token, which no other claim has, until a moment.
    pub fn hold(&self, token: String, until: Timestamp) -> Hold {
        let mut in_hand = lock(&self.0.in_hand);
        let number = in_hand.next;
        in_hand.next = in_hand.next.saturating_add(1);
        let held = Held { token: token.clone(), until, is_gone: false, is_finishing: false };
        in_hand.leases.insert(number, held);
        Hold { leases: self.clone(), number, token }
    }

    /// Renews all that is in hand with one call, and returns how much of it is found to be lost.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written; then nothing is known to be lost.
    pub fn renew(&self) -> Result<usize, StoreError> {
        let these: Vec<_> = {
            let in_hand = lock(&self.0.in_hand);
            let held = in_hand.leases.iter().filter(|(_, held)| !held.is_gone);
            held.map(|(number, held)| (*number, held.token.clone())).collect()
        };
        self.renew_these(&these)
    }

    fn renew_these(&self, these: &[(u64, String)]) -> Result<usize, StoreError> {
        if these.is_empty() {
            return Ok(0);
        }
        let until = self.lease_until(self.0.clock.now());
        let tokens: Vec<_> = these.iter().map(|(_, token)| token.as_str()).collect();
        let kept = self.0.store.write_loosely(|writer| writer.renew_leases(&tokens, until))?;
        let kept: HashSet<String> = kept.into_iter().collect();
        let mut lost = 0;
        let mut in_hand = lock(&self.0.in_hand);
        for (number, token) in these {
            // Finished meanwhile, where it is not there.
            let Some(held) = in_hand.leases.get_mut(number) else { continue };
            if kept.contains(token) {
                held.until = held.until.max(until);
            } else if !held.is_finishing && !held.is_gone {
                held.is_gone = true;
                lost += 1;
            }
        }
        drop(in_hand);
        self.count_lost(lost);
        Ok(lost)
    }

    fn count_lost(&self, lost: usize) {
        if lost > 0 {
            self.0.lost.fetch_add(u64::try_from(lost).unwrap_or(u64::MAX), Ordering::Relaxed);
            log::warn!(leases = lost; "leases were lost: others have taken over what was in hand");
        }
    }

    /// Does work while a thread renews what is in hand, each time that a quarter of a lease is
    /// over. Calls at once or within each other share one thread, which ends with the last.
    pub fn while_renewing<T>(&self, work: impl FnOnce() -> T) -> T {
        let _renewing = Renewing::begin(self);
        work()
    }

    /// Renews until the work is done for which this thread was started.
    fn renew_until_done(&self, number: u64) {
        let pause = (self.0.length / RENEWALS).max(SHORTEST_PAUSE);
        let mut renewal = lock(&self.0.renewal);
        let mut slept_from = Instant::now();
        while renewal.users > 0 && renewal.number == number {
            let left = pause.saturating_sub(slept_from.elapsed());
            if !left.is_zero() {
                let woken = self.0.ended.wait_timeout(renewal, left);
                renewal = woken.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            drop(renewal);
            slept_from = Instant::now();
            if let Err(error) = self.renew() {
                let error = crate::chain(&error);
                log::warn!(error = error.as_str(); "leases could not be renewed, trying again");
            }
            renewal = lock(&self.0.renewal);
        }
    }

    /// Gives everything in hand back, so that others need not wait for the leases to end. Whoever
    /// works on it still will not be able to finish it. Returns how many were held.
    ///
    /// # Errors
    ///
    /// Where the database cannot be written; then all is in hand as before.
    pub fn release_all(&self) -> Result<u64, StoreError> {
        let these: Vec<_> = {
            let in_hand = lock(&self.0.in_hand);
            let held = in_hand.leases.iter().filter(|(_, held)| !held.is_gone);
            held.map(|(number, held)| (*number, held.token.clone())).collect()
        };
        if these.is_empty() {
            return Ok(0);
        }
        let tokens: Vec<_> = these.iter().map(|(_, token)| token.as_str()).collect();
        let released = self.0.store.write_loosely(|writer| writer.release_leases(&tokens))?;
        let mut in_hand = lock(&self.0.in_hand);
        for (number, _) in &these {
            if let Some(held) = in_hand.leases.get_mut(number) {
                held.is_gone = true;
            }
        }
        Ok(released)
    }

    /// How many leases were lost to others since the start.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// How many leases are in hand.
    #[must_use]
    pub fn in_hand(&self) -> usize {
        lock(&self.0.in_hand).leases.values().filter(|held| !held.is_gone).count()
    }

    /// How long a lease is.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.0.length
    }
}

impl std::fmt::Debug for Leases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leases").field("in_hand", &self.in_hand()).finish_non_exhaustive()
    }
}

impl Hold {
    /// What the lease is known by.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Whether the work may go on. Where the lease's end has passed by the clock, as after a pause
    /// of the process, the database is asked, and the lease renewed if nobody has taken it over.
    #[must_use]
    pub fn is_held(&self) -> bool {
        let Inner { clock, in_hand, .. } = &*self.leases.0;
        let lasts = || {
            let now = clock.now();
            let in_hand = lock(in_hand);
            let held = in_hand.leases.get(&self.number).filter(|held| !held.is_gone);
            held.map(|held| now < held.until)
        };
        match lasts() {
            None => false,
            Some(true) => true,
            Some(false) => match self.leases.renew_these(&[(self.number, self.token.clone())]) {
                Ok(_) => lasts().unwrap_or(false),
                Err(error) => {
                    let error = crate::chain(&error);
                    log::warn!(error = error.as_str(); "whether a lease is held is not known");
                    false
                }
            },
        }
    }

    /// Does what finishes the work in the database under this token. After it, nothing is in hand
    /// any more; where it was lost, that is counted.
    ///
    /// # Errors
    ///
    /// What the work returns: [`StoreError::LeaseLost`] where another has taken it over. After any
    /// other error it is in hand as before.
    pub fn finish<T>(
        &self,
        work: impl FnOnce(&str) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.finish_by(work, |result| match result {
            Ok(_) => Fate::Finished,
            Err(StoreError::LeaseLost { .. }) => Fate::Lost,
            Err(_) => Fate::InHand,
        })
    }

    /// The same for work whose result tells in its own way what became of it.
    pub(crate) fn finish_by<T>(
        &self,
        work: impl FnOnce(&str) -> T,
        fate: impl FnOnce(&T) -> Fate,
    ) -> T {
        self.change(|held| held.is_finishing = true);
        let result = work(&self.token);
        let fate = fate(&result);
        let was_held = self.change(|held| {
            let was_held = !held.is_gone;
            held.is_finishing = false;
            held.is_gone |= fate != Fate::InHand;
            was_held
        });
        if fate == Fate::Lost && was_held == Some(true) {
            self.leases.count_lost(1);
        }
        result
    }

    fn change<T>(&self, change: impl FnOnce(&mut Held) -> T) -> Option<T> {
        lock(&self.leases.0.in_hand).leases.get_mut(&self.number).map(change)
    }
}

/// What became of work that was to be finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Finished,
    Lost,
    /// Not finished yet.
    InHand,
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hold").field("token", &self.token).finish_non_exhaustive()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        lock(&self.leases.0.in_hand).leases.remove(&self.number);
    }
}

/// Work during which leases are renewed.
struct Renewing<'a>(&'a Leases);

impl<'a> Renewing<'a> {
    fn begin(leases: &'a Leases) -> Self {
        let mut renewal = lock(&leases.0.renewal);
        renewal.users += 1;
        if renewal.users == 1 {
            renewal.number = renewal.number.wrapping_add(1);
            let (own, number) = (leases.clone(), renewal.number);
            let thread = std::thread::Builder::new().name("leases".to_owned());
            match thread.spawn(move || own.renew_until_done(number)) {
                Ok(thread) => renewal.thread = Some(thread),
                // What takes longer than a lease may be lost, which its finish finds out.
                Err(error) => {
                    log::warn!(error = error.to_string().as_str(); "leases are not renewed: no thread");
                }
            }
        }
        Self(leases)
    }
}

impl Drop for Renewing<'_> {
    fn drop(&mut self) {
        let mut renewal = lock(&self.0.0.renewal);
        renewal.users = renewal.users.saturating_sub(1);
        if renewal.users > 0 {
            return;
        }
        let thread = renewal.thread.take();
        drop(renewal);
        self.0.0.ended.notify_all();
        if let Some(Err(_)) = thread.map(JoinHandle::join) {
            log::error!("the thread that renews leases panicked");
        }
    }
}

/// What is locked here is whole after each change, so a poisoned lock holds nothing broken.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
