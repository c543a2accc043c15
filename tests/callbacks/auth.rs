//! Tencent's callbacks: which application, and whether it is really Tencent who calls.

use axum::body::Body;
use harness::{Answer, Setup, TestHost, guests, setup};
use http::{Request, StatusCode};
use serde_json::{Value, json};

const APP: &str = "1400999888";
/// Token, time and signature as Tencent's own page prints them.
const DOCUMENTED: (&str, u64, &str) =
    ("xxxxyyyy", 1_669_872_112, "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061");
/// The one that our samples are signed with.
const SAMPLE: (&str, u64, &str) =
    ("demo-callback-token-7Q", 1_767_225_600, "022cb4fcb4685b90216f003aec4db321c14a76aa8bf6dbdaae36bd8ea351cf40");

/// A host with one application, these tokens, and a plugin that would deny.
fn setup_with(tokens: &[&str], now_s: u64) -> Setup {
    let mut setup = setup().clock_at(now_s * 1000);
    let mut list = Vec::new();
    for (number, token) in tokens.iter().enumerate() {
        setup = setup.file(&format!("token-{number}"), format!("{token}\n"));
        list.push(format!("{{ file = \"token-{number}\" }}"));
    }
    let app = format!("[[platform.app]]\nid = {APP}\ntokens = [{}]", list.join(", "));
    setup.platform(&format!("kind = \"tencent-chat\"\n{app}")).plugin(
        "denies",
        guests::replies("denies", r#"{"verdict":"deny","message":"asked"}"#),
        "*",
        "",
    )
}

async fn post(host: &TestHost, query: &str) -> Answer {
    let path = format!("/tencent-chat?{query}");
    host.send(Request::post(path).body(Body::from(r#"{"CallbackCommand":"C2C.CallbackBeforeSendMsg"}"#)).unwrap()).await
}

fn query(sign: &str, time: impl std::fmt::Display) -> String {
    format!(
        "SdkAppid={APP}&CallbackCommand=C2C.CallbackBeforeSendMsg&contenttype=json&ClientIP=203.0.113.24&OptPlatform=Android&Sign={sign}&RequestTime={time}"
    )
}

/// The plugin was asked, and its answer came back.
async fn passes(host: &TestHost, query: &str) {
    let asked = json!({ "ActionStatus": "OK", "ErrorCode": 1, "ErrorInfo": "asked" });
    assert_eq!(post(host, query).await, Answer { status: StatusCode::OK, body: asked }, "{query}");
}

const WRONG_APP: (StatusCode, &str) =
    (StatusCode::FORBIDDEN, "this application is not served here: check its id in the settings");
const NOT_SIGNED: (StatusCode, &str) =
    (StatusCode::UNAUTHORIZED, "the callback is not signed: Sign and RequestTime are needed");
const WRONG_SIGNATURE: (StatusCode, &str) =
    (StatusCode::UNAUTHORIZED, "the signature does not fit: check the token on both sides");
const STALE: (StatusCode, &str) =
    (StatusCode::UNAUTHORIZED, "the callback was signed more than 60 s from now: check the clocks");

/// It was refused in Tencent's form, and no plugin was asked.
async fn is_refused(host: &TestHost, query: &str, (status, why): (StatusCode, &str)) {
    let calls = host.metric("callgate_plugin_calls_total", &[]);
    let body = json!({ "ActionStatus": "FAIL", "ErrorCode": 1, "ErrorInfo": why });
    assert_eq!(post(host, query).await, Answer { status, body }, "{query}");
    assert_eq!(host.metric("callgate_plugin_calls_total", &[]), calls, "{query}");
}

#[tokio::test]
async fn the_application_is_always_checked() {
    let host = setup_with(&[], 0).start();
    passes(&host, &format!("SdkAppid={APP}&CallbackCommand=C2C.CallbackBeforeSendMsg")).await;
    for app in ["1400999889", "140099988", "14009998880", "", "01400999888", "1400999888%20", "x"] {
        is_refused(&host, &format!("SdkAppid={app}&CallbackCommand=C2C.CallbackBeforeSendMsg"), WRONG_APP).await;
    }
    is_refused(&host, "CallbackCommand=C2C.CallbackBeforeSendMsg", WRONG_APP).await;
    assert_eq!(host.metric("callgate_refusals_total", &["reason=\"wrong_app\""]), 8.0);
}

#[tokio::test]
async fn the_application_may_be_spelt_as_on_each_of_tencents_pages() {
    let host = setup_with(&[], 0).start();
    for name in ["SdkAppid", "SDKAppID", "SdkAppId", "sdkappid"] {
        passes(&host, &format!("{name}={APP}&CallbackCommand=C2C.CallbackBeforeSendMsg")).await;
    }
}

#[tokio::test]
async fn the_documented_signature_is_accepted() {
    let (token, time, sign) = DOCUMENTED;
    let host = setup_with(&[token], time).start();
    passes(&host, &query(sign, time)).await;
    // Older pages print the same hash with another token, wrongly.
    let host = setup_with(&["xxxyyy"], time).start();
    is_refused(&host, &query(sign, time), WRONG_SIGNATURE).await;
}

#[tokio::test]
async fn the_negative_cases_of_the_samples_are_refused() {
    let (token, time, sign) = SAMPLE;
    let host = setup_with(&[token], time).start();
    passes(&host, &query(sign, time)).await;
    is_refused(&host, &query(sign, time).replace(APP, "1400000001"), WRONG_APP).await;
    let older = "07d14bafcfbfdb8fcd9173a206228b125557a552b9e42c9a9ff60979c7fc3336";
    is_refused(&host, &query(older, 1_767_225_539), STALE).await;
    is_refused(&host, &query(sign, 1_767_225_601), WRONG_SIGNATURE).await;
}

#[tokio::test]
async fn with_a_token_every_callback_is_signed() {
    let (token, time, sign) = SAMPLE;
    let host = setup_with(&[token], time).start();
    let unsigned = format!("SdkAppid={APP}&CallbackCommand=C2C.CallbackBeforeSendMsg");
    is_refused(&host, &unsigned, NOT_SIGNED).await;
    is_refused(&host, &format!("{unsigned}&Sign={sign}"), NOT_SIGNED).await;
    is_refused(&host, &format!("{unsigned}&RequestTime={time}"), NOT_SIGNED).await;
}

#[tokio::test]
async fn without_a_token_a_signature_is_not_looked_at() {
    let host = setup_with(&[], 0).start();
    passes(&host, &query("nonsense", "never")).await;
}

#[tokio::test]
async fn hexadecimal_digits_may_be_of_any_case() {
    let (token, time, sign) = SAMPLE;
    let host = setup_with(&[token], time).start();
    passes(&host, &query(&sign.to_uppercase(), time)).await;
}

#[tokio::test]
async fn anything_but_the_signature_does_not_fit() {
    let (token, time, sign) = SAMPLE;
    let host = setup_with(&[token], time).start();
    let cut = &sign[..63];
    for wrong in ["", "0", cut, &format!("{sign}0"), &format!("%20{sign}"), &sign.replace('0', "1"), "é"] {
        is_refused(&host, &query(wrong, time), WRONG_SIGNATURE).await;
    }
    for wrong in ["", "0", "-1", "1767225600.0", "1767225600%20", "01767225600", "%2B1767225600", "1767225600000"] {
        is_refused(&host, &query(sign, wrong), WRONG_SIGNATURE).await;
    }
}

#[tokio::test]
async fn a_signature_is_good_for_60_seconds_in_both_directions() {
    let (token, time, sign) = SAMPLE;
    for (now, is_good) in [(time - 61, false), (time - 60, true), (time, true), (time + 60, true), (time + 61, false)] {
        let host = setup_with(&[token], now).start();
        match is_good {
            true => passes(&host, &query(sign, time)).await,
            false => is_refused(&host, &query(sign, time), STALE).await,
        }
    }
    let host = setup_with(&[token], time).start();
    passes(&host, &query(sign, time)).await;
    host.advance_clock_ms(61_000);
    is_refused(&host, &query(sign, time), STALE).await;
}

#[tokio::test]
async fn while_a_token_is_changed_both_are_good() {
    let (token, time, sign) = SAMPLE;
    for tokens in [[token, "the next one"], ["the one before", token]] {
        let host = setup_with(&tokens, time).start();
        passes(&host, &query(sign, time)).await;
    }
    let host = setup_with(&["the one before", "the next one"], time).start();
    is_refused(&host, &query(sign, time), WRONG_SIGNATURE).await;
}

#[tokio::test]
async fn a_token_is_good_for_its_own_application_only() {
    let (token, time, sign) = SAMPLE;
    let platform = format!(
        "kind = \"tencent-chat\"\n[[platform.app]]\nid = 1400000001\ntokens = [{{ file = \"a\" }}]\n\
         [[platform.app]]\nid = {APP}\ntokens = [{{ file = \"b\" }}]"
    );
    let setup = setup().clock_at(time * 1000).file("a", token).file("b", "another").platform(&platform);
    let host =
        setup.plugin("denies", guests::replies("denies", r#"{"verdict":"deny","message":"asked"}"#), "*", "").start();
    is_refused(&host, &query(sign, time), WRONG_SIGNATURE).await;
    passes(&host, &query(sign, time).replace(APP, "1400000001")).await;
}

/// The names of the query that a plugin is shown.
async fn shown(query: &str) -> Vec<Value> {
    let (token, time, _) = SAMPLE;
    let platform = format!("kind = \"tencent-chat\"\n[[platform.app]]\nid = {APP}\ntokens = [{{ file = \"t\" }}]");
    let tells = guests::tells("tells");
    let setup = setup().clock_at(time * 1000).file("t", token).platform(&platform);
    let host = setup.plugin("tells", tells, "*", "").start();
    assert_eq!(post(&host, query).await.status, StatusCode::OK, "{query}");
    host.records()[0]["query"].as_array().unwrap().iter().map(|pair| pair[0].clone()).collect()
}

const SHOWN: [&str; 5] = ["SdkAppid", "CallbackCommand", "contenttype", "ClientIP", "OptPlatform"];

#[tokio::test]
async fn what_authenticates_is_not_shown_to_plugins() {
    let (_, time, sign) = SAMPLE;
    assert_eq!(shown(&query(sign, time)).await, SHOWN);
}

#[tokio::test]
async fn what_authenticates_is_not_shown_however_it_is_spelt() {
    let (_, time, sign) = SAMPLE;
    let query = query(sign, time).replace("Sign=", "sign=").replace("RequestTime=", "REQUESTTIME=");
    assert_eq!(shown(&query).await, SHOWN);
}

#[tokio::test]
async fn nobody_learns_anything_before_the_signature_fits() {
    // Neither whether the body is good, nor whether the command is known.
    let (token, time, _) = SAMPLE;
    let host = setup_with(&[token], time).start();
    let path = format!("/tencent-chat?SdkAppid={APP}&CallbackCommand=No.Such");
    for body in ["no JSON", "{}", "[]"] {
        let answer = host.send(Request::post(&path).body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.body["ErrorInfo"], NOT_SIGNED.1);
    }
    assert_eq!(host.metric("callgate_unknown_commands_total", &[]), 0.0);
}
