//! Keys that several sources have.

use std::time::Duration;

use callgate_facts::settings::{Counter, Remote};

use crate::settings::file::{MIB, MS_PER_HOUR, Section, millis, ms, size};

/// Maximum length of a window, in milliseconds: a year, for penalties that expire.
const WINDOW_MS_MAX: u64 = 366 * 24 * MS_PER_HOUR;

/// The length of a window.
pub(super) fn window(section: &mut Section<'_, '_>, default: &Counter) -> Duration {
    ms(section.number("window_ms", millis(default.window), 1, WINDOW_MS_MAX))
}

/// Whether a lookup for a callback counts. There is no default: with the wrong one, a limit limits nothing.
pub(super) fn counts_callbacks(section: &mut Section<'_, '_>) -> bool {
    if !section.has("count") {
        section.report(
            "count",
            "is missing: \"callbacks\" if each callback for which a plugin needs the key is to be counted, \"updates\" if \
             only plugins add to it",
        );
    }
    section.choice("count", &[("updates", false), ("callbacks", true)]).unwrap_or_default()
}

/// The settings of requests over the network.
pub(super) fn remote(section: &mut Section<'_, '_>) -> Remote {
    let default = Remote::default();
    let day = 24 * MS_PER_HOUR;
    Remote {
        // Chat servers wait for some seconds, and journal entries seldom need more.
        within: section.number_if_given("within_ms", 1, 60_000).map(ms),
        cache: ms(section.number("cache_ms", millis(default.cache), 0, day)),
        stale: ms(section.number("stale_ms", millis(default.stale), 0, day)),
        cache_entries_max: size(section.number("cache_entries_max", default.cache_entries_max as u64, 1, 10_000_000)),
        cache_bytes_max: size(section.number("cache_bytes_max", default.cache_bytes_max as u64, 4096, 1 << 36)),
        answer_bytes_max: size(section.number("answer_bytes_max", default.answer_bytes_max as u64, 1, 16 * MIB)),
        calls_at_once_max: size(section.number("calls_at_once_max", default.calls_at_once_max as u64, 1, 4096)),
    }
}
