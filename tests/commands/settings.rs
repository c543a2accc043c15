//! Settings that are wrong: exit code 3, the host's as well as a plugin's own.

use harness::guests;

use crate::program::folder;

#[test]
fn settings_of_a_host_are_refused_with_file_and_line() {
    for (contents, part) in [
        (&b""[..], "host.toml:1: `platform`: there is none: add a [[platform]]"),
        (b"{\"platform\":[]}", "host.toml:1: "),
        (b"[[platform]\n", "host.toml:1: "),
        (b"# \xff", "host.toml: cannot be read"),
        (b"\n[[platform]]\nkind = \"openim\"\nkey = 1\n", "host.toml:4: "),
    ] {
        let folder = folder().file("host.toml", contents);
        for line in [
            "check --settings host.toml",
            "serve --settings host.toml",
            "demo --settings host.toml",
            "explain --platform openim --command callbackBeforeAddFriendCommand --request ok.json --settings host.toml",
        ] {
            folder.type_in(line).fails(3, &["error: the settings have ", part]);
        }
    }
}

#[test]
fn settings_that_cannot_be_read_are_named() {
    let folder = folder().folder("folder");
    for (name, why) in [("none.toml", "No such file or directory"), ("folder", "it is a folder, not a file")] {
        let part = format!("{name}: cannot be read ({why}");
        folder.run(["check", "--settings", name]).fails(3, &[&part, "name the settings file with --settings"]);
        folder.run(["serve", "--settings", name]).fails(3, &[&part, "name the settings file with --settings"]);
        let part = format!("{name} cannot be read ({why}");
        for command in ["run", "profile"] {
            let line = [command, "p.wasm", "--request", "ok.json", "--settings", name];
            folder.run(line).fails(3, &[&part, "name a file with the plugin's settings"]);
        }
    }
}

#[test]
fn a_platform_that_the_settings_do_not_serve_is_named() {
    let folder = folder().file("host.toml", "[[platform]]\nkind = \"openim\"\n");
    let line = "explain --platform tencent-chat --command State.StateChange --request ok.json --settings host.toml";
    folder
        .type_in(line)
        .fails(3, &["the settings have no [[platform]] of this kind: add one with kind = \"tencent-chat\""]);
}

#[test]
fn settings_of_a_plugin_are_toml_or_a_json_object() {
    for (contents, part) in [
        (&b"words = "[..], "the settings are not valid TOML (line 1: "),
        (b"a = 1\nb = 2\nc", "the settings are not valid TOML (line 3: "),
        (b"[1, 2]", "or use a JSON object"),
        (b"{\"words\": ", "the settings are not valid JSON (EOF while parsing"),
        (b"words = \"\xff\"", "the settings are not UTF-8"),
        (b"number = nan", "inf and nan are not allowed: plugins get their settings as JSON"),
    ] {
        let folder = folder().file("settings.toml", contents).module("p.wasm", guests::text("spins"));
        for command in ["run", "profile"] {
            let line = [command, "p.wasm", "--request", "ok.json", "--settings", "settings.toml"];
            folder.run(line).fails(3, &["error: settings.toml: ", part]);
        }
    }
}

#[test]
fn a_host_without_plugins_is_fine() {
    let folder = folder().file("host.toml", "[[platform]]\nkind = \"openim\"\n");
    let text = folder.type_in("check --settings host.toml").succeeds();
    assert!(text.ends_with("\nNo plugin is registered: every callback is allowed.\n"), "{text}");
}

/// Twenty mistakes of all kinds, some of which only the plugins can find.
const TWENTY: &str = r#"[server]
listen = "localhost"
body_bytes_max = "8 MiB"
in_flight_max = 0
in_flight_max = 10
idle_within = 5
[log]
log_user = "yes"
[records]
file = "nowhere/records.jsonl"
[limits]
fuel = 3
memory_reset = "forget"
breaker_actors_min = 1
[[platform]]
kind = "openin"
[[platform]]
kind = "tencent-chat"
answer_within_ms = 9000
[[platform.app]]
id = 1400000000
tokens = [{ env = "CALLGATE_UNSET_TOKEN" }]
[[plugin]]
name = "one"
wasm = "filter.wasm"
commands = ["Group.CallbackBeforeSendMsgs"]
platform = ["openim", "tencent-chat"]
[[plugin]]
name = "two"
wasm = "none.wasm"
commands = ["*"]
[[plugin]]
name = "three"
wasm = "filter.wasm"
commands = ["C2C.CallbackBeforeSendMsg"]
platform = "tencent-chat"
settings = { words = ["a"], action = "destroy" }
[[plugin]]
name = "three"
wasm = "filter.wasm"
commands = ["*"]
[[plugin]]
name = "five"
wasm = "large.wasm"
commands = ["*"]
[[plugin]]
name = "six"
wasm = "folder"
commands = ["*"]
[[plugin]]
name = "seven"
wasm = "filter.wasm"
commands = ["callbackBeforeAddFriendCommand"]
"#;

#[test]
fn twenty_mistakes_are_reported_together_each_with_its_line_and_key() {
    let filter = guests::shipped("filter-messages");
    let folder = folder().file("host.toml", TWENTY).module("filter.wasm", filter).folder("folder");
    // Two gigabytes, none of which is read.
    std::fs::File::create(folder.path("large.wasm")).unwrap().set_len(2 << 30).unwrap();
    let ended = folder.type_in("check --settings host.toml");
    let expected = [
        (2, "server.listen", "must be an address or a name, and a port"),
        (3, "server.body_bytes_max", "expected an integer"),
        (4, "server.in_flight_max", "must be an integer from 1"),
        (5, "server.in_flight_max", "is set twice"),
        (6, "server.idle_within", "did you mean `idle_within_ms`?"),
        (8, "log.log_user", "did you mean `log_users`?"),
        (10, "records.file", "cannot be appended to (its folder: No such file"),
        (12, "limits.fuel", "did you mean `fuel_per_call`?"),
        (13, "limits.memory_reset", "must be \"auto\""),
        (14, "limits.breaker_actors_min", "must be an integer from 2"),
        (16, "platform[1].kind", "must be \"openim\""),
        (19, "platform[2].answer_within_ms", "must be an integer from 1 to 2000"),
        (22, "platform[2].app[1].tokens[1].env", "the environment variable CALLGATE_UNSET_TOKEN is not set"),
        (26, "plugin[1].commands", "did you mean \"Group.CallbackBeforeSendMsg\"?"),
        (30, "plugin[2].wasm", "none.wasm cannot be read (No such file"),
        (37, "plugin[3].settings.action", "plugin three: it refuses its settings: unknown variant `destroy`"),
        (39, "plugin[4].name", "another [[plugin]] has this name"),
        (44, "plugin[5].wasm", "the module has 2147483648 bytes"),
        (48, "plugin[6].wasm", "it is a folder, not a file"),
        (50, "plugin[7].settings", "plugin seven: it refuses its settings: `words` has no word"),
    ];
    let message = ended.fails(3, &["error: the settings have 20 mistakes"]);
    let lines: Vec<_> = message.lines().skip(1).collect();
    for ((line, key, what), found) in expected.iter().zip(&lines) {
        assert!(found.starts_with(&format!("host.toml:{line}: `{key}`: ")) && found.contains(what), "{key}: {found}");
    }
    assert_eq!(lines.len(), expected.len(), "{message}");
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let folder = folder().module("p.wasm", guests::text("spins"));
    let made = std::process::Command::new("mkfifo").arg(folder.path("pipe")).status();
    assert!(made.is_ok_and(|made| made.success()), "mkfifo is part of every system");
    std::fs::File::create(folder.path("large.toml")).unwrap().set_len(2 << 30).unwrap();
    for (file, why) in [
        ("pipe", "it is a named pipe, not a file"),
        ("/dev/zero", "it is a device, not a file"),
        ("large.toml", "it has 2147483648 bytes, and at most 16777216 are allowed"),
    ] {
        folder.run(["check", "--settings", file]).fails(3, &[why]);
    }
    let folder = folder.file(
        "host.toml",
        "[[platform]]\nkind = \"openim\"\n[[plugin]]\nname = \"p\"\nwasm = \"pipe\"\ncommands = [\"*\"]\n",
    );
    folder.type_in("check --settings host.toml").fails(4, &["plugin p: ", "it is a named pipe, not a file"]);
}

const OPENIM: &str = "[[platform]]\nkind = \"openim\"\n";

#[test]
fn records_that_could_not_be_written_keep_a_host_from_starting() {
    for (file, why) in [
        ("folder", "it is a folder"),
        ("ok.json/records", "Not a directory"),
        ("none/records", "its folder: No such file or directory"),
    ] {
        let folder = folder().folder("folder").file("host.toml", format!("[records]\nfile = \"{file}\"\n{OPENIM}"));
        for command in ["check", "serve"] {
            let parts = ["host.toml:2: `records.file`: cannot be appended to (", why];
            folder.run([command, "--settings", "host.toml"]).fails(3, &parts);
        }
    }
    // The default sink of settings without a [[sink]].
    let taken = folder().folder("records.jsonl").file("host.toml", OPENIM);
    let part = "host.toml:1: `sink`: there is none, so records are written to records.jsonl, which cannot be appended to (it is a folder)";
    taken.type_in("check --settings host.toml").fails(3, &[part]);
    // Who only explains an answer needs no records.
    let folder =
        folder().file("none.toml", format!("[records]\nfile = \"none/records\"\n{OPENIM}")).file("host.toml", OPENIM);
    folder
        .type_in(
            "explain --platform openim --command callbackBeforeAddFriendCommand --request ok.json --settings none.toml",
        )
        .succeeds();
    folder.type_in("check --settings host.toml").succeeds();
    assert!(!folder.path("records.jsonl").exists(), "a check leaves nothing behind");
}

#[test]
fn a_folder_that_can_hold_no_journal_is_one_mistake() {
    let folder = folder().file("host.toml", format!("[journal]\nfolder = \"ok.json\"\n{OPENIM}"));
    let parts = [
        "error: the settings have a mistake\n",
        "host.toml:2: `journal.folder`: no journal can be kept in ok.json (it is no folder): name another folder",
    ];
    for command in ["check", "serve"] {
        folder.run([command, "--settings", "host.toml"]).fails(3, &parts);
    }
}

#[cfg(unix)]
#[test]
fn a_lock_that_is_no_file_and_a_link_to_nowhere_are_found_before_the_start() {
    let folder = folder().folder("locked/journal.lock");
    std::os::unix::fs::symlink("nowhere", folder.path("link")).unwrap();
    for (name, why) in
        [("locked", "its file journal.lock cannot be opened"), ("link", "it is a link to what is not there")]
    {
        let path = folder.path("host.toml");
        std::fs::write(path, format!("[journal]\nfolder = \"{name}\"\n{OPENIM}")).unwrap();
        let parts = [&format!("host.toml:2: `journal.folder`: no journal can be kept in {name}"), why];
        for command in ["check", "serve"] {
            folder.run([command, "--settings", "host.toml"]).fails(3, &parts);
        }
        let doctors = folder.type_in("doctor --settings host.toml --offline --json").out;
        assert!(doctors.contains(why), "{doctors}");
    }
    assert!(!folder.path("nowhere").exists());
}

#[test]
fn two_listeners_with_one_address_are_noticed() {
    for (listen, admin) in [("127.0.0.1:8081", ""), (":9000", "listen = \"localhost:9000\""), ("[::]:8081", "")] {
        let toml = format!(
            "[server]\nlisten = \"{listen}\"\n[admin]\n{admin}\n[[platform]]\nkind = \"openim\"\npath = \"/a/b\"\n"
        );
        let folder = folder().file("host.toml", toml);
        folder.type_in("check --settings host.toml").fails(3, &["`admin.listen`: is the address of [server] too"]);
    }
}

#[test]
fn a_check_knows_the_address_that_serve_would_listen_on() {
    let folder = folder().file("host.toml", OPENIM);
    let taken = "check --settings host.toml --listen :8081";
    folder.type_in(taken).fails(3, &["`admin.listen`: is the address of [server] too"]);
    let mut command = folder.command("check --settings host.toml".split(' '));
    let ended = crate::program::Ended::of(command.env("CALLGATE_LISTEN", ":9000"));
    assert!(ended.err.contains("nothing authenticates them"), "{ended:#?}");
    ended.succeeds();
}

#[test]
fn without_its_secrets_a_host_can_be_checked_but_not_served() {
    let toml = "[[platform]]\nkind = \"openim\"\npath = { file = \"path\" }\n[[platform]]\nkind = \"openim\"\nname = \"b\"\n\
                path = { env = \"CALLGATE_UNSET_PATH\" }\n[[platform]]\nkind = \"tencent-chat\"\n[[platform.app]]\nid = 1\n\
                tokens = [{ env = \"CALLGATE_UNSET_TOKEN\" }]\n";
    let folder = folder().file("host.toml", toml);
    let parts = [
        "CALLGATE_UNSET_PATH is not set",
        "CALLGATE_UNSET_TOKEN is not set",
        "`platform[1].path.file`: cannot be read",
    ];
    for line in ["check --settings host.toml", "serve --settings host.toml"] {
        folder.type_in(line).fails(3, &parts);
    }
    let text = folder.type_in("check --settings host.toml --no-secrets").succeeds();
    assert!(text.contains("openim        POST /openim/…/{command}"), "{text}");
}

#[test]
fn a_check_shows_no_more_of_a_path_than_its_first_segment() {
    let toml = "[[platform]]\nkind = \"openim\"\npath = \"/openim/hunter2\"\n";
    let plugin = "[[plugin]]\nname = \"p\"\nwasm = \"p.wasm\"\ncommands = [\"callbackBeforeAddFriendCommand\"]\n";
    let module = guests::replies("p", r#"{"verdict":"allow"}"#);
    let ended = folder()
        .file("host.toml", format!("{toml}{plugin}"))
        .module("p.wasm", module)
        .type_in("check --settings host.toml");
    assert!(!ended.err.contains("hunter2"), "{ended:#?}");
    let text = ended.succeeds();
    assert!(!text.contains("hunter2") && text.contains("POST /openim/…/{command}"), "{text}");
}

#[test]
fn what_is_most_likely_not_meant_is_warned_of() {
    for (toml, warning) in [
        (
            format!("[server]\nlisten = \"0.0.0.0:0\"\n{OPENIM}"),
            "`platform[1].path`: everyone who reaches this host can send callbacks",
        ),
        (
            format!("{OPENIM}answer_within_ms = 6000\n"),
            "`platform[1].answer_within_ms`: the chat server of platform openim gives up after 5000 ms",
        ),
        (format!("{OPENIM}answer_within_ms = 49\n"), "`platform[1].answer_within_ms`: is so short"),
    ] {
        let ended = folder().file("host.toml", &toml).type_in("check --settings host.toml");
        let warnings: Vec<_> = ended.err.lines().filter(|line| line.contains(" WARN ")).collect();
        assert!(warnings.len() == 1 && warnings[0].contains(warning), "{toml}: {ended:#?}");
        ended.succeeds();
    }
    for fine in [50, 5000] {
        let toml = format!("{OPENIM}answer_within_ms = {fine}\n");
        let ended = folder().file("host.toml", toml).type_in("check --settings host.toml");
        assert!(!ended.err.contains(" WARN "), "{ended:#?}");
    }
}

#[test]
fn with_log_json_standard_error_has_nothing_but_json() {
    // A crate that cargo looks at and refuses, in words of its own.
    let broken = "[[plugin]]\nname = \"p\"\nsource = \"p\"\ncommands = [\"*\"]\n";
    let folder = folder()
        .file("host.toml", OPENIM)
        .file("wrong.toml", TWENTY)
        .file("crate.toml", format!("{OPENIM}{broken}"))
        .file("p/Cargo.toml", "[package]\nname = \"p\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n")
        .file("p/src/lib.rs", "this is no Rust\n")
        .file("manifest.toml", format!("{OPENIM}{broken}").replace("= \"p\"\ncommands", "= \"q\"\ncommands"))
        .file("q/Cargo.toml", "[package]\n");
    for (file, code) in [("host.toml", 0), ("wrong.toml", 3), ("crate.toml", 4), ("manifest.toml", 4)] {
        let ended = folder.run(["--log-json", "check", "--settings", file]);
        assert_eq!(ended.code, Some(code));
        let lines: Vec<serde_json::Value> = ended.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(lines.len() > 1, "{ended:#?}");
        if code != 0 {
            let last = lines.last().unwrap();
            assert_eq!((&last["level"], &last["fields"]["exit_code"]), (&"ERROR".into(), &code.into()), "{last}");
        }
    }
}
