//! When a plugin is suspended, and when not: never because of one user.

use std::time::Duration;

use harness::{guests, log, setup};
use serde_json::{Value, json};

use crate::faults::{BUSY, OPENIM, UNCHECKED, openim_allows, openim_denies, post};

/// A callback that provokes, or one that does not, of one user.
fn of(user: &str, x: u8) -> Value {
    json!({ "fromUserID": user, "x": x })
}

/// Lets this much time pass. A clock that always stands still would run to the deadline while a worker is waited for.
async fn advance(by: Duration) {
    tokio::time::pause();
    tokio::time::advance(by).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_plugin_that_fails_for_many_users_is_left_alone_for_the_pause() {
    let log = log::capture();
    let host = setup()
        .limits("breaker_faults_max = 2\nbreaker_actors_min = 2\nbreaker_pause_ms = 3_000_000")
        .plugin("hostile", guests::text("gives-up"), "*", "on_fault = \"deny\"")
        .start();
    let faults = |name: &str| host.metric("callgate_plugin_faults_total", &[&format!("fault=\"{name}\"")]);
    let suspended = || host.metric("callgate_plugin_suspended", &["plugin=\"hostile\""]);

    assert_eq!(host.openim(OPENIM, &of("u1", 1)).await, openim_denies(UNCHECKED));
    assert_eq!(suspended(), 0.0);
    assert_eq!(host.openim(OPENIM, &of("u2", 1)).await, openim_denies(UNCHECKED));
    // It would behave now, but it is not asked.
    assert_eq!(host.openim(OPENIM, &of("u3", 0)).await, openim_denies(BUSY));
    assert_eq!((faults("trap"), faults("suspended"), suspended()), (2.0, 1.0, 1.0));

    advance(Duration::from_secs(2000)).await;
    assert_eq!(host.openim(OPENIM, &of("u3", 0)).await, openim_denies(BUSY));
    advance(Duration::from_secs(1000)).await;
    assert_eq!(suspended(), 0.0);
    // One user alone brings about no other suspension.
    for _ in 0..10 {
        assert_eq!(host.openim(OPENIM, &of("u1", 1)).await, openim_denies(UNCHECKED));
    }
    assert_eq!(host.openim(OPENIM, &of("u1", 0)).await, openim_allows());
    assert_eq!((faults("trap"), faults("suspended")), (12.0, 2.0));
    assert_eq!(host.metric("callgate_plugin_suspensions_total", &["plugin=\"hostile\""]), 1.0);
    let lines = log.lines_with("the plugin is ");
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(
        lines[0].contains("suspended") && lines[0].contains("faults=2 calls=2 users=2 pause_ms=3000000"),
        "{lines:#?}"
    );
    assert!(lines[1].contains("called again"), "{lines:#?}");
}

#[tokio::test]
async fn a_user_who_makes_a_plugin_fail_again_and_again_does_not_switch_it_off() {
    let host = setup().plugin("hostile", guests::text("gives-up"), "*", "").start();
    let deny = guests::replies("denies", r#"{"verdict":"deny","code":5007,"message":"no"}"#);
    // Two of the ways in which users were seen to make plugins fail.
    let undecided = guests::replies_when_provoked("undecided", br#"{"verdict":"fail","message":"half a surrogate"}"#);
    let both = setup().plugin("undecided", undecided, "*", "").plugin("denies", deny, "*", "").start();
    for n in 0..300 {
        host.openim(OPENIM, &of("mallory", 1)).await;
        both.openim(OPENIM, &of("mallory", 1)).await;
        if n % 50 == 0 {
            // Others are checked as ever.
            assert_eq!(host.openim(OPENIM, &of("mei", 0)).await, openim_allows());
            assert_eq!(both.openim(OPENIM, &of("mei", 0)).await["errCode"], 5007);
        }
    }
    for host in [host, both] {
        assert_eq!(host.metric("callgate_plugin_faults_total", &["fault=\"suspended\""]), 0.0);
        assert_eq!(host.metric("callgate_plugin_suspensions_total", &[]), 0.0);
    }
}

#[tokio::test]
async fn a_loop_of_one_user_among_many_does_not_switch_a_plugin_off() {
    let host = setup().limits("fuel_per_call = 10_000").plugin("spins", guests::text("spins"), "*", "").start();
    for n in 0..200 {
        host.openim(OPENIM, &of("mallory", 1)).await;
        host.openim(OPENIM, &of(&format!("u{n}"), 0)).await;
    }
    assert_eq!(host.metric("callgate_plugin_faults_total", &["fault=\"out_of_fuel\""]), 200.0);
    assert_eq!(host.metric("callgate_plugin_faults_total", &[]), 200.0, "and no other");
}

#[tokio::test]
async fn where_the_chat_server_names_no_user_all_faults_may_be_of_one() {
    let command = "callbackBeforeInviteJoinGroupCommand";
    let host = setup().plugin("hostile", guests::text("gives-up"), "*", "").start();
    for n in 0..300 {
        host.openim(command, &json!({ "groupID": format!("g{n}"), "invitedUserIDs": ["u"], "x": 1 })).await;
    }
    assert_eq!(host.metric("callgate_plugin_faults_total", &["fault=\"trap\""]), 300.0);
}

#[tokio::test]
async fn a_trial_that_is_made_again_on_a_worker_is_one_trial() {
    // Traps if `x` is 1. Otherwise it grows its memory, which no brief call may, and allows.
    let source = r#"(module {manifest}
        (memory (export "memory") 2)
        (global (export "last_words") i32 (i32.const 0))
        (data (i32.const 1024) "{\"accepted\":true}")
        (data (i32.const 2048) "{\"verdict\":\"allow\"}")
        (func (export "allocate") (param i32) (result i32) (i32.const 4096))
        (func (export "configure") (param i32 i32) (result i64) (i64.const 0x400_0000_0011))
        (func (export "handle_callback") (param $input i32) (param $len i32) (result i64)
            (if (i32.eq (i32.const 49) (i32.load8_u (i32.sub (i32.add (local.get $input) (local.get $len)) (i32.const 3))))
                (then (unreachable)))
            (drop (memory.grow (i32.const 1)))
            (i64.const 0x800_0000_0013)))"#;
    let host = setup()
        .limits("breaker_faults_max = 2\nbreaker_actors_min = 2\nbreaker_pause_ms = 1000")
        .plugin("grows", guests::assemble("grows", source), "*", "on_fault = \"deny\"")
        .start();
    assert_eq!(host.openim(OPENIM, &of("u1", 1)).await, openim_denies(UNCHECKED));
    assert_eq!(host.openim(OPENIM, &of("u2", 1)).await, openim_denies(UNCHECKED));
    assert_eq!(host.openim(OPENIM, &json!({ "x": 0 })).await, openim_denies(BUSY));
    advance(Duration::from_secs(1)).await;
    assert_eq!(host.openim(OPENIM, &json!({ "x": 0 })).await, openim_allows());
    assert_eq!(host.metric("callgate_plugin_calls_on_workers_total", &[]), 1.0);
}

#[tokio::test]
async fn a_suspended_plugin_does_not_suspend_others() {
    let deny = guests::replies("another", r#"{"verdict":"deny","code":5007,"message":"no"}"#);
    let host = setup()
        .limits("breaker_faults_max = 2\nbreaker_actors_min = 2\nbreaker_pause_ms = 3_600_000")
        .plugin("hostile", guests::text("gives-up"), "*", "")
        .plugin("another", deny, "*", "")
        .start();
    for user in ["u1", "u2", "u3", "u4"] {
        assert_eq!(host.openim(OPENIM, &of(user, 1)).await["errCode"], 5007);
    }
    assert_eq!(host.metric("callgate_plugin_faults_total", &["plugin=\"hostile\"", "fault=\"trap\""]), 2.0);
    assert_eq!(host.metric("callgate_plugin_faults_total", &["plugin=\"hostile\"", "fault=\"suspended\""]), 2.0);
    assert_eq!(host.metric("callgate_plugin_faults_total", &["plugin=\"another\""]), 0.0);
}

#[tokio::test]
async fn under_load_each_plugin_answers_for_itself_and_is_named() {
    let log = log::capture();
    let allow = guests::replies("allows", r#"{"verdict":"allow"}"#);
    // The second one loops. The first one must not be left out, but it never is: its `on_fault` says nothing here.
    let host = setup()
        .limits("fuel_per_call = 4_000_000_000_000_000_000\ncall_within_ms = 1000\nbreaker_faults_max = 0")
        .platform("kind = \"openim\"\nanswer_within_ms = 500\non_overload = \"allow\"")
        .plugin("allows", allow, "*", "on_fault = \"deny\"")
        .plugin("spins", guests::text("spins"), "*", "on_fault = \"allow\"")
        .start();
    let path = format!("/openim/{OPENIM}");
    let posts = (0..96).map(|n| {
        let body = of(&format!("u{n}"), 1).to_string();
        let (host, path) = (&host, &path);
        async move { post(host, path, &body).await }
    });
    for answer in futures_join(posts).await {
        assert_eq!(answer, openim_allows());
    }
    let lines = log.lines_with(" answered");
    assert_eq!(lines.len(), 96);
    let unnamed: Vec<_> =
        lines.iter().filter(|line| !line.contains("; spins: ") && !line.contains("; allows: ")).collect();
    assert!(unnamed.is_empty(), "{unnamed:#?}");
}

/// All of these, at the same time.
async fn futures_join<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(move |cx| {
        for (future, done) in futures.iter_mut().filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(output) = future.as_mut().poll(cx) {
                *done = Some(output);
            }
        }
        match futures.iter().all(|(_, done)| done.is_some()) {
            true => std::task::Poll::Ready(futures.iter_mut().filter_map(|(_, done)| done.take()).collect()),
            false => std::task::Poll::Pending,
        }
    })
    .await
}
