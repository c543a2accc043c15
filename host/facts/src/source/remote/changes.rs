//! Changes on their way to a source: those of one key in their order, and no more than a maximum.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc::{self, Sender};

use super::Inner;
use crate::lookup::{Later, NotChanged};

/// Changes of different keys that are made at once: a source that is far away takes some milliseconds for each.
const LANES: usize = 8;

/// Changes that wait in one lane; further ones are not made. All lanes together hold some seconds of what a busy chat server
/// causes.
const WAITING_MAX: usize = 512;

/// Changes that wait. A key has its lane, in which one follows the other.
#[derive(Debug, Default)]
pub(super) struct Changes {
    hasher: RandomState,
    lanes: [OnceLock<Sender<Waiting>>; LANES],
}

/// The key of a change, and what makes it.
type Waiting = (Box<str>, Later<Result<(), String>>);

impl Changes {
    /// Has a change made. Must be called in a runtime.
    ///
    /// # Errors
    /// If too many wait.
    pub(super) fn push(
        &self,
        source: &Arc<Inner>,
        key: &str,
        change: Later<Result<(), String>>,
    ) -> Result<(), NotChanged> {
        let number = self.hasher.hash_one(key) % LANES as u64;
        let lane = usize::try_from(number).ok().and_then(|number| self.lanes.get(number)).ok_or(NotChanged::Full)?;
        let lane = lane.get_or_init(|| open(Arc::clone(source)));
        lane.try_send((key.into(), change)).map_err(|_| NotChanged::Full)
    }
}

/// Starts what makes the changes of a lane, until the source is closed and no change is left.
fn open(source: Arc<Inner>) -> Sender<Waiting> {
    let (lane, mut waiting) = mpsc::channel::<Waiting>(WAITING_MAX);
    tokio::spawn(async move {
        while let Some((key, change)) = waiting.recv().await {
            source.make(&key, change).await;
        }
    });
    lane
}
