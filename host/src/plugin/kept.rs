//! Instances that wait for their next call, already put back to the snapshot: a place for each core and plugin.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::guest::{Code, Guest};
use super::pages::PageMap;
use crate::settings::PluginLimits;

/// What makes it possible to keep instances, once for all plugins.
#[derive(Debug)]
pub(super) struct Keeper {
    map: PageMap,
    kept: AtomicUsize,
    kept_max: usize,
}

impl Keeper {
    /// Keeps at most so many instances, all plugins together.
    pub(super) fn new(map: PageMap, kept_max: usize) -> Self {
        Self { map, kept: AtomicUsize::new(0), kept_max }
    }

    fn admit(self: &Arc<Self>) -> Option<Admission> {
        let more = |kept| (kept < self.kept_max).then_some(kept + 1);
        self.kept.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Admission(Arc::clone(self)))
    }
}

/// One of the keeper's [`Keeper::kept_max`].
struct Admission(Arc<Keeper>);

impl Drop for Admission {
    fn drop(&mut self) {
        self.0.kept.fetch_sub(1, Ordering::Relaxed);
    }
}

/// More mutable globals than this are not put back one by one; such a plugin gets a new instance for each call. Rust
/// and C have one, AssemblyScript a handful.
const MUTABLE_GLOBALS_MAX: usize = 64;

/// Instances of one plugin.
pub(super) struct Kept {
    /// `None`: each call gets a new instance.
    keeper: Option<Arc<Keeper>>,
    places: Box<[Place]>,
}

/// A place that usually one thread uses. On cache lines of its own, so that threads do not take them from each other.
#[repr(align(128))]
#[derive(Default)]
struct Place(Mutex<Option<Occupant>>);

/// An instance, and its leave to be kept.
pub(super) struct Occupant {
    pub(super) guest: Box<Guest>,
    admission: Option<Admission>,
}

impl Occupant {
    /// An instance that was just made.
    pub(super) fn new(guest: Guest) -> Self {
        Self { guest: Box::new(guest), admission: None }
    }

    /// Whether it was never kept.
    pub(super) fn is_new(&self) -> bool {
        self.admission.is_none()
    }
}

impl Kept {
    /// None kept yet.
    pub(super) fn new(keeper: Option<Arc<Keeper>>, code: &Code) -> Self {
        let keeper = keeper.filter(|_| code.mutable_globals() <= MUTABLE_GLOBALS_MAX);
        let places = if keeper.is_some() { places() } else { 0 };
        Self { keeper, places: (0..places).map(|_| Place::default()).collect() }
    }

    /// The instance that waits in this thread's place. It never waits for another thread.
    pub(super) fn take(&self) -> Option<Occupant> {
        self.place()?.0.try_lock().ok()?.take()
    }

    /// Puts an instance back to the snapshot and keeps it for this thread's next call, if that is possible.
    pub(super) fn keep(&self, code: &Code, limits: &PluginLimits, mut occupant: Occupant) {
        let (Some(keeper), Some(place)) = (&self.keeper, self.place()) else { return };
        occupant.admission = occupant.admission.take().or_else(|| keeper.admit());
        if occupant.admission.is_some()
            && occupant.guest.put_back(code, limits, &keeper.map)
            && let Ok(mut place) = place.0.try_lock()
        {
            *place = Some(occupant);
        }
    }

    fn place(&self) -> Option<&Place> {
        thread_local! {
            static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
        }
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        if self.places.is_empty() {
            return None;
        }
        let number = NUMBER.get().unwrap_or_else(|| {
            let number = THREADS.fetch_add(1, Ordering::Relaxed);
            NUMBER.set(Some(number));
            number
        });
        self.places.get(number % self.places.len())
    }
}

fn places() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
