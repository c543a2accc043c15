//! `serve`: a process that listens, answers and stops.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};

use harness::guests;

use crate::program::{Ended, Folder, folder};

fn host(listen: &str) -> Folder {
    let plugin = guests::replies("no", r#"{"verdict":"deny","code":5003,"message":"no"}"#);
    folder().module("p.wasm", plugin).file(
        "host.toml",
        format!(
            "[server]\nlisten = \"{listen}\"\ndrain_delay_ms = 0\n[admin]\noff = true\n[[platform]]\nkind = \"openim\"\n\
             [[plugin]]\nname = \"p\"\nwasm = \"p.wasm\"\ncommands = [\"*\"]\n"
        ),
    )
}

/// A running `serve`, and what it has logged.
pub struct Serving {
    command: Command,
    process: Child,
    log: BufReader<ChildStderr>,
    said: String,
}

impl Serving {
    pub fn start(folder: &Folder) -> Self {
        Self::of(folder.command(["serve", "--settings", "host.toml"]))
    }

    /// Starts it with this command.
    fn of(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(process.stderr.take().unwrap());
        Self { command, process, log, said: String::new() }
    }

    /// Reads the log up to this, and returns the rest of the line.
    pub fn wait_for(&mut self, part: &str) -> String {
        loop {
            let start = self.said.len();
            assert_ne!(self.log.read_line(&mut self.said).unwrap(), 0, "it ended: {}", self.said);
            if let Some((_, rest)) = self.said[start..].split_once(part) {
                return rest.trim().to_owned();
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status().unwrap().success());
    }

    /// A file of Linux about the process.
    #[cfg(target_os = "linux")]
    pub(crate) fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.process.id())).unwrap_or_default()
    }

    /// Ends it with SIGTERM.
    pub fn stop(self) -> Ended {
        self.signal("TERM");
        self.end()
    }

    /// Waits until it ends.
    pub(crate) fn end(mut self) -> Ended {
        self.log.read_to_string(&mut self.said).unwrap();
        let mut output = self.process.wait_with_output().unwrap();
        output.stderr = self.said.into_bytes();
        Ended::from(&self.command, output)
    }
}

/// Posts an empty callback, and returns the answer, head and body.
pub fn post(address: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    let head =
        "POST /openim/callbackBeforeAddFriendCommand HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2";
    connection.write_all(format!("{head}\r\n\r\n{{}}").as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_answers_until_it_is_told_to_stop() {
    let folder = host("127.0.0.1:0");
    let mut serving = Serving::start(&folder);
    let address = serving.wait_for("serving callbacks address=");
    let answer = post(&address);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\"errCode\":5003"), "{answer}");
    let ended = serving.stop();
    assert!(ended.err.trim_end().ends_with("stopped"), "{ended:#?}");
    assert_eq!(ended.succeeds(), "");
}

#[test]
fn after_sigusr1_records_go_to_a_new_file() {
    let recording = guests::replies("recording", r#"{"verdict":"allow","records":[1]}"#);
    let folder = host("127.0.0.1:0").module("p.wasm", recording);
    // Without a journal records are in their file when the answer comes.
    let settings = std::fs::read_to_string(folder.path("host.toml")).unwrap();
    std::fs::write(folder.path("host.toml"), format!("[journal]\noff = true\n{settings}")).unwrap();
    let mut serving = Serving::start(&folder);
    let address = serving.wait_for("serving callbacks address=");
    let read = |name: &str| std::fs::read_to_string(folder.path(name)).unwrap_or_default();
    post(&address);
    std::fs::rename(folder.path("records.jsonl"), folder.path("old.jsonl")).unwrap();
    serving.signal("USR1");
    serving.wait_for("SIGUSR1: the files of sinks are reopened");
    post(&address);
    post(&address);
    assert_eq!((read("old.jsonl").as_str(), read("records.jsonl").as_str()), ("1\n", "1\n1\n"));
    serving.stop().succeeds();
}

#[test]
fn records_go_to_standard_output_apart_from_the_log() {
    let recording = guests::replies("recording", r#"{"verdict":"allow","records":[{"a":1}]}"#);
    let folder = host("127.0.0.1:0").module("p.wasm", recording);
    let settings = std::fs::read_to_string(folder.path("host.toml")).unwrap();
    let sink = "[journal]\noff = true\n[[sink]]\nname = \"s\"\nkind = \"stdout\"\nformat = \"plain\"\n";
    std::fs::write(folder.path("host.toml"), format!("{sink}{settings}")).unwrap();
    let mut serving = Serving::start(&folder);
    let address = serving.wait_for("serving callbacks address=");
    post(&address);
    post(&address);
    assert_eq!(serving.stop().succeeds(), "{\"a\":1}\n{\"a\":1}\n");
}

/// Records go to a pipe without a reader. It delays no answer beyond its deadline, and does not delay the exit.
#[cfg(target_os = "linux")]
#[test]
fn a_sink_that_hangs_keeps_no_process_from_ending() {
    let recording = guests::replies("recording", r#"{"verdict":"allow","records":[1]}"#);
    for journal in ["[journal]\noff = true\n", ""] {
        let folder = host("127.0.0.1:0").module("p.wasm", &recording);
        let settings = std::fs::read_to_string(folder.path("host.toml")).unwrap();
        let settings = settings.replace("kind = \"openim\"\n", "kind = \"openim\"\nanswer_within_ms = 200\n");
        let sink = "[[sink]]\nname = \"s\"\nkind = \"file\"\npath = \"pipe\"\n";
        std::fs::write(folder.path("host.toml"), format!("{journal}{sink}{settings}")).unwrap();
        assert!(Command::new("mkfifo").arg(folder.path("pipe")).status().unwrap().success());
        let mut serving = Serving::start(&folder);
        let address = serving.wait_for("serving callbacks address=");
        assert!(post(&address).starts_with("HTTP/1.1 200 OK\r\n"));
        let ended = serving.stop();
        assert!(ended.err.trim_end().ends_with("stopped"), "{ended:#?}");
        ended.succeeds();
    }
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

#[cfg(unix)]
#[test]
fn a_socket_that_cannot_be_made_is_explained_by_its_cause_and_check_warns_of_it() {
    let folder = host("127.0.0.1:0").file("file", "");
    let serve = |name: &str, path: &str| {
        let listen = format!("listen = \"unix:{}\"", folder.path(path).display());
        let settings = std::fs::read_to_string(folder.path("host.toml")).unwrap();
        std::fs::write(folder.path(name), settings.replace("listen = \"127.0.0.1:0\"", &listen)).unwrap();
        folder.type_in(&format!("serve --settings {name}"))
    };
    serve("missing.toml", "none/a.sock").fails_after_cargo(5, &["create the folder of the socket, or change [server]"]);
    serve("file.toml", "file").fails_after_cargo(5, &["remove the file that has this name, or change [server]"]);
    let ended = folder.type_in("check --settings missing.toml");
    assert!(ended.err.contains("`server.listen`: no socket can be created in"), "{ended:#?}");
    ended.succeeds();
}

#[test]
fn the_address_comes_from_the_argument_else_from_the_environment_else_from_the_settings() {
    // Each of them is taken, so the message says which one was meant.
    let taken: Vec<_> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let ports: Vec<_> = taken.iter().map(|taken| taken.local_addr().unwrap().port()).collect();
    let folder = host(&format!("127.0.0.1:{}", ports[0]));
    let serve = |arguments: &[&str], variable: Option<String>| {
        let mut command = folder.command(["serve", "--settings", "host.toml"]);
        command.args(arguments);
        if let Some(variable) = variable {
            command.env("CALLGATE_LISTEN", variable);
        }
        Ended::of(&mut command)
    };
    let name = |port: u16| format!("localhost:{port}");
    let on = |port: u16| format!("cannot listen on 127.0.0.1:{port} (");
    serve(&[], None).fails(5, &[&on(ports[0])]);
    serve(&[], Some(name(ports[1]))).fails(5, &[&on(ports[1])]);
    serve(&["--listen", &name(ports[2])], Some(name(ports[1]))).fails(5, &[&on(ports[2])]);
    serve(&["--listen", "localhost"], None).fails(2, &["must be an address or a name, and a port"]);
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

/// The command, in a shell that first runs this.
fn shell(folder: &Folder, before: &str, line: &str) -> Command {
    let command = folder.command(line.split(' '));
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{before} exec \"$0\" \"$@\"")).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.current_dir(folder.path("")).stdin(Stdio::null());
    shell
}

fn in_shell(folder: &Folder, before: &str, line: &str) -> Ended {
    Ended::of(&mut shell(folder, before, line))
}

#[cfg(target_os = "linux")]
#[test]
fn the_limit_of_descriptors_is_raised_and_connections_are_fitted_to_it() {
    // 192 are kept for files.
    for (hard, fitted) in [(400, None), (399, Some("there are at most 207 connections: raise the limit"))] {
        let folder = host("127.0.0.1:0");
        let settings = std::fs::read_to_string(folder.path("host.toml")).unwrap();
        let settings = settings.replace("[server]\n", "[server]\nconnections_max = 208\n");
        std::fs::write(folder.path("host.toml"), settings).unwrap();
        let limits = format!("ulimit -Sn 100; ulimit -Hn {hard};");
        let mut serving = Serving::of(shell(&folder, &limits, "serve --settings host.toml"));
        let address = serving.wait_for("serving callbacks address=");
        let found = serving.proc("limits");
        let line = found.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default();
        let hard = hard.to_string();
        assert_eq!(line.split_whitespace().skip(3).take(2).collect::<Vec<_>>(), [&hard, &hard], "{found}");
        assert!(post(&address).starts_with("HTTP/1.1 200 OK\r\n"));
        let ended = serving.stop();
        assert_eq!(ended.err.contains("raise the limit"), fitted.is_some(), "{ended:#?}");
        assert!(fitted.is_none_or(|fitted| ended.err.contains(fitted)), "{ended:#?}");
        ended.succeeds();
    }
}

#[test]
fn a_certificate_is_read_again_when_its_files_change() {
    let folder = host("127.0.0.1:0");
    let settings = std::fs::read_to_string(folder.path("host.toml")).unwrap();
    let tls = "tls = { certificate = \"cert.pem\", key = \"key.pem\" }";
    std::fs::write(folder.path("host.toml"), settings.replace("[server]\n", &format!("[server]\n{tls}\n"))).unwrap();
    let made = || rcgen::generate_simple_self_signed(["callgate.example".to_owned()]).unwrap();
    let write = |certificate: &str, key: &str| {
        std::fs::write(folder.path("cert.pem"), certificate).unwrap();
        std::fs::write(folder.path("key.pem"), key).unwrap();
    };
    let (before, after) = (made(), made());
    write(&before.cert.pem(), &before.signing_key.serialize_pem());
    let mut serving = Serving::start(&folder);
    serving.wait_for("serving callbacks address=");
    write(&after.cert.pem(), &before.signing_key.serialize_pem());
    let refused = serving.wait_for("[server] tls: `key` does not belong to the certificate");
    assert!(refused.ends_with("the previous certificate stays in use"), "{refused}");
    write(&after.cert.pem(), &after.signing_key.serialize_pem());
    serving.wait_for("the certificate of [server] has changed");
    serving.stop();
}

#[cfg(target_os = "linux")]
#[test]
fn with_little_address_space_fewer_instances_are_kept_and_with_too_little_it_is_said_what_to_do() {
    let folder = host("127.0.0.1:0");
    // 60 GB of address space, where the defaults ask for over a terabyte.
    let ended = in_shell(&folder, "ulimit -v 60000000;", "check --settings host.toml");
    let told = ended.err.lines().filter(|line| line.contains("there is too little address space")).count();
    assert_eq!(told, 1, "{ended:#?}");
    ended.succeeds();
    // One call needs no more than that, and says nothing.
    let ended = in_shell(&folder, "ulimit -v 40000000;", "run p.wasm --request ok.json");
    assert_eq!(ended.err, "", "{ended:#?}");
    let ended = in_shell(&folder, "ulimit -v 4000000;", "run p.wasm --request ok.json");
    ended.fails(1, &["the sandbox cannot be set up", "raise or remove `ulimit -v` (LimitAS= of systemd)"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_system_that_forbids_to_run_what_was_written_is_named() {
    // PR_SET_MDWE, which MemoryDenyWriteExecute= stands for.
    let python = "import ctypes, os, sys\nif ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) != 0: sys.exit(77)\n\
                  os.execv(sys.argv[1], sys.argv[1:])";
    let folder = host("127.0.0.1:0");
    let command = folder.command(["run", "p.wasm", "--request", "ok.json"]);
    let mut forbidden = Command::new("python3");
    forbidden.args(["-c", python]).arg(command.get_program()).args(command.get_args()).current_dir(folder.path(""));
    match forbidden.output() {
        Ok(output) if output.status.code() != Some(77) => {
            let ended = Ended::from(&command, output);
            ended.fails(1, &["remove MemoryDenyWriteExecute= from the systemd unit"]);
        }
        _ => println!("SKIPPED: no python3, or a kernel older than 6.3"),
    }
}
