//! What is in `host/deploy`, and what the program owes to a service manager.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::{Command, Stdio};
use std::time::Duration;

use harness::guests;

use crate::program::{Folder, folder};

fn deploy(name: &str) -> String {
    std::fs::read_to_string(guests::repository().join("host/deploy").join(name)).unwrap()
}

/// The value of a key in the unit.
fn value<'u>(unit: &'u str, key: &str) -> &'u str {
    unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap_or_else(|| panic!("no {key}"))
}

fn host() -> Folder {
    folder()
        .file("host.toml", "[server]\nlisten = \"127.0.0.1:0\"\ndrain_delay_ms = 0\n[admin]\noff = true\n[reload]\npoll_ms = 0\n[[platform]]\nkind = \"openim\"\n")
}

/// Serves with this manager's socket, and stops; what the manager was told.
fn told(folder: &Folder, name: &str, socket: &UnixDatagram) -> Vec<String> {
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut command = folder.command(["serve", "--settings", "host.toml"]);
    command.env("NOTIFY_SOCKET", name).stdout(Stdio::null()).stderr(Stdio::null());
    let mut serving = command.spawn().unwrap();
    let receive = || {
        let mut bytes = [0; 64];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    };
    let ready = receive();
    assert!(Command::new("kill").arg(serving.id().to_string()).status().unwrap().success());
    let stopping = receive();
    assert!(serving.wait().unwrap().success());
    vec![ready, stopping]
}

#[test]
fn the_service_manager_is_told_of_a_reload_and_how_it_ended() {
    let folder = host();
    let path = folder.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut command = folder.command(["serve", "--settings", "host.toml"]);
    command.env("NOTIFY_SOCKET", &path).stdout(Stdio::null()).stderr(Stdio::null());
    let mut serving = command.spawn().unwrap();
    let receive = || {
        let mut bytes = [0; 256];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    };
    let signal = |name: &str| {
        assert!(Command::new("kill").args(["-s", name, &serving.id().to_string()]).status().unwrap().success());
    };
    assert_eq!(receive(), "READY=1");
    for (settings, status) in
        [("", "STATUS=generation 1"), ("[", "STATUS=the last reload was refused, 1 mistakes: see the log")]
    {
        let text = std::fs::read_to_string(folder.path("host.toml")).unwrap();
        std::fs::write(folder.path("host.toml"), text + settings).unwrap();
        signal("HUP");
        let reloading = receive();
        let usec = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap_or_else(|| panic!("{reloading}"));
        assert!(usec.parse::<u64>().unwrap() > 0);
        assert_eq!(receive(), format!("READY=1\n{status}"));
    }
    signal("TERM");
    assert_eq!(receive(), "STOPPING=1");
    assert!(serving.wait().unwrap().success());
}

#[test]
fn the_service_manager_is_told_when_the_service_is_ready_and_when_it_stops() {
    let folder = host();
    let path = folder.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    assert_eq!(told(&folder, path.to_str().unwrap(), &socket), ["READY=1", "STOPPING=1"]);
    // A name without a file, as systemd may use it.
    let name = format!("callgate-test-{}", std::process::id());
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    assert_eq!(told(&folder, &format!("@{name}"), &socket), ["READY=1", "STOPPING=1"]);
}

#[test]
fn a_manager_that_does_not_listen_keeps_nobody_from_serving() {
    let folder = host();
    let mut command = folder.command(["demo", "--settings", "host.toml"]);
    command.env("NOTIFY_SOCKET", folder.path("none")).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut serving = command.spawn().unwrap();
    let mut out = std::io::BufReader::new(serving.stdout.take().unwrap());
    let mut printed = String::new();
    while !printed.contains("Callgate is serving") {
        assert_ne!(std::io::BufRead::read_line(&mut out, &mut printed).unwrap(), 0, "it ended");
    }
    assert!(Command::new("kill").arg(serving.id().to_string()).status().unwrap().success());
    assert!(serving.wait().unwrap().success());
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let unit = deploy("callgate.service");
    let command = value(&unit, "ExecStart");
    let mut words = command.split(' ');
    let program = words.next().unwrap();
    assert!(words.eq(["serve", "--settings", "/etc/callgate/host.toml"]), "{command}");
    assert_eq!(value(&unit, "Type"), "notify");
    assert_eq!(value(&unit, "ExecReload"), format!("{program} reload --settings /etc/callgate/host.toml"));
    // Longer than the host takes to stop, and enough files for its connections, by default.
    assert!(value(&unit, "TimeoutStopSec").parse::<u64>().unwrap() > 10);
    assert!(value(&unit, "LimitNOFILE").parse::<u64>().unwrap() > 4096 + 64);
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("SKIPPED: the unit is not verified because systemd-analyze is not installed");
        return;
    }
    let folder = folder().file("callgate.service", unit.replace(program, env!("CARGO_BIN_EXE_callgate")));
    let verified = Command::new("systemd-analyze").arg("verify").arg(folder.path("callgate.service")).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && said.is_empty(), "{said}");
}

#[test]
fn alerts_are_about_metrics_that_there_are() {
    let rules = deploy("callgate.rules.yml");
    let plugin = guests::text("gives-up");
    let host = harness::setup().plugin("p", plugin, "*", "").start();
    let metrics = host.host().metrics();
    let read = |path: &str| std::fs::read_to_string(guests::repository().join(path)).unwrap();
    let telemetry = read("host/src/telemetry.rs") + &read("host/src/telemetry/facts.rs");
    let is_of_a_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut names = BTreeSet::new();
    for line in rules.lines().filter(|line| line.trim_start().starts_with("expr:")) {
        let found = line.split(|letter| !is_of_a_name(letter)).filter(|word| word.starts_with("callgate_"));
        names.extend(found.map(str::to_owned));
    }
    assert!(names.len() >= 15, "{names:?}");
    for name in &names {
        let is_there = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
        // A family that nothing has counted yet does not show, but is registered.
        let registered = format!("\"{}\"", name.trim_start_matches("callgate_").trim_end_matches("_total"));
        assert!(metrics.lines().any(is_there) || telemetry.contains(&registered), "{name} is not among the metrics");
    }
    // What operators are told to watch for sinks, journal and facts has alerts.
    for watched in
        ["sink_state", "sink_lag_seconds", "journal_dead", "journal_full", "fact_source_failing", "overloaded_total"]
    {
        assert!(names.contains(&format!("callgate_{watched}")), "no alert for callgate_{watched}");
    }
    // Each has a name of its own, a condition, and says what to do.
    let count = |start: &str| rules.lines().filter(|line| line.trim_start().starts_with(start)).count();
    let alerts: BTreeSet<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    for key in ["expr: ", "summary: \"", "action: \""] {
        assert_eq!(count(key), alerts.len(), "{key}");
    }
    if Command::new("promtool").arg("--version").output().is_err() {
        eprintln!("SKIPPED: the alerts are not checked because promtool is not installed");
        return;
    }
    let path = guests::repository().join("host/deploy/callgate.rules.yml");
    let checked = Command::new("promtool").args(["check", "rules"]).arg(path).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

/// The system calls of a set such as `@system-service`, and of those in it.
fn set(name: &str) -> BTreeSet<String> {
    let listed = Command::new("systemd-analyze").args(["syscall-filter", name]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let words =
        listed.lines().map(str::trim).filter(|word| !word.is_empty() && !word.starts_with('#') && *word != name);
    words.flat_map(|word| if word.starts_with('@') { set(word) } else { BTreeSet::from([word.to_owned()]) }).collect()
}

#[test]
fn the_unit_lets_the_service_make_its_system_calls() {
    for tool in ["strace", "systemd-analyze"] {
        if Command::new(tool).arg("--version").output().is_err() {
            eprintln!("SKIPPED: the unit's filter is not tried because {tool} is not installed");
            return;
        }
    }
    let folder = host().module("p.wasm", guests::replies("no", r#"{"verdict":"deny","code":5003,"message":"no"}"#));
    let settings = std::fs::read_to_string(folder.path("host.toml")).unwrap();
    let plugin = "[[plugin]]\nname = \"p\"\nwasm = \"p.wasm\"\ncommands = [\"*\"]\n";
    std::fs::write(folder.path("host.toml"), settings + plugin).unwrap();
    let mut traced = Command::new("strace");
    traced.args(["--follow-forks", "--output=trace", env!("CARGO_BIN_EXE_callgate")]);
    traced.args(["serve", "--settings", "host.toml"]).current_dir(folder.path(""));
    traced.env("CACHE_DIRECTORY", folder.path("cache")).env("STATE_DIRECTORY", folder.path("state"));
    traced.stderr(Stdio::piped());
    let mut serving = traced.spawn().unwrap();
    let mut log = std::io::BufReader::new(serving.stderr.take().unwrap());
    let address = loop {
        let mut line = String::new();
        assert_ne!(std::io::BufRead::read_line(&mut log, &mut line).unwrap(), 0, "it ended");
        if let Some((_, address)) = line.split_once("serving callbacks address=") {
            break address.trim().to_owned();
        }
    };
    let mut connection = TcpStream::connect(&address).unwrap();
    let head =
        "POST /openim/callbackBeforeAddFriendCommand HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2";
    connection.write_all(format!("{head}\r\n\r\n{{}}").as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("5003"), "{answer}");
    // The first line is of the process that strace started.
    let trace = || std::fs::read_to_string(folder.path("trace")).unwrap();
    let id = trace().split(' ').next().unwrap().to_owned();
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    assert!(serving.wait().unwrap().success());

    let allowed: BTreeSet<_> = set("@system-service").difference(&set("@privileged")).cloned().collect();
    let calls = trace();
    let calls = calls.lines().filter_map(|line| line.split_whitespace().nth(1)?.split_once('(')).map(|(name, _)| name);
    let calls: BTreeSet<String> = calls.filter(|name| !name.is_empty()).map(str::to_owned).collect();
    assert!(calls.contains("mprotect") && calls.contains("accept4"), "{calls:?}");
    // SQLite gives its files to the owner of the database, as root only, which the service is not.
    let allowed: BTreeSet<_> = allowed.into_iter().chain(["fchown".to_owned()]).collect();
    let refused: Vec<_> = calls.difference(&allowed).filter(|name| !set("@default").contains(*name)).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn the_container_is_built_with_the_checkouts_toolchain_and_has_the_units_folders() {
    let container = deploy("Containerfile");
    let toolchain = std::fs::read_to_string(guests::repository().join("rust-toolchain.toml")).unwrap();
    let channel = toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap().trim_matches('"');
    assert!(container.contains(&format!("RUSTUP_TOOLCHAIN={channel}\n")), "{channel}");
    let (minor, _) = channel.rsplit_once('.').unwrap();
    assert!(container.contains(&format!("library/rust:{minor}-")), "{minor}");
    for folder in ["/etc/callgate", "/var/lib/callgate", "/var/cache/callgate"] {
        assert!(container.contains(folder), "{folder}");
    }
    assert!(container.contains("CMD [\"serve\", \"--settings\", \"/etc/callgate/host.toml\"]"));
    assert!(!container.contains("USER root"));
}
