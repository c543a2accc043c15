//! Disks that are full, cannot be written, or have changed what was written: a clear message, the policy, nothing
//! acknowledged that was not kept, no crash loop, and what was salvaged is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callgate_journal::{
    Clock, Entry, EntryFilter, EntryState, Journal, JournalSettings, NewDecision, NewEntry, NotKept, OpenError,
    Outcome, Page, Ticket, WhenFull, WorkLimits, Worker,
};
use harness::kept;
use tokio::sync::mpsc;

use crate::random::Random;
use crate::vfs::{NAME, Torn};

#[test]
fn damage_in_a_few_files_is_salvaged() {
    damage(20);
}

#[test]
#[ignore = "a minute: 500 damaged files"]
fn disk_500_damaged_files() {
    damage(500);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn entry(number: u64) -> NewEntry {
    NewEntry { duplicate_key: Some(number.to_string()), ..kept::entry(format!("k{}", number % 7), body(number)) }
}

fn body(number: u64) -> String {
    format!("{number} {}", "x".repeat((number * 37 % 900) as usize))
}

fn number_of(entry: &Entry) -> u64 {
    let text = std::str::from_utf8(&entry.body).unwrap();
    let number = text.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(text, body(number), "only what was accepted is processed");
    number
}

const ENTRIES: u64 = 400;

/// A journal as a crash leaves it: some of it in the database file, some in the log.
async fn template(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let settings = JournalSettings { checkpoint_bytes: 0, ..JournalSettings::new(folder.join("template")) };
    let journal = Journal::open(&settings, Clock::system()).unwrap();
    for first in (0..ENTRIES / 2).step_by(50) {
        journal.accept((first..first + 50).map(entry).collect()).await.unwrap();
        let decision = NewDecision { document: body(first), ..NewDecision::default() };
        journal.offer_decision(decision);
    }
    journal.close().await;
    let settings = JournalSettings { checkpoint_bytes: 64 << 20, ..settings };
    let journal = Journal::open(&settings, Clock::system()).unwrap();
    for first in (ENTRIES / 2..ENTRIES).step_by(50) {
        journal.accept((first..first + 50).map(entry).collect()).await.unwrap();
    }
    journal.flush().await.unwrap();
    let names = ["journal.sqlite3", "journal.sqlite3-wal"];
    let files = names.map(|name| (name.to_owned(), std::fs::read(settings.folder.join(name)).unwrap())).into();
    journal.close().await;
    files
}

#[derive(Debug, Default)]
struct Sums {
    set_aside: u64,
    salvaged: u64,
    lost: u64,
    dead: u64,
    worked_off: usize,
    gone: u64,
    of_log: u64,
}

fn damage(times: u64) {
    let folder = tempfile::tempdir().unwrap();
    let runtime = runtime();
    let files = runtime.block_on(template(folder.path()));
    let mut random = Random(times);
    let mut sums = Sums::default();
    for time in 0..times {
        let name = if random.below(4) == 0 { "journal.sqlite3-wal" } else { "journal.sqlite3" };
        let its_folder = folder.path().join(time.to_string());
        std::fs::create_dir(&its_folder).unwrap();
        let mut was_cut = false;
        for (other, bytes) in &files {
            let mut bytes = bytes.clone();
            if other == name {
                let len = bytes.len();
                spoil(&mut bytes, &mut random);
                was_cut = bytes.len() < len;
            }
            std::fs::write(its_folder.join(other), bytes).unwrap();
        }
        runtime.block_on(recovers(&its_folder, name, was_cut, &mut sums));
        std::fs::remove_dir_all(its_folder).unwrap();
    }
    println!("disk: {times} damaged files, {} entries each: {sums:?}", ENTRIES);
}

/// Flips some bits, overwrites a few bytes, or cuts the end off.
fn spoil(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len() as u64) as usize;
    match random.below(4) {
        0 => bytes.truncate(at),
        1 => bytes[at] ^= 1 << random.below(8),
        2 => {
            let end = bytes.len().min(at + 512);
            bytes[at..end].iter_mut().for_each(|byte| *byte = random.next() as u8);
        }
        // The beginning, which everything depends on.
        _ => bytes[at % 200] ^= 1 << random.below(8),
    }
}

/// The journal opens, processes what can be read, and takes new entries; the next start is an ordinary one.
async fn recovers(folder: &Path, name: &str, was_cut: bool, sums: &mut Sums) {
    let settings = JournalSettings::new(folder);
    let journal = Journal::open(&settings, Clock::system()).expect("it opens whatever is damaged");
    let (sender, mut receiver) = mpsc::unbounded_channel();
    journal.start_working(Arc::new(Teller(sender)), WorkLimits::default()).await.unwrap();
    let mut done = BTreeSet::new();
    // Also finds what is damaged where nothing was read yet.
    for number in ENTRIES..ENTRIES + 50 {
        assert_eq!(journal.accept(vec![entry(number)]).await.unwrap().kept, 1, "new entries are taken");
    }
    let began = Instant::now();
    loop {
        journal.flush().await.unwrap();
        while let Ok(number) = receiver.try_recv() {
            assert!(done.insert(number), "{number} was processed twice");
        }
        if journal.numbers().backlog == 0 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it never ends: {:?}", journal.numbers());
        journal.tick();
    }
    assert!((ENTRIES..ENTRIES + 50).all(|number| done.contains(&number)), "and processed");
    let numbers = journal.numbers();
    let dead = EntryFilter { state: Some(EntryState::Dead), ..EntryFilter::default() };
    assert_eq!(journal.reader().count_entries(&dead).unwrap(), numbers.dead);
    journal.reader().decisions(&Default::default(), Page::default()).unwrap();
    journal.close().await;
    let gone = ENTRIES + 50 - done.len() as u64 - numbers.dead;
    let is_log = name.ends_with("-wal");
    sums.of_log += if is_log { gone } else { 0 };
    if gone > 0 {
        let is_said = numbers.salvage_lost > 0 && (is_log || numbers.set_aside > 0);
        // A log that was cut off, or whose last commit is damaged, looks like one that ended before.
        let cannot_be_told = is_log && (was_cut || gone <= 50);
        assert!(is_said || cannot_be_told, "{gone} entries are gone and nobody says so");
    }
    sums.set_aside += numbers.set_aside;
    sums.salvaged += numbers.salvaged;
    sums.lost += numbers.salvage_lost;
    sums.dead += numbers.dead;
    sums.gone += gone;
    sums.worked_off += done.len();
    let journal = Journal::open(&settings, Clock::system()).expect("it opens again");
    assert_eq!((journal.numbers().set_aside, journal.numbers().backlog), (0, 0), "once is enough");
    journal.close().await;
}

/// Tells the numbers of entries, which are done at once.
struct Teller(mpsc::UnboundedSender<u64>);

impl Worker for Teller {
    fn work(&self, entry: Entry, ticket: Ticket) {
        let _ = self.0.send(number_of(&entry));
        ticket.finish(Outcome::Done { records: Vec::new() });
    }
}

/// The disk is one of memory that has no more room; real ones, of the system, need the right to mount.
#[test]
fn on_a_full_disk_entries_are_refused_until_there_is_room() {
    let torn = Torn::new();
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let settings = JournalSettings {
            vfs: Some(NAME.to_owned()),
            checkpoint_bytes: 256 << 10,
            ..JournalSettings::new(folder.path().join("journal"))
        };
        let journal = Journal::open(&settings, Clock::system()).unwrap();
        torn.hold(Some(2 << 20));
        let mut kept = 0;
        let refused = loop {
            match journal.accept(vec![entry(kept)]).await {
                Ok(accepted) => kept += accepted.kept as u64,
                Err(error) => break error,
            }
        };
        assert_eq!(refused, NotKept::Full("the disk is full"));
        assert!(journal.numbers().commits_failed > 0 && kept > 100, "{kept}");
        assert!(journal.numbers().is_full);
        torn.hold(None);
        assert_eq!(journal.accept(vec![entry(kept)]).await.unwrap().kept, 1, "there is room again");
        assert!(!journal.numbers().is_full);
        journal.close().await;
        let journal = Journal::open(&settings, Clock::system()).unwrap();
        let backlog = journal.numbers().backlog;
        assert_eq!(backlog, kept + 1, "what was acknowledged, and no more");
        journal.close().await;
        println!("disk: full after {kept} entries (a VFS with 2 MiB); refused, then taken again");
    });
}

#[test]
fn on_a_full_disk_entries_may_be_acknowledged_and_counted() {
    let torn = Torn::new();
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let settings = JournalSettings {
            vfs: Some(NAME.to_owned()),
            when_full: WhenFull::AcknowledgeAndCount,
            ..JournalSettings::new(folder.path().join("journal"))
        };
        let journal = Journal::open(&settings, Clock::system()).unwrap();
        torn.hold(Some(0));
        let accepted = journal.accept(vec![entry(1), entry(2)]).await.unwrap();
        assert_eq!((accepted.kept, accepted.not_kept), (0, 2));
        assert_eq!(journal.numbers().acknowledged_and_lost, 2);
        torn.hold(None);
        journal.close().await;
    });
}

#[test]
fn a_folder_that_cannot_be_written_says_so() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Journal::open(&JournalSettings::new(file.join("journal")), Clock::system()).unwrap_err();
    assert!(matches!(error, OpenError::Folder { .. }), "{error:?}");
    if rustix::process::geteuid().is_root() {
        println!("SKIPPED: a read-only folder stops everybody but root");
        return;
    }
    let closed = folder.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o500)).unwrap();
    let error = Journal::open(&JournalSettings::new(&closed), Clock::system()).unwrap_err();
    assert!(matches!(error, OpenError::ReadOnly { .. }), "{error:?}");
}

#[test]
fn writes_and_syncs_that_fail_now_and_then_lose_nothing() {
    let torn = Torn::new();
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let settings = JournalSettings {
            vfs: Some(NAME.to_owned()),
            checkpoint_bytes: 32 << 10,
            ..JournalSettings::new(folder.path().join("journal"))
        };
        let journal = Journal::open(&settings, Clock::system()).unwrap();
        let (sender, mut receiver) = mpsc::unbounded_channel();
        journal.start_working(Arc::new(Teller(sender)), WorkLimits::default()).await.unwrap();
        torn.fail_one_in(Some(60), 7);
        let mut acknowledged = BTreeSet::new();
        for number in 0..1000 {
            if journal.accept(vec![entry(number)]).await.is_ok() {
                acknowledged.insert(number);
            }
        }
        torn.fail_one_in(None, 0);
        let failed = journal.numbers().commits_failed;
        let mut done = BTreeMap::new();
        while journal.numbers().backlog > 0 {
            journal.flush().await.unwrap();
        }
        while let Ok(number) = receiver.try_recv() {
            *done.entry(number).or_insert(0) += 1;
        }
        let lost: Vec<_> = acknowledged.iter().filter(|number| !done.contains_key(number)).collect();
        assert!(lost.is_empty(), "{lost:?}");
        assert!(done.values().all(|count| *count == 1), "{done:?}");
        assert!(failed > 10 && acknowledged.len() > 500, "{failed} failed, {} acknowledged", acknowledged.len());
        println!(
            "disk: one write or sync in 60 fails: {failed} commits failed, {} of 1000 acknowledged, {} processed once each",
            acknowledged.len(),
            done.len()
        );
        journal.close().await;
        let journal = Journal::open(&settings, Clock::system()).unwrap();
        assert_eq!((journal.numbers().backlog, journal.numbers().set_aside), (0, 0));
        journal.close().await;
    });
}
