//! A disk that does not answer: callbacks are still answered at their deadline, and queued entries are stored later.

use std::time::Duration;

use callgate_journal::{Page, RecordFilter};
use harness::{TestHost, guests, setup};
use http::StatusCode;
use serde_json::json;
use tokio::time::Instant;

const BEFORE: &str = "callbackBeforeAddFriendCommand";
const AFTER: &str = "callbackAfterSendGroupMsgCommand";

/// OpenIM's default timeout, less the time that is reserved for writing the answer.
const DEADLINE: Duration = Duration::from_millis(4450);

/// Tokio's timers count whole milliseconds from the start of the runtime, and are never early.
const TICK: Duration = Duration::from_millis(1);

/// Blocks the journal's writer, as a hanging disk does, until the connection is dropped.
fn hang(host: &TestHost) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(host.folder().join("journal/journal.sqlite3")).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

#[tokio::test]
async fn an_after_callback_that_is_not_on_disk_in_time_is_refused_and_its_repeat_is_recognised() {
    let host = setup().tables("[journal]").plugin("tells", guests::tells("tells"), "*", "").start_with_journal().await;
    let message = json!({ "groupID": "g9", "sendID": "mei", "clientMsgID": "m1" });
    tokio::time::pause();
    let (hung, began) = (hang(&host), Instant::now());
    let refused = host.post(&format!("/openim/{AFTER}"), message.to_string()).await;
    let took = began.elapsed();
    assert!((DEADLINE..=DEADLINE + TICK).contains(&took), "{took:?}");
    assert_eq!((refused.status, &refused.body["nextCode"]), (StatusCode::SERVICE_UNAVAILABLE, &json!(1)));
    assert_eq!(host.metric("callgate_refusals_total", &["not_kept"]), 1.0);
    drop(hung);
    tokio::time::resume();
    // It was queued. The chat server repeats it.
    assert_eq!(host.openim(AFTER, &message).await["nextCode"], 0);
    let numbers = host.until(|numbers| numbers.done > 0).await;
    assert_eq!((numbers.done, numbers.repeats, numbers.backlog), (1, 1, 0));
}

#[tokio::test]
async fn records_that_are_durable_delay_an_answer_until_its_deadline_and_no_longer() {
    let keeps = guests::replies("keeps", r#"{"verdict":"deny","code":5001,"records":[1]}"#);
    let at_once = Duration::ZERO..=Duration::ZERO;
    for (toml, delays, lost) in [("durable = true", DEADLINE..=DEADLINE + TICK, 1.0), ("", at_once, 0.0)] {
        let host = setup().tables("[journal]").plugin("keeps", &keeps, "*", toml).start_with_journal().await;
        // The first call makes an instance.
        host.openim(BEFORE, &json!({})).await;
        tokio::time::pause();
        let (hung, began) = (hang(&host), Instant::now());
        assert_eq!(host.openim(BEFORE, &json!({})).await["errCode"], 5001, "the verdict stays");
        let took = began.elapsed();
        assert!(delays.contains(&took), "{toml}: {took:?}");
        assert_eq!(host.metric("callgate_records_lost_total", &[]), lost, "{toml}");
        drop(hung);
        tokio::time::resume();
        host.host().settle_journal().await;
        let records = host.journal().records(&RecordFilter::default(), Page { limit: 10, ..Page::default() }).unwrap();
        assert_eq!(records.len(), 2, "it was on its way");
    }
}
