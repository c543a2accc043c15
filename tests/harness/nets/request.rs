//! Whatever is sent to a platform: it is refused in a way that no chat server takes for an allowance, or it is a
//! callback that holds what was sent.

use std::collections::HashMap;
use std::sync::OnceLock;

use callgate::Settings;
use callgate::settings::Platform;
use callgate_dialects::explain::{Explanation, Outcome};
use callgate_dialects::{Admitted, Callback, Decision, Head, OnFault, Refusal, Response, Trouble};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use plugin_sdk::catalogue::Command;
use plugin_sdk::wire::Phase;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Words of requests.
pub const WORDS: &[&str] = &[
    "callbackBeforeAddFriendCommand",
    "C2C.CallbackBeforeSendMsg",
    "State.StateChange",
    "Push.AllMemberPush",
    "?command=",
    "?SdkAppid=1",
    "&CallbackCommand=",
    "&Sign=",
    "&RequestTime=1700000000",
    "&ClientIP=",
    "%20",
    "%ff",
    "\nContent-Type: application/json",
    "\nContent-Type: text/plain",
    "\noperationID: ",
    "\n\n",
    "\"callbackCommand\":\"",
    "\"CallbackCommand\":\"",
    "\"operationID\":",
    "{\"value\":",
    "\"MsgList\":[",
    "\\u0000",
    "{}",
    "null",
];

/// When everything arrives: Unix seconds.
const NOW: u64 = 1_700_000_000;

/// The token of the application that signs.
const TOKEN: &str = "a-token";

/// The first byte chooses the platform and the method. Up to an empty line the head follows: a line with what is behind
/// the platform's path, and lines with headers. The rest is the body.
pub fn cast(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let platforms = platforms();
    let Some(platform) = platforms.get(usize::from(choice & 0x0f) % platforms.len()) else { return };
    let method = if choice & 0xf0 == 0x10 { Method::GET } else { Method::POST };
    let end = rest.windows(2).position(|two| two == b"\n\n");
    let (head, body) = end.map_or((rest, &[][..]), |end| (&rest[..end], &rest[end + 2..]));
    let query = head_of(method.clone(), head).query;
    match Admitted::check(&*platform.dialect, head_of(method, head)).and_then(|admitted| admitted.open(body.to_vec())) {
        Ok(callback) => {
            holds_what_was_sent(platform, &callback, body);
            is_signed_where_it_must(platform, &query);
            is_answered(platform, &callback);
        }
        Err(refusal) => is_refused(platform, &refusal),
    }
}

fn head_of(method: Method, text: &[u8]) -> Head {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.split('\n');
    let target = lines.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if let (Ok(name), Ok(value)) = (name.trim().parse::<HeaderName>(), HeaderValue::from_str(value.trim())) {
            headers.append(name, value);
        }
    }
    Head {
        method,
        subpath: path.trim_matches('/').to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers,
        arrived_unix_ms: NOW * 1000,
    }
}

/// The body is one JSON object, word for word; what authenticates is gone; the command is one of the chat server's.
fn holds_what_was_sent(platform: &Platform, callback: &Callback, body: &[u8]) {
    assert_eq!(callback.body().as_bytes(), body);
    // Values are not read: serde_json cannot hold half a surrogate, a number beyond all bounds, or 128 levels.
    assert!(serde_json::from_slice::<HashMap<String, &RawValue>>(body).is_ok(), "{callback:?}");
    let secret = |name: &str| platform.dialect.secret_parameters().iter().any(|it| it.eq_ignore_ascii_case(name));
    assert!(!callback.query().iter().any(|(name, _)| secret(name)), "{callback:?}");
    if let Some(command) = callback.command() {
        assert!(platform.server.protocol().commands.contains(&command), "{callback:?}");
        assert_eq!(callback.name(), command.name);
    }
    if let Some(parts) = callback.split() {
        assert!(parts.len() <= 100, "{} callbacks in one request", parts.len());
        assert!(parts.iter().all(|part| part.command() == callback.command()));
    }
}

/// An application that has tokens is only heard if it signs, within a minute.
fn is_signed_where_it_must(platform: &Platform, query: &[(String, String)]) {
    if platform.name != "signed" {
        return;
    }
    let parameter = |name: &str| {
        let found = query.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let time = parameter("RequestTime");
    assert_eq!(parameter("Sign").to_ascii_lowercase(), callgate_sandbox::sha256(format!("{TOKEN}{time}").as_bytes()));
    assert!(time.parse::<u64>().is_ok_and(|time| time.abs_diff(NOW) <= 60), "{time}");
}

/// What is allowed goes on, and without a verdict there is still an answer that is understood.
fn is_answered(platform: &Platform, callback: &Callback) {
    let Some(command) = callback.command() else {
        let answer = platform.dialect.render(callback, &Decision::Allow);
        assert!(answer.status.is_success() && is_object(&answer.body));
        return;
    };
    let after = |decision: &Decision| {
        let answer = platform.dialect.render(callback, decision);
        assert!(answer.status.is_success() && is_object(&answer.body));
        explain(platform, command, callback.body(), &answer)
    };
    let allowed = after(&Decision::Allow);
    let expected = if command.phase == Phase::After { Outcome::AlreadyDone } else { Outcome::GoesOn };
    assert_eq!(allowed.outcome, expected, "{} {} {allowed:#?}", command.name, callback.body());
    let failed = after(&Decision::without_verdict(Trouble::Busy, OnFault::Deny, command));
    assert!(!matches!(failed.outcome, Outcome::Broken { .. }), "{} {} {failed:#?}", command.name, callback.body());
}

/// To no command of this chat server is a refusal an allowance.
fn is_refused(platform: &Platform, refusal: &Refusal) {
    let answer = platform.dialect.refuse(refusal);
    assert!(answer.status.is_client_error() || answer.status.is_server_error(), "{refusal:?}");
    assert!(is_object(&answer.body), "{refusal:?}");
    for command in platform.server.protocol().commands.iter().filter(|command| command.phase == Phase::Before) {
        let read = explain(platform, command, "{}", &answer);
        assert!(read.outcome != Outcome::GoesOn, "{refusal:?}: {} {read:#?}", command.name);
    }
}

/// What the chat server makes of an answer. Of one in the form that OpenIM's documentation shows, with a text where the
/// server has a number, the number is read.
fn explain(platform: &Platform, command: &Command, request: &str, answer: &Response) -> Explanation {
    let mut body = answer.body.clone();
    if platform.name == "documented" {
        let text = String::from_utf8_lossy(&body);
        body = text
            .replace("\"nextCode\":\"0\"", "\"nextCode\":0")
            .replace("\"nextCode\":\"1\"", "\"nextCode\":1")
            .into_bytes();
    }
    platform.server.explain(command, request, answer.status.as_u16(), &body)
}

fn is_object(body: &[u8]) -> bool {
    serde_json::from_slice::<Map<String, Value>>(body).is_ok()
}

/// Each chat server, with and without what its settings can change.
fn platforms() -> &'static [Platform] {
    static PLATFORMS: OnceLock<Vec<Platform>> = OnceLock::new();
    PLATFORMS.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("token"), TOKEN).expect("the token is written");
        let toml = r#"
            [[platform]]
            kind = "openim"
            [[platform]]
            kind = "openim"
            name = "documented"
            path = "/documented"
            documented_form = true
            [[platform]]
            kind = "tencent-chat"
            [[platform.app]]
            id = 1
            [[platform]]
            kind = "tencent-chat"
            name = "signed"
            path = "/signed"
            [[platform.app]]
            id = 1
            tokens = [{ file = "token" }]
        "#;
        let settings = Settings::parse(&folder.path().join("host.toml"), toml);
        settings.expect("the settings are right").platforms
    })
}

/// Each request of the fixtures to the platforms of its chat server, signed where it must be.
pub fn seeds() -> Vec<Vec<u8>> {
    let sign = callgate_sandbox::sha256(format!("{TOKEN}{NOW}").as_bytes());
    let mut seeds = Vec::new();
    for (number, platform) in platforms().iter().enumerate() {
        let choice = [u8::try_from(number).expect("there are four")];
        let protocol = platform.server.protocol();
        let folder = protocol.name.replace('-', "_");
        for command in protocol.commands {
            let body = super::fixtures(&folder, &format!("{}.request.json", command.name)).pop().unwrap_or_default();
            let head = match protocol.name {
                "openim" => format!("{}\nContent-Type: application/json\noperationID: op\n\n", command.name),
                _ => format!(
                    "?SdkAppid=1&CallbackCommand={}&contenttype=json&ClientIP=127.0.0.1&OptPlatform=Web&Sign={sign}&RequestTime={NOW}\n\n",
                    command.name
                ),
            };
            seeds.push([&choice[..], head.as_bytes(), &body].concat());
        }
    }
    seeds
}
