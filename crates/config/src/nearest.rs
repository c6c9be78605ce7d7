//! The name that was probably meant.

/// The candidate that is nearest to `name`: at most a third of it mistyped, or one the
/// beginning or the end of the other.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(1);
    let is_part = |candidate: &str| {
        let shorter = candidate.len().min(name.len());
        let (longer, part) =
            if name.len() == shorter { (candidate, name) } else { (name, candidate) };
        shorter >= 3 && (longer.starts_with(part) || longer.ends_with(part))
    };
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let distance = distance(name, candidate);
            (distance <= limit || is_part(candidate)).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The candidate that `name` misspells by one or two letters.
pub(crate) fn misspelt<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates.into_iter().find(|candidate| {
        // Every variable of the environment is held against every one of ours.
        may_be_near(name, candidate) && (1..=2).contains(&distance(name, candidate))
    })
}

/// Whether two texts may lie within two letters: each letter that is inserted, removed or replaced
/// changes by two at most how often letters occur in them.
fn may_be_near(a: &str, b: &str) -> bool {
    if !(a.is_ascii() && b.is_ascii()) {
        return true;
    }
    let mut surplus = [0_i32; 32];
    for (text, one) in [(a, 1), (b, -1)] {
        for byte in text.bytes() {
            if let Some(count) = surplus.get_mut(usize::from(byte % 32)) {
                *count += one;
            }
        }
    }
    a.len().abs_diff(b.len()) <= 2
        && surplus.iter().map(|count| count.unsigned_abs()).sum::<u32>() <= 4
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour to come
/// from one text to the other (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX - 1);
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let mut best = (at(&last, j + 1) + 1)
                .min(at(&row, j) + 1)
                .min(at(&last, j) + usize::from(from != to));
            if i > 0 && j > 0 && a.get(i - 1) == Some(to) && b.get(j - 1) == Some(from) {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    at(&last, b.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let known = ["BATCH_SIZE", "MAX_RETRIES", "TIMEOUT_SECONDS"];
        for (name, expected) in [
            ("BATCHSIZE", Some("BATCH_SIZE")),
            ("BATHC_SIZE", Some("BATCH_SIZE")),
            ("MAX_RETRY", Some("MAX_RETRIES")),
            ("RETRIES", Some("MAX_RETRIES")),
            ("TIMEOUT", Some("TIMEOUT_SECONDS")),
            ("TIMEOUT_SECONDS_", Some("TIMEOUT_SECONDS")),
            ("TIINGO_API_KEY", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
    }

    #[test]
    fn distances_are_the_known_ones() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("warn", "wran", 1),
            ("ca", "abc", 3),
            ("é", "e", 1),
        ] {
            assert_eq!((distance(a, b), distance(b, a)), (expected, expected), "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn what_is_left_out_unread_is_no_slip(a in "[A-C_é]{0,8}", b in "[A-C_]{0,8}") {
            prop_assert!(may_be_near(&a, &b) || distance(&a, &b) > 2);
        }

        #[test]
        fn a_distance_is_at_most_the_longer_text(a in "\\PC{0,12}", b in "\\PC{0,12}") {
            let longer = a.chars().count().max(b.chars().count());
            prop_assert!(distance(&a, &b) <= longer);
            prop_assert_eq!(distance(&a, &b) == 0, a == b);
        }
    }
}
