//! What a response changes: a merge of two ascending lists, what it holds and what is stored.

use std::cmp::Ordering;

use crate::{Counts, Verdict};

/// A row of a response that can be held against the stored one.
pub(crate) trait Entry: Copy {
    /// What identifies the row within its series.
    type Key: Ord + Copy;
    /// The row as the database holds it.
    type Stored: Copy;

    fn key(&self) -> Self::Key;
    fn stored_key(stored: &Self::Stored) -> Self::Key;
    /// Whether the stored row has the same values.
    fn is_stored_as(&self, stored: &Self::Stored) -> bool;
    fn is_withdrawn(stored: &Self::Stored) -> bool;
}

/// The rows to write, and the count of all.
pub(crate) struct Change<T: Entry> {
    pub(crate) inserted: Vec<T>,
    pub(crate) updated: Vec<T>,
    pub(crate) withdrawn: Vec<T::Key>,
    /// Rows that were served, and are no longer or not as they were.
    pub(crate) replaced: Vec<T::Stored>,
    pub(crate) counts: Counts,
}

/// Merges what the response holds with what is stored, both ascending by key.
pub(crate) fn changes<T: Entry>(
    held: &[T],
    stored: &[T::Stored],
    verdict: impl Fn(T::Key) -> Verdict,
) -> Change<T> {
    let mut change = Change {
        inserted: Vec::new(),
        updated: Vec::new(),
        withdrawn: Vec::new(),
        replaced: Vec::new(),
        counts: Counts::default(),
    };
    let (mut held, mut stored) = (held.iter().peekable(), stored.iter().peekable());
    loop {
        let order = match (held.peek(), stored.peek()) {
            (Some(row), Some(old)) => row.key().cmp(&T::stored_key(old)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => break,
        };
        let row = if order == Ordering::Greater { None } else { held.next() };
        let old = if order == Ordering::Less { None } else { stored.next() };
        change.add(row, old, &verdict);
    }
    change.counts.inserted = count(change.inserted.len());
    change.counts.updated = count(change.updated.len());
    change.counts.withdrawn = count(change.withdrawn.len());
    change
}

impl<T: Entry> Change<T> {
    fn add(
        &mut self,
        row: Option<&T>,
        old: Option<&T::Stored>,
        verdict: impl Fn(T::Key) -> Verdict,
    ) {
        match (row, old) {
            (Some(row), old) => match (verdict(row.key()), old) {
                (Verdict::Decides, None) => self.inserted.push(*row),
                (Verdict::Decides, Some(old)) if T::is_withdrawn(old) || !row.is_stored_as(old) => {
                    self.updated.push(*row);
                    if !T::is_withdrawn(old) {
                        self.replaced.push(*old);
                    }
                }
                (Verdict::Decides, Some(_)) => self.counts.unchanged += 1,
                (Verdict::Superseded, _) => self.counts.superseded += 1,
                // Refused before: a response decides what it holds.
                (Verdict::Open, _) => {}
            },
            (None, Some(old)) => {
                let key = T::stored_key(old);
                if !T::is_withdrawn(old) && verdict(key) == Verdict::Decides {
                    self.withdrawn.push(key);
                    self.replaced.push(*old);
                }
            }
            (None, None) => {}
        }
    }
}

pub(crate) fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
