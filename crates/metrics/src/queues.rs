//! What is waiting and what is in hand, as it was when it was last read.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// What is waiting and what is in hand. `None` is what is not known: it is left out of the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queues {
    /// Tracked symbols that are due to be pulled, over all workers.
    pub pulls: Option<Queue>,
    /// Responses in the archive that wait to be loaded, over all workers.
    pub responses: Option<Queue>,
    /// The tracked symbols by state, over all workers.
    pub tracked: Option<Tracked>,
    /// Claims that this worker holds.
    pub in_hand: Option<i64>,
    /// Workers that run, this one among them.
    pub workers: Option<i64>,
}

/// A queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// How many wait.
    pub depth: i64,
    /// How long the oldest has been waiting; `None` where nothing waits.
    pub oldest_age: Option<Duration>,
}

/// Tracked symbols by state. One may be in several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tracked {
    /// Pulled regularly.
    pub active: i64,
    /// Active, and due now.
    pub due: i64,
    /// Active, and the last pull failed.
    pub failing: i64,
    /// Given up, for a reason that is recorded.
    pub disabled: i64,
}

/// The newest reading.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueueCollector(Arc<Mutex<Queues>>);

impl QueueCollector {
    pub(crate) fn set(&self, queues: &Queues) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = *queues;
    }

    fn get(&self) -> Queues {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for QueueCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let queues = self.get();
        let named = [("pulls", queues.pulls), ("responses", queues.responses)];
        let depths = named.map(|(name, queue)| (name, queue.map(|queue| queue.depth)));
        let ages = named.map(|(name, queue)| {
            (name, queue.and_then(|queue| queue.oldest_age).map(|age| age.as_secs_f64()))
        });
        let tracked = queues.tracked;
        let states = [
            ("active", tracked.map(|tracked| tracked.active)),
            ("due", tracked.map(|tracked| tracked.due)),
            ("failing", tracked.map(|tracked| tracked.failing)),
            ("disabled", tracked.map(|tracked| tracked.disabled)),
        ];

        labelled(&mut encoder, "queue_depth", "How many wait in a queue", None, "queue", depths)?;
        let help = "How long the oldest of a queue has been waiting";
        let unit = Some(&Unit::Seconds);
        labelled(&mut encoder, "queue_oldest_age", help, unit, "queue", ages)?;
        let help = "Tracked symbols by state; one may be in several";
        labelled(&mut encoder, "tracked", help, None, "state", states)?;
        plain(&mut encoder, "in_hand", "Claims that this worker holds", queues.in_hand)?;
        plain(&mut encoder, "workers", "Workers that run", queues.workers)
    }
}

/// A gauge with one label, of what is known; nothing where nothing is.
fn labelled<N: EncodeGaugeValue>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    label: &'static str,
    values: impl IntoIterator<Item = (&'static str, Option<N>)>,
) -> Result<(), fmt::Error> {
    let known = values.into_iter().filter_map(|(of, value)| Some((of, value?)));
    let mut known = known.peekable();
    if known.peek().is_none() {
        return Ok(());
    }
    // Registered metrics get their full stop from the registry.
    let help = format!("{help}.");
    let mut metric = encoder.encode_descriptor(name, &help, unit, MetricType::Gauge)?;
    for (of, value) in known {
        ConstGauge::new(value).encode(metric.encode_family(&[(label, of)])?)?;
    }
    Ok(())
}

/// A gauge without labels, where it is known.
fn plain(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: Option<i64>,
) -> Result<(), fmt::Error> {
    let Some(value) = value else { return Ok(()) };
    let help = format!("{help}.");
    ConstGauge::new(value).encode(encoder.encode_descriptor(
        name,
        &help,
        None,
        MetricType::Gauge,
    )?)
}
