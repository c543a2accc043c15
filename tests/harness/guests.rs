//! Guests for tests: our own plugins, built once for each run, and small hostile ones, assembled from text.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The folder of this crate.
fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file or folder below `tests/fixtures`.
pub fn fixture(path: &str) -> PathBuf {
    here().join("fixtures").join(path)
}

/// The module of one of our plugins, built if need be.
pub fn shipped(name: &str) -> PathBuf {
    static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    // The lock is held while building: cargo would make the others wait anyway.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_with(HashMap::new);
    if let Some(path) = built.get(name) {
        return path.clone();
    }
    let folder = here().join("../plugins").join(name);
    let path = callgate::cargo::build(&folder).unwrap_or_else(|error| panic!("{name} is not built: {error}"));
    built.insert(name.to_owned(), path.clone());
    path
}

/// A guest from `tests/fixtures/guests/{name}.wat`, assembled.
pub fn text(name: &str) -> PathBuf {
    let source = std::fs::read_to_string(fixture(&format!("guests/{name}.wat")))
        .unwrap_or_else(|error| panic!("there is no guest {name}: {error}"));
    assemble(name, &source)
}

/// A guest given as text, with `{manifest}` replaced by a section that the host accepts.
pub fn assemble(name: &str, source: &str) -> PathBuf {
    let manifest = format!(
        r#"(@custom "callgate.plugin" "{{\"abi\":1,\"name\":\"{name}\",\"version\":\"0\",\"sdk\":\"text\",\"commands\":[]}}")"#
    );
    let module = wat::parse_str(source.replace("{manifest}", &manifest))
        .unwrap_or_else(|error| panic!("the guest {name} cannot be assembled: {error}"));
    let path = folder().join(format!("{name}-{:016x}.wasm", hash(&module)));
    if !path.exists() {
        // Written elsewhere first: another test may assemble the same guest at this moment.
        let unfinished = tempfile::NamedTempFile::new_in(folder()).expect("a temporary file");
        std::fs::write(unfinished.path(), module).expect("the guest is written");
        unfinished.persist(&path).expect("the guest is in place");
    }
    path
}

fn folder() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().expect("a temporary folder")).path()
}

fn hash(bytes: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// A guest that answers every callback with `reply` and accepts any settings.
pub fn replies(name: &str, reply: &str) -> PathBuf {
    replies_bytes(name, reply.as_bytes())
}

/// As [`replies`], for a reply that need not be text.
pub fn replies_bytes(name: &str, reply: &[u8]) -> PathBuf {
    let escaped: String = reply.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let pages = reply.len() / 65_536 + 3;
    assemble(
        name,
        &format!(
            r#"(module {{manifest}}
                (memory (export "memory") {pages})
                (global (export "last_words") i32 (i32.const 0))
                (data (i32.const 1024) "{{\"accepted\":true}}")
                (data (i32.const 131072) "{escaped}")
                (func (export "allocate") (param i32) (result i32) (i32.const 4096))
                (func (export "configure") (param i32 i32) (result i64)
                    (i64.or (i64.shl (i64.const 1024) (i64.const 32)) (i64.const 17)))
                (func (export "handle_callback") (param i32 i32) (result i64)
                    (i64.or (i64.shl (i64.const 131072) (i64.const 32)) (i64.const {len}))))"#,
            len = reply.len()
        ),
    )
}
