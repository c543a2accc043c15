//! `new` for each command: its list, and the sample that stands beside the decision.

use std::process::Command;

use callgate_catalogue::catalogue::PROTOCOLS;
use harness::guests;
use serde_json::Value;

use crate::program::folder;

#[test]
fn commands_are_listed_by_family() {
    let folder = folder();
    let text = folder.type_in("new --command help").succeeds();
    for part in [
        "OpenIM (openim)\n\nFAMILY ",
        "\nfriend        callbackBeforeAddFriendCommand ",
        "  before  BeforeAddFriend\n",
        "\n\nTencent Cloud Chat (tencent-chat)\n\nFAMILY ",
    ] {
        assert!(text.contains(part), "{part:?}: {text}");
    }
    let families = |text: &str| -> Vec<String> {
        let rows = text.lines().filter(|line| line.contains("  before  ") || line.contains("  after   "));
        rows.map(|row| row.split_whitespace().next().unwrap().to_owned()).collect()
    };
    let openim = families(&folder.type_in("new --platform openim --command help").succeeds());
    let counts: Vec<_> = PROTOCOLS.iter().map(|platform| platform.commands.len()).collect();
    assert_eq!(openim.len(), counts[0]);
    assert!(openim.is_sorted(), "{openim:?}");
    assert_eq!(families(&text).len(), counts.iter().sum::<usize>());
}

#[test]
fn the_sample_of_each_command_is_what_the_chat_server_sends() {
    let folder = folder();
    let sdk = guests::repository().join("plugin-sdk").display().to_string();
    for platform in PROTOCOLS {
        let fixtures = platform.name.replace('-', "_");
        for (index, command) in platform.commands.iter().enumerate() {
            let name = format!("{fixtures}-{index}");
            folder.run(["new", &name, "--command", command.name, "--sdk-path", &sdk]).succeeds();
            let read = |path| serde_json::from_str::<Value>(&std::fs::read_to_string(path).unwrap()).unwrap();
            let files = std::fs::read_dir(folder.path(&name).join("callbacks")).unwrap();
            let mut requests = files.flatten().map(|file| file.path());
            let sample = read(requests.find(|path| path.to_string_lossy().ends_with(".request.json")).unwrap());
            let sent = read(guests::fixture(&format!("{fixtures}/{}.request.json", command.name)));
            for (member, value) in sent.as_object().unwrap() {
                assert_eq!(&sample[member], value, "{}: {member}", command.name);
            }
            // The command is there in any case, because a file has no URL to read it from.
            let named = sample.as_object().unwrap().len() - sent.as_object().unwrap().len();
            assert!(named == 0 || named == 1 && sample["CallbackCommand"] == command.name, "{sample:#}");
        }
    }
}

#[test]
#[ignore = "compiles some 180 crates, which takes minutes"]
fn the_plugin_for_each_command_compiles_and_passes_its_own_tests() {
    // One workspace, so that the sdk is compiled once.
    let lock = std::fs::read_to_string(guests::repository().join("Cargo.lock")).unwrap();
    let folder = folder().file("Cargo.toml", "[workspace]\nresolver = \"3\"\n").file("Cargo.lock", lock);
    let sdk = guests::repository().join("plugin-sdk").display().to_string();
    let commands = PROTOCOLS.iter().flat_map(|protocol| protocol.commands);
    let (mut number, mut count) = (0, 0);
    for command in commands {
        number += 1;
        folder.run(["new", &format!("p{number}"), "--command", command.name, "--sdk-path", &sdk]).succeeds();
        // For commands that have a user to count.
        let counts = format!("f{number}");
        folder.run(["new", &counts, "--facts", "--command", command.name, "--sdk-path", &sdk]);
        count += 1 + usize::from(folder.path(&counts).exists());
    }
    assert!(count > number + 20, "{count} of {number}");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--lib", "--offline", "--no-fail-fast"]).current_dir(folder.path(""));
    cargo.env("CARGO_TARGET_DIR", folder.path("target")).env("CARGO_PROFILE_DEV_DEBUG", "0");
    let output = cargo.env("RUSTFLAGS", "-D warnings").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let passed = text.matches("test result: ok. 3 passed; 0 failed").count();
    assert!(
        output.status.success() && passed == count,
        "{passed} of {count}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn samples_name_distinct_users_and_have_content() {
    for platform in PROTOCOLS {
        for command in platform.commands {
            let fixture = format!("{}/{}.request.json", platform.name.replace('-', "_"), command.name);
            let text = std::fs::read_to_string(guests::fixture(&fixture)).unwrap();
            let sample: Value = serde_json::from_str(&text).unwrap();
            assert!(!text.contains("\"x\""), "{fixture} has a value that no server sends");
            for (one, other) in [
                ("From_Account", "To_Account"),
                ("Report_Account", "Peer_Account"),
                ("OldOwner_Account", "NewOwner_Account"),
                ("sendID", "recvID"),
                ("fromUserID", "toUserID"),
                ("ownerUserID", "friendUserID"),
                ("ownerUserID", "blackUserID"),
                ("oldOwnerUserID", "newOwnerUserID"),
            ] {
                let is_same = sample[one].is_string() && sample[one] == sample[other];
                assert!(!is_same, "{fixture}: {one} and {other} are the same user");
            }
            for elem in sample["MsgBody"].as_array().into_iter().flatten() {
                let content = elem["MsgContent"].as_object();
                assert!(content.is_some_and(|content| !content.is_empty()), "{fixture}: {elem}");
            }
        }
    }
}

#[test]
fn the_decision_fits_the_command() {
    let folder = folder();
    let sdk = guests::repository().join("plugin-sdk").display().to_string();
    for (index, (command, decides, reads)) in [
        (
            "C2C.CallbackBeforeSendMsg",
            "when a text of the message holds one of the listed words",
            "Message::of(callback)?",
        ),
        ("Group.CallbackBeforeSendMsg", "when a text of the message holds one of the listed words", "message.texts()?"),
        (
            "callbackBeforeMsgModifyCommand",
            "when a text of the message holds one of the listed words",
            "message.texts()?",
        ),
        (
            "callbackBeforeUpdateUserInfoExCommand",
            "when `nickName` holds one of the listed words",
            "event.nick_name()?",
        ),
        ("callbackBeforeCreateGroupCommand", "when `groupName` holds one of the listed words", "event.group_name()?"),
        (
            "Group.CallbackBeforeApplyJoinGroup",
            "when `Requestor_Account` is one of the listed IDs",
            "event.requestor_account()?",
        ),
        ("State.StateChange", "A record is written for each callback", ".record(&Record {"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("p{index}");
        folder.run(["new", &name, "--command", command, "--sdk-path", &sdk]).succeeds();
        let source = std::fs::read_to_string(folder.path(&name).join("src/lib.rs")).unwrap();
        for part in [decides, reads] {
            assert!(source.contains(part), "{command}: {part}\n{source}");
        }
        let decision = source.split("#[cfg(test)]").next().unwrap();
        assert!(!decision.contains(".into());\n        }\n        Ok("), "{decision}");
    }
}
