//! `build --watch` and `test --watch`: again after each change, until they are stopped.

use std::io::{BufRead, BufReader};
use std::process::{ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::crates::bare;
use crate::program::REQUEST;

/// Longer than any build takes, also on a machine that is busy elsewhere.
const PATIENCE: Duration = Duration::from_secs(120);

/// The lines of a process that does not end.
fn lines(out: ChildStdout) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
    receive
}

#[track_caller]
fn wait_for(lines: &Receiver<String>, part: &str) {
    while !lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no {part:?}")).contains(part) {}
}

#[test]
fn a_change_is_tested_and_a_failure_ends_nothing() {
    let folder = bare();
    folder.type_in("test p --accept").succeeds();
    let mut command = folder.command(["test", "p", "--watch"]);
    let mut watching = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = lines(watching.stdout.take().unwrap());
    wait_for(&lines, "1 passed, 0 failed");
    let folder = folder.file("p/callbacks/two.request.json", REQUEST);
    wait_for(&lines, "1 passed, 1 failed");
    let source = std::fs::read_to_string(folder.path("p/src/lib.rs")).unwrap();
    let folder = folder.file("p/src/lib.rs", source.replace("5003", "5004"));
    wait_for(&lines, "0 passed, 2 failed");
    watching.kill().unwrap();
    watching.wait().unwrap();
    drop(folder);
}

#[test]
fn a_change_is_built() {
    let folder = bare();
    let mut command = folder.command(["build", "p", "--watch"]);
    let mut watching = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = lines(watching.stdout.take().unwrap());
    wait_for(&lines, "bare 0.1.0, handles any command");
    let source = std::fs::read_to_string(folder.path("p/src/lib.rs")).unwrap();
    let folder = folder.file("p/src/lib.rs", source.replace("0.1.0", "0.1.1"));
    wait_for(&lines, "bare 0.1.1, handles any command");
    watching.kill().unwrap();
    watching.wait().unwrap();
    drop(folder);
}
