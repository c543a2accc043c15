//! Records, cursors and decisions: kept, found, forgotten.

use std::sync::Arc;

use callgate_journal::record::SinkCursor;
use callgate_journal::{DecisionFilter, NewDecision, Page, RecordFilter, Sequence};

use crate::harness::{Kept, NOON, record};

#[tokio::test]
async fn records_have_ascending_numbers_and_cursors_survive() {
    let kept = Kept::new();
    let journal = kept.open();
    let sinks = journal.set_sinks(vec!["file".into()], None).await.unwrap();
    assert_eq!(sinks[0].delivered_to, Sequence(0));
    journal.keep_records(vec![record("a", "k", "1"), record("b", "k", "2")]).await.unwrap();
    assert!(journal.offer_records(vec![record("a", "k", "3")]));
    journal.flush().await.unwrap();
    assert_eq!(*journal.watch_records().borrow(), Sequence(3));
    let batch = journal.reader().records_after(Sequence(0), 10, 1 << 20, |topic| topic == "a").unwrap();
    let data: Vec<_> = batch.records.iter().map(|record| &*record.record.data).collect();
    assert_eq!((data, batch.read_to), (vec!["1", "3"], Sequence(3)));
    let cursor = SinkCursor { sink: "file".into(), delivered_to: Sequence(2), state: "off".into() };
    journal.save_cursor(cursor.clone());
    journal.close().await;

    let journal = kept.open();
    assert_eq!(journal.set_sinks(vec!["file".into()], None).await.unwrap(), [cursor]);
    // What all sinks have goes at its age, the rest stays.
    kept.advance(&journal, 3_600_000);
    journal.flush().await.unwrap();
    assert_eq!(journal.reader().count_records(&RecordFilter::default()).unwrap(), 1);
    journal.close().await;
    assert_eq!(kept.open().numbers().last_sequence, 3);
}

#[tokio::test]
async fn decisions_are_found_by_what_they_are_about() {
    let kept = Kept::new();
    let journal = kept.open();
    let decision = |actor: &str, verdict: &str| NewDecision {
        at_unix_ms: NOON,
        platform: Arc::from("chat"),
        command: Arc::from("beforeSend"),
        actor: actor.to_owned(),
        verdict: Arc::from(verdict),
        plugins: vec![Arc::from("filter"), Arc::from("guard")],
        document: format!("{{\"{actor}\":1}}"),
        body: Some("body".into()),
        ..NewDecision::default()
    };
    assert!(journal.offer_decision(decision("u1", "deny")));
    assert!(journal.offer_decision(decision("u2", "allow")));
    journal.flush().await.unwrap();
    let mut reader = journal.reader();
    let mut count = |filter: DecisionFilter| reader.count_decisions(&filter).unwrap();
    assert_eq!(count(DecisionFilter::default()), 2);
    assert_eq!(count(DecisionFilter { user: Some("u1".into()), ..Default::default() }), 1);
    assert_eq!(count(DecisionFilter { plugin: Some("guard".into()), ..Default::default() }), 2);
    assert_eq!(count(DecisionFilter { plugin: Some("gua".into()), ..Default::default() }), 0);
    assert_eq!(count(DecisionFilter { verdict: Some("allow".into()), ..Default::default() }), 1);
    let newest = reader.decisions(&DecisionFilter::default(), Page::default()).unwrap();
    let found = reader.decision(newest[0].id).unwrap().decision;
    assert_eq!((&*found.document, found.body.as_deref()), ("{\"u2\":1}", Some(&b"body"[..])));
    journal.close().await;
}
