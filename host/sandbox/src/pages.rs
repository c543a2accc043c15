//! Finds the pages of a memory that a call has changed, and restores the snapshot's contents.
//!
//! A memory is a private mapping of the snapshot, or of zeros: the first write to a page causes a page fault, in which
//! the kernel makes a private copy. Linux counts faults per thread. If that count did not change during a call, the
//! call has changed only pages that already had a private copy, and these are known. If it did change, the process's
//! page map shows which pages are private copies now.
//!
//! Reading the count takes 0.3 us, whatever the size of the memory. A scan of the page map, which wasmtime does after
//! each call in the mode `scan`, takes 1 us plus 0.02 us per mapped page.
//!
//! The assumptions behind this, and where they are checked:
//! - The kernel counts each fault that it serves, for the faulting thread (`mm_account_fault` in `mm/memory.c`).
//!   [`PageMap::open`] tests this first; sandboxes that only imitate Linux fail there.
//! - Only the thread that runs the call changes pages: guests have no threads and no imports.
//! - Nothing else makes private copies. Huge pages that the kernel assembles in the background would; they are turned
//!   off for this process.
//! - A private copy stays private until the mapping ends, even on swap, so known copies never have to be forgotten.
//!
//! If an assumption does not hold on some system, this file notices, and from then on no instance is kept
//! ([`PageMap::distrust`]):
//! - A fault makes at most one private copy, and every private copy costs a fault. The faults of a thread since its
//!   last reading include those of other code, so there may be more faults than new private copies, but never fewer.
//!   The two numbers are compared each time the page map is read. (Reading a zero page also costs a fault. Pages that
//!   the kernel maps around a fault belong to the snapshot's file and are not private copies.)
//! - One in [`RESETS_PER_AUDIT`] resets reads the page map although the count did not change ([`Audits`]).
//!
//! An uncounted fault is thus noticed at the next reading of the page map that was not caused only by faults of other
//! code, at the latest by the audit. The exception is an uncounted fault in a call with other, counted faults: the
//! reading that those cause finds its page as well, so nothing is left behind.

use std::cell::Cell;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::resource::{UsageWho, getrusage};

use crate::reset::Reset;

/// A memory with more private copies than this, in bytes, is not kept. This bounds the memory that a kept instance
/// holds, and the cost of a reset, which fuel does not measure: comparing 256 pages of 4 KiB takes about 20 us. A
/// plugin that touches more in each call pays for a new instance each time.
const TOUCHED_BYTES_MAX: usize = 1 << 20;

/// The minimum in pages: where a page is 64 KiB, the stack, the input and the heap of a small plugin take a dozen.
const TOUCHED_PAGES_MIN: usize = 64;

/// How much may be compared without finding a change, in bytes of pages that an earlier call changed and this one did
/// not. Beyond it, a new memory without these copies is cheaper: the bound is about the cost of making one.
const COMPARED_IN_VAIN_BYTES_MAX: usize = 4 << 20;

/// One in this many resets reads the page map although no fault was counted.
const RESETS_PER_AUDIT: u32 = 64;

/// A memory as the snapshot has it.
pub(crate) trait Originals {
    fn bytes(&self) -> &[u8];
}

/// The private copies of pages in one memory.
#[derive(Default)]
pub(crate) struct Pages {
    /// In order of address. `None`: not looked for yet.
    copies: Option<Vec<Copy>>,
    compared_in_vain_bytes: usize,
    audits: Audits,
}

struct Copy {
    /// Offset of its first byte in the memory.
    at: usize,
    /// The snapshot's contents there; `None`: zeros.
    original: Option<Box<[u8]>>,
    /// Whether it ever held anything else. The kernel's zero page, which is only read, is in the list too.
    was_changed: bool,
}

/// What is known of a call before the page map is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Glance {
    /// Page faults that the call may have caused.
    faults: Option<u64>,
    /// Whether the page map must be read, which takes the lock of the process's address space.
    pub(crate) looks: bool,
}

impl Pages {
    /// Finds out what only the thread can that ran the call.
    pub(crate) fn glance(&mut self, map: &PageMap) -> Glance {
        let faults = map.faults_since_last_asked();
        let is_audited = self.audits.is_due();
        Glance { faults, looks: faults != Some(0) || is_audited || self.copies.is_none() }
    }

    /// Restores `memory` to the contents of `originals`. Unless the result is [`Reset::Done`], its contents are
    /// unknown. May be done on any thread.
    pub(crate) fn put_back<O: Originals>(
        &mut self,
        memory: &mut [u8],
        map: &PageMap,
        glance: Glance,
        originals: impl FnOnce() -> Option<O>,
    ) -> Reset {
        if map.is_distrusted() {
            return Reset::Unfit;
        }
        let Glance { faults, looks } = glance;
        if looks {
            match self.look(memory, map, faults, originals) {
                Reset::Done => {}
                unfit => return unfit,
            }
        }
        let Some(copies) = &mut self.copies else { return Reset::Unfit };
        for copy in &mut *copies {
            let Some(page) = memory.get_mut(copy.at..).and_then(|rest| rest.get_mut(..map.page_bytes)) else {
                return Reset::Unfit;
            };
            let is_changed = match &copy.original {
                Some(original) => page != &**original,
                None => !is_zeros(page),
            };
            match &copy.original {
                // Writing unchanged contents would cause a fault if the page is the kernel's zero page.
                _ if !is_changed => {
                    self.compared_in_vain_bytes += if copy.was_changed { map.page_bytes } else { 0 };
                }
                Some(original) => page.copy_from_slice(original),
                None => page.fill(0),
            }
            copy.was_changed |= is_changed;
        }
        if looks {
            // Excludes the faults of this reading from the next call's: otherwise one reading would cause another.
            map.faults_since_last_asked();
        }
        if self.compared_in_vain_bytes <= COMPARED_IN_VAIN_BYTES_MAX { Reset::Done } else { Reset::Unfit }
    }

    /// Finds private copies that are not known yet.
    fn look<O: Originals>(
        &mut self,
        memory: &[u8],
        map: &PageMap,
        faults: Option<u64>,
        originals: impl FnOnce() -> Option<O>,
    ) -> Reset {
        let mut copies = self.copies.take().unwrap_or_default();
        let copies_max = map.copies_max();
        // One more than the maximum, to detect that there are too many; the rest does not matter then.
        let Some(mut new) = map.private_copies(memory, copies_max + 1) else { return Reset::Unfit };
        let is_too_much = new.len() > copies_max;
        new.retain(|at| copies.binary_search_by_key(at, |copy| copy.at).is_err());
        if let Some(faults) = faults
            && new.len() as u64 > faults
        {
            map.distrust(new.len(), faults);
            return Reset::Unfit;
        }
        if is_too_much {
            return Reset::Spoiled;
        }
        if !new.is_empty() {
            let Some(originals) = originals() else { return Reset::Unfit };
            for at in &new {
                let original = originals.bytes().get(*at..).and_then(|rest| rest.get(..map.page_bytes));
                let Some(original) = original else { return Reset::Unfit };
                let original = (!is_zeros(original)).then(|| original.into());
                copies.push(Copy { at: *at, original, was_changed: false });
            }
            copies.sort_unstable_by_key(|copy| copy.at);
        }
        self.copies = Some(copies);
        Reset::Done
    }
}

/// When the resets of one memory are audited: once in each [`RESETS_PER_AUDIT`], at random.
///
/// So each reset in the process is audited with the same probability, and a missed page is found after at most twice as
/// many resets of its memory, less one. A guest cannot influence the moment: it has no memory of earlier calls and no
/// clock, and cannot see these numbers.
struct Audits {
    /// Resets before the next audit.
    resets_before: u32,
    /// Resets of the same round after it.
    resets_after: u32,
}

impl Default for Audits {
    fn default() -> Self {
        let at = random_below(RESETS_PER_AUDIT);
        Self { resets_before: at, resets_after: RESETS_PER_AUDIT - 1 - at }
    }
}

impl Audits {
    /// Whether this reset is audited.
    fn is_due(&mut self) -> bool {
        if let Some(resets_before) = self.resets_before.checked_sub(1) {
            self.resets_before = resets_before;
            return false;
        }
        let next = Self::default();
        *self = Self { resets_before: self.resets_after + next.resets_before, resets_after: next.resets_after };
        true
    }
}

/// A random number generator that a guest cannot predict: xorshift64* with a seed from the system.
fn random_below(end: u32) -> u32 {
    thread_local! {
        static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(()) | 1);
    }
    let mut state = STATE.get();
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    STATE.set(state);
    let random = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
    // Less than `end`, so it fits.
    u32::try_from((random * u64::from(end)) >> 32).unwrap_or(0)
}

/// Compares at least eight bytes at a time, unlike a loop that stops at the first nonzero byte.
fn is_zeros(page: &[u8]) -> bool {
    const ZEROS: [u8; 4096] = [0; 4096];
    page.chunks(ZEROS.len()).all(|chunk| ZEROS.get(..chunk.len()) == Some(chunk))
}

/// The number of page faults of this thread so far.
fn faults() -> Option<i64> {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).ok()?;
    Some(usage.minor_page_faults() + usage.major_page_faults())
}

/// This process's page map and its threads' counts of page faults.
#[derive(Debug)]
pub(crate) struct PageMap {
    file: File,
    page_bytes: usize,
    distrusted: AtomicBool,
}

/// Bits of an entry, from the kernel's `Documentation/admin-guide/mm/pagemap.rst`.
const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;
/// Mapped from a file, or shared.
const OF_A_FILE: u64 = 1 << 61;

/// Bytes of an entry.
const ENTRY_BYTES: usize = 8;

/// Entries that are read at once.
const ENTRIES: usize = 512;

impl PageMap {
    /// Opens the page map and makes sure that pages change only where this file looks.
    ///
    /// `None` if the kernel reports too little, or incorrectly.
    pub(crate) fn open(trial: impl FnOnce(&Self) -> bool) -> Option<Self> {
        rustix::thread::disable_transparent_huge_pages(true).ok()?;
        let map = Self::of(File::open("/proc/self/pagemap").ok()?, rustix::param::page_size());
        trial(&map).then_some(map)
    }

    fn of(file: File, page_bytes: usize) -> Self {
        Self { file, page_bytes, distrusted: AtomicBool::new(false) }
    }

    /// Maximum number of private copies in a memory that is kept.
    fn copies_max(&self) -> usize {
        TOUCHED_BYTES_MAX.checked_div(self.page_bytes).unwrap_or(0).max(TOUCHED_PAGES_MIN)
    }

    /// Whether writing to `memory`, which is new and not fully written yet, shows up as it should. The test for
    /// [`PageMap::open`].
    pub(crate) fn sees_writes(&self, memory: &mut [u8]) -> bool {
        let page = self.page_bytes;
        let copies = |memory: &[u8]| self.private_copies(memory, usize::MAX).unwrap_or_default();
        let (first, second) = (0, 2 * page);
        if memory.len() < 3 * page || self.page_bytes == 0 || !copies(memory).is_empty() {
            return false;
        }
        let mut write = |at: usize| {
            if let Some(byte) = memory.get_mut(at) {
                // Read the page first, as for most pages; then read the counters, so that only the write is tested.
                let before = std::hint::black_box(*byte);
                self.faults_since_last_asked();
                *byte = std::hint::black_box(before.wrapping_add(1));
            }
            let faults = self.faults_since_last_asked();
            (faults != Some(0), copies(memory))
        };
        let (is_counted_at_first, after_first) = write(first);
        let (is_counted_at_second, after_second) = write(second);
        is_counted_at_first && is_counted_at_second && after_first == [first] && after_second == [first, second]
    }

    /// The number of page faults of this thread since the last reading; `None` at the first reading, or if it is not
    /// available.
    fn faults_since_last_asked(&self) -> Option<u64> {
        thread_local! {
            static FAULTS: Cell<Option<i64>> = const { Cell::new(None) };
        }
        let now = faults();
        #[cfg(test)]
        let now = now.map(lies::told);
        let before = FAULTS.replace(now);
        u64::try_from(now?.checked_sub(before?)?).ok()
    }

    /// Offsets in `memory` of the first `copies_max` pages that are private copies, on swap or not. Includes zero pages
    /// that were only read.
    fn private_copies(&self, memory: &[u8], copies_max: usize) -> Option<Vec<usize>> {
        let address = memory.as_ptr().addr();
        if !address.is_multiple_of(self.page_bytes) || !memory.len().is_multiple_of(self.page_bytes) {
            return None;
        }
        let mut found = Vec::new();
        let mut entries = [0; ENTRIES * ENTRY_BYTES];
        let (first, pages) = (address / self.page_bytes, memory.len() / self.page_bytes);
        for start in (0..pages).step_by(ENTRIES) {
            let entries = entries.get_mut(..ENTRIES.min(pages - start) * ENTRY_BYTES)?;
            self.file.read_exact_at(entries, ((first + start) * ENTRY_BYTES) as u64).ok()?;
            for (page, entry) in (start..).zip(entries.as_chunks::<ENTRY_BYTES>().0) {
                let entry = u64::from_ne_bytes(*entry);
                if entry & (PRESENT | SWAPPED) != 0 && entry & OF_A_FILE == 0 {
                    if found.len() == copies_max {
                        return Some(found);
                    }
                    found.push(page * self.page_bytes);
                }
            }
        }
        Some(found)
    }

    /// Whether this system was found to miscount faults.
    pub(crate) fn is_distrusted(&self) -> bool {
        self.distrusted.load(Ordering::Relaxed)
    }

    /// Stops keeping instances from now on.
    fn distrust(&self, copies: usize, faults: u64) {
        if !self.distrusted.swap(true, Ordering::Relaxed) {
            tracing::error!(
                copies,
                faults,
                "this system's count of page faults is wrong: pages were changed without a fault. A call may have seen \
                 what an earlier call of the same plugin had left in its memory. Instances are no longer kept from call \
                 to call. Set `memory_reset = \"unmap\"`, and please report this with the kernel's version"
            );
        }
    }
}

#[cfg(test)]
mod lies;

#[cfg(test)]
mod tests {
    use super::*;

    /// A memory of untouched zero pages, in its own mapping.
    struct Untouched {
        room: Vec<u8>,
        page_bytes: usize,
    }

    const PAGES: usize = 300;

    impl Untouched {
        fn new(page_bytes: usize) -> Self {
            // Allocations over 64 MiB never reuse memory that the allocator has kept.
            Self { room: vec![0; (65 << 20) + (PAGES + 1) * page_bytes], page_bytes }
        }

        fn pages(&mut self) -> &mut [u8] {
            let from = self.room.as_ptr().align_offset(self.page_bytes);
            &mut self.room[from..from + PAGES * self.page_bytes]
        }
    }

    struct Zeros(Vec<u8>);

    impl Originals for Zeros {
        fn bytes(&self) -> &[u8] {
            &self.0
        }
    }

    /// Restores memory; for page sizes other than the kernel's, from a page map that the test writes.
    struct System {
        map: PageMap,
        written: Option<File>,
    }

    impl System {
        fn real() -> Option<Self> {
            let map = PageMap::open(|_| true);
            if map.is_none() {
                eprintln!("SKIPPED: this system has no page map");
            }
            Some(Self { map: map?, written: None })
        }

        fn with_pages_of(page_bytes: usize) -> Self {
            let file = File::from(rustix::fs::memfd_create("pagemap", rustix::fs::MemfdFlags::empty()).unwrap());
            // Covers all addresses that a process can have; unwritten parts take no memory.
            file.set_len((1 << 48) / page_bytes as u64 * ENTRY_BYTES as u64).unwrap();
            Self { map: PageMap::of(file.try_clone().unwrap(), page_bytes), written: Some(file) }
        }

        /// The kernel's own page size, and the larger ones of arm64.
        fn all() -> impl Iterator<Item = Self> {
            let larger = [16 << 10, 64 << 10].into_iter().filter(|bytes| *bytes > rustix::param::page_size());
            Self::real().into_iter().chain(larger.map(Self::with_pages_of))
        }

        /// Writes to `memory` as a guest would.
        fn write(&self, memory: &mut [u8], at: usize, byte: u8) {
            memory[at] = byte;
            if let Some(file) = &self.written {
                let page = (memory.as_ptr().addr() + at) / self.map.page_bytes;
                file.write_all_at(&PRESENT.to_ne_bytes(), (page * ENTRY_BYTES) as u64).unwrap();
            }
        }

        fn put_back(&self, pages: &mut Pages, memory: &mut [u8]) -> Reset {
            let bytes = memory.len();
            let glance = pages.glance(&self.map);
            pages.put_back(memory, &self.map, glance, || Some(Zeros(vec![0; bytes])))
        }

        /// As if the kernel had not counted the faults until now.
        fn forget_faults(&self) {
            while self.map.faults_since_last_asked() != Some(0) {}
        }
    }

    #[test]
    fn what_was_written_is_put_back_and_only_that_is_looked_at() {
        for system in System::all() {
            let page = system.map.page_bytes;
            let mut memory = Untouched::new(page);
            let mut pages = Pages::default();
            let memory = memory.pages();
            // Include the first and the last byte of a page.
            for (at, byte) in [(5, 17), (6, 0), (200, page - 1), (5, page / 2)] {
                system.write(memory, at * page + byte, 7);
                assert_eq!(system.put_back(&mut pages, memory), Reset::Done, "page {at} of {page} bytes");
                assert!(is_zeros(&memory[at * page..][..page]), "page {at} of {page} bytes");
            }
            let copies: Vec<_> = pages.copies.iter().flatten().map(|copy| copy.at / page).collect();
            assert_eq!(copies, [5, 6, 200]);
            assert!(pages.copies.iter().flatten().all(|copy| copy.original.is_none()));
        }
    }

    #[test]
    fn the_kernel_shows_where_was_written() {
        let Some(system) = System::real() else { return };
        assert!(system.map.sees_writes(Untouched::new(system.map.page_bytes).pages()));
    }

    #[test]
    fn what_the_snapshot_has_in_a_page_comes_back() {
        for system in System::all() {
            let page = system.map.page_bytes;
            let mut memory = Untouched::new(page);
            let memory = memory.pages();
            let original: Vec<u8> = (0..memory.len()).map(|at| (at / page) as u8).collect();
            let mut pages = Pages::default();
            for at in [3, 255, 257, 3] {
                memory[at * page..][..page].fill(9);
                system.write(memory, at * page + 1, 8);
                let originals = || Some(Zeros(original.clone()));
                let glance = pages.glance(&system.map);
                assert_eq!(pages.put_back(memory, &system.map, glance, originals), Reset::Done);
                assert!(memory[at * page..][..page] == original[at * page..][..page], "page {at} of {page} bytes");
            }
        }
    }

    #[test]
    fn a_memory_with_many_changes_or_much_in_vain_is_given_up() {
        for system in System::all() {
            let page = system.map.page_bytes;
            let max = system.map.copies_max();
            assert!(max < PAGES && max * page >= TOUCHED_BYTES_MAX);
            for (changed, reset) in [(max, Reset::Done), (max + 1, Reset::Spoiled)] {
                let mut memory = Untouched::new(page);
                let memory = memory.pages();
                let mut pages = Pages::default();
                (0..changed).for_each(|at| system.write(memory, at * page, 1));
                assert_eq!(system.put_back(&mut pages, memory), reset, "{changed} of {page} bytes");
                if reset == Reset::Done {
                    // Nothing changes any more: each reset compares all of them without finding a change.
                    let resets = (0..).take_while(|_| system.put_back(&mut pages, memory) == Reset::Done).count();
                    assert_eq!(resets, COMPARED_IN_VAIN_BYTES_MAX / (max * page));
                }
            }
        }
    }

    #[test]
    fn a_change_without_a_fault_is_noticed_by_the_audit_and_ends_all_keeping() {
        for system in System::all() {
            let page = system.map.page_bytes;
            let mut memory = Untouched::new(page);
            let memory = memory.pages();
            let mut pages = Pages::default();
            system.write(memory, 0, 1);
            assert_eq!(system.put_back(&mut pages, memory), Reset::Done);
            system.write(memory, page, 1);
            system.forget_faults();
            pages.audits = Audits { resets_before: 1, resets_after: 0 };
            assert_eq!(system.put_back(&mut pages, memory), Reset::Done, "not yet");
            assert_eq!(memory[page], 1, "this is what must be noticed");
            system.forget_faults();
            assert_eq!(system.put_back(&mut pages, memory), Reset::Unfit);
            assert!(system.map.is_distrusted());
            assert_eq!(system.put_back(&mut Pages::default(), memory), Reset::Unfit);
        }
    }

    #[test]
    fn more_changes_than_faults_are_noticed_by_the_next_look() {
        for system in System::all() {
            let page = system.map.page_bytes;
            let mut memory = Untouched::new(page);
            let memory = memory.pages();
            let mut pages = Pages::default();
            system.write(memory, 0, 1);
            assert_eq!(system.put_back(&mut pages, memory), Reset::Done);
            // Some faults are not counted and one is. Other code may cause a few of its own.
            (1..50).for_each(|at| system.write(memory, at * page, 1));
            system.forget_faults();
            system.write(memory, 60 * page, 1);
            assert_eq!(system.put_back(&mut pages, memory), Reset::Unfit);
            assert!(system.map.is_distrusted());
        }
    }

    #[test]
    fn every_reset_is_audited_as_often_and_none_waits_for_long() {
        let rounds = 2000;
        let mut audits: Vec<Audits> = (0..rounds).map(|_| Audits::default()).collect();
        let mut since = vec![0; rounds];
        for reset in 0..4 * RESETS_PER_AUDIT {
            let mut audited = 0;
            for (audits, since) in audits.iter_mut().zip(&mut since) {
                *since = if audits.is_due() { 0 } else { *since + 1 };
                audited += u32::from(*since == 0);
                assert!(*since < 2 * RESETS_PER_AUDIT - 1);
            }
            // 31 are expected. Fewer than 2 or more than 120 occur less than once in 10^11 runs.
            assert!((2..=120).contains(&audited), "{audited} at reset {reset}");
        }
    }
}
