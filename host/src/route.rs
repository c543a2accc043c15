//! Command -> chain. Built with its generation, only read afterwards.

use std::collections::HashMap;
use std::sync::Arc;

use callgate_catalogue::catalogue::Command;

use crate::chain::{Chain, Link};
use crate::settings::Platform;
use crate::shadow::Candidate;

/// The chains of one platform.
#[derive(Debug, Default)]
pub struct Routes {
    chains: HashMap<&'static str, Arc<Chain>>,
    candidates: HashMap<&'static str, Vec<Arc<Candidate>>>,
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
        Self { chains, candidates: HashMap::new() }
    }

    /// Compares this candidate on this command.
    pub(crate) fn add(&mut self, command: &Command, candidate: Arc<Candidate>) {
        self.candidates.entry(command.name).or_default().push(candidate);
    }

    /// The candidates that are compared on this command.
    pub(crate) fn candidates(&self, command: Option<&Command>) -> &[Arc<Candidate>] {
        match command {
            Some(command) if !self.candidates.is_empty() => {
                self.candidates.get(command.name).map_or(&[], Vec::as_slice)
            }
            _ => &[],
        }
    }

    /// The plugins that get this command; `None`: no plugin handles it.
    pub fn find(&self, command: &Command) -> Option<&Arc<Chain>> {
        self.chains.get(command.name)
    }
}
