//! A bounded queue of changes for one source; changes of the same key are sent in order.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use tokio::sync::mpsc::{self, Sender};

use crate::lookup::{Later, NotChanged};

/// Lanes, each of which sends one change at a time: a distant source takes some milliseconds per change.
const LANES: usize = 8;

/// Queued changes per lane; further ones are refused. All lanes hold some seconds of a busy chat server's changes, as
/// long as the source answers.
const WAITING_MAX: usize = 512;

/// The queued changes. Each key belongs to one lane.
#[derive(Debug, Default)]
pub(super) struct Changes {
    hasher: RandomState,
    lanes: [OnceLock<Sender<Later<()>>>; LANES],
}

impl Changes {
    /// Queues a change, which begins when it is awaited. Must be called in a runtime.
    ///
    /// # Errors
    /// If the lane is full.
    pub(super) fn push(&self, key: &str, change: Later<()>) -> Result<(), NotChanged> {
        let number = self.hasher.hash_one(key) % LANES as u64;
        let lane = usize::try_from(number).ok().and_then(|number| self.lanes.get(number)).ok_or(NotChanged::Full)?;
        lane.get_or_init(open).try_send(change).map_err(|_| NotChanged::Full)
    }
}

/// Starts a lane. It ends when the source is closed and its queue is empty.
fn open() -> Sender<Later<()>> {
    let (lane, mut waiting) = mpsc::channel::<Later<()>>(WAITING_MAX);
    tokio::spawn(async move {
        while let Some(change) = waiting.recv().await {
            // In a task of its own: a panic ends this change, not the lane.
            let _ = tokio::spawn(change).await;
        }
    });
    lane
}
