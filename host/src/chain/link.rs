//! A plugin as part of chains: the plugin, what the settings say about using it, and what is known of its calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use callgate_catalogue::catalogue::Command;
use callgate_sandbox::{Plugin, PluginLimits, sha256};

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
    pub(super) loaded: Arc<Loaded>,
    author: Arc<Author>,
    platforms: Vec<String>,
    commands: Vec<Pattern>,
    on_fault: Option<OnFault>,
    calls_at_once_max: Option<usize>,
}

/// A loaded plugin, and what is known of its calls. The next generation takes it over where nothing that it depends on
/// has changed.
#[derive(Debug)]
pub(crate) struct Loaded {
    plugin: Plugin,
    identity: Identity,
    limits: BreakerLimits,
    flow: usize,
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
}

impl Loaded {
    /// A plugin of which no calls are known. It is scheduled as `before`, the plugin of its name in the last generation.
    pub(crate) fn new(plugin: Plugin, identity: Identity, limits: BreakerLimits, before: Option<&Self>) -> Self {
        static FLOWS: AtomicUsize = AtomicUsize::new(0);
        Self {
            records: Rate::new(plugin.limits().records_per_second_max),
            plugin,
            identity,
            limits,
            flow: before.map_or_else(|| FLOWS.fetch_add(1, Ordering::Relaxed), |before| before.flow),
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
    /// The plugin number `index` of the settings.
    pub(crate) fn new(index: usize, loaded: Arc<Loaded>, settings: &settings::Plugin) -> Self {
        // A candidate of a plugin returns that plugin's records: sinks take them as before.
        let name = loaded
            .plugin
            .name()
            .split_once('@')
            .map_or_else(|| Arc::clone(loaded.plugin.name()), |(name, _)| name.into());
        let sha256 = loaded.identity.sha256.as_str().into();
        Self {
            index,
            author: Arc::new(Author { name, sha256, is_durable: settings.durable }),
            loaded,
            platforms: settings.platforms.clone(),
            commands: settings.commands.clone(),
            on_fault: settings.on_fault,
            calls_at_once_max: settings.calls_at_once_max,
        }
    }

    /// The same plugin under another name, for chains that must not touch those of this one: with instances, breaker and
    /// pace of its own. If `before`, which had this name, is the same, it goes on.
    pub(crate) fn apart(&self, name: &str, before: Option<&Arc<Loaded>>) -> Self {
        let Loaded { plugin, identity, limits, .. } = &*self.loaded;
        let loaded = match before.filter(|before| before.is(identity, *limits)) {
            Some(before) => Arc::clone(before),
            None => {
                let before = before.map(Arc::as_ref);
                Arc::new(Loaded::new(plugin.apart(name), identity.clone(), *limits, before))
            }
        };
        Self {
            index: self.index,
            author: Arc::clone(&self.author),
            loaded,
            platforms: self.platforms.clone(),
            commands: self.commands.clone(),
            on_fault: self.on_fault,
            calls_at_once_max: self.calls_at_once_max,
        }
    }

    /// What it is made of, and what its faults mean, in a text that differs where anything of that does.
    pub(crate) fn made_of(&self) -> String {
        format!("{:?} {:?}", self.loaded.identity, self.on_fault)
    }

    /// The plugin.
    pub fn plugin(&self) -> &Plugin {
        &self.loaded.plugin
    }

    /// Its name in the settings.
    pub fn name(&self) -> &Arc<str> {
        self.loaded.plugin.name()
    }

    /// The plugin with what is known of its calls.
    pub(crate) fn loaded(&self) -> &Arc<Loaded> {
        &self.loaded
    }

    /// The SHA-256 of its module.
    pub(crate) fn sha256(&self) -> &str {
        &self.loaded.identity.sha256
    }

    /// Who its records come from.
    pub(super) fn author(&self) -> &Arc<Author> {
        &self.author
    }

    /// Under which number the workers schedule it: the same for the plugins of one name in all generations, so that
    /// their calls share what one plugin may take.
    pub(crate) fn flow(&self) -> usize {
        self.loaded.flow
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

    /// Whether it is suspended.
    pub(crate) fn is_suspended(&self) -> bool {
        self.loaded.breaker.is_suspended()
    }

    /// How often it has been suspended since this was last asked.
    pub(crate) fn new_suspensions(&self) -> u64 {
        self.loaded.suspensions.swap(0, Ordering::Relaxed)
    }

    /// Logs that its breaker has opened or closed, if it has.
    pub(super) fn note_change(&self, change: Option<Change>) {
        let plugin = &**self.name();
        match change {
            None => {}
            Some(Change::Resumed) => tracing::warn!(plugin, "the plugin is called again"),
            Some(Change::Suspended { faults, calls, actors }) => {
                self.loaded.suspensions.fetch_add(1, Ordering::Relaxed);
                let pause_ms = u64::try_from(self.loaded.breaker.pause().as_millis()).unwrap_or(u64::MAX);
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

    /// Whether it gets this command of this platform. A plugin that says which commands it handles is not asked
    /// about others.
    pub(crate) fn takes(&self, platform: &Platform, command: &Command) -> bool {
        let handles = &self.plugin().manifest().commands;
        self.platforms.contains(&platform.name)
            && self.commands.iter().any(|pattern| pattern.matches(command.name))
            && (handles.is_empty() || handles.iter().any(|handled| handled == command.name))
    }
}
