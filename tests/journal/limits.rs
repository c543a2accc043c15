//! Every limit: at its edge, and one beyond.

use std::sync::Arc;
use std::time::Duration;

use callgate_journal::{
    DecisionFilter, EntryFilter, EntryState, JournalSettings, NewAttempt, NewDecision, NotKept, Outcome, RecordFilter,
    Sequence, WhenFull, WorkLimits,
};

use crate::harness::{Kept, NOON, Work, done, entry, record};

fn kept(change: impl FnOnce(&mut JournalSettings)) -> Kept {
    let mut kept = Kept::new();
    change(&mut kept.settings);
    kept
}

#[tokio::test]
async fn a_full_backlog_refuses_entries_until_one_is_done() {
    let kept = kept(|settings| settings.backlog_entries_max = 2);
    let journal = kept.open();
    journal.accept(vec![entry("a", "1")]).await.unwrap();
    journal.accept(vec![entry("a", "2")]).await.unwrap();
    let refused = journal.accept(vec![entry("a", "3")]).await;
    assert_eq!(refused, Err(NotKept::Full("backlog_entries_max")));
    let numbers = journal.numbers();
    assert_eq!((numbers.refused, numbers.is_full, numbers.backlog), (1, true, 2));
    let mut work = Work::start(&journal, WorkLimits::default()).await;
    work.next().await.1.finish(done());
    journal.flush().await.unwrap();
    assert_eq!(journal.accept(vec![entry("a", "3")]).await.unwrap().kept, 1);
    assert!(!journal.numbers().is_full);
    journal.close().await;
}

#[tokio::test]
async fn a_call_that_exceeds_the_backlog_is_refused_as_a_whole() {
    let kept = kept(|settings| settings.backlog_entries_max = 3);
    let journal = kept.open();
    let refused = journal.accept((0..4).map(|_| entry("a", "x")).collect()).await;
    assert_eq!(refused, Err(NotKept::Full("backlog_entries_max")));
    assert_eq!(journal.accept((0..3).map(|_| entry("a", "x")).collect()).await.unwrap().kept, 3);
    journal.close().await;
}

#[tokio::test]
async fn a_full_journal_may_acknowledge_and_count() {
    let kept = kept(|settings| {
        settings.backlog_entries_max = 0;
        settings.when_full = WhenFull::AcknowledgeAndCount;
    });
    let journal = kept.open();
    let accepted = journal.accept(vec![entry("a", "1"), entry("a", "2")]).await.unwrap();
    assert_eq!((accepted.kept, accepted.not_kept), (0, 2));
    assert_eq!(journal.numbers().acknowledged_and_lost, 2);
    journal.close().await;
}

#[tokio::test]
async fn a_file_of_bytes_max_refuses_entries_and_still_takes_their_results() {
    let kept = kept(|settings| settings.bytes_max = 1 << 20);
    let journal = kept.open();
    let body = "x".repeat(10_000);
    let mut count = 0;
    while journal.accept(vec![entry("a", &body)]).await.is_ok() {
        count += 1;
    }
    assert!((50..100).contains(&count), "{count}");
    assert_eq!(journal.accept(vec![entry("a", &body)]).await, Err(NotKept::Full("bytes_max")));
    assert_eq!(journal.numbers().commits_failed, 0, "it is known before anything is written");
    assert!(std::fs::metadata(kept.settings.folder.join("journal.sqlite3")).unwrap().len() <= 1 << 20);
    let mut work = Work::start(&journal, WorkLimits::default()).await;
    for _ in 0..count {
        let (entry, ticket) = work.next().await;
        ticket.finish(Outcome::Done { records: vec![record("all", &entry.key, "{}")] });
    }
    journal.flush().await.unwrap();
    assert_eq!(journal.numbers().records, count);
    assert_eq!(journal.accept(vec![entry("a", &body)]).await.unwrap().kept, 1, "there is room again");
    journal.close().await;
}

#[tokio::test]
async fn dead_entries_are_bounded_in_number_and_age() {
    let kept = kept(|settings| {
        settings.dead_entries_max = 2;
        settings.dead_entries_age = Duration::from_secs(60);
    });
    let journal = kept.open();
    let mut work = Work::start(&journal, WorkLimits { attempts_max: 1, ..WorkLimits::default() }).await;
    journal.accept((0..3).map(|number| entry("a", &number.to_string())).collect()).await.unwrap();
    for _ in 0..3 {
        work.next().await.1.finish(Outcome::Failed { attempt: NewAttempt::default() });
    }
    journal.flush().await.unwrap();
    assert_eq!(journal.numbers().dead, 3);
    kept.advance(&journal, 1000);
    journal.flush().await.unwrap();
    assert_eq!((journal.numbers().dead, journal.numbers().dead_dropped), (2, 1));
    let dead = EntryFilter { state: Some(EntryState::Dead), ..EntryFilter::default() };
    let left = journal.reader().entries(&dead, Default::default()).unwrap();
    let attempts = journal.reader().attempts(left[0].id).unwrap();
    assert_eq!(attempts.len(), 1);
    kept.advance(&journal, 58_999);
    journal.flush().await.unwrap();
    assert_eq!(journal.numbers().dead, 2, "not yet");
    kept.advance(&journal, 1000);
    journal.flush().await.unwrap();
    assert_eq!(journal.numbers().dead, 0);
    assert!(journal.reader().attempts(left[0].id).unwrap().is_empty());
    journal.close().await;
}

#[tokio::test]
async fn done_entries_are_kept_for_their_age() {
    let kept = kept(|settings| settings.done_entries_age = Duration::from_secs(10));
    let journal = kept.open();
    let mut work = Work::start(&journal, WorkLimits::default()).await;
    journal.accept(vec![entry("a", "1")]).await.unwrap();
    work.next().await.1.finish(done());
    journal.flush().await.unwrap();
    let filter = EntryFilter { state: Some(EntryState::Done), ..EntryFilter::default() };
    let mut reader = journal.reader();
    assert_eq!(reader.count_entries(&filter).unwrap(), 1);
    assert_eq!(journal.numbers().backlog, 0);
    kept.advance(&journal, 10_000);
    journal.flush().await.unwrap();
    assert_eq!(reader.count_entries(&filter).unwrap(), 0);
    journal.close().await;
}

#[tokio::test]
async fn repeats_are_recognised_for_the_window_and_no_longer_than_two() {
    let kept = kept(|settings| settings.repeats_window = Duration::from_secs(10));
    let journal = kept.open();
    let message = || {
        let mut entry = entry("a", "1");
        entry.duplicate_key = Some("1".to_owned());
        vec![entry]
    };
    assert_eq!(journal.accept(message()).await.unwrap().kept, 1);
    kept.advance(&journal, 9_999);
    journal.flush().await.unwrap();
    assert_eq!(journal.accept(message()).await.unwrap().repeats, 1);
    kept.advance(&journal, 10_001);
    journal.flush().await.unwrap();
    kept.advance(&journal, 10_001);
    journal.flush().await.unwrap();
    assert_eq!(journal.accept(message()).await.unwrap().kept, 1);
    journal.close().await;
}

#[tokio::test]
async fn without_a_window_or_places_nothing_is_a_repeat() {
    for change in [
        (|settings: &mut JournalSettings| settings.repeats_window = Duration::ZERO) as fn(&mut JournalSettings),
        |settings| settings.repeats_max = 0,
    ] {
        let kept = kept(change);
        let journal = kept.open();
        let mut entry = entry("a", "1");
        entry.duplicate_key = Some("1".to_owned());
        assert_eq!(journal.accept(vec![entry.clone(), entry]).await.unwrap().kept, 2);
        journal.close().await;
    }
}

#[tokio::test]
async fn records_that_a_sink_does_not_take_are_dropped_at_their_age() {
    let kept = kept(|settings| {
        settings.records_age = Duration::ZERO;
        settings.undelivered_records_age = Duration::from_secs(100);
    });
    let journal = kept.open();
    journal.set_sinks(vec!["slow".into(), "quick".into()], None).await.unwrap();
    journal.keep_records(vec![record("a", "k", "1")]).await.unwrap();
    kept.advance(&journal, 99_999);
    journal.flush().await.unwrap();
    assert_eq!(journal.reader().count_records(&RecordFilter::default()).unwrap(), 1);
    kept.advance(&journal, 1000);
    journal.flush().await.unwrap();
    assert_eq!(journal.numbers().records_expired, 1);
    let batch = journal.reader().records_after(Sequence(0), 10, 1000, |_| true).unwrap();
    assert!(batch.records.is_empty());
    journal.close().await;
}

#[tokio::test]
async fn decisions_are_bounded_in_bytes_and_age() {
    let kept = kept(|settings| {
        settings.decisions_bytes_max = 10_000;
        settings.decisions_age = Duration::from_secs(100);
    });
    let journal = kept.open();
    let offer = |number: usize| {
        let document = format!("{number:03}{}", "x".repeat(837));
        assert!(journal.offer_decision(NewDecision { at_unix_ms: NOON, document, ..NewDecision::default() }));
    };
    (0..20).for_each(offer);
    journal.flush().await.unwrap();
    kept.advance(&journal, 1000);
    journal.flush().await.unwrap();
    let mut reader = journal.reader();
    let left = reader.count_decisions(&DecisionFilter::default()).unwrap();
    assert_eq!(left, 10, "1000 bytes each, the newest");
    kept.advance(&journal, 99_000);
    journal.flush().await.unwrap();
    assert_eq!(reader.count_decisions(&DecisionFilter::default()).unwrap(), 0);
    journal.close().await;
}

#[tokio::test]
async fn a_full_queue_of_decisions_drops_and_counts() {
    let kept = kept(|settings| {
        settings.decisions_queue_items_max = 2;
        settings.decisions_queue_bytes_max = 5000;
    });
    let journal = kept.open();
    let large = NewDecision { document: "x".repeat(6000), ..NewDecision::default() };
    assert!(!journal.offer_decision(large), "one that never fits");
    let kept_of_many = (0..10_000).filter(|_| journal.offer_decision(NewDecision::default())).count();
    journal.flush().await.unwrap();
    let numbers = journal.numbers();
    assert_eq!(numbers.decisions, kept_of_many as u64);
    assert_eq!(numbers.decisions_dropped, 10_001 - kept_of_many as u64);
    assert!(numbers.decisions_dropped > 1, "nobody waits for a commit");
    journal.close().await;
}

#[tokio::test]
async fn a_call_larger_than_the_queue_fails_and_one_with_many_small_entries_waits_its_turn() {
    let kept = kept(|settings| {
        settings.queue_bytes_max = 4000;
        settings.queue_items_max = 2;
    });
    let journal = kept.open();
    let large = journal.accept(vec![entry("a", &"x".repeat(4000))]).await;
    assert!(matches!(large, Err(NotKept::TooLarge { bytes_max: 4000, .. })), "{large:?}");
    assert!(!journal.offer_records(vec![record("a", "k", &"x".repeat(4000))]));
    assert_eq!(journal.numbers().records_dropped, 1);
    let accepted = journal.accept((0..5).map(|_| entry("a", "x")).collect()).await.unwrap();
    assert_eq!(accepted.kept, 5);
    journal.close().await;
}

#[tokio::test]
async fn at_most_so_many_are_worked_on_at_once() {
    let kept = Kept::new();
    let journal = kept.open();
    let mut work = Work::start(&journal, WorkLimits { at_once: 2, ..WorkLimits::default() }).await;
    journal.accept((0..4).map(|number| entry(&number.to_string(), "x")).collect()).await.unwrap();
    let first = work.next().await.1;
    let _second = work.next().await.1;
    assert!(work.is_idle(), "two are at work");
    first.finish(done());
    journal.flush().await.unwrap();
    let _third = work.next().await;
    assert!(work.is_idle());
    journal.close().await;
}

#[tokio::test]
async fn names_are_numbered_up_to_a_limit_and_found_beyond_it() {
    let kept = Kept::new();
    let journal = kept.open();
    for first in (0..5000).step_by(500) {
        let entries = (first..first + 500).map(|number| {
            let mut entry = entry("a", "x");
            entry.command = Arc::from(format!("command-{number}"));
            entry
        });
        journal.accept(entries.collect()).await.unwrap();
    }
    let mut reader = journal.reader();
    for number in [0, 4094, 4096, 4999] {
        let filter = EntryFilter { command: Some(format!("command-{number}")), ..EntryFilter::default() };
        let found = reader.entries(&filter, Default::default()).unwrap();
        assert_eq!(found.len(), 1, "{number}");
        assert_eq!(&*found[0].command, format!("command-{number}"));
    }
    journal.close().await;
}
