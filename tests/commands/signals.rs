//! Signals to `serve`: during the start, while it stops, and while a file hangs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};

use harness::guests;

use crate::program::{Folder, folder};

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

struct Serving {
    process: Child,
    log: BufReader<std::process::ChildStderr>,
    said: String,
}

impl Serving {
    fn start(folder: &Folder) -> Self {
        let mut command = folder.command(["serve", "--settings", "host.toml"]);
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(process.stderr.take().unwrap());
        Self { process, log, said: String::new() }
    }

    fn wait_for(&mut self, part: &str) -> String {
        loop {
            let start = self.said.len();
            assert_ne!(self.log.read_line(&mut self.said).unwrap(), 0, "it ended: {}", self.said);
            if let Some((_, rest)) = self.said[start..].split_once(part) {
                return rest.trim().to_owned();
            }
        }
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status().unwrap().success());
    }

    fn end(mut self) -> (ExitStatus, String) {
        self.log.read_to_string(&mut self.said).unwrap();
        (self.process.wait().unwrap(), self.said)
    }
}

fn post(address: &str) -> TcpStream {
    let mut connection = TcpStream::connect(address).unwrap();
    let head = "POST /openim/callbackBeforeAddFriendCommand HTTP/1.1\r\nHost: h\r\nContent-Length: 2";
    connection.write_all(format!("{head}\r\n\r\n{{}}").as_bytes()).unwrap();
    connection
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for (first, second, code) in [("TERM", "TERM", 143), ("TERM", "INT", 130)] {
        let folder = host(ALLOW, "drain_delay_ms = 3600000");
        let mut serving = Serving::start(&folder);
        serving.wait_for("serving callbacks address=");
        serving.signal(first);
        serving.wait_for("stopping: finishing running callbacks");
        serving.signal(second);
        let (status, said) = serving.end();
        assert_eq!(status.code(), Some(code), "{said}");
        assert!(said.contains("told to stop a second time"), "{said}");
    }
}

#[test]
fn ctrl_c_does_not_wait_for_load_balancers() {
    let folder = host(ALLOW, "drain_delay_ms = 3600000");
    let mut serving = Serving::start(&folder);
    serving.wait_for("serving callbacks address=");
    serving.signal("INT");
    let (status, said) = serving.end();
    assert!(status.success() && said.contains("stopped"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_stop_while_plugins_are_loaded_ends_it_soon_and_a_hangup_does_not() {
    let folder = host(ALLOW, "");
    let serving = Serving::start(&folder);
    // Until it handles signals, which is before anything else.
    let status = format!("/proc/{}/status", serving.process.id());
    let catches = |signal: u32| {
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0").trim().to_owned();
        u64::from_str_radix(&caught, 16).unwrap_or(0) & (1 << (signal - 1)) != 0
    };
    while !catches(15) || !catches(1) {
        std::thread::yield_now();
    }
    serving.signal("HUP");
    serving.signal("TERM");
    let (status, said) = serving.end();
    assert_eq!(status.code(), Some(0), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_records_file_that_hangs_keeps_no_process_alive() {
    let folder = host(r#"{"verdict":"allow","records":[1]}"#, "drain_delay_ms = 0\nshutdown_within_ms = 300");
    // A pipe that nobody reads: opening it waits for ever.
    assert!(Command::new("mkfifo").arg(folder.path("records.jsonl")).status().unwrap().success());
    let mut serving = Serving::start(&folder);
    let address = serving.wait_for("serving callbacks address=");
    let mut connection = post(&address);
    let mut answer = [0; 12];
    connection.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    serving.signal("TERM");
    let (status, said) = serving.end();
    assert_eq!(status.code(), Some(0), "{said}");
}
