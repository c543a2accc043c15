//! Load shedding: callbacks that cannot be answered in time are refused before their body is read, as `on_overload` says,
//! and those whose client has gone are cancelled.

use axum::body::Body;
use harness::guests::{self, PROVOKE, SPARE};
use harness::{TestHost, setup};
use http::{Request, StatusCode, header};
use serde_json::{Value, json};

const COMMAND: &str = "callbackBeforeAddFriendCommand";

const PATH: &str = "/openim/callbackBeforeAddFriendCommand";

/// A host with one worker, and plugins that take it for 400 ms when they are provoked.
fn crowded(platform: &str) -> harness::Setup {
    setup()
        .limits("calls_at_once_max = 1\nfuel_per_call = 4_000_000_000_000_000_000\ncall_within_ms = 400")
        .limits("breaker_faults_max = 0")
        .platform(&format!("kind = \"openim\"\nanswer_within_ms = 1000\n{platform}"))
        .platform("kind = \"tencent-chat\"\nanswer_within_ms = 1000\n[[platform.app]]\nid = 1400000000\n")
        .plugin("spins", guests::text("spins"), "*", "")
}

/// Asks for more calls than there is time for: of six, one runs, and two at most can wait.
async fn crowd(host: &TestHost, path: &str) -> Vec<tokio::task::JoinHandle<()>> {
    // What such a call takes is known from the first one.
    assert_eq!(host.post(path, PROVOKE).await.status, StatusCode::OK);
    let ask = |_| {
        let (its, path) = (host.host().clone(), path.to_owned());
        tokio::spawn(async move {
            let request = Request::post(path).body(Body::from(PROVOKE)).unwrap();
            assert_eq!(its.receive(request).await.status(), StatusCode::OK);
        })
    };
    let calls = (0..6).map(ask).collect();
    while host.metric("callgate_overloaded_total", &[]) < 3.0 {
        tokio::task::yield_now().await;
    }
    calls
}

/// Posts a request of which only the head comes.
async fn head_only(host: &TestHost, path: &str) -> (StatusCode, Value) {
    let body = Body::new(http_body_util::combinators::UnsyncBoxBody::new(Never));
    let response = host.host().receive(Request::post(path).body(body).unwrap()).await;
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), 65_536).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}

/// A body that never comes.
struct Never;

impl axum::body::HttpBody for Never {
    type Data = axum::body::Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_that_would_wait_too_long_is_refused_before_its_body_comes() {
    let host = crowded("").start();
    let waiting = crowd(&host, PATH).await;
    let (status, body) = head_only(&host, PATH).await;
    assert_eq!((status, &body["actionCode"], &body["nextCode"]), (StatusCode::OK, &json!(0), &json!(1)));
    assert_eq!(body["errMsg"], "The service is busy. Please try again later.");
    let detail = body["errDlt"].as_str().unwrap();
    assert!(
        detail.starts_with("overloaded: `plugin_share_percent_max` allows 1 at a time, 1 are in flight"),
        "{detail}"
    );
    let refused = |at: &str| host.metric("callgate_overloaded_total", &["limit=\"plugin_share_percent_max\"", at]);
    assert!(refused("at=\"door\"") >= 1.0);
    assert_eq!(host.metric("callgate_plugin_faults_total", &["plugin=\"\"", "fault=\"no_time\""]), refused(""));
    // Another platform's calls of the same plugin do not wait for these.
    let other = "/tencent-chat?SdkAppid=1400000000&CallbackCommand=Sns.CallbackFriendAdd";
    assert_eq!(host.post(other, SPARE).await.status, StatusCode::OK);
    for call in waiting {
        call.await.unwrap();
    }
    assert_eq!(host.openim(COMMAND, &json!({ "x": 0 })).await["nextCode"], 0, "the crowd has gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_at_the_door_allows_where_on_overload_does_and_needs_the_body_where_the_answer_does() {
    let host = crowded("on_overload = \"allow\"").start();
    let waiting = crowd(&host, PATH).await;
    let (status, body) = head_only(&host, PATH).await;
    assert_eq!((status, &body["errCode"], &body["nextCode"]), (StatusCode::OK, &json!(0), &json!(0)));
    // An allowance of this command repeats the request, so that is read.
    let info = json!({ "groupID": "g1", "groupName": "name", "faceURL": "", "introduction": "", "x": 1 });
    let answer = host.openim("callbackBeforeSetGroupInfoCommand", &info).await;
    assert_eq!((&answer["nextCode"], &answer["groupID"]), (&json!(0), &json!("g1")));
    assert!(host.metric("callgate_overloaded_total", &["at=\"queue\""]) >= 1.0);
    for call in waiting {
        call.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tencent_is_answered_with_status_200_because_it_would_go_on_otherwise() {
    let host = crowded("").start();
    let path = |command: &str| format!("/tencent-chat?SdkAppid=1400000000&CallbackCommand={command}");
    let waiting = crowd(&host, &path("Group.CallbackBeforeSendMsg")).await;
    let (status, body) = head_only(&host, &path("Group.CallbackBeforeSendMsg")).await;
    assert_eq!((status, &body["ActionStatus"], &body["ErrorCode"]), (StatusCode::OK, &json!("OK"), &json!(1)));
    // What has happened already cannot be refused.
    let (status, body) = head_only(&host, &path("Group.CallbackAfterSendMsg")).await;
    assert_eq!((status, &body["ErrorCode"]), (StatusCode::OK, &json!(0)));
    for call in waiting {
        call.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_takes_its_call_with_it() {
    let host = setup()
        .limits("calls_at_once_max = 1\nfuel_per_call = 4_000_000_000_000_000_000\ncall_within_ms = 3_600_000")
        .platform("kind = \"openim\"\nanswer_within_ms = 15_000\n")
        .plugin("spins", guests::text("spins"), "*", "")
        .start();
    {
        // Without an answer before their deadline, the test would take a quarter of a minute.
        let calls = [(); 2].map(|()| {
            let its = host.host().clone();
            tokio::spawn(async move {
                let request = Request::post(PATH).header(header::CONTENT_TYPE, "application/json");
                its.receive(request.body(Body::from(PROVOKE)).unwrap()).await.status()
            })
        });
        while host.metric("callgate_waiting", &[]) < 1.0 || host.metric("callgate_running", &[]) < 1.0 {
            tokio::task::yield_now().await;
        }
        for call in calls {
            call.abort();
            assert!(call.await.unwrap_err().is_cancelled());
        }
    }
    assert_eq!(host.openim(COMMAND, &json!({ "x": 0 })).await["nextCode"], 0, "the worker is free");
    // The second one may have begun when the first one ended.
    assert_eq!(host.metric("callgate_cancelled_total", &[]), 2.0);
    assert!(host.metric("callgate_cancelled_total", &["state=\"running\""]) >= 1.0);
    assert_eq!(host.metric("callgate_plugin_faults_total", &["plugin=\"spins\""]), 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_happened_is_dealt_with_even_if_the_client_goes() {
    let reply = r#"{"verdict":"allow","records":[7]}"#;
    let host = setup()
        .limits("calls_at_once_max = 1\nfuel_per_call = 4_000_000_000_000_000_000\ncall_within_ms = 400")
        .plugin("spins", guests::text("spins"), COMMAND, "")
        // Its memory is too large for calls on the thread that reads requests.
        .plugin("records", large(reply), "callbackAfterAddFriendCommand", "")
        .start();
    let post = |path: &'static str, body: &'static str| {
        let its = host.host().clone();
        tokio::spawn(async move { its.receive(Request::post(path).body(Body::from(body)).unwrap()).await.status() })
    };
    let busy = post(PATH, PROVOKE);
    while host.metric("callgate_in_flight", &[]) < 1.0 {
        tokio::task::yield_now().await;
    }
    let accepted = post("/openim/callbackAfterAddFriendCommand", SPARE);
    while host.metric("callgate_in_flight", &[]) < 2.0 {
        tokio::task::yield_now().await;
    }
    accepted.abort();
    assert_eq!(busy.await.unwrap(), StatusCode::OK);
    while host.records().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(host.records(), [7]);
    assert_eq!(host.metric("callgate_cancelled_total", &[]), 0.0);
}

/// A guest with a memory of 20 MiB.
fn large(reply: &str) -> std::path::PathBuf {
    let source = format!(
        r#"(module {{manifest}}
            (memory (export "memory") 320)
            (global (export "last_words") i32 (i32.const 0))
            (data (i32.const 1024) "{{\"accepted\":true}}")
            (data (i32.const 2048) "{}")
            (data (i32.const 20_000_000) "x")
            (func (export "allocate") (param i32) (result i32) (i32.const 4096))
            (func (export "configure") (param i32 i32) (result i64) (i64.const 0x400_0000_0011))
            (func (export "handle_callback") (param i32 i32) (result i64) (i64.const {})))"#,
        guests::escaped(reply.as_bytes()),
        (2048_u64 << 32) | reply.len() as u64,
    );
    guests::assemble("large", &source)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_has_no_more_calls_at_once_than_its_settings_say() {
    let host = setup()
        .limits("calls_at_once_max = 8\nplugin_share_percent_max = 100")
        .limits("fuel_per_call = 4_000_000_000_000_000_000\ncall_within_ms = 400\nbreaker_faults_max = 0")
        .platform("kind = \"openim\"\nanswer_within_ms = 1000")
        .plugin("spins", guests::text("spins"), "*", "calls_at_once_max = 1")
        .start();
    let waiting = crowd(&host, PATH).await;
    let (_, body) = head_only(&host, PATH).await;
    let detail = body["errDlt"].as_str().unwrap();
    assert!(detail.starts_with("overloaded: `calls_at_once_max` allows 1 at a time, 1 are in flight"), "{body}");
    for call in waiting {
        call.await.unwrap();
    }
}
