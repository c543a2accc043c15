//! Compiled plugins in a private folder, so that the next start neither configures nor compiles.
//!
//! An entry is the output of [`Module::serialize`] for a plugin's snapshot; the manifest is still read from the module,
//! and the checks of `load.rs` run, every time. The file name is derived from everything the entry depends on (`Key`),
//! so a lookup never finds a stale entry, and no invalidation is needed when a plugin, its settings or the host change.
//!
//! Compiled code is run without validation: anyone who can write an entry can run code in this process. So the folder
//! and every entry must belong to this process's user and be writable by no one else. This is checked on the open file
//! descriptor, not on a path, and the bytes that were checked are the bytes that are used.

mod entry;
#[cfg_attr(not(unix), path = "cache/elsewhere.rs")]
mod folder;

use std::hash::{BuildHasher as _, Hash, Hasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use entry::{Entry, NotOpen};
use folder::Folder;
use sha2::{Digest, Sha256};
use wasmtime::{Engine as Wasmtime, Module};

use crate::limits::{CacheSettings, PluginLimits};

/// The start of every entry: a magic word and the format version.
const MAGIC: [u8; 8] = *b"CALLGT\0\x01";

/// Length of a SHA-256, in bytes.
pub(crate) const SHA256_BYTES: usize = 32;

/// Length of the header before the code: [`MAGIC`], and the SHA-256 of key and code.
const HEAD_BYTES: usize = MAGIC.len() + SHA256_BYTES;

/// Suffix of the names of entries.
const SUFFIX: &str = ".compiled";

/// Suffix of the names of entries that are being written.
const UNFINISHED: &str = ".unfinished";

/// How long an unfinished entry is left alone, in seconds: another host may be writing it.
const UNFINISHED_SECONDS_MAX: i64 = 3600;

/// Maximum number of names in the folder that are examined to make room; far more than there are plugins.
const NAMES_MAX: usize = 16_384;

/// The folder of compiled plugins.
#[derive(Debug)]
pub struct Cache {
    folder: Folder,
    path: PathBuf,
    bytes_max: u64,
    /// Why an entry could not be kept; only the first reason, because the others are probably the same.
    trouble: OnceLock<io::Error>,
    /// Held while a thread makes room: one at a time.
    making_room: Mutex<()>,
}

/// Why there is no cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The folder does not exist and cannot be created.
    #[error("{} cannot be used ({error}): name another `folder` under [cache], or set `bytes_max` to 0 there", .path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// Others can write there, and so run code in this process.
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

/// Identifies everything that a compiled snapshot depends on, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key(String);

impl Cache {
    /// Opens the folder named in the settings, creating it with access for this user only. `None` if the settings turn
    /// the cache off, or this system has none.
    ///
    /// # Errors
    /// If the folder cannot be opened or created, or others can write there.
    pub(crate) fn open(settings: &CacheSettings) -> Result<Option<Self>, CacheError> {
        let Some(path) = settings.folder.as_ref().filter(|_| settings.bytes_max > 0) else { return Ok(None) };
        let folder = match Folder::open(path) {
            Ok(folder) => folder,
            Err(NotOpen::NotHere) => return Ok(None),
            Err(NotOpen::Unusable(error)) => return Err(CacheError::Unusable { path: path.clone(), error }),
            Err(NotOpen::NotPrivate(why)) => return Err(CacheError::NotPrivate { path: path.clone(), why }),
        };
        Ok(Some(Self {
            folder,
            path: path.clone(),
            bytes_max: settings.bytes_max,
            trouble: OnceLock::new(),
            making_room: Mutex::new(()),
        }))
    }

    /// Whether the folder named in the settings can be used; also right if they turn the cache off.
    ///
    /// # Errors
    /// If it cannot be opened or created, or others can write there.
    pub fn check(settings: &CacheSettings) -> Result<(), CacheError> {
        Self::open(settings).map(drop)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why a plugin could not be kept, if that has happened.
    pub fn trouble(&self) -> Option<&io::Error> {
        self.trouble.get()
    }

    /// The compiled snapshot kept under this key. Anything else in its place is ignored: the plugin is compiled again,
    /// and [`Cache::keep`] overwrites the file.
    pub(crate) fn find(&self, key: &Key, engine: &Wasmtime) -> Option<Module> {
        module_of(key, &self.folder.read(&key.file_name(), self.bytes_max).ok()?, engine)?.ok()
    }

    /// Keeps an entry, and makes room for it. A failure does not prevent the start; the first one is recorded
    /// ([`Cache::trouble`]).
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
            // Only the first is reported.
            let _ = self.trouble.set(error);
        }
    }

    fn write(&self, key: &Key, entry: &[u8]) -> io::Result<()> {
        // Random, because leftovers of a killed process stay for an hour, and process IDs start at 1 in each container.
        let unfinished = format!("{}.{:016x}{UNFINISHED}", key.0, RandomState::new().hash_one(&key.0));
        self.folder.write(&unfinished, &key.file_name(), entry)
    }

    /// Removes the entries that were not used for longest, until the rest has no more bytes than `bytes_max` says of
    /// all of them; `newest` stays.
    fn make_room(&self, newest: &Key, bytes_max: impl FnOnce(u64) -> u64) -> io::Result<()> {
        let _alone = self.making_room.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = newest.file_name();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let mut entries = Vec::new();
        // Any other file is not ours.
        for Entry { name, written, bytes } in self.folder.entries(NAMES_MAX, is_ours)? {
            if name.ends_with(UNFINISHED) {
                if now.saturating_sub(written.0) > UNFINISHED_SECONDS_MAX {
                    let _ = self.folder.remove(&name);
                }
                continue;
            }
            // Timestamps may be as coarse as a kernel tick, so the newest entry is recognised by name.
            entries.push(((name == newest, written), bytes, name));
        }
        entries.sort();
        let mut total = entries.iter().fold(0_u64, |total, (_, bytes, _)| total.saturating_add(*bytes));
        let bytes_max = bytes_max(total);
        for (_, bytes, name) in entries {
            if total <= bytes_max {
                break;
            }
            self.folder.remove(&name)?;
            total = total.saturating_sub(bytes);
        }
        Ok(())
    }
}

impl Key {
    /// The key of a module that this program (see [`program`]) configures with these settings and limits. All other
    /// limits only affect calls.
    pub(crate) fn new(program: &[u8; SHA256_BYTES], module: &[u8], settings: &str, limits: &PluginLimits) -> Self {
        // Destructured in full, so that a new limit has to be considered here.
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
        // Everything has a fixed length except the settings, which come last, so no two keys hash the same bytes.
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

/// Whether [`Cache::write`] creates names like this.
fn is_ours(name: &str) -> bool {
    let key = name.split('.').next().unwrap_or_default();
    key.len() == 2 * SHA256_BYTES
        && key.bytes().all(|byte| byte.is_ascii_hexdigit())
        && (name.ends_with(SUFFIX) || name.ends_with(UNFINISHED))
}

/// The entry for a key (its digits) with this code.
pub(crate) fn entry(key: &str, code: &[u8]) -> Vec<u8> {
    [&head(key, code), code].concat()
}

/// The module in an entry, or why this engine rejects it; `None`: it is not an entry for this key.
pub(crate) fn module_of(key: &Key, entry: &[u8], engine: &Wasmtime) -> Option<wasmtime::Result<Module>> {
    Some(deserialize(engine, code(key, entry)?))
}

/// The header before `code` in its entry. The hash includes the key, so an entry under another name is invalid.
fn head(key: &str, code: &[u8]) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    let (magic, sum) = head.split_at_mut(MAGIC.len());
    magic.copy_from_slice(&MAGIC);
    sum.copy_from_slice(&Sha256::new().chain_update(key).chain_update(code).finalize());
    head
}

/// The code in an entry, if every byte of it is as written for this key.
fn code<'e>(key: &Key, entry: &'e [u8]) -> Option<&'e [u8]> {
    let (head, code) = entry.split_at_checked(HEAD_BYTES)?;
    (head == self::head(&key.0, code)).then_some(code)
}

/// The source of the code that takes snapshots: part of the key, so that no version number has to be raised by hand.
const SNAPSHOTS: [&str; 4] =
    [include_str!("snapshot.rs"), include_str!("abi.rs"), include_str!("reach.rs"), include_str!("guest.rs")];

/// Identifies this program and its engines: its version, how it takes snapshots, and everything that wasmtime says its
/// compiled code depends on (its own version, the target and the processor's features, the compiler's flags, the
/// tunables, the wasm features).
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

/// A `Hasher` that feeds a SHA-256.
struct Parts(Sha256);

impl Hasher for Parts {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        // Never called: the whole SHA-256 is used instead.
        0
    }
}

/// A module from bytes that [`Module::serialize`] once returned: the only `unsafe` in this crate.
#[allow(unsafe_code)]
fn deserialize(engine: &Wasmtime, code: &[u8]) -> wasmtime::Result<Module> {
    // SAFETY: `Module::deserialize` runs what it is given, and requires unchanged bytes from `Module::serialize`.
    // - The bytes are in this process's memory and do not change: they were read once, from a file or a pipe, and
    //   checked (`code`); the same slice is passed on, and wasmtime copies it.
    // - From a file, they are what `keep` wrote for this key. Only this user can have written them: the entry and its
    //   folder belong to this user and no one else may write to either (checked on the open descriptors in
    //   `folder.rs`), and sandboxed code writes no files.
    // - From a pipe, they were written by this same program, started from its own path as a child of this process and
    //   the same user (`loading/`). No other process has the other end. The child compiles an untrusted module with the
    //   same compiler as this process would, and runs it only inside wasmtime's sandbox, as this process would: a
    //   module that escapes there would have escaped here. So a child bounds the cost of loading; it is not a second
    //   sandbox.
    // - Bytes damaged by a crash, a full disk or a mistake fail the SHA-256 check (`head`), and so does an entry for
    //   another key.
    // - They were made for this engine: the key includes wasmtime's own hash of everything they depend on, and the
    //   module's. Wasmtime also compares its version, the target, the flags, the processor's features and the tunables.
    // The remaining risk: anyone with this user's rights can write an entry with a valid SHA-256. They could just as
    // well replace this program, or write into its memory.
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
