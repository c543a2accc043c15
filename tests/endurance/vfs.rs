//! A disk that fails: a VFS of SQLite that passes everything to the system's, and
//!
//! - remembers which writes were not synced, so that a power cut can forget some of their sectors;
//! - or says that the disk is full once it holds so many bytes.
//!
//! # Safety
//!
//! SQLite calls these functions as `sqlite3_vfs` and `sqlite3_io_methods` promise: with the file that `open` has
//! filled, from one thread at a time for each file, until `close`. A file of this VFS is a `TornFile` followed by a
//! file of the system's VFS, in the one allocation of `szOsFile` bytes that SQLite makes; `real` points to the second.
//! The path that `open` is given lives as long as the file, which SQLite promises for databases and their logs; it is
//! copied all the same. Rust state is behind a mutex; no function unwinds, because none of them panics while the mutex
//! is not poisoned, and a panic across `extern "C"` ends the process.

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use rusqlite::ffi;

use crate::random::Random;

/// The name of the VFS.
pub(crate) const NAME: &str = "torn";

/// What a disk can lose: parts of this many bytes are written whole or not at all.
const SECTOR_BYTES: usize = 512;

#[derive(Default)]
struct Disk {
    files: HashMap<PathBuf, Contents>,
    /// Writes until the power is cut.
    writes_left: Option<u64>,
    is_cut: bool,
    random: Option<Random>,
    /// Bytes that all files together may have.
    bytes_max: Option<u64>,
    /// One in so many writes and syncs fails.
    fails_one_in: Option<u64>,
}

/// A file as it was last synced, and what was written since.
#[derive(Default)]
struct Contents {
    synced: Vec<u8>,
    pending: Vec<Change>,
    bytes: u64,
}

enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl Contents {
    fn sync(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            apply(&mut self.synced, &change);
        }
    }

    /// What a cut leaves: of each write since the last sync, a random part of its sectors.
    fn torn(&self, random: &mut Random) -> Vec<u8> {
        let mut image = self.synced.clone();
        // In a third of all cuts nothing unsynced arrives, in a third all of it.
        let share = random.below(3);
        for change in &self.pending {
            match change {
                Change::Write(at, bytes) => {
                    let mut place = *at;
                    for sector in bytes.chunks(SECTOR_BYTES) {
                        if share == 2 || share == 1 && random.below(2) == 0 {
                            apply(&mut image, &Change::Write(place, sector.to_vec()));
                        }
                        place += sector.len();
                    }
                }
                Change::Truncate(_) if share == 0 => {}
                truncate => apply(&mut image, truncate),
            }
        }
        image
    }
}

fn apply(image: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write(at, bytes) => {
            let end = at + bytes.len();
            if image.len() < end {
                image.resize(end, 0);
            }
            image[*at..end].copy_from_slice(bytes);
        }
        Change::Truncate(len) => image.truncate(*len),
    }
}

static DISK: Mutex<Option<Disk>> = Mutex::new(None);

fn disk() -> MutexGuard<'static, Option<Disk>> {
    DISK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One test at a time has the disk.
static IN_USE: Mutex<()> = Mutex::new(());

/// The disk, for one test.
pub(crate) struct Torn(#[allow(dead_code, reason = "held")] MutexGuard<'static, ()>);

impl Torn {
    /// A disk that works, until it is told otherwise.
    pub(crate) fn new() -> Self {
        let in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
        register();
        *disk() = Some(Disk::default());
        Self(in_use)
    }

    /// Cuts the power at the write after so many.
    pub(crate) fn cut_after(&self, writes: u64, seed: u64) {
        let mut disk = disk();
        let disk = disk.as_mut().expect("a disk");
        (disk.writes_left, disk.random) = (Some(writes), Some(Random(seed)));
    }

    pub(crate) fn is_cut(&self) -> bool {
        disk().as_ref().expect("a disk").is_cut
    }

    /// Cuts the power now, if it was not cut, and leaves on the real disk what is left. All files must be closed.
    pub(crate) fn come_back(&self, seed: u64) {
        let mut disk = disk();
        let disk = disk.as_mut().expect("a disk");
        let random = disk.random.get_or_insert(Random(seed));
        for (path, contents) in &disk.files {
            if path.exists() {
                std::fs::write(path, contents.torn(random)).expect("it is written");
            }
        }
        *disk = Disk::default();
    }

    /// Has one in so many writes and syncs fail from here on; `None`: none.
    pub(crate) fn fail_one_in(&self, fails_one_in: Option<u64>, seed: u64) {
        let mut disk = disk();
        let disk = disk.as_mut().expect("a disk");
        (disk.fails_one_in, disk.random) = (fails_one_in, Some(Random(seed)));
    }

    /// Limits the bytes of all files together; `None`: no limit.
    pub(crate) fn hold(&self, bytes_max: Option<u64>) {
        disk().as_mut().expect("a disk").bytes_max = bytes_max;
    }
}

#[repr(C)]
struct TornFile {
    base: ffi::sqlite3_file,
    real: *mut ffi::sqlite3_file,
    /// The path of a database or a log; `None` for others. Owned by this file.
    path: *mut PathBuf,
}

/// The system's VFS, found once.
struct System(*mut ffi::sqlite3_vfs);

// SAFETY: SQLite allows its VFS to be used from all threads, and the pointer is valid as long as the process.
unsafe impl Send for System {}
// SAFETY: as above; nothing is written through it.
unsafe impl Sync for System {}

static SYSTEM: std::sync::OnceLock<System> = std::sync::OnceLock::new();

fn system() -> *mut ffi::sqlite3_vfs {
    // SAFETY: SQLite finds and keeps its own default.
    SYSTEM.get_or_init(|| System(unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) })).0
}

fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let real = system();
        // SAFETY: a copy of the system's VFS with other functions for opening and deleting; SQLite keeps the pointer,
        // so it is leaked.
        unsafe {
            let mut vfs = std::ptr::read(real);
            vfs.zName = c"torn".as_ptr();
            vfs.pNext = std::ptr::null_mut();
            vfs.szOsFile = (*real).szOsFile + size_of::<TornFile>() as c_int;
            vfs.xOpen = Some(open);
            vfs.xDelete = Some(delete);
            ffi::sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 0);
        }
    });
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: see the module.
    unsafe {
        let torn = file.cast::<TornFile>();
        let real = file.cast::<u8>().add(size_of::<TornFile>()).cast::<ffi::sqlite3_file>();
        (*torn).base.pMethods = std::ptr::null();
        (*torn).real = real;
        (*torn).path = std::ptr::null_mut();
        let system = system();
        let opened = (*system).xOpen.expect("every VFS opens")(system, name, real, flags, out);
        if opened != ffi::SQLITE_OK {
            return opened;
        }
        if !name.is_null() {
            let path = PathBuf::from(CStr::from_ptr(name).to_string_lossy().into_owned());
            if let Some(disk) = disk().as_mut() {
                let contents = disk.files.entry(path.clone()).or_default();
                if contents.synced.is_empty() && contents.pending.is_empty() {
                    contents.synced = std::fs::read(&path).unwrap_or_default();
                    contents.bytes = contents.synced.len() as u64;
                }
            }
            (*torn).path = Box::into_raw(Box::new(path));
        }
        (*torn).base.pMethods = &raw const METHODS;
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: see the module.
    unsafe {
        let path = PathBuf::from(CStr::from_ptr(name).to_string_lossy().into_owned());
        if let Some(disk) = disk().as_mut() {
            if disk.is_cut {
                return ffi::SQLITE_IOERR_DELETE;
            }
            disk.files.remove(&path);
        }
        let system = system();
        (*system).xDelete.expect("every VFS deletes")(system, name, sync)
    }
}

/// Calls a method of the real file.
macro_rules! real {
    ($file:ident . $method:ident ( $($argument:expr),* )) => {
        // SAFETY: see the module.
        unsafe {
            let real = (*$file.cast::<TornFile>()).real;
            (*(*real).pMethods).$method.expect("the system has it")(real $(, $argument)*)
        }
    };
}

/// The contents of a file, and the disk; `None` for files without a name.
fn with<T>(file: *mut ffi::sqlite3_file, act: impl FnOnce(&mut Disk, &Path) -> T) -> Option<T> {
    // SAFETY: see the module: the path lives as long as the file.
    let path = unsafe { (*file.cast::<TornFile>()).path.as_ref() }?;
    disk().as_mut().map(|disk| act(disk, path))
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let closed = real!(file.xClose());
    // SAFETY: the path was leaked by `open`, and is not used after this.
    unsafe {
        let torn = file.cast::<TornFile>();
        if !(*torn).path.is_null() {
            drop(Box::from_raw((*torn).path));
            (*torn).path = std::ptr::null_mut();
        }
    }
    closed
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, to: *mut c_void, count: c_int, at: i64) -> c_int {
    real!(file.xRead(to, count, at))
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, from: *const c_void, count: c_int, at: i64) -> c_int {
    let refused = with(file, |disk, path| {
        // SAFETY: SQLite passes so many bytes.
        let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), count as usize) };
        disk.write(path, at as usize, bytes)
    });
    match refused.flatten() {
        Some(code) => code,
        None => real!(file.xWrite(from, count, at)),
    }
}

impl Disk {
    /// Whether this one fails.
    fn fails(&mut self) -> bool {
        let Self { fails_one_in: Some(one_in), random: Some(random), .. } = self else { return false };
        random.below(*one_in) == 0
    }

    /// `None`: it may be written.
    fn write(&mut self, path: &Path, at: usize, bytes: &[u8]) -> Option<c_int> {
        if self.is_cut || self.fails() {
            return Some(ffi::SQLITE_IOERR_WRITE);
        }
        if let Some(left) = &mut self.writes_left {
            if *left == 0 {
                // The write that is under way may arrive in parts.
                self.is_cut = true;
                let contents = self.files.entry(path.to_owned()).or_default();
                contents.pending.push(Change::Write(at, bytes.to_vec()));
                return Some(ffi::SQLITE_IOERR_WRITE);
            }
            *left -= 1;
        }
        let end = (at + bytes.len()) as u64;
        let used: u64 = self.files.values().map(|contents| contents.bytes).sum();
        let bytes_max = self.bytes_max;
        let contents = self.files.entry(path.to_owned()).or_default();
        let more = end.saturating_sub(contents.bytes);
        if more > 0 && bytes_max.is_some_and(|max| used + more > max) {
            return Some(ffi::SQLITE_FULL);
        }
        contents.bytes += more;
        contents.pending.push(Change::Write(at, bytes.to_vec()));
        None
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    let is_cut = with(file, |disk, path| {
        if !disk.is_cut {
            let contents = disk.files.entry(path.to_owned()).or_default();
            contents.pending.push(Change::Truncate(size as usize));
            contents.bytes = contents.bytes.min(size as u64);
        }
        disk.is_cut
    });
    if is_cut == Some(true) { ffi::SQLITE_IOERR_TRUNCATE } else { real!(file.xTruncate(size)) }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    let is_cut = with(file, |disk, path| {
        let fails = disk.is_cut || disk.fails();
        if !fails && let Some(contents) = disk.files.get_mut(path) {
            contents.sync();
        }
        fails
    });
    // The real disk is not asked: it is this one that is tested.
    if is_cut == Some(true) { ffi::SQLITE_IOERR_FSYNC } else { ffi::SQLITE_OK }
}

unsafe extern "C" fn size(file: *mut ffi::sqlite3_file, to: *mut i64) -> c_int {
    real!(file.xFileSize(to))
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    real!(file.xLock(level))
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    real!(file.xUnlock(level))
}

unsafe extern "C" fn check_lock(file: *mut ffi::sqlite3_file, to: *mut c_int) -> c_int {
    real!(file.xCheckReservedLock(to))
}

unsafe extern "C" fn control(file: *mut ffi::sqlite3_file, what: c_int, value: *mut c_void) -> c_int {
    real!(file.xFileControl(what, value))
}

unsafe extern "C" fn sector(_: *mut ffi::sqlite3_file) -> c_int {
    SECTOR_BYTES as c_int
}

/// This disk promises nothing that would spare a sync.
unsafe extern "C" fn characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    0
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    bytes: c_int,
    extend: c_int,
    to: *mut *mut c_void,
) -> c_int {
    real!(file.xShmMap(page, bytes, extend, to))
}

unsafe extern "C" fn shm_lock(file: *mut ffi::sqlite3_file, offset: c_int, count: c_int, flags: c_int) -> c_int {
    real!(file.xShmLock(offset, count, flags))
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    real!(file.xShmBarrier());
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    real!(file.xShmUnmap(delete))
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_lock),
    xFileControl: Some(control),
    xSectorSize: Some(sector),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
