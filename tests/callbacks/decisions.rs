//! Decisions that are kept: which, and what of them.

use callgate::decisions::Document;
use callgate_journal::{Decision, DecisionFilter, Page};
use harness::{Setup, TestHost, guests, setup};
use serde_json::{Value, json};

const SEND: &str = "callbackBeforeSendGroupMsgCommand";

fn keeping(toml: &str) -> Setup {
    setup().tables(&format!("[journal]\n[journal.decisions]\n{toml}"))
}

fn message(content: &str) -> Value {
    json!({ "sendID": "u123", "groupID": "g9", "content": content })
}

/// All decisions with their documents, the oldest first.
async fn kept(host: &TestHost) -> Vec<(Decision, Document)> {
    host.host().settle_journal().await;
    let page = Page { limit: 1000, newest_first: false, ..Page::default() };
    let mut reader = host.journal();
    let found = reader.decisions(&DecisionFilter::default(), page).unwrap();
    let whole = found.iter().map(|found| reader.decision(found.id).unwrap());
    whole.map(|whole| (whole.clone(), Document::from_json(&whole.decision.document).unwrap())).collect()
}

async fn verdicts(setup: Setup) -> Vec<String> {
    let host = setup.start_with_journal().await;
    host.openim(SEND, &message("fine")).await;
    host.openim(SEND, &message("bad")).await;
    host.post(&format!("/openim/{SEND}"), "no json").await;
    host.post("/openim/a/b", "{}").await;
    host.openim("callbackAfterSendGroupMsgCommand", &message("bad")).await;
    kept(&host).await.iter().map(|(found, _)| found.decision.verdict.to_string()).collect()
}

#[tokio::test]
async fn what_is_kept_is_what_the_settings_say() {
    let denies = |setup: Setup| setup.plugin("denies", guests::denies_on("denies", "bad"), "*", "");
    assert_eq!(
        verdicts(denies(setup().tables("[journal]"))).await,
        ["deny", "refused"],
        "refusals by default, but not of strangers"
    );
    for (keep, expected) in [
        ("none", &[][..]),
        ("refused", &["deny", "refused"]),
        ("changed", &["deny", "refused"]),
        ("all", &["allow", "deny", "refused"]),
    ] {
        assert_eq!(verdicts(denies(keeping(&format!("keep = \"{keep}\"")))).await, expected, "{keep}");
    }
    let changes = guests::replies("changes", r#"{"verdict":"modify","changes":{"remark":"x"}}"#);
    let changes = |keep: &str| keeping(&format!("keep = \"{keep}\"")).plugin("changes", &changes, "*", "");
    for (keep, count) in [("refused", 0), ("changed", 1), ("all", 1)] {
        let host = changes(keep).start_with_journal().await;
        host.openim("callbackBeforeSetFriendRemarkCommand", &json!({ "remark": "a" })).await;
        assert_eq!(kept(&host).await.len(), count, "{keep}");
    }
    let fails = keeping("").plugin("fails", guests::text("gives-up"), "*", "on_fault = \"allow\"");
    let host = fails.start_with_journal().await;
    host.openim(SEND, &json!({ "sendID": "u123", "x": 1 })).await;
    let (found, document) = kept(&host).await.remove(0);
    assert_eq!((&*found.decision.verdict, &*found.decision.fault), ("allow", "trap"));
    assert_eq!(document.plugins[0].fault, "trap");
}

#[tokio::test]
async fn a_decision_tells_who_what_why_and_at_what_cost_without_the_message() {
    let host = keeping("").plugin("denies", guests::denies_on("denies", "bad"), "*", "").start_with_journal().await;
    host.openim(SEND, &message("bad words")).await;
    let (found, document) = kept(&host).await.remove(0);
    let decision = &found.decision;
    assert_eq!((decision.actor.as_str(), decision.target.as_str(), decision.key.as_str()), ("u123", "g9", "g9"));
    assert_eq!((&*decision.decided_by, decision.code, decision.generation), ("denies", 5000, 1));
    assert_eq!(document.message, "denies found it");
    assert_eq!(document.plugins.len(), 1);
    assert!(document.plugins[0].fuel > 0 && document.plugins[0].sha256.len() == 64);
    assert_eq!(decision.body, None);
    assert!(!decision.document.contains("bad words"), "{}", decision.document);
}

#[tokio::test]
async fn payloads_are_kept_to_the_byte_and_without_what_is_redacted() {
    let with = |toml: &str| {
        keeping(&format!("keep = \"all\"\npayloads = true\n{toml}")).plugin("tells", guests::tells("tells"), "*", "")
    };
    let body = "{ \"sendID\":\"u123\",\n\"content\" : \"bad words\",\"seq\":1.50 }";
    let host = with("").start_with_journal().await;
    host.post(&format!("/openim/{SEND}?x=y"), body).await;
    let (found, document) = kept(&host).await.remove(0);
    assert_eq!(found.decision.body.as_deref(), Some(body.as_bytes()));
    assert_eq!(document.head.unwrap().query, [("x".to_owned(), "y".to_owned())]);
    assert_eq!((document.records, document.kept_records.len()), (1, 1));
    assert!(document.answer.is_some() && !document.is_redacted);

    let host = with("redact = [\"content\"]").start_with_journal().await;
    host.post(&format!("/openim/{SEND}"), body).await;
    let (found, document) = kept(&host).await.remove(0);
    assert!(document.is_redacted);
    let everything = format!("{}{}", String::from_utf8_lossy(&found.decision.body.unwrap()), found.decision.document);
    assert!(!everything.contains("bad words") && everything.contains("[redacted]"), "{everything}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_left_out_and_its_decision_is_kept() {
    let host = keeping("keep = \"all\"\npayloads = true")
        .plugin("allows", guests::replies("allows", r#"{"verdict":"allow"}"#), "*", "")
        .start_with_journal()
        .await;
    for (bytes, is_kept) in [(256 << 10, true), ((256 << 10) + 1, false)] {
        let body = format!("{{\"fill\":\"{}\"}}", "x".repeat(bytes - 11));
        host.post(&format!("/openim/{SEND}"), body).await;
        let (found, document) = kept(&host).await.pop().unwrap();
        assert_eq!((document.body_bytes, found.decision.body.is_some()), (bytes, is_kept));
    }
}

#[tokio::test]
async fn users_are_kept_only_where_the_log_may_show_them() {
    for users in ["no", "hashed"] {
        let host = keeping("")
            .tables(&format!("[log]\nlog_users = \"{users}\""))
            .plugin("denies", guests::denies_on("denies", "bad"), "*", "")
            .start_with_journal()
            .await;
        host.openim(SEND, &message("bad")).await;
        let (found, _) = kept(&host).await.remove(0);
        let all = format!("{:?}", found.decision);
        assert!(!all.contains("u123") && !all.contains("g9"), "{all}");
    }
}

#[tokio::test]
async fn signatures_are_in_no_decision() {
    let host = keeping("keep = \"all\"\npayloads = true")
        .plugin("tells", guests::tells("tells"), "*", "")
        .start_with_journal()
        .await;
    let path = "/tencent-chat?SdkAppid=1400000000&CallbackCommand=Group.CallbackBeforeSendMsg&Sign=5ec4e7&RequestTime=1700000000";
    host.post(path, "{}").await;
    let (found, _) = kept(&host).await.remove(0);
    assert!(!format!("{:?}", found.decision).contains("5ec4e7"));
}
