//! The metrics of generations and reloads.

use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::family::{Labels, registered};
use crate::reloads::Status;

/// Generations, and how reloads have ended.
pub(super) struct Generations {
    number: Gauge<i64, AtomicI64>,
    in_memory: Gauge<i64, AtomicI64>,
    ended: Family<Labels<1>, Counter>,
    is_refused: Gauge<i64, AtomicI64>,
    is_rolled_back: Gauge<i64, AtomicI64>,
    restart_keys: Gauge<i64, AtomicI64>,
    good_seconds: Gauge<f64, AtomicU64>,
}

impl Generations {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let good_seconds = Gauge::default();
        let help = "When the files were last applied, or found to be what is in service, in Unix time";
        registry.register_with_unit("reload_good_timestamp", help, Unit::Seconds, good_seconds.clone());
        let help = "Generations in memory: the one in service, and earlier ones that callbacks still use";
        let in_memory = registered(registry, "generations", help);
        Self {
            number: registered(registry, "generation", "The number of the generation in service: 1 after the start"),
            in_memory,
            ended: registered(registry, "reloads", "Reloads, by result"),
            is_refused: registered(
                registry,
                "reload_refused",
                "1 from a reload that found a mistake until one that did not, and while a certificate's files cannot be used",
            ),
            is_rolled_back: registered(
                registry,
                "rolled_back",
                "1 while a kept configuration is in service, and not what the files say",
            ),
            restart_keys: registered(registry, "restart_keys", "Keys in the settings file that wait for a restart"),
            good_seconds,
        }
    }

    /// Brings them up to date.
    pub(super) fn show(&self, number: u64, in_memory: usize, status: &Status) {
        self.number.set(i64::try_from(number).unwrap_or(i64::MAX));
        self.in_memory.set(i64::try_from(in_memory).unwrap_or(i64::MAX));
        let results = [("changed", status.changed), ("unchanged", status.unchanged), ("refused", status.refused)];
        for (result, now) in results {
            let counter = self.ended.get_or_create_owned(&[("result", result.to_owned())]);
            counter.inc_by(now.saturating_sub(counter.get()));
        }
        self.is_refused.set((!status.problems.is_empty() || !status.certificates.is_empty()).into());
        self.is_rolled_back.set(status.rolled_back_to.is_some().into());
        self.restart_keys.set(i64::try_from(status.restart.len()).unwrap_or(i64::MAX));
        self.good_seconds.set(status.good_unix_ms as f64 / 1000.0);
    }
}
