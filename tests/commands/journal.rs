//! `callgate journal`, on a host that runs and on its files at rest.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use harness::guests;
use serde_json::Value;

use crate::program::{Folder, folder};

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A host with a plugin that denies what has `bad` in it, and one that fails on after-callbacks that end in `1}`.
fn host(more: &str) -> (Folder, u16) {
    let (port, admin) = (free_port(), free_port());
    let fails = guests::replies_when_provoked("fails", br#"{"verdict":"fail","message":"no"}"#);
    let folder = folder()
        .module("denies.wasm", guests::denies_on("denies", "bad"))
        .module("other.wasm", guests::denies_on("denies", "worse"))
        .module("fails.wasm", fails)
        .file(
            "host.toml",
            format!(
                "[server]\nlisten = \"127.0.0.1:{port}\"\n[admin]\nlisten = \"127.0.0.1:{admin}\"\n\
                 [journal]\nattempts_max = 1\n{more}\n\
                 [[platform]]\nkind = \"openim\"\nmode = \"journal\"\n\
                 [[plugin]]\nname = \"denies\"\nwasm = \"denies.wasm\"\ncommands = [\"callbackBefore*\"]\n\
                 [[plugin]]\nname = \"fails\"\nwasm = \"fails.wasm\"\ncommands = [\"callbackAfterSend*\"]\n"
            ),
        );
    (folder, port)
}

fn serve(folder: &Folder, port: u16) -> Child {
    let process = folder.command(["serve", "--settings", "host.toml"]).stderr(Stdio::null()).spawn().unwrap();
    // It listens once its plugins are loaded; each try is refused at once until then.
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::yield_now();
    }
    process
}

fn stop(mut process: Child) {
    assert!(Command::new("kill").args(["-s", "TERM", &process.id().to_string()]).status().unwrap().success());
    assert!(process.wait().unwrap().success());
}

fn post(port: u16, command: &str, body: &str) -> String {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = format!(
        "POST /openim/{command} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all((head + body).as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

fn journal(folder: &Folder, line: &str) -> String {
    let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.split_whitespace().map(str::to_owned);
    let arguments = ["journal", command, "--settings", "host.toml"].map(str::to_owned).into_iter().chain(rest);
    folder.run(arguments).succeeds()
}

fn status(folder: &Folder) -> Value {
    serde_json::from_str(&journal(folder, "status --json")).unwrap()
}

const AFTER: &str = "callbackAfterSendGroupMsgCommand";
const BEFORE: &str = "callbackBeforeSendGroupMsgCommand";

#[test]
fn operators_find_out_why_and_have_dead_entries_worked_off_again() {
    let (folder, port) = host("");
    let process = serve(&folder, port);
    post(port, BEFORE, r#"{"sendID":"u123","groupID":"g9","content":"bad"}"#);
    post(port, BEFORE, r#"{"sendID":"u7","groupID":"g9","content":"fine"}"#);
    for number in 0..3 {
        let body = format!("{{\"groupID\":\"g{number}\",\"clientMsgID\":\"{number}\",\"x\":1}}");
        assert!(post(port, AFTER, &body).starts_with("HTTP/1.1 200"));
    }
    post(port, AFTER, r#"{"groupID":"g9","content":"fine"}"#);
    while status(&folder)["dead"] != 3 {}

    let why = journal(&folder, "why --user u123 --since 1h");
    let sentence = "the message of u123 to group g9 was refused by denies: denies found it (code 5000). [d1]\n";
    assert!(why.ends_with(sentence), "{why}");
    assert!(journal(&folder, "why --user nobody").starts_with("No decision matches."));
    let list = journal(&folder, "list --state dead");
    assert!(list.contains("e1 ") && list.contains(AFTER) && list.contains(" dead "), "{list}");
    let lines = journal(&folder, "list decisions --json");
    assert_eq!(serde_json::from_str::<Value>(lines.trim()).unwrap()["actor"], "u123");
    let shown = journal(&folder, "show e1");
    assert!(shown.contains("fault: undecided") && shown.contains("plugin: fails"), "{shown}");
    assert!(journal(&folder, "show d1").starts_with(|c: char| c.is_ascii_digit()));

    // Through the host that runs.
    assert_eq!(journal(&folder, "retry e1 --yes"), "1 entries wait to be retried\n");
    while status(&folder)["dead"] != 3 {}
    stop(process);

    // In the files at rest.
    assert_eq!(journal(&folder, "drop --key g2 --yes"), "1 entries are deleted\n");
    assert_eq!(status(&folder)["dead"], 2);
    assert_eq!(journal(&folder, "drop --key g2 --yes"), "No dead entry matches.\n");
    for command in ["retry e999 --yes", "drop e1 e999 --yes", "show e999"] {
        folder.type_in(&format!("journal {command} --settings host.toml")).fails(10, &["the journal has no entry 999"]);
    }
    assert_eq!(status(&folder)["dead"], 2);
    assert_eq!(journal(&folder, "export entries --state dead").lines().count(), 2);
}

#[test]
fn a_replay_says_what_another_build_would_decide() {
    let (folder, port) = host("[journal.decisions]\nkeep = \"all\"\npayloads = true");
    let process = serve(&folder, port);
    for content in ["bad", "worse", "fine", "bad and worse"] {
        post(port, BEFORE, &format!("{{\"sendID\":\"u1\",\"groupID\":\"g9\",\"content\":\"{content}\"}}"));
    }
    stop(process);
    let same = journal(&folder, "replay --only decisions");
    assert!(same.contains("replayed") && !same.contains(" - verdict"), "{same}");
    let line = "journal replay --settings host.toml --plugin other.wasm --instead-of denies --only decisions";
    let ended = folder.type_in(line);
    let out = ended.out.clone();
    ended.fails_with_output(7, &["2 of 4 callbacks differ"]);
    assert!(out.contains("  - verdict: deny\n  + verdict: allow\n"), "{out}");
    let ended = folder.type_in(&format!("{line} --json"));
    let sums: Value = serde_json::from_str(ended.out.lines().last().unwrap()).unwrap();
    assert_eq!((&sums["replayed"], &sums["verdicts_differ"]), (&4.into(), &2.into()));
}

/// Facts are stored with decisions, so that another process decides the same later.
#[test]
fn a_replay_uses_the_stored_facts_and_why_shows_them() {
    let (folder, port) = host("[log]\nlog_users = \"yes\"\n[journal.decisions]\nkeep = \"all\"\npayloads = true");
    let folder = folder.module("limit.wasm", guests::shipped("limit-rate"));
    let more = "[[fact]]\nname = \"messages\"\nsource = \"counter\"\ncount = \"callbacks\"\n\
                [[plugin]]\nname = \"limit\"\nwasm = \"limit.wasm\"\ncommands = [\"callbackBeforeSend*\"]\n\
                facts = { sent = \"messages\" }\nsettings = { count_max = 3 }\n";
    let settings = std::fs::read_to_string(folder.path("host.toml")).unwrap() + more;
    std::fs::write(folder.path("host.toml"), settings).unwrap();
    let process = serve(&folder, port);
    for _ in 0..5 {
        post(port, BEFORE, r#"{"sendID":"u1","groupID":"g9","content":"fine"}"#);
    }
    stop(process);
    let why = journal(&folder, "why --user u1 --verdict deny");
    assert!(why.contains("known: messages of u1: 4") && why.contains("messages of u1: 5"), "{why}");
    let sums = |settings: &str| {
        let ended = folder.type_in(&format!("journal replay --settings {settings} --only decisions --json"));
        serde_json::from_str::<Value>(ended.out.lines().last().unwrap()).unwrap()
    };
    assert_eq!((&sums("host.toml")["replayed"], &sums("host.toml")["verdicts_differ"]), (&5.into(), &0.into()));
    let settings = std::fs::read_to_string(folder.path("host.toml")).unwrap().replace("count_max = 3", "count_max = 4");
    std::fs::write(folder.path("more.toml"), settings).unwrap();
    assert_eq!(sums("more.toml")["verdicts_differ"], 1, "the fourth is allowed then");
}

#[test]
fn what_is_wrong_is_named() {
    let (folder, _) = host("");
    folder.type_in("journal list --settings host.toml").fails(10, &["there is no journal in"]);
    folder.type_in("journal status --folder nowhere").fails(10, &["there is no journal in nowhere"]);
    for (line, part) in [
        ("journal list --settings host.toml --topic a", "--topic is a filter for records, not for entries"),
        ("journal list --settings host.toml --since yesterday", "write how long ago, such as 90s, 15m, 1h or 2d"),
        ("journal list --settings host.toml --state asleep", "the states are waiting, done and dead"),
        ("journal why --settings host.toml --verdict no", "the verdicts are allow, deny"),
        ("journal show --settings host.toml x1", "write a number as `callgate journal list` shows it"),
        ("journal retry --settings host.toml d1", "only entries can be retried or dropped"),
        ("journal retry --settings host.toml e1 --key a", "name entries, or give filters, not both"),
        ("journal drop --settings host.toml --state waiting", "only dead entries can be retried or dropped"),
        ("journal list", "--settings <FILE>"),
    ] {
        folder.type_in(line).fails(2, &[part]);
    }
    let off = folder.file("off.toml", "[journal]\noff = true\n[[platform]]\nkind = \"openim\"\n");
    off.type_in("journal status --settings off.toml").fails(3, &["these settings have no journal"]);
}

#[test]
fn two_hosts_do_not_share_a_journal() {
    let (folder, port) = host("");
    let process = serve(&folder, port);
    folder.type_in("serve --settings host.toml --listen 127.0.0.1:0").fails(10, &["is used by another host"]);
    stop(process);
}
