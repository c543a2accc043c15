//! Where modules are configured and compiled: in this process, or in a child process with limits of its own.
//!
//! An untrusted module can keep a compiler busy for minutes and make it use gigabytes, which nothing inside the process
//! can interrupt or reclaim. So the program starts itself again, passes the module to the child, and receives a compile
//! cache entry. A child that exceeds its limits is killed, and all its memory is freed; nothing else is affected.
//!
//! `child.rs` is the parent's side, this crate's `prepare.rs` the child's, `wire.rs` the protocol between them.

mod child;
pub(crate) mod wire;

use std::fmt;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use crate::cache::Key;
use crate::limits::{LoadingLimits, PluginLimits};
use crate::load::LoadError;
use child::Child;

pub(crate) use child::Start;

/// Modules larger than this are prepared one at a time, to limit the children's total memory.
const LARGE_BYTES: usize = 1 << 20;

/// The child processes, one per loading thread.
pub(crate) struct Children {
    start: Start,
    limits: LoadingLimits,
    /// Idle children.
    idle: Mutex<Vec<Child>>,
    /// Held while a module is prepared; alone, if it is a large one.
    memory: RwLock<()>,
}

impl Children {
    /// Children that are started in this way.
    pub(crate) fn new(start: Start, limits: LoadingLimits) -> Self {
        Self { start, limits, idle: Mutex::default(), memory: RwLock::default() }
    }

    /// Has a module configured and compiled. Returns a compile cache entry, not yet verified, and how long `configure`
    /// took.
    pub(crate) fn prepare(
        &self,
        key: &Key,
        module: &[u8],
        settings: &str,
        limits: &PluginLimits,
    ) -> Result<(Vec<u8>, Duration), LoadError> {
        let is_large = module.len() > LARGE_BYTES;
        let (_alone, _beside_others) = match is_large {
            true => (Some(self.memory.write().unwrap_or_else(PoisonError::into_inner)), None),
            false => (None, Some(self.memory.read().unwrap_or_else(PoisonError::into_inner))),
        };
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut child = match idle.and_then(|mut child| child.is_running().then_some(child)) {
            Some(child) => child,
            None => Child::start(&self.start)?,
        };
        let prepared = child.prepare(&self.limits, key, module, settings, limits);
        // A child's compiled functions are useful for the next module; ending it after a large module frees the memory.
        if prepared.is_ok() && !is_large {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(child);
        }
        prepared
    }

    /// Ends idle children. More can still be started.
    pub(crate) fn end(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl fmt::Debug for Children {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Children").field("program", &self.start.program).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limit;
    use std::ffi::OsString;
    use std::time::Instant;

    fn key() -> Key {
        Key::new(&[0; 32], b"module", "{}", &PluginLimits::default())
    }

    /// The result with a shell script in place of a child.
    fn prepared_by(script: &str, limits: LoadingLimits) -> Result<(Vec<u8>, Duration), LoadError> {
        let arguments = ["-c", script].map(OsString::from).to_vec();
        let children = children("/bin/sh", arguments, limits);
        children.prepare(&key(), b"module", "{}", &PluginLimits::default())
    }

    fn children(program: &str, arguments: Vec<OsString>, limits: LoadingLimits) -> Children {
        Children::new(Start { program: program.into(), arguments, environment: Vec::new(), threads: 1 }, limits)
    }

    #[test]
    fn whatever_a_child_does_instead_of_its_work_is_explained() {
        let limits = LoadingLimits { within: Duration::from_secs(20), ..LoadingLimits::default() };
        for (script, why) in [
            ("kill -9 $$", "was ended by signal 9"),
            ("kill -11 $$", "was ended by signal 11"),
            ("exit 0", "ended without a reply (exit status: 0)"),
            ("exit 7", "ended without a reply (exit status: 7)"),
            ("echo this is no reply; exec cat >/dev/null", "gave a reply that cannot be read"),
            // A length of 5, and five bytes that are not JSON.
            (
                "printf '\\005\\000\\000\\000\\000\\000\\000\\000rubbi'; exec cat >/dev/null",
                "gave a reply that cannot be read",
            ),
        ] {
            let error = prepared_by(script, limits).unwrap_err().to_string();
            let sentence = format!(
                "the process that was to prepare it {why}: start again, and look into the system's log if it stays so"
            );
            assert_eq!(error, sentence, "{script}");
        }
    }

    #[test]
    fn a_panic_of_the_compiler_is_a_fault_of_the_module() {
        let script = "printf \"thread 'main' panicked at lib.rs:1:2:\\nno such index\\nnote: run\\n\" >&2; exit 101";
        let limits = LoadingLimits { within: Duration::from_secs(20), ..LoadingLimits::default() };
        let error = prepared_by(script, limits).unwrap_err().to_string();
        assert_eq!(error, "it could not be prepared: the compiler failed at it (no such index)");
    }

    #[test]
    fn limits_that_end_a_child_are_named() {
        let limits = LoadingLimits { within: Duration::from_millis(200), ..LoadingLimits::default() };
        let started = Instant::now();
        let error = prepared_by("exec sleep 60", limits).unwrap_err();
        assert!(matches!(error, LoadError::Limit { limit: Limit::WallTime(_) }), "{error}");
        assert!(started.elapsed() < Duration::from_secs(30));
        let limits = LoadingLimits { within: Duration::from_secs(20), ..limits };
        let error = prepared_by("kill -24 $$", limits).unwrap_err();
        assert!(matches!(error, LoadError::Limit { limit: Limit::CpuTime(_) }), "{error}");
        let error = prepared_by("echo memory allocation of 8 bytes failed >&2; kill -6 $$", limits).unwrap_err();
        assert!(matches!(error, LoadError::Limit { limit: Limit::Memory(_) }), "{error}");
    }

    #[test]
    fn a_program_that_is_not_there_is_explained() {
        let children = children("/nowhere/callgate", Vec::new(), LoadingLimits::default());
        let error = children.prepare(&key(), b"module", "{}", &PluginLimits::default()).unwrap_err().to_string();
        assert!(error.contains("could not be started (No such file"), "{error}");
    }

    #[test]
    fn what_goes_through_a_pipe_is_read_as_it_was_written_and_no_longer_than_allowed() {
        let error = LoadError::Configure { fault: crate::Fault::Panic { message: "no".to_owned() } };
        let mut pipe = Vec::new();
        wire::write(&mut pipe, &wire::Reply::Failed(error.clone()), &[b"four"]).unwrap();
        let mut from = pipe.as_slice();
        let wire::Reply::Failed(read) = wire::read_head(&mut from).unwrap() else { panic!("it has failed") };
        assert_eq!(read.to_string(), error.to_string());
        assert!(wire::read_bytes(&mut &*from, 4, 3).is_err());
        assert!(wire::read_bytes(&mut &*from, 5, 5).is_err());
        assert_eq!(wire::read_bytes(&mut from, 4, 4).unwrap(), b"four");
    }

    #[test]
    fn code_for_calls_comes_from_an_engine_that_only_loads() {
        // A child compiles exactly what this process would: keys and code are the same.
        let (calls, loading) =
            (crate::Engine::new(&crate::EngineLimits::default()).unwrap(), crate::Engine::for_loading().unwrap());
        let module = wat::parse_str("(module (memory 1) (func (result i32) (i32.load (i32.const 0))))").unwrap();
        let limits = PluginLimits::default();
        assert_eq!(calls.key(&module, "{}", &limits), loading.key(&module, "{}", &limits));
        let here = wasmtime::Module::new(calls.for_calls(), &module).unwrap().serialize().unwrap();
        assert!(here == loading.for_calls().precompile_module(&module).unwrap(), "it is other code");
    }
}
