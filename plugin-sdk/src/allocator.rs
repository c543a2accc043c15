//! The allocator of a plugin's module: Rust's own until the plugin is configured, then one that only moves a pointer.
//!
//! A call starts from the configured memory and ends with it, so what a call allocates need not be found again for
//! another use: room is taken from one piece, in order, and nothing is given back but the last. When the piece is
//! used up, or for what is larger, Rust's own allocator goes on.

#![cfg_attr(
    not(all(target_arch = "wasm32", feature = "allocator")),
    allow(dead_code, reason = "only modules have it; tests try it natively")
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Room for the calls, in bytes. Calls that the shipped plugins decide use 1 to 10 KiB of it, and the length of the
/// body; pages that are never touched cost nothing.
const ROOM_BYTES: usize = 256 * 1024;

/// Allocates for a module without threads.
#[derive(Debug)]
pub(crate) struct Allocator {
    /// The first address of the room; 0: there is none yet.
    start: Cell<usize>,
    /// The first address that is free.
    free: Cell<usize>,
    /// The first address after the room.
    end: Cell<usize>,
}

// SAFETY: only for wasm32 without threads: there is one thread.
#[cfg(all(target_arch = "wasm32", not(target_feature = "atomics")))]
unsafe impl Sync for Allocator {}

impl Allocator {
    /// Without room for calls: all is done by Rust's own allocator.
    #[must_use]
    pub(crate) const fn new() -> Self {
        Self { start: Cell::new(0), free: Cell::new(0), end: Cell::new(0) }
    }

    /// From now on calls have room of their own. Where the limits leave none, nothing changes.
    pub(crate) fn make_room(&self) {
        if self.start.get() != 0 {
            return;
        }
        let Ok(layout) = Layout::from_size_align(ROOM_BYTES, 16) else { return };
        // SAFETY: the layout's size is not zero. The room is never given back.
        let room = unsafe { System.alloc(layout) } as usize;
        if room != 0 {
            self.start.set(room);
            self.free.set(room);
            self.end.set(room + ROOM_BYTES);
        }
    }

    fn is_in_room(&self, ptr: *mut u8) -> bool {
        (self.start.get()..self.end.get()).contains(&(ptr as usize))
    }

    /// Takes `size` bytes at a multiple of `align` from the room.
    fn take(&self, layout: Layout) -> Option<*mut u8> {
        let at = self.free.get().checked_next_multiple_of(layout.align())?;
        let free = at.checked_add(layout.size())?;
        if free > self.end.get() {
            return None;
        }
        self.free.set(free);
        Some(at as *mut u8)
    }
}

impl Default for Allocator {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: `alloc` returns either what `System` returns for the same layout, or a range of the room, which `System`
// gave to this allocator alone: it is aligned as asked for (`take`), lies between `free` and `end`, and `free` moves
// behind it. So two ranges overlap only if the first was given back: `free` moves down in `dealloc` and `realloc`
// alone, and only to the start, or the new end, of the range that ends exactly at `free`, which is the last that is in
// use. Ranges inside of the room never reach `System`, as ranges outside of it never reach the room (`is_in_room`),
// also if they were allocated before there was room. Nothing here unwinds.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match self.take(layout) {
            Some(room) => room,
            // SAFETY: the caller's promise for `layout` is handed on.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        if !self.is_in_room(ptr) {
            // SAFETY: it came from `System.alloc`, see above.
            unsafe { System.dealloc(ptr, layout) }
        } else if ptr as usize + layout.size() == self.free.get() {
            self.free.set(ptr as usize);
        }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if !self.is_in_room(ptr) {
            // SAFETY: it came from `System.alloc`, see above.
            return unsafe { System.realloc(ptr, layout, new_size) };
        }
        let at = ptr as usize;
        let is_last = at + layout.size() == self.free.get();
        if new_size <= layout.size() || (is_last && at.checked_add(new_size).is_some_and(|end| end <= self.end.get())) {
            if is_last {
                self.free.set(at + new_size);
            }
            return ptr;
        }
        // SAFETY: the caller promises that `new_size` fits the alignment; the new range is another one than the old
        // one and both are valid for the shorter of both lengths, which is the old one.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            if !new.is_null() {
                std::ptr::copy_nonoverlapping(ptr, new, layout.size());
            }
            new
        }
    }
}

/// A module has one allocator; this is it, unless the crate is used without the feature `allocator`.
#[cfg(all(target_arch = "wasm32", not(target_feature = "atomics"), feature = "allocator"))]
#[global_allocator]
static ALLOCATOR: Allocator = Allocator::new();

/// Lets the heap grow once, before the snapshot, so that no call has to ask for memory in its few microseconds.
pub(crate) fn make_room() {
    #[cfg(all(target_arch = "wasm32", not(target_feature = "atomics"), feature = "allocator"))]
    ALLOCATOR.make_room();
    #[cfg(not(all(target_arch = "wasm32", not(target_feature = "atomics"), feature = "allocator")))]
    {
        let mut room = Vec::<u8>::new();
        // Given back at once to the allocator, which keeps it. Where the limits do not allow it, nothing happens.
        let _ = room.try_reserve_exact(ROOM_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    #[test]
    fn ranges_in_use_never_overlap_and_keep_their_contents() {
        let allocator = Allocator::new();
        // Some from before there is room: they must find their way back.
        let mut in_use: Vec<(*mut u8, Layout, u8)> = Vec::new();
        let (mut inside, mut outside) = (0, 0);
        let mut random = 1_u64;
        for step in 0..40_000_u64 {
            if step == 50 {
                allocator.make_room();
            }
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = (random >> 33) as usize;
            let fill = step as u8;
            // SAFETY: each pointer is used with the layout that it was allocated with, and not after it was freed.
            unsafe {
                if number.is_multiple_of(3) || in_use.is_empty() {
                    let layout = layout(number % 700 + 1, 1 << (number % 5));
                    let ptr = allocator.alloc(layout);
                    assert_eq!(ptr as usize % layout.align(), 0);
                    *if allocator.is_in_room(ptr) { &mut inside } else { &mut outside } += 1;
                    ptr.write_bytes(fill, layout.size());
                    in_use.push((ptr, layout, fill));
                    continue;
                }
                // Often the last one, as code does.
                let at = if number.is_multiple_of(2) { in_use.len() - 1 } else { number % in_use.len() };
                let (ptr, old, filled) = in_use[at];
                let holds = |ptr: *mut u8, len| std::slice::from_raw_parts(ptr, len).iter().all(|byte| *byte == filled);
                assert!(holds(ptr, old.size()), "step {step}");
                if number % 5 < 2 {
                    let size = number % 900 + 1;
                    let ptr = allocator.realloc(ptr, old, size);
                    assert!(holds(ptr, size.min(old.size())), "step {step}");
                    ptr.write_bytes(fill, size);
                    in_use[at] = (ptr, layout(size, old.align()), fill);
                } else {
                    allocator.dealloc(ptr, old);
                    in_use.swap_remove(at);
                }
            }
        }
        assert!(inside > 100 && outside > 100, "{inside} {outside}");
    }

    #[test]
    fn what_does_not_fit_goes_to_the_other_allocator() {
        let allocator = Allocator::new();
        allocator.make_room();
        // SAFETY: as above.
        unsafe {
            let large = allocator.alloc(layout(ROOM_BYTES + 1, 1));
            assert!(!allocator.is_in_room(large));
            allocator.dealloc(large, layout(ROOM_BYTES + 1, 1));
            let all = allocator.alloc(layout(ROOM_BYTES, 16));
            assert!(allocator.is_in_room(all));
            let more = allocator.alloc(layout(1, 1));
            assert!(!allocator.is_in_room(more));
            allocator.dealloc(more, layout(1, 1));
            let grown = allocator.realloc(all, layout(ROOM_BYTES, 16), ROOM_BYTES + 1);
            assert!(!allocator.is_in_room(grown));
            allocator.dealloc(grown, layout(ROOM_BYTES + 1, 16));
        }
    }
}
