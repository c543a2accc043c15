//! Guests for tests: our own plugins, built once for each run; small hostile ones, assembled from text; and one in
//! other languages, where their compilers are installed.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

/// The folder of this crate.
fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder that holds `host`, `plugins` and this crate.
pub fn repository() -> &'static Path {
    here().parent().expect("this crate lies in the repository")
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
    let path = callgate_workshop::cargo::build(&folder).unwrap_or_else(|error| panic!("{name} is not built: {error}"));
    built.insert(name.to_owned(), path.clone());
    path
}

/// A guest from `tests/fixtures/guests/{name}.wat`, assembled.
pub fn text(name: &str) -> PathBuf {
    let source = std::fs::read_to_string(fixture(&format!("guests/{name}.wat")))
        .unwrap_or_else(|error| panic!("there is no guest {name}: {error}"));
    assemble(name, &source)
}

/// How C becomes a plugin, as the ABI page says.
pub const CLANG: &str = "--target=wasm32 -O2 -nostdlib -Wl,--no-entry -Wl,--export=last_words -Wl,-z,stack-size=65536";

/// The guest in C, `tests/fixtures/guests/c`, built; `None`, and a line that says so, where that is not possible.
pub fn c() -> Option<PathBuf> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let source = fixture("guests/c/tame_remarks.c");
    let build = || clang("tame-remarks-c", &source, &format!("{CLANG} -Wall -Werror -mbulk-memory -fno-builtin"));
    BUILT.get_or_init(build).clone()
}

/// A guest in C, built with these flags; `None`, and a line that says so, where that is not possible.
pub fn clang(name: &str, source: &Path, flags: &str) -> Option<PathBuf> {
    let module = folder().join(format!("{name}.wasm"));
    let skip = |what: &str| {
        skipped(
            &format!("the guest {name} is not tested"),
            &format!("{what} is not installed: apt-get install clang lld"),
        )
    };
    let mut names =
        std::iter::once("clang".to_owned()).chain((14..=24).rev().map(|version| format!("clang-{version}")));
    let build = |clang: String| {
        Command::new(clang).args(flags.split_whitespace()).arg("-o").arg(&module).arg(source).output().ok()
    };
    let Some(output) = names.find_map(build) else { return skip("clang") };
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Some(module),
        // Clang could not start its linker: it is not there, or not under the name that this clang looks for.
        false if said.contains("unable to execute command") => skip("wasm-ld"),
        false => panic!("{} does not compile:\n{said}", source.display()),
    }
}

/// The guest in AssemblyScript, built; `None`, and a line that says so, where that is not possible.
pub fn assembly_script() -> Option<PathBuf> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let source = fixture("guests/assemblyscript");
    let npm = |arguments: &[&str]| Command::new("npm").args(arguments).current_dir(&source).output();
    let skip = |why: &str| skipped("the guest in AssemblyScript is not tested", why);
    let build = || {
        if !source.join("node_modules/assemblyscript").is_dir() {
            match npm(&["ci"]) {
                Err(_) => return skip("npm is not installed: install node 20 or later, with npm"),
                Ok(output) if !output.status.success() => {
                    let said = String::from_utf8_lossy(&output.stderr);
                    return skip(&format!("`npm ci` in {} does not work: {said}", source.display()));
                }
                Ok(_) => {}
            }
        }
        let module = folder().join("tame-remarks-as.wasm");
        match npm(&["run", "build", "--", "--outFile", &module.to_string_lossy()]) {
            Err(_) => skip("npm is not installed: install node 20 or later, with npm"),
            Ok(output) if output.status.success() => Some(module),
            Ok(output) => panic!("{} does not compile:\n{output:#?}", source.display()),
        }
    };
    BUILT.get_or_init(build).clone()
}

/// Says what is not tested, past the test runner, which keeps what tests print. With `CALLGATE_REQUIRE_GUESTS=1` that
/// is a failure.
pub(crate) fn skipped(what: &str, why: &str) -> Option<PathBuf> {
    let text = format!("SKIPPED: {what} because {why}");
    assert!(std::env::var_os("CALLGATE_REQUIRE_GUESTS").is_none_or(|value| value != "1"), "{text}");
    // Not `eprintln`, which is kept.
    let _ = writeln!(std::io::stderr(), "\n{text}");
    None
}

/// What `{contract}` stands for in a guest's text: all that the host asks of a module, around a function `$provoked`
/// (input and its length -> packed reply), which is only called for callbacks whose last byte but one is `1`, such as
/// [`PROVOKE`]. All others are allowed.
const CONTRACT: &str = r#"{manifest}
    (memory (export "memory") 2)
    (data (i32.const 2048) "{\"verdict\":\"allow\"}")
    (func (export "allocate") (param i32) (result i32) (i32.const 4096))
    {accepts}
    (func (export "handle_callback") (param $input i32) (param $len i32) (result i64)
        (if (i32.eq (i32.load8_u (i32.sub (i32.add (local.get $input) (local.get $len)) (i32.const 3))) (i32.const 0x31))
            (then (return (call $provoked (local.get $input) (local.get $len)))))
        (i64.const 0x800_0000_0013))"#;

/// What `{accepts}` stands for in a guest's text: it leaves no last words, and accepts any settings, with a reply at
/// 1024.
const ACCEPTS: &str = r#"(global (export "last_words") i32 (i32.const 0))
    (data (i32.const 1024) "{\"accepted\":true}")
    (func (export "configure") (param i32 i32) (result i64) (i64.const 0x400_0000_0011))"#;

/// A body for which guests that are made with `{contract}` do what they are for.
pub const PROVOKE: &str = r#"{"x":1}"#;

/// A body for which they do not.
pub const SPARE: &str = r#"{"x":0}"#;

/// The text of a guest as an assembler reads it.
pub fn filled_in(name: &str, source: &str) -> String {
    let manifest = format!(
        r#"(@custom "callgate.plugin" "{{\"abi\":1,\"name\":\"{name}\",\"version\":\"0\",\"sdk\":\"text\",\"commands\":[]}}")"#
    );
    source.replace("{contract}", CONTRACT).replace("{accepts}", ACCEPTS).replace("{manifest}", &manifest)
}

/// A guest given as text, with `{manifest}` replaced by a section that the host accepts, `{accepts}` by what accepts
/// any settings, and `{contract}` by all that the host asks for.
pub fn assemble(name: &str, source: &str) -> PathBuf {
    let module = wat::parse_str(filled_in(name, source))
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
    let escaped = escaped(reply);
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

/// A guest that answers callbacks like [`PROVOKE`] with `reply`, and allows all others.
pub fn replies_when_provoked(name: &str, reply: &[u8]) -> PathBuf {
    let len = reply.len();
    let source = format!(
        r#"(module {{contract}}
            (data (i32.const 65536) "{}")
            (func $provoked (param i32 i32) (result i64)
                (i64.or (i64.shl (i64.const 65536) (i64.const 32)) (i64.const {len}))))"#,
        escaped(reply)
    );
    assemble(name, &source)
}

/// A guest that allows everything and returns its input as a record.
pub fn tells(name: &str) -> PathBuf {
    let (before, after) = (r#"{"verdict":"allow","records":["#, "]}");
    let source = format!(
        r#"(module {{manifest}}
            (memory (export "memory") 200)
            (data (i32.const 4096) "{before}")
            (func (export "allocate") (param i32) (result i32) (i32.const {room}))
            {{accepts}}
            (func (export "handle_callback") (param $input i32) (param $len i32) (result i64)
                (i32.store16 (i32.add (local.get $input) (local.get $len)) (i32.const 0x7d5d))
                (i64.or (i64.const 0x1000_0000_0000)
                    (i64.extend_i32_u (i32.add (local.get $len) (i32.const {around}))))))"#,
        before = escaped(before.as_bytes()),
        room = 4096 + before.len(),
        around = before.len() + after.len(),
    );
    assemble(name, &source)
}

/// A guest that uses facts: `facts` and `updates` are those of its manifest, and it replies to `needs` with `needs`. It
/// allows everything and returns its input as a record, followed by these `members` of a reply, such as
/// `,"updates":[…]`.
pub fn knows(name: &str, facts: &[&str], updates: &[&str], needs: &str, members: &str) -> PathBuf {
    let list = |names: &[&str]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(",");
    let (facts, updates) = (list(facts), list(updates));
    let manifest =
        format!(r#"{{"abi":1,"name":"{name}","version":"0","commands":[],"facts":[{facts}],"updates":[{updates}]}}"#);
    let export = if facts.is_empty() { "" } else { r#"(export "needs")"# };
    let (before, after) = (r#"{"verdict":"allow","records":["#, format!("]{members}}}"));
    let source = format!(
        r#"(module
            (@custom "callgate.plugin" "{manifest}")
            (memory (export "memory") 200)
            (data (i32.const 65536) "{after_text}")
            (data (i32.const 131072) "{needs_text}")
            (data (i32.const 1310720) "{before_text}")
            (func (export "allocate") (param i32) (result i32) (i32.const {room}))
            {{accepts}}
            (func {export} (param i32 i32) (result i64) (i64.const {needed}))
            (func (export "handle_callback") (param $input i32) (param $len i32) (result i64)
                (memory.copy (i32.add (local.get $input) (local.get $len)) (i32.const 65536) (i32.const {after_len}))
                (i64.or (i64.const {replied})
                    (i64.extend_i32_u (i32.add (local.get $len) (i32.const {around}))))))"#,
        manifest = escaped(manifest.as_bytes()),
        after_text = escaped(after.as_bytes()),
        needs_text = escaped(needs.as_bytes()),
        before_text = escaped(before.as_bytes()),
        room = 1_310_720 + before.len(),
        needed = (131_072_u64 << 32) | needs.len() as u64,
        replied = 1_310_720_u64 << 32,
        after_len = after.len(),
        around = before.len() + after.len(),
    );
    assemble(name, &source)
}

/// A guest whose own settings are `{"stamp":"…"}`, with eight characters; it allows everything, and returns the stamp
/// as a record. It refuses a stamp that begins with `x`.
pub fn stamps(name: &str) -> PathBuf {
    let source = format!(
        r#"(module {{manifest}}
            (memory (export "memory") 2)
            (global (export "last_words") i32 (i32.const 0))
            (data (i32.const 1024) "{accepted}")
            (data (i32.const 1536) "{rejected}")
            (data (i32.const 2048) "{reply}")
            (func (export "allocate") (param i32) (result i32) (i32.const 4096))
            (func (export "configure") (param $input i32) (param $len i32) (result i64)
                (i64.store (i32.const {place}) (i64.load offset=22 (local.get $input)))
                (if (i32.eq (i32.load8_u offset=22 (local.get $input)) (i32.const 0x78))
                    (then (return (i64.const {refusal}))))
                (i64.const 0x400_0000_0011))
            (func (export "handle_callback") (param i32 i32) (result i64) (i64.const {verdict})))"#,
        accepted = escaped(br#"{"accepted":true}"#),
        rejected = escaped(REJECTED),
        reply = escaped(STAMPED),
        place = 2048 + STAMPED.len() - 11,
        refusal = (1536_u64 << 32) | REJECTED.len() as u64,
        verdict = (2048_u64 << 32) | STAMPED.len() as u64,
    );
    assemble(name, &source)
}

const STAMPED: &[u8] = br#"{"verdict":"allow","records":["........"]}"#;

const REJECTED: &[u8] = br#"{"accepted":false,"reason":"`stamp` begins with x"}"#;

/// A guest that says that it handles this command only, and traps when it is asked.
pub fn handles_only(name: &str, command: &str) -> PathBuf {
    let manifest = format!(r#"{{"abi":1,"name":"{name}","version":"0","commands":["{command}"]}}"#);
    let source = format!(
        r#"(module
            (@custom "callgate.plugin" "{}")
            (memory (export "memory") 1)
            (func (export "allocate") (param i32) (result i32) (i32.const 4096))
            {{accepts}}
            (func (export "handle_callback") (param i32 i32) (result i64) (unreachable)))"#,
        escaped(manifest.as_bytes())
    );
    assemble(name, &source)
}

/// A guest that denies if its input contains `text`, and allows otherwise.
pub fn denies_on(name: &str, text: &str) -> PathBuf {
    let deny = format!(r#"{{"verdict":"deny","message":"{name} found it"}}"#);
    let source = format!(
        r#"(module {{manifest}}
            (memory (export "memory") 200)
            (data (i32.const 2048) "{allow}")
            (data (i32.const 3072) "{deny_text}")
            (data (i32.const 4096) "{text}")
            (func (export "allocate") (param i32) (result i32) (i32.const 8192))
            {{accepts}}
            (func $stands_at (param $at i32) (result i32) (local $i i32)
                (loop $next
                    (if (i32.eq (local.get $i) (i32.const {len})) (then (return (i32.const 1))))
                    (if (i32.ne (i32.load8_u (i32.add (local.get $at) (local.get $i)))
                                (i32.load8_u offset=4096 (local.get $i)))
                        (then (return (i32.const 0))))
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br $next))
                (unreachable))
            (func (export "handle_callback") (param $input i32) (param $len i32) (result i64) (local $end i32)
                (local.set $end (i32.add (local.get $input) (local.get $len)))
                (loop $next
                    (if (call $stands_at (local.get $input)) (then (return (i64.const {found}))))
                    (local.set $input (i32.add (local.get $input) (i32.const 1)))
                    (br_if $next (i32.lt_u (local.get $input) (local.get $end))))
                (i64.const 0x800_0000_0013)))"#,
        allow = escaped(br#"{"verdict":"allow"}"#),
        deny_text = escaped(deny.as_bytes()),
        text = escaped(text.as_bytes()),
        len = text.len(),
        found = (3072_u64 << 32) | deny.len() as u64,
    );
    assemble(name, &source)
}

/// Bytes as they are written in the text of a module.
pub fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}
