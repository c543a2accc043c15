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
    for (name, why) in [("none.toml", "No such file or directory"), ("folder", "Is a directory")] {
        let of_host = if name == "folder" { "it is a folder, not a file" } else { why };
        let part = format!("{name}: cannot be read ({of_host}");
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
