//! What all metrics are made with.

use prometheus_client::registry::{Metric, Registry};

/// Names and values of labels.
pub(super) type Labels<const N: usize> = [(&'static str, String); N];

/// A new metric, registered.
pub(super) fn registered<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}
