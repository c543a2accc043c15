//! What a chain needs of the workers.

use std::sync::Arc;

use super::link::Link;
use crate::workers::{Bound, Crowd};

/// What the workers must know of a chain.
#[derive(Debug)]
pub(super) struct Needs {
    /// Under which number they schedule its platform.
    pub(super) platform_flow: usize,
    /// Those of its plugins that have a maximum number of concurrent calls.
    pub(super) bounds: Arc<[Bound]>,
    /// How crowded the workers are with the calls of each of its plugins.
    pub(super) crowds: Vec<Arc<Crowd>>,
}

impl Needs {
    /// Those of a chain of plugins, each with its crowd.
    pub(super) fn new(platform_flow: usize, links: &[(Arc<Link>, Arc<Crowd>)]) -> Self {
        let bound = |(link, _): &(Arc<Link>, _)| {
            let calls_at_once_max = link.calls_at_once_max()?;
            Some(Bound { plugin: link.flow(), calls_at_once_max })
        };
        Self {
            platform_flow,
            bounds: links.iter().filter_map(bound).collect(),
            crowds: links.iter().map(|(_, crowd)| Arc::clone(crowd)).collect(),
        }
    }
}
