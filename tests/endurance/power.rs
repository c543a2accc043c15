//! Power cuts, which `kill -9` does not show: what was written and not synced is forgotten, or torn in the middle of a
//! page. Nothing that was acknowledged is missing, nothing is there twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use callgate_journal::{
    Clock, Entry, EntryFilter, Journal, JournalSettings, Outcome, Page, RecordFilter, Ticket, WorkLimits, Worker,
};

use harness::kept::{entry, record};

use crate::random::Random;
use crate::vfs::{NAME, Torn};

#[test]
fn what_was_acknowledged_survives_a_few_power_cuts() {
    survives(25);
}

#[test]
#[ignore = "minutes: 1000 cuts"]
fn power_1000_cuts() {
    survives(1000);
}

/// Cuts until a journal is replaced by an empty one, so that it stays small.
const CUTS_OF_ONE: u64 = 20;

#[derive(Default)]
struct Sums {
    acknowledged: usize,
    done: usize,
    unacknowledged: usize,
    damaged: u64,
}

fn survives(cuts: u64) {
    let torn = Torn::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut random = Random(cuts);
    let mut sums = Sums::default();
    let mut folder = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for cut in 0..cuts {
        if cut % CUTS_OF_ONE == 0 {
            folder = tempfile::tempdir().unwrap();
            acknowledged.clear();
        }
        torn.cut_after(1 + random.below(600), random.next());
        let before = acknowledged.len();
        runtime.block_on(until_the_cut(folder.path(), cut, &torn, &mut acknowledged));
        torn.come_back(random.next());
        sums.acknowledged += acknowledged.len() - before;
        runtime.block_on(check(folder.path(), &acknowledged, &mut sums));
    }
    println!(
        "power: {cuts} cuts; {} acknowledged, none missing; {} done at the end of their journals, {} kept without having \
         been acknowledged; {} files set aside",
        sums.acknowledged, sums.done, sums.unacknowledged, sums.damaged
    );
    assert_eq!(sums.damaged, 0, "a power cut damages no file");
}

fn settings(folder: &Path) -> JournalSettings {
    JournalSettings {
        checkpoint_bytes: 64 << 10,
        vfs: Some(NAME.to_owned()),
        ..JournalSettings::new(folder.join("journal"))
    }
}

/// Sends entries and works some of them off until the power is cut, and closes what is left of the journal.
async fn until_the_cut(folder: &Path, cut: u64, torn: &Torn, acknowledged: &mut BTreeSet<String>) {
    // The power may be cut while the file is opened.
    let Ok(journal) = Journal::open(&settings(folder), Clock::system()) else {
        assert!(torn.is_cut());
        return;
    };
    let _ = journal.start_working(Arc::new(Recorder), WorkLimits::default()).await;
    let kept = Arc::new(Mutex::new(Vec::new()));
    let tasks: Vec<_> = (0..8)
        .map(|key| {
            let (journal, kept) = (journal.clone(), Arc::clone(&kept));
            tokio::spawn(async move {
                for number in 0.. {
                    let name = format!("{key}-{cut}-{number:04}");
                    let body = format!("{name} {}", "x".repeat(number * 37 % 3000));
                    if journal.accept(vec![entry(format!("k{key}-{}", number % 40), body)]).await.is_err() {
                        break;
                    }
                    kept.lock().unwrap().push(name);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    acknowledged.extend(kept.lock().unwrap().drain(..));
    journal.close().await;
}

/// Everything acknowledged either waits or is done, and has its record; nothing is there twice.
async fn check(folder: &Path, acknowledged: &BTreeSet<String>, sums: &mut Sums) {
    let journal = Journal::open(&settings(folder), Clock::system()).unwrap();
    sums.damaged += journal.numbers().set_aside;
    let mut reader = journal.reader();
    let page = Page { after: None, limit: 10_000, newest_first: false };
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    let waiting = reader.entries(&EntryFilter::default(), page).unwrap();
    for summary in &waiting {
        let body = reader.entry(summary.id).unwrap().body;
        let body = std::str::from_utf8(&body).unwrap();
        *found.entry(body.split(' ').next().unwrap().to_owned()).or_default() += 1;
    }
    let records = reader.records(&RecordFilter::default(), page).unwrap();
    assert!(waiting.len() < 10_000 && records.len() < 10_000, "one page shows all");
    for record in &records {
        *found.entry(record.record.data.clone()).or_default() += 1;
    }
    let missing: Vec<_> = acknowledged.iter().filter(|name| !found.contains_key(*name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(found.values().all(|count| *count == 1), "{found:?}");
    sums.unacknowledged = sums.unacknowledged.max(found.len() - acknowledged.len());
    sums.done = sums.done.max(records.len());
    journal.close().await;
}

/// Makes a record of every entry but each third, which stays at work.
struct Recorder;

impl Worker for Recorder {
    fn work(&self, entry: Entry, ticket: Ticket) {
        if entry.id.0 % 3 == 0 {
            return ticket.finish(Outcome::NotTried);
        }
        let body = String::from_utf8(entry.body.to_vec()).unwrap();
        let name = body.split(' ').next().unwrap();
        ticket.finish(Outcome::Done { records: vec![record(entry.key, name)] });
    }
}
