//! `inspect`: what a module is, also one that no host would load.

use harness::guests;
use serde_json::Value;

use crate::program::folder;

#[test]
fn a_plugin_is_shown_with_its_exports_and_sizes() {
    let folder = folder().module("p.wasm", guests::text("spins"));
    let text = folder.type_in("inspect p.wasm").succeeds();
    for part in [
        "kind       module\nsize       ",
        "\nplugin     spins 0\nabi        1 (text)\nhandles    any command\n",
        "\nmemory     131_072 bytes, no maximum\n",
        "\nEXPORT           KIND\n",
        "\nhandle_callback  function\n",
        "\nlast_words       global\n",
        "\nSECTION ",
    ] {
        assert!(text.contains(part), "{part:?}: {text}");
    }
    assert!(!text.contains("IMPORT"), "{text}");

    let json: Value = serde_json::from_str(&folder.type_in("inspect p.wasm --json").succeeds()).unwrap();
    assert_eq!((&json["kind"], &json["problem"]), (&"module".into(), &Value::Null));
    assert_eq!((&json["manifest"]["name"], &json["memory_bytes"]["initial"]), (&"spins".into(), &131_072.into()));
    let size = std::fs::metadata(folder.path("p.wasm")).unwrap().len();
    assert_eq!((&json["bytes"], &json["imports"]), (&size.into(), &Value::Array(Vec::new())));
    let export = serde_json::json!({ "name": "handle_callback", "kind": "function" });
    assert!(json["exports"].as_array().unwrap().contains(&export), "{json:#}");
    assert!(json["sections"].as_array().unwrap().iter().any(|section| section["name"] == "callgate.plugin"));
}

#[test]
fn a_foreign_module_is_shown_too_and_then_why_no_host_would_load_it() {
    let wasi = r#"(module (import "wasi_snapshot_preview1" "fd_write" (func)) (memory (export "memory") 1 2))"#;
    let folder = folder()
        .file("wasi.wat", wasi)
        .file("escapes.wat", "(module (import \"a\\1b[31m\" \"b\" (func)))")
        .file("bare.wat", "(module)")
        .file("component.wasm", b"\0asm\x0d\0\x01\0")
        .file("native.wasm", b"\x7fELF\x02\x01");
    let ended = folder.type_in("inspect wasi.wat");
    assert!(ended.out.contains("\nmemory     65_536 bytes, at most 131_072\n"), "{ended:#?}");
    assert!(ended.out.contains("\nwasi_snapshot_preview1.fd_write  function\n"), "{ended:#?}");
    ended.fails_with_output(
        4,
        &["error: wasi.wat: it imports `wasi_snapshot_preview1.fd_write`: ", "it was built for WASI"],
    );
    for (file, kind, part) in [
        ("escapes.wat", "module", "it imports `a [31m.b`: a plugin imports nothing"),
        ("bare.wat", "module", "it has no section `callgate.plugin`"),
        ("component.wasm", "component", "it is a component, and plugins are core modules"),
        ("native.wasm", "no wasm", "it is a native object"),
    ] {
        let ended = folder.run(["inspect", file]);
        assert!(ended.out.starts_with(&format!("kind       {kind}\n")), "{ended:#?}");
        let message = ended.fails_with_output(4, &[part]);
        let ended = folder.run(["inspect", file, "--json"]);
        let json: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(json["kind"], kind);
        assert!(message.contains(json["problem"].as_str().unwrap()), "{json:#}");
        ended.fails_with_output(4, &[part]);
    }
    folder.type_in("inspect none.wasm").fails(4, &["none.wasm cannot be read (No such file or directory"]);
}

#[test]
fn wasm_as_text_is_assembled() {
    let text = std::fs::read_to_string(guests::fixture("guests/spins.wat")).unwrap();
    let text = guests::filled_in("spins", &text);
    let folder = folder().file("p.wat", text).file("spare.json", guests::SPARE).file("bad.wat", "(module (func");
    for command in ["run", "profile"] {
        let line = format!("{command} p.wat --request spare.json --command callbackBeforeAddFriendCommand");
        let text = folder.type_in(&line).succeeds();
        assert!(text.contains("\nverdict    allow\n"), "{text}");
    }
    folder.type_in("run bad.wat --request ok.json").fails(4, &["expected `)`", "bad.wat:1:14"]);
}
