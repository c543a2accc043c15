//! What the parts of one connection know of each other, and what others tell them.

use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};

/// What is known about the client of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Peer {
    /// Its address; `None` for a connection that has none: through a Unix socket, or in memory.
    pub address: Option<IpAddr>,
}

impl Peer {
    /// A peer with this address. IPv4 in the form of IPv6 becomes IPv4, so that networks are compared as they are
    /// written.
    #[must_use]
    pub fn new(address: IpAddr) -> Self {
        Self { address: Some(address.to_canonical()) }
    }
}

/// Instructions to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    /// To go on.
    Serve,
    /// To close after the next answer.
    Drain,
    /// Close as soon as no request is in progress.
    Finish,
    /// To close now.
    Leave,
}

/// How far a connection is with its TLS handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handshake {
    /// There is none under way.
    None,
    /// It waits for its turn.
    Waiting,
    Running,
}

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Pulse {
    pub(super) peer: Peer,
    /// Requests whose head has arrived.
    started: AtomicU64,
    /// Requests that are being answered.
    running: AtomicU64,
    /// The crowd's time when it was opened, when its handshake began, or when the last request came, in seconds.
    last_s: AtomicU32,
    /// An answer was given that is no refusal.
    is_welcome: AtomicBool,
    /// A head has arrived in part.
    is_in_head: AtomicBool,
    /// Bytes of an answer wait for the client to take them.
    is_stalled: AtomicBool,
    /// The head that is arriving is to be refused.
    is_head_late: AtomicBool,
    handshake: AtomicU8,
    order: AtomicU8,
    waker: Mutex<Option<Waker>>,
}

impl Pulse {
    pub(super) fn new(peer: Peer, opened_s: u32, order: Order) -> Self {
        Self {
            peer,
            started: AtomicU64::new(0),
            running: AtomicU64::new(0),
            last_s: AtomicU32::new(opened_s),
            is_welcome: AtomicBool::new(false),
            is_in_head: AtomicBool::new(false),
            is_stalled: AtomicBool::new(false),
            is_head_late: AtomicBool::new(false),
            handshake: AtomicU8::new(Handshake::None as u8),
            order: AtomicU8::new(order as u8),
            waker: Mutex::new(None),
        }
    }

    pub(super) fn begin(&self, now_s: u32) {
        self.started.fetch_add(1, Relaxed);
        self.running.fetch_add(1, Relaxed);
        self.last_s.store(now_s, Relaxed);
    }

    pub(super) fn end(&self) {
        self.running.fetch_sub(1, Relaxed);
    }

    pub(super) fn started(&self) -> u64 {
        self.started.load(Relaxed)
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.load(Relaxed) > 0
    }

    pub(super) fn last_s(&self) -> u32 {
        self.last_s.load(Relaxed)
    }

    /// Remembers that a request was answered and not refused.
    pub(super) fn welcome(&self) {
        if !self.is_welcome() {
            self.is_welcome.store(true, Relaxed);
        }
    }

    pub(super) fn is_welcome(&self) -> bool {
        self.is_welcome.load(Relaxed)
    }

    pub(super) fn set_in_head(&self, is_in_head: bool) {
        self.is_in_head.store(is_in_head, Relaxed);
    }

    pub(super) fn is_in_head(&self) -> bool {
        self.is_in_head.load(Relaxed)
    }

    pub(super) fn set_stalled(&self, is_stalled: bool) {
        self.is_stalled.store(is_stalled, Relaxed);
    }

    pub(super) fn is_stalled(&self) -> bool {
        self.is_stalled.load(Relaxed)
    }

    /// Has the head refused that is arriving.
    pub(super) fn head_is_late(&self) {
        self.is_head_late.store(true, Relaxed);
    }

    pub(super) fn is_head_late(&self) -> bool {
        self.is_head_late.load(Relaxed)
    }

    /// Notes how far the handshake is.
    pub(super) fn set_handshake(&self, handshake: Handshake, now_s: u32) {
        self.last_s.store(now_s, Relaxed);
        self.handshake.store(handshake as u8, Relaxed);
    }

    pub(super) fn handshake(&self) -> Handshake {
        match self.handshake.load(Relaxed) {
            0 => Handshake::None,
            1 => Handshake::Waiting,
            _ => Handshake::Running,
        }
    }

    pub(super) fn order(&self) -> Order {
        match self.order.load(Relaxed) {
            0 => Order::Serve,
            1 => Order::Drain,
            2 => Order::Finish,
            _ => Order::Leave,
        }
    }

    /// Completes once this order, or a stronger one, was given. Only one task may wait.
    pub(super) async fn ordered(&self, order: Order) {
        poll_fn(|cx| {
            self.set_waker(cx.waker());
            if self.order() >= order { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Gives an order, which is never taken back, and wakes the connection's task.
    pub(super) fn give(&self, order: Order) {
        self.order.fetch_max(order as u8, Relaxed);
        if let Some(waker) = &*self.waker.lock().unwrap_or_else(PoisonError::into_inner) {
            waker.wake_by_ref();
        }
    }

    /// Which task is woken by an order.
    pub(super) fn set_waker(&self, waker: &Waker) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }
}
