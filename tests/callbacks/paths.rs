//! Where callbacks come in, and where their command stands.

use harness::{Answer, TestHost, guests, setup};
use http::{Request, StatusCode};
use plugin_sdk::wire::Phase;
use serde_json::{Value, json};

const ADD_FRIEND: &str = "callbackBeforeAddFriendCommand";
const REMARK: &str = "callbackBeforeSetFriendRemarkCommand";

/// A host that tells which command it understood.
fn host() -> TestHost {
    setup().plugin("tells", guests::tells("tells"), "*", "").start()
}

/// The command that was understood.
async fn command(host: &TestHost, path: &str, body: &Value) -> Value {
    let before = host.records().len();
    let answer = host.post(path, body.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{path} {body}: {:?}", answer.body);
    let records = host.records();
    assert_eq!(records.len(), before + 1, "{path} {body}");
    records[before]["command"].clone()
}

async fn is_refused(host: &TestHost, path: &str, body: &Value, status: StatusCode, why: &str) {
    let code = 5000 + status.as_u16();
    let body_expected = json!({ "actionCode": 0, "errCode": code, "errMsg": why, "errDlt": "", "nextCode": 1 });
    let answer = host.post(path, body.to_string()).await;
    assert_eq!(answer, Answer { status, body: body_expected }, "{path} {body}");
}

#[tokio::test]
async fn the_command_stands_in_the_path_the_query_or_the_body() {
    let host = host();
    let in_body = json!({ "callbackCommand": ADD_FRIEND });
    let nothing = json!({});
    for (path, body) in [
        (format!("/openim/{ADD_FRIEND}"), &nothing),
        (format!("/openim?command={ADD_FRIEND}"), &nothing),
        (format!("/openim/?command={ADD_FRIEND}"), &nothing),
        ("/openim".to_owned(), &in_body),
        ("/openim/".to_owned(), &in_body),
        (format!("/openim/{ADD_FRIEND}?command={ADD_FRIEND}"), &in_body),
    ] {
        assert_eq!(command(&host, &path, body).await, ADD_FRIEND, "{path}");
    }
    let why = "there is no command: name it in the path, the query or the body";
    is_refused(&host, "/openim", &nothing, StatusCode::BAD_REQUEST, why).await;
    is_refused(&host, "/openim", &json!({ "callbackCommand": null }), StatusCode::BAD_REQUEST, why).await;
    is_refused(&host, "/openim?command=", &json!({ "callbackCommand": 7 }), StatusCode::BAD_REQUEST, why).await;
}

#[tokio::test]
async fn slashes_may_be_doubled() {
    let host = host();
    for path in ["//openim/X", "/openim//X", "///openim///X", "/openim/X/", "/openim/X//"] {
        let path = path.replace('X', ADD_FRIEND);
        assert_eq!(command(&host, &path, &json!({})).await, ADD_FRIEND, "{path}");
    }
}

#[tokio::test]
async fn other_parameters_of_the_query_do_not_matter() {
    let host = host();
    let body = json!({ "callbackCommand": ADD_FRIEND });
    for query in [
        "contenttype=json",
        "sdkName=x&contenttype=json",
        "key=eyJzZW5kSUQiOiJ1In0%3D",
        "contenttype=json/callbackBeforeAddFriendCommand", // a base URL with a query swallows the path
        "command",
        "&&=&",
    ] {
        assert_eq!(command(&host, &format!("/openim?{query}"), &body).await, ADD_FRIEND, "{query}");
        let path = format!("/openim/{ADD_FRIEND}?{query}");
        assert_eq!(command(&host, &path, &json!({})).await, ADD_FRIEND, "{query}");
    }
}

#[tokio::test]
async fn a_command_of_the_query_that_is_none_is_ignored() {
    let host = host();
    for query in
        ["command=send", "command=", "command=callbackBeforeTomorrowCommand", "command=C2C.CallbackBeforeSendMsg"]
    {
        let path = format!("/openim/{ADD_FRIEND}?{query}");
        assert_eq!(command(&host, &path, &json!({})).await, ADD_FRIEND, "{query}");
    }
}

#[tokio::test]
async fn different_commands_are_refused() {
    let host = host();
    let why = "path, query and body name different commands";
    let other = json!({ "callbackCommand": REMARK });
    is_refused(&host, &format!("/openim/{ADD_FRIEND}"), &other, StatusCode::BAD_REQUEST, why).await;
    is_refused(&host, &format!("/openim?command={ADD_FRIEND}"), &other, StatusCode::BAD_REQUEST, why).await;
    let path = format!("/openim/{ADD_FRIEND}?command={REMARK}");
    is_refused(&host, &path, &json!({}), StatusCode::BAD_REQUEST, why).await;
    let unknown = json!({ "callbackCommand": "callbackBeforeTomorrowCommand" });
    is_refused(&host, &format!("/openim/{ADD_FRIEND}"), &unknown, StatusCode::BAD_REQUEST, why).await;
    assert!(host.records().is_empty(), "no plugin ran");
    assert_eq!(host.metric("callgate_refusals_total", &["platform=\"openim\"", "reason=\"commands_differ\""]), 4.0);
}

#[tokio::test]
async fn two_names_of_one_command_are_no_difference() {
    let host = host();
    let old = json!({ "callbackCommand": "callbackBeforeSetFriendRemark" });
    assert_eq!(command(&host, &format!("/openim/{REMARK}"), &old).await, REMARK);
    let new = json!({ "callbackCommand": REMARK });
    assert_eq!(command(&host, "/openim/callbackBeforeSetFriendRemark", &new).await, REMARK);
}

#[tokio::test]
async fn the_operation_id_comes_from_the_header_in_any_letter_case_else_from_the_body() {
    let host = host();
    for (header, body, expected) in [
        (Some(("Operationid", "op-1")), json!({}), "op-1"),
        (Some(("operationID", "op-2")), json!({ "operationID": "other" }), "op-2"),
        (Some(("OPERATIONID", "op-3")), json!({}), "op-3"),
        (Some(("operationid", "")), json!({ "operationID": "op-4" }), "op-4"),
        (None, json!({ "operationID": "op-5" }), "op-5"),
        (None, json!({ "operationID": null }), ""),
        (None, json!({}), ""),
    ] {
        let mut request = Request::post(format!("/openim/{ADD_FRIEND}"));
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        host.send(request.body(body.to_string().into()).unwrap()).await;
        assert_eq!(host.records().last().unwrap()["operation_id"], expected, "{header:?} {body}");
    }
}

#[tokio::test]
async fn a_path_of_no_platform_is_answered_with_a_refusal_that_names_nothing() {
    let host = host();
    let error = "nothing is served at this path";
    // A refusal to whichever chat server it was.
    let body = json!({
        "error": error,
        "actionCode": 0, "errCode": 5404, "errMsg": error, "errDlt": "", "nextCode": 1,
        "ActionStatus": "FAIL", "ErrorCode": 1, "ErrorInfo": error,
    });
    let expected = Answer { status: StatusCode::NOT_FOUND, body };
    for path in ["/", "/callbackExample/callbackBeforeAddFriendCommand", "/openimx", "/OpenIM", "/open/im", "/healthz"]
    {
        assert_eq!(host.post(path, "{}").await, expected, "{path}");
    }
    assert_eq!(host.send(Request::get("/").body("".into()).unwrap()).await, expected);
    let refused = host.metric("callgate_refusals_total", &["platform=\"\"", "reason=\"no_such_path\""]);
    assert_eq!(refused, 7.0);
}

#[tokio::test]
async fn a_path_that_is_too_deep_is_refused() {
    let host = host();
    let why = "there is nothing at this path: callbacks are posted to the platform's path, or one segment below it";
    for path in [format!("/openim/{ADD_FRIEND}/more"), format!("/openim/more/{ADD_FRIEND}")] {
        is_refused(&host, &path, &json!({}), StatusCode::NOT_FOUND, why).await;
    }
    let path = "/tencent-chat/more?SdkAppid=1400000000&CallbackCommand=C2C.CallbackBeforeSendMsg";
    let body = json!({ "ActionStatus": "FAIL", "ErrorCode": 1, "ErrorInfo": why });
    assert_eq!(host.post(path, "{}").await, Answer { status: StatusCode::NOT_FOUND, body });
    assert!(host.records().is_empty(), "no plugin ran");
}

#[tokio::test]
async fn the_longest_path_that_fits_decides() {
    let deny = |code: i32| guests::replies("p", &format!(r#"{{"verdict":"deny","code":{code},"message":""}}"#));
    let host = setup()
        .platform("kind = \"openim\"\nname = \"root\"\npath = \"/\"")
        .platform("kind = \"openim\"\nname = \"eu\"\npath = \"/chat/eu\"")
        .platform("kind = \"openim\"\nname = \"chat\"\npath = \"/chat\"")
        .plugin("a", deny(5001), "*", "platform = \"root\"")
        .plugin("b", deny(5002), "*", "platform = \"chat\"")
        .plugin("c", deny(5003), "*", "platform = \"eu\"")
        .start();
    for (path, code) in [("/X", 5001), ("/chat/X", 5002), ("/chat/eu/X", 5003), ("//chat//eu//X", 5003)] {
        let answer = host.post(&path.replace('X', ADD_FRIEND), "{}").await;
        assert_eq!(answer.body["errCode"], code, "{path}");
    }
}

// -------------------------------------------------------------------------------------------------------- Tencent

#[tokio::test]
async fn tencents_command_stands_in_the_query_else_in_the_body() {
    let host = host();
    let app = "/tencent-chat?SdkAppid=1400000000";
    let c2c = "C2C.CallbackBeforeSendMsg";
    assert_eq!(command(&host, &format!("{app}&CallbackCommand={c2c}"), &json!({})).await, c2c);
    assert_eq!(command(&host, &format!("{app}&callbackcommand={c2c}"), &json!({})).await, c2c);
    assert_eq!(command(&host, app, &json!({ "CallbackCommand": c2c })).await, c2c);
    assert_eq!(command(&host, &format!("/{app}&CallbackCommand={c2c}"), &json!({ "CallbackCommand": c2c })).await, c2c);
    // One page has the old name in the query and the new one in the body.
    let renamed = json!({ "CallbackCommand": "Live.CallbackAfterMemberStateChanged" });
    let path = format!("{app}&CallbackCommand=Live.CallbackMemberStateChanged");
    assert_eq!(command(&host, &path, &renamed).await, "Live.CallbackAfterMemberStateChanged");
}

#[tokio::test]
async fn tencents_commands_that_differ_are_refused() {
    let host = host();
    let path = "/tencent-chat?SdkAppid=1400000000&CallbackCommand=C2C.CallbackBeforeSendMsg";
    let other = json!({ "CallbackCommand": "Group.CallbackBeforeSendMsg" });
    let body = json!({
        "ActionStatus": "FAIL", "ErrorCode": 1, "ErrorInfo": "path, query and body name different commands"
    });
    assert_eq!(host.post(path, other.to_string()).await, Answer { status: StatusCode::BAD_REQUEST, body });
    let body = json!({
        "ActionStatus": "FAIL", "ErrorCode": 1,
        "ErrorInfo": "there is no command: name it in the path, the query or the body",
    });
    let answer = host.post("/tencent-chat?SdkAppid=1400000000", "{}").await;
    assert_eq!(answer, Answer { status: StatusCode::BAD_REQUEST, body });
}

#[tokio::test]
async fn client_address_and_device_may_be_missing() {
    let host = host();
    let path = "/tencent-chat?SdkAppid=1400000000&CallbackCommand=Group.CallbackOnMemberStateChange";
    assert_eq!(command(&host, path, &json!({})).await, "Group.CallbackOnMemberStateChange");
    assert_eq!(host.records()[0]["client_address"], "");
}

#[tokio::test]
async fn a_percent_encoded_command_goes_through_its_plugins() {
    let deny = guests::replies("deny", r#"{"verdict":"deny","code":5001,"message":"no"}"#);
    let host = setup().plugin("deny", deny, "callbackBeforeAddFriendCommand", "").start();
    let answer = host.post("/openim/%63allbackBeforeAddFriendCommand", "{}").await;
    assert_eq!(answer.body["errCode"], 5001);
}

#[tokio::test]
async fn a_path_that_is_not_served_is_read_as_no_allowance_by_each_chat_server() {
    use callgate_dialects::explain::Outcome;
    use callgate_dialects::table::CHAT_SERVERS;
    let answer = setup().start().post("/opnim/callbackBeforeAddFriendCommand", "{}").await;
    let body = answer.body.to_string();
    let outcomes = CHAT_SERVERS.iter().map(|server| {
        let commands = server.protocol().commands;
        let command = commands.iter().find(|command| command.phase == Phase::Before).expect("there is one");
        server.explain(command, "{}", answer.status.as_u16(), body.as_bytes()).outcome
    });
    let outcomes: Vec<_> = outcomes.collect();
    // Tencent Cloud Chat looks at nothing but the status of such an answer: what follows is set in its console.
    assert!(matches!(&outcomes[..], [Outcome::Denied { code: 5404, .. }, Outcome::Broken { .. }]), "{outcomes:?}");
    assert_eq!(answer.body["ActionStatus"], "FAIL");
}

#[tokio::test]
async fn json_with_comments_is_named_as_such() {
    let host = host();
    let body = "{\"callbackCommand\": \"callbackBeforeAddFriendCommand\", // of the documentation\n}";
    let answer = host.post("/openim", body).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.body["errMsg"], "the body has comments, which JSON does not have: leave them out");
    assert_eq!(host.metric("callgate_refusals_total", &["reason=\"commented\""]), 1.0);
}
