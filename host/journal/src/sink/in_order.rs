//! Delivers records as lines, one batch after the other.

use std::time::Duration;

use tokio::sync::watch;

use super::feed::Feed;
use super::lines::Lines;
use crate::record::Record;

/// Runs a sink of lines until it is to end. A batch that fails is written again as a whole. `reopen` changes when files
/// are to be opened again.
pub(super) async fn run(mut feed: Feed, mut lines: Lines, mut reopen: watch::Receiver<u64>) {
    let mut pending: Vec<Record> = Vec::new();
    loop {
        if pending.is_empty() {
            let Some(records) = feed.next(true).await else { return };
            feed.shared.oldest(records.first().map(|record| record.record.at_unix_ms));
            pending = records;
        }
        if reopen.has_changed().unwrap_or(false) {
            reopen.borrow_and_update();
            lines.reopen();
        }
        let now_unix_ms = feed.clock.now_unix_ms();
        feed.shared.writing_since(now_unix_ms);
        let now = Duration::from_millis(u64::try_from(now_unix_ms).unwrap_or(0));
        let written = lines.write(pending.iter().map(Record::event), now);
        feed.shared.writing_since(0);
        match written {
            Ok(()) => {
                feed.shared.delivered(pending.len());
                pending.clear();
                feed.succeed();
                feed.delivered_to(feed.read_to());
            }
            Err(error) => {
                feed.fail(&error.to_string(), Duration::ZERO).await;
                if feed.is_stopped() {
                    return;
                }
            }
        }
    }
}
