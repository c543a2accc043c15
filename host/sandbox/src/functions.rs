//! Compiled functions that are reused while a host starts.
//!
//! A plugin is compiled twice, to be configured and, with the resulting memory, to be called; nearly all functions are
//! the same. So are those of one module with different settings, and some in plugins built with the same sdk. For each
//! function, Cranelift looks up here whether it was compiled before, by the SHA-256 of its complete intermediate code
//! and the compiler settings.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use wasmtime::CacheStore;

/// Maximum size in bytes; beyond it, everything is discarded. A plugin of 200 KiB takes about 2 MiB.
const BYTES_MAX: usize = 256 * 1024 * 1024;

/// The functions compiled so far.
#[derive(Default)]
pub(crate) struct Functions(RwLock<Held>);

#[derive(Default)]
struct Held {
    functions: HashMap<Vec<u8>, Vec<u8>>,
    bytes: usize,
}

impl Functions {
    /// Discards everything: once all plugins are loaded, there are no more lookups.
    pub(crate) fn forget(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Held::default();
    }

    fn insert(&self, key: &[u8], function: Vec<u8>, bytes_max: usize) {
        let bytes = key.len() + function.len();
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have compiled the same one in the meantime.
        if bytes > bytes_max || held.functions.contains_key(key) {
            return;
        }
        if held.bytes + bytes > bytes_max {
            *held = Held::default();
        }
        held.functions.insert(key.to_owned(), function);
        held.bytes += bytes;
    }
}

impl CacheStore for Functions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        held.functions.get(key).cloned().map(Cow::Owned)
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> bool {
        self.insert(key, value, BYTES_MAX);
        true
    }
}

impl std::fmt::Debug for Functions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Functions").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::Module;

    use super::super::{Engine, EngineLimits, PluginLimits, load, snapshot};
    use super::*;

    #[test]
    fn what_does_not_fit_makes_room_by_forgetting_the_rest() {
        let functions = Functions::default();
        let known = |key: &[u8]| functions.get(key).is_some();
        functions.insert(b"a", vec![1; 9], 20);
        functions.insert(b"b", vec![2; 9], 20);
        // A repeated insert, which changes nothing; and one that never fits.
        functions.insert(b"b", vec![2; 9], 20);
        functions.insert(b"c", vec![3; 20], 20);
        assert!(known(b"a") && known(b"b") && !known(b"c"));
        functions.insert(b"d", Vec::new(), 20);
        assert!(!known(b"a") && !known(b"b") && known(b"d"));
        functions.forget();
        assert!(!known(b"d"));
    }

    #[test]
    fn what_is_used_again_is_what_would_be_compiled() {
        let limits = PluginLimits::default();
        let engine = Engine::new(&EngineLimits::default()).unwrap();
        let held = || engine.functions().0.read().unwrap().functions.len();
        let functions: String =
            (0..40).map(|number| format!("(func (result i64) (i64.mul (i64.const {number}) (i64.const 7)))")).collect();
        let module = wat::parse_str(format!(
            r#"(module
                (@custom "callgate.plugin" "{{\"abi\":1,\"name\":\"g\",\"version\":\"0\"}}")
                (memory (export "memory") 2)
                (global (export "last_words") i32 (i32.const 0))
                (data (i32.const 1024) "{{\"accepted\":true}}")
                (func (export "allocate") (param i32) (result i32) (i32.const 4096))
                (func (export "configure") (param i32 i32) (result i64) (i64.const 0x400_0000_0011))
                (func (export "handle_callback") (param i32 i32) (result i64) (i64.const 0))
                {functions})"#
        ))
        .unwrap();
        let snapshot =
            snapshot::take(&engine, &load::check(&module, &limits, None).unwrap(), "{}", &limits).unwrap().module;
        let code = || Module::new(engine.for_calls(), &snapshot).unwrap().serialize().unwrap();

        let from_configuring = held();
        let again = code();
        let of_calls = held() - from_configuring;
        engine.forget_functions();
        assert_eq!(held(), 0);
        let fresh = code();
        assert!(again == fresh, "used again, it is other code");
        // The number of hits differs from run to run, because several threads compile; functions called from outside
        // have a different name in the snapshot.
        assert!(of_calls < held(), "{of_calls} of {}: all were compiled again", held());
    }
}
