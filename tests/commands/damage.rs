//! A journal whose file is damaged: `serve` starts, `check` warns, and `doctor` says what will happen.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use harness::guests;

use crate::program::{Folder, folder};
use crate::service::Serving;

const PLATFORM: &str = "[[platform]]\nkind = \"openim\"\nmode = \"journal\"\n";

/// Enough that a file that is cut off still has some.
const ENTRIES: usize = 40;

/// A host that serves journalled callbacks. Its journal has entries that were acknowledged and never processed. Also
/// returns its database file and its log as they were before it was stopped.
fn host() -> (Folder, Vec<(&'static str, Vec<u8>)>) {
    let stuck = guests::replies("stuck", r#"{"verdict":"fail","message":"not now"}"#);
    let plugin = "[[plugin]]\nname = \"stuck\"\nwasm = \"stuck.wasm\"\ncommands = [\"callbackAfterSend*\"]\n";
    let server = "[server]\nlisten = \"127.0.0.1:0\"\ndrain_delay_ms = 0\n[admin]\noff = true\n[journal]\nfolder = \"journal\"\n";
    let folder = folder().module("stuck.wasm", stuck).file("host.toml", format!("{server}{PLATFORM}{plugin}"));
    let mut serving = Serving::start(&folder);
    let address = serving.wait_for("serving callbacks address=");
    for number in 0..ENTRIES {
        let answer = post(&address, number);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let running = [FILE, LOG].map(|name| (name, std::fs::read(folder.path("journal").join(name)).unwrap()));
    serving.stop().succeeds();
    (folder, running.into())
}

const FILE: &str = "journal.sqlite3";
const LOG: &str = "journal.sqlite3-wal";

fn post(address: &str, number: usize) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let body =
        format!("{{\"groupID\":\"g{number}\",\"clientMsgID\":\"{number}\",\"content\":\"{}\"}}", "x".repeat(2000));
    let head = "POST /openim/callbackAfterSendGroupMsgCommand HTTP/1.1\r\nHost: h\r\nConnection: close";
    connection.write_all(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

fn entries(folder: &Folder) -> usize {
    let out = folder.type_in("journal list --settings host.toml --json").succeeds();
    out.lines().filter(|line| line.contains("callbackAfterSendGroupMsgCommand")).count()
}

fn set_byte(file: &mut [u8], at: usize, byte: u8) {
    file[at] = byte;
}

/// A name, what is done to the file, and how many of the entries remain.
type Damage = (&'static str, fn(&mut Vec<u8>), RangeInclusive<usize>);

const DAMAGES: &[Damage] = &[
    ("a byte of the magic", |file| set_byte(file, 3, b'X'), ENTRIES..=ENTRIES),
    ("the page size", |file| set_byte(file, 16, 3), ENTRIES..=ENTRIES),
    ("the version for writers", |file| set_byte(file, 18, 9), ENTRIES..=ENTRIES),
    ("the version for readers", |file| set_byte(file, 19, 9), ENTRIES..=ENTRIES),
    ("the format of the schema", |file| set_byte(file, 47, 9), ENTRIES..=ENTRIES),
    ("the encoding of texts", |file| set_byte(file, 59, 2), ENTRIES..=ENTRIES),
    ("user_version", |file| set_byte(file, 63, 77), ENTRIES..=ENTRIES),
    ("application_id", |file| set_byte(file, 70, 77), ENTRIES..=ENTRIES),
    ("the first page", |file| file[..4096].fill(0), ENTRIES..=ENTRIES),
    ("the last quarter", |file| file.truncate(file.len() / 4 * 3), 1..=ENTRIES - 1),
    ("all but the first pages", |file| file.truncate(60_000), 0..=0),
    ("all but a page", |file| file.truncate(4096), 0..=0),
    ("all but the header", |file| file.truncate(50), 0..=0),
    ("everything", |file| file.iter_mut().enumerate().for_each(|(at, byte)| *byte = (at * 7 + at / 251) as u8), 0..=0),
];

fn damaged_files(folder: &Path) -> usize {
    let names = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("journal-damaged-2") && name.ends_with(".sqlite3")).count()
}

/// The files of a folder, without what readers of a database share. Nor does an empty log count: SQLite can leave
/// one beside a file that it cannot read.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let named = files.map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap()));
    let is_empty_log = |name: &str, bytes: &[u8]| name.ends_with("-wal") && bytes.is_empty();
    named.filter(|(name, bytes)| !name.ends_with("-shm") && !is_empty_log(name, bytes)).collect()
}

/// Has a host start with these files as its journal, after `check` and `doctor` have said so and changed nothing.
fn is_salvaged(folder: &Folder, what: &str, journal: &[(&str, Vec<u8>)], remain: &RangeInclusive<usize>) {
    let place = folder.path("journal");
    std::fs::remove_dir_all(&place).unwrap();
    std::fs::create_dir(&place).unwrap();
    journal.iter().for_each(|(name, bytes)| std::fs::write(place.join(name), bytes).unwrap());
    let before = files(&place);

    let checked = folder.type_in("check --settings host.toml");
    assert!(checked.code == Some(0), "{what}: {checked:#?}");
    assert!(checked.err.contains("WARN") && checked.err.contains("it is renamed to"), "{what}: {checked:#?}");
    let doctor = folder.type_in("doctor --settings host.toml --offline --json");
    assert!(doctor.code == Some(8) && doctor.out.contains("journal-damaged\""), "{what}: {doctor:#?}");
    let after = files(&place);
    assert!(after == before, "{what}: neither has changed a file: {:?}, {:?}", before.keys(), after.keys());

    let mut serving = Serving::start(folder);
    let address = serving.wait_for("serving callbacks address=");
    assert!(post(&address, ENTRIES).starts_with("HTTP/1.1 200"), "{what}");
    serving.stop().succeeds();
    assert_eq!(damaged_files(&place), 1, "{what}");
    let left = entries(folder) - 1;
    assert!(remain.contains(&left), "{what}: {left} entries");
}

#[test]
fn a_damaged_journal_keeps_no_host_from_starting() {
    let (folder, running) = host();
    let whole = std::fs::read(folder.path("journal").join(FILE)).unwrap();
    assert_eq!(entries(&folder), ENTRIES);
    for (what, damage, remain) in DAMAGES {
        let mut bytes = whole.clone();
        damage(&mut bytes);
        is_salvaged(&folder, what, &[(FILE, bytes)], remain);
    }
    let [_, (_, log)] = &running[..] else { panic!("two files") };
    assert!(!log.is_empty());
    let without = [(FILE, Vec::new()), (LOG, log.clone())];
    is_salvaged(&folder, "everything but the log", &without, &(ENTRIES..=ENTRIES));
    is_salvaged(&folder, "the file itself", &without[1..], &(ENTRIES..=ENTRIES));
}
