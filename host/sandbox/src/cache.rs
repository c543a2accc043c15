//! Compiled plugins in a private folder, so that the next start neither configures nor compiles.
//!
//! An entry is what [`Module::serialize`] gives for a plugin's snapshot: the manifest and the checks of `load.rs` come
//! from the module itself each time. Its file is called after all that it depends on (`Key`), so nothing is ever
//! looked up that does not fit, and nothing has to be told when a plugin, its settings or the host change.
//!
//! Compiled code is run, not checked: whoever can write an entry can run code in this process. So the folder and every
//! entry must belong to this process's user and be writable by nobody else. That is asked of what was opened, not of a
//! path, and the bytes that were checked are the bytes that are used.

use std::fs::File;
use std::hash::{BuildHasher as _, Hash, Hasher, RandomState};
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_NOW};
use sha2::{Digest, Sha256};
use wasmtime::{Engine as Wasmtime, Module};

use crate::limits::{CacheSettings, PluginLimits};

/// What an entry begins with: a word, and the version of the form of entries.
const MAGIC: [u8; 8] = *b"CALLGT\0\x01";

/// Length of a SHA-256, in bytes.
pub(crate) const SHA256_BYTES: usize = 32;

/// Length of what stands before the code: [`MAGIC`], and the SHA-256 of key and code.
const HEAD_BYTES: usize = MAGIC.len() + SHA256_BYTES;

/// How the names of entries end.
const SUFFIX: &str = ".compiled";

/// How the names of entries end that are being written.
const UNFINISHED: &str = ".unfinished";

/// An unfinished entry is left alone for so long, in seconds: another host may be writing it.
const UNFINISHED_SECONDS_MAX: i64 = 3600;

/// So many names in the folder are looked at when room is made; far more than there are plugins.
const NAMES_MAX: usize = 16_384;

/// The folder of compiled plugins.
#[derive(Debug)]
pub struct Cache {
    folder: OwnedFd,
    path: PathBuf,
    bytes_max: u64,
    /// Why an entry could not be kept: the first reason, because the others are probably the same.
    trouble: OnceLock<io::Error>,
    /// Of this process's threads only one at a time makes room.
    making_room: Mutex<()>,
}

/// Why there is no cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// There is no such folder, and it cannot be made.
    #[error("{} cannot be used ({error}): name another `folder` under [cache], or set `bytes_max` to 0 there", .path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Somebody else can write there, and with that run code in this process.
    #[error(
        "{} is not private ({why}): `chmod go-w` it if it is this user's own, or name another `folder` under [cache]", .path.display()
    )]
    NotPrivate {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// The name of all that a compiled snapshot depends on, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key(String);

impl Cache {
    /// Opens the folder that the settings name, and makes it, for this user alone, if it is not there. `None`: they want
    /// no cache.
    ///
    /// # Errors
    /// If there is no such folder, or others can write there.
    pub(crate) fn open(settings: &CacheSettings) -> Result<Option<Self>, CacheError> {
        let Some(path) = settings.folder.as_ref().filter(|_| settings.bytes_max > 0) else { return Ok(None) };
        let folder = open_folder(path).map_err(|error| CacheError::Unusable { path: path.clone(), error })?;
        let stat = rustix::fs::fstat(&folder)
            .map_err(|error| CacheError::Unusable { path: path.clone(), error: error.into() })?;
        is_private(&stat).map_err(|why| CacheError::NotPrivate { path: path.clone(), why })?;
        Ok(Some(Self {
            folder,
            path: path.clone(),
            bytes_max: settings.bytes_max,
            trouble: OnceLock::new(),
            making_room: Mutex::new(()),
        }))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why a plugin could not be kept, if one could not.
    pub fn trouble(&self) -> Option<&io::Error> {
        self.trouble.get()
    }

    /// The compiled snapshot that was kept under this key. Whatever is not exactly that is as good as nothing: it is
    /// compiled again, and [`Cache::keep`] writes over it.
    pub(crate) fn find(&self, key: &Key, engine: &Wasmtime) -> Option<Module> {
        module_of(key, &self.read(key).ok()?, engine)?.ok()
    }

    /// The bytes of an entry, read once.
    fn read(&self, key: &Key) -> io::Result<Vec<u8>> {
        // Not through a link, and without waiting for whoever writes into a pipe.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.folder, key.file_name(), flags, Mode::empty())?;
        let stat = rustix::fs::fstat(&file)?;
        let bytes = bytes(&stat);
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile
            || is_private(&stat).is_err()
            || bytes > self.bytes_max
        {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut entry = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
        let mut file = File::from(file);
        io::Read::by_ref(&mut file).take(bytes).read_to_end(&mut entry)?;
        // Its time says when it was last used. If that cannot be written, it is only forgotten sooner.
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        let _ = rustix::fs::futimens(&file, &Timestamps { last_access: now, last_modification: now });
        Ok(entry)
    }

    /// Keeps an entry, and makes room for it. That it cannot be kept is no reason not to start: the first time is
    /// remembered ([`Cache::trouble`]).
    pub(crate) fn keep(&self, key: &Key, entry: &[u8]) {
        if entry.len() as u64 > self.bytes_max {
            return;
        }
        let written = match self.write(key, entry) {
            // The disk is smaller than `bytes_max`: the older half goes, or the cache would never hold anything again.
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                self.make_room(key, |total| total / 2).and_then(|()| self.write(key, entry))
            }
            written => written,
        };
        let kept = written.and_then(|()| self.make_room(key, |_| self.bytes_max));
        if let Err(error) = kept {
            // Only the first is told.
            let _ = self.trouble.set(error);
        }
    }

    /// Writes an entry under another name first: nobody ever sees half of it under its own.
    fn write(&self, key: &Key, entry: &[u8]) -> io::Result<()> {
        // At random, because what a killed process left is there for an hour, and numbers of processes begin again at 1
        // in each container.
        let unfinished = format!("{}.{:016x}{UNFINISHED}", key.0, RandomState::new().hash_one(&key.0));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.folder, &unfinished, flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = File::from(file);
        // Not forced to the disk: what a power failure leaves of it has another SHA-256.
        let written = file
            .write_all(entry)
            .and_then(|()| Ok(rustix::fs::renameat(&self.folder, &unfinished, &self.folder, key.file_name())?));
        if written.is_err() {
            // What went wrong first is what counts; the rest is tidied up by a later start.
            let _ = rustix::fs::unlinkat(&self.folder, &unfinished, AtFlags::empty());
        }
        written
    }

    /// Removes the entries that were not used for longest, until the rest has no more bytes than `bytes_max` says of all
    /// of them; `newest` stays.
    fn make_room(&self, newest: &Key, bytes_max: impl FnOnce(u64) -> u64) -> io::Result<()> {
        let _alone = self.making_room.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = newest.file_name();
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_sec;
        let mut entries = Vec::new();
        for name in Dir::read_from(&self.folder)?.take(NAMES_MAX) {
            let name = name?;
            // Whatever else lies there is none of ours.
            let Some(name) = name.file_name().to_str().ok().filter(|name| is_ours(name)) else { continue };
            // Another host may have removed it just now.
            let Ok(stat) = rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            let (seconds, nanoseconds) = (stat.st_mtime, i64::try_from(stat.st_mtime_nsec).unwrap_or(0));
            if name.ends_with(UNFINISHED) {
                if now.saturating_sub(seconds) > UNFINISHED_SECONDS_MAX {
                    let _ = rustix::fs::unlinkat(&self.folder, name, AtFlags::empty());
                }
                continue;
            }
            // Times may be as coarse as a tick of the kernel, so the newest is known by its name.
            entries.push(((name == newest, seconds, nanoseconds), bytes(&stat), name.to_owned()));
        }
        entries.sort();
        let mut total = entries.iter().fold(0_u64, |total, (_, bytes, _)| total.saturating_add(*bytes));
        let bytes_max = bytes_max(total);
        for (_, bytes, name) in entries {
            if total <= bytes_max {
                break;
            }
            match rustix::fs::unlinkat(&self.folder, &name, AtFlags::empty()) {
                // Another host was quicker.
                Ok(()) | Err(rustix::io::Errno::NOENT) => total = total.saturating_sub(bytes),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl Key {
    /// The key of a module that this program (see [`program`]) configures with these settings within these limits. Other
    /// limits concern calls only.
    pub(crate) fn new(program: &[u8; SHA256_BYTES], module: &[u8], settings: &str, limits: &PluginLimits) -> Self {
        // Named one by one, so that a new limit has to be thought of here.
        let PluginLimits {
            fuel_to_configure,
            memory_bytes_max,
            table_elements_max,
            fuel_per_call: _,
            call_within: _,
            reply_bytes_max: _,
            module_bytes_max: _,
            records_max: _,
            record_bytes_max: _,
            records_per_second_max: _,
        } = limits;
        let mut key = Sha256::new();
        // All of a fixed length but the settings, which come last: no two keys are made of the same bytes.
        key.update(program);
        key.update(Sha256::digest(module));
        for limit in [fuel_to_configure.0, *memory_bytes_max as u64, *table_elements_max as u64] {
            key.update(limit.to_le_bytes());
        }
        key.update(settings);
        Self(key.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn file_name(&self) -> String {
        format!("{}{SUFFIX}", self.0)
    }
}

/// Whether a name is one that [`Cache::write`] gives.
fn is_ours(name: &str) -> bool {
    let key = name.split('.').next().unwrap_or_default();
    key.len() == 2 * SHA256_BYTES
        && key.bytes().all(|byte| byte.is_ascii_hexdigit())
        && (name.ends_with(SUFFIX) || name.ends_with(UNFINISHED))
}

/// The entry of a key (its digits) with this code.
pub(crate) fn entry(key: &str, code: &[u8]) -> Vec<u8> {
    [&head(key, code), code].concat()
}

/// The module in an entry, or why this engine does not take it; `None`: it is no entry for this key.
pub(crate) fn module_of(key: &Key, entry: &[u8], engine: &Wasmtime) -> Option<wasmtime::Result<Module>> {
    Some(deserialize(engine, code(key, entry)?))
}

/// What stands before `code` in its entry. The key is part of the sum, so that an entry under another name is no entry.
fn head(key: &str, code: &[u8]) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    let (magic, sum) = head.split_at_mut(MAGIC.len());
    magic.copy_from_slice(&MAGIC);
    sum.copy_from_slice(&Sha256::new().chain_update(key).chain_update(code).finalize());
    head
}

/// The code in an entry, if every byte of it is what was written for this key.
fn code<'e>(key: &Key, entry: &'e [u8]) -> Option<&'e [u8]> {
    let (head, code) = entry.split_at_checked(HEAD_BYTES)?;
    (head == self::head(&key.0, code)).then_some(code)
}

/// Makes the folder if need be, and opens it.
///
/// It may be a link, as systemd makes one for a `CacheDirectory` with `DynamicUser`: from here on all goes through what
/// was opened, and whether that is private is asked of it.
fn open_folder(path: &Path) -> io::Result<OwnedFd> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    Ok(rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Whether something belongs to this process's user and nobody else may write to it; if not, why. (An access list that
/// lets others write shows in the group's bits.)
fn is_private(stat: &Stat) -> Result<(), &'static str> {
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err("it belongs to another user");
    }
    if Mode::from_raw_mode(stat.st_mode).intersects(Mode::WGRP | Mode::WOTH) {
        return Err("others may write to it");
    }
    Ok(())
}

fn bytes(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(u64::MAX)
}

/// How a snapshot comes about, in words that change when it does: nobody has to remember to raise a number.
const SNAPSHOTS: [&str; 4] =
    [include_str!("snapshot.rs"), include_str!("abi.rs"), include_str!("reach.rs"), include_str!("guest.rs")];

/// What makes this program and its engines another one than the next: its version, how it takes snapshots, and all that
/// wasmtime says its compiled code depends on (its own version, the target and the processor's features, the compiler's
/// flags, the tunables, the wasm features).
pub(crate) fn program(engines: [&Wasmtime; 2]) -> [u8; SHA256_BYTES] {
    let mut parts = Parts(Sha256::new());
    MAGIC.hash(&mut parts);
    env!("CARGO_PKG_VERSION").hash(&mut parts);
    SNAPSHOTS.hash(&mut parts);
    for engine in engines {
        engine.precompile_compatibility_hash().hash(&mut parts);
    }
    parts.0.finalize().into()
}

/// Everything that is hashed into it goes into a SHA-256.
struct Parts(Sha256);

impl Hasher for Parts {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        // Nobody asks: the SHA-256 is taken out whole.
        0
    }
}

/// A module from the bytes that [`Module::serialize`] once gave: the only `unsafe` of the host.
#[allow(unsafe_code)]
fn deserialize(engine: &Wasmtime, code: &[u8]) -> wasmtime::Result<Module> {
    // SAFETY: `Module::deserialize` runs what it is given and asks for bytes that `Module::serialize` gave, unchanged.
    // - They are in this process's memory, and nobody changes them: they were read once, from a file or a pipe, and
    //   checked (`code`); the same slice is handed over, and wasmtime copies it.
    // - From a file, they are what `keep` wrote for this key. Only this user can have written them: the entry and its
    //   folder belong to this user, nobody else may write to either, both asked of the opened descriptors (`is_private`),
    //   and code that is sandboxed writes no files.
    // - From a pipe, they are what this very program wrote, started as a child of this process by its own path, as the
    //   same user (`loading/`). Nobody else has the other end. The child compiles a stranger's module with the compiler
    //   that this process would use, and runs it only inside of wasmtime's sandbox, as this process would: a module that
    //   gets out there would have got out here. So a child bounds what loading costs; it is no second wall around code.
    // - Whatever a crash, a full disk or a slip made of them has another SHA-256 (`head`), and so has an entry of another
    //   key.
    // - They were made for this engine: the key holds wasmtime's own hash of all that they depend on, and of the module.
    //   Wasmtime compares its version, the target, the flags, the processor's features and the tunables once more.
    // What is left: whoever has this user's rights can write an entry with a right SHA-256. They could as well replace
    // this program, or write into its memory.
    unsafe { Module::deserialize(engine, code) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_with_any_byte_more_or_less_or_any_bit_turned_is_none() {
        let key = Key("a".repeat(64));
        let entry = super::entry(&key.0, b"some compiled code");
        assert_eq!(code(&key, &entry), Some(&b"some compiled code"[..]));
        for len in 0..entry.len() {
            assert_eq!(code(&key, &entry[..len]), None, "{len} bytes");
        }
        assert_eq!(code(&key, &[&entry[..], b"\0"].concat()), None);
        for bit in 0..entry.len() * 8 {
            let mut entry = entry.clone();
            entry[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(code(&key, &entry), None, "bit {bit}");
        }
        assert_eq!(code(&Key("b".repeat(64)), &entry), None);
    }

    #[test]
    fn only_names_that_are_given_here_are_ours() {
        let key = "0123456789abcdef".repeat(4);
        assert!(is_ours(&Key(key.clone()).file_name()));
        assert!(is_ours(&format!("{key}.0123456789abcdef{UNFINISHED}")));
        for name in [&key, "", ".compiled", "notes.compiled", &format!("x{key}.compiled"), &format!("{key}.txt")] {
            assert!(!is_ours(name), "{name}");
        }
    }
}
