//! Instances that wait for their next call, already put back to the snapshot: a slot for each core and plugin.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::guest::{Code, Guest};
use super::pages::PageMap;
use super::thread;
use crate::limits::PluginLimits;

/// What makes it possible to keep instances, once for all plugins.
#[derive(Debug)]
pub(crate) struct Keeper {
    map: PageMap,
    kept: AtomicUsize,
    kept_max: usize,
}

impl Keeper {
    /// Keeps at most so many instances, all plugins together.
    pub(crate) fn new(map: PageMap, kept_max: usize) -> Self {
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
pub(crate) struct Pool {
    /// `None`: each call gets a new instance.
    keeper: Option<Arc<Keeper>>,
    slots: Box<[Slot]>,
}

/// A slot that usually one thread uses. On cache lines of its own, so that threads do not take them from each other.
#[repr(align(128))]
#[derive(Default)]
struct Slot(Mutex<Option<Instance>>);

/// An instance, and its leave to be kept.
pub(crate) struct Instance {
    pub(crate) guest: Box<Guest>,
    admission: Option<Admission>,
}

impl Instance {
    /// An instance that was just made.
    pub(crate) fn new(guest: Guest) -> Self {
        Self { guest: Box::new(guest), admission: None }
    }

    /// Whether it was never kept.
    pub(crate) fn is_new(&self) -> bool {
        self.admission.is_none()
    }
}

impl Pool {
    /// None kept yet.
    pub(crate) fn new(keeper: Option<Arc<Keeper>>, code: &Code) -> Self {
        let keeper = keeper.filter(|_| code.mutable_globals() <= MUTABLE_GLOBALS_MAX);
        let slots = if keeper.is_some() { thread::slots() } else { 0 };
        Self { keeper, slots: (0..slots).map(|_| Slot::default()).collect() }
    }

    /// The instance that waits in this thread's slot. It never waits for another thread.
    pub(crate) fn take(&self) -> Option<Instance> {
        self.slot()?.0.try_lock().ok()?.take()
    }

    /// Puts an instance back to the snapshot and keeps it for this thread's next call, if that is possible.
    pub(crate) fn keep(&self, code: &Code, limits: &PluginLimits, mut instance: Instance) {
        let (Some(keeper), Some(slot)) = (&self.keeper, self.slot()) else { return };
        instance.admission = instance.admission.take().or_else(|| keeper.admit());
        if instance.admission.is_some()
            && instance.guest.put_back(code, limits, &keeper.map)
            && let Ok(mut slot) = slot.0.try_lock()
        {
            *slot = Some(instance);
        }
    }

    fn slot(&self) -> Option<&Slot> {
        if self.slots.is_empty() {
            return None;
        }
        self.slots.get(thread::number() % self.slots.len())
    }
}
