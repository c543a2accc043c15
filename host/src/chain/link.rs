//! A plugin as part of chains: the plugin, what the settings say about using it, and what is known of its calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use callgate_catalogue::catalogue::Command;
use callgate_sandbox::{Fuel, Plugin, PluginLimits, sha256};

use super::breaker::{Breaker, Change};
use super::pace::Pace;
use super::rate::Rate;
use crate::records::Author;
use crate::settings::{self, BreakerLimits, OnFault, Pattern, Platform};
use crate::workers::Crowd;

/// A plugin in use, as the settings of one generation say.
#[derive(Debug)]
pub struct Link {
    /// Its number, in the order of the settings of its generation.
    pub(crate) index: usize,
    name: Arc<str>,
    flow: usize,
    /// `None`: it could not be loaded, and is asked for nothing.
    pub(super) loaded: Option<Arc<Loaded>>,
    author: Arc<Author>,
    /// The commands that it handles; empty: all, or it is not known.
    handles: Vec<String>,
    platforms: Vec<String>,
    commands: Vec<Pattern>,
    on_fault: Option<OnFault>,
    calls_at_once_max: Option<usize>,
    work: settings::Work,
    work_within: Duration,
    facts: Arc<[ItsFact]>,
}

/// A fact that a plugin uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItsFact {
    /// The name in its code.
    pub(crate) own: String,
    /// The name in the settings.
    pub(crate) fact: String,
    /// The number there.
    pub(crate) number: usize,
}

/// The budget of a call that processes an entry of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WorkBudget {
    /// Wall time.
    pub(crate) within: Duration,
    /// Fuel.
    pub(crate) fuel: Fuel,
}

/// A loaded plugin, and the state of its calls. The next generation reuses it if nothing that it depends on has
/// changed.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(super) plugin: Plugin,
    identity: Identity,
    limits: BreakerLimits,
    pub(super) breaker: Breaker,
    suspensions: AtomicU64,
    pub(super) pace: Pace,
    pub(super) records: Rate,
}

/// Everything that a prepared plugin depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The SHA-256 of its module.
    pub(crate) sha256: String,
    /// The SHA-256 of its own settings: they may be megabytes of words.
    settings: String,
    limits: PluginLimits,
}

impl Identity {
    /// Of a module with this SHA-256, its settings as JSON, and its limits.
    pub(crate) fn new(module: String, settings: &str, limits: &PluginLimits) -> Self {
        Self { sha256: module, settings: sha256(settings.as_bytes()), limits: limits.clone() }
    }

    /// Whether the limits are the same.
    pub(crate) fn has_limits_of(&self, other: &Self) -> bool {
        self.limits == other.limits
    }
}

impl Loaded {
    /// A plugin of which no calls are known.
    pub(crate) fn new(plugin: Plugin, identity: Identity, limits: BreakerLimits) -> Self {
        Self {
            records: Rate::new(plugin.limits().records_per_second_max),
            plugin,
            identity,
            limits,
            breaker: Breaker::new(limits),
            suspensions: AtomicU64::new(0),
            pace: Pace::default(),
        }
    }

    /// The plugin.
    pub(crate) fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// What it was made from.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether a plugin that is made from this, and suspended by these limits, would be the same.
    pub(crate) fn is(&self, identity: &Identity, limits: BreakerLimits) -> bool {
        self.identity == *identity && self.limits == limits
    }
}

impl Link {
    /// The plugin number `index` of the settings. It is scheduled as `before`, the plugin of its name in the last
    /// generation.
    pub(crate) fn new(
        index: usize,
        loaded: Arc<Loaded>,
        settings: &settings::Plugin,
        before: Option<&Self>,
        work_within: Duration,
    ) -> Self {
        let handles = loaded.plugin.manifest().commands.clone();
        Self::of(index, Some(loaded), handles, settings, before, work_within)
    }

    /// The same of one that cannot be loaded, and handles these commands; empty: it is not known which.
    pub(crate) fn not_loaded(
        index: usize,
        handles: Vec<String>,
        settings: &settings::Plugin,
        before: Option<&Self>,
        work_within: Duration,
    ) -> Self {
        Self::of(index, None, handles, settings, before, work_within)
    }

    fn of(
        index: usize,
        loaded: Option<Arc<Loaded>>,
        handles: Vec<String>,
        settings: &settings::Plugin,
        before: Option<&Self>,
        work_within: Duration,
    ) -> Self {
        // A candidate of a plugin returns that plugin's records: sinks take them as before.
        let author = settings::plain_name(&settings.name);
        let sha256 = loaded.as_ref().map_or("", |loaded| loaded.identity.sha256.as_str());
        Self {
            index,
            author: Arc::new(Author { name: author.into(), sha256: sha256.into(), is_durable: settings.durable }),
            name: settings.name.as_str().into(),
            flow: before.map_or_else(new_flow, |before| before.flow),
            loaded,
            handles,
            platforms: settings.platforms.clone(),
            commands: settings.commands.clone(),
            on_fault: settings.on_fault,
            calls_at_once_max: settings.calls_at_once_max,
            work: settings.work,
            work_within,
            facts: Arc::default(),
        }
    }

    /// The budget of a call that processes an entry. By default its fuel is larger than that of other calls by the same
    /// factor as its time.
    pub(crate) fn work(&self) -> WorkBudget {
        let limits = self.plugin().map(|plugin| plugin.limits().clone()).unwrap_or_default();
        let within = self.work.within.unwrap_or(self.work_within);
        let more = within.as_nanos().max(1) / limits.call_within.as_nanos().max(1);
        let fuel = u128::from(limits.fuel_per_call.0) * more.max(1);
        let fuel = Fuel(u64::try_from(fuel).unwrap_or(u64::MAX / 2).min(u64::MAX / 2));
        WorkBudget { within, fuel: self.work.fuel.unwrap_or(fuel) }
    }

    /// Whether its settings say how long such a call may take.
    pub(super) fn has_own_work(&self) -> bool {
        self.work.within.is_some()
    }

    /// The same plugin under another name, for chains that must not touch those of this one: with instances, breaker
    /// and pace of its own. If `before`, which had this name, is the same, it goes on.
    pub(crate) fn apart(&self, name: &str, before: Option<&Self>) -> Self {
        let apart = |loaded: &Arc<Loaded>| {
            let Loaded { plugin, identity, limits, .. } = &**loaded;
            match before.and_then(Self::loaded).filter(|before| before.is(identity, *limits)) {
                Some(before) => Arc::clone(before),
                None => Arc::new(Loaded::new(plugin.apart(name), identity.clone(), *limits)),
            }
        };
        Self {
            index: self.index,
            author: Arc::clone(&self.author),
            name: name.into(),
            flow: before.map_or_else(new_flow, |before| before.flow),
            loaded: self.loaded.as_ref().map(apart),
            handles: self.handles.clone(),
            platforms: self.platforms.clone(),
            commands: self.commands.clone(),
            on_fault: self.on_fault,
            calls_at_once_max: self.calls_at_once_max,
            work: self.work,
            work_within: self.work_within,
            facts: Arc::clone(&self.facts),
        }
    }

    /// What it is made of, and what its faults mean, in a text that differs where anything of that does.
    pub(crate) fn made_of(&self) -> String {
        // Without the numbers of the facts, which change with the facts of others.
        let facts: Vec<_> = self.facts.iter().map(|its| (&its.own, &its.fact)).collect();
        format!("{:?} {:?} {facts:?}", self.loaded.as_ref().map(|loaded| &loaded.identity), self.on_fault)
    }

    /// Sets its facts.
    pub(crate) fn with_facts(mut self, facts: Vec<ItsFact>) -> Self {
        self.facts = facts.into();
        self
    }

    /// The number of a fact in the settings by its name in the plugin's code; `None`: the fact is not configured.
    pub(super) fn fact(&self, name: &str) -> Option<usize> {
        self.facts.iter().find(|its| its.own == name).map(|its| its.number)
    }

    /// Whether it may need facts.
    pub(super) fn has_needs(&self) -> bool {
        self.plugin().is_some_and(Plugin::has_needs)
    }

    /// The plugin; `None`: it could not be loaded.
    pub fn plugin(&self) -> Option<&Plugin> {
        self.loaded.as_ref().map(|loaded| &loaded.plugin)
    }

    /// Its name in the settings.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The plugin, with the state of its calls.
    pub(crate) fn loaded(&self) -> Option<&Arc<Loaded>> {
        self.loaded.as_ref()
    }

    /// Who its records come from.
    pub(crate) fn author(&self) -> &Arc<Author> {
        &self.author
    }

    /// Under which number the workers schedule it: the same for the plugins of one name in all generations, so that
    /// their calls share what one plugin may take.
    pub(crate) fn flow(&self) -> usize {
        self.flow
    }

    /// Where it is noted how crowded the workers are with its calls on one platform.
    pub(crate) fn new_crowd(&self) -> Arc<Crowd> {
        Arc::new(Crowd::new(self.calls_at_once_max))
    }

    /// What its faults mean, if the settings say so for this plugin.
    pub(super) fn on_fault(&self) -> Option<OnFault> {
        self.on_fault
    }

    /// Maximum number of its calls on workers at the same time, if the settings say so.
    pub(super) fn calls_at_once_max(&self) -> Option<usize> {
        self.calls_at_once_max
    }

    /// Whether it has been quick recently, and its calls can be brief. A plugin that is not loaded takes no time.
    pub(super) fn is_quick(&self) -> bool {
        self.loaded.as_ref().is_none_or(|loaded| loaded.pace.is_quick() && loaded.plugin.can_be_brief())
    }

    /// What its calls on the workers take, on average.
    pub(super) fn average(&self) -> Duration {
        self.loaded.as_ref().map_or(Duration::ZERO, |loaded| loaded.pace.average())
    }

    /// Whether it is suspended.
    pub(crate) fn is_suspended(&self) -> bool {
        self.loaded.as_ref().is_some_and(|loaded| loaded.breaker.is_suspended())
    }

    /// How often it has been suspended since this was last asked.
    pub(crate) fn new_suspensions(&self) -> u64 {
        self.loaded.as_ref().map_or(0, |loaded| loaded.suspensions.swap(0, Ordering::Relaxed))
    }

    /// Whether it gets this command of this platform. A plugin that says which commands it handles is not asked
    /// about others.
    pub(crate) fn takes(&self, platform: &Platform, command: &Command) -> bool {
        self.platforms.contains(&platform.name)
            && self.commands.iter().any(|pattern| pattern.matches(command.name))
            && (self.handles.is_empty() || self.handles.iter().any(|handled| handled == command.name))
    }
}

/// A number for a plugin that the last generation did not have.
fn new_flow() -> usize {
    static FLOWS: AtomicUsize = AtomicUsize::new(0);
    FLOWS.fetch_add(1, Ordering::Relaxed)
}

impl Loaded {
    /// Logs that its breaker has opened or closed, if it has.
    pub(super) fn note_change(&self, change: Option<Change>) {
        let plugin = &**self.plugin.name();
        match change {
            None => {}
            Some(Change::Resumed) => tracing::warn!(plugin, "the plugin is called again"),
            Some(Change::Suspended { faults, calls, actors }) => {
                self.suspensions.fetch_add(1, Ordering::Relaxed);
                let pause_ms = u64::try_from(self.breaker.pause().as_millis()).unwrap_or(u64::MAX);
                tracing::error!(
                    plugin,
                    faults,
                    calls,
                    users = actors,
                    pause_ms,
                    "the plugin is suspended: most of its calls failed, for many users; until it is called again, \
                     `on_fault` decides"
                );
            }
        }
    }
}
