//! A receiver that fails in every way at random, and a sink that is started again now and then: afterwards it has every
//! record, in order per key, each with one ID.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use callgate_journal::sink::{BackOff, Kind, SinkSettings, Sinks};
use callgate_journal::{Clock, Journal, JournalSettings, NewRecord};
use harness::kept;
use harness::receiver::{Does, Receiver, Taken, sink};
use tokio::time::timeout;

use crate::random::Random;

const KEYS: u64 = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_fails_in_every_way_gets_everything_in_order() {
    run(Until::Records(600), Duration::from_millis(4)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "ten minutes, or the seconds that CALLGATE_ENDURANCE_SECONDS says"]
async fn a_receiver_fails_for_ten_minutes() {
    let seconds = std::env::var("CALLGATE_ENDURANCE_SECONDS").map_or(600, |seconds| seconds.parse().unwrap());
    run(Until::Moment(Instant::now() + Duration::from_secs(seconds)), Duration::from_millis(500)).await;
}

/// When no more records come.
#[derive(Clone, Copy)]
enum Until {
    Records(u64),
    Moment(Instant),
}

impl Until {
    fn is_over(self, records: u64) -> bool {
        match self {
            Self::Records(max) => records >= max,
            Self::Moment(moment) => Instant::now() >= moment,
        }
    }
}

/// What a receiver does for its next requests.
struct Mood {
    random: Random,
    kind: u64,
    left: u64,
    /// Once it is over with failures.
    is_well: bool,
}

impl Mood {
    fn next(&mut self) -> Does {
        if self.is_well {
            return Does::Takes;
        }
        if self.left == 0 {
            (self.kind, self.left) = (self.random.below(10), 1 + self.random.below(12));
        }
        self.left -= 1;
        match self.kind {
            0 => Does::Answers(500, None),
            1 => Does::Answers(429, Some(("retry-after", "0".to_owned()))),
            2 => Does::Answers(503, None),
            3 => Does::Closes,
            4 => Does::TakesAndCloses,
            // A receiver that hangs costs a timeout each time.
            5 if self.left.is_multiple_of(4) => Does::Hangs,
            6 => Does::Answers(302, Some(("location", "http://127.0.0.1:1/".to_owned()))),
            _ => Does::Takes,
        }
    }
}

async fn run(until: Until, longest: Duration) {
    let began = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let mood = Arc::new(Mutex::new(Mood { random: Random(7), kind: 9, left: 20, is_well: false }));
    let its = Arc::clone(&mood);
    let receiver = Receiver::start(move |_| its.lock().unwrap().next()).await;
    let settings =
        SinkSettings { back_off: BackOff { first: Duration::from_millis(1), longest }, ..hasty(sink(&receiver.url())) };
    let journal = Journal::open(&JournalSettings::new(folder.path()), Clock::system()).unwrap();
    let mut sinks = start(&journal, &settings).await;
    let (mut random, mut restarts, mut kept) = (Random(11), 0_u64, 0_u64);
    let mut of_keys = vec![0_u64; KEYS as usize];
    while !until.is_over(kept) {
        let records: Vec<_> = (0..=random.below(12)).map(|_| record(&mut random, &mut of_keys)).collect();
        kept += records.len() as u64;
        journal.keep_records(records).await.unwrap();
        if random.below(40) == 0 {
            // As after a crash: what it had not saved comes again.
            drop(sinks);
            sinks = start(&journal, &settings).await;
            restarts += 1;
        }
        // The journal takes more than a receiver that fails.
        while sinks.status()[0].lag_records > 2000 {
            // Where all wait behind one record, the request for that one may have been the last.
            let _ = timeout(Duration::from_millis(10), receiver.asked(receiver.requests() + 1)).await;
        }
    }
    mood.lock().unwrap().is_well = true;
    // Only what came since the last look is looked at.
    let (mut ids, mut seen) = (HashSet::new(), 0);
    let is_whole = |taken: &[Taken]| {
        ids.extend(taken.iter().skip(seen).map(|taken| taken.id.clone()));
        seen = taken.len();
        ids.len() as u64 >= kept
    };
    let taken = receiver.until(is_whole).await;
    check(&taken, &of_keys);
    let status = &sinks.status()[0];
    println!(
        "receiver: {kept} records in {:.1} s, {} requests, {} taken, {} of them again, {restarts} restarts of the sink; \
         errors of the last one: {}; none lost, in order per key, one ID each",
        began.elapsed().as_secs_f64(),
        receiver.requests(),
        taken.len(),
        taken.len() as u64 - kept,
        status.errors,
    );
}

/// Gives up a request soon: there is no network in between.
fn hasty(mut settings: SinkSettings) -> SinkSettings {
    if let Kind::Http(http) = &mut settings.kind {
        http.within = Duration::from_millis(100);
    }
    settings
}

async fn start(journal: &Journal, settings: &SinkSettings) -> Sinks {
    let sinks = Sinks::new(journal.clone(), Clock::system());
    sinks.set(vec![settings.clone()]).await.unwrap();
    sinks
}

/// The next record of some key: its data is its number among those of its key.
fn record(random: &mut Random, of_keys: &mut [u64]) -> NewRecord {
    let key = random.below(KEYS) as usize;
    of_keys[key] += 1;
    kept::record(format!("k{key}"), of_keys[key].to_string())
}

/// Each record is there, for the first time after those before it with its key, and always with the same ID.
fn check(taken: &[Taken], of_keys: &[u64]) {
    let mut last: HashMap<&str, u64> = HashMap::new();
    let mut ids: HashMap<(&str, u64), &str> = HashMap::new();
    for taken in taken {
        let number = taken.data.as_u64().unwrap();
        let known = ids.entry((&taken.key, number)).or_insert(&taken.id);
        assert_eq!(*known, taken.id, "{} {number} has two IDs", taken.key);
        let last = last.entry(&taken.key).or_default();
        assert!(number <= *last + 1, "{} {number} came after {last}", taken.key);
        *last = number.max(*last);
    }
    for (key, count) in of_keys.iter().enumerate().filter(|(_, count)| **count > 0) {
        assert_eq!(last[format!("k{key}").as_str()], *count, "k{key}");
    }
}
