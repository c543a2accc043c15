//! `[limits]`: limits for guests.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use callgate_catalogue::wire::RECORDS_MAX;
use callgate_sandbox::{EngineLimits, Fuel, MemoryReset, PluginLimits};

use super::file::{MIB, MS_PER_HOUR, Section, millis, ms, size};

/// Limits for guests.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The limits of a plugin that sets none of its own.
    pub plugin: PluginLimits,
    /// The limits of all guests together.
    pub engine: EngineLimits,
    /// Maximum part of `calls_at_once_max`, in percent, that one plugin may take.
    pub plugin_share_percent_max: usize,
    /// When a plugin that keeps failing is suspended.
    pub breaker: BreakerLimits,
}

/// When a plugin is suspended, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerLimits {
    /// Faults within the window, each weighed by its cost, after which a plugin is suspended; 0: never.
    pub faults_max: u32,
    /// The users whose callbacks must have caused them, at least.
    pub actors_min: u32,
    /// The part of the calls that must have failed, in percent.
    pub percent_min: u32,
    /// For how long faults are counted, from the first one on.
    pub window: Duration,
    /// How long a plugin is suspended.
    pub pause: Duration,
}

const MEMORY_RESET: [(&str, MemoryReset); 4] = [
    ("auto", MemoryReset::Auto),
    ("keep", MemoryReset::Keep),
    ("scan", MemoryReset::Scan),
    ("unmap", MemoryReset::Unmap),
];

pub(super) fn read(mut section: Section<'_, '_>) -> Limits {
    let (defaults, engine) = (PluginLimits::default(), EngineLimits::default());
    let of_engine = |section: &mut Section<'_, '_>, key, default: usize, min, max| {
        size(section.number(key, default as u64, min, max))
    };
    let table_elements_max =
        size(section.number("table_elements_max", defaults.table_elements_max as u64, 0, 10_000_000));
    let limits = Limits {
        plugin: PluginLimits { table_elements_max, ..of_plugin(&mut section, &defaults) },
        engine: EngineLimits {
            calls_at_once_max: NonZeroUsize::new(of_engine(
                &mut section,
                "calls_at_once_max",
                engine.calls_at_once_max.get(),
                1,
                4096,
            ))
            .unwrap_or(NonZeroUsize::MIN),
            kept_instances_max: of_engine(&mut section, "kept_instances_max", engine.kept_instances_max, 0, 8192),
            memory_bytes_largest: 0,
            table_elements_max,
            memory_reset: section.choice("memory_reset", &MEMORY_RESET).unwrap_or(MemoryReset::Auto),
            fuel_per_ms: section.number_if_given("fuel_per_ms", 1, u64::MAX / 2).and_then(NonZeroU64::new),
        },
        plugin_share_percent_max: size(section.number("plugin_share_percent_max", 50, 1, 100)),
        breaker: breaker(&mut section),
    };
    section.finish();
    limits
}

fn breaker(section: &mut Section<'_, '_>) -> BreakerLimits {
    let mut small = |key, default, min, max| u32::try_from(section.number(key, default, min, max)).unwrap_or(u32::MAX);
    BreakerLimits {
        faults_max: small("breaker_faults_max", 100, 0, 1_000_000),
        // One user alone must never be enough.
        actors_min: small("breaker_actors_min", 10, 2, 1000),
        percent_min: small("breaker_percent_min", 50, 1, 100),
        window: ms(section.number("breaker_window_ms", 10_000, 1, MS_PER_HOUR)),
        pause: ms(section.number("breaker_pause_ms", 5000, 1, MS_PER_HOUR)),
    }
}

pub(super) fn of_plugin(section: &mut Section<'_, '_>, defaults: &PluginLimits) -> PluginLimits {
    let fuel =
        |section: &mut Section<'_, '_>, key, default: Fuel| Fuel(section.number(key, default.0, 1, u64::MAX / 2));
    PluginLimits {
        fuel_per_call: fuel(section, "fuel_per_call", defaults.fuel_per_call),
        fuel_to_configure: fuel(section, "fuel_to_configure", defaults.fuel_to_configure),
        call_within: ms(section.number("call_within_ms", millis(defaults.call_within), 1, MS_PER_HOUR)),
        memory_bytes_max: size(section.number(
            "memory_bytes_max",
            defaults.memory_bytes_max as u64,
            65_536,
            4096 * MIB,
        )),
        table_elements_max: defaults.table_elements_max,
        reply_bytes_max: size(section.number("reply_bytes_max", defaults.reply_bytes_max as u64, 16, 1024 * MIB)),
        module_bytes_max: size(section.number("module_bytes_max", defaults.module_bytes_max as u64, 8, 1024 * MIB)),
        records_max: size(section.number("records_max", defaults.records_max as u64, 0, RECORDS_MAX as u64)),
        record_bytes_max: size(section.number("record_bytes_max", defaults.record_bytes_max as u64, 1, 1024 * MIB)),
        records_per_second_max: u32::try_from(section.number(
            "records_per_second_max",
            defaults.records_per_second_max.into(),
            0,
            u32::MAX.into(),
        ))
        .unwrap_or(u32::MAX),
    }
}
