//! `run`: a call that ends in a fault has exit code 7 and shows no verdict; one that does not shows what it used.

use harness::guests;
use serde_json::Value;

use crate::program::folder;

/// The callback that hostile guests answer with what they are for.
const PROVOKE: &str = "run p.wasm --request provoke.json --command callbackBeforeAddFriendCommand";

#[test]
fn a_call_without_a_verdict_is_a_failure_with_its_reason() {
    for (guest, fault, part) in [
        // On a machine that is busy elsewhere it may be its time that ends first.
        ("spins", "out_of_fuel or out_of_time", "out of "),
        ("panics", "panic", "src/lib.rs:7: it is broken"),
        ("grows", "out_of_memory", "67108864 bytes"),
        ("recurses", "stack_overflow", "stack"),
        ("gives-up", "trap", "unreachable"),
        ("reply-of-4-gib", "reply_too_large", "at most 1048576"),
        ("reply-outside", "reply_invalid", "reply"),
    ] {
        let folder = folder().file("provoke.json", guests::PROVOKE).module("p.wasm", guests::text(guest));
        let ended = folder.type_in(PROVOKE);
        let verdict = "\nverdict    none (fault); with on_fault = \"allow\" the server gets 200 {";
        assert!(ended.out.contains(verdict) && !ended.out.contains("\nanswer "), "{ended:#?}");
        let fault_line = ended.out.lines().find(|line| line.starts_with("fault ")).unwrap_or_default().to_owned();
        assert!(fault_line.contains(part), "{guest}: {fault_line}");
        ended.fails_with_output(7, &["error: the plugin gave no verdict: see `fault` above"]);

        let ended = folder.type_in(&format!("{PROVOKE} --json"));
        let json: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(json["verdict"], Value::Null, "{guest}: {json:#}");
        assert!(fault.split(" or ").any(|fault| json["fault"]["is"] == fault), "{guest}: {json:#}");
        ended.fails_with_output(7, &[]);
    }
}

#[test]
fn an_answer_that_no_plugin_gave_is_not_explained_as_if_one_had() {
    let host = "[[platform]]\nkind = \"openim\"\n[[plugin]]\nname = \"p\"\nwasm = \"p.wasm\"\ncommands = [\"*\"]\n";
    let folder = folder()
        .file("host.toml", host)
        .file("provoke.json", guests::PROVOKE)
        .file("spare.json", guests::SPARE)
        .module("p.wasm", guests::text("panics"));
    let line = "explain --platform openim --command callbackBeforeAddFriendCommand --settings host.toml --request";
    let ended = folder.type_in(&format!("{line} provoke.json"));
    assert!(ended.out.contains("\nfault      p: panic: src/lib.rs:7: it is broken\nanswer "), "{ended:#?}");
    ended.fails_with_output(
        7,
        &["error: a plugin gave no verdict, so `on_fault` decided the answer: see `fault` above"],
    );
    let json: Value = serde_json::from_str(&folder.type_in(&format!("{line} provoke.json --json")).out).unwrap();
    assert_eq!(json["faults"], serde_json::json!(["p: panic: src/lib.rs:7: it is broken"]));
    let text = folder.type_in(&format!("{line} spare.json")).succeeds();
    assert!(text.contains("\noutcome    the operation goes on\n") && !text.contains("fault"), "{text}");
}

#[test]
fn faults_among_many_runs_are_counted() {
    let folder = folder().file("provoke.json", guests::PROVOKE).module("p.wasm", guests::text("panics"));
    let ended = folder.type_in(&format!("{PROVOKE} --repeat 3"));
    ended.fails_with_output(7, &["error: the plugin gave no verdict in 3 of 3 runs"]);
}

#[test]
fn what_a_call_used_stands_beside_what_it_may_use() {
    let folder = folder().file("spare.json", guests::SPARE).module("p.wasm", guests::text("spins"));
    let line = PROVOKE.replace("provoke", "spare");
    let text = folder.type_in(&format!("{line} --repeat 5")).succeeds();
    for part in [
        "command    callbackBeforeAddFriendCommand (openim)\nverdict    allow\nanswer     200 {",
        "\nserver     goes on\n",
        " of 20_000_000 (0.0 %)\n",
        " of 250 ms (",
        "memory     131_072 of 67_108_864 bytes (0.2 %)\n",
        "reply      19 of 1_048_576 bytes (0.0 %)\n",
        "\n5 RUNS    MIN ",
    ] {
        assert!(text.contains(part), "{part:?}: {text}");
    }
    assert!(text.lines().last().unwrap().ends_with("250"), "{text}");

    let json: Value = serde_json::from_str(&folder.type_in(&format!("{line} --json --repeat 5")).succeeds()).unwrap();
    assert_eq!((&json["verdict"], &json["fault"]), (&"allow".into(), &Value::Null));
    assert_eq!(json["answer"]["nextCode"], 0);
    assert_eq!(json["runs"]["count"], 5);
    assert_eq!(json["runs"]["fuel"]["min"], json["runs"]["fuel"]["max"]);
    for (name, limit) in [("fuel", 20_000_000), ("time_ms", 250), ("memory_bytes", 64 << 20), ("reply_bytes", 1 << 20)]
    {
        let measure = &json["usage"][name];
        assert_eq!(measure["limit"], limit, "{name}");
        assert!(measure["used"].as_f64().is_some_and(|used| used > 0.0 && used < limit as f64), "{name}: {measure}");
    }
}

#[test]
fn a_plugin_that_does_not_handle_the_command_is_not_asked() {
    let folder = folder().module("p.wasm", guests::handles_only("p", "callbackBeforeAddBlackCommand"));
    let text = folder.type_in("run p.wasm --request ok.json").succeeds();
    assert!(
        text.contains("allow, without calling the plugin: it handles only callbackBeforeAddBlackCommand"),
        "{text}"
    );
}
