//! `shadow`: what the program says about candidates of a running host, and how it makes one the real one.

use std::net::TcpListener;

use harness::guests;
use serde_json::Value;

use crate::program::{Folder, folder};
use crate::service::{Serving, post};

/// A host with a plugin that denies, and two candidates: one that allows, and one without it.
fn host() -> Folder {
    let deny = guests::replies("no", r#"{"verdict":"deny","code":5003,"message":"no"}"#);
    let allow = guests::replies("yes", r#"{"verdict":"allow"}"#);
    // Free a moment ago, and most likely still.
    let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"{admin}\"\n[[platform]]\nkind = \"openim\"\n\n\
         # Denies.\n[[plugin]]\nname = \"p\"\nwasm = \"p.wasm\" # the first build\ncommands = [\"*\"]\n\n\
         [[shadow]]\nname = \"kinder\"\nreplace = \"p\"\nwasm = \"q.wasm\"\ncommands = [\"callbackBeforeAdd*\"]\n\
         [[shadow]]\nname = \"none\"\nremove = \"p\"\n"
    );
    folder().module("p.wasm", deny).module("q.wasm", allow).file("host.toml", settings)
}

#[test]
fn a_candidate_is_compared_promoted_and_then_in_service() {
    let folder = host();
    let mut serving = Serving::start(&folder);
    let address = serving.wait_for("serving callbacks address=");
    assert!(post(&address).contains("\"errCode\":5003"));
    // It is compared when there is time.
    let report = loop {
        let text = folder.type_in("shadow report kinder --settings host.toml --json").succeeds();
        let report: Value = serde_json::from_str(&text).unwrap();
        if report["shadows"][0]["commands"][0]["compared"] == 1 {
            break report;
        }
    };
    assert_eq!(report["shadows"][0]["commands"][0]["outcomes"]["verdict"], 1);
    assert_eq!(report["shadows"].as_array().unwrap().len(), 1);
    let table = folder.type_in("shadow report --settings host.toml").succeeds();
    let row = "openim    callbackBeforeAddFriendCommand  1         0     1 (verdict 1)  0       0        ";
    assert!(table.starts_with("kinder: replaces p; figures of ") && table.contains(row), "{table}");
    assert!(table.contains("deny 5003") && table.contains("none: removes p; "), "{table}");

    let known = "no [[shadow]] of this host has this name: give one of kinder, none";
    folder.type_in("shadow report nobody --settings host.toml").fails(2, &[known]);
    folder
        .type_in("shadow reset nobody --settings host.toml")
        .fails(1, &["no [[shadow]] has this name; known: kinder"]);
    assert_eq!(
        folder.type_in("shadow reset kinder --settings host.toml").succeeds(),
        "The figures of kinder are reset.\n"
    );
    let resumed = folder.type_in("shadow resume kinder --settings host.toml").succeeds();
    assert_eq!(resumed, "kinder had not fallen back: nothing has changed.\n");

    let before = std::fs::read_to_string(folder.path("host.toml")).unwrap();
    let more = "the plugin also gets callback";
    folder.type_in("shadow promote kinder --settings host.toml").fails(3, &[more, "give --all-commands"]);
    let shown = folder.type_in("shadow promote kinder --settings host.toml --all-commands --dry-run").succeeds();
    assert!(shown.contains("-wasm = \"p.wasm\" # the first build\n+wasm = \"q.wasm\"\n"), "{shown}");
    assert_eq!(std::fs::read_to_string(folder.path("host.toml")).unwrap(), before);
    let done = folder.type_in("shadow promote kinder --settings host.toml --all-commands").succeeds();
    assert!(done.ends_with("kinder is promoted, and in service.\n"), "{done}");
    assert!(post(&address).contains("\"errCode\":0"));
    let after = std::fs::read_to_string(folder.path("host.toml")).unwrap();
    assert!(after.contains("# Denies.\n") && !after.contains("kinder"), "{after}");
    serving.stop().succeeds();
}

#[test]
fn what_the_host_does_not_take_is_put_back_and_what_cannot_be_written_is_printed() {
    let folder = host();
    let mut serving = Serving::start(&folder);
    serving.wait_for("serving callbacks address=");
    let before = std::fs::read_to_string(folder.path("host.toml")).unwrap();
    std::fs::write(folder.path("q.wasm"), "no module").unwrap();
    let promote = "shadow promote kinder --settings host.toml --all-commands";
    let ended = folder.type_in(promote);
    assert_eq!(ended.code, Some(3), "{ended:#?}");
    assert!(ended.err.contains("the settings file is unchanged"), "{ended:#?}");
    assert_eq!(std::fs::read_to_string(folder.path("host.toml")).unwrap(), before);

    let mut permissions = std::fs::metadata(folder.path("host.toml")).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(folder.path("host.toml"), permissions).unwrap();
    let ended = folder.type_in(promote);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.out.contains("+wasm = \"q.wasm\"") && ended.err.contains("callgate reload"), "{ended:#?}");
    assert_eq!(std::fs::read_to_string(folder.path("host.toml")).unwrap(), before);
    serving.stop().succeeds();
}

#[test]
fn a_host_that_does_not_run_and_a_candidate_that_is_not_there_are_named() {
    let folder = host();
    folder.type_in("shadow report --settings host.toml").fails(9, &["no host answers at 127.0.0.1:"]);
    let known = "no [[shadow]] has this name: give one of kinder, none";
    folder.type_in("shadow promote nobody --settings host.toml").fails(3, &[known]);
    let other = "the candidate kinder names plugin p too: change or remove that candidate first";
    folder.type_in("shadow promote none --settings host.toml --no-reload").fails(3, &[other]);
    let edited = folder.type_in("shadow promote kinder --settings host.toml --no-reload --all-commands").succeeds();
    assert!(edited.ends_with("A reload or a restart takes it up.\n"), "{edited}");
}

#[test]
fn check_lists_the_chains_of_candidates() {
    let folder = host();
    let text = folder.type_in("check --settings host.toml").succeeds();
    assert!(text.contains("CANDIDATE  PLATFORM  COMMAND"), "{text}");
    assert!(text.contains("kinder     openim    callbackBeforeAddFriendCommand"), "{text}");
    assert!(text.contains("p@kinder") && text.contains("(none)"), "{text}");
}
