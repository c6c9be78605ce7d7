//! Whose pull is next: a lane for each vendor, and the same chance for each lane.
//!
//! Vendors differ by orders of magnitude in how often they may be asked. So a thread takes the next
//! pull from the lane in which fewest are at work, and where other vendors have work too, no vendor
//! gets every thread: one that is slow holds up nobody else.
//!
//! A pull takes several requests. Where a limit allows fewer than all threads need for theirs, each
//! would get some and none would come to its end. So a vendor that refused one gets one thread, and
//! one more with each pull that is through.

use std::collections::{BTreeMap, VecDeque};

use cream_models::{Timestamp, Vendor};

/// How long, in microseconds, a vendor without due rows is not looked at again.
const RECHECK: i64 = 10_000_000;

/// The lanes of all vendors, with claimed jobs that wait.
#[derive(Debug)]
pub(crate) struct Lanes<J> {
    lanes: BTreeMap<Vendor, Lane<J>>,
    threads: usize,
    turn: u64,
}

#[derive(Debug)]
struct Lane<J> {
    waiting: VecDeque<J>,
    working: usize,
    /// So many may be at work.
    width: usize,
    /// A thread is claiming for it.
    is_claiming: bool,
    /// Nothing was due at that moment.
    drained_at: Option<Timestamp>,
    /// The vendor is left alone until then.
    closed_until: Option<Timestamp>,
    /// When it was its turn, to tell lanes apart that are otherwise equal.
    served: u64,
}

impl<J> Lane<J> {
    const fn new(width: usize) -> Self {
        let waiting = VecDeque::new();
        let (drained_at, closed_until) = (None, None);
        Self { waiting, working: 0, width, is_claiming: false, drained_at, closed_until, served: 0 }
    }
}

/// What a thread is to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn<J> {
    /// This job.
    Work(J),
    /// Claim what is due of this vendor, tell of it by [`Lanes::claimed`], and ask again. Nobody
    /// else is asked to meanwhile.
    Claim(Vendor),
    /// Wait for others, or until this moment, and ask again.
    Wait(Option<Timestamp>),
    /// Nothing is left.
    End,
}

impl<J> Lanes<J> {
    /// Lanes of these vendors for so many threads, as wide as they were ([`Lanes::widths`]).
    pub(crate) fn new(
        vendors: impl IntoIterator<Item = Vendor>,
        threads: usize,
        widths: &BTreeMap<Vendor, usize>,
    ) -> Self {
        let threads = threads.max(1);
        let width = |vendor: &Vendor| widths.get(vendor).map_or(threads, |width| (*width).max(1));
        let lane = |vendor: Vendor| (vendor, Lane::new(width(&vendor)));
        Self { lanes: vendors.into_iter().map(lane).collect(), threads, turn: 0 }
    }

    /// How many threads each vendor may have that may not have all.
    pub(crate) fn widths(&self) -> BTreeMap<Vendor, usize> {
        let narrow = self.lanes.iter().filter(|(_, lane)| lane.width < self.threads);
        narrow.map(|(vendor, lane)| (*vendor, lane.width)).collect()
    }

    /// What is next. `patience` is the last moment that is worth waiting for.
    pub(crate) fn next(&mut self, now: Timestamp, patience: Timestamp) -> Turn<J> {
        // A vendor that is left alone needs no thread.
        let busy = self.lanes.values().filter(|lane| lane.is_open(now) && lane.has_work(now));
        let is_shared = busy.count() > 1;
        let most = if is_shared { self.threads.saturating_sub(1).max(1) } else { self.threads };
        let ready = self
            .lanes
            .iter_mut()
            .filter(|(_, lane)| {
                lane.is_open(now) && lane.working < most.min(lane.width) && lane.has_turn(now)
            })
            .min_by_key(|(_, lane)| (lane.working, lane.served));
        if let Some((&vendor, lane)) = ready {
            return match lane.waiting.pop_front() {
                Some(job) => {
                    self.turn = self.turn.saturating_add(1);
                    lane.served = self.turn;
                    lane.working = lane.working.saturating_add(1);
                    Turn::Work(job)
                }
                None => {
                    lane.is_claiming = true;
                    Turn::Claim(vendor)
                }
            };
        }
        match self.opens(now, patience) {
            Some(until) => Turn::Wait(Some(until)),
            None if self.lanes.values().any(Lane::is_at_work) => Turn::Wait(None),
            None => Turn::End,
        }
    }

    /// Whether there is nothing to begin with: nothing is due, or it is left alone for long.
    pub(crate) fn is_idle(&self, now: Timestamp, patience: Timestamp) -> bool {
        !self.lanes.values().any(|lane| lane.is_open(now) && lane.has_work(now))
            && self.opens(now, patience).is_none()
    }

    /// When the first vendor is no longer left alone that has work, if that is worth waiting for.
    fn opens(&self, now: Timestamp, patience: Timestamp) -> Option<Timestamp> {
        let opens = self.lanes.values().filter(|lane| lane.drained_at.is_none());
        let opens = opens.filter_map(|lane| lane.closed_until).filter(|until| *until > now).min();
        opens.filter(|until| *until <= patience)
    }

    /// What was claimed of a vendor at that moment; nothing means that nothing is due. Gives the
    /// jobs back where the vendor is to be left alone since.
    pub(crate) fn claimed(&mut self, vendor: Vendor, jobs: Vec<J>, now: Timestamp) -> Vec<J> {
        let lane = self.lane(vendor);
        lane.is_claiming = false;
        lane.drained_at = jobs.is_empty().then_some(now);
        if !lane.is_open(now) {
            return jobs;
        }
        lane.waiting.extend(jobs);
        Vec::new()
    }

    /// A job is done with, and got what it wanted from the vendor, or did not.
    pub(crate) fn ended(&mut self, vendor: Vendor, is_through: bool) {
        let lane = self.lane(vendor);
        lane.working = lane.working.saturating_sub(1);
        if is_through {
            lane.width = lane.width.saturating_add(1);
        }
    }

    /// The vendor is left alone until a moment, and gets one thread then. Gives back the jobs that
    /// wait for it.
    pub(crate) fn close(&mut self, vendor: Vendor, until: Timestamp) -> Vec<J> {
        let lane = self.lane(vendor);
        lane.width = 1;
        lane.closed_until = lane.closed_until.max(Some(until));
        lane.waiting.drain(..).collect()
    }

    /// Until when vendors are left alone that have work.
    pub(crate) fn closed(&self, now: Timestamp) -> Vec<(Vendor, Timestamp)> {
        let closed = self.lanes.iter().filter(|(_, lane)| lane.drained_at.is_none());
        let until = |(vendor, lane): (&Vendor, &Lane<J>)| Some((*vendor, lane.closed_until?));
        closed.filter_map(until).filter(|(_, until)| *until > now).collect()
    }

    fn lane(&mut self, vendor: Vendor) -> &mut Lane<J> {
        let threads = self.threads;
        self.lanes.entry(vendor).or_insert_with(|| Lane::new(threads))
    }

    /// Every job that waits.
    pub(crate) fn take_all(&mut self) -> Vec<J> {
        self.lanes.values_mut().flat_map(|lane| lane.waiting.drain(..)).collect()
    }
}

impl<J> Lane<J> {
    fn is_open(&self, now: Timestamp) -> bool {
        self.closed_until.is_none_or(|until| until <= now)
    }

    /// Whether a thread has it in hand.
    const fn is_at_work(&self) -> bool {
        self.working > 0 || self.is_claiming
    }

    /// Whether a thread is of use now.
    fn has_turn(&self, now: Timestamp) -> bool {
        !self.waiting.is_empty() || (!self.is_claiming && self.has_work(now))
    }

    /// Whether there is, or may be, something to do.
    fn has_work(&self, now: Timestamp) -> bool {
        let is_drained = |at: Timestamp| {
            (at.micros()..at.micros().saturating_add(RECHECK)).contains(&now.micros())
        };
        !self.waiting.is_empty() || !self.drained_at.is_some_and(is_drained)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Vendor::{Massive, Tiingo, YahooChart};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn next(lanes: &mut Lanes<u32>, now: i64) -> Turn<u32> {
        lanes.next(at(now), at(now + 30))
    }

    #[test]
    fn each_vendor_has_its_turn_and_none_gets_every_thread() {
        let mut lanes = Lanes::new([YahooChart, Tiingo], 4, &BTreeMap::new());
        assert_eq!(next(&mut lanes, 0), Turn::Claim(YahooChart));
        lanes.claimed(YahooChart, (0..10).collect(), at(0));
        lanes.claimed(Tiingo, vec![100], at(0));
        assert_eq!(next(&mut lanes, 0), Turn::Work(0));
        assert_eq!(next(&mut lanes, 0), Turn::Work(100));
        // As many are at work in both: whose turn was longer ago.
        assert_eq!(next(&mut lanes, 0), Turn::Work(1));
        assert_eq!(next(&mut lanes, 0), Turn::Claim(Tiingo));
        lanes.claimed(Tiingo, vec![101, 102, 103], at(0));
        assert_eq!(next(&mut lanes, 0), Turn::Work(101));
        // Three of the four threads at most, while the other vendor has work.
        assert_eq!(next(&mut lanes, 0), Turn::Work(2));
        assert_eq!(next(&mut lanes, 0), Turn::Work(102));
        assert_eq!(next(&mut lanes, 0), Turn::Wait(None));
        lanes.ended(Tiingo, true);
        assert_eq!(next(&mut lanes, 0), Turn::Work(103));
    }

    #[test]
    fn a_vendor_alone_gets_every_thread_and_the_end_comes_when_all_is_done() {
        let mut lanes = Lanes::new([YahooChart, Tiingo], 2, &BTreeMap::new());
        lanes.claimed(Tiingo, vec![], at(0));
        lanes.claimed(YahooChart, vec![1, 2], at(0));
        assert_eq!(next(&mut lanes, 0), Turn::Work(1));
        assert_eq!(next(&mut lanes, 0), Turn::Work(2));
        assert_eq!(next(&mut lanes, 0), Turn::Wait(None));
        lanes.ended(YahooChart, true);
        assert_eq!(next(&mut lanes, 0), Turn::Claim(YahooChart));
        lanes.claimed(YahooChart, vec![], at(0));
        assert_eq!(next(&mut lanes, 0), Turn::Wait(None), "one is at work");
        lanes.ended(YahooChart, true);
        assert_eq!(next(&mut lanes, 0), Turn::End);
        // What became due in the meantime is found while others work, not at once.
        assert_eq!(next(&mut lanes, 9), Turn::End);
        assert!(matches!(next(&mut lanes, 10), Turn::Claim(_)));
        // A clock that goes back is no reason to wait for it.
        assert!(matches!(next(&mut lanes, -1), Turn::Claim(_)));
    }

    #[test]
    fn while_one_thread_claims_the_others_work() {
        let mut lanes = Lanes::new([YahooChart, Tiingo], 4, &BTreeMap::new());
        assert_eq!(next(&mut lanes, 0), Turn::Claim(YahooChart));
        // Nobody claims of the same vendor at once.
        assert_eq!(next(&mut lanes, 0), Turn::Claim(Tiingo));
        assert_eq!(next(&mut lanes, 0), Turn::Wait(None), "what is claimed may be plenty");
        assert_eq!(lanes.claimed(Tiingo, vec![100], at(0)), []);
        assert_eq!(next(&mut lanes, 0), Turn::Work(100));
        // It is to be left alone before the claim is made.
        lanes.ended(Tiingo, true);
        lanes.claimed(YahooChart, vec![], at(0));
        assert_eq!(next(&mut lanes, 1), Turn::Claim(Tiingo));
        assert_eq!(lanes.close(Tiingo, at(100)), []);
        assert_eq!(lanes.claimed(Tiingo, vec![101], at(1)), [101]);
        assert_eq!(next(&mut lanes, 1), Turn::End);
        assert!(lanes.is_idle(at(1), at(31)) && !lanes.is_idle(at(75), at(105)));
        lanes.claimed(YahooChart, vec![], at(100));
        assert_eq!(next(&mut lanes, 100), Turn::Claim(Tiingo));
    }

    #[test]
    fn a_vendor_that_is_left_alone_keeps_no_thread() {
        let mut lanes = Lanes::new([YahooChart, Massive], 2, &BTreeMap::new());
        assert_eq!(lanes.close(Massive, at(1000)), []);
        lanes.claimed(YahooChart, vec![1, 2], at(0));
        assert_eq!(next(&mut lanes, 0), Turn::Work(1));
        assert_eq!(next(&mut lanes, 0), Turn::Work(2));
    }

    #[test]
    fn a_vendor_that_is_left_alone_gives_its_jobs_back_and_others_go_on() {
        let mut lanes = Lanes::new([YahooChart, Massive], 4, &BTreeMap::new());
        lanes.claimed(YahooChart, vec![1], at(0));
        lanes.claimed(Massive, vec![10, 11], at(0));
        assert_eq!(lanes.close(Massive, at(100)), [10, 11]);
        assert_eq!(lanes.close(Massive, at(50)), [] as [u32; 0], "and is not opened earlier");
        assert_eq!(next(&mut lanes, 0), Turn::Work(1));
        lanes.claimed(YahooChart, vec![], at(0));
        assert_eq!(next(&mut lanes, 0), Turn::Wait(None));
        lanes.ended(YahooChart, true);
        assert_eq!(next(&mut lanes, 0), Turn::End, "too long to wait for");
        assert_eq!(lanes.closed(at(0)), [(Massive, at(100))]);
        lanes.claimed(YahooChart, vec![], at(75));
        assert_eq!(next(&mut lanes, 75), Turn::Wait(Some(at(100))));
        assert_eq!(next(&mut lanes, 100), Turn::Claim(Massive));
        lanes.claimed(Massive, vec![12], at(100));
        assert_eq!(lanes.take_all(), [12]);
    }

    #[test]
    fn a_vendor_that_refuses_gets_one_thread_and_one_more_with_each_pull_that_is_through() {
        let mut lanes = Lanes::new([Tiingo], 3, &BTreeMap::new());
        let _ = lanes.claimed(Tiingo, (0..3).collect(), at(0));
        for job in 0..3 {
            assert_eq!(next(&mut lanes, 0), Turn::Work(job));
        }
        assert_eq!(lanes.close(Tiingo, at(10)), []);
        (0..3).for_each(|_| lanes.ended(Tiingo, false));
        let _ = lanes.claimed(Tiingo, (3..10).collect(), at(10));
        assert_eq!(next(&mut lanes, 10), Turn::Work(3));
        assert_eq!(next(&mut lanes, 10), Turn::Wait(None));
        lanes.ended(Tiingo, false);
        assert_eq!(next(&mut lanes, 10), Turn::Work(4));
        assert_eq!(next(&mut lanes, 10), Turn::Wait(None), "the one before was not through");
        assert_eq!(lanes.widths(), BTreeMap::from([(Tiingo, 1)]));
        lanes.ended(Tiingo, true);
        let widths = lanes.widths();
        assert_eq!(widths, BTreeMap::from([(Tiingo, 2)]));
        // It is remembered from run to run.
        let mut lanes = Lanes::new([Tiingo, YahooChart], 3, &widths);
        let _ = lanes.claimed(YahooChart, vec![], at(11));
        let _ = lanes.claimed(Tiingo, (0..10).collect(), at(11));
        assert_eq!(next(&mut lanes, 11), Turn::Work(0));
        assert_eq!(next(&mut lanes, 11), Turn::Work(1));
        assert_eq!(next(&mut lanes, 11), Turn::Wait(None));
        lanes.ended(Tiingo, true);
        lanes.ended(Tiingo, true);
        assert_eq!(lanes.widths(), BTreeMap::new());
    }
}
