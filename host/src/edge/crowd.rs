//! All connections of one listener: their number, by address, and which ones are closed to make room for others.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::pulse::{Handshake, Order, Peer, Pulse};

/// The connections of one listener.
#[derive(Debug)]
pub(super) struct Crowd {
    inner: Mutex<Inner>,
    /// Time since the start, in seconds, as [`Crowd::tick`] counts it: precise enough to find long idle connections,
    /// and cheaper to read than a clock.
    now_s: AtomicU32,
    left: Notify,
}

#[derive(Debug)]
struct Inner {
    members: HashMap<u64, Arc<Pulse>>,
    by_address: HashMap<IpAddr, usize>,
    next: u64,
    order: Order,
}

/// A connection that counts for as long as this lives.
#[derive(Debug)]
pub(super) struct Member {
    crowd: Arc<Crowd>,
    number: u64,
    pub(super) pulse: Arc<Pulse>,
}

/// A connection without an accepted request, or in its TLS handshake, may be closed to make room after this time, in
/// seconds; up to one more.
const STRANGER_S: u32 = 1;

/// A connection on which requests were answered is closed for others only if it has been idle for this long, in
/// seconds.
const WELCOME_IDLE_S: u32 = 10;

/// This part of the connections without an accepted request is closed at a time, so that a flood does not cost a search
/// per connection.
const EVICTED_PART: usize = 64;

impl Crowd {
    pub(super) fn new() -> Arc<Self> {
        let inner = Inner { members: HashMap::new(), by_address: HashMap::new(), next: 0, order: Order::Serve };
        Arc::new(Self { inner: Mutex::new(inner), now_s: AtomicU32::new(0), left: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a second.
    pub(super) fn tick(&self) {
        self.now_s.fetch_add(1, Relaxed);
    }

    pub(super) fn now_s(&self) -> u32 {
        self.now_s.load(Relaxed)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().members.len()
    }

    /// Takes a connection in; `None` if its address has `per_address_max` already (0: no maximum).
    pub(super) fn enter(self: &Arc<Self>, peer: Peer, per_address_max: usize) -> Option<Member> {
        let mut inner = self.lock();
        if let Some(address) = peer.address {
            let count = inner.by_address.entry(address).or_default();
            if per_address_max > 0 && *count >= per_address_max {
                return None;
            }
            *count += 1;
        }
        let number = inner.next;
        inner.next += 1;
        let pulse = Arc::new(Pulse::new(peer, self.now_s(), inner.order));
        inner.members.insert(number, Arc::clone(&pulse));
        Some(Member { crowd: Arc::clone(self), number, pulse })
    }

    /// Gives an order to all connections, and to those that come later.
    pub(super) fn give(&self, order: Order) {
        let mut inner = self.lock();
        inner.order = order;
        for pulse in inner.members.values() {
            pulse.give(order);
        }
    }

    /// Waits until fewer than `members` are left.
    pub(super) async fn fewer_than(&self, members: usize) {
        loop {
            let left = self.left.notified();
            if self.len() < members {
                return;
            }
            left.await;
        }
    }

    /// Closes connections to make room: first those whose requests were all refused, then those without a request, then
    /// the one that has been idle longest; among these, those of the address with the most connections first. A
    /// connection with a request in progress is never closed. Returns how many are being closed.
    pub(super) fn make_room(&self) -> usize {
        let inner = self.lock();
        let now_s = self.now_s();
        let of_address = |pulse: &Pulse| {
            let address = pulse.peer.address?;
            inner.by_address.get(&address).copied()
        };
        let mut closable: Vec<_> = inner
            .members
            .values()
            .filter_map(|pulse| {
                let idle_s = now_s.saturating_sub(pulse.last_s());
                let class = Class::of(pulse, idle_s)?;
                Some((class, Reverse(of_address(pulse).unwrap_or_default()), Reverse(idle_s), pulse))
            })
            .collect();
        let strangers = closable.iter().filter(|(class, ..)| *class != Class::Idle).count();
        let wanted = if strangers > 0 { strangers.div_ceil(EVICTED_PART) } else { closable.len().min(1) };
        if wanted == 0 {
            return 0;
        }
        let key = |(class, of_address, idle_s, _): &(Class, Reverse<usize>, Reverse<u32>, &Arc<Pulse>)| {
            (*class, *of_address, *idle_s)
        };
        closable.select_nth_unstable_by_key(wanted - 1, key);
        closable.truncate(wanted);
        for (.., pulse) in &closable {
            pulse.give(Order::Leave);
        }
        closable.len()
    }

    /// Closes connections whose TLS handshake has taken long, as many as wait for theirs: first those of the address
    /// with the most connections. Returns how many are being closed.
    pub(super) fn make_room_for_handshakes(&self) -> usize {
        let inner = self.lock();
        let now_s = self.now_s();
        let (mut waiting, mut running) = (0, Vec::new());
        for pulse in inner.members.values().filter(|pulse| pulse.order() != Order::Leave) {
            let taken_s = now_s.saturating_sub(pulse.last_s());
            match pulse.handshake() {
                Handshake::Waiting => waiting += 1,
                Handshake::Running if taken_s > STRANGER_S => {
                    let of_address = pulse.peer.address.and_then(|address| inner.by_address.get(&address).copied());
                    running.push((Reverse(of_address.unwrap_or_default()), Reverse(taken_s), pulse));
                }
                Handshake::None | Handshake::Running => {}
            }
        }
        running.sort_unstable_by_key(|(of_address, taken_s, _)| (*of_address, *taken_s));
        running.truncate(waiting);
        for (.., pulse) in &running {
            pulse.give(Order::Leave);
        }
        running.len()
    }
}

/// Which connections are closed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// Nothing but refusals.
    Refused,
    /// No request yet.
    Silent,
    /// Between two requests.
    Idle,
}

impl Class {
    fn of(pulse: &Pulse, idle_s: u32) -> Option<Self> {
        // One that waits for its handshake is not to blame for its silence.
        if pulse.is_running() || pulse.order() == Order::Leave || pulse.handshake() == Handshake::Waiting {
            return None;
        }
        match (pulse.is_welcome(), pulse.started()) {
            (false, 1..) => Some(Self::Refused),
            (false, 0) => (idle_s > STRANGER_S).then_some(Self::Silent),
            (true, _) => (idle_s > WELCOME_IDLE_S && !pulse.is_in_head()).then_some(Self::Idle),
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut inner = self.crowd.lock();
        inner.members.remove(&self.number);
        if let Some(address) = self.pulse.peer.address
            && let Some(count) = inner.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                inner.by_address.remove(&address);
            }
        }
        drop(inner);
        self.crowd.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(last: u8) -> Peer {
        Peer::new(IpAddr::from([192, 0, 2, last]))
    }

    fn leaving(members: &[Member]) -> Vec<usize> {
        let leaves = |(_, member): &(usize, &Member)| member.pulse.order() == Order::Leave;
        members.iter().enumerate().filter(leaves).map(|(index, _)| index).collect()
    }

    fn answered(member: &Member, is_welcome: bool) {
        member.pulse.begin(member.crowd.now_s());
        if is_welcome {
            member.pulse.welcome();
        }
        member.pulse.end();
    }

    #[test]
    fn the_refused_leave_first_then_the_silent_then_the_longest_idle_of_the_largest_address() {
        let crowd = Crowd::new();
        let enter = |last| crowd.enter(peer(last), 0).unwrap();
        let members = [enter(1), enter(1), enter(2), enter(2), enter(2), enter(3)];
        answered(&members[0], true);
        answered(&members[1], true);
        answered(&members[2], true);
        answered(&members[3], false);
        members[5].pulse.begin(0);
        assert_eq!((crowd.make_room(), leaving(&members)), (1, vec![3]));
        assert_eq!((crowd.make_room(), leaving(&members)), (0, vec![3]), "nobody has been idle for long");
        crowd.tick();
        crowd.tick();
        assert_eq!((crowd.make_room(), leaving(&members)), (1, vec![3, 4]));
        for _ in 0..WELCOME_IDLE_S {
            crowd.tick();
        }
        answered(&members[0], true);
        // The address with three connections, although the other one is idle for as long.
        assert_eq!((crowd.make_room(), leaving(&members)), (1, vec![2, 3, 4]));
        assert_eq!((crowd.make_room(), leaving(&members)), (1, vec![1, 2, 3, 4]));
        assert_eq!(crowd.make_room(), 0, "one has just been used, one is being answered");
    }

    #[test]
    fn handshakes_that_take_long_make_room_for_those_that_wait() {
        let crowd = Crowd::new();
        let enter = |last| crowd.enter(peer(last), 0).unwrap();
        let members = [enter(1), enter(2), enter(2), enter(3), enter(4)];
        for member in &members[..3] {
            member.pulse.set_handshake(Handshake::Running, 0);
        }
        members[3].pulse.set_handshake(Handshake::Waiting, 0);
        crowd.tick();
        crowd.tick();
        // The address with two connections.
        assert_eq!(crowd.make_room_for_handshakes(), 1);
        assert!(matches!(leaving(&members)[..], [1] | [2]));
        members[4].pulse.set_handshake(Handshake::Waiting, 2);
        assert_eq!((crowd.make_room_for_handshakes(), leaving(&members)), (2, vec![0, 1, 2]));
        assert_eq!(crowd.make_room_for_handshakes(), 0);
        assert_eq!((crowd.make_room(), leaving(&members)), (0, vec![0, 1, 2]), "those that wait stay");
        members[4].pulse.set_handshake(Handshake::Running, 2);
        crowd.tick();
        assert_eq!(crowd.make_room_for_handshakes(), 0, "its time runs from its beginning");
    }

    #[test]
    fn an_address_has_as_many_connections_as_it_may_and_no_more() {
        let crowd = Crowd::new();
        let first = crowd.enter(peer(1), 2).unwrap();
        let _second = crowd.enter(peer(1), 2).unwrap();
        assert!(crowd.enter(peer(1), 2).is_none());
        assert!(crowd.enter(peer(2), 2).is_some() && crowd.enter(Peer::default(), 1).is_some());
        assert!(crowd.enter(peer(1), 0).is_some());
        drop(first);
        assert!(crowd.enter(peer(1), 2).is_some());
    }

    #[test]
    fn what_comes_later_has_the_order_of_all() {
        let crowd = Crowd::new();
        crowd.give(Order::Drain);
        assert_eq!(crowd.enter(peer(1), 0).unwrap().pulse.order(), Order::Drain);
        assert_eq!(crowd.len(), 0);
    }
}
