//! A journal on a disk that fills up and then has free space again.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::program::{Folder, folder};
use harness::guests;

/// A tmpfs of this size in bytes; it is unmounted on drop.
struct Disk(PathBuf);

impl Disk {
    /// `None`, with a message, if this process may not mount.
    fn mount(at: PathBuf, bytes: usize) -> Option<Self> {
        std::fs::create_dir_all(&at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"]).arg(&at);
        match mount.output() {
            Ok(output) if output.status.success() => Some(Self(at)),
            _ => {
                eprintln!(
                    "SKIPPED: a full disk is not tried because this user may not mount one: run the tests as root"
                );
                None
            }
        }
    }

    fn resize(&self, bytes: usize) {
        let option = format!("remount,size={bytes}");
        assert!(Command::new("mount").args(["-o", &option]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A host that is killed on drop.
struct Host(Child);

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn serve(folder: &Folder, port: u16) -> Host {
    let command = folder.command(["serve", "--settings", "host.toml"]).stderr(Stdio::null()).spawn().unwrap();
    let host = Host(command);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::yield_now();
    }
    host
}

fn ask(port: u16, head: &str, body: &str) -> String {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = format!("{head} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    connection.write_all((head + body).as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

fn post(port: u16, number: usize) -> String {
    let body = format!("{{\"groupID\":\"g\",\"clientMsgID\":\"{number}\",\"content\":\"{}\"}}", "x".repeat(4000));
    ask(port, "POST /openim/callbackAfterSendGroupMsgCommand", &body)
}

fn records(folder: &Path) -> usize {
    std::fs::read_to_string(folder).unwrap_or_default().lines().count()
}

#[test]
fn a_host_on_a_full_disk_says_so_and_goes_on_when_there_is_room() {
    let (port, admin) = (free_port(), free_port());
    let recorder = guests::replies("recorder", r#"{"verdict":"allow","records":[{"sent":1}]}"#);
    let folder = folder().module("recorder.wasm", recorder).file(
        "host.toml",
        format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\n[admin]\nlisten = \"127.0.0.1:{admin}\"\n\
             [journal]\nfolder = \"disk/journal\"\n\
             [[platform]]\nkind = \"openim\"\nmode = \"journal\"\n\
             [[plugin]]\nname = \"recorder\"\nwasm = \"recorder.wasm\"\ncommands = [\"callbackAfterSend*\"]\n"
        ),
    );
    let Some(disk) = Disk::mount(folder.path("disk"), 2 << 20) else { return };
    let file = folder.path("records.jsonl");
    let host = serve(&folder, port);
    let is_refused = |answer: &str| answer.starts_with("HTTP/1.1 503") && answer.contains("or its disk is full");
    let mut acknowledged = 0;
    // More than the disk holds, however fast it is processed.
    let refused = (0..100_000).map(|number| post(port, number)).find(|answer| {
        acknowledged += usize::from(answer.starts_with("HTTP/1.1 200"));
        !answer.starts_with("HTTP/1.1 200")
    });
    assert!(refused.as_deref().is_some_and(is_refused), "{refused:?}");
    let ready = ask(admin, "GET /readyz", "");
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("after-callbacks are refused"), "{ready}");

    // Killed while the disk is full: the next host starts, reports the same, and recovers by itself.
    drop(host);
    let host = serve(&folder, port);
    // It notices with its first write.
    while !ask(admin, "GET /readyz", "").contains("after-callbacks are refused") {}
    disk.resize(64 << 20);
    while !ask(admin, "GET /readyz", "").starts_with("HTTP/1.1 200") {}
    while records(&file) < acknowledged {}
    let answer = post(port, 200_000);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    while records(&file) < acknowledged + 1 {}
    drop(host);
}

#[test]
fn a_folder_that_holds_something_else_is_not_made_private() {
    let (port, admin) = (free_port(), free_port());
    let folder = folder().file("here/photo.jpg", "").file(
        "host.toml",
        format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\n[admin]\nlisten = \"127.0.0.1:{admin}\"\n\
             [journal]\nfolder = \"here\"\n[[platform]]\nkind = \"openim\"\n"
        ),
    );
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder.path("here"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mode = || std::fs::metadata(folder.path("here")).unwrap().permissions().mode() & 0o777;
    for command in ["check", "serve"] {
        folder.run([command, "--settings", "host.toml"]).fails(3, &["photo.jpg", "name a folder of its own"]);
    }
    assert_eq!(mode(), 0o755);
    assert!(!folder.path("here/journal.lock").exists());
}
