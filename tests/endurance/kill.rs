//! `kill -9` at random moments under load: everything that was acknowledged is processed once, in order per key, and
//! nothing is invented.
//!
//! The child is this test program again, running `the_child`. It prints a line for each acknowledged entry; what it had
//! in its pipe when it was killed counts.

mod host;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use callgate_journal::{
    BackOff, Clock, Entry, Journal, JournalSettings, NewAttempt, NewEntry, Outcome, Page, RecordFilter, Ticket,
    WorkLimits, Worker,
};

use harness::kept::{entry, record};

use crate::random::Random;

const KEYS: u64 = 24;
const FOLDER: &str = "CALLGATE_ENDURANCE_FOLDER";
const RUN: &str = "CALLGATE_ENDURANCE_RUN";

#[test]
fn what_was_acknowledged_survives_a_few_kills() {
    survives(8);
}

#[test]
#[ignore = "a minute: 300 kills"]
fn kill_300_times() {
    survives(300);
}

/// What one child was told to keep, and said it kept: the last number of each key.
#[derive(Default)]
struct Told {
    acknowledged: BTreeSet<(String, u64)>,
}

fn survives(kills: u64) {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(kills);
    let mut told = Told::default();
    for run in 0..kills {
        kill_one(folder.path(), run, Duration::from_micros(random.below(120_000)), &mut told);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (records, left) = runtime.block_on(finish(folder.path()));
    check(&told, &records);
    println!(
        "kill: {kills} kills; {} acknowledged, {} done, of these {left} after the last kill; none lost, none twice, none \
         invented, in order per key",
        told.acknowledged.len(),
        records.len()
    );
}

fn kill_one(folder: &Path, run: u64, after: Duration, told: &mut Told) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::the_child", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .env(RUN, run.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // From its first word on.
    lines.by_ref().map(Result::unwrap).find(|line| line.ends_with("ready")).expect("the child begins");
    let until = Instant::now() + after;
    // A line that was cut off has no end; its number could be another one.
    let mut take = |line: &str| {
        if let Some(line) = line.strip_prefix("kept ").and_then(|line| line.strip_suffix(" .")) {
            let (key, number) = line.split_once(' ').unwrap();
            told.acknowledged.insert((key.to_owned(), number.parse().unwrap()));
        }
    };
    for line in lines.by_ref() {
        take(&line.unwrap());
        if Instant::now() >= until {
            break;
        }
    }
    child.kill().unwrap();
    lines.for_each(|line| take(&line.unwrap()));
    child.wait().unwrap();
}

/// Processes the remaining entries. Returns the contents of all records, in order, and how many are new.
async fn finish(folder: &Path) -> (Vec<(String, u64)>, u64) {
    let journal = Journal::open(&settings(folder), Clock::system()).unwrap();
    let before = journal.numbers().last_sequence;
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    journal.start_working(Arc::new(Recorder { failing: false, told: Some(sender) }), limits()).await.unwrap();
    let backlog = journal.numbers().backlog;
    for _ in 0..backlog {
        receiver.recv().await.unwrap();
    }
    journal.flush().await.unwrap();
    assert_eq!((journal.numbers().backlog, journal.numbers().dead), (0, 0));
    let mut reader = journal.reader();
    let (mut records, mut after) = (Vec::new(), None);
    loop {
        let page = Page { after, limit: 10_000, newest_first: false };
        let some = reader.records(&RecordFilter::default(), page).unwrap();
        let Some(last) = some.last() else { break };
        after = Some(last.sequence.0);
        records.extend(some.into_iter().map(|record| (record.record.key, record.record.data.parse().unwrap())));
    }
    let left = journal.numbers().last_sequence - before;
    journal.close().await;
    (records, left as u64)
}

fn check(told: &Told, records: &[(String, u64)]) {
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    for (key, number) in records {
        let before = last.insert(key, *number);
        assert!(before.is_none_or(|before| before < *number), "{key}: {number} after {before:?}");
    }
    let recorded: BTreeSet<_> = records.iter().cloned().collect();
    assert_eq!(recorded.len(), records.len(), "twice");
    let lost: Vec<_> = told.acknowledged.difference(&recorded).take(5).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    // Each key is sent one at a time, so at most one entry per key and child was kept without being acknowledged.
    let runs: BTreeSet<_> = records.iter().map(|(key, number)| (key, number / PER_RUN)).collect();
    let unacknowledged = recorded.difference(&told.acknowledged).count();
    assert!(unacknowledged <= runs.len(), "{unacknowledged} were invented");
}

/// Numbers of one child; the next one goes on behind them.
const PER_RUN: u64 = 1_000_000;

fn settings(folder: &Path) -> JournalSettings {
    JournalSettings {
        records_age: Duration::from_secs(86_400),
        checkpoint_bytes: 256 << 10,
        ..JournalSettings::new(folder.join("journal"))
    }
}

fn limits() -> WorkLimits {
    WorkLimits {
        attempts_max: 1000,
        back_off: BackOff { first: Duration::from_millis(1), longest: Duration::from_millis(5) },
        ..WorkLimits::default()
    }
}

#[test]
#[ignore = "what the other tests start"]
fn the_child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let run: u64 = std::env::var(RUN).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let journal = Journal::open(&settings(Path::new(&folder)), Clock::system()).unwrap();
        journal.start_working(Arc::new(Recorder { failing: true, told: None }), limits()).await.unwrap();
        println!("ready");
        let tasks: Vec<_> = (0..KEYS).map(|key| tokio::spawn(send(journal.clone(), key, run * PER_RUN))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

/// Sends entries of one key until this process is killed.
async fn send(journal: Journal, key: u64, first: u64) {
    for number in first.. {
        let entry =
            NewEntry { duplicate_key: Some(format!("{key}-{number}")), ..entry(format!("k{key}"), number.to_string()) };
        journal.accept(vec![entry]).await.unwrap();
        // One write, so that lines are whole or cut off at the end.
        let line = format!("kept k{key} {number} .\n");
        std::io::stdout().write_all(line.as_bytes()).unwrap();
    }
}

/// Makes a record of each entry's body. While `failing`, one in eight attempts fails.
struct Recorder {
    failing: bool,
    told: Option<tokio::sync::mpsc::UnboundedSender<()>>,
}

impl Worker for Recorder {
    fn work(&self, entry: Entry, ticket: Ticket) {
        let (failing, told) = (self.failing, self.told.clone());
        let data = String::from_utf8(entry.body.to_vec()).unwrap();
        if failing && Random(entry.id.0 as u64 + u64::from(entry.attempts)).below(8) == 0 {
            return ticket
                .finish(Outcome::Failed { attempt: NewAttempt { fault: "trap".to_owned(), ..NewAttempt::default() } });
        }
        ticket.finish(Outcome::Done { records: vec![record(entry.key, data)] });
        if let Some(told) = told {
            let _ = told.send(());
        }
    }
}
