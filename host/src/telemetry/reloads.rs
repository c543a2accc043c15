//! The metrics of generations and reloads.

use std::sync::atomic::AtomicI64;

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::family::registered;

/// The generation in service, and those before it.
pub(super) struct Generations {
    number: Gauge<i64, AtomicI64>,
    in_memory: Gauge<i64, AtomicI64>,
}

impl Generations {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let help = "Generations in memory: the one in service, and those before it that callbacks still hold";
        Self {
            number: registered(registry, "generation", "The number of the generation in service: 1 after the start"),
            in_memory: registered(registry, "generations", help),
        }
    }

    /// Brings them up to date.
    pub(super) fn show(&self, number: u64, in_memory: usize) {
        self.number.set(i64::try_from(number).unwrap_or(i64::MAX));
        self.in_memory.set(i64::try_from(in_memory).unwrap_or(i64::MAX));
    }
}
