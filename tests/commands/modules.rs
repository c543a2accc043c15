//! A module that cannot be used: exit code 4, whichever command is given it.

use std::path::PathBuf;

use harness::guests;

use crate::program::{Folder, folder};

/// Settings of a host with the plugin `p` from `p.wasm`.
const HOST: &str = r#"
[[platform]]
kind = "openim"
[[plugin]]
name = "p"
wasm = "p.wasm"
commands = ["*"]
"#;

/// All commands that load a module from a file are given this one, and end with exit code 4 and this message.
#[track_caller]
fn is_refused(folder: Folder, parts: &[&str]) -> Folder {
    let folder = folder.file("host.toml", HOST);
    for line in [
        "run p.wasm --request ok.json",
        "profile p.wasm --request ok.json",
        "check --settings host.toml",
        "serve --settings host.toml",
        "explain --platform openim --command callbackBeforeAddFriendCommand --request ok.json --settings host.toml",
    ] {
        let message = folder.type_in(line).fails(4, parts);
        let place = if line.contains("host.toml") { "host.toml:" } else { "plugin p: " };
        assert!(message.starts_with(&format!("error: {place}")) && message.contains("plugin p: "), "{line}: {message}");
        assert_eq!(message.lines().count(), 1, "{line}: {message}");
    }
    folder
}

fn guest(parts: &str) -> PathBuf {
    guests::assemble("p", &format!("(module {parts})"))
}

#[test]
fn what_is_no_wasm_is_named() {
    for (contents, what) in [
        (&b""[..], "the file is empty"),
        (b"(module)", "it is wasm as text"),
        (b"hello", "it does not begin with `\\0asm`"),
        (b"\x7fELF\x02\x01", "it is a native object"),
        (b"\0asm\x0d\0\x01\0", "it is a component, and plugins are core modules"),
    ] {
        let part = format!("({what}): build the plugin for `wasm32-unknown-unknown` and name its `.wasm` file");
        is_refused(folder().file("p.wasm", contents), &[&part]);
    }
}

#[test]
fn what_is_not_there_is_named_with_what_to_do() {
    let folder = folder().file("host.toml", HOST);
    let part = "cannot be read (No such file or directory (os error 2)): ";
    for command in ["run", "profile"] {
        folder.run([command, "p.wasm", "--request", "ok.json"]).fails(4, &[part, "or a `.wasm` or `.wat` file"]);
    }
    folder.type_in("check --settings host.toml").fails(4, &["plugin p: ", part, "build the plugin, or correct `wasm`"]);
}

#[test]
fn a_folder_in_place_of_a_module_is_named() {
    let folder = folder().folder("p.wasm").file("host.toml", HOST);
    let no_crate = "p.wasm has no Cargo.toml: name the folder of a plugin's crate, or a `.wasm` or `.wat` file";
    for command in ["run", "profile"] {
        folder.run([command, "p.wasm", "--request", "ok.json"]).fails(4, &[no_crate]);
    }
    let part = "p.wasm cannot be read (it is a folder, not a file): build the plugin, or correct `wasm`";
    folder.type_in("check --settings host.toml").fails(4, &["plugin p: ", part]);
}

#[test]
fn an_import_is_named_with_what_usually_lies_behind_it() {
    for (imports, parts) in [
        (
            r#"(import "wasi_snapshot_preview1" "fd_write" (func))"#,
            ["`wasi_snapshot_preview1.fd_write`", "use the target `wasm32-unknown-unknown`"],
        ),
        (
            r#"(import "__wbindgen_placeholder__" "__wbg_getRandomValues_1" (func))"#,
            ["`__wbindgen_placeholder__.__wbg_getRandomValues_1`", "`js` feature (`getrandom`, `uuid`, `chrono`)"],
        ),
        (
            r#"(import "__wbindgen_placeholder__" "__wbg_fetch_1" (func)) (import "__wbindgen_placeholder__" "__wbg_new_2" (func))"#,
            ["`__wbindgen_placeholder__.__wbg_fetch_1`", "there is no network in a plugin"],
        ),
        (
            r#"(import "wasi_snapshot_preview1" "sock_send" (func))"#,
            ["`wasi_snapshot_preview1.sock_send`", "there is no network in a plugin"],
        ),
        (r#"(import "env" "now" (func (result i64)))"#, ["`env.now`", "find it with `cargo tree`"]),
    ] {
        is_refused(folder().module("p.wasm", guest(&format!("{imports} {{manifest}}"))), &parts);
    }
}

#[test]
fn a_module_for_another_version_of_the_abi_is_named() {
    let manifest = r#"(@custom "callgate.plugin" "{\"abi\":2,\"name\":\"p\",\"version\":\"0\",\"sdk\":\"new 9\"}")"#;
    let parts = ["it was built for ABI version 2 (new 9)", "rebuild it with a plugin-sdk that fits this host"];
    is_refused(folder().module("p.wasm", guest(manifest)), &parts);
}

#[test]
fn a_module_without_exports_is_told_which() {
    is_refused(folder().module("p.wasm", guest("{manifest}")), &["`handle_callback`", "export it with"]);
}

/// A module whose `configure` does this.
fn configures(body: &str) -> PathBuf {
    guest(&format!(
        r#"{{manifest}}
        (memory (export "memory") 2)
        (global (export "last_words") i32 (i32.const 0))
        (data (i32.const 1024) "{{\"accepted\":false,\"reason\":\"`words` is empty: \1b[31madd one\"}}")
        (data (i32.const 3072) "src/lib.rs:7: broken")
        (func (export "allocate") (param i32) (result i32) (i32.const 4096))
        (func (export "configure") (param i32 i32) (result i64) {body})
        (func (export "handle_callback") (param i32 i32) (result i64) (i64.const 0))"#
    ))
}

#[test]
fn settings_that_the_plugin_refuses_come_with_its_own_words_and_without_its_escapes() {
    let len = r#"{"accepted":false,"reason":"`words` is empty: ?[31madd one"}"#.len();
    let module = configures(&format!("(i64.const {})", 1024_u64 << 32 | len as u64));
    // A control character makes the reply invalid JSON, which is said instead: nothing of it reaches the terminal.
    is_refused(folder().module("p.wasm", module), &["it could not be configured: "]);
    let module = guest(
        r#"{manifest}
        (memory (export "memory") 2)
        (global (export "last_words") i32 (i32.const 0))
        (data (i32.const 1024) "{\"accepted\":false,\"reason\":\"no \\u001b[31mword\"}")
        (func (export "allocate") (param i32) (result i32) (i32.const 4096))
        (func (export "configure") (param i32 i32) (result i64) (i64.const 0x400_0000_002f))
        (func (export "handle_callback") (param i32 i32) (result i64) (i64.const 0))"#,
    );
    is_refused(folder().module("p.wasm", module), &["it refuses its settings: no ", "[31mword"]);
}

#[test]
fn a_configuration_that_panics_or_wants_all_memory_is_named() {
    for (body, parts) in [
        (
            "(i32.store (i32.const 0) (i32.const 20)) (memory.copy (i32.const 4) (i32.const 3072) (i32.const 20)) (unreachable)",
            [
                "panic: src/lib.rs:7: broken",
                "correct its `settings`, if that is what it complains of, or mend the plugin",
            ],
        ),
        ("(drop (memory.grow (i32.const 60000))) (unreachable)", ["(`memory_bytes_max`)", "raise it, or"]),
        ("(unreachable)", ["it could not be configured: trap", "mend the plugin"]),
    ] {
        // What has nothing to do with limits names none.
        let names_limits = parts[0].contains("memory");
        let folder = is_refused(folder().module("p.wasm", configures(body)), &parts);
        let message = folder.type_in("run p.wasm --request ok.json").err;
        assert_eq!(message.contains("_max"), names_limits, "{message}");
    }
}
