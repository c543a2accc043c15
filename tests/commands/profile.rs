//! `profile`: the fuel of a call, function by function, also of one that ends in a fault; and the files with it.

use harness::guests;
use serde_json::Value;

use crate::program::{Folder, folder};

const PROFILE: &str = "profile p.wasm --command callbackBeforeAddFriendCommand --request";

/// A folder with that guest, and a callback on which it does what it is for (`provoke.json`), and one on which not.
fn with(guest: &str) -> Folder {
    folder()
        .module("p.wasm", guests::text(guest))
        .file("provoke.json", guests::PROVOKE)
        .file("spare.json", guests::SPARE)
}

/// The sum of a member of the functions in JSON.
fn sum(json: &Value, member: &str) -> u64 {
    json["functions"].as_array().unwrap().iter().map(|function| function[member].as_u64().unwrap()).sum()
}

#[test]
fn the_parts_are_the_whole_in_every_form() {
    let source = "(module {contract}
        (func $steps (param $left i32)
            (loop $next (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
        (func $provoked (param i32 i32) (result i64)
            (call $steps (i32.const 1000))
            (call $steps (i32.const 10))
            (i64.const 0x800_0000_0013)))";
    let folder = folder().module("p.wasm", guests::assemble("p", source)).file("provoke.json", guests::PROVOKE);
    let line = format!("{PROFILE} provoke.json --folded p.folded --flamegraph p.svg");
    let json: Value = serde_json::from_str(&folder.type_in(&format!("{line} --json")).succeeds()).unwrap();
    assert_eq!((&json["verdict"], &json["fault"], &json["calls"]), (&"allow".into(), &Value::Null, &1.into()));
    let steps = &json["functions"][0];
    assert_eq!((&steps["name"], &steps["calls"]), (&"steps".into(), &2.into()));

    // It is the fuel that `run` shows.
    let run = PROFILE.replacen("profile", "run", 1);
    let run: Value = serde_json::from_str(&folder.type_in(&format!("{run} provoke.json --json")).succeeds()).unwrap();
    let fuel = run["usage"]["fuel"]["used"].as_u64().unwrap();
    assert!(fuel > 1010, "{run:#}");
    assert_eq!(json["fuel"], fuel);
    assert_eq!((sum(&json, "own_fuel"), &json["functions_left_out"]), (fuel, &0.into()), "{json:#}");

    let read = |name: &str| std::fs::read_to_string(folder.path(name)).unwrap();
    let folded = read("p.folded");
    let own = |line: &str| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap();
    assert_eq!(folded.lines().map(own).sum::<u64>(), fuel, "{folded}");
    assert!(folded.contains("handle_callback;provoked;steps "), "{folded}");
    let svg = read("p.svg");
    assert!(svg.starts_with("<?xml version=\"1.0\"") && svg.contains("<!DOCTYPE svg "), "{svg}");
    assert!(svg.contains("steps (") && svg.trim_end().ends_with("</svg>"), "{svg}");

    // The table has the same numbers, and the files are the same each time.
    let text = folder.type_in(&format!("{line} --top 1")).succeeds();
    for part in
        ["\nverdict    allow\nfuel       ", " of 20_000_000 (0.0 %)\n\n", "FUNCTION\n", "  steps\n", " others)\n"]
    {
        assert!(text.contains(part), "{part:?}: {text}");
    }
    assert_eq!((read("p.folded"), read("p.svg")), (folded, svg));
}

#[test]
fn a_call_without_a_verdict_is_profiled_until_its_fault() {
    for (guest, fault) in [
        // On a machine that is busy elsewhere it may be its time that ends first.
        ("spins", "out_of_fuel or out_of_time"),
        ("panics", "panic"),
        ("grows", "out_of_memory"),
        ("recurses", "stack_overflow"),
        ("gives-up", "trap"),
        ("reply-of-4-gib", "reply_too_large"),
        ("reply-outside", "reply_invalid"),
    ] {
        let folder = with(guest);
        let ended = folder.type_in(&format!("{PROFILE} provoke.json --flamegraph p.svg"));
        for part in [
            "\nverdict    none (fault); with on_fault = \"allow\" the server gets 200 {",
            "\nfault      ",
            "FUNCTION\n",
        ] {
            assert!(ended.out.contains(part), "{part:?}: {ended:#?}");
        }
        ended.fails_with_output(7, &["error: the plugin gave no verdict: see `fault` above; the profile covers what"]);
        assert!(folder.path("p.svg").is_file(), "{guest}");

        let ended = folder.type_in(&format!("{PROFILE} provoke.json --json"));
        let json: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(json["verdict"], Value::Null, "{guest}: {json:#}");
        assert!(fault.split(" or ").any(|fault| json["fault"]["is"] == fault), "{guest}: {json:#}");
        assert_eq!(json["fuel"], sum(&json, "own_fuel"), "{guest}: {json:#}");
        ended.fails_with_output(7, &[]);
    }
}

#[test]
fn files_that_cannot_be_written_are_named() {
    let folder = with("spins").folder("folder");
    for argument in ["--folded", "--flamegraph"] {
        for (file, why) in [
            ("nowhere/p", "No such file or directory (os error 2)"),
            ("folder", "Is a directory (os error 21)"),
            ("ok.json/p", "Not a directory (os error 20)"),
            ("/dev/full", "No space left on device (os error 28)"),
        ] {
            let ended = folder.type_in(&format!("{PROFILE} spare.json {argument} {file}"));
            assert!(ended.out.contains("\nverdict    allow\n"), "{ended:#?}");
            let part = format!("error: {file} cannot be written ({why}): name another file with {argument}");
            let message = ended.fails_with_output(1, &[&part]);
            assert_eq!(message.lines().count(), 1, "{message}");
        }
    }
}

#[test]
fn names_of_functions_are_no_escapes_of_a_terminal() {
    let source = "(module {contract}
        (func $provoked (@name \"\\1b[31mred\\n<b>\") (param i32 i32) (result i64) (i64.const 0x800_0000_0013)))";
    let folder = folder().module("p.wasm", guests::assemble("p", source)).file("provoke.json", guests::PROVOKE);
    let text = folder.type_in(&format!("{PROFILE} provoke.json --folded p.folded --flamegraph p.svg")).succeeds();
    assert!(text.lines().any(|line| line.ends_with("   [31mred <b>")), "{text}");
    for name in ["p.folded", "p.svg"] {
        let written = std::fs::read_to_string(folder.path(name)).unwrap();
        assert!(written.contains("[31mred") && !written.contains('\x1b'), "{written}");
    }
    let svg = std::fs::read_to_string(folder.path("p.svg")).unwrap();
    assert!(svg.contains("&lt;b&gt;") && !svg.contains("<b>"), "{svg}");
}

#[test]
fn where_no_fuel_was_burnt_there_is_nothing_to_draw() {
    let folder = folder().module("p.wasm", guests::handles_only("p", "callbackBeforeAddBlackCommand"));
    let ended = folder.type_in("profile p.wasm --request ok.json --flamegraph p.svg");
    assert_eq!(ended.err, "note: p.svg is not written: no fuel was burnt\n");
    let text = ended.succeeds();
    assert!(
        text.contains("allow, without calling the plugin: it handles only callbackBeforeAddBlackCommand"),
        "{text}"
    );
    assert!(!folder.path("p.svg").exists());
}
