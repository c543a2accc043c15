//! `[loading]`: limits for configuring and compiling one module.

use callgate_sandbox::LoadingLimits;

use super::file::{MIB, MS_PER_HOUR, Section, millis, ms};

pub(super) fn read(mut section: Section<'_, '_>) -> LoadingLimits {
    let defaults = LoadingLimits::default();
    let loading = LoadingLimits {
        // At least a second, because the system counts whole seconds.
        cpu_max: ms(section.number("cpu_ms_max", millis(defaults.cpu_max), 1000, MS_PER_HOUR)),
        within: ms(section.number("within_ms", millis(defaults.within), 1, MS_PER_HOUR)),
        // With less, not even the smallest plugin can be compiled.
        memory_bytes_max: section.number("memory_bytes_max", defaults.memory_bytes_max, 16 * MIB, 1024 * 1024 * MIB),
    };
    section.finish();
    loading
}
