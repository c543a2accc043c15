//! The folder and its files: private, of one host, of this host's format.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use callgate_journal::{EntryFilter, Journal, NotKept, OpenError, Page, Reader, Sequence, SinkCursor, WorkLimits};

use crate::harness::{Kept, Work, done, entry, record};

fn open_fails(kept: &Kept) -> OpenError {
    Journal::open(&kept.settings, kept.clock.clone()).expect_err("it cannot be opened")
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_second_host_is_refused_and_told_why() {
    let kept = Kept::new();
    let journal = kept.open();
    let error = open_fails(&kept);
    let OpenError::InUse { by, .. } = &error else { panic!("{error:?}") };
    assert!(by.starts_with(&format!("process {}", std::process::id())), "{by}");
    assert!(error.to_string().contains("is used by another host"), "{error}");
    journal.close().await;
    kept.open().close().await;
}

#[tokio::test]
async fn the_folder_and_its_files_are_private() {
    let kept = Kept::new();
    std::fs::create_dir(&kept.settings.folder).unwrap();
    std::fs::set_permissions(&kept.settings.folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    let journal = kept.open();
    journal.accept(vec![entry("a", "1")]).await.unwrap();
    assert_eq!(mode(&kept.settings.folder), 0o700);
    for file in std::fs::read_dir(&kept.settings.folder).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    journal.close().await;
}

#[tokio::test]
async fn a_file_of_a_newer_host_is_left_alone() {
    let kept = Kept::new();
    kept.open().close().await;
    let file = kept.settings.folder.join("journal.sqlite3");
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.execute_batch("UPDATE counters SET format = 99; PRAGMA user_version = 99;").unwrap();
    drop(connection);
    let error = open_fails(&kept);
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error:?}");
    assert!(error.to_string().contains("start the newer host again"), "{error}");
    assert!(matches!(Reader::open(&kept.settings.folder).unwrap_err(), OpenError::Newer { found: 99, .. }));
}

#[tokio::test]
async fn a_database_of_another_program_is_left_alone() {
    let kept = Kept::new();
    std::fs::create_dir(&kept.settings.folder).unwrap();
    let file = kept.settings.folder.join("journal.sqlite3");
    rusqlite::Connection::open(&file).unwrap().execute_batch("CREATE TABLE theirs (x);").unwrap();
    assert!(matches!(open_fails(&kept), OpenError::NotAJournal { .. }));
    assert!(matches!(Reader::open(&kept.settings.folder).unwrap_err(), OpenError::NotAJournal { .. }));
}

#[tokio::test]
async fn a_journal_at_rest_is_read_without_a_host() {
    let kept = Kept::new();
    let missing = Reader::open(&kept.settings.folder).unwrap_err();
    assert!(matches!(missing, OpenError::Missing { .. }), "{missing:?}");
    let journal = kept.open();
    journal.accept(vec![entry("a", "1")]).await.unwrap();
    let mut beside = Reader::open(&kept.settings.folder).unwrap();
    assert_eq!(beside.count_entries(&EntryFilter::default()).unwrap(), 1, "beside a host, too");
    drop(beside);
    journal.close().await;
    let mut reader = Reader::open(&kept.settings.folder).unwrap();
    assert_eq!(reader.count_entries(&EntryFilter::default()).unwrap(), 1);
}

const OUTSIDE: &str = "CALLGATE_TEST_JOURNAL_FILE";

/// How many entries a program from outside sees, which opens the file for writing and closes it, as the shell of SQLite
/// does.
fn count_from_outside(file: &Path) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "files::the_child", "--ignored", "--nocapture"]).env(OUTSIDE, file);
    let said = String::from_utf8(child.output().unwrap().stdout).unwrap();
    let count = said.lines().find_map(|line| line.split_once("entries: ")).expect("the child counts").1;
    count.trim().parse().unwrap()
}

#[test]
#[ignore = "what another test starts"]
fn the_child() {
    let Ok(file) = std::env::var(OUTSIDE) else { return };
    let connection = rusqlite::Connection::open(file).unwrap();
    let count: u64 = connection.query_row("SELECT count(*) FROM entries", (), |row| row.get(0)).unwrap();
    connection.close().unwrap();
    println!("entries: {count}");
}

/// Whether the kernel has a lock on the file.
#[cfg(target_os = "linux")]
fn is_locked(file: &Path) -> bool {
    let inode = format!(":{} ", std::fs::metadata(file).unwrap().ino());
    std::fs::read_to_string("/proc/locks").unwrap().lines().any(|line| line.contains("POSIX") && line.contains(&inode))
}

#[tokio::test]
async fn a_program_from_outside_that_closes_the_file_leaves_the_log_of_the_host_alone() {
    let kept = Kept::new();
    kept.open().close().await;
    // The second time, the file exists: it is looked at before it is opened.
    let journal = kept.open();
    let file = kept.settings.folder.join("journal.sqlite3");
    let log = || std::fs::metadata(kept.settings.folder.join("journal.sqlite3-wal")).map(|log| log.ino()).unwrap();
    journal.accept(vec![entry("a", "1")]).await.unwrap();
    // By this lock, a program from outside sees that it is not the last one.
    #[cfg(target_os = "linux")]
    assert!(is_locked(&file), "the host has its lock on the file");
    let before = log();
    assert_eq!(count_from_outside(&file), 1);
    assert_eq!(log(), before, "the log is still the one that the host writes to");
    journal.accept(vec![entry("a", "2")]).await.unwrap();
    assert_eq!(count_from_outside(&file), 2);
    assert_eq!(log(), before);
    journal.close().await;
    assert_eq!(kept.open().numbers().backlog, 2);
}

#[tokio::test]
async fn damage_that_is_met_while_working_is_salvaged() {
    let kept = Kept::new();
    let journal = kept.open();
    let body = |number: usize| format!("{number} {}", "x".repeat(2000));
    journal.accept((0..200).map(|number| entry("a", &body(number))).collect()).await.unwrap();
    journal.close().await;
    // Two pages in the middle, with bodies.
    let file = kept.settings.folder.join("journal.sqlite3");
    let mut bytes = std::fs::read(&file).unwrap();
    let half = bytes.len() / 2 / 4096 * 4096;
    bytes[half..half + 8192].fill(0xff);
    std::fs::write(&file, bytes).unwrap();
    let journal = kept.open();
    assert_eq!(journal.numbers().set_aside, 0, "it is not met at the start");
    let mut work = Work::start(&journal, WorkLimits { at_once: 1, ..WorkLimits::default() }).await;
    let mut worked = 0;
    while journal.numbers().backlog > 0 {
        while let Some((entry, ticket)) = work.try_next() {
            let text = String::from_utf8(entry.body.to_vec()).unwrap();
            let number = text.split(' ').next().unwrap().parse().unwrap();
            assert_eq!(text, body(number), "only what was accepted is processed");
            worked += 1;
            ticket.finish(done());
        }
        kept.advance(&journal, 1000);
        journal.flush().await.unwrap();
    }
    let numbers = journal.numbers();
    assert!(numbers.set_aside == 1 && numbers.salvage_lost > 0, "{numbers:?}");
    assert!((150..200).contains(&(worked as u64 + numbers.dead)), "{worked}");
    let names: Vec<_> =
        std::fs::read_dir(&kept.settings.folder).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(names.iter().any(|name| name.to_string_lossy().starts_with("journal-damaged-20231114T")), "{names:?}");
    assert_eq!(journal.accept(vec![entry("a", "new")]).await.unwrap().kept, 1, "service goes on");
    journal.close().await;
}

const PAGE: usize = 4096;

fn number(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]))
}

/// Where one leaf page of a table begins. `which` chooses among the leaves.
fn leaf_of(file: &Path, bytes: &[u8], table: &str, which: impl Fn(usize) -> usize) -> usize {
    let connection = rusqlite::Connection::open(file).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let root: usize = connection.query_row(sql, (table,), |row| row.get(0)).unwrap();
    connection.close().unwrap();
    let at = (root - 1) * PAGE;
    assert_eq!(bytes[at], 5, "the root of a table with more than one page");
    let cell = at + number(bytes, at + 12 + 2 * which(number(bytes, at + 3)));
    let leaf = u32::from_be_bytes(bytes[cell..cell + 4].try_into().unwrap()) as usize;
    assert_eq!(bytes[(leaf - 1) * PAGE], 13, "a leaf of a table");
    (leaf - 1) * PAGE
}

/// Overwrites the cells of one leaf page of a table with zeros, and leaves its header and its pointers: each row of it
/// then has the key 0. Returns how many rows it had.
fn zero_a_leaf(file: &Path, table: &str, which: impl Fn(usize) -> usize) -> u64 {
    let mut bytes = std::fs::read(file).unwrap();
    let at = leaf_of(file, &bytes, table, which);
    let cells = number(&bytes, at + 3);
    bytes[at + 8 + 2 * cells..at + PAGE].fill(0);
    std::fs::write(file, bytes).unwrap();
    cells as u64
}

/// Sets or clears one bit of the key of a row in the middle of a table, of which the key then is 32 more or 32 less.
fn spoil_a_key(file: &Path, table: &str, is_raised: bool) {
    const BIT: u8 = 32;
    let mut bytes = std::fs::read(file).unwrap();
    let at = leaf_of(file, &bytes, table, |leaves| leaves / 2);
    // A cell begins with the size of its row and the key, of two bytes here; the last byte of each has no upper bit.
    let key_of = |pointer: usize| {
        let cell = at + number(&bytes, at + 8 + 2 * pointer);
        let last_of = |from: usize| (from..).find(|at| bytes[*at] & 0x80 == 0).unwrap();
        last_of(last_of(cell) + 1)
    };
    let key = (10..number(&bytes, at + 3)).map(key_of).find(|key| (bytes[*key] & BIT == 0) == is_raised).unwrap();
    bytes[key] ^= BIT;
    std::fs::write(file, bytes).unwrap();
}

#[tokio::test]
async fn pages_whose_rows_have_lost_their_keys_do_not_stop_salvaging() {
    const ENTRIES: u64 = 5000;
    for (table, which) in [
        ("entries", (|_| 0) as fn(usize) -> usize),
        ("entries", |leaves| leaves / 2),
        ("entries", |leaves| leaves - 1),
        ("entry_bodies", |leaves| leaves / 2),
        ("records", |leaves| leaves / 2),
    ] {
        let kept = Kept::new();
        let journal = kept.open();
        // A sink that has not received them, or the records would be trimmed.
        journal.set_sinks(vec!["s".to_owned()], None).await.unwrap();
        journal.accept((0..ENTRIES).map(|number| entry("a", &number.to_string())).collect()).await.unwrap();
        journal.keep_records((0..ENTRIES).map(|_| record("mirror", "k", "1")).collect()).await.unwrap();
        journal.close().await;
        let file = kept.settings.folder.join("journal.sqlite3");
        zero_a_leaf(&file, table, which);
        if table != "entries" {
            // Only this table is read as a whole at the start: the others are salvaged along with it.
            zero_a_leaf(&file, "entries", |leaves| leaves / 2);
        }
        let journal = kept.open();
        let numbers = journal.numbers();
        assert_eq!(numbers.set_aside, 1, "{table}");
        let missing = ENTRIES - numbers.backlog;
        assert!((missing..1000).contains(&numbers.salvage_lost) && missing > 0, "{table}: {numbers:?}");
        let records = journal.reader().records(&Default::default(), Page { limit: 10_000, ..Page::default() }).unwrap();
        let (least, most) = (ENTRIES - 600, ENTRIES - 1);
        assert!((least..=most).contains(&numbers.backlog), "{table}: {numbers:?}");
        match table {
            "records" => assert!((least..=most).contains(&(records.len() as u64)), "{}", records.len()),
            _ => assert_eq!(records.len() as u64, ENTRIES),
        }
        assert_eq!(journal.accept(vec![entry("a", "new")]).await.unwrap().kept, 1, "{table}: service goes on");
        journal.close().await;
    }
}

#[tokio::test]
async fn a_row_with_a_wrong_key_costs_only_itself_and_is_processed_by_nobody() {
    const ENTRIES: u64 = 2000;
    for is_raised in [true, false] {
        let kept = Kept::new();
        let journal = kept.open();
        journal.accept((0..ENTRIES).map(|number| entry("a", &number.to_string())).collect()).await.unwrap();
        journal.close().await;
        spoil_a_key(&kept.settings.folder.join("journal.sqlite3"), "entries", is_raised);
        let journal = kept.open();
        let mut work = Work::start(&journal, WorkLimits::default()).await;
        let mut processed = Vec::new();
        while journal.numbers().backlog > 0 {
            let (body, ticket) = work.body().await;
            processed.push(body.parse::<u64>().unwrap());
            ticket.finish(done());
            journal.flush().await.unwrap();
        }
        assert!(processed.is_sorted_by(|one, next| one < next), "in order, none twice: {processed:?}");
        let lost = ENTRIES - processed.len() as u64;
        assert!((1..=2).contains(&lost), "{is_raised}: {lost} lost, {:?}", journal.numbers());
        journal.close().await;
    }
}

#[tokio::test]
async fn records_with_a_wrong_number_stop_no_sink() {
    const RECORDS: usize = 3000;
    let kept = Kept::new();
    let journal = kept.open();
    journal.set_sinks(vec!["s".to_owned()], None).await.unwrap();
    journal.keep_records((0..RECORDS).map(|_| record("mirror", "k", "1")).collect()).await.unwrap();
    journal.close().await;
    spoil_a_key(&kept.settings.folder.join("journal.sqlite3"), "records", true);
    let journal = kept.open();
    let mut reader = journal.reader();
    let (mut cursor, mut read) = (Sequence(0), 0);
    for _ in 0..RECORDS {
        match reader.records_after(cursor, 100, 1 << 20, |_| true) {
            Ok(batch) if batch.records.is_empty() => break,
            Ok(batch) => {
                read += batch.records.len();
                cursor = batch.read_to;
            }
            // The writer sets the file aside.
            Err(_) => journal.flush().await.unwrap(),
        }
    }
    assert!((RECORDS - 2..RECORDS).contains(&read), "{read}");
    assert_eq!(journal.numbers().set_aside, 1);
    journal.close().await;
}

#[tokio::test]
async fn salvaging_that_was_interrupted_is_done_again() {
    let kept = Kept::new();
    let journal = kept.open();
    journal.accept(vec![entry("a", "1")]).await.unwrap();
    journal.close().await;
    // As a power cut leaves it between the two names.
    let folder = &kept.settings.folder;
    std::fs::rename(folder.join("journal.sqlite3"), folder.join("journal-damaged-20200101T000000Z.sqlite3")).unwrap();
    std::fs::write(folder.join("journal-new.sqlite3"), "half").unwrap();
    let journal = kept.open();
    assert_eq!((journal.numbers().backlog, journal.numbers().set_aside), (1, 1));
    journal.close().await;
    assert_eq!(kept.open().numbers().set_aside, 0);
}

#[tokio::test]
async fn a_closed_journal_says_so() {
    let kept = Kept::new();
    let journal = kept.open();
    let other = journal.clone();
    journal.close().await;
    assert_eq!(other.accept(vec![entry("a", "1")]).await, Err(NotKept::Closed));
    assert_eq!(other.flush().await, Err(NotKept::Closed));
    other.close().await;
}

#[tokio::test]
async fn a_file_that_is_removed_while_it_is_used_is_written_again() {
    let kept = Kept::new();
    let journal = kept.open();
    journal.accept(vec![entry("a", "1")]).await.unwrap();
    let file = kept.settings.folder.join("journal.sqlite3");
    std::fs::remove_file(&file).unwrap();
    let mut reader = journal.reader();
    journal.accept(vec![entry("a", "2")]).await.unwrap();
    // It is looked for after each commit.
    journal.accept(vec![entry("a", "3")]).await.unwrap();
    journal.flush().await.unwrap();
    assert_eq!(reader.count_entries(&EntryFilter::default()).unwrap(), 3);
    assert_eq!(journal.numbers().set_aside, 1);
    journal.close().await;
    let journal = kept.open();
    assert_eq!(journal.numbers().backlog, 3);
    journal.close().await;
}

#[tokio::test]
async fn a_folder_that_is_removed_while_it_is_used_is_written_again() {
    let kept = Kept::new();
    let journal = kept.open();
    let folder = &kept.settings.folder;
    for (number, remove) in [(1, false), (2, true)] {
        journal.accept(vec![entry("a", &number.to_string())]).await.unwrap();
        match remove {
            true => std::fs::remove_dir_all(folder).unwrap(),
            false => std::fs::rename(folder, folder.with_extension("moved")).unwrap(),
        }
        journal.flush().await.unwrap();
        journal.accept(vec![entry("b", &number.to_string())]).await.unwrap();
        journal.flush().await.unwrap();
        assert_eq!(journal.reader().count_entries(&EntryFilter::default()).unwrap(), number * 2);
        assert_eq!(journal.numbers().set_aside, number);
        assert!(matches!(open_fails(&kept), OpenError::InUse { .. }), "it is locked as before");
        assert_eq!(mode(folder), 0o700);
    }
    journal.close().await;
    assert_eq!(kept.open().numbers().backlog, 4);
}

#[tokio::test]
async fn while_a_removed_folder_cannot_be_written_again_nothing_is_acknowledged_and_nothing_lost() {
    let kept = Kept::new();
    let journal = kept.open();
    let folder = &kept.settings.folder;
    journal.accept(vec![entry("a", "1")]).await.unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    std::fs::write(folder, "in its way").unwrap();
    journal.flush().await.unwrap();
    // The flush returns before the folder is checked.
    journal.flush().await.unwrap();
    for _ in 0..2 {
        let error = journal.accept(vec![entry("a", "2")]).await.unwrap_err();
        assert!(matches!(&error, NotKept::Failed(why) if why.contains("removed or renamed")), "{error}");
    }
    std::fs::remove_file(folder).unwrap();
    for _ in 0..2 {
        journal.flush().await.unwrap();
    }
    journal.accept(vec![entry("a", "3")]).await.unwrap();
    journal.close().await;
    assert_eq!(kept.open().numbers().backlog, 2);
}

#[tokio::test]
async fn a_cursor_that_is_saved_once_outlives_a_failed_commit() {
    let kept = Kept::new();
    let journal = kept.open();
    let folder = &kept.settings.folder;
    journal.set_sinks(vec!["s".to_owned()], None).await.unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    std::fs::write(folder, "in its way").unwrap();
    for _ in 0..2 {
        journal.flush().await.unwrap();
    }
    journal.save_cursor(SinkCursor { sink: "s".to_owned(), delivered_to: Sequence(0), state: "off".to_owned() });
    journal.accept(vec![entry("a", "1")]).await.unwrap_err();
    std::fs::remove_file(folder).unwrap();
    for _ in 0..2 {
        let _ = journal.flush().await;
    }
    let cursors = journal.set_sinks(vec!["s".to_owned()], None).await.unwrap();
    assert_eq!(cursors[0].state, "off");
    journal.close().await;
}

#[tokio::test]
async fn a_lock_that_is_removed_is_made_again() {
    let kept = Kept::new();
    let journal = kept.open();
    std::fs::remove_file(kept.settings.folder.join("journal.lock")).unwrap();
    for _ in 0..2 {
        journal.flush().await.unwrap();
    }
    assert!(matches!(open_fails(&kept), OpenError::InUse { .. }));
    assert_eq!(journal.numbers().set_aside, 0);
    journal.close().await;
    kept.open().close().await;
}
