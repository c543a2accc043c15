//! `doctor`: a healthy host has nothing wrong, and each fault that is planted is found, with what to do.

use std::io::{Read, Write};
use std::net::TcpListener;

use harness::guests;
use serde_json::Value;

use crate::program::{Ended, Folder, folder};
use crate::service::Serving;

/// A machine as it should be, below `root`.
const MACHINE: [(&str, &str); 10] = [
    ("proc/sys/kernel/osrelease", "6.8.0-45-generic\n"),
    ("proc/swaps", "Filename\t\t\t\tType\t\tSize\n"),
    ("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"),
    ("proc/sys/vm/overcommit_memory", "0\n"),
    ("proc/self/maps", "7ffd5a5f3000-7ffd5a614000 rw-p 00000000 00:00 0 [stack]\n"),
    ("proc/meminfo", "MemTotal:       16309028 kB\nMemAvailable:   12309028 kB\n"),
    ("proc/self/cgroup", "0::/system.slice/callgate.service\n"),
    ("sys/fs/cgroup/system.slice/callgate.service/memory.max", "max\n"),
    ("sys/fs/cgroup/cpu.max", "max 100000\n"),
    (
        "proc/self/limits",
        "Limit                     Soft Limit           Hard Limit           Units     \n\
         Max processes             63000                63000                processes \n\
         Max open files            8192                 8192                 files     \n\
         Max address space         unlimited            unlimited            bytes     \n",
    ),
];

const SETTINGS: &str = "\
[server]
listen = \"127.0.0.1:18080\"
[admin]
listen = \"127.0.0.1:18081\"
[[sink]]
name = \"records\"
kind = \"file\"
path = \"records.jsonl\"
[[platform]]
kind = \"openim\"
path = \"/openim/secret-7Q\"
[[plugin]]
name = \"p\"
wasm = \"p.wasm\"
commands = [\"callbackBeforeAddFriendCommand\", \"callbackBeforeSendSingleMsgCommand\", \"callbackAfterSendGroupMsgCommand\"]
";

/// What `connect` prints for it, apart from comments.
const WEBHOOKS: &str = "\
url: http://127.0.0.1:18080/openim/secret-7Q
beforeSendSingleMsg:
  enable: true
  timeout: 5
  failedContinue: true
afterSendGroupMsg:
  enable: true
  timeout: 5
beforeAddFriend:
  enable: true
  timeout: 5
  failedContinue: true
";

/// A healthy host, its chat server, and its machine.
fn healthy() -> Folder {
    let plugin = guests::replies("no", r#"{"verdict":"deny","code":5003,"message":"no"}"#);
    let folder = folder().module("p.wasm", plugin).file("host.toml", SETTINGS).file("webhooks.yml", WEBHOOKS);
    let folder = MACHINE.iter().fold(folder, |folder, (path, text)| folder.file(&format!("root/{path}"), text));
    folder.file("none.env", "")
}

const LINE: &str =
    "doctor --settings host.toml --webhooks webhooks.yml --environment none.env --root root --offline --json";

fn findings(ended: &Ended) -> Vec<Value> {
    let report: Value = serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:#?}"));
    report["findings"].as_array().unwrap().clone()
}

fn is(finding: &Value, level: &str, id: &str) -> bool {
    finding["level"] == level && finding["id"] == id
}

#[test]
fn a_healthy_host_has_nothing_wrong() {
    let folder = healthy();
    let ended = folder.type_in(LINE);
    let wrong: Vec<_> = findings(&ended)
        .into_iter()
        .filter(|finding| finding["level"] == "error" || finding["level"] == "warning")
        // How this machine resets memory is its own affair.
        .filter(|finding| finding["id"] != "memory-reset" && finding["id"] != "disk")
        .collect();
    assert_eq!(wrong, Vec::<Value>::new());
    ended.succeeds();
}

/// Where a fault is planted.
enum Plant {
    /// Replaces this text in the settings, once.
    Settings(&'static str, &'static str),
    /// Replaces this text in `webhooks.yml`.
    Webhooks(&'static str, &'static str),
    /// A variable of the chat server.
    Variable(&'static str),
    /// A file of the machine.
    Machine(&'static str, &'static str),
}
use Plant::{Machine, Settings, Variable, Webhooks};

/// A fault, the finding that it must lead to, and words that the finding must have.
type Planted = (Plant, &'static str, &'static str, &'static [&'static str]);

const CHAT_SERVER: &[Planted] = &[
    (
        Webhooks("beforeAddFriend:\n  enable: true", "beforeAddFriend:\n  enable: false"),
        "error",
        "openim-off",
        &["webhooks.yml:10", "callbackBeforeAddFriendCommand never arrives", "set `enable: true`"],
    ),
    (Webhooks("beforeAddFriend:\n  enable: true\n", "beforeAddFriend:\n"), "error", "openim-off", &["has no `enable`"]),
    (
        Webhooks("beforeAddFriend:\n", "beforeAddFriends:\n"),
        "error",
        "openim-unknown-key",
        &["no key `beforeAddFriends`", "did you mean `beforeAddFriend`?"],
    ),
    (
        Webhooks("beforeAddFriend:\n", "callbackBeforeAddFriendCommand:\n"),
        "error",
        "openim-unknown-key",
        &["did you mean `beforeAddFriend`?"],
    ),
    (
        Webhooks("beforeAddFriend:\n", "userOnline:\n"),
        "warning",
        "openim-old-key",
        &["v3.6.0 and older", "rename it to `afterUserOnline`"],
    ),
    (
        Settings(
            "\"callbackBeforeAddFriendCommand\", ",
            "\"callbackBeforeAddFriendCommand\", \"callbackBeforeMsgModifyCommand\", ",
        ),
        "error",
        "openim-off",
        &["callbackBeforeMsgModifyCommand never arrives", "`beforeMsgModify` is missing"],
    ),
    (
        Webhooks("beforeAddFriend:\n", "callback:\n  msgModify:\n    enable: true\n  unused:\n"),
        "error",
        "openim-callback-section",
        &["a section `callback`", "and ignore the section", "`beforeMsgModify`", "callgate connect"],
    ),
    (
        Webhooks("url:", "mongo: {}\nkafka: {}\nredis: {}\ncallback:\n  url: http://h\nurl:"),
        "error",
        "openim-old-file",
        &["webhooks.yml:4", "this is config.yaml of v3.6.0 or older"],
    ),
    (
        Webhooks("beforeAddFriend:\n", "webhooks:\n  beforeAddFriend:\n    enable: true\nunused:\n"),
        "error",
        "openim-key-nested",
        &["`webhooks` has keys of callbacks inside", "move them to the top"],
    ),
    (
        Webhooks("beforeAddFriend:\n  enable: true\n  timeout: 5", "beforeAddFriend:\n  enable: true\n  timeout: 4"),
        "error",
        "openim-timeout",
        &["OpenIM waits 4 s", "4500 ms", "set `timeout: 5`", "lower `answer_within_ms` to 3500"],
    ),
    (
        Settings("kind = \"openim\"\n", "kind = \"openim\"\nanswer_within_ms = 4900\n"),
        "warning",
        "openim-timeout",
        &["leaves less than 500 ms", "set `timeout: 6`"],
    ),
    (
        Webhooks("enable: true\n  timeout: 5\n  failedContinue: true\nafter", "enable: yes\n  timeout: 5\nafter"),
        "error",
        "openim-unreadable",
        &["`beforeSendSingleMsg.enable` cannot be read as true or false", "do not start"],
    ),
    (
        Webhooks("beforeAddFriend:\n  enable: true\n  timeout: 5", "beforeAddFriend:\n  enable: true\n  timeout: 5s"),
        "error",
        "openim-unreadable",
        &["`beforeAddFriend.timeout` cannot be read as a whole number"],
    ),
    (
        Webhooks("beforeAddFriend:\n  enable: true\n  timeout: 5\n  failedContinue: true\n", "beforeAddFriend: true\n"),
        "error",
        "openim-unreadable",
        &["`beforeAddFriend` must have `enable` and `timeout` inside"],
    ),
    (
        Webhooks("  failedContinue: true\nafter", "  failedContinue: true\n  deniedTypes: [\"200-500\"]\nafter"),
        "warning",
        "openim-type-ranges",
        &["builds of the main branch do not start"],
    ),
    (Webhooks("  enable: true", "\tenable: true"), "error", "openim-yaml", &["webhooks.yml:3", "do not start"]),
    (
        Webhooks("beforeAddFriend:", "afterSendGroupMsg:"),
        "error",
        "openim-yaml",
        &["webhooks.yml:9", "afterSendGroupMsg", "twice"],
    ),
    (
        Webhooks("beforeAddFriend:", "AfterSendGroupMsg:"),
        "error",
        "openim-key-twice",
        &["webhooks.yml:9", "OpenIM ignores case"],
    ),
    (
        Webhooks("beforeAddFriend:\n", "beforeCreateGroup:\n  enable: true\nbeforeAddFriend:\n"),
        "warning",
        "openim-unplanned",
        &["callbackBeforeCreateGroupCommand is sent, but no plugin"],
    ),
    (
        Webhooks("beforeAddFriend:\n", "afterGroupMsgRevoke:\n  enable: true\nbeforeAddFriend:\n"),
        "warning",
        "openim-key-unread",
        &["`afterRevokeMsg`"],
    ),
    (
        Settings("\"callbackBeforeAddFriendCommand\", ", "\"callbackAfterUserKickOffCommand\", "),
        "error",
        "openim-never-sent",
        &["callbackAfterUserKickOffCommand never arrives", "no release sends it"],
    ),
    (
        Webhooks("  failedContinue: true\nafter", "  failedContinue: true\n  deniedTypes: [1, 101]\nafter"),
        "error",
        "openim-denied-types",
        &["webhooks.yml:6", "text messages (101)"],
    ),
    (
        Webhooks("  failedContinue: true\nafter", "  failedContinue: true\n  allowedTypes: [\"102-110\"]\nafter"),
        "warning",
        "openim-allowed-types",
        &["101"],
    ),
    (
        Webhooks("afterSendGroupMsg:\n", "afterSendGroupMsg:\n  attentionIds: [u1]\n"),
        "error",
        "openim-attention-ids",
        &["no group message arrives"],
    ),
    (Webhooks("url: http://127.0.0.1:18080", "url: 127.0.0.1:18080"), "error", "openim-url", &["has no scheme"]),
    (Webhooks("url: http://127.0.0.1:18080/openim/secret-7Q\n", ""), "error", "openim-url", &["`url` is missing"]),
    (
        Webhooks("http://127.0.0.1:18080/openim/secret-7Q", "http://127.0.0.1:10006/callbackExample"),
        "error",
        "openim-url-example",
        &["the example that OpenIM comes with"],
    ),
    (Webhooks("/openim/secret-7Q", "/openim"), "error", "openim-url-path", &["another path", "callgate connect"]),
    (
        Webhooks("/openim/secret-7Q", "/openim/secret-7Q/callbackBeforeAddFriendCommand"),
        "error",
        "openim-url-path",
        &["appends the command itself"],
    ),
    (
        Webhooks("/openim/secret-7Q", "/openim/secret-7Q?contenttype=json"),
        "error",
        "openim-url-query",
        &["no command arrives"],
    ),
    (Webhooks("127.0.0.1:18080", "127.0.0.1:18081"), "error", "openim-url-port", &["18081", "18080"]),
    (
        Webhooks("127.0.0.1:18080", "callgate.internal:18080"),
        "error",
        "openim-listener-loopback",
        &["callgate.internal", "only this machine can reach"],
    ),
    (Webhooks("127.0.0.1:18080", "0.0.0.0:18080"), "error", "openim-url-host", &["an address to listen on"]),
    (Webhooks("http://127.0.0.1:18080", "https://callgate.internal"), "note", "openim-url-tls", &["has no `tls`"]),
    (
        Variable("IMENV_WEBHOOKS_BEFOREADDFRIEND_ENABLE=false"),
        "error",
        "openim-off",
        &["callbackBeforeAddFriendCommand never arrives", "remove the variable IMENV_WEBHOOKS_BEFOREADDFRIEND_ENABLE"],
    ),
    (
        Variable("export IMENV_WEBHOOKS_BEFOREADDFRIEND_TIMEOUT=\"2\""),
        "error",
        "openim-timeout",
        &["IMENV_WEBHOOKS_BEFOREADDFRIEND_TIMEOUT", "OpenIM waits 2 s"],
    ),
    (
        Variable("IMENV_WEBHOOKS_URL=http://old:18080/openim/secret-7Q"),
        "error",
        "openim-listener-loopback",
        &["IMENV_WEBHOOKS_URL", "old"],
    ),
    (
        Variable("IMENV_WEBHOOKS_BEFOREIMPORTFRIENDS_ENABLE=true"),
        "error",
        "openim-variable-unread",
        &["IMENV_WEBHOOKS_BEFOREIMPORTFRIENDS_ENABLE", "override only what is in the file"],
    ),
    (Variable("IMENV_WEBHOOKS_BEFOREADDFRIEND=x"), "error", "openim-variable-hides", &["the callback is off"]),
    (
        Variable("IMENV_WEBHOOKS_BEFOREADDFRIENDS_ENABLE=true"),
        "warning",
        "openim-variable-unknown",
        &["did you mean IMENV_WEBHOOKS_BEFOREADDFRIEND_ENABLE?"],
    ),
];

const HOST: &[Planted] = &[
    (
        Settings("kind = \"openim\"", "kind = \"openim\"\non_faults = \"deny\""),
        "error",
        "settings",
        &["host.toml:11", "on_faults", "`on_fault`"],
    ),
    (Settings("p.wasm", "q.wasm"), "error", "plugin", &["host.toml:14", "q.wasm cannot be read"]),
    (
        Settings(
            "[[plugin]]\nname = \"p\"\nwasm = \"p.wasm\"\ncommands = [\"callbackBeforeAddFriendCommand\", \"callbackBeforeSendSingleMsgCommand\", \"callbackAfterSendGroupMsgCommand\"]\n",
            "",
        ),
        "error",
        "no-plugin",
        &["no plugin is registered"],
    ),
    (
        Settings("\"records.jsonl", "\"nowhere/records.jsonl"),
        "error",
        "trial",
        &["host.toml:8", "`sink[1].path`", "cannot be appended to"],
    ),
    (Settings("127.0.0.1:18081", "0.0.0.0:18081"), "warning", "admin-public", &["can be reached from other machines"]),
    (
        Settings("kind = \"openim\"\n", "kind = \"openim\"\non_overload = \"allow\"\n"),
        "warning",
        "on-overload",
        &["keeping the host busy"],
    ),
    (Settings("[[sink]]", "[cache]\nbytes_max = 0\n[[sink]]"), "warning", "cache", &["every start compiles"]),
    (Settings("[[sink]]", "[cache]\nfolder = \"shared\"\n[[sink]]"), "warning", "cache", &["is not private"]),
    (
        Settings("[[sink]]", "[limits]\nmemory_reset = \"unmap\"\n[[sink]]"),
        "warning",
        "memory-reset",
        &["the slowest", "memory_reset = \"auto\""],
    ),
    (Machine("proc/sys/kernel/osrelease", "4.19.0\n"), "warning", "kernel", &["Linux 4.19.0 is older"]),
    (Machine("proc/swaps", "Filename\n/dev/sda2 partition 100\n"), "warning", "swap", &["swapoff"]),
    (
        Machine("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n"),
        "note",
        "huge-pages",
        &["echo madvise"],
    ),
    (Machine("proc/sys/vm/overcommit_memory", "2\n"), "warning", "overcommit", &["vm.overcommit_memory=0"]),
    (
        Machine("proc/self/maps", "7fe36b4000-7fe36d5000 rw-p 00000000 00:00 0 [stack]\n"),
        "warning",
        "address-bits",
        &["39-bit", "kept_instances_max = 32"],
    ),
    (Machine("proc/meminfo", "MemAvailable:   131072 kB\n"), "warning", "memory", &["only 128 MiB"]),
    (
        Machine("sys/fs/cgroup/system.slice/memory.max", "268435456\n"),
        "warning",
        "cgroup-memory",
        &["may use 256 MiB", "1024 MiB"],
    ),
    (Machine("sys/fs/cgroup/cpu.max", "50000 100000\n"), "warning", "cgroup-cpu", &["50 % of one core"]),
    (
        Machine("proc/self/limits", "Max open files            1024                 4096                 files\n"),
        "warning",
        "open-files",
        &["1024 may be open", "LimitNOFILE"],
    ),
    (
        Machine("proc/self/limits", "Max address space         8589934592           unlimited            bytes\n"),
        "warning",
        "address-limit",
        &["8 GiB", "ulimit -v unlimited"],
    ),
    (
        Machine("proc/self/limits", "Max processes             64                   64                   processes\n"),
        "warning",
        "threads",
        &["64 processes"],
    ),
    (
        Machine("sys/class/rtc/rtc0/since_epoch", "1000000000\n"),
        "warning",
        "clock-hardware",
        &["differs from the hardware clock"],
    ),
];

fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?}");
    text.replacen(from, to, 1)
}

fn each_is_found(faults: &[Planted]) {
    let folder = healthy().folder("shared");
    std::fs::set_permissions(folder.path("shared"), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    for (plant, level, id, parts) in faults {
        let (name, healthy, planted) = match plant {
            Settings(from, to) => ("host.toml".to_owned(), SETTINGS, replaced(SETTINGS, from, to)),
            Webhooks(from, to) => ("webhooks.yml".to_owned(), WEBHOOKS, replaced(WEBHOOKS, from, to)),
            Variable(line) => ("none.env".to_owned(), "", format!("PATH=/bin\n{line}\n")),
            Machine(path, text) => {
                let healthy = MACHINE.iter().find(|(known, _)| known == path).map_or("", |(_, text)| *text);
                (format!("root/{path}"), healthy, (*text).to_owned())
            }
        };
        std::fs::create_dir_all(folder.path(&name).parent().unwrap()).unwrap();
        std::fs::write(folder.path(&name), &planted).unwrap();
        let ended = folder.type_in(LINE);
        let found: Vec<_> = findings(&ended).into_iter().filter(|finding| is(finding, level, id)).collect();
        let has_all = |finding: &&Value| {
            let text = format!("{} {} {}", finding["place"], finding["what"], finding["todo"]).replace("\\\"", "\"");
            parts.iter().all(|part| text.contains(part))
        };
        assert!(
            found.iter().any(|finding| has_all(&finding)),
            "{level} {id} {parts:?}, planted:\n{planted}\n{ended:#?}"
        );
        for finding in &found {
            assert_ne!(finding["todo"], "", "{finding}");
        }
        let all = findings(&ended);
        let errors = all.iter().filter(|finding| finding["level"] == "error").count();
        match errors {
            0 => drop(ended.succeeds()),
            _ => drop(ended.fails_with_output(8, &[&format!("{errors} error"), "each says above what to do"])),
        }
        // No path of a platform is shown: it may hold a secret.
        assert!(!serde_json::to_string(&all).unwrap().contains("secret-7Q"), "{all:#?}");
        std::fs::write(folder.path(&name), healthy).unwrap();
        if healthy.is_empty() {
            std::fs::remove_file(folder.path(&name)).unwrap();
            std::fs::write(folder.path("none.env"), "").unwrap();
        }
    }
}

#[test]
fn each_fault_on_the_chat_servers_side_is_found() {
    each_is_found(CHAT_SERVER);
}

#[test]
fn each_fault_of_host_and_machine_is_found() {
    each_is_found(HOST);
}

#[test]
fn twenty_faults_at_once_are_all_found() {
    let mut webhooks = WEBHOOKS.to_owned();
    let mut settings = SETTINGS.to_owned();
    let mut variables = String::new();
    let folder = healthy().folder("shared");
    std::fs::set_permissions(folder.path("shared"), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    // Those that hide no other one.
    let chosen = |planted: &&Planted| {
        matches!(
            planted.2,
            "openim-callback-section"
                | "openim-unplanned"
                | "openim-key-unread"
                | "openim-denied-types"
                | "openim-attention-ids"
                | "openim-variable-unread"
                | "openim-variable-unknown"
                | "trial"
                | "admin-public"
                | "on-overload"
                | "kernel"
                | "swap"
                | "huge-pages"
                | "overcommit"
                | "address-bits"
                | "memory"
                | "cgroup-memory"
                | "cgroup-cpu"
                | "open-files"
                | "clock-hardware"
        )
    };
    // A mistake in the settings and a plugin that is not there hide nothing else.
    settings.push_str("[[plugin]]\nname = \"q\"\nwasm = \"q.wasm\"\ncommands = [\"callbackBeforeAddFriendCommand\"]\n");
    let mut wanted = vec!["plugin"];
    for (plant, _, id, _) in CHAT_SERVER.iter().chain(HOST).filter(chosen) {
        match plant {
            Settings(from, to) => settings = replaced(&settings, from, to),
            // The old section goes to the end, so that the keys before it stay.
            Webhooks(_, to) if *id == "openim-callback-section" => webhooks.push_str(to),
            Webhooks(from, to) => webhooks = replaced(&webhooks, from, to),
            Variable(line) => variables.push_str(&format!("{line}\n")),
            Machine(path, text) => {
                let path = folder.path(&format!("root/{path}"));
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
        }
        wanted.push(*id);
    }
    assert_eq!(wanted.len(), 21, "{wanted:?}");
    let folder = folder.file("host.toml", settings).file("webhooks.yml", webhooks).file("none.env", variables);
    let ended = folder.type_in(LINE);
    let all = findings(&ended);
    let missed: Vec<_> = wanted.iter().filter(|id| !all.iter().any(|finding| finding["id"] == **id)).collect();
    assert!(missed.is_empty(), "{missed:?} of {all:#?}");

    // With a mistake in the settings, plugins are not loaded; everything else is found still.
    let settings = std::fs::read_to_string(folder.path("host.toml")).unwrap().replace("[server]", "[server]\nfiel = 1");
    std::fs::write(folder.path("host.toml"), settings).unwrap();
    let all = findings(&folder.type_in(LINE));
    wanted[0] = "settings";
    let missed: Vec<_> = wanted.iter().filter(|id| !all.iter().any(|finding| finding["id"] == **id)).collect();
    assert!(missed.is_empty(), "{missed:?} of {all:#?}");
}

#[test]
fn listeners_are_told_apart() {
    let folder = healthy();
    let ask = || {
        let ended = folder
            .type_in("doctor --settings host.toml --webhooks webhooks.yml --environment none.env --root root --json");
        findings(&ended)
    };
    let moved = |listener: &TcpListener| {
        let port = listener.local_addr().unwrap().port().to_string();
        std::fs::write(folder.path("host.toml"), SETTINGS.replace("18080", &port)).unwrap();
        std::fs::write(folder.path("webhooks.yml"), WEBHOOKS.replace("18080", &port)).unwrap();
    };
    // Nobody.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    moved(&free);
    drop(free);
    let all = ask();
    assert!(all.iter().any(|finding| is(finding, "warning", "listener-off")), "{all:#?}");
    assert!(all.iter().any(|finding| is(finding, "warning", "url-off")), "{all:#?}");
    // Something else.
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    moved(&other);
    let answering = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = other.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").unwrap();
        }
    });
    let all = ask();
    assert!(all.iter().any(|finding| is(finding, "error", "listener-taken")), "{all:#?}");
    assert!(all.iter().any(|finding| is(finding, "error", "url-other")), "{all:#?}");
    answering.join().unwrap();
}

#[test]
fn where_a_listener_has_a_mistake_nothing_is_asked() {
    let text = SETTINGS.replace("127.0.0.1:18080", "unix:here.sock").replace("127.0.0.1:18081", "8081");
    let ended = healthy().file("host.toml", text).type_in("doctor --settings host.toml --root root --json");
    let found = findings(&ended);
    for key in ["`server.listen`", "`admin.listen`"] {
        let is_named = |finding: &&Value| is(finding, "error", "settings") && finding.to_string().contains(key);
        assert_eq!(found.iter().filter(is_named).count(), 1, "{key}: {ended:#?}");
    }
    // Not at the address that is the default, where another host may listen.
    let is_asked = |finding: &&Value| finding.to_string().contains("] listen = ");
    assert_eq!(found.iter().find(is_asked), None);
}

#[test]
fn a_listener_that_asks_clients_for_certificates_is_right() {
    let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [callbacks, admin] = free.each_ref().map(|listener| listener.local_addr().unwrap().to_string());
    drop(free);
    let tls = "tls = { certificate = \"cert.pem\", key = \"key.pem\", client_ca = \"cert.pem\" }\n[admin]";
    let text = SETTINGS.replace("127.0.0.1:18080", &callbacks).replace("127.0.0.1:18081", &admin);
    let made = rcgen::generate_simple_self_signed(["callgate.example".to_owned()]).unwrap();
    let folder = healthy().file("host.toml", text.replace("[admin]", tls));
    let folder = folder.file("cert.pem", made.cert.pem()).file("key.pem", made.signing_key.serialize_pem());
    let mut serving = Serving::start(&folder);
    serving.wait_for("serving callbacks address=");
    let ended = folder.type_in("doctor --settings host.toml --root root --json");
    let found = findings(&ended);
    assert!(found.iter().any(|finding| is(finding, "ok", "listener")), "{ended:#?}");
    assert!(!found.iter().any(|finding| finding["level"] == "error"), "{ended:#?}");
    serving.stop();
}

#[test]
fn a_url_without_the_credentials_that_are_asked_for_is_found() {
    let asks = "kind = \"openim\"\ncredentials = [{ file = \"old\" }, { file = \"new\" }]";
    let folder = healthy().file("old", "me:s3cret\n").file("new", "me:p@ss/w:rd\n");
    let folder = folder.file("host.toml", SETTINGS.replace("kind = \"openim\"", asks));
    for (sent, wrong) in [
        ("", Some("credentials are needed")),
        ("me@", Some("credentials are wrong")),
        ("me:s3cre@", Some("credentials are wrong")),
        ("me:s3cret@", None),
        ("me:p%40ss%2Fw:rd@", None),
    ] {
        std::fs::write(folder.path("webhooks.yml"), WEBHOOKS.replace("http://", &format!("http://{sent}"))).unwrap();
        let all = findings(&folder.type_in(LINE));
        let found: Vec<_> = all.iter().filter(|finding| is(finding, "error", "url-credentials")).collect();
        assert_eq!(found.len(), usize::from(wrong.is_some()), "{sent}: {all:#?}");
        assert!(wrong.is_none_or(|wrong| found[0]["what"].as_str().unwrap().contains(wrong)), "{sent}: {found:#?}");
        assert!(!format!("{all:?}").contains("s3cre"), "{all:#?}");
    }
    // Credentials that were not read are not compared.
    let all = findings(&folder.type_in(&format!("{LINE} --no-secrets")));
    assert!(!all.iter().any(|finding| finding["id"] == "url-credentials"), "{all:#?}");
}

#[test]
fn people_get_lines_that_fit_and_the_worst_last() {
    let folder = healthy().file("webhooks.yml", WEBHOOKS.replace("/openim/secret-7Q", "/openim"));
    let line = LINE.replace(" --json", "");
    let ended = folder.type_in(&line);
    let text = ended.out.clone();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let last = text.lines().rfind(|line| !line.starts_with(' ')).unwrap();
    assert!(last.starts_with("error    webhooks.yml:1: "), "{text}");
    assert!(text.contains("-> set `url`"), "{text}");
    ended.fails_with_output(8, &["error: 1 error and "]);
}

#[test]
fn files_that_do_not_fit_are_named() {
    let folder = healthy().file(
        "two.toml",
        SETTINGS.replace("[[plugin]]", "[[platform]]\nkind = \"openim\"\nname = \"b\"\npath = \"/b\"\n[[plugin]]"),
    );
    folder
        .type_in("doctor --settings host.toml --webhooks none.yml --offline")
        .fails(6, &["none.yml cannot be read (No such file", "name a file of the chat server"]);
    for (name, why) in [("/dev/zero", "it is a device, not a file"), ("root", "it is a folder, not a file")] {
        let part = format!("{name} cannot be read ({why})");
        folder.type_in(&format!("doctor --settings host.toml --webhooks {name} --offline")).fails(6, &[&part]);
        let line = format!("doctor --settings host.toml --webhooks webhooks.yml --environment {name} --offline");
        folder.type_in(&line).fails(6, &[&part]);
    }
    folder
        .type_in("doctor --settings two.toml --webhooks webhooks.yml --offline")
        .fails(2, &["several platforms: choose one of \"openim\", \"b\" with --platform"]);
    folder
        .type_in("doctor --settings host.toml --webhooks webhooks.yml --platform c --offline")
        .fails(2, &["no [[platform]] has this name", "\"openim\""]);
    let tencent = SETTINGS.replace(
        "kind = \"openim\"",
        "kind = \"tencent-chat\"\n[[platform.app]]\nid = 1\n[[platform]]\nkind = \"openim\"\nname = \"o\"",
    );
    let folder = folder.file("tencent.toml", tencent);
    folder
        .type_in("doctor --settings tencent.toml --webhooks webhooks.yml --platform tencent-chat --offline")
        .fails(2, &["Tencent Cloud Chat has no file about webhooks", "callgate connect"]);
    folder.type_in("doctor --webhooks webhooks.yml").fails(2, &["--settings <FILE>"]);
}

#[test]
fn without_settings_the_machine_is_examined() {
    let folder = healthy();
    let text = folder.type_in("doctor --root root").succeeds();
    assert!(text.contains("kernel: Linux 6.8.0-45-generic"), "{text}");
}

#[test]
fn plugins_that_a_healthy_start_does_without_are_errors_of_doctor_and_check() {
    let settings = SETTINGS.replacen("[server]\n", "[server]\nstart = \"healthy\"\n", 1);
    let folder = healthy().file("host.toml", settings);
    std::fs::remove_file(folder.path("p.wasm")).unwrap();
    let ended = folder.type_in(LINE);
    let found = findings(&ended).into_iter().find(|finding| is(finding, "error", "plugin")).unwrap();
    let what = found["what"].as_str().unwrap();
    assert!(what.contains("plugin p") && what.contains("p.wasm cannot be read"), "{found}");
    assert_eq!(ended.code, Some(8));
    let ended = folder.type_in("check --settings host.toml");
    assert_eq!(ended.code, Some(4), "{ended:#?}");
    assert!(ended.out.contains("p (not loaded)"), "{ended:#?}");
    assert!(
        ended.err.contains("error: plugins cannot be loaded") && ended.err.contains("p.wasm cannot be read"),
        "{ended:#?}"
    );
}
