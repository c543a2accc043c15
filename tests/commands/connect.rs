//! `connect`: what is printed is what the chat server needs, for exactly the commands that have plugins.

use harness::guests;

use crate::program::{Folder, folder};

fn host(settings: &str) -> Folder {
    let plugin = guests::replies("no", r#"{"verdict":"deny","code":5003,"message":"no"}"#);
    folder().module("p.wasm", plugin).file("host.toml", settings)
}

const OPENIM: &str = "\
[admin]
off = true
[[platform]]
kind = \"openim\"
path = \"/openim/secret-7Q\"
answer_within_ms = 2000
[[plugin]]
name = \"p\"
wasm = \"p.wasm\"
commands = [\"callbackBeforeAddFriendCommand\", \"callbackAfterSetGroupInfoExCommand\"]
";

/// What is not a comment.
fn data(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn openim_gets_its_file() {
    let folder = host(OPENIM);
    let text = folder.type_in("connect --settings host.toml").succeeds();
    let expected = [
        "url: http://127.0.0.1:8080/openim/secret-7Q",
        "beforeAddFriend:",
        "  enable: true",
        "  timeout: 3",
        "  failedContinue: true",
        "afterSetGroupInfoEx:",
        "  enable: true",
        "  timeout: 3",
    ];
    assert_eq!(data(&text), expected);
    for part in ["no release reads failedContinue", "OpenIM refuses every operation", "Sent by v3.8.1 and later"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
}

#[test]
fn failed_continue_follows_on_fault_of_plugin_and_platform() {
    let of_plugin = host(&OPENIM.replace("name = \"p\"", "name = \"p\"\non_fault = \"deny\""));
    let of_platform = host(&OPENIM.replace("kind = \"openim\"", "kind = \"openim\"\non_fault = \"deny\""));
    for folder in [of_plugin, of_platform] {
        let text = folder.type_in("connect --settings host.toml").succeeds();
        assert!(data(&text).contains(&"  failedContinue: false"), "{text}");
    }
}

#[test]
fn the_url_is_one_that_the_chat_server_can_call() {
    let folder = host(OPENIM);
    let url = |line: &str| data(&folder.type_in(line).succeeds())[0].to_owned();
    let proxy = "connect --settings host.toml --url https://callbacks.example.com/";
    assert_eq!(url(proxy), "url: https://callbacks.example.com/openim/secret-7Q");
    // Given whole, it stays.
    assert_eq!(url(&format!("{proxy}openim/secret-7Q")), "url: https://callbacks.example.com/openim/secret-7Q");
    for wrong in ["callbacks.example.com", "ftp://h", "http://", "http://h?a=b"] {
        folder
            .type_in(&format!("connect --settings host.toml --url {wrong}"))
            .fails(2, &["invalid value", "it must be http:// or https:// with a host"]);
    }
    // An address for listening only is not called.
    let folder = host(&format!("[server]\nlisten = \"0.0.0.0:8080\"\n{OPENIM}"));
    let text = folder.type_in("connect --settings host.toml").succeeds();
    assert!(!text.contains("0.0.0.0") && text.contains(":8080/openim/secret-7Q"), "{text}");
}

#[test]
fn what_connect_prints_is_fine_with_doctor() {
    let folder = host(OPENIM);
    let text = folder.type_in("connect --settings host.toml").succeeds();
    let folder = folder.file("webhooks.yml", text).file("none.env", "");
    let report = folder
        .type_in("doctor --settings host.toml --webhooks webhooks.yml --environment none.env --offline")
        .succeeds();
    for part in ["callbackBeforeAddFriendCommand arrives", "callbackAfterSetGroupInfoExCommand arrives"] {
        assert!(report.contains(part), "{part}: {report}");
    }
}

#[test]
fn tencent_gets_console_and_rest() {
    let settings = "\
[admin]
off = true
[[platform]]
kind = \"openim\"
[[platform]]
kind = \"tencent-chat\"
on_fault = \"deny\"
[[platform.app]]
id = 1400000000
[[plugin]]
name = \"p\"
wasm = \"p.wasm\"
commands = [\"C2C.CallbackBeforeSendMsg\", \"Live.CallbackAfterCreateRoom\"]
";
    let folder = host(settings);
    folder
        .type_in("connect --settings host.toml")
        .fails(2, &["several platforms: choose one of \"openim\", \"tencent-chat\" with --platform"]);
    folder.type_in("connect --settings host.toml --platform x").fails(2, &["no [[platform]] has this name"]);
    let line = "connect --settings host.toml --platform tencent-chat";
    let text = folder.type_in(&format!("{line} --url https://callbacks.example.com")).succeeds();
    for part in [
        "SDKAppID 1400000000",
        "URL        https://callbacks.example.com/tencent-chat\n",
        "     C2C.CallbackBeforeSendMsg\n       www.tencentcloud.com/document/product/1047/34364\n",
        "\"do not deliver\"",
        "Callback authentication, SDKAppID 1400000000: OFF",
        "https://console.tim.qq.com/v4/live_config/set_callback?sdkappid=1400000000",
        r#"{"Url":"https://callbacks.example.com/tencent-chat","CallbackCommandList":["Live.CallbackAfterCreateRoom"]}"#,
        "100300",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let text = folder.type_in(line).succeeds();
    assert!(text.contains("Tencent cannot reach this host: give the public address with --url"), "{text}");
}

#[test]
fn secrets_that_only_the_service_can_read_are_left_out() {
    let settings = OPENIM.replace("path = \"/openim/secret-7Q\"", "path = { env = \"CALLGATE_TEST_UNSET_PATH\" }");
    let folder = host(&settings);
    folder.type_in("connect --settings host.toml").fails(3, &["CALLGATE_TEST_UNSET_PATH"]);
    let text = folder.type_in("connect --settings host.toml --no-secrets").succeeds();
    assert!(data(&text)[0].starts_with("url: "), "{text}");
    // A path that was not read is not compared.
    let folder = folder.file("none.env", "").file("webhooks.yml", text.replace("/openim", "/openim/real"));
    let report = folder
        .type_in("doctor --settings host.toml --webhooks webhooks.yml --environment none.env --offline --no-secrets")
        .succeeds();
    assert!(report.contains("the settings have no mistake"), "{report}");
}
