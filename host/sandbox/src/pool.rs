//! Idle instances, already restored to the snapshot: a slot for each core and plugin.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::aside::Aside;
use super::cpu;
use super::guest::{Code, Guest};
use super::pages::{Glance, PageMap};
use super::thread;
use crate::limits::PluginLimits;
use crate::reset::Reset;

/// State for keeping instances, shared by all plugins.
#[derive(Debug)]
pub(crate) struct Keeper {
    map: PageMap,
    aside: Aside,
    kept: AtomicUsize,
    kept_max: usize,
}

impl Keeper {
    /// Keeps at most `kept_max` instances, for all plugins together.
    ///
    /// # Errors
    /// If the system starts no more threads.
    pub(crate) fn new(map: PageMap, kept_max: usize) -> std::io::Result<Self> {
        Ok(Self { map, aside: Aside::start()?, kept: AtomicUsize::new(0), kept_max })
    }

    /// Whether the system was found to misreport which pages were changed. From then on no instance is kept, and idle
    /// ones are not used.
    pub(crate) fn is_distrusted(&self) -> bool {
        self.map.is_distrusted()
    }

    /// Has work done on the thread on which instances are restored; see [`Aside::work`].
    #[cfg(test)]
    pub(crate) fn work_aside(&self, work: impl FnOnce() + Send + 'static) -> bool {
        self.aside.work(work)
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
    shared: Arc<Shared>,
}

/// What it takes to restore an instance, on any thread.
struct Shared {
    code: Arc<Code>,
    limits: PluginLimits,
    slots: Box<[Slot]>,
    /// Instances that are restored aside, or wait there.
    aside: AtomicUsize,
    /// CPU time that was spent aside and that no call has been charged for, in nanoseconds.
    aside_ns: AtomicU64,
    /// Whether an instance turned out there to be spoiled, which no call has been told.
    was_spoiled_aside: AtomicBool,
}

/// Instances in a slot: one is called while the other is restored aside.
const INSTANCES_PER_SLOT: usize = 2;

/// A slot, usually used by one thread. On its own cache lines, to avoid false sharing.
#[repr(align(128))]
#[derive(Default)]
struct Slot(Mutex<[Option<Instance>; INSTANCES_PER_SLOT]>);

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
    pub(crate) fn new(keeper: Option<Arc<Keeper>>, code: Code, limits: &PluginLimits) -> Self {
        Self::of(keeper, Arc::new(code), limits)
    }

    /// Another pool of the same code, with none kept yet.
    pub(crate) fn apart(&self) -> Self {
        Self::of(self.keeper.clone(), Arc::clone(&self.shared.code), &self.shared.limits)
    }

    fn of(keeper: Option<Arc<Keeper>>, code: Arc<Code>, limits: &PluginLimits) -> Self {
        let keeper = keeper.filter(|_| code.mutable_globals() <= MUTABLE_GLOBALS_MAX);
        let slots = if keeper.is_some() { thread::slots() } else { 0 };
        let shared = Shared {
            code,
            limits: limits.clone(),
            slots: (0..slots).map(|_| Slot::default()).collect(),
            aside: AtomicUsize::new(0),
            aside_ns: AtomicU64::new(0),
            was_spoiled_aside: AtomicBool::new(false),
        };
        Self { keeper, shared: Arc::new(shared) }
    }

    pub(crate) fn code(&self) -> &Code {
        &self.shared.code
    }

    pub(crate) fn limits(&self) -> &PluginLimits {
        &self.shared.limits
    }

    /// An instance in this thread's slot. Never blocks on another thread.
    pub(crate) fn take(&self) -> Option<Instance> {
        let (_, slot) = self.slot()?;
        let instance = slot.0.try_lock().ok()?.iter_mut().find_map(Option::take)?;
        // It was restored while the system was still trusted.
        (!self.keeper.as_ref()?.is_distrusted()).then_some(instance)
    }

    /// Restores an instance to the snapshot and keeps it for this thread's next call, if possible. After a brief call,
    /// all that might block is done aside, and it counts as kept although it may turn out later that it cannot be.
    pub(crate) fn keep(&self, mut instance: Instance, is_brief: bool) -> Kept {
        match self.try_to_keep(&mut instance, is_brief) {
            Ok(Restored::Aside(number, glance)) => {
                let Some(keeper) = &self.keeper else { return Kept::No };
                let (shared, its_keeper) = (Arc::clone(&self.shared), Arc::clone(keeper));
                shared.aside.fetch_add(1, Ordering::Relaxed);
                let restore = move || shared.restore_aside(number, instance, &its_keeper, glance);
                if keeper.aside.work(restore) {
                    return Kept::Yes;
                }
                // The restoring thread is overloaded, so the plugin moves to the workers.
                self.shared.aside.fetch_sub(1, Ordering::Relaxed);
                Kept::Spoiled
            }
            Ok(Restored::Here(number)) => {
                let other = self.shared.slots.get(number).and_then(|slot| slot.fill(instance));
                match other {
                    None => Kept::Yes,
                    Some(other) => {
                        self.lose(other, is_brief);
                        Kept::No
                    }
                }
            }
            Err(kept) => {
                self.lose(instance, is_brief);
                kept
            }
        }
    }

    /// Restores an instance here, if that blocks nothing that must not be blocked.
    fn try_to_keep(&self, instance: &mut Instance, is_brief: bool) -> Result<Restored, Kept> {
        let (Some(keeper), Some((number, slot))) = (&self.keeper, self.slot()) else { return Err(Kept::No) };
        instance.admission = instance.admission.take().or_else(|| keeper.admit());
        // Other threads with the same slot may have been quicker: then restoring this one would be for nothing.
        if instance.admission.is_none() || slot.0.try_lock().map_or(true, |slot| slot.iter().all(Option::is_some)) {
            return Err(Kept::No);
        }
        let glance = instance.guest.glance(&keeper.map);
        let may_go_aside = self.shared.aside.load(Ordering::Relaxed) < self.shared.slots.len() * INSTANCES_PER_SLOT;
        // With too many there, each call would make a new instance, which takes the same lock.
        if is_brief && glance.looks && may_go_aside {
            return Ok(Restored::Aside(number, glance));
        }
        match instance.guest.put_back(self.code(), self.limits(), &keeper.map, glance) {
            Reset::Done => Ok(Restored::Here(number)),
            Reset::Spoiled => Err(Kept::Spoiled),
            Reset::Unfit => Err(Kept::No),
        }
    }

    /// Drops an instance; after a brief call aside.
    pub(crate) fn lose(&self, instance: Instance, is_brief: bool) {
        if let Some(keeper) = self.keeper.as_ref().filter(|_| is_brief) {
            let shared = Arc::clone(&self.shared);
            keeper.aside.work(move || shared.count(|| drop(instance)));
        }
    }

    /// What was done aside since this was last asked: the CPU time it took, and whether an instance was spoiled.
    pub(crate) fn done_aside(&self) -> (Duration, bool) {
        // Mostly nothing, and then nothing is written that other threads read.
        if self.shared.aside_ns.load(Ordering::Relaxed) == 0 {
            return (Duration::ZERO, false);
        }
        let ns = self.shared.aside_ns.swap(0, Ordering::Relaxed);
        (Duration::from_nanos(ns), self.shared.was_spoiled_aside.swap(false, Ordering::Relaxed))
    }

    /// This thread's slot, and its number.
    fn slot(&self) -> Option<(usize, &Slot)> {
        let number = thread::number().checked_rem(self.shared.slots.len())?;
        Some((number, self.shared.slots.get(number)?))
    }
}

/// Where an instance is restored, and the number of its slot.
enum Restored {
    /// It is, here.
    Here(usize),
    /// It has yet to be, aside.
    Aside(usize, Glance),
}

impl Slot {
    /// Puts an instance in; gives it back if there is no room, or another thread has the slot.
    fn fill(&self, instance: Instance) -> Option<Instance> {
        let Ok(mut instances) = self.0.try_lock() else { return Some(instance) };
        match instances.iter_mut().find(|place| place.is_none()) {
            Some(place) => place.replace(instance),
            None => Some(instance),
        }
    }
}

impl Shared {
    /// Restores an instance whose page map must be read, and puts it into its slot.
    fn restore_aside(&self, number: usize, mut instance: Instance, keeper: &Keeper, glance: Glance) {
        self.count(|| match instance.guest.put_back(&self.code, &self.limits, &keeper.map, glance) {
            Reset::Done => drop(self.slots.get(number).and_then(|slot| slot.fill(instance))),
            Reset::Spoiled => self.was_spoiled_aside.store(true, Ordering::Relaxed),
            Reset::Unfit => {}
        });
        self.aside.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts the CPU time of what is done aside.
    fn count(&self, work: impl FnOnce()) {
        let before = cpu::of_this_thread();
        work();
        let ns = cpu::of_this_thread().saturating_sub(before).as_nanos();
        self.aside_ns.fetch_add(u64::try_from(ns).unwrap_or(u64::MAX / 2).max(1), Ordering::Relaxed);
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
