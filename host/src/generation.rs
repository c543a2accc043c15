//! What a reload replaces in one step: settings, platforms with their routes, chains, plugins.

mod loader;
mod mounted;
mod retired;

use std::sync::Arc;

use callgate_sandbox::{Engine, Plugin};

use crate::chain::Link;
use crate::route::Routes;
use crate::settings::Settings;
use crate::telemetry::{Counters, Telemetry};

pub use loader::{PluginError, PluginProblem, Progress};
pub use mounted::Mounted;

pub(crate) use loader::{at_once, lines};
pub(crate) use retired::Retired;

/// One loaded configuration. It never changes: a callback takes the one in service when it arrives, and keeps it until it
/// is answered, so that it never sees half of a change.
#[derive(Debug)]
pub struct Generation {
    number: u64,
    settings: Settings,
    platforms: Vec<Mounted>,
    links: Vec<Arc<Link>>,
    counters: Counters,
}

impl Generation {
    /// Builds what these settings say beside `before`, from which unchanged plugins are taken over with all that is known
    /// of their calls. Blocks: plugins are built, configured and compiled.
    ///
    /// # Errors
    /// What is wrong with each plugin that cannot be used; `before` is as it was.
    pub(crate) fn build(
        settings: Settings,
        engine: &Engine,
        telemetry: &Telemetry,
        before: Option<&Self>,
        progress: &mut dyn Progress,
    ) -> Result<Self, Vec<PluginError>> {
        let links = loader::load_all(&settings, engine, before.map_or(&[][..], |before| &before.links), progress)?;
        let counters = telemetry.counters(&settings, &links, before.map(|before| &before.counters));
        let platforms = settings.platforms.iter().enumerate().map(|(index, platform)| {
            let before = before.and_then(|before| before.named(&platform.name));
            let flow = before.map_or_else(mounted::new_flow, |before| before.flow);
            Mounted { index, flow, platform: platform.clone(), routes: Routes::build(flow, platform, &links) }
        });
        let number = before.map_or(0, |before| before.number) + 1;
        Ok(Self { number, platforms: platforms.collect(), settings, links, counters })
    }

    /// Its number: the start makes the first one, and each reload that changes something the next.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The platforms, in the order of the settings.
    pub fn platforms(&self) -> &[Mounted] {
        &self.platforms
    }

    /// The plugins, in the order of the settings.
    pub fn plugins(&self) -> impl Iterator<Item = &Plugin> {
        self.links.iter().map(|link| link.plugin())
    }

    /// The plugins as parts of chains, in the order of the settings.
    pub(crate) fn links(&self) -> &[Arc<Link>] {
        &self.links
    }

    /// Its counters.
    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The platform that a path belongs to, and what follows the platform's own path.
    pub(crate) fn find(&self, path: &str) -> Option<(&Mounted, String)> {
        mounted::find(&self.platforms, path)
    }

    fn named(&self, name: &str) -> Option<&Mounted> {
        self.platforms.iter().find(|mounted| mounted.platform.name == name)
    }
}
