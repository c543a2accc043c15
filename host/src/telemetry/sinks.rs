//! The metrics of sinks: what they have delivered, how far behind they are, what they do.

use std::sync::atomic::AtomicU64;

use callgate_journal::sink::{SinkStatus, State};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::family::{Labels, registered};

/// The series of all sinks. They are written for each scrape: sinks come and go.
pub(super) struct SinkFamilies {
    delivered: Family<Labels<1>, Counter>,
    errors: Family<Labels<1>, Counter>,
    given_up: Family<Labels<1>, Counter>,
    parked_keys: Family<Labels<1>, Gauge>,
    lag_records: Family<Labels<1>, Gauge>,
    lag_seconds: Family<Labels<1>, Gauge<f64, AtomicU64>>,
    state: Family<Labels<2>, Gauge>,
}

impl SinkFamilies {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let lag_seconds = Family::default();
        let help = "Age of the oldest record that the sink has read and not delivered";
        registry.register_with_unit("sink_lag", help, Unit::Seconds, lag_seconds.clone());
        Self {
            delivered: registered(registry, "sink_delivered", "Records that the sink has delivered, including repeats"),
            errors: registered(registry, "sink_errors", "Deliveries of the sink that failed"),
            given_up: registered(registry, "sink_given_up", "Records that were dropped after `attempts_max`"),
            parked_keys: registered(
                registry,
                "sink_parked_keys",
                "Keys whose next record was refused and waits for a retry",
            ),
            lag_records: registered(registry, "sink_lag_records", "Records behind the newest one"),
            lag_seconds,
            state: registered(registry, "sink_state", "1 for what the sink does: running, backing_off, hanging or off"),
        }
    }

    /// Shows how sinks are doing.
    pub(super) fn show(&self, sinks: &[SinkStatus]) {
        self.delivered.clear();
        self.errors.clear();
        self.given_up.clear();
        self.parked_keys.clear();
        self.lag_records.clear();
        self.lag_seconds.clear();
        self.state.clear();
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        for sink in sinks {
            let labels = [("sink", sink.name.clone())];
            self.delivered.get_or_create(&labels).inc_by(sink.delivered);
            self.errors.get_or_create(&labels).inc_by(sink.errors);
            self.given_up.get_or_create(&labels).inc_by(sink.given_up);
            self.parked_keys.get_or_create(&labels).set(signed(sink.parked_keys));
            self.lag_records.get_or_create(&labels).set(signed(sink.lag_records));
            self.lag_seconds.get_or_create(&labels).set(sink.lag_age.as_secs_f64());
            for name in State::NAMES {
                let labels = [("sink", sink.name.clone()), ("state", name.to_owned())];
                self.state.get_or_create(&labels).set((name == sink.state.name()).into());
            }
        }
    }
}
