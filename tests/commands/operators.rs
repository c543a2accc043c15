//! The operators' page: each of its command lines is run, in order, below a folder that takes the place of `/`.
//!
//! Not real are: root (`sudo` does nothing), systemd (`systemctl` starts and stops what the unit says), its journal,
//! the build (`cargo` and `git` do nothing: the program is this build's), and the ports.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::guests;

use crate::program::{Folder, folder, has_curl};

/// What stands in for systemd: one service, in the background. It says it is started once it serves.
const SYSTEMCTL: &str = r#"#!/bin/bash
set -eu
unit=$ROOT/etc/systemd/system/callgate.service
stop() {
    [ -f "$ROOT/pid" ] || return 0
    kill "$(cat "$ROOT/pid")" 2>/dev/null || true
    until ! kill -0 "$(cat "$ROOT/pid")" 2>/dev/null; do sleep 0.05; done
    rm "$ROOT/pid"
}
start() {
    mkdir -p "$ROOT/var/lib/callgate" "$ROOT/var/cache/callgate"
    chmod 700 "$ROOT/var/cache/callgate"
    command=$(sed -n 's/^ExecStart=//p' "$unit" | sed "s, /etc, $ROOT/etc,;s,^/,$ROOT/,")
    : >"$ROOT/journal"
    CACHE_DIRECTORY=$ROOT/var/cache/callgate STATE_DIRECTORY=$ROOT/var/lib/callgate setsid $command >>"$ROOT/journal" 2>&1 &
    echo $! >"$ROOT/pid"
    until grep -q 'serving callbacks' "$ROOT/journal"; do
        kill -0 "$(cat "$ROOT/pid")" || { cat "$ROOT/journal" >&2; exit 1; }
        sleep 0.05
    done
}
case "$*" in
daemon-reload) ;;
'enable --now callgate') start ;;
'restart callgate') stop && start ;;
'reload callgate') kill -HUP "$(cat "$ROOT/pid")" ;;
'disable --now callgate') stop ;;
*) echo "systemctl: $* is not known here" >&2 && exit 1 ;;
esac
"#;

const JOURNALCTL: &str = "#!/bin/bash\ntail -n 20 \"$ROOT/journal\"\n";
const NOTHING: &str = "#!/bin/bash\n";

/// Ends the service if the test fails in the middle.
struct Service(PathBuf);

impl Drop for Service {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(&self.0) {
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
    }
}

/// The blocks of a page, with the language of each.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let inside: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((language.to_owned(), inside.join("\n")));
        }
    }
    blocks
}

/// A folder like a checkout, with the program in the place where cargo puts it.
fn checkout() -> Folder {
    let folder = folder().folder("target/release").folder("root/usr/local/bin").folder("root/etc/systemd/system");
    let link = |from: &Path, to: &str| std::os::unix::fs::symlink(from, folder.path(to)).unwrap();
    link(&guests::repository().join("host"), "host");
    link(&guests::repository().join("plugins"), "plugins");
    let built = guests::shipped("guard-profile");
    // `callgate build` puts modules there, whatever the target folder of the test is.
    let target = built.ancestors().find(|path| path.ends_with("callgate")).unwrap().to_owned();
    link(&target, "target/callgate");
    std::fs::copy(env!("CARGO_BIN_EXE_callgate"), folder.path("target/release/callgate")).unwrap();
    let stubs = [("systemctl", SYSTEMCTL), ("journalctl", JOURNALCTL), ("cargo", NOTHING), ("git", NOTHING)];
    let folder = stubs.iter().fold(folder, |folder, (name, script)| folder.file(&format!("stubs/{name}"), script));
    for (name, _) in stubs {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(&format!("stubs/{name}")), mode).unwrap();
    }
    folder
}

#[test]
fn each_command_of_the_page_does_what_it_says() {
    if !has_curl("the operators' page") {
        return;
    }
    let page = std::fs::read_to_string(guests::repository().join("host/README.md")).unwrap();
    let folder = checkout();
    let root = folder.path("root");
    let _service = Service(root.join("pid"));
    let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [callbacks, admin] = ports.each_ref().map(|listener| listener.local_addr().unwrap().to_string());
    drop(ports);
    let here = |text: &str| {
        let mut text = text.replace("127.0.0.1:8080", &callbacks).replace("127.0.0.1:8081", &admin);
        for path in ["/etc/callgate", "/etc/systemd", "/usr/local/bin", "/var/lib/callgate", "/var/cache/callgate"] {
            text = text.replace(path, &format!("{}{path}", root.display()));
        }
        text.replace("sudo ", "")
    };
    let mut script = "set -eu\n".to_owned();
    let mut commands = 0;
    for (language, text) in blocks(&page) {
        match language.as_str() {
            "sh" => {
                for line in text.lines() {
                    commands += 1;
                    // `cargo` builds the plugin, so it is only a stub where the page itself calls it.
                    let stubbed = if line.starts_with("callgate build") { "" } else { "$STUBS:" };
                    let line = here(line);
                    script.push_str(&format!(
                        "echo '+ '{}\nPATH=\"{stubbed}$ROOT/usr/local/bin:$REAL\"\n{line}\n",
                        quoted(&line)
                    ));
                }
            }
            // Other blocks show parts of settings.
            "toml" if !(text.contains("[server]") && text.contains("[[plugin]]")) => {}
            "toml" => {
                script.push_str(&format!("cat >\"$ROOT/etc/callgate/host.toml\" <<'END'\n{}\nEND\n", here(&text)));
            }
            other => panic!("a block of an unknown kind: {other}"),
        }
    }
    assert!(commands > 30, "{commands}");
    let mut bash = Command::new("bash");
    bash.arg("-c").arg(&script).current_dir(folder.path("")).env("ROOT", &root).env("STUBS", folder.path("stubs"));
    bash.env("REAL", std::env::var_os("PATH").unwrap()).env("CACHE_DIRECTORY", folder.path("cache"));
    let output = bash.env_remove("CARGO_TARGET_DIR").output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{out}\n{err}");
    // What the page promises is there, and nothing stays.
    for part in [
        "Callgate answers here",
        "callbackBeforeUpdateUserInfoExCommand arrives",
        "This name is reserved",
        "serving callbacks",
        "callgate_records_lost_total 0",
    ] {
        assert!(out.contains(part), "{part}: {out}\n{err}");
    }
    let left: Vec<_> =
        ["etc/callgate", "etc/systemd/system/callgate.service", "var/lib/callgate", "var/cache/callgate"]
            .into_iter()
            .filter(|path| root.join(path).exists())
            .collect();
    assert_eq!(left, Vec::<&str>::new());
    assert!(!root.join("pid").exists());
}

/// A text in quotes for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
