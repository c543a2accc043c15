//! Delivers records to a receiver, several at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::answer::Outcome;
use super::client::Client;
use super::lanes::Lanes;
use super::settings::HttpSettings;
use crate::record::{Record, Sequence};
use crate::sink::feed::Feed;
use crate::sink::status::State;

/// After this many refusals in a row, of any records, the whole sink waits: the cause is probably not the records.
const REFUSED_MAX: u32 = 8;

/// A sink at work.
struct Run {
    feed: Feed,
    settings: HttpSettings,
    lanes: Lanes,
    /// Nothing is sent before this moment.
    paused_until: Option<Instant>,
    /// How many requests may be under way now: one after a failure, and with each success more.
    at_once: usize,
    refused_in_row: u32,
}

/// Runs the sink until it is to end, or the receiver is gone; then it returns why.
pub(in crate::sink) async fn run(feed: Feed, settings: HttpSettings) -> Option<String> {
    let client = match Client::new(settings.clone()) {
        Ok(client) => Arc::new(client),
        Err(why) => return Some(format!("`ca_file` {why}")),
    };
    let mut stop = feed.stop();
    let at_once = settings.in_flight_max;
    let mut run = Run { feed, settings, lanes: Lanes::default(), paused_until: None, at_once, refused_in_row: 0 };
    let mut requests: JoinSet<(Arc<Record>, Outcome)> = JoinSet::new();
    loop {
        let now = Instant::now();
        run.lanes.unpark(now);
        run.paused_until = run.paused_until.filter(|until| *until > now);
        while run.paused_until.is_none()
            && run.lanes.in_flight() < run.at_once
            && let Some(record) = run.lanes.take()
        {
            let client = Arc::clone(&client);
            requests.spawn(async move {
                let outcome = client.deliver(&record).await;
                (record, outcome)
            });
        }
        run.tell();
        let wake = run.wake();
        let (is_idle, is_full) = (run.lanes.is_empty(), run.lanes.is_full());
        tokio::select! {
            Some(done) = requests.join_next() => {
                // A request that panicked or was cancelled has no record: neither happens.
                let Ok((record, outcome)) = done else { continue };
                if let Some(why) = run.note(&record, outcome) {
                    return Some(why);
                }
            }
            records = run.feed.next(is_idle), if !is_full => match records {
                Some(records) => records.into_iter().for_each(|record| run.lanes.push(record)),
                None => return None,
            },
            () = sleep_until(wake.unwrap_or(now)), if wake.is_some() => {}
            _ = stop.wait_for(|stop| *stop) => return None,
        }
    }
}

impl Run {
    /// When something can be sent that cannot be sent now.
    fn wake(&self) -> Option<Instant> {
        let paused = self.paused_until.filter(|_| self.lanes.is_ready());
        // What is due while the sink is paused is sent after the pause.
        let due = self.lanes.due().map(|due| self.paused_until.map_or(due, |until| until.max(due)));
        paused.into_iter().chain(due).min()
    }

    /// Moves the cursor to the first undelivered record, and updates the status.
    fn tell(&mut self) {
        let first = self.lanes.first().map(|first| (Sequence(first.sequence.0 - 1), first.record.at_unix_ms));
        self.feed.shared.oldest(first.map(|(_, at_unix_ms)| at_unix_ms));
        self.feed.shared.parked(self.lanes.parked());
        if !self.lanes.has_refused() {
            self.feed.shared.refusal(None);
        }
        let delivered_to = first.map_or_else(|| self.feed.read_to(), |(before, _)| before);
        self.feed.delivered_to(delivered_to);
    }

    /// Notes what became of a record. Returns why the sink ends, if it does.
    fn note(&mut self, record: &Record, outcome: Outcome) -> Option<String> {
        match outcome {
            Outcome::Delivered => {
                self.lanes.done(record);
                self.feed.shared.delivered(1);
                self.feed.succeed();
                self.refused_in_row = 0;
                self.at_once = self.at_once.saturating_mul(2).min(self.settings.in_flight_max);
            }
            Outcome::Slow(why, at_least) => {
                self.lanes.put_back(record);
                self.pause(&why, at_least);
            }
            Outcome::Refused(why, at_least) => self.refused(record, &why, at_least),
            Outcome::Gone(why) => return Some(why),
        }
        None
    }

    /// Has the whole sink wait. What fails while it does, was sent before.
    fn pause(&mut self, why: &str, at_least: Duration) {
        let now = Instant::now();
        match self.paused_until {
            Some(until) => {
                self.feed.shared.failed();
                self.paused_until = Some(until.max(now + at_least));
            }
            None => self.paused_until = Some(now + self.feed.note_failure(why, at_least)),
        }
        self.at_once = 1;
    }

    fn refused(&mut self, record: &Record, why: &str, at_least: Duration) {
        let attempts = self.lanes.refused(record);
        let (sink, id) = (self.feed.settings.name.as_str(), record.id.as_str());
        if self.settings.attempts_max.is_some_and(|max| attempts >= max) {
            tracing::error!(sink, id, attempts, "a record is dropped after `attempts_max` refusals: {why}");
            self.feed.shared.failed();
            self.feed.shared.gave_up();
            self.lanes.done(record);
            return;
        }
        if attempts == 1 {
            tracing::warn!(sink, id, "a record is refused and will be retried; records with the same key wait: {why}");
        }
        self.feed.shared.refusal(Some(why));
        self.refused_in_row = self.refused_in_row.saturating_add(1);
        let pause = self.feed.settings.back_off.with_jitter(attempts).max(at_least);
        self.lanes.park(record, Instant::now() + pause);
        match self.refused_in_row >= REFUSED_MAX {
            true => self.pause(why, at_least),
            false => self.feed.shared.failed(),
        }
    }
}

/// What is saved with the cursor of a sink that was switched off: for another receiver it is switched on again.
pub(in crate::sink) fn off_state(settings: &HttpSettings, why: &str) -> String {
    format!("off\n{}\n{why}", fingerprint(settings))
}

/// Why the sink was switched off, if it was, and for this receiver.
pub(in crate::sink) fn off(settings: &HttpSettings, state: &str) -> Option<State> {
    let (fingerprint_then, why) = state.strip_prefix("off\n")?.split_once('\n')?;
    (fingerprint_then == fingerprint(settings)).then(|| State::Off { why: why.to_owned() })
}

/// A short hash of the URL, which may be a secret.
fn fingerprint(settings: &HttpSettings) -> String {
    use sha2::{Digest as _, Sha256};
    let hash = Sha256::digest(settings.url.reveal().to_string());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
