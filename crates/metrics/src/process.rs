//! What the system says of this process. The names are those that all client libraries use.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// Reads `/proc` at each scrape, but for the start, which does not change.
#[derive(Debug)]
pub(crate) struct ProcessCollector {
    /// Since 1970-01-01 UTC.
    start: Option<Duration>,
}

impl ProcessCollector {
    pub(crate) fn new() -> Self {
        Self { start: system::start() }
    }
}

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        if let Some(bytes) = system::resident() {
            let gauge = ConstGauge::new(bytes);
            let help = "Memory of the process that is in use, its resident set.";
            let kind = gauge.metric_type();
            gauge.encode(encoder.encode_descriptor(
                "process_resident_memory",
                help,
                Some(&Unit::Bytes),
                kind,
            )?)?;
        }
        if let Some(used) = system::cpu() {
            let counter = ConstCounter::new(used.as_secs_f64());
            let help = "Processor time that the process used, its own and the system's for it.";
            let kind = counter.metric_type();
            counter.encode(encoder.encode_descriptor(
                "process_cpu",
                help,
                Some(&Unit::Seconds),
                kind,
            )?)?;
        }
        if let Some(start) = self.start {
            let gauge = ConstGauge::new(start.as_secs_f64());
            let help = "When the process started, since 1970-01-01 UTC.";
            let kind = gauge.metric_type();
            gauge.encode(encoder.encode_descriptor(
                "process_start_time",
                help,
                Some(&Unit::Seconds),
                kind,
            )?)?;
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs::read_to_string;
    use std::time::Duration;

    use super::parse;

    pub(super) fn resident() -> Option<u64> {
        let pages = parse::resident_pages(&read_to_string("/proc/self/statm").ok()?)?;
        pages.checked_mul(u64::try_from(rustix::param::page_size()).ok()?)
    }

    pub(super) fn cpu() -> Option<Duration> {
        let ticks = parse::cpu_ticks(&read_to_string("/proc/self/stat").ok()?)?;
        parse::of_ticks(ticks, rustix::param::clock_ticks_per_second())
    }

    pub(super) fn start() -> Option<Duration> {
        let ticks = parse::start_ticks(&read_to_string("/proc/self/stat").ok()?)?;
        let boot = parse::boot_seconds(&read_to_string("/proc/stat").ok()?)?;
        let since_boot = parse::of_ticks(ticks, rustix::param::clock_ticks_per_second())?;
        Duration::from_secs(boot).checked_add(since_boot)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::time::Duration;

    pub(super) fn resident() -> Option<u64> {
        None
    }

    pub(super) fn cpu() -> Option<Duration> {
        None
    }

    pub(super) fn start() -> Option<Duration> {
        None
    }
}

/// The files of `/proc`, as proc(5) describes them.
#[cfg(any(target_os = "linux", test))]
mod parse {
    use std::time::Duration;

    pub(super) fn resident_pages(statm: &str) -> Option<u64> {
        statm.split_ascii_whitespace().nth(1)?.parse().ok()
    }

    /// A field of `/proc/self/stat` by its number in proc(5). The second is the program's name in
    /// parentheses, which may hold anything, so that counting begins behind the last one.
    fn field(stat: &str, number: usize) -> Option<u64> {
        let (_, behind) = stat.rsplit_once(')')?;
        behind.split_ascii_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
    }

    pub(super) fn cpu_ticks(stat: &str) -> Option<u64> {
        field(stat, 14)?.checked_add(field(stat, 15)?)
    }

    pub(super) fn start_ticks(stat: &str) -> Option<u64> {
        field(stat, 22)
    }

    pub(super) fn boot_seconds(stat: &str) -> Option<u64> {
        stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
    }

    pub(super) fn of_ticks(ticks: u64, per_second: u64) -> Option<Duration> {
        let seconds = ticks.checked_div(per_second)?;
        let rest = ticks.checked_rem(per_second)?;
        let nanos =
            u32::try_from(rest.checked_mul(1_000_000_000)?.checked_div(per_second)?).ok()?;
        Some(Duration::new(seconds, nanos))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::{parse, system};

    const STAT: &str = "4213 (cream) worker (2) S 1 4213 4213 0 -1 4194560 2612 0 0 0 137 64 0 0 \
                        20 0 7 0 815321 240386048 3412 18446744073709551615";

    #[test]
    fn fields_are_counted_behind_a_name_with_parentheses_and_spaces() {
        assert_eq!(parse::cpu_ticks(STAT), Some(137 + 64));
        assert_eq!(parse::start_ticks(STAT), Some(815_321));
        assert_eq!(parse::resident_pages("58688 3412 2104 900 0 9000 0\n"), Some(3412));
        assert_eq!(
            parse::boot_seconds("cpu 1 2\nbtime 1750000000\nprocesses 9\n"),
            Some(1_750_000_000)
        );
    }

    #[test]
    fn ticks_are_parts_of_a_second() {
        assert_eq!(parse::of_ticks(815_321, 100), Some(Duration::from_millis(8_153_210)));
        assert_eq!(parse::of_ticks(1, 0), None);
        assert!(parse::of_ticks(u64::MAX, 100).is_some());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_tells_of_this_process() {
        let start = system::start().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        // The boot's second is rounded, so that a young process may start a little later than now.
        assert!(start <= now + Duration::from_secs(2), "{start:?} {now:?}");
        assert!(start > Duration::from_secs(1_500_000_000));
        assert!(system::resident().unwrap() > 100_000);
        assert!(system::cpu().unwrap() < Duration::from_secs(3600));
    }

    proptest! {
        #[test]
        fn nothing_in_these_files_panics(text in "[0-9() \nbtime-]{0,80}", ticks: u64, per_second: u64) {
            let _ = parse::cpu_ticks(&text);
            let _ = parse::start_ticks(&text);
            let _ = parse::resident_pages(&text);
            let _ = parse::boot_seconds(&text);
            let _ = parse::of_ticks(ticks, per_second);
        }
    }
}
