//! What is in `host/deploy`, and what the program owes to a service manager.

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
        .file("host.toml", "[server]\nlisten = \"127.0.0.1:0\"\n[admin]\noff = true\n[[platform]]\nkind = \"openim\"\n")
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
