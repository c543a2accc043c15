//! `new`, `build` and `test`: crates, which cargo builds.
//!
//! The crate here has no dependencies, so that building it takes no time; README's own path, with the sdk, is walked by
//! `tests/readme.sh`.

use std::path::Path;
use std::process::Command;

use harness::guests;
use serde_json::Value;

use crate::program::{Ended, Folder, REQUEST, folder};

const MANIFEST: &str = r#"
[package]
name = "bare"
version = "0.1.0"
edition = "2024"
[lib]
crate-type = ["cdylib"]
[workspace]
"#;

/// Denies everything, but panics if `reqMsg` is `panic`, and loops for ever if it is `spin`.
const SOURCE: &str = r##"
#![no_std]

#[unsafe(link_section = "callgate.plugin")]
#[used]
static MANIFEST: [u8; 41] = *b"{\"abi\":1,\"name\":\"bare\",\"version\":\"0.1.0\"}";

static mut INPUT: [u8; 65536] = [0; 65536];

#[unsafe(no_mangle)]
pub static last_words: u32 = 0;

#[unsafe(no_mangle)]
pub extern "C" fn allocate(_: u32) -> *mut u8 {
    (&raw mut INPUT).cast()
}

#[unsafe(no_mangle)]
pub extern "C" fn configure(_: u32, _: u32) -> u64 {
    packed(r#"{"accepted":true}"#)
}

#[unsafe(no_mangle)]
pub extern "C" fn handle_callback(at: *const u8, len: usize) -> u64 {
    let input = unsafe { core::slice::from_raw_parts(at, len) };
    let holds = |text: &[u8]| input.windows(text.len()).any(|window| window == text);
    while holds(br#""reqMsg":"spin""#) {}
    if holds(br#""reqMsg":"panic""#) {
        core::arch::wasm32::unreachable()
    }
    packed(r#"{"verdict":"deny","code":5003,"message":"no","records":[{"denied":1}]}"#)
}

fn packed(text: &'static str) -> u64 {
    (text.as_ptr() as u64) << 32 | text.len() as u64
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}
"##;

/// The answer that the chat server gets from that crate.
const ANSWER: &str = r#"{"actionCode":0,"errCode":5003,"errMsg":"no","errDlt":"","nextCode":1}"#;

/// That crate, as `p`.
pub(crate) fn bare() -> Folder {
    bare_of(SOURCE)
}

/// That crate, which asks for the fact `sent` of `u1`; if that is 21, it denies and adds a strike, and allows
/// otherwise.
pub(crate) fn bare_that_asks() -> Folder {
    let manifest = r#"{\"abi\":1,\"name\":\"bare\",\"version\":\"0.1.0\"}"#;
    let with_facts = manifest.replace('}', r#",\"facts\":[\"sent\"],\"updates\":[\"strikes\"]}"#);
    let length = with_facts.replace('\\', "").len();
    let needs = r##"
#[unsafe(no_mangle)]
pub extern "C" fn needs(_: *const u8, _: usize) -> u64 {
    packed(r#"[{"fact":"sent","key":"u1"}]"#)
}

#[unsafe(no_mangle)]
pub extern "C" fn handle_callback"##;
    let decision = r##"if !holds(br#""value":21"#) {
        return packed(r#"{"verdict":"allow"}"#);
    }
    packed(r#"{"verdict":"deny","code":5003,"message":"no","updates":[{"fact":"strikes","key":"u1","add":1}]}"#)"##;
    let source = SOURCE
        .replace("[u8; 41]", &format!("[u8; {length}]"))
        .replace(manifest, &with_facts)
        .replace("\n#[unsafe(no_mangle)]\npub extern \"C\" fn handle_callback", needs)
        .replace(r##"packed(r#"{"verdict":"deny","code":5003,"message":"no","records":[{"denied":1}]}"#)"##, decision);
    bare_of(&source)
}

fn bare_of(source: &str) -> Folder {
    let folder = folder().file("p/Cargo.toml", MANIFEST).file("p/src/lib.rs", source);
    folder.file("p/callbacks/one.request.json", REQUEST)
}

/// A callback with this message.
fn request(message: &str) -> String {
    REQUEST.replace("}", &format!(",\"reqMsg\":\"{message}\"}}"))
}

#[test]
fn a_crate_becomes_a_module_whose_sections_are_shown() {
    let folder = bare();
    let text = folder.type_in("build p").succeeds();
    for part in ["bare.wasm\n", "\ncode  ", "  callgate.plugin\n", "\nbare 0.1.0, handles any command\n"] {
        assert!(text.contains(part), "{part:?}: {text}");
    }
    let text = folder.type_in("run p --request ok.json").succeeds();
    assert!(text.contains("\nverdict    deny with code 5003: no\n"), "{text}");
}

#[test]
fn a_crate_is_run_with_the_settings_of_its_callbacks_folder() {
    let folder = bare().file("p/callbacks/settings.toml", "a = ").file("good.toml", "a = 1");
    for command in ["run", "profile"] {
        let line = format!("{command} p --request ok.json");
        folder.type_in(&line).fails(3, &["p/callbacks/settings.toml: the settings are not valid TOML (line 1: "]);
    }
    // Those that are named come first.
    let text = folder.type_in("run p --request ok.json --settings good.toml").succeeds();
    assert!(text.contains("\nverdict    deny with code 5003: no\n"), "{text}");
}

#[test]
fn answers_are_written_then_compared_and_a_difference_is_shown() {
    let folder = bare();
    // Without an answer to compare with, it says what it would be.
    let ended = folder.type_in("test p");
    assert!(ended.out.starts_with("FAILED   one: deny, fuel "), "{ended:#?}");
    assert!(ended.out.contains("one.response.json is missing; with --accept it becomes"), "{ended:#?}");
    ended.fails_after_cargo(7, &["error: 1 of 1 callbacks failed: see above"]);

    let text = folder.type_in("test p --accept").succeeds();
    assert!(text.starts_with("accepted one: deny, fuel ") && text.ends_with("\n1 passed, 0 failed\n"), "{text}");
    let read = |name: &str| std::fs::read_to_string(folder.path("p/callbacks").join(name)).unwrap();
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(json(&read("one.response.json")), json(ANSWER));
    assert_eq!(read("one.records.jsonl"), "{\"denied\":1}\n");

    let text = folder.type_in("test p").succeeds();
    assert!(text.starts_with("ok       one: deny, fuel ") && text.contains(" of 20_000_000 (0.1 %)\n"), "{text}");

    let folder = folder.file("p/callbacks/one.response.json", ANSWER.replace("5003", "5004"));
    let ended = folder.type_in("test p");
    for part in [
        "FAILED   one",
        "the answer: - expected, + found",
        "- errCode: 5004",
        "+ errCode: 5003",
        "\n0 passed, 1 failed\n",
    ] {
        assert!(ended.out.contains(part), "{part:?}: {ended:#?}");
    }
    ended.fails_after_cargo(7, &["error: 1 of 1 callbacks failed: see above"]);

    let folder = folder.file("p/callbacks/one.response.json", "no JSON");
    let ended = folder.type_in("test p");
    let part = "one.response.json is not JSON (expected ident at line 1 column 2): correct it, or remove it";
    ended.fails_after_cargo(6, &[part]);
}

#[test]
fn a_fault_is_never_accepted_and_too_much_fuel_fails() {
    let folder = bare()
        .file("p/callbacks/panics.request.json", request("panic"))
        .file("p/callbacks/spins.request.json", request("spin"));
    let ended = folder.type_in("test p --accept");
    assert!(ended.out.contains("accepted one: "), "{ended:#?}");
    for name in ["panics", "spins"] {
        assert!(ended.out.contains(&format!("FAILED   {name}: ")), "{ended:#?}");
        assert!(!folder.path("p/callbacks").join(format!("{name}.response.json")).exists());
    }
    assert_eq!(ended.out.matches("the plugin gave no verdict: ").count(), 2, "{ended:#?}");
    ended.fails_after_cargo(7, &["error: 2 of 3 callbacks failed: see above"]);

    let ended = bare().type_in("test p --accept --fuel-max 10");
    assert!(ended.out.contains(" fuel, more than 10 (--fuel-max)\n"), "{ended:#?}");
    ended.fails_after_cargo(7, &["error: 1 of 1 callbacks failed: see above"]);
}

#[test]
fn results_for_ci_are_well_formed_whatever_is_in_them() {
    let folder = bare()
        .file("p/callbacks/a<b & \"c\u{1}\u{fffe}'.request.json", request("]]> <&"))
        .file("p/callbacks/panics.request.json", request("panic"));
    folder.type_in("test p --accept --junit out.xml").fails_after_cargo(7, &["error: 1 of 3 callbacks failed"]);
    let xml = std::fs::read_to_string(folder.path("out.xml")).unwrap();
    let elements = elements(&xml);
    let count = |name: &str| elements.iter().filter(|element| *element == name).count();
    assert_eq!([count("testsuites"), count("testsuite"), count("testcase"), count("failure")], [1, 1, 3, 1], "{xml}");
    assert!(xml.contains("tests=\"3\" skipped=\"0\" failures=\"1\" errors=\"0\""), "{xml}");
    assert!(xml.contains("name=\"a&lt;b &amp; &quot;c??&apos;\""), "{xml}");

    let ended = folder.type_in("test p --accept --junit nowhere/out.xml");
    let part =
        "nowhere/out.xml cannot be written (No such file or directory (os error 2)): name another file with --junit";
    ended.fails_after_cargo(1, &[part]);
}

/// The names of the elements of an XML text, which must be well-formed: what opens is closed in order, attributes are
/// quoted, and no character stands there that XML does not have.
fn elements(xml: &str) -> Vec<String> {
    let rest = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("a declaration");
    let is_allowed = |letter: char| {
        letter == '\n' || letter == '\t' || letter >= ' ' && !('\u{fffe}'..='\u{ffff}').contains(&letter)
    };
    assert!(rest.chars().all(is_allowed), "{xml}");
    let (mut open, mut names): (Vec<String>, Vec<String>) = Default::default();
    for piece in rest.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').expect("a tag ends");
        assert!(!text.contains('>'), "{xml}");
        for entity in text.split('&').skip(1).chain(tag.split('&').skip(1)) {
            assert!(["lt;", "gt;", "amp;", "quot;", "apos;"].iter().any(|known| entity.starts_with(known)), "{xml}");
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "{xml}");
            continue;
        }
        let name = tag.trim_end_matches('/').split_whitespace().next().unwrap().to_owned();
        assert_eq!(tag.matches('"').count() % 2, 0, "{xml}");
        names.push(name.clone());
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<String>::new(), "{xml}");
    names
}

#[test]
fn what_is_no_crate_is_named() {
    let folder = folder()
        .folder("empty")
        .file("file", "")
        .file("workspace/Cargo.toml", "[workspace]\nmembers = []\n")
        .file("crate/Cargo.toml", "[package]\nname = \"p\"\n");
    for (name, part) in [
        ("none", "none cannot be read (No such file or directory (os error 2)): name the folder of a plugin's crate"),
        ("empty", "empty has no Cargo.toml: name the folder of a plugin's crate"),
        ("file", "file has no Cargo.toml: name the folder of a plugin's crate"),
        ("workspace", "workspace is a workspace: name the folder of one plugin's crate"),
    ] {
        folder.run(["build", name]).fails(4, &[part]);
        folder.run(["test", name]).fails(4, &[part]);
        if name != "file" {
            folder.run(["run", name, "--request", "ok.json"]).fails(4, &[part]);
            folder.run(["profile", name, "--request", "ok.json"]).fails(4, &[part]);
        }
    }
    let missing = "crate/callbacks cannot be read (No such file or directory (os error 2)): make this folder";
    folder.type_in("test crate").fails(6, &[missing]);
    let folder = folder.folder("crate/callbacks");
    folder.type_in("test crate").fails(6, &["crate/callbacks has no *.request.json: add a callback"]);
    let folder = folder.file("crate/callbacks/a.request.json", REQUEST).file("crate/callbacks/settings.toml", "a = ");
    folder
        .type_in("test crate")
        .fails(3, &["crate/callbacks/settings.toml: the settings are not valid TOML (line 1: "]);
}

#[test]
fn a_crate_whose_module_no_host_would_load_is_named_beside_those_that_are_fine() {
    let import = "#[link(wasm_import_module = \"env\")]\nunsafe extern \"C\" {\n    fn now() -> u64;\n}\n";
    let source = SOURCE
        .replace("#![no_std]", &format!("#![no_std]\n{import}"))
        .replace("let input =", "if unsafe { now() } == 0 {\n        return 0;\n    }\n    let input =");
    let folder = bare().file("q/Cargo.toml", MANIFEST.replace("bare", "q")).file("q/src/lib.rs", source);
    let ended = folder.type_in("build p q");
    assert!(ended.out.contains("\nbare 0.1.0, handles any command\n") && ended.out.contains("q.wasm\n"), "{ended:#?}");
    ended.fails_after_cargo(4, &["q.wasm: it imports `env.now`: a plugin imports nothing; ", "`cargo tree`"]);
    folder.type_in("run q --request ok.json").fails_after_cargo(4, &["error: plugin q: it imports `env.now`: "]);
    // One that is missing does not keep the others from being built.
    let ended = folder.type_in("build none p");
    assert!(ended.out.contains("\nbare 0.1.0, handles any command\n"), "{ended:#?}");
    ended.fails_after_cargo(4, &["error: none cannot be read (No such file or directory (os error 2)): "]);
}

#[test]
fn without_rust_it_says_where_to_get_it() {
    let folder = bare();
    let without_rust = |line: &str| {
        let mut command = folder.command(line.split_whitespace());
        Ended::of(command.env("PATH", "/nowhere").env_remove("CARGO"))
    };
    for line in ["build p", "run p --request ok.json", "profile p --request ok.json", "test p"] {
        without_rust(line).fails(4, &["install Rust with rustup (https://rustup.rs), or build the plugin elsewhere"]);
    }
}

#[test]
fn answers_that_cannot_be_written_are_named() {
    let folder = bare().folder("p/callbacks/one.response.json");
    let part = "one.response.json cannot be read (Is a directory (os error 21)): check that file";
    folder.type_in("test p --accept").fails_after_cargo(6, &[part]);
}

#[test]
fn a_crate_that_does_not_compile_is_named_after_cargos_own_messages() {
    let folder = bare().file("p/src/lib.rs", "#![no_std]\nfn {");
    let part = "error: cargo could not build p: see its messages above";
    folder.type_in("build p").fails_after_cargo(4, &[part]);
    folder.type_in("test p").fails_after_cargo(4, &[part]);
    folder.type_in("profile p --request ok.json").fails_after_cargo(4, &["error: cargo could not build p: "]);
    // A crate that gives no module at all.
    let folder = folder.file("p/Cargo.toml", MANIFEST.replace("[\"cdylib\"]", "[\"rlib\"]")).file("p/src/lib.rs", "");
    let part = "error: p builds no wasm module: its Cargo.toml needs `[lib]` with `crate-type = ";
    folder.type_in("build p").fails_after_cargo(4, &[part]);
}

/// The folder of the sdk.
fn sdk() -> String {
    guests::repository().join("plugin-sdk").display().to_string()
}

#[test]
fn a_new_plugin_is_not_started_where_it_cannot_be() {
    let sdk = sdk();
    let folder = folder().folder("there").file("file", "");
    for (name, code, part) in [
        ("Tame", 2, "`Tame` is not a valid plugin name: use 1 to 64 of a-z, 0-9, `-` and `_`, beginning with a letter"),
        ("match", 2, "`match` is not a valid plugin name: it is reserved by Rust, or a crate that plugins use has it"),
        ("..", 2, "is not a valid plugin name"),
        ("there", 2, "there already exists: choose another name"),
        ("file", 2, "file already exists: choose another name"),
        ("file/p", 1, "file/p/Cargo.toml cannot be written (Not a directory (os error 20)): choose another folder"),
    ] {
        folder.run(["new", name, "--sdk-path", &sdk]).fails(code, &["error: ", part]);
    }
    let part = "there does not contain the crate callgate-plugin-sdk: name `plugin-sdk` in a checkout of callgate";
    folder.type_in("new p --sdk-path there").fails(2, &[part]);
    folder.type_in("new p").fails(2, &["the sdk was not found: give --sdk-path DIR", "or --sdk-git URL"]);
    for (command, part) in [
        ("callbackBeforeAddFrendCommand", "did you mean `callbackBeforeAddFriendCommand`?"),
        ("nope", "write it as the chat server does, such as `callbackBeforeAddFriendCommand`"),
    ] {
        folder.run(["new", "p", "--sdk-path", &sdk, "--command", command]).fails(2, &[part]);
    }
    assert!(!folder.path("p").exists());
}

#[test]
fn a_new_plugin_has_what_its_author_needs() {
    let folder = folder();
    let text = folder.run(["new", "tame-requests", "--sdk-path", &sdk()]).succeeds();
    assert!(
        text.starts_with("Created tame-requests, which decides callbackBeforeAddFriendCommand (openim).\n"),
        "{text}"
    );
    assert!(text.contains("\n    cd tame-requests\n    cargo test\n"), "{text}");
    for file in ["Cargo.toml", ".cargo/config.toml", ".gitignore", "README.md", "src/lib.rs", "callbacks/settings.toml"]
    {
        assert!(folder.path("tame-requests").join(file).is_file(), "{file}");
    }
}

#[test]
fn a_new_plugin_joins_the_workspace_around_it() {
    let workspace = "[workspace]\nresolver = \"3\"\nmembers = [\n    \"shared\", # what all have\n]\n";
    let folder =
        folder().file("Cargo.toml", workspace).file("elsewhere/Cargo.toml", "[workspace]\nexclude = [\"out\"]\n");
    let read = |path: &str| std::fs::read_to_string(folder.path(path)).unwrap();
    for name in ["one", "plugins/two"] {
        let text = folder.run(["new", name, "--sdk-path", &sdk()]).succeeds();
        assert!(text.contains("\nIt is a member of the workspace of "), "{text}");
        let manifest = read(&format!("{name}/Cargo.toml"));
        assert!(!manifest.contains("[workspace]") && !manifest.contains("[profile"), "{manifest}");
    }
    let joined = "[workspace]\nresolver = \"3\"\nmembers = [\n    \"shared\", # what all have\n    \"one\",\n    \
                  \"plugins/two\",\n]\n";
    assert_eq!(read("Cargo.toml"), joined);
    let text = folder.run(["new", "elsewhere/out/three", "--sdk-path", &sdk()]).succeeds();
    assert!(
        !text.contains("workspace") && read("elsewhere/out/three/Cargo.toml").contains("\n[workspace]\n"),
        "{text}"
    );

    let folder = folder.file("Cargo.toml", "[workspace\n");
    folder
        .run(["new", "four", "--sdk-path", &sdk()])
        .fails(2, &["/Cargo.toml is not valid TOML (", "correct it first"]);
    assert!(!folder.path("four").exists());
}

#[test]
fn a_plugin_without_a_view_of_what_it_handles_is_told() {
    let line = serde_json::json!([{ "level": "debug", "text": callgate_catalogue::neutral::NOT_IN_VIEW }]).to_string();
    let source = SOURCE.replace(r#""records":[{"denied":1}]"#, &format!(r#""log":{line}"#));
    let folder = bare().file("p/src/lib.rs", source);
    let text = folder.type_in("test p --accept").succeeds();
    let note = "\n         note: the plugin handles this command, but gets no view of it: ";
    assert!(text.starts_with("accepted one: deny, fuel ") && text.contains(note), "{text}");
}

fn git(folder: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"];
    let done = Command::new("git").args(identity).args(arguments).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "git {arguments:?}: {done:#?}");
}

#[test]
fn the_sdk_of_a_git_repository_is_found_there_by_cargo() {
    // A repository like ours: the sdk is a member of a workspace, below its root.
    let folder = folder()
        .file("repo/Cargo.toml", "[workspace]\nmembers = [\"plugin-sdk\"]\nresolver = \"3\"\n")
        .file(
            "repo/plugin-sdk/Cargo.toml",
            "[package]\nname = \"callgate-plugin-sdk\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
        )
        .file("repo/plugin-sdk/src/lib.rs", "");
    git(&folder.path("repo"), &["init", "--quiet"]);
    git(&folder.path("repo"), &["add", "."]);
    git(&folder.path("repo"), &["commit", "--quiet", "--message", "The sdk"]);
    let url = format!("file://{}", folder.path("repo").display());
    folder.run(["new", "p", "--sdk-git", &url]).succeeds();

    // The other dependencies would need a registry.
    let manifest = std::fs::read_to_string(folder.path("p/Cargo.toml")).unwrap();
    assert!(manifest.contains(&format!("callgate-plugin-sdk = {{ git = \"{url}\" }}\n")), "{manifest}");
    let kept: Vec<_> = manifest.lines().filter(|line| !line.starts_with("serde")).collect();
    std::fs::write(folder.path("p/Cargo.toml"), kept.join("\n")).unwrap();
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1"])
        .current_dir(folder.path("p"))
        // What cargo fetches goes with the folder.
        .env("CARGO_HOME", folder.path("cargo-home"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap_or_else(|_| panic!("{metadata:#?}"));
    let packages = metadata["packages"].as_array().unwrap();
    let sdk = packages.iter().find(|package| package["name"] == "callgate-plugin-sdk").unwrap();
    assert!(sdk["source"].as_str().unwrap().starts_with("git+file://"), "{sdk:#}");
}
