//! Which pages of a memory a call has changed, and how they get the snapshot's contents again.
//!
//! A memory is mapped from the snapshot, or from nothing, without the right to write: the first write to a page costs
//! a page fault, in which the kernel makes a private copy. Linux counts the faults of each thread. So if that count
//! stood still during a call, the call has changed no page but those that had their private copy already, and these
//! are known. If it moved, the process's page map tells which pages are private copies now.
//!
//! Asking for the count takes 0.3 us, however large the memory is. A scan of the page map, which wasmtime does after
//! each call in the mode `scan`, takes 1 us and 0.02 us more for each page that is mapped.
//!
//! What the argument rests on, and where it is checked:
//! - The kernel counts each fault that is served, in the thread that has it (`mm_account_fault` in `mm/memory.c`).
//!   [`PageMap::open`] tries it before it believes it; sandboxes that only imitate Linux fail there.
//! - A page is only changed by the thread that runs the call: guests have no threads and no imports.
//! - Nobody else makes private copies. Huge pages that the kernel puts together in the background would; they are
//!   turned off for this process.
//! - Private copies stay what they are until the mapping ends, on swap, too; so what is known is never forgotten.
//!
//! Should all that be wrong on some system, an audit notices: now and then the page map is read although the count
//! stood still.

use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::resource::{UsageWho, getrusage};

/// A memory that has more private copies of pages than this is not kept: what it would hold on to is bounded, 1 MiB
/// with pages of 4 KiB.
const COPIES_MAX: usize = 256;

/// So many times a page may be compared in vain, because an earlier call has changed it and this one has not. Then a
/// new memory, without these copies, is the better choice: about what making one costs.
const COMPARED_IN_VAIN_MAX: usize = 1024;

/// Resets between two audits.
const RESETS_UNAUDITED_MAX: u32 = 4096;

/// A memory as the snapshot has it.
pub(crate) trait Originals {
    fn bytes(&self) -> &[u8];
}

/// The private copies of pages in one memory.
#[derive(Default)]
pub(crate) struct Pages {
    /// In the order of their places. `None`: not looked for yet.
    copies: Option<Vec<Copy>>,
    compared_in_vain: usize,
    resets_unaudited: u32,
}

struct Copy {
    /// Its first byte's address in the memory.
    at: usize,
    /// What the snapshot has there; `None`: zeros.
    original: Option<Box<[u8]>>,
    /// Whether it ever held anything else. The kernel's page of zeros, which is only read, is in the list too.
    was_changed: bool,
}

impl Pages {
    /// Puts `memory` back to what `originals` shows. Gives `false` if this memory should not be used any more: then
    /// nothing is known about its contents.
    pub(crate) fn put_back<O: Originals>(
        &mut self,
        memory: &mut [u8],
        map: &PageMap,
        originals: impl FnOnce() -> Option<O>,
    ) -> bool {
        if !map.is_reliable() {
            return false;
        }
        let no_new_copies = map.no_fault_since_last_look();
        let audit = no_new_copies && self.resets_unaudited >= RESETS_UNAUDITED_MAX;
        if !no_new_copies || audit || self.copies.is_none() {
            let first = self.copies.is_none();
            match self.look(memory, map, originals) {
                Some(found) if audit && found > 0 && !first => {
                    map.distrust();
                    return false;
                }
                Some(_) => self.resets_unaudited = 0,
                None => return false,
            }
        }
        self.resets_unaudited += 1;
        let Some(copies) = &mut self.copies else { return false };
        for copy in &mut *copies {
            let Some(page) = memory.get_mut(copy.at..).and_then(|rest| rest.get_mut(..map.page_bytes)) else {
                return false;
            };
            let is_changed = match &copy.original {
                Some(original) => page != &**original,
                None => !is_zeros(page),
            };
            match &copy.original {
                // Writing what is there already would cost a fault where the page is the kernel's page of zeros.
                _ if !is_changed => self.compared_in_vain += usize::from(copy.was_changed),
                Some(original) => page.copy_from_slice(original),
                None => page.fill(0),
            }
            copy.was_changed |= is_changed;
        }
        copies.len() <= COPIES_MAX && self.compared_in_vain <= COMPARED_IN_VAIN_MAX
    }

    /// Looks for private copies that are not known yet, and says how many there were.
    fn look<O: Originals>(
        &mut self,
        memory: &[u8],
        map: &PageMap,
        originals: impl FnOnce() -> Option<O>,
    ) -> Option<usize> {
        let mut copies = self.copies.take().unwrap_or_default();
        let mut new = map.private_copies(memory)?;
        new.retain(|at| copies.binary_search_by_key(at, |copy| copy.at).is_err());
        if copies.len() + new.len() > COPIES_MAX {
            return None;
        }
        if !new.is_empty() {
            let originals = originals()?;
            for at in &new {
                let original = originals.bytes().get(*at..)?.get(..map.page_bytes)?;
                let original = (!is_zeros(original)).then(|| original.into());
                copies.push(Copy { at: *at, original, was_changed: false });
            }
            copies.sort_unstable_by_key(|copy| copy.at);
        }
        self.copies = Some(copies);
        Some(new.len())
    }
}

/// Compares eight bytes and more at a time, unlike a loop that ends at the first byte that is not zero.
fn is_zeros(page: &[u8]) -> bool {
    const ZEROS: [u8; 4096] = [0; 4096];
    page.chunks(ZEROS.len()).all(|chunk| ZEROS.get(..chunk.len()) == Some(chunk))
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
    /// Opens it and sees to it that pages are only changed where this file looks.
    ///
    /// `None` where the kernel does not say enough, or says something wrong.
    pub(crate) fn open(trial: impl FnOnce(&Self) -> bool) -> Option<Self> {
        rustix::thread::disable_transparent_huge_pages(true).ok()?;
        let map = Self {
            file: File::open("/proc/self/pagemap").ok()?,
            page_bytes: rustix::param::page_size(),
            distrusted: AtomicBool::new(false),
        };
        trial(&map).then_some(map)
    }

    /// Whether writing to `memory`, which is fresh and not all written yet, shows where it should. The test that
    /// [`PageMap::open`] wants.
    pub(crate) fn sees_writes(&self, memory: &mut [u8]) -> bool {
        let page = self.page_bytes;
        let copies = |memory: &[u8]| self.private_copies(memory).unwrap_or_default();
        let (first, second) = (0, 2 * page);
        if memory.len() < 3 * page || self.page_bytes == 0 || !copies(memory).is_empty() {
            return false;
        }
        let mut write = |at: usize| {
            if let Some(byte) = memory.get_mut(at) {
                // Read before, as most pages are; then a look, so that only the write is in question.
                let before = std::hint::black_box(*byte);
                self.no_fault_since_last_look();
                *byte = std::hint::black_box(before.wrapping_add(1));
            }
            let quiet = self.no_fault_since_last_look();
            (quiet, copies(memory))
        };
        let (quiet_at_first, after_first) = write(first);
        let (quiet_at_second, after_second) = write(second);
        !quiet_at_first && !quiet_at_second && after_first == [first] && after_second == [first, second]
    }

    /// Whether this thread had no page fault since it last asked; `false` if it never did, or that cannot be told.
    fn no_fault_since_last_look(&self) -> bool {
        thread_local! {
            static FAULTS: Cell<Option<(i64, i64)>> = const { Cell::new(None) };
        }
        let now = getrusage(UsageWho::RUSAGE_THREAD).ok();
        let now = now.map(|usage| (usage.minor_page_faults(), usage.major_page_faults()));
        let before = FAULTS.replace(now);
        now.is_some() && now == before
    }

    /// Where in `memory` the pages begin that are private copies, on swap or not. Pages of zeros that were only read
    /// are among them.
    fn private_copies(&self, memory: &[u8]) -> Option<Vec<usize>> {
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
                    found.push(page * self.page_bytes);
                }
            }
        }
        Some(found)
    }

    fn is_reliable(&self) -> bool {
        !self.distrusted.load(Ordering::Relaxed)
    }

    /// From now on nothing is kept.
    fn distrust(&self) {
        if !self.distrusted.swap(true, Ordering::Relaxed) {
            tracing::error!(
                "this system's count of page faults is wrong: a page was changed without one. Instances are no longer \
                 kept from call to call. Set `memory_reset = \"unmap\"`, and please report this with the kernel's version"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A memory of zeros whose pages nobody has touched, in a mapping of its own.
    struct Untouched {
        room: Vec<u8>,
        page_bytes: usize,
    }

    const PAGES: usize = 300;

    impl Untouched {
        fn new() -> Self {
            let page_bytes = rustix::param::page_size();
            // More than 32 MiB never comes from what the allocator has kept.
            Self { room: vec![0; (33 << 20) + (PAGES + 1) * page_bytes], page_bytes }
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

    fn zeros() -> Option<Zeros> {
        Some(Zeros(vec![0; PAGES * rustix::param::page_size()]))
    }

    fn map() -> Option<PageMap> {
        let map = PageMap::open(|_| true);
        if map.is_none() {
            eprintln!("SKIPPED: this system has no page map");
        }
        map
    }

    #[test]
    fn what_was_written_is_put_back_and_only_that_is_looked_at() {
        let Some(map) = map() else { return };
        let mut memory = Untouched::new();
        let page = memory.page_bytes;
        assert!(map.sees_writes(Untouched::new().pages()));
        let mut pages = Pages::default();
        let memory = memory.pages();
        for at in [5, 6, 200, 5] {
            memory[at * page + 17] = 7;
            assert!(pages.put_back(memory, &map, zeros));
            assert!(is_zeros(&memory[at * page..][..page]));
        }
        let copies: Vec<_> = pages.copies.iter().flatten().map(|copy| copy.at / page).collect();
        assert_eq!(copies, [5, 6, 200]);
        assert!(pages.copies.iter().flatten().all(|copy| copy.original.is_none()));
    }

    #[test]
    fn a_memory_with_many_changes_or_much_in_vain_is_given_up() {
        let Some(map) = map() else { return };
        for (changed, is_kept) in [(COPIES_MAX, true), (COPIES_MAX + 1, false)] {
            let mut memory = Untouched::new();
            let page = memory.page_bytes;
            let memory = memory.pages();
            let mut pages = Pages::default();
            memory.chunks_mut(page).take(changed).for_each(|page| page[0] = 1);
            assert_eq!(pages.put_back(memory, &map, zeros), is_kept, "{changed}");
            if is_kept {
                // Nothing is changed any more: each reset compares all of them in vain.
                let resets = (0..).take_while(|_| pages.put_back(memory, &map, zeros)).count();
                assert_eq!(resets, COMPARED_IN_VAIN_MAX / COPIES_MAX);
            }
        }
    }

    #[test]
    fn a_change_without_a_fault_is_noticed_by_the_audit_and_ends_all_keeping() {
        let Some(map) = map() else { return };
        let mut memory = Untouched::new();
        let page = memory.page_bytes;
        let memory = memory.pages();
        let mut pages = Pages::default();
        memory[0] = 1;
        assert!(pages.put_back(memory, &map, zeros));
        memory[page] = 1;
        // As if the kernel had not counted it.
        while !map.no_fault_since_last_look() {}
        pages.resets_unaudited = RESETS_UNAUDITED_MAX - 1;
        assert!(pages.put_back(memory, &map, zeros), "not yet");
        assert_eq!(memory[page], 1, "this is what must be noticed");
        while !map.no_fault_since_last_look() {}
        assert!(!pages.put_back(memory, &map, zeros));
        assert!(!map.is_reliable());
        assert!(!Pages::default().put_back(memory, &map, zeros));
    }
}
