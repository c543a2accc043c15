//! The metrics of facts: lookups by result, cache, and requests to sources.

use std::sync::atomic::AtomicU64;

use callgate_facts::{Facts, Totals};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::family::{Labels, registered};

/// The series of all facts. They are written for each scrape: facts come and go.
pub(super) struct FactFamilies {
    needed: Family<Labels<2>, Counter>,
    cached: Family<Labels<2>, Counter>,
    fetched: Family<Labels<1>, Counter>,
    fetch_seconds: Family<Labels<1>, Counter<f64, AtomicU64>>,
    updates: Family<Labels<2>, Counter>,
    entries: Family<Labels<1>, Gauge>,
    evicted: Family<Labels<1>, Counter>,
    source_failing: Family<Labels<1>, Gauge>,
    /// Changes of facts that the settings do not name.
    pub(super) not_configured: Counter,
}

impl FactFamilies {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let fetch_seconds = Family::default();
        let help = "Total time of requests to the source";
        registry.register_with_unit("fact_fetch", help, Unit::Seconds, fetch_seconds.clone());
        Self {
            needed: registered(registry, "facts", "Lookups of the fact, by result"),
            cached: registered(
                registry,
                "fact_cache",
                "Answers of the cache: hit, stale, or coalesced with a running request",
            ),
            fetched: registered(registry, "fact_fetches", "Requests that were sent to the source"),
            fetch_seconds,
            updates: registered(registry, "fact_updates", "Updates of plugins: accepted by the source, or dropped"),
            entries: registered(registry, "fact_entries", "Keys in memory"),
            evicted: registered(registry, "fact_evicted", "Keys that were evicted to make room for others"),
            source_failing: registered(registry, "fact_source_failing", "1 if the source fails now; /readyz says why"),
            not_configured: registered(
                registry,
                "fact_updates_not_configured",
                "Changes of facts that the settings do not name, which were dropped",
            ),
        }
    }

    /// Updates the metrics of facts.
    pub(super) fn show(&self, facts: &Facts) {
        self.needed.clear();
        self.cached.clear();
        self.fetched.clear();
        self.fetch_seconds.clear();
        self.updates.clear();
        self.entries.clear();
        self.evicted.clear();
        self.source_failing.clear();
        for (settings, source, stats) in facts.iter() {
            let name = || ("fact", settings.name.clone());
            let Totals { known, absent, late, failed, changed, not_changed, hits, stale, coalesced, .. } =
                stats.totals();
            for (result, count) in [("known", known), ("absent", absent), ("late", late), ("failed", failed)] {
                self.needed.get_or_create(&[name(), ("result", result.to_owned())]).inc_by(count);
            }
            for (result, count) in [("made", changed), ("dropped", not_changed)] {
                self.updates.get_or_create(&[name(), ("result", result.to_owned())]).inc_by(count);
            }
            self.entries.get_or_create(&[name()]).set(i64::try_from(source.entries()).unwrap_or(i64::MAX));
            self.evicted.get_or_create(&[name()]).inc_by(source.evicted());
            if settings.source.remote().is_some() {
                for (result, count) in [("hit", hits), ("stale", stale), ("coalesced", coalesced)] {
                    self.cached.get_or_create(&[name(), ("result", result.to_owned())]).inc_by(count);
                }
                let totals = stats.totals();
                self.fetched.get_or_create(&[name()]).inc_by(totals.fetched);
                self.fetch_seconds.get_or_create(&[name()]).inc_by(totals.fetching.as_secs_f64());
            }
            self.source_failing.get_or_create(&[name()]).set(source.trouble().is_some().into());
        }
    }
}
