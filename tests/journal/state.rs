//! States: data that the host saves in the journal until its next start.

use callgate_journal::{Journal, NotKept};

use crate::harness::{Kept, entry};

fn parts(parts: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    parts.iter().map(|(name, data)| ((*name).to_owned(), data.as_bytes().to_vec())).collect()
}

/// A part with this name and this number of bytes.
fn large(name: &str, bytes: usize) -> Vec<(String, Vec<u8>)> {
    vec![(name.to_owned(), vec![b'x'; bytes])]
}

fn names(journal: &Journal, state: &str) -> Vec<String> {
    journal.state(state).unwrap().into_iter().map(|(name, _)| name).collect()
}

#[tokio::test]
async fn states_survive_a_restart_and_parts_are_replaced_or_removed_by_name() {
    let kept = Kept::new();
    let journal = kept.open();
    assert_eq!(journal.state("sent").unwrap(), []);
    assert!(journal.save_state("sent", parts(&[("1", "b"), ("0", "a"), ("2", "c")])));
    assert!(journal.save_state("strikes", parts(&[("0", "other")])));
    assert!(journal.save_state("sent", parts(&[("1", "new"), ("2", "")])));
    assert!(journal.save_state("sent", Vec::new()), "nothing always has room");
    // Closing saves the queue.
    journal.close().await;
    assert_eq!(journal.state("sent"), Err(NotKept::Closed));
    assert!(!journal.save_state("sent", parts(&[("0", "late")])));
    let journal = kept.open();
    assert_eq!(journal.state("sent").unwrap(), parts(&[("0", "a"), ("1", "new")]));
    assert_eq!(journal.state("strikes").unwrap(), parts(&[("0", "other")]));
    journal.close().await;
}

#[tokio::test]
async fn what_was_flushed_survives_a_kill() {
    let kept = Kept::new();
    let journal = kept.open();
    assert!(journal.save_state("sent", parts(&[("0", "a"), ("1", "b")])));
    journal.flush().await.unwrap();
    assert_eq!(journal.numbers().states, 2);
    // The files as `kill -9` leaves them.
    let other = Kept::new();
    std::fs::create_dir(&other.settings.folder).unwrap();
    for file in std::fs::read_dir(&kept.settings.folder).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), other.settings.folder.join(file.file_name())).unwrap();
    }
    let after = other.open();
    assert_eq!(after.state("sent").unwrap(), parts(&[("0", "a"), ("1", "b")]));
    after.close().await;
    journal.close().await;
}

#[tokio::test]
async fn states_that_are_no_longer_configured_are_forgotten() {
    let kept = Kept::new();
    let journal = kept.open();
    for name in ["a", "b", "c"] {
        assert!(journal.save_state(name, parts(&[("0", name)])));
    }
    journal.flush().await.unwrap();
    assert!(journal.save_state("b", parts(&[("1", "queued")])));
    journal.forget_state(&["c".to_owned(), "d".to_owned()]);
    journal.flush().await.unwrap();
    assert_eq!((names(&journal, "a"), names(&journal, "b")), (Vec::new(), Vec::new()));
    assert_eq!(names(&journal, "c"), ["0"]);
    journal.close().await;
}

#[tokio::test]
async fn a_part_with_a_wrong_checksum_is_left_out() {
    let kept = Kept::new();
    let journal = kept.open();
    assert!(journal.save_state("sent", parts(&[("0", "a"), ("1", "b"), ("2", "c")])));
    journal.close().await;
    let file = rusqlite::Connection::open(kept.settings.folder.join("journal.sqlite3")).unwrap();
    // Another value, another type, and a part under the name of another.
    file.execute_batch(
        "UPDATE state SET data = x'62' WHERE part = '0'; UPDATE state SET data = 7 WHERE part = '1';
         INSERT INTO state (name, part, crc, data) SELECT name, '3', crc, data FROM state WHERE part = '2';",
    )
    .unwrap();
    drop(file);
    let journal = kept.open();
    assert_eq!(journal.state("sent").unwrap(), parts(&[("2", "c")]));
    assert_eq!(journal.numbers().damaged, 3);
    journal.close().await;
}

#[tokio::test]
async fn damaged_pages_lose_only_their_own_parts() {
    let kept = Kept::new();
    let journal = kept.open();
    for number in 0..100 {
        assert!(journal.save_state("sent", large(&format!("{number:03}"), 20_000)));
    }
    journal.close().await;
    let file = kept.settings.folder.join("journal.sqlite3");
    let mut bytes = std::fs::read(&file).unwrap();
    let half = bytes.len() / 2 / 4096 * 4096;
    bytes[half..half + 4 * 4096].fill(0xff);
    std::fs::write(&file, bytes).unwrap();
    let journal = kept.open();
    let found = journal.state("sent").unwrap();
    assert!((90..100).contains(&found.len()), "{}", found.len());
    assert!(found.iter().all(|(_, data)| data.len() == 20_000));
    let numbers = journal.numbers();
    assert!(numbers.set_aside == 1 && numbers.salvage_lost > 0, "{numbers:?}");
    journal.close().await;
    let journal = kept.open();
    assert_eq!(journal.state("sent").unwrap(), found, "in the new file, too");
    journal.close().await;
}

#[tokio::test]
async fn without_its_first_page_a_file_still_has_its_states() {
    let kept = Kept::new();
    let journal = kept.open();
    assert!(journal.save_state("sent", parts(&[("0", "a"), ("1", "b")])));
    journal.close().await;
    let file = kept.settings.folder.join("journal.sqlite3");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[..4096].fill(0);
    std::fs::write(&file, bytes).unwrap();
    let journal = kept.open();
    assert_eq!(journal.numbers().set_aside, 1);
    assert_eq!(journal.state("sent").unwrap(), parts(&[("0", "a"), ("1", "b")]));
    journal.close().await;
}

#[tokio::test]
async fn a_journal_of_an_older_host_gets_the_table() {
    let kept = Kept::new();
    let journal = kept.open();
    journal.accept(vec![entry("a", "1")]).await.unwrap();
    journal.close().await;
    let file = rusqlite::Connection::open(kept.settings.folder.join("journal.sqlite3")).unwrap();
    file.execute_batch("DROP TABLE state; UPDATE counters SET format = 1; PRAGMA user_version = 1;").unwrap();
    drop(file);
    let journal = kept.open();
    assert_eq!((journal.numbers().backlog, journal.numbers().set_aside), (1, 0));
    assert!(journal.save_state("sent", parts(&[("0", "a")])));
    journal.close().await;
    assert_eq!(names(&kept.open(), "sent"), ["0"]);
}

#[tokio::test]
async fn more_than_one_transaction_holds_is_saved_too() {
    let kept = Kept::new();
    let journal = kept.open();
    // Parts of more than half a transaction, and one that is larger than a transaction.
    let mut all: Vec<_> = (0..6).flat_map(|number| large(&number.to_string(), 600_000)).collect();
    all.extend(large("7", 3_000_000));
    assert!(journal.save_state("sent", all));
    journal.flush().await.unwrap();
    assert_eq!((names(&journal, "sent").len(), journal.numbers().states), (7, 7));
    journal.close().await;
}

#[tokio::test]
async fn without_room_states_wait_and_entries_do_not() {
    let mut kept = Kept::new();
    kept.settings.bytes_max = 2 << 20;
    (kept.settings.state_queue_items_max, kept.settings.state_queue_bytes_max) = (3, 700_000);
    let journal = kept.open();
    assert!(journal.save_state("first", large("0", 1_500_000)), "more than the queue holds takes all of it");
    journal.flush().await.unwrap();
    assert!(journal.save_state("second", large("0", 600_000)));
    journal.flush().await.unwrap();
    assert_eq!((names(&journal, "first").len(), names(&journal, "second").len()), (1, 0), "there is no room for it");
    // It stays in the queue, whose limit is 100 KB and two parts.
    assert!(!journal.save_state("third", large("0", 100_001)));
    assert!(!journal.save_state("third", parts(&[("0", "a"), ("1", "b"), ("2", "c")])));
    assert!(journal.save_state("third", large("0", 90_000)));
    assert!(journal.save_state("third", parts(&[("1", "")])));
    assert!(!journal.save_state("third", parts(&[("2", "")])));
    assert_eq!(journal.accept(vec![entry("a", "1")]).await.unwrap().kept, 1);
    // Deleted states free room.
    journal.forget_state(&["second".to_owned(), "third".to_owned()]);
    journal.flush().await.unwrap();
    assert_eq!((names(&journal, "first").len(), names(&journal, "second").len()), (0, 1));
    assert_eq!(names(&journal, "third"), ["0"]);
    assert!(journal.save_state("third", large("1", 700_000)), "the queue is empty again");
    journal.close().await;
    assert_eq!((journal.numbers().states, journal.numbers().states_dropped), (5, 0));
}

#[tokio::test]
async fn what_could_not_be_saved_is_tried_again_after_a_second_and_not_with_each_commit() {
    let mut kept = Kept::new();
    kept.settings.bytes_max = 2 << 20;
    let journal = kept.open();
    assert!(journal.save_state("first", large("0", 1_500_000)));
    assert!(journal.save_state("second", large("0", 600_000)));
    journal.flush().await.unwrap();
    // Now there would be room.
    journal.forget_state(&["second".to_owned()]);
    for (after_ms, saved) in [(0, 0), (999, 0), (1, 1)] {
        kept.advance(&journal, after_ms);
        // What follows the first commit is done before the second.
        for _ in 0..2 {
            journal.accept(vec![entry("a", "1")]).await.unwrap();
        }
        assert_eq!(names(&journal, "second").len(), saved, "{after_ms}");
    }
    journal.close().await;
}

#[tokio::test]
async fn a_part_that_would_never_fit_is_dropped_and_others_are_saved() {
    let mut kept = Kept::new();
    kept.settings.bytes_max = 1 << 20;
    let journal = kept.open();
    assert!(journal.save_state("sent", large("0", 1 << 20)));
    assert!(journal.save_state("sent", parts(&[("1", "b")])));
    journal.flush().await.unwrap();
    assert_eq!(names(&journal, "sent"), ["1"]);
    assert_eq!((journal.numbers().states, journal.numbers().states_dropped), (1, 1));
    journal.close().await;
}
