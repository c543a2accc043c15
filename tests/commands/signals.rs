//! Signals to `serve`: during the start, while it stops, and while a file hangs.

use std::process::Command;

use harness::guests;

use crate::program::{Folder, folder};
use crate::service::{Serving, post};

/// A host whose plugin replies with this, with these lines under [server].
fn host(reply: &str, server: &str) -> Folder {
    folder().module("p.wasm", guests::replies("p", reply)).file(
        "host.toml",
        format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n{server}\n[admin]\nlisten = \"127.0.0.1:0\"\n[[platform]]\n\
             kind = \"openim\"\nanswer_within_ms = 200\n[[plugin]]\nname = \"p\"\nwasm = \"p.wasm\"\ncommands = [\"*\"]\n"
        ),
    )
}

const ALLOW: &str = r#"{"verdict":"allow"}"#;

#[test]
fn a_second_signal_ends_it_at_once() {
    for (first, second, code) in [("TERM", "TERM", 143), ("TERM", "INT", 130)] {
        let folder = host(ALLOW, "drain_delay_ms = 3600000");
        let mut serving = Serving::start(&folder);
        serving.wait_for("serving callbacks address=");
        serving.signal(first);
        serving.wait_for("stopping: finishing running callbacks");
        serving.signal(second);
        let ended = serving.end();
        assert_eq!(ended.code, Some(code), "{ended:#?}");
        assert!(ended.err.contains("second signal to stop"), "{ended:#?}");
    }
}

#[test]
fn ctrl_c_does_not_wait_for_load_balancers() {
    let folder = host(ALLOW, "drain_delay_ms = 3600000");
    let mut serving = Serving::start(&folder);
    serving.wait_for("serving callbacks address=");
    serving.signal("INT");
    let ended = serving.end();
    assert!(ended.err.contains("stopped"), "{ended:#?}");
    ended.succeeds();
}

/// Waits until it handles these signals, which is before anything else.
#[cfg(target_os = "linux")]
fn wait_until_handled(serving: &Serving, signals: &[u32]) {
    let catches = |signal: &u32| {
        let status = serving.proc("status");
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0").trim().to_owned();
        u64::from_str_radix(&caught, 16).unwrap_or(0) & (1 << (signal - 1)) != 0
    };
    while !signals.iter().all(catches) {
        std::thread::yield_now();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_stop_while_plugins_are_loaded_ends_it_soon_and_a_hangup_does_not() {
    let folder = host(ALLOW, "");
    let serving = Serving::start(&folder);
    wait_until_handled(&serving, &[1, 15]);
    serving.signal("HUP");
    serving.signal("TERM");
    let ended = serving.end();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_asked_for_during_the_start_is_done_after_it() {
    for (name, number, done) in
        [("HUP", 1, "SIGHUP: reloading the settings"), ("USR1", 10, "SIGUSR1: the files of sinks are reopened")]
    {
        let folder = host(ALLOW, "drain_delay_ms = 0");
        let mut serving = Serving::start(&folder);
        wait_until_handled(&serving, &[number]);
        serving.signal(name);
        serving.wait_for("serving callbacks address=");
        serving.wait_for(done);
        serving.stop().succeeds();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_records_file_that_hangs_keeps_no_process_alive() {
    let folder = host(r#"{"verdict":"allow","records":[1]}"#, "drain_delay_ms = 0\nshutdown_within_ms = 300");
    // A pipe that nobody reads: opening it waits for ever.
    assert!(Command::new("mkfifo").arg(folder.path("records.jsonl")).status().unwrap().success());
    let mut serving = Serving::start(&folder);
    let address = serving.wait_for("serving callbacks address=");
    assert!(post(&address).starts_with("HTTP/1.1 200 "));
    let ended = serving.stop();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
}
