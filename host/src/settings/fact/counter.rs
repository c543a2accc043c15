//! Counts that this host keeps.

use callgate_facts::settings::{Counter, MOMENTS_MIN};

use super::shared::{counts_callbacks, window};
use crate::settings::file::{Section, size};

pub(super) fn read(section: &mut Section<'_, '_>) -> Counter {
    let default = Counter::default();
    Counter {
        window: window(section, &default),
        counts_callbacks: counts_callbacks(section),
        // 10 million keys of 20 bytes with one timestamp each take about 2 GiB.
        entries_max: size(section.number("entries_max", default.entries_max as u64, 1, 10_000_000)),
        bytes_max: size(section.number("bytes_max", default.bytes_max as u64, 4096, 1 << 36)),
        moments_max: size(section.number("moments_max", default.moments_max as u64, MOMENTS_MIN as u64, 65_536)),
    }
}
