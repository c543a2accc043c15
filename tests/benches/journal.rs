//! What it costs to keep things on disk: `cargo bench --bench journal`. It takes about a minute and writes about 2 GB
//! below the current folder. `-- decisions` measures only those.
//!
//! Cores are kept awake by threads of the lowest priority, as they are in a host under load: an idle core has to wake
//! up for each sync, which takes longer than the sync itself. Their CPU time is not counted.

mod common;

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use callgate_journal::record::SinkCursor;
use callgate_journal::{
    Clock, Entry, Journal, JournalSettings, NewDecision, NewEntry, NewRecord, Numbers, Outcome, Sequence, Ticket,
    WorkLimits, Worker,
};
use rustix::thread::ClockId;

const CONNECTIONS: usize = 32;
const MEASURED: Duration = Duration::from_secs(4);

fn main() {
    if !common::is_wanted() {
        return;
    }
    common::print_machine();
    let folder = tempfile::tempdir_in(".").expect("a folder here");
    let awake = Awake::new();
    println!("cores are kept awake by threads of the lowest priority; {CONNECTIONS} connections\n");
    if !std::env::args().any(|argument| argument == "decisions") {
        bare(folder.path());
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        if std::env::args().any(|argument| argument == "decisions") {
            return decisions(&folder.path().join("decisions"), &awake).await;
        }
        let empty = acknowledge(&folder.path().join("acks"), &awake).await;
        life(&folder.path().join("life"), &awake).await;
        decisions(&folder.path().join("decisions"), &awake).await;
        backlog(&folder.path().join("backlog"), &awake, empty).await;
    });
    bare(folder.path());
}

/// Threads that keep all cores awake.
struct Awake {
    stop: Arc<AtomicBool>,
    cpu_ns: Arc<AtomicU64>,
}

impl Awake {
    fn new() -> Self {
        let (stop, cpu_ns) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            let (stop, cpu_ns) = (Arc::clone(&stop), Arc::clone(&cpu_ns));
            std::thread::spawn(move || {
                rustix::process::setpriority_process(Some(rustix::thread::gettid()), 19).expect("a low priority");
                let mut before = cpu(ClockId::ThreadCPUTime);
                while !stop.load(Ordering::Relaxed) {
                    (0..2000).for_each(|_| std::hint::spin_loop());
                    let now = cpu(ClockId::ThreadCPUTime);
                    cpu_ns.fetch_add((now - before).as_nanos() as u64, Ordering::Relaxed);
                    before = now;
                }
            });
        }
        Self { stop, cpu_ns }
    }

    /// CPU time of everything else in this process.
    fn others(&self) -> Duration {
        cpu(ClockId::ProcessCPUTime).saturating_sub(Duration::from_nanos(self.cpu_ns.load(Ordering::Relaxed)))
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn cpu(clock: ClockId) -> Duration {
    let time = rustix::time::clock_gettime(clock);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What the disk can do: a write of one page and fdatasync, again and again.
fn bare(folder: &Path) {
    let path = folder.join("bare");
    let mut file = File::create(&path).expect("a file");
    file.write_all(&vec![0; 8 << 20]).expect("it is written");
    file.sync_all().expect("it is synced");
    let (began, mut count) = (Instant::now(), 0_u64);
    while began.elapsed() < Duration::from_secs(2) {
        file.write_all_at(&[1; 4096], count % 2048 * 4096).expect("it is written");
        file.sync_data().expect("it is synced");
        count += 1;
    }
    let each = began.elapsed() / u32::try_from(count).expect("few");
    println!("bare write of 4 KiB + fdatasync: {count} in 2 s, {each:.0?} each\n");
    std::fs::remove_file(path).expect("it is removed");
}

fn settings(folder: &Path) -> JournalSettings {
    JournalSettings { bytes_max: 16 << 30, ..JournalSettings::new(folder) }
}

fn entry(key: usize, number: u64) -> NewEntry {
    NewEntry {
        platform: Arc::from("openim"),
        command: Arc::from("callbackAfterSendSingleMsgCommand"),
        key: format!("si_1000{key}_2000{key}"),
        duplicate_key: Some(format!("{key}-{number:032}")),
        head: "callbackAfterSendSingleMsgCommand\noperation-0123456789".to_owned(),
        body: vec![b'x'; 400].into(),
        received_unix_ms: 1_700_000_000_000,
    }
}

/// Entries accepted one at a time on each connection. Returns the latencies, sorted, and what the journal counted.
async fn load(journal: &Journal, first: u64, measured: Duration) -> (Vec<Duration>, Numbers, Numbers) {
    let before = journal.numbers();
    let until = Instant::now() + measured;
    let tasks: Vec<_> = (0..CONNECTIONS)
        .map(|key| {
            let journal = journal.clone();
            tokio::spawn(async move {
                let mut took = Vec::new();
                let mut number = first;
                while Instant::now() < until {
                    let began = Instant::now();
                    journal.accept(vec![entry(key, number)]).await.expect("it is kept");
                    took.push(began.elapsed());
                    number += 1;
                }
                took
            })
        })
        .collect();
    let mut took = Vec::new();
    for task in tasks {
        took.extend(task.await.expect("no panic"));
    }
    took.sort();
    (took, before, journal.numbers())
}

fn print_load(what: &str, cpu: Duration, (took, before, after): &(Vec<Duration>, Numbers, Numbers)) -> f64 {
    let rate = took.len() as f64 / MEASURED.as_secs_f64();
    let at = |share: f64| took[(took.len() as f64 * share) as usize];
    let commits = after.commits - before.commits;
    let each = (after.commit_time - before.commit_time) / commits.max(1) as u32;
    println!(
        "{what}: {rate:.0}/s, p50 {:.1?}, p99 {:.1?}, max {:.1?}; {commits} commits of {each:.0?}, {:.1} acknowledgements \
         per sync; {} checkpoints; {:.1} us CPU each",
        at(0.5),
        at(0.99),
        took[took.len() - 1],
        took.len() as f64 / commits as f64,
        after.checkpoints - before.checkpoints,
        cpu.as_secs_f64() * 1e6 / took.len() as f64,
    );
    rate
}

async fn acknowledge(folder: &Path, awake: &Awake) -> f64 {
    let journal = Journal::open(&settings(folder), Clock::system()).expect("it opens");
    load(&journal, 0, Duration::from_secs(1)).await;
    let began = awake.others();
    let result = load(&journal, 1_000_000, MEASURED).await;
    let rate = print_load("accept", awake.others() - began, &result);
    journal.close().await;
    rate
}

/// A worker that takes no time: it returns one record.
struct Quick(tokio::runtime::Handle);

impl Worker for Quick {
    fn work(&self, entry: Entry, ticket: Ticket) {
        self.0.spawn(async move {
            let record = NewRecord {
                topic: "messages".to_owned(),
                key: entry.key,
                platform: entry.platform,
                command: entry.command,
                plugin: Arc::from("mirror"),
                sha256: Arc::from("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                at_unix_ms: entry.received_unix_ms,
                traceparent: None,
                data: String::from_utf8(vec![b'y'; 300]).expect("text"),
            };
            ticket.finish(Outcome::Done { records: vec![record] });
        });
    }
}

/// The whole life of entries: accepted, processed, their records read by a sink that saves its cursor, and removed.
async fn life(folder: &Path, awake: &Awake) {
    let settings = JournalSettings { records_age: Duration::ZERO, ..settings(folder) };
    let journal = Journal::open(&settings, Clock::system()).expect("it opens");
    journal.set_sinks(vec!["file".to_owned()], None).await.expect("a sink");
    let worker = Arc::new(Quick(tokio::runtime::Handle::current()));
    journal.start_working(worker, WorkLimits::default()).await.expect("it works");
    let stop = Arc::new(AtomicBool::new(false));
    let sink = {
        let (journal, stop) = (journal.clone(), Arc::clone(&stop));
        std::thread::spawn(move || {
            let (mut reader, mut cursor, mut read) = (journal.reader(), Sequence(0), 0);
            while !stop.load(Ordering::Relaxed) {
                let batch = reader.records_after(cursor, 512, 1 << 20, |_| true).expect("it is read");
                if batch.read_to == cursor {
                    std::thread::sleep(Duration::from_millis(2));
                    continue;
                }
                read += batch.records.len();
                cursor = batch.read_to;
                let (sink, state) = ("file".to_owned(), String::new());
                journal.save_cursor(SinkCursor { sink, delivered_to: cursor, state });
            }
            read
        })
    };
    load(&journal, 0, Duration::from_secs(1)).await;
    let began = awake.others();
    let result = load(&journal, 1_000_000, MEASURED).await;
    let cpu = awake.others() - began;
    print_load("whole life (accept, work, record, read, remove)", cpu, &result);
    println!("    {} done, backlog {}", result.2.done - result.1.done, result.2.backlog);
    stop.store(true, Ordering::Relaxed);
    println!("    {} records read", sink.join().expect("no panic"));
    journal.close().await;
}

async fn decisions(folder: &Path, awake: &Awake) {
    let journal = Journal::open(&settings(folder), Clock::system()).expect("it opens");
    let body = bytes::Bytes::from(vec![b'x'; 300]);
    let (platform, command): (Arc<str>, Arc<str>) =
        (Arc::from("openim"), Arc::from("callbackBeforeSendSingleMsgCommand"));
    let (allow, plugin): (Arc<str>, Arc<str>) = (Arc::from("allow"), Arc::from("filter"));
    let (mut count, began, start) = (0_u64, awake.others(), Instant::now());
    // 10 000 a second, in bursts of ten.
    while start.elapsed() < MEASURED {
        for _ in 0..10 {
            journal.offer_decision(NewDecision {
                at_unix_ms: 1_700_000_000_000,
                platform: Arc::clone(&platform),
                command: Arc::clone(&command),
                key: "si_1000_2000".to_owned(),
                actor: "1000".to_owned(),
                target: "2000".to_owned(),
                verdict: Arc::clone(&allow),
                decided_by: Arc::clone(&plugin),
                plugins: vec![Arc::clone(&plugin)],
                operation_id: format!("operation-{count:020}"),
                document: String::from_utf8(vec![b'd'; 500]).expect("text"),
                body: Some(body.clone()),
                ..NewDecision::default()
            });
            count += 1;
        }
        let next = start + Duration::from_micros(count * 100);
        tokio::time::sleep(next.saturating_duration_since(Instant::now())).await;
    }
    journal.flush().await.expect("on disk");
    let (cpu, numbers) = (awake.others() - began, journal.numbers());
    println!(
        "decisions with payloads: {} kept, {} dropped, {} commits; {:.1} us CPU each\n",
        numbers.decisions,
        numbers.decisions_dropped,
        numbers.commits,
        cpu.as_secs_f64() * 1e6 / count as f64
    );
    journal.close().await;
}

async fn backlog(folder: &Path, awake: &Awake, empty: f64) {
    const ENTRIES: u64 = 1_000_000;
    let journal = Journal::open(&settings(folder), Clock::system()).expect("it opens");
    let began = Instant::now();
    for number in 0..ENTRIES / 500 {
        let entries = (0..500).map(|place| entry((number * 500 + place) as usize, 0)).collect();
        journal.accept(entries).await.expect("it is kept");
    }
    println!(
        "1 million entries of as many keys: filled in {:.1?}, {} MiB",
        began.elapsed(),
        journal.numbers().bytes >> 20
    );
    let cpu = awake.others();
    let result = load(&journal, 5_000_000, MEASURED).await;
    let rate = print_load("accept with that backlog", awake.others() - cpu, &result);
    println!("    {:.0} % of the rate without", rate / empty * 100.0);
    journal.close().await;
    drop(journal);
    let before = resident();
    let began = Instant::now();
    let journal = Journal::open(&settings(folder), Clock::system()).expect("it opens");
    let opened = began.elapsed();
    let worker = Arc::new(Idle::default());
    journal.start_working(Arc::clone(&worker) as Arc<dyn Worker>, WorkLimits::default()).await.expect("it works");
    while worker.0.lock().expect("no panic").is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    println!(
        "    opened in {opened:.0?}, first entry at work after {:.0?}; {} MiB before, {} MiB more with it",
        began.elapsed(),
        before >> 20,
        resident().saturating_sub(before) >> 20
    );
    journal.close().await;
}

/// A worker that never ends.
#[derive(Default)]
struct Idle(std::sync::Mutex<Vec<(Entry, Ticket)>>);

impl Worker for Idle {
    fn work(&self, entry: Entry, ticket: Ticket) {
        self.0.lock().expect("no panic").push((entry, ticket));
    }
}

/// Bytes of this process in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") * 1024
}
