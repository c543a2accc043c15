//! A callback or an answer that cannot be read: exit code 6.

use crate::program::{REQUEST, folder};

/// What stands in a request, and what is said about it.
fn bad_requests() -> [(Vec<u8>, &'static str); 11] {
    [
        (b"".to_vec(), "(it is empty): give the JSON object that the chat server sends"),
        (b"no JSON".to_vec(), "(it is not JSON: expected ident at line 1 column 2): give the JSON object"),
        (b"{\"callbackCommand\":\"callbackBeforeAddFriendCommand\"".to_vec(), "EOF while parsing an object"),
        (b"{\"callbackCommand\":\"\xff\"}".to_vec(), "(it is not UTF-8)"),
        (format!("[{REQUEST}]").into_bytes(), "(it is JSON, but not an object)"),
        (
            b"{\n  \"callbackCommand\": \"callbackBeforeAddFriendCommand\", // a comment\n}".to_vec(),
            "it has a comment in line 2, which JSON does not have: leave out all comments",
        ),
        (
            format!(
                "{{\"callbackCommand\":\"callbackBeforeAddFriendCommand\",\"x\":{}{}}}",
                "[".repeat(127),
                "]".repeat(127)
            )
            .into_bytes(),
            "it nests deeper than 127 levels",
        ),
        (b"{}".to_vec(), "the request names no command: add `callbackCommand`"),
        (
            b"{\"callbackCommand\":\"\",\"CallbackCommand\":\"Push.OfflinePush\",\"Events\":[{},1]}".to_vec(),
            "is not a JSON object",
        ),
        (b"{\"callbackCommand\":7}".to_vec(), "the request names no command: add `callbackCommand`"),
        (
            REQUEST.replace("AddFriendC", "AddFrendC").into_bytes(),
            "no platform has a command `callbackBeforeAddFrendCommand`: did you mean `callbackBeforeAddFriendCommand`?",
        ),
    ]
}

#[test]
fn a_bad_request_is_named_before_the_plugin_is_touched() {
    for (contents, part) in bad_requests() {
        let folder = folder()
            .file("bad.json", &contents)
            .file("p/Cargo.toml", "[package]\nname = \"p\"\n")
            .file("p/callbacks/bad.request.json", &contents);
        folder.type_in("run p --request bad.json").fails(6, &["error: bad.json: ", part]);
        folder.type_in("profile p --request bad.json").fails(6, &["error: bad.json: ", part]);
        folder.type_in("test p").fails(6, &["error: p/callbacks/bad.request.json: ", part]);
    }
}

#[test]
fn a_bad_request_is_named_by_explain() {
    for (contents, part) in bad_requests().into_iter().filter(|(contents, _)| !contents.starts_with(b"{\"call")) {
        if contents == b"{}" {
            continue;
        }
        let folder = folder().file("bad.json", contents);
        let line =
            "explain --platform openim --command callbackBeforeAddFriendCommand --request bad.json --answer ok.json";
        folder.type_in(line).fails(6, &["error: bad.json: ", part]);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = folder().folder("folder");
    for (name, why) in [("none.json", "No such file or directory"), ("folder", "it is a folder, not a file")] {
        let part = format!("{name} cannot be read ({why}");
        folder.run(["run", "p", "--request", name]).fails(6, &[&part, "name a file with the callback"]);
        folder.run(["profile", "p", "--request", name]).fails(6, &[&part, "name a file with the callback"]);
        let explain = "explain --platform openim --command callbackBeforeAddFriendCommand";
        let line = format!("{explain} --request {name} --answer ok.json");
        folder.type_in(&line).fails(6, &[&part, "name a file with the callback"]);
        let line = format!("{explain} --request ok.json --answer {name}");
        folder.type_in(&line).fails(6, &[&part, "name a file with the answer"]);
    }
}

#[test]
fn an_unknown_command_is_named() {
    let folder = folder();
    for command in ["run", "profile"] {
        let line = [command, "p", "--request", "ok.json", "--command", "nope"];
        folder.run(line).fails(6, &["no platform has a command `nope`"]);
    }
    let line =
        "explain --platform tencent-chat --command callbackBeforeAddFriendCommand --request ok.json --answer ok.json";
    let part = "tencent-chat has no command `callbackBeforeAddFriendCommand`: it is one of openim";
    folder.type_in(line).fails(6, &[part]);
}

#[test]
fn an_answer_that_no_server_can_read_is_explained() {
    let folder = folder().file("answer.json", "no JSON").file("good.json", r#"{"actionCode":0,"nextCode":0}"#);
    let explain = "explain --platform openim --command callbackBeforeAddFriendCommand --request ok.json --answer";
    let broken = folder.type_in(&format!("{explain} answer.json")).succeeds();
    assert!(broken.contains("\noutcome    BROKEN; the caller sees: "), "{broken}");
    let json = folder.type_in(&format!("{explain} good.json --json")).succeeds();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["outcome"]["is"], "goes_on");
}
