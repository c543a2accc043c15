//! The number of waiting callbacks and their size, in one counter: both cost one access to memory that two threads
//! share.

use std::sync::atomic::{AtomicU64, Ordering};

/// The number of waiting callbacks, and their size.
#[derive(Debug, Default)]
pub(super) struct Room(AtomicU64);

/// The lower bits are bytes: at most 2^30 (`queue_bytes_max`), plus one callback for each thread that tries to add one.
/// The upper bits are callbacks: at most 2^20 (`queue_max`).
const BYTES_BITS: u32 = 40;

impl Room {
    /// Reserves room for one callback; false if there is none.
    pub(super) fn take(&self, bytes: usize, callbacks_max: usize, bytes_max: usize) -> bool {
        let one = one(bytes);
        let (callbacks, all_bytes) = split(self.0.fetch_add(one, Ordering::Relaxed) + one);
        let has_room = callbacks <= callbacks_max as u64 && all_bytes <= bytes_max as u64;
        if !has_room {
            self.0.fetch_sub(one, Ordering::Relaxed);
        }
        has_room
    }

    /// Releases the room of a callback of this size.
    pub(super) fn give_back(&self, bytes: usize) {
        self.0.fetch_sub(one(bytes), Ordering::Relaxed);
    }

    /// The number of waiting callbacks.
    pub(super) fn callbacks(&self) -> u64 {
        split(self.0.load(Ordering::Relaxed)).0
    }
}

/// A callback of this size. The size is capped, so that sums stay far from the upper bits.
fn one(bytes: usize) -> u64 {
    (1 << BYTES_BITS) + (bytes as u64).min(1 << 31)
}

fn split(both: u64) -> (u64, u64) {
    (both >> BYTES_BITS, both & ((1 << BYTES_BITS) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_fits_as_long_as_both_maxima_allow_it() {
        let room = Room::default();
        assert!(room.take(10, 2, 30) && room.take(20, 2, 30));
        assert!(!room.take(0, 2, 30), "two are the maximum");
        room.give_back(10);
        assert!(!room.take(11, 2, 30), "30 bytes are the maximum");
        assert!(room.take(10, 2, 30));
        assert_eq!(room.callbacks(), 2);
        room.give_back(10);
        room.give_back(20);
        assert!(!room.take(usize::MAX, 2, 1 << 30) && room.take(1 << 30, 2, 1 << 30));
        room.give_back(1 << 30);
        assert_eq!(room.callbacks(), 0);
    }
}
