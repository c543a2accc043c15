//! What standard output and standard error are connected to.

use std::fs::{File, OpenOptions};
use std::process::Stdio;

use harness::guests;

use crate::program::{Ended, Folder, folder};

/// Lines that print something, and the exit code with which they end.
const LINES: [(&str, i32); 9] = [
    ("man", 0),
    ("completions zsh", 0),
    ("check --settings host.toml", 0),
    ("run p.wasm --request ok.json", 0),
    ("run p.wasm --request spins.json --command callbackBeforeAddFriendCommand", 7),
    ("profile p.wasm --request ok.json", 0),
    ("profile p.wasm --request ok.json --json", 0),
    ("explain --platform openim --command callbackBeforeAddFriendCommand --request ok.json --answer ok.json", 0),
    ("--help", 0),
];

fn prepared() -> Folder {
    folder()
        .module("p.wasm", guests::text("spins"))
        .file("host.toml", "[[platform]]\nkind = \"openim\"\n")
        .file("spins.json", guests::PROVOKE)
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let folder = prepared();
    for (line, code) in LINES {
        // A pipe without a reader, as `| head -1` leaves it.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = Ended::of(folder.command(line.split_whitespace()).stdout(writer));
        assert_eq!(ended.code, Some(code), "{ended:#?}");
        assert!(!ended.err.contains("pipe"), "{ended:#?}");
    }
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let folder = prepared();
    // Whatever is written there fails as on a disk that is full.
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    for (line, _) in LINES.into_iter().filter(|(line, _)| *line != "--help") {
        let ended = Ended::of(folder.command(line.split_whitespace()).stdout(full()));
        ended.fails(1, &["standard output cannot be written to (No space left on device (os error 28)): "]);
    }
    let output = folder.command(["new", "p"]).stderr(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn standard_input_is_a_file_as_well() {
    let folder = prepared();
    let stdin = |name: &str| Stdio::from(File::open(folder.path(name)).unwrap());
    let ended = Ended::of(folder.command(["run", "p.wasm", "--request", "-"]).stdin(stdin("ok.json")));
    assert!(ended.succeeds().contains("\nverdict    allow\n"));
    let ended = Ended::of(folder.command(["run", "p.wasm", "--request", "-"]).stdin(stdin("p.wasm")));
    ended.fails(6, &["error: -: the request is not a callback (it is not UTF-8)"]);
    folder.type_in("run p.wasm --request -").fails(6, &["error: -: the request is not a callback (it is empty)"]);
}
