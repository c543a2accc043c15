//! Command -> chain. Built with its generation, only read afterwards.

use std::collections::HashMap;
use std::sync::Arc;

use callgate_catalogue::catalogue::Command;

use crate::chain::{Chain, Link};
use crate::settings::Platform;

/// The chains of one platform.
#[derive(Debug, Default)]
pub struct Routes {
    chains: HashMap<&'static str, Arc<Chain>>,
}

impl Routes {
    /// Finds, for each command of the platform, the plugins that get it, in their order in the settings. `flow`: under
    /// which number the workers schedule the platform.
    pub fn build(flow: usize, platform: &Platform, links: &[Arc<Link>]) -> Self {
        let crowd = |link: &Arc<Link>| (Arc::clone(link), link.new_crowd());
        let links: Vec<_> = links.iter().map(crowd).collect();
        let mut chains = HashMap::new();
        for command in platform.server.protocol().commands {
            let chain: Vec<_> = links.iter().filter(|(link, _)| link.takes(platform, command)).cloned().collect();
            if !chain.is_empty() {
                chains.insert(command.name, Arc::new(Chain::new(command, flow, platform, chain)));
            }
        }
        Self { chains }
    }

    /// The plugins that get this command; `None`: no plugin handles it.
    pub fn find(&self, command: &Command) -> Option<&Arc<Chain>> {
        self.chains.get(command.name)
    }
}
