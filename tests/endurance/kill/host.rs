//! The same with a whole host: what was acknowledged reaches each of its sinks.
//!
//! The host runs in its own process, with a plugin that records each callback, a journal, a file sink and an HTTP sink.
//! The receiver runs in this process.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::mpsc::{self, Receiver as Told, Sender};

use callgate_journal::{Page, Reader, RecordFilter};
use harness::receiver::{Does, Receiver, SECRET};
use harness::{Setup, guests, setup};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::random::Random;
use crate::server::Server;

/// Clients, each with a connection and a key of its own.
const KEYS: u64 = 8;

#[test]
fn what_a_host_acknowledged_reaches_its_sinks_after_a_few_kills() {
    survives(5);
}

#[test]
#[ignore = "a minute or two: 60 kills of a whole host"]
fn kill_a_host_60_times() {
    survives(60);
}

/// The callbacks that were sent and acknowledged, as keys with numbers.
#[derive(Default)]
struct Sent {
    last: BTreeMap<String, u64>,
    acknowledged: BTreeSet<(String, u64)>,
}

fn survives(kills: u64) {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let receiver = runtime.block_on(Receiver::start(|_| Does::Takes));
    let setup = settings(folder.path(), &receiver.url());
    let (mut random, mut sent) = (Random(kills), Sent::default());
    for _ in 0..kills {
        let server = Server::start(&setup);
        let (sender, told) = mpsc::channel();
        let clients: Vec<_> = (0..KEYS)
            .map(|key| {
                let (key, sender, address) = (format!("k{key}"), sender.clone(), server.address());
                let first = sent.last.get(&key).map_or(0, |last| last + 1);
                std::thread::spawn(move || send(address, key, first, &sender))
            })
            .collect();
        drop(sender);
        take(&told, random.below(600), &mut sent);
        server.kill();
        take(&told, u64::MAX, &mut sent);
        for client in clients {
            let (key, last) = client.join().unwrap();
            sent.last.insert(key, last);
        }
    }
    let server = Server::start(&setup);
    let is_behind = |metric: &str| server.metric(metric, &[]) > 0.0;
    while is_behind("callgate_journal_backlog") || is_behind("callgate_sink_lag_records") {
        std::thread::yield_now();
    }
    assert_eq!(server.metric("callgate_journal_dead", &[]), 0.0);
    server.kill();
    let records = records(&folder.path().join("journal"));
    check_records(&records, &sent);
    let (lines, broken) = lines(&folder.path().join("records.jsonl"));
    let taken = runtime.block_on(receiver.taken(0));
    let taken: Vec<_> = taken.into_iter().map(|taken| Line::of(taken.id, &taken.data)).collect();
    check_sink("file", &lines, &records);
    check_sink("http", &taken, &records);
    assert!(broken <= kills, "{broken} lines are broken");
    println!(
        "kill: {kills} kills of a host; {} acknowledged, {} records; the file has {} lines ({} again, {broken} cut off), the \
         receiver took {} ({} again); none lost, none invented, one ID each, in order per key",
        sent.acknowledged.len(),
        records.len(),
        lines.len(),
        lines.len() - records.len(),
        taken.len(),
        taken.len() - records.len(),
    );
}

fn settings(folder: &Path, url: &str) -> Setup {
    let at = |name: &str| folder.join(name).display().to_string();
    std::fs::write(at("secret"), SECRET).unwrap();
    let toml = format!(
        "[journal]\nfolder = \"{}\"\n\
         [[sink]]\nname = \"file\"\nkind = \"file\"\npath = \"{}\"\nback_off_ms = 1\n\
         [[sink]]\nname = \"app\"\nkind = \"http\"\nurl = \"{url}\"\nallow_http = true\nback_off_ms = 1\n\
         secrets = [{{ file = \"{}\" }}]\n",
        at("journal"),
        at("records.jsonl"),
        at("secret"),
    );
    setup().tables(&toml).plugin("tells", guests::tells("tells"), "*", "")
}

/// Collects acknowledgements: this number of callbacks, or until there are no more.
fn take(told: &Told<(String, u64)>, count: u64, sent: &mut Sent) {
    for _ in 0..count {
        let Ok(acknowledged) = told.recv() else { return };
        sent.acknowledged.insert(acknowledged);
    }
}

/// Sends callbacks with this key until the host is gone. Returns the number of the last one.
fn send(address: SocketAddr, key: String, first: u64, acknowledged: &Sender<(String, u64)>) -> (String, u64) {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut number = first;
    while post(&mut stream, &key, number) {
        acknowledged.send((key.clone(), number)).unwrap();
        number += 1;
    }
    (key, number)
}

/// Sends one callback. Returns whether it was acknowledged; otherwise the host is gone.
fn post(stream: &mut TcpStream, key: &str, number: u64) -> bool {
    let body = format!(r#"{{"sendID":"{key}","recvID":"mei","clientMsgID":"{key}-{number}","content":"{number}"}}"#);
    let head = "POST /openim/callbackAfterSendSingleMsgCommand HTTP/1.1\r\nHost: h\r\nContent-Type: application/json";
    let request = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    if stream.write_all(request.as_bytes()).is_err() {
        return false;
    }
    let (mut answer, mut part) = (Vec::new(), [0; 4096]);
    while !answer.ends_with(b"}") {
        match stream.read(&mut part) {
            Ok(count @ 1..) => answer.extend_from_slice(&part[..count]),
            _ => return false,
        }
    }
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"errCode\":0"), "{answer}");
    true
}

/// A record: its ID, and the key and number of its callback.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    id: String,
    key: String,
    number: u64,
}

impl Line {
    fn of(id: String, data: &Value) -> Self {
        let text = |name: &str| data["body"][name].as_str().unwrap().to_owned();
        Self { id, key: text("sendID"), number: text("content").parse().unwrap() }
    }
}

/// All records of the journal, in order.
fn records(folder: &Path) -> Vec<Line> {
    let mut reader = Reader::open(folder).unwrap();
    let (mut records, mut after) = (Vec::new(), None);
    loop {
        let page = Page { after, limit: 10_000, newest_first: false };
        let some = reader.records(&RecordFilter::default(), page).unwrap();
        let Some(last) = some.last() else { return records };
        after = Some(last.sequence.0);
        let line =
            |record: callgate_journal::Record| Line::of(record.id, &serde_json::from_str(&record.record.data).unwrap());
        records.extend(some.into_iter().map(line));
    }
}

/// The lines of a file, and how many were cut off when the host was killed.
fn lines(path: &Path) -> (Vec<Line>, u64) {
    let (mut lines, mut broken) = (Vec::new(), 0);
    for line in std::fs::read_to_string(path).unwrap().lines() {
        match serde_json::from_str::<Value>(line) {
            Ok(event) => lines.push(Line::of(event["id"].as_str().unwrap().to_owned(), &event["data"])),
            Err(_) => broken += 1,
        }
    }
    (lines, broken)
}

/// Each acknowledged callback has one record, in order per key, and no record belongs to a callback that was not sent.
fn check_records(records: &[Line], sent: &Sent) {
    let mut last: HashMap<&str, u64> = HashMap::new();
    for Line { key, number, .. } in records {
        let before = last.insert(key, *number);
        assert!(before.is_none_or(|before| before < *number), "{key}: {number} after {before:?}");
        assert!(sent.last.get(key).is_some_and(|last| number <= last), "{key} {number} was invented");
    }
    let recorded: BTreeSet<_> = records.iter().map(|record| (record.key.clone(), record.number)).collect();
    let lost: Vec<_> = sent.acknowledged.difference(&recorded).take(5).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}

/// A sink received each record and nothing else: first deliveries in order per key, repeats with the same ID.
fn check_sink(sink: &str, got: &[Line], records: &[Line]) {
    let mut firsts: HashMap<&str, Vec<&Line>> = HashMap::new();
    let mut seen: HashMap<&str, &Line> = HashMap::new();
    for line in got {
        match seen.insert(&line.id, line) {
            Some(before) => assert_eq!(before, line, "{sink}: two records with one ID"),
            None => firsts.entry(&line.key).or_default().push(line),
        }
    }
    let mut expected: HashMap<&str, Vec<&Line>> = HashMap::new();
    for record in records {
        expected.entry(&record.key).or_default().push(record);
    }
    assert_eq!(firsts.len(), expected.len(), "{sink}");
    for (key, expected) in expected {
        assert!(firsts.get(key) == Some(&expected), "{sink}: not the records of {key}, in their order");
    }
}
