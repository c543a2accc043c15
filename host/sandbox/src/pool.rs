//! Idle instances, already restored to the snapshot: a slot for each core and plugin.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::guest::{Code, Guest};
use super::pages::PageMap;
use super::thread;
use crate::limits::PluginLimits;
use crate::reset::Reset;

/// State for keeping instances, shared by all plugins.
#[derive(Debug)]
pub(crate) struct Keeper {
    map: PageMap,
    kept: AtomicUsize,
    kept_max: usize,
}

impl Keeper {
    /// Keeps at most `kept_max` instances, for all plugins together.
    pub(crate) fn new(map: PageMap, kept_max: usize) -> Self {
        Self { map, kept: AtomicUsize::new(0), kept_max }
    }

    /// Whether the system was found to misreport which pages were changed. From then on no instance is kept, and idle
    /// ones are not used.
    pub(crate) fn is_distrusted(&self) -> bool {
        self.map.is_distrusted()
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

/// Beyond this number of mutable globals, they are not restored one by one: the plugin gets a new instance for each
/// call. Rust and C have one, AssemblyScript a handful.
const MUTABLE_GLOBALS_MAX: usize = 64;

/// Instances of one plugin.
pub(crate) struct Pool {
    /// `None`: each call gets a new instance.
    keeper: Option<Arc<Keeper>>,
    slots: Box<[Slot]>,
}

/// A slot, usually used by one thread. On its own cache lines, to avoid false sharing.
#[repr(align(128))]
#[derive(Default)]
struct Slot(Mutex<Option<Instance>>);

/// An instance, and its permission to be kept.
pub(crate) struct Instance {
    pub(crate) guest: Box<Guest>,
    admission: Option<Admission>,
}

impl Instance {
    /// An instance that was just made.
    pub(crate) fn new(guest: Guest) -> Self {
        Self { guest: Box::new(guest), admission: None }
    }

    /// Whether it has never been kept.
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

    /// The instance in this thread's slot. Never blocks on another thread.
    pub(crate) fn take(&self) -> Option<Instance> {
        let instance = self.slot()?.0.try_lock().ok()?.take()?;
        // It was restored while the system was still trusted.
        (!self.keeper.as_ref()?.is_distrusted()).then_some(instance)
    }

    /// Restores an instance to the snapshot and keeps it for this thread's next call, if possible.
    pub(crate) fn keep(&self, code: &Code, limits: &PluginLimits, mut instance: Instance) -> Kept {
        let (Some(keeper), Some(slot)) = (&self.keeper, self.slot()) else { return Kept::No };
        instance.admission = instance.admission.take().or_else(|| keeper.admit());
        if instance.admission.is_none() {
            return Kept::No;
        }
        // Another thread with the same slot may have been quicker: then putting this one back would be for nothing.
        if slot.0.try_lock().map_or(true, |slot| slot.is_some()) {
            return Kept::No;
        }
        match instance.guest.put_back(code, limits, &keeper.map) {
            Reset::Done => {}
            Reset::Spoiled => return Kept::Spoiled,
            Reset::Unfit => return Kept::No,
        }
        let Ok(mut slot) = slot.0.try_lock() else { return Kept::No };
        let other = slot.replace(instance);
        // Dropping an instance takes a while, for which the slot must not be locked.
        drop(slot);
        drop(other);
        Kept::Yes
    }

    fn slot(&self) -> Option<&Slot> {
        if self.slots.is_empty() {
            return None;
        }
        self.slots.get(thread::number() % self.slots.len())
    }
}

/// Whether an instance is kept for its next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It does.
    Yes,
    /// It is not: none are kept, or there is no room, or a new one is cheaper.
    No,
    /// It is not, because of what calls did to it.
    Spoiled,
}
