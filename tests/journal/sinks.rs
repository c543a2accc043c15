//! Sinks: every record, at least once, in order per key, with the same ID each time.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;

use callgate_journal::Journal;
use callgate_journal::sink::file::{FileSettings, Rotation};
use callgate_journal::sink::{BackOff, Format, Kind, SETTLES_WITHIN, SinkSettings, Sinks, State, Topics};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use ::harness::receiver::{Does, Receiver, sink};

use crate::harness::{Kept, record};

fn file(path: &Path, format: Format) -> SinkSettings {
    SinkSettings {
        name: "file".to_owned(),
        topics: Topics::all(),
        back_off: BackOff { first: Duration::from_millis(1), longest: Duration::from_millis(2) },
        kind: Kind::File(FileSettings { path: path.to_owned(), format, fsync: true, rotation: Rotation::default() }),
    }
}

async fn start(kept: &Kept, journal: &Journal, settings: Vec<SinkSettings>) -> Sinks {
    let sinks = Sinks::new(journal.clone(), kept.clock.clone());
    sinks.set(settings).await.unwrap();
    sinks
}

/// Keeps records with this key, whose data are these numbers.
async fn keep(journal: &Journal, key: &str, numbers: impl IntoIterator<Item = usize>) {
    let records = numbers.into_iter().map(|number| record("mirror", key, &number.to_string())).collect();
    journal.keep_records(records).await.unwrap();
}

/// Waits until the only sink is in a state.
async fn until_state(sinks: &Sinks, is_it: impl Fn(&State) -> bool) {
    while !is_it(&sinks.status()[0].state) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_file_gets_every_record_and_goes_on_after_a_restart() {
    let kept = Kept::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    for run in 0..3 {
        let journal = kept.open();
        let sinks = start(&kept, &journal, vec![file(&path, Format::CloudEvents)]).await;
        keep(&journal, "k", run * 10..run * 10 + 10).await;
        sinks.settle().await;
        let status = &sinks.status()[0];
        assert_eq!((status.delivered, status.lag_records, status.errors), (10, 0, 0));
        drop(sinks);
        journal.close().await;
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        events.iter().map(|event| event["data"].clone()).collect::<Vec<_>>(),
        (0..30).map(Value::from).collect::<Vec<_>>()
    );
    let ids: HashSet<_> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 30, "each has an ID of its own");
    let sequences: Vec<_> = events.iter().map(|event| event["sequence"].as_str().unwrap()).collect();
    assert!(sequences.is_sorted(), "{sequences:?}");
    assert_eq!(events[0]["type"], "mirror");
    assert_eq!(events[0]["partitionkey"], "k");
}

#[tokio::test]
async fn a_sink_gets_the_topics_that_it_takes_and_moves_on_past_others() {
    let kept = Kept::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let journal = kept.open();
    let mut settings = file(&path, Format::Plain);
    settings.topics = Topics::new(["profiles.*", "exact"]);
    let sinks = start(&kept, &journal, vec![settings]).await;
    let topics = ["profiles.changed", "other", "exact", "exactly", "profiles.", "other"];
    let records = topics.iter().map(|topic| record(topic, "", &json!(topic).to_string())).collect();
    journal.keep_records(records).await.unwrap();
    sinks.settle().await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "\"profiles.changed\"\n\"exact\"\n\"profiles.\"\n");
    assert_eq!(sinks.status()[0].lag_records, 0);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_tried_again_until_it_can() {
    let kept = Kept::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none/r.jsonl");
    let journal = kept.open();
    let sinks = start(&kept, &journal, vec![file(&path, Format::Plain)]).await;
    keep(&journal, "k", 0..3).await;
    until_state(&sinks, |state| matches!(state, State::BackingOff { why, .. } if why.contains("No such file"))).await;
    kept.clock.advance_ms(5000);
    let status = &sinks.status()[0];
    assert!(status.errors >= 1 && status.delivered == 0, "{status:?}");
    assert_eq!((status.lag_records, status.lag_age), (3, Duration::from_secs(5)));
    std::fs::create_dir(folder.path().join("none")).unwrap();
    until_state(&sinks, |state| *state == State::Running).await;
    sinks.settle().await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "0\n1\n2\n");
    assert_eq!(sinks.status()[0].lag_age, Duration::ZERO);
}

#[tokio::test]
async fn a_receiver_gets_every_record_signed_and_in_order_per_key() {
    let kept = Kept::new();
    let receiver = Receiver::start(|_| Does::Takes).await;
    let journal = kept.open();
    let sinks = start(&kept, &journal, vec![sink(&receiver.url())]).await;
    for number in 0..40 {
        keep(&journal, ["a", "b", "c", ""][number % 4], [number]).await;
    }
    let taken = receiver.taken(40).await;
    sinks.settle().await;
    assert_eq!(receiver.requests(), 40);
    for key in ["a", "b", "c"] {
        let of_key: Vec<_> = taken.iter().filter(|taken| taken.key == key).map(|taken| taken.data.as_u64()).collect();
        assert_eq!(of_key.len(), 10);
        assert!(of_key.is_sorted(), "{key}: {of_key:?}");
    }
    assert_eq!(sinks.status()[0].delivered, 40);
}

#[tokio::test]
async fn a_receiver_with_tls_is_believed_only_with_a_certificate_that_is_known() {
    let kept = Kept::new();
    let (unknown, _) = Receiver::start_with_tls(|_| Does::Takes).await;
    let (known, pem) = Receiver::start_with_tls(|_| Does::Takes).await;
    let known_ca: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect();
    let settings = |receiver: &Receiver, ca: Option<&Vec<CertificateDer<'static>>>| {
        let mut settings = sink(&receiver.url());
        if let Kind::Http(http) = &mut settings.kind {
            http.ca = ca.cloned();
        }
        settings
    };
    let journal = kept.open();
    let sinks = start(&kept, &journal, vec![settings(&unknown, None)]).await;
    keep(&journal, "k", [0, 1, 2]).await;
    until_state(&sinks, |state| matches!(state, State::BackingOff { why, .. } if why.contains("certificate"))).await;
    assert_eq!(unknown.requests(), 0, "nothing was said before");
    let unusable = vec![vec![0].into()];
    let (key, found) = callgate_journal::sink::lines::why_not(&settings(&known, Some(&unusable)).kind).unwrap();
    assert!(key == "ca_file" && found.contains("cannot be used"), "{found}");
    assert_eq!(callgate_journal::sink::lines::why_not(&settings(&known, Some(&known_ca)).kind), None);
    sinks.set(vec![settings(&known, Some(&known_ca))]).await.unwrap();
    known.taken(3).await;
    assert_eq!(known.connections(), 1, "one connection for all of them");
}

#[tokio::test]
async fn a_refused_record_holds_up_its_key_only_and_is_given_up_where_that_is_wanted() {
    for attempts_max in [None, Some(3)] {
        let kept = Kept::new();
        let is_repaired = Arc::new(AtomicUsize::new(0));
        let repaired = Arc::clone(&is_repaired);
        let receiver = Receiver::start(move |event| match event["data"] == 0 && repaired.load(Ordering::SeqCst) == 0 {
            true => Does::Answers(422, None),
            false => Does::Takes,
        });
        let receiver = receiver.await;
        let journal = kept.open();
        let mut settings = sink(&receiver.url());
        if let Kind::Http(http) = &mut settings.kind {
            http.attempts_max = attempts_max;
        }
        let sinks = start(&kept, &journal, vec![settings]).await;
        keep(&journal, "poisoned", [0, 1]).await;
        keep(&journal, "other", [2, 3]).await;
        if attempts_max.is_none() {
            let taken = receiver.taken(2).await;
            assert_eq!(taken.iter().map(|taken| taken.data.clone()).collect::<Vec<_>>(), [2, 3]);
            receiver.asked(12).await;
            let status = &sinks.status()[0];
            assert_eq!((status.lag_records, status.given_up), (4, 0), "the cursor stays before it");
            is_repaired.store(1, Ordering::SeqCst);
            assert_eq!(receiver.taken(4).await[2..].iter().map(|taken| taken.data.clone()).collect::<Vec<_>>(), [0, 1]);
        } else {
            let taken = receiver.taken(3).await;
            assert!(taken.iter().any(|taken| taken.data == 1), "what was behind it goes on");
            sinks.settle().await;
            let status = &sinks.status()[0];
            assert_eq!((status.delivered, status.given_up, status.lag_records), (3, 1, 0));
        }
    }
}

/// A closed journal with two records, and a sink for them whose receiver has switched it off.
async fn switched_off(kept: &Kept) -> (Receiver, SinkSettings) {
    let receiver = Receiver::start(|_| Does::Answers(410, None)).await;
    let settings = sink(&receiver.url());
    let journal = kept.open();
    let sinks = start(kept, &journal, vec![settings.clone()]).await;
    keep(&journal, "k", [0, 1]).await;
    until_state(&sinks, |state| matches!(state, State::Off { why } if why.contains("410"))).await;
    drop(sinks);
    journal.close().await;
    (receiver, settings)
}

#[tokio::test]
async fn a_receiver_that_is_gone_switches_the_sink_off_also_after_a_restart_until_it_has_another_url() {
    let kept = Kept::new();
    let (receiver, settings) = switched_off(&kept).await;
    assert_eq!(receiver.requests(), 1);
    let journal = kept.open();
    let sinks = start(&kept, &journal, vec![settings]).await;
    let status = &sinks.status()[0];
    assert!(matches!(&status.state, State::Off { .. }));
    assert_eq!(status.lag_records, 2, "before the first record after the start, too");
    kept.advance(&journal, 60_000);
    while sinks.status()[0].lag_age < Duration::from_secs(60) {
        tokio::task::yield_now().await;
    }
    keep(&journal, "k", [2]).await;
    assert_eq!((receiver.requests(), sinks.status()[0].lag_records), (1, 3), "nothing is sent, and nothing is lost");
    let other = Receiver::start(|_| Does::Takes).await;
    sinks.set(vec![sink(&other.url())]).await.unwrap();
    assert_eq!(other.taken(3).await.iter().map(|taken| taken.data.clone()).collect::<Vec<_>>(), [0, 1, 2]);
}

#[tokio::test]
async fn records_that_are_lost_with_a_damaged_file_do_not_wait_for_a_sink_that_is_off() {
    let kept = Kept::new();
    let (_receiver, settings) = switched_off(&kept).await;
    // As salvaging leaves it that finds none of them.
    let file = rusqlite::Connection::open(kept.settings.folder.join("journal.sqlite3")).unwrap();
    file.execute_batch("DELETE FROM records").unwrap();
    file.close().unwrap();
    let journal = kept.open();
    let sinks = start(&kept, &journal, vec![settings]).await;
    while sinks.status()[0].lag_records > 0 {
        tokio::task::yield_now().await;
    }
    keep(&journal, "k", [2]).await;
    assert_eq!(sinks.status()[0].lag_records, 1);
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it_and_redirects_are_not_followed() {
    for (status, header, why) in [
        (429, Some(("retry-after", "3600")), "answers 429"),
        (503, Some(("retry-after", "3600")), "answers 503"),
        (302, Some(("location", "http://127.0.0.1:1/")), "redirects are not followed"),
        (401, None, "`secrets`"),
    ] {
        let kept = Kept::new();
        let answers = Arc::new(AtomicU16::new(status));
        let status = Arc::clone(&answers);
        let receiver = Receiver::start(move |_| match status.load(Ordering::SeqCst) {
            204 => Does::Takes,
            status => Does::Answers(status, header.map(|(name, value)| (name, value.to_owned()))),
        });
        let receiver = receiver.await;
        let journal = kept.open();
        let sinks = start(&kept, &journal, vec![sink(&receiver.url())]).await;
        keep(&journal, "k", [0]).await;
        keep(&journal, "l", [1]).await;
        until_state(&sinks, |state| matches!(state, State::BackingOff { why: found, .. } if found.contains(why))).await;
        let shown = sinks.status()[0].state.to_string();
        assert!(!shown.contains("hunter2"), "{shown}");
        if header.is_some_and(|(name, _)| name == "retry-after") {
            // Both may have been under way.
            assert!(receiver.requests() <= 2);
            continue;
        }
        answers.store(204, Ordering::SeqCst);
        receiver.taken(2).await;
    }
}

#[tokio::test]
async fn a_receiver_that_hangs_or_closes_gets_the_record_again_with_the_same_id() {
    let kept = Kept::new();
    let times = AtomicUsize::new(0);
    let receiver = Receiver::start(move |_| match times.fetch_add(1, Ordering::SeqCst) {
        0 => Does::Hangs,
        1 => Does::Closes,
        2 => Does::TakesAndCloses,
        _ => Does::Takes,
    });
    let receiver = receiver.await;
    let journal = kept.open();
    let mut settings = sink(&receiver.url());
    if let Kind::Http(http) = &mut settings.kind {
        http.within = Duration::from_millis(50);
    }
    let sinks = start(&kept, &journal, vec![settings]).await;
    keep(&journal, "k", [7]).await;
    let taken = receiver.taken(2).await;
    assert_eq!(taken[0], taken[1], "the same, twice");
    sinks.settle().await;
    assert!(sinks.status()[0].errors >= 3);
}

#[tokio::test]
async fn an_answer_is_read_up_to_a_limit_so_that_its_connection_can_be_reused() {
    const READ: usize = 64 << 10;
    for (does, connections) in [
        (Does::TakesAndTells(0), 1),
        (Does::TakesAndTells(READ), 1),
        // The rest of this answer never arrives, so a sink that read beyond the limit would time out. The connection
        // cannot be reused.
        (Does::TakesAndTellsLess(READ + 1), 3),
        (Does::TakesAndTells(64 << 20), 3),
    ] {
        let kept = Kept::new();
        let its = does.clone();
        let receiver = Receiver::start(move |_| its.clone()).await;
        let journal = kept.open();
        let sinks = start(&kept, &journal, vec![sink(&receiver.url())]).await;
        keep(&journal, "k", [0, 1, 2]).await;
        receiver.taken(3).await;
        sinks.settle().await;
        let status = &sinks.status()[0];
        assert_eq!((status.delivered, status.errors), (3, 0), "what it says does not matter: {does:?}");
        assert_eq!((receiver.requests(), receiver.connections()), (3, connections), "{does:?}");
    }
}

#[tokio::test]
async fn a_sink_that_begins_to_fail_is_not_waited_for() {
    let kept = Kept::new();
    let receiver = Receiver::start(|_| Does::Answers(503, Some(("retry-after", "3600".to_owned())))).await;
    let journal = kept.open();
    let sinks = start(&kept, &journal, vec![sink(&receiver.url())]).await;
    keep(&journal, "k", [0]).await;
    sinks.settle().await;
    let status = &sinks.status()[0];
    assert_eq!((status.state.name(), status.lag_records), ("backing_off", 1));
}

#[tokio::test]
async fn sinks_that_change_go_on_where_they_were_and_new_ones_begin_with_the_next_record() {
    let kept = Kept::new();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text = |name: &str| std::fs::read_to_string(at(name)).unwrap_or_default();
    let journal = kept.open();
    let sinks = start(&kept, &journal, vec![file(&at("a"), Format::Plain)]).await;
    keep(&journal, "k", [0, 1]).await;
    sinks.settle().await;
    let other = SinkSettings { name: "other".to_owned(), ..file(&at("b"), Format::Plain) };
    sinks.set(vec![file(&at("c"), Format::Plain), other.clone()]).await.unwrap();
    keep(&journal, "k", [2]).await;
    sinks.settle().await;
    assert_eq!((text("a").as_str(), text("b").as_str(), text("c").as_str()), ("0\n1\n", "2\n", "2\n"));
    sinks.set(vec![other]).await.unwrap();
    keep(&journal, "k", [3]).await;
    sinks.settle().await;
    assert_eq!((text("b").as_str(), text("c").as_str()), ("2\n3\n", "2\n"));
    assert_eq!(sinks.status().len(), 1);
}

/// A pipe that nobody reads from holds up neither another sink nor the end of the process.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_sink_that_hangs_holds_up_no_other() {
    let kept = Kept::new();
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let journal = kept.open();
    let hangs = SinkSettings { name: "hangs".to_owned(), ..file(&pipe, Format::Plain) };
    let fine = folder.path().join("fine");
    let sinks = start(&kept, &journal, vec![hangs, file(&fine, Format::Plain)]).await;
    keep(&journal, "k", [0]).await;
    while sinks.status()[1].delivered == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(std::fs::read_to_string(&fine).unwrap(), "0\n");
    kept.clock.advance_ms(10_000);
    // Its thread may not have come to the pipe yet: then the clock is later for it, too.
    while sinks.status()[0].state.name() != "hanging" {
        kept.clock.advance_ms(10_000);
        tokio::task::yield_now().await;
    }
    // Its write lasts forever, and a stop that waits for deliveries does not.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    sinks.settle().await;
    assert!(began.elapsed() >= SETTLES_WITHIN);
    // As soon as somebody reads, it goes on.
    let mut lines = [0; 2];
    std::io::Read::read_exact(&mut std::fs::File::open(&pipe).unwrap(), &mut lines).unwrap();
    assert_eq!(&lines, b"0\n");
}

#[tokio::test]
async fn a_sink_whose_records_are_refused_says_why_until_they_are_delivered() {
    let kept = Kept::new();
    let answers = Arc::new(AtomicU16::new(500));
    let status = Arc::clone(&answers);
    let receiver = Receiver::start(move |_| match status.load(Ordering::SeqCst) {
        200 => Does::Takes,
        status => Does::Answers(status, None),
    })
    .await;
    let journal = kept.open();
    let sinks = start(&kept, &journal, vec![sink(&receiver.url())]).await;
    keep(&journal, "k", [0]).await;
    while sinks.status()[0].refusal.as_ref().is_none_or(|why| !why.contains("500")) {
        tokio::task::yield_now().await;
    }
    receiver.asked(4).await;
    assert!(sinks.status()[0].refusal.is_some(), "while the record is sent again, too");
    answers.store(200, Ordering::SeqCst);
    receiver.taken(1).await;
    while sinks.status()[0].refusal.is_some() {
        tokio::task::yield_now().await;
    }
    assert_eq!(sinks.status()[0].state, State::Running);
    drop(sinks);
    journal.close().await;
}
