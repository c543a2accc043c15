//! What a reload replaces in one step: settings, platforms with their routes, chains, plugins.

mod build;
mod facts;
mod loader;
mod mounted;
mod problem;
mod retired;
mod signature;

use std::sync::Arc;

use callgate_facts::Facts;
use callgate_sandbox::{Engine, Plugin};

use crate::chain::{Chain, Link};
use crate::route::Routes;
use crate::settings::{Problem, Settings};
use crate::shadow::{Builder, Shadow};
use crate::telemetry::{Counters, Telemetry};
use loader::{All, Before};

pub use loader::{Crates, Progress};
pub use mounted::Mounted;
pub use problem::{PluginError, PluginProblem};
pub use signature::SignatureError;

pub(crate) use loader::{Module, at_once};
pub(crate) use problem::lines;
pub(crate) use retired::Retired;

/// One loaded configuration. It never changes: a callback takes the one in service when it arrives, and keeps it until
/// it is answered, so that it never sees half of a change.
#[derive(Debug)]
pub struct Generation {
    number: u64,
    settings: Settings,
    platforms: Vec<Mounted>,
    links: Vec<Arc<Link>>,
    /// The plugins that were loaded for candidates, in the order of the settings.
    candidate_links: Vec<Arc<Link>>,
    shadows: Vec<Arc<Shadow>>,
    /// The files of the modules, in the order of the plugins, and behind them those of the candidates.
    modules: Vec<Module>,
    /// What is wrong with the plugins that are not loaded.
    not_loaded: Vec<Problem>,
    counters: Counters,
    facts: Facts,
}

/// Why there is no new generation, and the files that were read.
#[derive(Debug)]
pub(crate) struct NotBuilt {
    pub(crate) errors: Vec<PluginError>,
    pub(crate) modules: Vec<Module>,
}

impl Generation {
    /// Builds what these settings say beside `before`, from which unchanged plugins are taken over with all that is
    /// known of their calls. Blocks: plugins are built, configured and compiled.
    ///
    /// # Errors
    /// What is wrong with each plugin that cannot be used; `before` is as it was.
    pub(crate) fn build(
        settings: Settings,
        engine: &Engine,
        telemetry: &Telemetry,
        before: Option<&Self>,
        crates: Crates,
        now_unix_ms: u64,
        progress: &mut dyn Progress,
    ) -> Result<Self, NotBuilt> {
        let known: Vec<_> =
            before.into_iter().flat_map(|before| before.links.iter().chain(&before.candidate_links)).cloned().collect();
        let in_service = before.map_or_else(Before::default, |before| Before {
            links: &known,
            modules: &before.modules,
            keys: &before.settings.public_keys,
        });
        let facts = facts::open(&settings, before.map(|before| &before.facts));
        let All { mut links, modules, mut errors, not_loaded } =
            loader::load_all(&settings, engine, in_service, crates, progress);
        let facts = facts.unwrap_or_else(|its| {
            errors.extend(its);
            Facts::default()
        });
        if !errors.is_empty() {
            return Err(NotBuilt { errors, modules });
        }
        let not_loaded: Vec<Problem> = not_loaded.iter().map(|error| error.problem(&settings.source)).collect();
        for problem in &not_loaded {
            tracing::error!(
                "a plugin is not loaded: `on_fault` decides instead, and candidates with it are not compared: {problem}"
            );
        }
        let counters = telemetry.counters(&settings, &links, before.map(|before| &before.counters));
        let candidate_links = links.split_off(settings.plugins.len().min(links.len()));
        let platforms = settings.platforms.iter().enumerate().map(|(index, platform)| {
            let before = before.and_then(|before| before.named(&platform.name));
            let flow = before.map_or_else(mounted::new_flow, |before| before.flow);
            Mounted { index, flow, platform: platform.clone(), routes: Routes::build(flow, platform, &links) }
        });
        let mut platforms: Vec<Mounted> = platforms.collect();
        let builder = Builder {
            links: &links,
            families: telemetry.shadows(),
            before: before.map_or(&[], |before| &before.shadows),
            payloads: settings.log.payloads,
            now_unix_ms,
        };
        let shadows = build_shadows(&settings, &builder, &candidate_links, &mut platforms);
        let number = before.map_or(0, |before| before.number) + 1;
        Ok(Self { number, platforms, settings, links, candidate_links, shadows, modules, not_loaded, counters, facts })
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

    /// The plugins that are loaded, in the order of the settings.
    pub fn plugins(&self) -> impl Iterator<Item = &Plugin> {
        self.links.iter().filter_map(|link| link.plugin())
    }

    /// The plugins as parts of chains, in the order of the settings.
    pub(crate) fn links(&self) -> &[Arc<Link>] {
        &self.links
    }

    /// The plugins that were loaded for candidates, in the order of the settings.
    pub(crate) fn candidate_links(&self) -> &[Arc<Link>] {
        &self.candidate_links
    }

    /// The candidates, in the order of the settings.
    pub(crate) fn shadows(&self) -> &[Arc<Shadow>] {
        &self.shadows
    }

    /// The files of the plugins' modules, in the order of the settings.
    pub(crate) fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// What is wrong with the plugins that are not loaded.
    pub fn not_loaded(&self) -> &[Problem] {
        &self.not_loaded
    }

    /// The facts that plugins can use.
    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
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

/// Builds the candidates, and has them compared on the commands at which they make a difference. `loaded`: the plugins
/// that were loaded for them.
fn build_shadows(
    settings: &Settings,
    builder: &Builder<'_>,
    loaded: &[Arc<Link>],
    platforms: &mut [Mounted],
) -> Vec<Arc<Shadow>> {
    let mut loaded = loaded.iter();
    let mut shadows = Vec::new();
    for shadow in &settings.shadows {
        let new = shadow.plugin().and_then(|_| loaded.next());
        let of: Vec<_> = platforms.iter().map(|mounted| (&mounted.platform, mounted.flow)).collect();
        let (shadow, candidates) = builder.build(shadow, new, &of);
        shadows.push(shadow);
        for (number, command, candidate) in candidates {
            if let Some(mounted) = platforms.get_mut(number) {
                mounted.routes.add(command, candidate);
            }
        }
    }
    shadows
}

/// The chain that a worker runs, and its generation. The chain is dropped first, so that its resources are freed by the
/// thread that frees generations.
pub(crate) struct Held {
    chain: Arc<Chain>,
    _generation: Arc<Generation>,
}

impl Held {
    pub(crate) fn new(chain: &Arc<Chain>, generation: &Arc<Generation>) -> Self {
        Self { chain: Arc::clone(chain), _generation: Arc::clone(generation) }
    }

    pub(crate) fn chain(&self) -> &Chain {
        &self.chain
    }
}
