//! A histogram of whole numbers. The registry's own takes a lock for each observation; this one does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// A histogram.
#[derive(Debug, Clone)]
pub(super) struct Histogram(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bounds: &'static [u64],
    /// What values are divided by where they are shown.
    divisor: f64,
    /// One for each bound, and one for what is more.
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// From 25 us, which a quick chain takes, to the 5 s at which the last caller has gone.
const BOUNDS_NS: &[u64] = &[
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    50_000_000,
    100_000_000,
    500_000_000,
    1_000_000_000,
    2_000_000_000,
    5_000_000_000,
];

/// From what the smallest plugin burns to twice the default of `fuel_per_call`, and what some may have beyond.
const BOUNDS_FUEL: &[u64] =
    &[1000, 5000, 20_000, 100_000, 500_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 40_000_000, 1_000_000_000];

impl Histogram {
    /// Of times, shown in seconds.
    pub(super) fn of_seconds() -> Self {
        Self::new(BOUNDS_NS, 1e9)
    }

    /// Of fuel.
    pub(super) fn of_fuel() -> Self {
        Self::new(BOUNDS_FUEL, 1.0)
    }

    fn new(bounds: &'static [u64], divisor: f64) -> Self {
        let buckets = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Inner { bounds, divisor, buckets, sum: AtomicU64::new(0) }))
    }

    pub(super) fn observe(&self, value: u64) {
        let bucket = self.0.bounds.iter().position(|bound| value <= *bound).unwrap_or(self.0.bounds.len());
        if let Some(bucket) = self.0.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.0.sum.fetch_add(value, Ordering::Relaxed);
    }

    pub(super) fn observe_time(&self, took: Duration) {
        self.observe(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Inner { bounds, divisor, buckets, sum } = &*self.0;
        let shown = |value: u64| value as f64 / divisor;
        let bounds = bounds.iter().map(|bound| shown(*bound)).chain([f64::INFINITY]);
        let counts = buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        encoder.encode_histogram::<NoLabelSet>(shown(sum.load(Ordering::Relaxed)), count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}
