//! Facts for the author commands: read from a file, shown, compared, profiled.

use harness::guests;
use serde_json::{Value, json};

use crate::crates::bare_that_asks;
use crate::program::{Ended, Folder, folder};

/// A plugin that asks for `sent` and `ban` of `u1`, and adds a strike.
fn asks() -> Folder {
    let needs = r#"[{"fact":"sent","key":"u1"},{"fact":"ban","key":"u1"}]"#;
    let updates =
        r#","updates":[{"fact":"strikes","key":"u1","add":1,"ttl_ms":5000},{"fact":"sent","key":"u2","remove":true}]"#;
    folder().module("p.wasm", guests::knows("asks-of-authors", &["sent", "ban"], &["strikes"], needs, updates))
}

fn run(folder: &Folder, facts: Option<&str>) -> Value {
    let facts = facts.map(|facts| format!(" --facts {facts}")).unwrap_or_default();
    let text = folder.type_in(&format!("run p.wasm --request ok.json --json{facts}")).succeeds();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn facts_from_a_file_are_passed_to_the_plugin_and_shown() {
    let folder = asks().file("f.json", r#"{"sent": {"u1": [3, null]}, "ban": {"u2": true}}"#);
    let report = run(&folder, Some("f.json"));
    let sent = json!({ "fact": "sent", "key": "u1", "value": [3, null] });
    let ban = |why: &str| json!({ "fact": "ban", "key": "u1", "value": null, "why": why });
    assert_eq!(report["facts"], json!([sent, ban("absent")]));
    let given = json!([{ "fact": "sent", "key": "u1", "value": [3, null], "age_ms": 0 }, ban("absent")]);
    assert_eq!(report["records"][0]["facts"], given);
    let updates = json!([
        { "fact": "strikes", "key": "u1", "add": 1, "ttl_ms": 5000 },
        { "fact": "sent", "key": "u2", "remove": true },
    ]);
    assert_eq!(report["updates"], updates);

    let text = folder.type_in("run p.wasm --request ok.json --facts f.json").succeeds();
    for line in [
        "\nfact       sent u1 = [3,null]\n",
        "\nfact       ban u1 is not known: absent\n",
        "\nupdate     strikes u1 + 1, for 5000 ms\n",
        "\nupdate     sent u2 is removed\n",
    ] {
        assert!(text.contains(line), "{line:?}: {text}");
    }

    // Without a file, facts are not configured; a file can give another reason.
    let nothing =
        [json!({ "fact": "sent", "key": "u1", "value": null, "why": "not_configured" }), ban("not_configured")];
    assert_eq!(run(&folder, None)["facts"], json!(nothing));
    let folder = folder.file("late.json", r#"{"sent": {}, "ban": "late"}"#);
    assert_eq!(run(&folder, Some("late.json"))["facts"][1], ban("late"));

    // The file next to a request is found without an argument.
    let request = std::fs::read(folder.path("ok.json")).unwrap();
    let folder = folder.file("a.request.json", request).file("a.facts.json", r#"{"sent": {"u1": 8}}"#);
    let text = folder.type_in("run p.wasm --request a.request.json").succeeds();
    assert!(text.contains("\nfact       sent u1 = 8\n"), "{text}");
}

#[test]
fn facts_that_cannot_be_used_are_named() {
    let folder = asks()
        .file("list.json", "[]")
        .file("text.json", "sent = 3")
        .file("number.json", r#"{"sent": 3}"#)
        .file("reason.json", r#"{"sent": "lat"}"#)
        .file("name.json", r#"{"snet": {"u1": 3}}"#);
    for (file, parts) in [
        (
            "list.json",
            ["list.json: the facts are not an object: write one, such as {\"sent\": {\"u1\": 3}}"].as_slice(),
        ),
        ("text.json", &["text.json: the facts are not JSON (", "write an object, such as"]),
        ("number.json", &["number.json: the fact `sent` has no keys: write an object of values by key"]),
        ("reason.json", &["reason.json: the fact `sent` has an unknown reason: did you mean \"late\"?"]),
        ("name.json", &["name.json: the plugin asks for no fact `snet`; did you mean `sent`?"]),
        ("missing.json", &["missing.json cannot be read (", "name a file with facts"]),
    ] {
        for command in ["run", "profile"] {
            folder.type_in(&format!("{command} p.wasm --request ok.json --facts {file}")).fails(6, parts);
        }
    }
    folder
        .type_in("run p.wasm --request - --facts -")
        .fails(2, &["--request and --facts cannot both be standard input"]);
    let folder = folder.module("none.wasm", guests::tells("none"));
    folder
        .type_in("run none.wasm --request ok.json --facts name.json")
        .fails(6, &["it uses no facts: list them in `facts`"]);
}

#[test]
fn what_needs_burns_is_profiled_too() {
    let folder = asks().file("f.json", r#"{"sent": {"u1": 3}}"#);
    let text = folder.type_in("profile p.wasm --request ok.json --facts f.json --json").succeeds();
    let profile: Value = serde_json::from_str(&text).unwrap();
    let fuel = run(&folder, Some("f.json"))["usage"]["fuel"]["used"].clone();
    assert_eq!(profile["fuel"], fuel);
    let functions = profile["functions"].as_array().unwrap();
    let own: u64 = functions.iter().map(|function| function["own_fuel"].as_u64().unwrap()).sum();
    assert_eq!(json!(own), fuel);
    let allocate = functions.iter().find(|function| function["name"] == "allocate").unwrap();
    assert_eq!(allocate["calls"], 2, "for `needs`, and for the decision");
    assert!(functions.iter().any(|function| function["name"] == "needs"), "{functions:#?}");
}

/// What was printed of callbacks that failed.
fn failed(ended: Ended) -> String {
    let text = ended.out.clone();
    ended.fails_after_cargo(7, &["failed: see above"]);
    text
}

#[test]
fn needs_and_updates_are_compared_like_records() {
    let folder = bare_that_asks().file("p/callbacks/one.facts.json", r#"{"sent": {"u1": 21}}"#);
    let text = failed(folder.type_in("test p"));
    for part in ["one.response.json is missing", "needs", "updates"] {
        assert!(text.contains(part), "{part:?}: {text}");
    }
    folder.type_in("test p --accept").succeeds();
    let read = |name: &str| std::fs::read_to_string(folder.path("p/callbacks").join(name)).unwrap();
    assert_eq!(read("one.needs.jsonl"), "{\"fact\":\"sent\",\"key\":\"u1\"}\n");
    assert_eq!(read("one.updates.jsonl"), "{\"fact\":\"strikes\",\"key\":\"u1\",\"add\":1}\n");
    assert!(folder.type_in("test p").succeeds().starts_with("ok       one: deny, fuel "));

    // With other facts: another answer, no update, the same needs.
    let folder = folder.file("p/callbacks/one.facts.json", r#"{"sent": "late"}"#);
    let text = failed(folder.type_in("test p"));
    assert!(text.contains("FAILED   one: allow") && text.contains("updates") && !text.contains("needs"), "{text}");
    folder.type_in("test p --accept").succeeds();
    assert!(!folder.path("p/callbacks/one.updates.jsonl").exists());

    let folder = folder.file("p/callbacks/one.facts.json", r#"{"sennt": {}}"#);
    folder
        .type_in("test p")
        .fails_after_cargo(6, &["one.facts.json: the plugin asks for no fact `sennt`; did you mean `sent`?"]);
    // An update that the manifest does not list can only be dropped.
    let source = std::fs::read_to_string(folder.path("p/src/lib.rs")).unwrap();
    let source = source.replace(r#"\"updates\":[\"strikes\"]"#, r#"\"updates\":[\"strokes\"]"#);
    let folder = folder.file("p/src/lib.rs", source).file("p/callbacks/one.facts.json", r#"{"sent": {"u1": 21}}"#);
    let text = failed(folder.type_in("test p --accept"));
    assert!(text.contains("the plugin changes a fact that it does not list, add it to `updates`"), "{text}");
}

#[test]
fn only_a_plugin_that_asks_for_facts_exports_needs() {
    let folder = folder()
        .module("without.wasm", guests::shipped("clean-remark"))
        .module("changes.wasm", guests::shipped("filter-messages"))
        .module("asks.wasm", guests::shipped("limit-rate"));
    let inspect = |module: &str| -> Value {
        serde_json::from_str(&folder.type_in(&format!("inspect {module} --json")).succeeds()).unwrap()
    };
    let has_needs =
        |report: &Value| report["exports"].as_array().unwrap().iter().any(|export| export["name"] == "needs");
    let without = inspect("without.wasm");
    assert!(!has_needs(&without));
    assert!(without["manifest"].get("facts").is_none() && without["manifest"].get("updates").is_none(), "{without:#}");
    let changes = inspect("changes.wasm");
    assert!(!has_needs(&changes));
    assert_eq!(changes["manifest"]["updates"], json!(["strikes", "last_strike"]));
    let asks = inspect("asks.wasm");
    assert!(has_needs(&asks));
    assert_eq!(asks["manifest"]["facts"], json!(["sent"]));
    let text = folder.type_in("inspect asks.wasm").succeeds();
    assert!(text.contains("\nfacts      sent\n"), "{text}");
}

#[test]
fn a_new_plugin_can_begin_with_a_fact() {
    let folder = folder();
    let sdk = guests::repository().join("plugin-sdk").display().to_string();
    for (name, command, user) in [
        ("slow-down", "C2C.CallbackBeforeSendMsg", "mei"),
        ("slow-friends", "callbackBeforeAddFriendCommand", "u_alice"),
    ] {
        folder.run(["new", name, "--facts", "--command", command, "--sdk-path", &sdk]).succeeds();
        let read = |path: &str| std::fs::read_to_string(folder.path(name).join(path)).unwrap();
        assert!(read("src/lib.rs").contains("facts: [\"count\"]);"));
        assert!(read("README.md").contains(&format!("facts = {{ count = \"{name}-count\" }}")));
        assert_eq!(read("callbacks/settings.toml"), "count_max = 20\n");
        let callbacks = std::fs::read_dir(folder.path(name).join("callbacks")).unwrap();
        let facts =
            callbacks.flatten().map(|file| file.path()).find(|path| path.to_string_lossy().ends_with(".facts.json"));
        let facts: Value = serde_json::from_str(&std::fs::read_to_string(facts.unwrap()).unwrap()).unwrap();
        assert_eq!(facts, json!({ "count": { user: 3 } }));
    }
    for command in ["State.StateChange", "callbackAfterAddFriendCommand", "Push.OfflinePush"] {
        folder
            .run(["new", "p", "--facts", "--command", command, "--sdk-path", &sdk])
            .fails(2, &["--facts is for commands that ask before something happens and name the acting user"]);
    }
    assert!(!folder.path("p").exists());
}
