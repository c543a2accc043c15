//! The records under way: in order per key, in parallel across keys.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

use crate::record::{Record, Sequence};

/// Maximum number of records that were read and not delivered. Beyond it, no more are read until the first of them
/// are delivered, so this is how many records can pass a key that is refused.
const RECORDS_MAX: usize = 4096;

/// Maximum size of the records under way, in bytes; one batch more at most.
const BYTES_MAX: usize = 32 << 20;

/// Records that were read and not delivered.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    records: BTreeMap<Sequence, UnderWay>,
    lanes: HashMap<Lane, VecDeque<Sequence>>,
    /// Lanes whose first record can be sent.
    ready: VecDeque<Lane>,
    /// Lanes whose first record was refused, by when they are tried again.
    parked: BTreeMap<(Instant, Sequence), Lane>,
    bytes: usize,
    in_flight: usize,
    /// Records that were refused at least once.
    refused: usize,
}

#[derive(Debug)]
struct UnderWay {
    record: Arc<Record>,
    attempts: u32,
}

/// Records that wait for each other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Lane {
    Key(Arc<str>),
    /// A record without a key waits for no other.
    Alone(Sequence),
}

impl Lane {
    fn of(record: &Record) -> Self {
        match record.record.key.as_str() {
            "" => Self::Alone(record.sequence),
            key => Self::Key(key.into()),
        }
    }
}

impl Lanes {
    /// Adds a record behind all others.
    pub(super) fn push(&mut self, record: Record) {
        let (lane, sequence) = (Lane::of(&record), record.sequence);
        self.bytes += bytes(&record);
        self.records.insert(sequence, UnderWay { record: Arc::new(record), attempts: 0 });
        match self.lanes.get_mut(&lane) {
            Some(others) => others.push_back(sequence),
            None => {
                self.lanes.insert(lane.clone(), VecDeque::from([sequence]));
                self.ready.push_back(lane);
            }
        }
    }

    /// The next record that can be sent; the others with its key wait.
    pub(super) fn take(&mut self) -> Option<Arc<Record>> {
        loop {
            let lane = self.ready.pop_front()?;
            let first = self.lanes.get(&lane).and_then(VecDeque::front).and_then(|first| self.records.get(first));
            if let Some(under_way) = first {
                self.in_flight += 1;
                return Some(Arc::clone(&under_way.record));
            }
        }
    }

    /// A record that was sent is delivered or dropped.
    pub(super) fn done(&mut self, record: &Record) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let removed = self.records.remove(&record.sequence);
        self.refused -= usize::from(removed.is_some_and(|under_way| under_way.attempts > 0));
        self.bytes = self.bytes.saturating_sub(bytes(record));
        let lane = Lane::of(record);
        let Some(others) = self.lanes.get_mut(&lane) else { return };
        others.pop_front();
        match others.is_empty() {
            true => {
                self.lanes.remove(&lane);
            }
            false => self.ready.push_back(lane),
        }
    }

    /// A record that was sent is sent again, before all others.
    pub(super) fn put_back(&mut self, record: &Record) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.ready.push_front(Lane::of(record));
    }

    /// Notes that a record was refused. Returns how often that has happened to it.
    pub(super) fn refused(&mut self, record: &Record) -> u32 {
        let Some(under_way) = self.records.get_mut(&record.sequence) else { return 0 };
        self.refused += usize::from(under_way.attempts == 0);
        under_way.attempts = under_way.attempts.saturating_add(1);
        under_way.attempts
    }

    /// A record that was sent is sent again, not before this moment; others with its key wait for it.
    pub(super) fn park(&mut self, record: &Record, until: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.parked.insert((until, record.sequence), Lane::of(record));
    }

    /// Makes ready what was parked until now.
    pub(super) fn unpark(&mut self, now: Instant) {
        while let Some(entry) = self.parked.first_entry().filter(|entry| entry.key().0 <= now) {
            self.ready.push_back(entry.remove());
        }
    }

    /// When the next parked record is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.parked.first_key_value().map(|((until, _), _)| *until)
    }

    /// How many keys are parked.
    pub(super) fn parked(&self) -> usize {
        self.parked.len()
    }

    /// Whether records were refused that are still not delivered, whether they wait or are being sent again.
    pub(super) fn has_refused(&self) -> bool {
        self.refused > 0
    }

    /// How many records are being sent.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether something can be sent.
    pub(super) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The first record that is not delivered.
    pub(super) fn first(&self) -> Option<&Record> {
        self.records.first_key_value().map(|(_, under_way)| &*under_way.record)
    }

    /// Whether no more records should be read.
    pub(super) fn is_full(&self) -> bool {
        self.records.len() >= RECORDS_MAX || self.bytes >= BYTES_MAX
    }

    /// Whether everything that was read is delivered.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

fn bytes(record: &Record) -> usize {
    record.record.data.len() + 512
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::record::NewRecord;

    fn record(sequence: i64, key: &str) -> Record {
        let record = NewRecord {
            topic: "t".to_owned(),
            key: key.to_owned(),
            platform: "p".into(),
            command: "c".into(),
            plugin: "p".into(),
            sha256: "".into(),
            at_unix_ms: 0,
            traceparent: None,
            data: "1".to_owned(),
        };
        Record { sequence: Sequence(sequence), id: format!("j-{sequence}"), entry: None, record }
    }

    fn lanes(records: &[(i64, &str)]) -> Lanes {
        let mut lanes = Lanes::default();
        records.iter().for_each(|(sequence, key)| lanes.push(record(*sequence, key)));
        lanes
    }

    fn taken(lanes: &mut Lanes) -> Vec<i64> {
        std::iter::from_fn(|| lanes.take()).map(|record| record.sequence.0).collect()
    }

    #[test]
    fn records_with_one_key_wait_for_each_other_and_others_do_not() {
        let mut lanes = lanes(&[(1, "a"), (2, "a"), (3, "b"), (4, ""), (5, "")]);
        assert_eq!(taken(&mut lanes), [1, 3, 4, 5]);
        assert_eq!(lanes.in_flight(), 4);
        lanes.done(&record(3, "b"));
        assert_eq!(taken(&mut lanes), [0_i64; 0]);
        assert_eq!(lanes.first().map(|record| record.sequence), Some(Sequence(1)), "the cursor stays before the first");
        lanes.done(&record(1, "a"));
        assert_eq!(taken(&mut lanes), [2]);
        for (sequence, key) in [(2, "a"), (4, ""), (5, "")] {
            lanes.done(&record(sequence, key));
        }
        assert!(lanes.is_empty() && lanes.first().is_none() && !lanes.is_ready());
        assert_eq!((lanes.bytes, lanes.in_flight, lanes.lanes.len()), (0, 0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_record_holds_up_its_key_only() {
        let mut lanes = lanes(&[(1, "a"), (2, "a"), (3, "b")]);
        assert_eq!(taken(&mut lanes), [1, 3]);
        let (first, now) = (record(1, "a"), Instant::now());
        assert_eq!((lanes.refused(&first), lanes.refused(&first)), (1, 2));
        lanes.park(&first, now + Duration::from_secs(1));
        lanes.done(&record(3, "b"));
        lanes.push(record(4, "a"));
        lanes.push(record(5, "c"));
        lanes.unpark(now + Duration::from_millis(999));
        assert_eq!(taken(&mut lanes), [5]);
        assert_eq!((lanes.parked(), lanes.due()), (1, Some(now + Duration::from_secs(1))));
        lanes.unpark(now + Duration::from_secs(1));
        assert_eq!(taken(&mut lanes), [1]);
        lanes.put_back(&first);
        assert_eq!(taken(&mut lanes), [1], "again, and before 2");
    }

    #[test]
    fn what_is_under_way_is_bounded() {
        let mut lanes = Lanes::default();
        for sequence in 0..RECORDS_MAX {
            assert!(!lanes.is_full());
            lanes.push(record(sequence as i64, "a"));
        }
        assert!(lanes.is_full());
        lanes.take().unwrap();
        lanes.done(&record(0, "a"));
        assert!(!lanes.is_full());
    }
}
