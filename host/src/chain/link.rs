//! A plugin as part of chains: the plugin, what the settings say about using it, and what is known of its calls.

use callgate_catalogue::catalogue::Command;
use callgate_sandbox::Plugin;

use super::breaker::Breaker;
use super::pace::Pace;
use super::rate::Rate;
use crate::settings::{self, OnFault, Pattern, Platform};

/// A plugin in use.
#[derive(Debug)]
pub struct Link {
    /// Its number, in the order of the settings.
    pub(crate) index: usize,
    plugin: Plugin,
    platforms: Vec<String>,
    commands: Vec<Pattern>,
    on_fault: Option<OnFault>,
    pub(super) breaker: Breaker,
    pub(super) pace: Pace,
    pub(super) records: Rate,
}

impl Link {
    /// The plugin number `index` of the settings.
    pub(crate) fn new(index: usize, plugin: Plugin, settings: &settings::Plugin, breaker: Breaker) -> Self {
        let records = Rate::new(plugin.limits().records_per_second_max);
        Self {
            index,
            plugin,
            platforms: settings.platforms.clone(),
            commands: settings.commands.clone(),
            on_fault: settings.on_fault,
            breaker,
            pace: Pace::default(),
            records,
        }
    }

    /// The plugin.
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// What its faults mean, if the settings say so for this plugin.
    pub(super) fn on_fault(&self) -> Option<OnFault> {
        self.on_fault
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
