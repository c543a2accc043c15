//! `reload` and `rollback`: commands that talk to a running host, and what makes it read its files again.

use std::net::TcpListener;

use harness::guests;

use crate::program::{Ended, Folder, folder};
use crate::service::{Serving, post};

fn module(code: u32) -> Vec<u8> {
    let path = guests::replies("no", &format!(r#"{{"verdict":"deny","code":{code},"message":"no"}}"#));
    std::fs::read(path).unwrap()
}

/// Settings with an admin listener, and how often files are looked at.
fn settings(poll_ms: u32, more: &str) -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\ndrain_delay_ms = 0\n[admin]\nlisten = \"{free}\"\n[reload]\npoll_ms = {poll_ms}\n[[platform]]\n\
         kind = \"openim\"\n[[plugin]]\nname = \"p\"\nwasm = \"p.wasm\"\ncommands = [\"*\"]\n{more}"
    )
}

fn host(settings: &str) -> Folder {
    folder().file("p.wasm", module(5001)).file("host.toml", settings)
}

fn denies_with(address: &str, code: u32) -> bool {
    post(address).contains(&format!("\"errCode\":{code}"))
}

#[test]
fn a_running_host_reloads_and_goes_back_when_it_is_told_to() {
    let text = settings(0, "");
    let folder = host(&text);
    let mut serving = Serving::start(&folder);
    let address = serving.wait_for("serving callbacks address=");
    let command = |line: &str| folder.type_in(&format!("{line} --settings host.toml"));
    assert_eq!(command("reload").succeeds(), "Nothing has changed: generation 1 stays in service.\n");
    std::fs::write(folder.path("p.wasm"), module(5002)).unwrap();
    let trial = command("reload --dry-run").succeeds();
    assert_eq!(trial, "Nothing is wrong. A reload would change:\n  plugins changed: p (module)\n");
    assert!(denies_with(&address, 5001));
    let done = command("reload").succeeds();
    assert!(done.starts_with("Generation 2 is in service, after "), "{done}");
    assert!(done.ends_with(" ms.\n  plugins changed: p (module)\n") && denies_with(&address, 5002), "{done}");
    let list = command("rollback --list").succeeds();
    let lines: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(lines.len() == 3 && lines[1][0] == "1" && lines[2][0] == "2", "{list}");
    assert!(lines[2].ends_with(&["1", "in", "service"]) && lines[1].ends_with(&["1"]), "{list}");
    // Also where the settings file is broken, as long as the address is given.
    std::fs::write(folder.path("host.toml"), "[[").unwrap();
    let parts = ["host.toml does not say where the host's admin listener is: correct it", "\nhost.toml:1: "];
    command("rollback").fails(3, &parts);
    let admin = text.lines().nth(4).unwrap().split('"').nth(1).unwrap().to_owned();
    let back = folder.type_in(&format!("rollback --admin {admin}")).succeeds();
    assert!(
        back.contains("plugins changed: p (module)") && back.contains("mend them before the next restart"),
        "{back}"
    );
    assert!(denies_with(&address, 5001));
    let part = "nothing has changed, and the previous configuration stays in service:\n";
    folder.type_in(&format!("reload --admin http://{admin}/")).fails(3, &[part, "host.toml:1: "]);
    folder.type_in(&format!("rollback --to 7 --admin {admin}")).fails(3, &["no such configuration is stored"]);
    serving.stop().succeeds();
    folder.type_in(&format!("reload --admin {admin}")).fails(9, &["no host answers at", "Is `callgate serve` running"]);
}

#[test]
fn signals_and_changed_files_reload_and_a_mistake_is_said_once() {
    let text = settings(100, "");
    let folder = host(&text);
    let mut serving = Serving::start(&folder);
    let address = serving.wait_for("serving callbacks address=");
    std::fs::write(folder.path("p.wasm"), module(5002)).unwrap();
    serving.wait_for("the settings are reloaded: plugins changed: p (module)");
    assert!(denies_with(&address, 5002));
    std::fs::write(folder.path("p.wasm"), &module(5003)[..80]).unwrap();
    serving.wait_for("the reload is refused, and the previous generation stays in service: host.toml:");
    assert!(denies_with(&address, 5002));
    std::fs::write(folder.path("p.wasm"), module(5003)).unwrap();
    serving.wait_for("the settings are reloaded: plugins changed: p (module)");
    serving.signal("HUP");
    serving.wait_for("the settings are reloaded: nothing has changed");
    let ended = serving.stop();
    assert_eq!(ended.err.matches("the reload is refused").count(), 1, "{ended:#?}");
    ended.succeeds();
}

#[test]
fn a_mistake_under_admin_sends_no_command_to_another_host() {
    let write = |folder: Folder, admin: &str| {
        folder.file("host.toml", format!("[admin]\n{admin}\n[[platform]]\nkind = \"openim\"\n"))
    };
    let folder = folder().file("empty", "\n");
    let folder = write(folder, "listen = \"unix:callgate.sock\"");
    let wrong = "host.toml:2: `admin.listen`: must be `unix:` and the absolute path";
    for command in ["reload", "rollback", "rollback --list"] {
        let line = format!("{command} --settings host.toml");
        folder.type_in(&line).fails(3, &["no host was asked, because [admin] in the settings has a mistake", wrong]);
    }
    // Where the address is given, that in the file is not needed.
    let line = "reload --settings host.toml --admin 127.0.0.1:1";
    folder.type_in(line).fails(9, &["no host answers at 127.0.0.1:1"]);
    // The token would be sent without encryption.
    let folder = write(folder, "tls = { certificate = \"cert.pem\" }");
    folder.type_in(line).fails(3, &["`admin.tls`: must be {"]);
    let folder = write(folder, "token = { file = \"empty\" }");
    let wrong = "host.toml:2: `admin.token`: the secret is empty";
    folder.type_in(line).fails(3, &[wrong, "or put the token into the variable CALLGATE_ADMIN_TOKEN"]);
    let mut command = folder.command(line.split(' '));
    Ended::of(command.env("CALLGATE_ADMIN_TOKEN", "t")).fails(9, &["no host answers at 127.0.0.1:1"]);
    // Mistakes elsewhere are no reason not to ask.
    let text = "[server]\nlisten = 1\n[admin]\nlisten = \"127.0.0.1:1\"\n[[platform]]\nkind = \"openim\"\n";
    folder.file("host.toml", text).type_in("reload --settings host.toml").fails(9, &["no host answers at 127.0.0.1:1"]);
}

#[test]
fn a_host_with_another_certificate_than_that_in_the_file_is_told_apart_from_none() {
    let text = settings(0, "").replace("[reload]", "tls = { certificate = \"cert.pem\", key = \"key.pem\" }\n[reload]");
    let made = || rcgen::generate_simple_self_signed(["callgate.example".to_owned()]).unwrap();
    let (before, after) = (made(), made());
    let folder = host(&text).file("cert.pem", before.cert.pem()).file("key.pem", before.signing_key.serialize_pem());
    let mut serving = Serving::start(&folder);
    serving.wait_for("serving callbacks address=");
    let reload = || folder.type_in("reload --settings host.toml");
    assert_eq!(reload().succeeds(), "Nothing has changed: generation 1 stays in service.\n");
    // The key does not fit it, so the host refuses it.
    std::fs::write(folder.path("cert.pem"), after.cert.pem()).unwrap();
    let message = reload().fails(9, &["a host answers at", "with another certificate than cert.pem", "SIGHUP"]);
    assert!(!message.contains("Is `callgate serve` running"), "{message}");
    let doctor = || folder.type_in("doctor --settings host.toml --json").out;
    let doctors = doctor();
    assert!(doctors.contains("\"listener-certificate\"") && doctors.contains("another certificate"), "{doctors}");
    std::fs::remove_file(folder.path("cert.pem")).unwrap();
    reload().fails(3, &["`admin.tls.certificate`", "cert.pem cannot be read"]);
    assert!(doctor().contains("it is not known which certificate belongs here: `tls.certificate` cert.pem cannot"));
    serving.stop().succeeds();
}

#[test]
fn another_program_at_the_address_is_no_host() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let answering = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = other.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").unwrap();
    });
    folder().type_in(&format!("reload --admin {address}")).fails(9, &["is not a Callgate of this version"]);
    answering.join().unwrap();
    let off = "[admin]\noff = true\n[[platform]]\nkind = \"openim\"\n";
    folder().file("host.toml", off).type_in("reload --settings host.toml").fails(3, &["have no admin listener"]);
}
