//! `serve`: a process that listens, answers and stops.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use harness::guests;

use crate::program::{Ended, Folder, folder};

fn host(listen: &str) -> Folder {
    let plugin = guests::replies("no", r#"{"verdict":"deny","code":5003,"message":"no"}"#);
    folder().module("p.wasm", plugin).file(
        "host.toml",
        format!(
            "[server]\nlisten = \"{listen}\"\n[admin]\noff = true\n[[platform]]\nkind = \"openim\"\n\
             [[plugin]]\nname = \"p\"\nwasm = \"p.wasm\"\ncommands = [\"*\"]\n"
        ),
    )
}

#[test]
fn it_answers_until_it_is_told_to_stop() {
    let folder = host("127.0.0.1:0");
    let mut command = folder.command(["serve", "--settings", "host.toml"]);
    let mut serving = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(serving.stderr.take().unwrap());
    let mut said = String::new();
    let address = loop {
        let start = said.len();
        assert_ne!(log.read_line(&mut said).unwrap(), 0, "it ended: {said}");
        if let Some((_, address)) = said[start..].split_once("serving callbacks address=") {
            break address.trim().to_owned();
        }
    };

    let mut connection = TcpStream::connect(&address).unwrap();
    let head =
        "POST /openim/callbackBeforeAddFriendCommand HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2";
    connection.write_all(format!("{head}\r\n\r\n{{}}").as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\"errCode\":5003"), "{answer}");

    assert!(Command::new("kill").arg(serving.id().to_string()).status().unwrap().success());
    log.read_to_string(&mut said).unwrap();
    let mut output = serving.wait_with_output().unwrap();
    output.stderr = said.into_bytes();
    let ended = Ended::from(&command, output);
    assert!(ended.err.trim_end().ends_with("stopped"), "{ended:#?}");
    assert_eq!(ended.succeeds(), "");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let part = format!(
        "cannot listen on {address} (Address already in use (os error 98)): stop the process that listens there, or change [server] listen"
    );
    host(&address.to_string()).type_in("serve --settings host.toml").fails(5, &[&part]);
}

#[test]
fn what_one_command_compiled_the_next_one_takes_from_the_cache() {
    let folder = host("127.0.0.1:0");
    let check = || {
        let ended = folder.type_in("check --settings host.toml");
        let line = ended.err.lines().find(|line| line.contains("plugins are prepared")).unwrap_or_default().to_owned();
        (ended.succeeds(), line)
    };
    let ((cold, cold_line), (warm, warm_line)) = (check(), check());
    assert!(cold_line.contains("compiled=1 from_cache=0"), "{cold_line}");
    assert!(warm_line.contains("compiled=0 from_cache=1"), "{warm_line}");
    assert_eq!(cold, warm);
    // `run` has the same limits, and no settings as well.
    let entries = || std::fs::read_dir(folder.path("cache")).unwrap().count();
    assert_eq!(entries(), 1);
    folder.type_in("run p.wasm --request ok.json").succeeds();
    assert_eq!(entries(), 1);
}
