//! A module that cannot be used is explained at start, in words that say what to do, together with all others.

use std::path::{Path, PathBuf};

use harness::{Setup, guests, setup};

/// What the host says about a plugin.
fn refusal(setup: &Setup) -> String {
    match setup.try_start() {
        Ok(_) => panic!("the host starts"),
        Err(error) => error.to_string(),
    }
}

/// What it says about a module under the name `p`.
fn refused(module: impl AsRef<Path>) -> String {
    refused_with(module, "")
}

fn refused_with(module: impl AsRef<Path>, toml: &str) -> String {
    refusal(&setup().plugin("p", module, "*", toml))
}

/// A file with these bytes, below the folder of the guests.
fn bytes(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.wasm");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

const MANIFEST: &str = r#"(@custom "callgate.plugin" "{\"abi\":1,\"name\":\"p\",\"version\":\"0\"}")"#;
const MEMORY: &str = r#"(memory (export "memory") 2) (data (i32.const 1024) "{\"accepted\":true}")"#;
const LAST_WORDS: &str = r#"(global (export "last_words") i32 (i32.const 0))"#;
const ALLOCATE: &str = r#"(func (export "allocate") (param i32) (result i32) (i32.const 4096))"#;
const CONFIGURE: &str = r#"(func (export "configure") (param i32 i32) (result i64) (i64.const 0x400_0000_0011))"#;
const HANDLE: &str = r#"(func (export "handle_callback") (param i32 i32) (result i64) (i64.const 0x400_0000_0011))"#;

const PARTS: [&str; 6] = [MANIFEST, MEMORY, LAST_WORDS, ALLOCATE, CONFIGURE, HANDLE];

/// A complete module, with `old` exchanged for `new`.
fn module(old: &str, new: &str) -> PathBuf {
    assert!(PARTS.contains(&old), "{old}");
    let parts: Vec<_> = PARTS.iter().map(|part| if *part == old { new } else { *part }).collect();
    guests::assemble("p", &format!("(module {})", parts.join("\n")))
}

#[test]
fn the_complete_module_is_accepted() {
    // What the tests below take away from is whole.
    setup().plugin("p", module(HANDLE, HANDLE), "*", "").start();
}

#[test]
fn what_is_no_wasm_is_named() {
    for (contents, what) in [
        (&b""[..], "the file is empty"),
        (b"#!/bin/sh", "it does not begin with `\\0asm`"),
        (b"(module)", "it is wasm as text"),
        (b"\x7fELF\x02\x01", "it is a native object"),
        (b"\0asm\x0d\0\x01\0", "it is a component, and plugins are core modules"),
    ] {
        let (_folder, path) = bytes(contents);
        let why = format!(
            "plugin p: this is no wasm module ({what}): build the plugin for `wasm32-unknown-unknown` and name its `.wasm` file"
        );
        assert_eq!(refused(path), why);
    }
}

#[test]
fn a_file_that_is_not_there_is_named_with_what_to_do() {
    let why = "plugin p: /nowhere/p.wasm cannot be read (No such file or directory (os error 2)): build the plugin, or correct `wasm`";
    assert_eq!(refused("/nowhere/p.wasm"), why);
}

#[test]
fn wasm_that_is_cut_off_or_broken_is_not_valid() {
    let whole = std::fs::read(module(HANDLE, HANDLE)).unwrap();
    for len in [8, 20, whole.len() / 2, whole.len() - 1] {
        let (_folder, path) = bytes(&whole[..len]);
        let why = refused(path);
        assert!(why.starts_with("plugin p: "), "{why}");
        assert!(!why.contains('\n'), "{why}");
    }
    let (_folder, path) = bytes(b"\0asm\x01\0\0\0\xff");
    assert!(refused(path).starts_with("plugin p: the module is not valid here: "));
}

#[test]
fn each_import_is_named_with_what_usually_lies_behind_it() {
    let with = |imports: &str| {
        guests::assemble(
            "p",
            &format!("(module {imports} {MANIFEST} {MEMORY} {LAST_WORDS} {ALLOCATE} {CONFIGURE} {HANDLE})"),
        )
    };
    for (imports, why) in [
        (
            r#"(import "env" "now" (func (result i64)))"#,
            "it imports `env.now`: a plugin imports nothing; a dependency wants a clock, randomness or the system: find it with `cargo tree` and turn that feature off",
        ),
        (
            r#"(import "wasi_snapshot_preview1" "fd_write" (func)) (import "wasi_snapshot_preview1" "proc_exit" (func))"#,
            "it imports `wasi_snapshot_preview1.fd_write`, `wasi_snapshot_preview1.proc_exit`: a plugin imports nothing; it was built for WASI: use the target `wasm32-unknown-unknown`",
        ),
        (
            r#"(import "__wbindgen_placeholder__" "__wbg_getRandomValues_1" (func))"#,
            "it imports `__wbindgen_placeholder__.__wbg_getRandomValues_1`: a plugin imports nothing; `wasm-bindgen` wants a browser: look for a dependency with a `js` feature (`getrandom`, `uuid`, `chrono`) and turn it off",
        ),
        (
            r#"(import "e" "1" (func)) (import "e" "2" (global i32)) (import "e" "3" (func)) (import "e" "4" (func)) (import "e" "5" (func)) (import "e" "6" (func)) (import "e" "7" (func))"#,
            "it imports `e.1`, `e.2`, `e.3`, `e.4`, `e.5` and 2 more: a plugin imports nothing; a dependency wants a clock, randomness or the system: find it with `cargo tree` and turn that feature off",
        ),
    ] {
        assert_eq!(refused(with(imports)), format!("plugin p: {why}"));
    }
}

#[test]
fn an_export_that_is_missing_is_named() {
    for (part, what) in [
        (MEMORY, "the export `memory` (a memory) is missing"),
        (LAST_WORDS, "the export `last_words` (a global) is missing"),
        (ALLOCATE, "the export `allocate` (a function (i32) -> i32) is missing"),
        (CONFIGURE, "the export `configure` (a function (i32, i32) -> i64) is missing"),
        (HANDLE, "the export `handle_callback` (a function (i32, i32) -> i64) is missing"),
    ] {
        let why = refused(module(part, ""));
        assert_eq!(why, format!("plugin p: {what}: export it with `plugin_sdk::export!`, or as the ABI page says"));
    }
    let why = refused(guests::assemble("p", &format!("(module {MANIFEST})")));
    assert_eq!(why.matches("is missing").count(), 5, "{why}");
}

#[test]
fn an_export_of_another_type_is_named() {
    for (part, new, what) in [
        (MEMORY, r#"(global (export "memory") i32 (i32.const 0))"#, "the export `memory` is not a memory"),
        (LAST_WORDS, r#"(func (export "last_words"))"#, "the export `last_words` is not a global"),
        (
            ALLOCATE,
            r#"(func (export "allocate") (param i64) (result i32) (i32.const 0))"#,
            "the export `allocate` is not a function (i32) -> i32",
        ),
        (
            CONFIGURE,
            r#"(func (export "configure") (param i32) (result i64) (i64.const 0))"#,
            "the export `configure` is not a function (i32, i32) -> i64",
        ),
        (
            HANDLE,
            r#"(func (export "handle_callback") (param i32 i32) (result i32) (i32.const 0))"#,
            "the export `handle_callback` is not a function (i32, i32) -> i64",
        ),
        (
            HANDLE,
            r#"(global (export "handle_callback") i32 (i32.const 0))"#,
            "the export `handle_callback` is not a function (i32, i32) -> i64",
        ),
    ] {
        let why = refused(module(part, new));
        assert_eq!(why, format!("plugin p: {what}: export it with `plugin_sdk::export!`, or as the ABI page says"));
    }
}

#[test]
fn last_words_at_no_address_are_explained() {
    let why = refused(module(LAST_WORDS, r#"(global (export "last_words") i64 (i64.const 0))"#));
    assert_eq!(why, "plugin p: it could not be prepared: the export `last_words` is not a global that holds an i32");
}

#[test]
fn another_abi_version_is_named_with_what_the_module_was_built_with() {
    let manifest = r#"(@custom "callgate.plugin" "{\"abi\":2,\"name\":\"p\",\"version\":\"0\",\"sdk\":\"callgate-plugin-sdk 0.9.0\"}")"#;
    let why = "plugin p: it was built for ABI version 2 (callgate-plugin-sdk 0.9.0), and this host speaks version 1: rebuild it with a plugin-sdk that fits this host";
    assert_eq!(refused(module(MANIFEST, manifest)), why);
}

#[test]
fn a_module_without_a_manifest_is_explained() {
    let why = |why: &str| {
        format!(
            "plugin p: it has no section `callgate.plugin` that can be read ({why}): export the plugin with `plugin_sdk::export!`"
        )
    };
    assert_eq!(refused(guests::assemble("p", "(module)")), why("there is none"));
    // All exports, and no manifest: that is not how anybody builds one.
    let stripped = refused(module(MANIFEST, ""));
    assert!(stripped.contains("its section `callgate.plugin` is gone, while its exports are there"), "{stripped}");
    assert!(stripped.contains("`wasm-strip`"), "{stripped}");
    let empty = module(MANIFEST, r#"(@custom "callgate.plugin" "{}")"#);
    assert_eq!(refused(empty), why("missing field `abi` at line 1 column 2"));
}

#[test]
fn another_checksum_is_named_with_both() {
    let path = module(HANDLE, HANDLE);
    let actual: String = {
        use sha2::Digest;
        sha2::Sha256::digest(std::fs::read(&path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    setup().plugin("p", &path, "*", &format!("sha256 = \"{}\"", actual.to_uppercase())).start();
    let expected = "0".repeat(64);
    let why = format!(
        "plugin p: its sha256 is {actual}, but the settings expect {expected}: check where the file comes from, or correct `sha256`"
    );
    assert_eq!(refused_with(path, &format!("sha256 = \"{expected}\"")), why);
}

#[test]
fn a_module_that_is_too_large_is_named_with_its_size() {
    let path = module(HANDLE, HANDLE);
    let bytes = std::fs::metadata(&path).unwrap().len();
    setup().plugin("p", &path, "*", &format!("module_bytes_max = {bytes}")).start();
    let bytes_max = bytes - 1;
    let why = format!(
        "plugin p: the module has {bytes} bytes and at most {bytes_max} are allowed: raise `module_bytes_max` or make it smaller"
    );
    assert_eq!(refused_with(path, &format!("module_bytes_max = {bytes_max}")), why);
}

/// A module whose `configure` does this.
fn configures(body: &str) -> PathBuf {
    module(CONFIGURE, &format!(r#"(func (export "configure") (param i32 i32) (result i64) {body})"#))
}

/// A module whose `configure` gives this reply.
fn configures_with_reply(reply: &str) -> PathBuf {
    let packed = (2048_u64 << 32) | reply.len() as u64;
    let new = format!(
        r#"(data (i32.const 2048) "{}") (func (export "configure") (param i32 i32) (result i64) (i64.const {packed}))"#,
        guests::escaped(reply.as_bytes())
    );
    module(CONFIGURE, &new)
}

#[test]
fn settings_that_the_plugin_refuses_are_explained_in_its_own_words() {
    let path = configures_with_reply(r#"{"accepted":false,"reason":"`words` has no word; write a list of texts"}"#);
    assert_eq!(refused(path), "plugin p: it refuses its settings: `words` has no word; write a list of texts");
}

#[test]
fn what_a_strange_module_says_is_shown_on_one_line() {
    let manifest = |json: &str| format!(r#"(@custom "callgate.plugin" "{}")"#, guests::escaped(json.as_bytes()));
    for path in [
        configures_with_reply("{\"accepted\":false,\"reason\":\"one\\nplugin q: two\\u001b[2J\"}"),
        module(MANIFEST, &manifest("{\"abi\":2,\"name\":\"p\",\"version\":\"0\",\"sdk\":\"a\\nb\\u001b[2J\"}")),
        module(MANIFEST, &manifest("{\"abi\":1,\"name\":\"p\",\"version\":\"0\",\"commands\":[\"a\\nb\\u001b[2J\"]}")),
        guests::assemble("p", "(module (import \"a\\0ab\" \"\\1b[2J\" (func)))"),
    ] {
        let why = refusal(&setup().plugin("p", path, "callbackBeforeAddFriendCommand", ""));
        assert!(!why.contains(['\n', '\u{1b}']), "{why:?}");
    }
}

#[test]
fn a_plugin_that_fails_to_configure_is_explained() {
    let limits = "fuel_to_configure = 1_000_000\nmemory_bytes_max = 131_072";
    let spins = "(loop (br 0)) (unreachable)";
    let grows = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (unreachable)";
    let panics =
        "(i32.store (i32.const 0) (i32.const 4)) (i32.store (i32.const 4) (i32.const 0x21706f6e)) (unreachable)";
    for (body, why) in [
        (
            spins,
            "out of fuel: more than 1000000 units: raise `fuel_to_configure`, or give it less to prepare in its `settings`",
        ),
        (
            grows,
            "out of memory: more than 131072 bytes (`memory_bytes_max`): raise it, or give the plugin less to hold",
        ),
        (panics, "panic: nop!: correct its `settings`, if that is what it complains of, or mend the plugin"),
        (
            "(unreachable)",
            "trap: wasm trap: wasm `unreachable` instruction executed: mend the plugin: `callgate run` tries it without a host",
        ),
        (
            "(i64.const -1)",
            "its reply has 4294967295 bytes, and at most 65536 are allowed: mend the plugin: `callgate run` tries it without a host",
        ),
        (
            "(i64.const 0xffff_0000_0000_0001)",
            "reply is not valid: the reply's address lies outside of the memory: rebuild it with a plugin-sdk that fits this host",
        ),
        (
            "(i64.const 0)",
            "reply is not valid: EOF while parsing a value at line 1 column 0: rebuild it with a plugin-sdk that fits this host",
        ),
    ] {
        let why = format!("plugin p: it could not be configured: {why}");
        assert_eq!(refused_with(configures(body), limits), why);
    }
}

#[test]
fn a_stack_that_is_used_up_while_configuring_is_told_as_that() {
    // Its stack is at the bottom of its memory, as LLVM's linker has it, and its pointer is the first global.
    let module = r#"(module {manifest}
        (memory (export "memory") 2)
        (global $stack (mut i32) (i32.const 0x1_0000))
        (global (export "last_words") i32 (i32.const 0))
        (func $nests (result i32)
            (global.set $stack (i32.sub (global.get $stack) (i32.const 64)))
            (i32.store (global.get $stack) (i32.const 1))
            (call $nests))
        (func (export "allocate") (param i32) (result i32) (i32.const 0x1_1000))
        (func (export "configure") (param i32 i32) (result i64) (i64.extend_i32_u (call $nests)))
        (func (export "handle_callback") (param i32 i32) (result i64) (i64.const 0)))"#;
    let why = refused(guests::assemble("nests", module));
    assert!(why.contains("stack overflow: calls nest too deeply"), "{why}");
}

#[test]
fn a_start_function_that_loops_is_stopped() {
    let why = refused_with(guests::text("starts-with-a-loop"), "fuel_to_configure = 1_000_000");
    assert_eq!(
        why,
        "plugin p: it could not be configured: out of fuel: more than 1000000 units: raise `fuel_to_configure`, or give it less to prepare in its `settings`"
    );
}

#[test]
fn what_a_module_declares_is_bounded_too() {
    let why = refused_with(module(HANDLE, HANDLE), "memory_bytes_max = 65_536");
    assert!(why.starts_with("plugin p: "), "{why}");
    assert!(why.contains("memory_bytes_max"), "{why}");
    let table = format!("{HANDLE} (table 20001 funcref)");
    let why = refused(module(HANDLE, &table));
    assert!(why.starts_with("plugin p: "), "{why}");
    assert!(why.contains("table_elements_max") || why.contains("table"), "{why}");
}

#[test]
fn custom_sections_may_lie_anywhere() {
    for place in ["before type", "after type", "before code", "after code", "before data", "after data"] {
        let section = format!("{HANDLE} (@custom \"note\" ({place}) \"text\")");
        setup().plugin("p", module(HANDLE, &section), "*", "").start();
    }
}

#[test]
fn wasm_that_rustc_does_not_emit_is_not_valid_here() {
    for (what, part) in [
        ("two memories", "(memory 1)"),
        ("a 64-bit memory", "(memory i64 1)"),
        ("tail calls", "(func (return_call 0 (i32.const 0)) (unreachable))"),
        ("shared memory", "(memory 1 1 shared)"),
        ("exceptions", "(tag)"),
    ] {
        let why = refused(module(HANDLE, &format!("{HANDLE} {part}")));
        assert!(why.starts_with("plugin p: "), "{what}: {why}");
    }
}

#[test]
fn a_command_that_the_plugin_does_not_handle_is_named() {
    let manifest = r#"(@custom "callgate.plugin" "{\"abi\":1,\"name\":\"p\",\"version\":\"0\",\"commands\":[\"callbackBeforeAddFriendCommand\",\"callbackBeforeAddBlackCommand\"]}")"#;
    let path = module(MANIFEST, manifest);
    let why = "plugin p: it does not handle `callbackBeforeCreateGroupCommand`, only callbackBeforeAddFriendCommand, callbackBeforeAddBlackCommand: correct `commands`";
    assert_eq!(refusal(&setup().plugin("p", &path, "callbackBeforeCreateGroupCommand", "")), why);
    // A pattern may mean more than it handles.
    setup().plugin("p", &path, "callbackBefore*", "").start();
}

#[test]
fn all_plugins_that_cannot_be_used_are_reported_at_once() {
    let (_folder, text) = bytes(b"(module)");
    let setup = setup()
        .plugin("missing", "/nowhere/p.wasm", "*", "")
        .plugin("fine", module(HANDLE, HANDLE), "*", "")
        .plugin("text", text, "*", "")
        .plugin("bare", module(HANDLE, ""), "*", "")
        .plugin("picky", configures_with_reply(r#"{"accepted":false,"reason":"no"}"#), "*", "");
    let names: Vec<_> =
        refusal(&setup).lines().map(|line| line.split(": ").next().unwrap_or_default().to_owned()).collect();
    assert_eq!(names, ["plugin missing", "plugin text", "plugin bare", "plugin picky"]);
}

#[tokio::test]
async fn a_module_that_is_registered_twice_is_two_plugins() {
    let module = guests::replies("twice", r#"{"verdict":"allow"}"#);
    let host = setup()
        .plugin("first", &module, "callbackBeforeAddFriend*", "")
        .plugin("second", &module, "callbackBeforeAddFriend*", "")
        .plugin("third", &module, "callbackBeforeAddFriend*", "memory_bytes_max = 1_048_576")
        .start();
    host.openim("callbackBeforeAddFriendCommand", &serde_json::json!({})).await;
    for plugin in ["first", "second", "third"] {
        assert_eq!(host.metric("callgate_plugin_calls_total", &[&format!("plugin=\"{plugin}\"")]), 1.0);
    }
    let limits: Vec<_> = host.host().generation().plugins().map(|plugin| plugin.limits().memory_bytes_max).collect();
    assert_eq!(limits, [67_108_864, 67_108_864, 1_048_576]);
}
