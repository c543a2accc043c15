//! Entries: accepted, processed, retried, dead.

use callgate_journal::{EntryFilter, EntryState, NewAttempt, Outcome, Page, WorkLimits};

use crate::harness::{Kept, Work, done, entry, record};

#[tokio::test]
async fn what_was_accepted_is_worked_off_after_a_restart_in_order_per_key() {
    let kept = Kept::new();
    let journal = kept.open();
    let accepted = journal.accept(vec![entry("a", "1"), entry("a", "2"), entry("b", "3")]).await.unwrap();
    assert_eq!(accepted.kept, 3);
    journal.close().await;

    let journal = kept.open();
    assert_eq!(journal.numbers().backlog, 3);
    let mut work = Work::start(&journal, WorkLimits::default()).await;
    let ((first, a), (other, b)) = (work.body().await, work.body().await);
    assert_eq!([&*first, &*other], ["1", "3"]);
    b.finish(done());
    a.finish(Outcome::Done { records: vec![record("topic", "a", "{}")] });
    let (second, a) = work.body().await;
    assert_eq!(second, "2");
    a.finish(done());
    journal.flush().await.unwrap();
    let numbers = journal.numbers();
    assert_eq!((numbers.backlog, numbers.done, numbers.records), (0, 3, 1));
    let batch = journal.reader().records_after(Default::default(), 10, 1 << 20, |topic| topic == "topic").unwrap();
    assert_eq!(batch.records.len(), 1);
    journal.close().await;
}

#[tokio::test]
async fn a_failing_key_waits_and_stops_no_others_and_dies_after_its_last_attempt() {
    let kept = Kept::new();
    let journal = kept.open();
    let limits = WorkLimits { attempts_max: 2, ..WorkLimits::default() };
    let mut work = Work::start(&journal, limits).await;
    journal.accept(vec![entry("a", "1"), entry("a", "2"), entry("b", "3")]).await.unwrap();
    let (body, ticket) = work.body().await;
    assert_eq!(body, "1");
    let attempt = || NewAttempt { fault: "trap".into(), plugin: Some("mirror".into()), ..NewAttempt::default() };
    ticket.finish(Outcome::Failed { attempt: attempt() });
    let (body, ticket) = work.body().await;
    assert_eq!(body, "3");
    ticket.finish(done());
    kept.advance(&journal, 1000);
    let (next, ticket) = work.next().await;
    assert_eq!((&next.body[..], next.attempts), (&b"1"[..], 1));
    ticket.finish(Outcome::Failed { attempt: attempt() });
    let (body, ticket) = work.body().await;
    assert_eq!(body, "2", "the key goes on after its dead entry");
    ticket.finish(done());
    journal.flush().await.unwrap();
    let mut reader = journal.reader();
    let dead = EntryFilter { state: Some(EntryState::Dead), plugin: Some("mirror".into()), ..EntryFilter::default() };
    let found = reader.entries(&dead, Page::default()).unwrap();
    assert_eq!(found.len(), 1);
    let attempts = reader.attempts(found[0].id).unwrap();
    assert_eq!(attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2]);

    assert_eq!(journal.retry(dead.clone()).await.unwrap(), 1);
    let (body, ticket) = work.body().await;
    assert_eq!(body, "1");
    ticket.finish(Outcome::Hopeless { attempt: attempt() });
    journal.flush().await.unwrap();
    assert_eq!(journal.numbers().dead, 1);
    assert_eq!(journal.drop_dead(dead).await.unwrap(), 1);
    assert_eq!(reader.count_entries(&EntryFilter::default()).unwrap(), 0);
    journal.close().await;
}

#[tokio::test]
async fn a_repeat_is_acknowledged_and_not_worked_off_again() {
    let kept = Kept::new();
    let journal = kept.open();
    let message = |id: &str| {
        let mut entry = entry("a", id);
        entry.duplicate_key = Some(id.to_owned());
        entry
    };
    let accepted = journal.accept(vec![message("1"), message("2"), message("1")]).await.unwrap();
    assert_eq!((accepted.kept, accepted.repeats), (2, 1));
    journal.close().await;
    let journal = kept.open();
    let accepted = journal.accept(vec![message("2"), message("3")]).await.unwrap();
    assert_eq!((accepted.kept, accepted.repeats), (1, 1), "after a restart, too");
    journal.close().await;
}

#[tokio::test]
async fn after_a_stop_running_entries_can_end_and_none_are_started() {
    let kept = Kept::new();
    let journal = kept.open();
    let mut work = Work::start(&journal, WorkLimits::default()).await;
    journal.accept(vec![entry("a", "1"), entry("a", "2")]).await.unwrap();
    let (body, ticket) = work.body().await;
    assert_eq!(body, "1");
    journal.stop_working();
    journal.accept(vec![entry("b", "3")]).await.unwrap();
    ticket.finish(done());
    // The scheduler runs on another thread: each poll waits for one turn of the writer.
    for _ in 0..100_000 {
        journal.flush().await.unwrap();
        if journal.numbers().working == 0 {
            break;
        }
    }
    let numbers = journal.numbers();
    assert_eq!((numbers.working, numbers.done, numbers.backlog), (0, 1, 2), "a stop waits for as long as it takes");
    assert!(work.is_idle());
    journal.close().await;
    assert_eq!(kept.open().numbers().backlog, 2);
}
