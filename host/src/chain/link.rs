//! A plugin as part of chains: the plugin, what the settings say about using it, and what is known of its calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use callgate_catalogue::catalogue::Command;
use callgate_sandbox::Plugin;

use super::breaker::{Breaker, Change};
use super::pace::Pace;
use super::rate::Rate;
use crate::records::Author;
use crate::settings::{self, OnFault, Pattern, Platform};

/// A plugin in use.
#[derive(Debug)]
pub struct Link {
    /// Its number, in the order of the settings.
    pub(crate) index: usize,
    plugin: Plugin,
    author: Arc<Author>,
    platforms: Vec<String>,
    commands: Vec<Pattern>,
    on_fault: Option<OnFault>,
    pub(super) breaker: Breaker,
    suspensions: AtomicU64,
    pub(super) pace: Pace,
    pub(super) records: Rate,
}

impl Link {
    /// The plugin number `index` of the settings.
    pub(crate) fn new(
        index: usize,
        plugin: Plugin,
        sha256: String,
        settings: &settings::Plugin,
        breaker: Breaker,
    ) -> Self {
        let author = Arc::new(Author { name: plugin.name().to_string(), sha256, is_durable: settings.durable });
        let records = Rate::new(plugin.limits().records_per_second_max);
        Self {
            index,
            plugin,
            author,
            platforms: settings.platforms.clone(),
            commands: settings.commands.clone(),
            on_fault: settings.on_fault,
            breaker,
            suspensions: AtomicU64::new(0),
            pace: Pace::default(),
            records,
        }
    }

    /// The plugin.
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// The SHA-256 of its module.
    pub(crate) fn sha256(&self) -> &str {
        &self.author.sha256
    }

    /// Who its records come from.
    pub(super) fn author(&self) -> &Arc<Author> {
        &self.author
    }

    /// What its faults mean, if the settings say so for this plugin.
    pub(super) fn on_fault(&self) -> Option<OnFault> {
        self.on_fault
    }

    /// Whether it is suspended.
    pub(crate) fn is_suspended(&self) -> bool {
        self.breaker.is_suspended()
    }

    /// How often it has been suspended.
    pub(crate) fn suspensions(&self) -> u64 {
        self.suspensions.load(Ordering::Relaxed)
    }

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

    /// Whether it gets this command of this platform. A plugin that says which commands it handles is not asked
    /// about others.
    pub(crate) fn takes(&self, platform: &Platform, command: &Command) -> bool {
        let handles = &self.plugin.manifest().commands;
        self.platforms.contains(&platform.name)
            && self.commands.iter().any(|pattern| pattern.matches(command.name))
            && (handles.is_empty() || handles.iter().any(|handled| handled == command.name))
    }
}
