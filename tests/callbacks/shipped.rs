//! What a visitor of the demo sees: the example's settings and the plugins that we ship, with what chat servers send.

use axum::body::Body;
use harness::{Answer, NOW_UNIX_MS, TestHost, example, guests};
use http::{Request, StatusCode, header};
use plugin_sdk::catalogue::PROTOCOLS;
use serde_json::{Value, json};

fn openim_allows() -> Value {
    json!({ "actionCode": 0, "errCode": 0, "errMsg": "", "errDlt": "", "nextCode": 0 })
}

fn openim_denies(code: i32, message: &str) -> Value {
    json!({ "actionCode": 0, "errCode": code, "errMsg": message, "errDlt": "", "nextCode": 1 })
}

fn tencent_allows() -> Value {
    json!({ "ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": "" })
}

async fn post(host: &TestHost, path: &str, body: Value) -> Value {
    let answer = host.post(path, body.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    answer.body
}

const ALL: [&str; 9] = [
    "guard-profile",
    "clean-remark",
    "ban-users",
    "limit-rate",
    "escalate",
    "filter-messages",
    "mask-messages",
    "mirror-profile",
    "mirror-group",
];

const USER_INFO: &str = "/openim/callbackBeforeUpdateUserInfoExCommand?contenttype=json";
const PROFILE_APP: &str =
    "&CallbackCommand=Profile.CallbackPortraitSet&contenttype=json&ClientIP=127.0.0.1&OptPlatform=Web";

/// The documented sample of a profile change, with this nickname.
fn user_info(nickname: impl Into<Value>) -> Value {
    json!({
        "callbackCommand": "callbackBeforeUpdateUserInfoExCommand",
        "userID": "user123",
        "nickName": nickname.into(),
        "faceURL": "http://example.com/path/to/face/image.png",
        "ex": "Extra data",
    })
}

fn remark(text: &str) -> Value {
    json!({
        "callbackCommand": "callbackBeforeSetFriendRemarkCommand",
        "ownerUserID": "user123",
        "friendUserID": "friend456",
        "remark": text,
    })
}

fn profile() -> Value {
    json!({
        "CallbackCommand": "Profile.CallbackPortraitSet",
        "Operator_Account": "id1",
        "From_Account": "id1",
        "EventTime": 1_670_574_414_123_u64,
        "ProfileItem": [
            { "Tag": "Tag_Profile_IM_Nick", "Value": "MyNickName" },
            { "Tag": "Tag_Profile_IM_Gender", "Value": "Gender_Type_Male" },
            { "Tag": "Tag_Profile_IM_BirthDay", "Value": 20_000_101 },
            { "Tag": "Tag_Profile_Custom_Team", "Value": "blue" },
        ],
    })
}

#[tokio::test]
async fn the_sample_of_each_command_passes_each_plugin_without_a_fault() {
    let host = example(&ALL).start();
    for command in PROTOCOLS.iter().flat_map(|protocol| protocol.commands) {
        let folder = command.protocol.replace('-', "_");
        let sample = guests::fixture(&format!("{folder}/{}.request.json", command.name));
        let path = match command.protocol {
            "openim" => format!("/openim/{}", command.name),
            _ => format!("/tencent-chat?SdkAppid=1400000000&CallbackCommand={}", command.name),
        };
        let answer = host.post(&path, std::fs::read_to_string(sample).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}: {:?}", command.name, answer.body);
        assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 0.0, "{}", command.name);
    }
    for plugin in ALL {
        assert!(host.metric("callgate_plugin_calls_total", &[&format!("plugin=\"{plugin}\"")]) >= 1.0, "{plugin}");
    }
}

#[tokio::test]
async fn a_profile_is_tidied_and_its_picture_comes_over_https() {
    let host = example(&["guard-profile"]).start();
    let answer = post(&host, USER_INFO, user_info("  John   Doe ")).await;
    let expected = json!({
        "actionCode": 0, "errCode": 0, "errMsg": "", "errDlt": "", "nextCode": 0,
        "nickName": "John Doe", "faceURL": "https://example.com/path/to/face/image.png",
    });
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn a_reserved_name_is_denied_in_every_spelling() {
    let host = example(&["guard-profile"]).start();
    for name in ["0fficial ＳＵＰＰＯＲＴ", "official support"] {
        let answer = post(&host, USER_INFO, user_info(name)).await;
        assert_eq!(answer, openim_denies(5001, "This name is reserved. Please choose another one."), "{name}");
    }
}

#[tokio::test]
async fn values_in_wrappers_get_the_same_verdicts_and_plain_answers() {
    let host = example(&["guard-profile"]).start();
    let wrapped = |name: &str| {
        json!({
            "callbackCommand": "callbackBeforeUpdateUserInfoExCommand",
            "userID": "user123",
            "nickName": { "value": name },
            "faceURL": { "value": "http://example.com/path/to/face/image.png" },
            "ex": { "value": "Extra data" },
        })
    };
    for name in ["  John   Doe ", "0fficial ＳＵＰＰＯＲＴ", "official support"] {
        let plain = post(&host, USER_INFO, user_info(name)).await;
        assert_eq!(post(&host, USER_INFO, wrapped(name)).await, plain, "{name}");
    }
    let unset = json!({ "userID": "user123", "nickName": { "value": "Jo" }, "faceURL": null, "ex": null });
    assert_eq!(post(&host, USER_INFO, unset).await, openim_allows());
}

#[tokio::test]
async fn a_remark_passes_or_is_denied_by_its_length() {
    let host = example(&["clean-remark"]).start();
    let path = "/openim?command=callbackBeforeSetFriendRemarkCommand&contenttype=json";
    assert_eq!(post(&host, path, remark("My Best Friend")).await, openim_allows());
    assert_eq!(post(&host, path, remark(&"a".repeat(64))).await, openim_allows());
    let denied = openim_denies(5002, "A remark can have at most 64 characters.");
    assert_eq!(post(&host, path, remark(&"a".repeat(65))).await, denied);
}

#[tokio::test]
async fn documented_and_real_form_of_a_group_change_make_the_same_record() {
    let host = example(&["mirror-group"]).start();
    let path = "/openim/callbackAfterSetGroupInfoExCommand";
    let documented = json!({
        "callbackCommand": "callbackAfterSetGroupInfoExCommand",
        "operationID": "1646445464564",
        "groupID": "G002",
        "groupName": { "value": "NewGroupName" },
        "notification": { "value": "Welcome!" },
        "introduction": { "value": "About us" },
        "faceURL": { "value": "http://example.com/face.png" },
        "ex": { "value": "{}" },
        "needVerification": { "value": 0 },
        "lookMemberInfo": { "value": 1 },
        "applyMemberFriend": { "value": 1 },
    });
    let real = json!({
        "callbackCommand": "callbackAfterSetGroupInfoExCommand",
        "operationID": "",
        "groupID": "G002",
        "groupName": "NewGroupName",
        "notification": "Welcome!",
        "introduction": "About us",
        "faceURL": "http://example.com/face.png",
        "ex": "{}",
        "needVerification": 0,
        "lookMemberInfo": 1,
        "applyMemberFriend": 1,
    });
    assert_eq!(post(&host, path, documented).await, openim_allows());
    host.advance_clock_ms(1234);
    assert_eq!(post(&host, path, real).await, openim_allows());
    let record = |at: u64| {
        json!({
            "event": "group_changed",
            "platform": "openim",
            "group": "G002",
            "changes": {
                "group_name": "NewGroupName",
                "notification": "Welcome!",
                "introduction": "About us",
                "face_url": "http://example.com/face.png",
                "ex": "{}",
                "need_verification": 0,
                "look_member_info": 1,
                "apply_member_friend": 1,
            },
            "changed_at_unix_ms": at,
        })
    };
    assert_eq!(host.records(), [record(NOW_UNIX_MS), record(NOW_UNIX_MS + 1234)]);
    assert_eq!(host.metric("callgate_records_written_total", &[]), 2.0);
}

#[tokio::test]
async fn a_profile_change_of_tencent_becomes_one_record_with_all_its_items() {
    let host = example(&["mirror-profile"]).start();
    let path = format!("/tencent-chat?SdkAppid=1400000000{PROFILE_APP}");
    assert_eq!(post(&host, &path, profile()).await, tencent_allows());
    let record = json!({
        "event": "profile_changed",
        "platform": "tencent-chat",
        "user": "id1",
        "operator": "id1",
        "changes": {
            "Tag_Profile_IM_Nick": "MyNickName",
            "Tag_Profile_IM_Gender": "Gender_Type_Male",
            "Tag_Profile_IM_BirthDay": 20_000_101,
            "Tag_Profile_Custom_Team": "blue",
        },
        "changed_at_unix_ms": 1_670_574_414_123_u64,
    });
    assert_eq!(host.records(), [record]);
}

#[tokio::test]
async fn another_application_is_refused_and_no_plugin_runs() {
    let host = example(&["mirror-profile"]).start();
    let answer = host.post(&format!("/tencent-chat?SdkAppid=1400000001{PROFILE_APP}"), profile().to_string()).await;
    let body = json!({
        "ActionStatus": "FAIL", "ErrorCode": 1,
        "ErrorInfo": "this application is not served here: check its id in the settings",
    });
    assert_eq!(answer, Answer { status: StatusCode::FORBIDDEN, body });
    assert_eq!(host.metric("callgate_plugin_calls_total", &[]), 0.0);
    assert!(host.records().is_empty());
}

#[tokio::test]
async fn a_group_change_that_no_plugin_wants_is_allowed_with_the_echo() {
    let host = example(&ALL).start();
    let body = json!({
        "callbackCommand": "callbackBeforeSetGroupInfoExCommand",
        "groupID": "g_1", "groupName": "New name", "notification": "notice", "introduction": null,
        "faceURL": "https://ex.com/g.png", "ex": null, "needVerification": 1, "lookMemberInfo": null,
        "applyMemberFriend": 0,
    });
    let expected = json!({
        "actionCode": 0, "errCode": 0, "errMsg": "", "errDlt": "", "nextCode": 0,
        "groupID": "g_1", "groupName": "New name", "introduction": null, "faceURL": "https://ex.com/g.png",
        "ex": null, "needVerification": 1, "lookMemberInfo": null, "applyMemberFriend": 0,
    });
    assert_eq!(post(&host, "/openim/callbackBeforeSetGroupInfoExCommand", body).await, expected);
}

#[tokio::test]
async fn messages_with_a_listed_word_are_denied_on_one_platform_and_masked_on_the_other() {
    let host = example(&["filter-messages", "mask-messages"]).start();
    let message = "This message contains a word that is not allowed here.";
    for command in
        ["callbackBeforeSendSingleMsgCommand", "callbackBeforeSendGroupMsgCommand", "callbackBeforeMsgModifyCommand"]
    {
        let body = |text: &str| json!({ "contentType": 101, "content": json!({ "content": text }).to_string() });
        assert_eq!(host.openim(command, &body("get FREE money")).await, openim_denies(5004, message), "{command}");
        assert_eq!(host.openim(command, &body("get a coffee")).await, openim_allows(), "{command}");
    }
    for command in ["C2C.CallbackBeforeSendMsg", "Group.CallbackBeforeSendMsg"] {
        let body = |text: &str| json!({ "MsgBody": [{ "MsgType": "TIMTextElem", "MsgContent": { "Text": text } }] });
        let mut masked = tencent_allows();
        masked["MsgBody"] = body("现在****")["MsgBody"].clone();
        assert_eq!(host.tencent(command, &body("现在免费赠送")).await, masked, "{command}");
        assert_eq!(host.tencent(command, &body("who joins?")).await, tencent_allows(), "{command}");
    }
}

// ------------------------------------------------------------------------------------------------- hostile bodies

const OPENIM_PATH: &str = "/openim/callbackBeforeSetFriendRemarkCommand";
const TENCENT_PATH: &str = "/tencent-chat?SdkAppid=1400000000&CallbackCommand=C2C.CallbackBeforeSendMsg";

/// The refusal in the form of each dialect, no plugin ran, and the next callback is normal.
async fn is_refused(host: &TestHost, request: impl Fn(&str) -> Request<Body>, status: u16, why: &str) {
    let calls = host.metric("callgate_plugin_calls_total", &[]);
    let answer = host.send(request(OPENIM_PATH)).await;
    let status = StatusCode::from_u16(status).unwrap();
    assert_eq!(answer, Answer { status, body: openim_denies(5000 + i32::from(status.as_u16()), why) });
    let answer = host.send(request(TENCENT_PATH)).await;
    assert_eq!(answer, Answer { status, body: json!({ "ActionStatus": "FAIL", "ErrorCode": 1, "ErrorInfo": why }) });
    assert_eq!(host.metric("callgate_plugin_calls_total", &[]), calls, "no plugin ran");

    let next = host.openim("callbackBeforeSetFriendRemarkCommand", &remark("a\u{200b}b")).await;
    assert_eq!(next["remark"], "ab", "the next callback is normal");
}

fn with_body(body: impl Into<Vec<u8>>) -> impl Fn(&str) -> Request<Body> {
    let body = body.into();
    move |path| {
        Request::post(path).header(header::CONTENT_TYPE, "application/json").body(Body::from(body.clone())).unwrap()
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused_in_each_dialects_form() {
    let host = example(&["clean-remark"]).start();
    let sample = remark("My Best Friend").to_string();
    let half = &sample[..sample.len() / 2];
    is_refused(&host, with_body(half), 400, "the body is not valid JSON").await;
    is_refused(&host, with_body(""), 400, "the body is not valid JSON").await;
    is_refused(&host, with_body("remark=My+Best+Friend"), 400, "the body is not valid JSON").await;
    is_refused(&host, with_body(format!("{sample}{sample}")), 400, "the body is not valid JSON").await;
    is_refused(&host, with_body(format!("\u{feff}{sample}")), 400, "the body is not valid JSON").await;
    for no_object in ["[]", "null", "7", "\"text\"", "[{}]"] {
        is_refused(&host, with_body(no_object), 400, "the body is not a JSON object").await;
    }
    is_refused(&host, with_body(&b"{\"remark\":\"\xff\"}"[..]), 400, "the body is not UTF-8").await;
    let deep = format!("{{\"remark\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    is_refused(&host, with_body(deep), 400, "the body nests deeper than 127 levels").await;
    let open = format!("{{\"remark\":{}", "{\"a\":".repeat(10_000));
    is_refused(&host, with_body(open), 400, "the body nests deeper than 127 levels").await;
    let long = format!("{{\"remark\":\"{}\"}}", "a".repeat(9 << 20));
    is_refused(&host, with_body(long), 413, "the body is longer than 8388608 bytes (`body_bytes_max`)").await;
}

#[tokio::test]
async fn only_posts_of_json_are_taken() {
    let host = example(&["clean-remark"]).start();
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let request = |path: &str| Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        is_refused(&host, request, 405, "callbacks are sent with POST").await;
    }
    let answer = host.exchange(Request::get(OPENIM_PATH).body(Body::empty()).unwrap()).await;
    assert_eq!(answer.headers()[header::ALLOW], "POST");
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json"] {
        let request =
            |path: &str| Request::post(path).header(header::CONTENT_TYPE, content_type).body(Body::from("{}")).unwrap();
        let why = "callbacks are JSON: send them with the content type application/json, or with none";
        is_refused(&host, request, 415, why).await;
    }
}

#[tokio::test]
async fn json_is_taken_under_each_of_its_content_types_and_without_one() {
    let host = example(&["clean-remark"]).start();
    for content_type in ["application/json", "Application/JSON; charset=UTF-8", "text/json", "application/x+json"] {
        let request = Request::post(OPENIM_PATH).header(header::CONTENT_TYPE, content_type);
        let answer = host.send(request.body(Body::from(remark(" a ").to_string())).unwrap()).await;
        assert_eq!(answer.body["remark"], "a", "{content_type}");
    }
    let answer = host.send(Request::post(OPENIM_PATH).body(Body::from(remark(" a ").to_string())).unwrap()).await;
    assert_eq!(answer.body["remark"], "a");
}

#[tokio::test]
async fn answers_are_json_of_a_known_length() {
    let host = example(&["clean-remark"]).start();
    let request = Request::post(OPENIM_PATH).body(Body::from(remark(" a ").to_string())).unwrap();
    let answer = host.exchange(request).await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/json; charset=utf-8");
    let text = r#"{"actionCode":0,"errCode":0,"errMsg":"","errDlt":"","nextCode":0,"remark":"a"}"#;
    assert_eq!(answer.body(), text, "integers as integers, and each member once");
}
