//! A bounded number of places: whoever has none waits in line, and gives up when it is time to.
//!
//! tokio's semaphore locks a mutex for each place that is given back, on every callback's way, whether anybody waits or
//! not. Here the ordinary case, a free place and nobody waiting, is one atomic operation to take it and one to give it
//! back.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

/// So many places. Cloning it gives the same ones.
#[derive(Debug, Clone)]
pub struct Places(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    places: usize,
    taken: AtomicUsize,
    /// Those who wait, the first one first. Each waits for one connection's callback, so there are never many.
    line: Mutex<VecDeque<oneshot::Sender<Place>>>,
    /// The length of the line, for those who need not know more.
    waiting: AtomicUsize,
}

/// A place; when this is dropped, it goes to whoever waits longest, or is free.
#[derive(Debug)]
pub struct Place(Option<Arc<Inner>>);

impl Drop for Place {
    fn drop(&mut self) {
        let Some(inner) = self.0.take() else { return };
        if inner.waiting.load(Ordering::SeqCst) == 0 {
            inner.taken.fetch_sub(1, Ordering::SeqCst);
            // Whoever begins to wait stands in line before looking for a free place (`take`), and here it is the other
            // way round: one of both sees the other.
            if inner.waiting.load(Ordering::SeqCst) == 0 || !inner.try_take() {
                return;
            }
        }
        inner.hand_over();
    }
}

impl Inner {
    fn line(&self) -> MutexGuard<'_, VecDeque<oneshot::Sender<Place>>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more as taken, if one is free.
    fn try_take(&self) -> bool {
        let more = |taken| (taken < self.places).then_some(taken + 1);
        self.taken.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok()
    }

    /// Gives a place that counts as taken to the first in line, or frees it.
    fn hand_over(self: &Arc<Self>) {
        let mut line = self.line();
        let mut place = Place(Some(Arc::clone(self)));
        while let Some(first) = line.pop_front() {
            self.waiting.store(line.len(), Ordering::SeqCst);
            match first.send(place) {
                Ok(()) => return,
                // That one has given up.
                Err(back) => place = back,
            }
        }
        // Nobody: it is freed while no one can join the line, and not by dropping it, which would look at the line.
        place.0 = None;
        self.taken.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Places {
    /// All of them free.
    pub fn new(places: usize) -> Self {
        Self(Arc::new(Inner {
            places,
            taken: AtomicUsize::new(0),
            line: Mutex::default(),
            waiting: AtomicUsize::new(0),
        }))
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// A place, if one becomes free in time. Nobody is passed who waits already.
    pub async fn take(&self, until: Instant) -> Option<Place> {
        let inner = &self.0;
        if inner.waiting.load(Ordering::SeqCst) == 0 && inner.try_take() {
            return Some(Place(Some(Arc::clone(inner))));
        }
        let (sender, receiver) = oneshot::channel();
        {
            let mut line = inner.line();
            line.push_back(sender);
            inner.waiting.store(line.len(), Ordering::SeqCst);
        }
        // One may have become free before anybody could see this one wait.
        if inner.try_take() {
            inner.hand_over();
        }
        // The receiver ends with the timeout: a place that comes too late goes on to the next.
        if let Ok(Ok(place)) = timeout_at(until, receiver).await {
            return Some(place);
        }
        let mut line = inner.line();
        line.retain(|waiting| !waiting.is_closed());
        inner.waiting.store(line.len(), Ordering::SeqCst);
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_as_many_places_as_said() {
        let places = Places::new(2);
        let (one, two) = (places.take(soon()).await, places.take(soon()).await);
        assert!(one.is_some() && two.is_some());
        let begun = Instant::now();
        assert!(places.take(soon()).await.is_none());
        assert_eq!(begun.elapsed(), Duration::from_secs(1));
        drop(one);
        assert!(places.take(soon()).await.is_some());
        drop(two);
        assert_eq!(places.taken(), 0);
        assert!(Places::new(0).take(soon()).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_longest_is_served_first_and_who_gave_up_does_not_count() {
        let places = Places::new(1);
        let place = places.take(soon()).await.unwrap();
        let (sender, mut served) = tokio::sync::mpsc::unbounded_channel();
        for (name, patience_s) in [("first", 10), ("second", 1), ("third", 10)] {
            let (places, sender) = (places.clone(), sender.clone());
            tokio::spawn(async move {
                let place = places.take(Instant::now() + Duration::from_secs(patience_s)).await;
                sender.send((name, place.is_some())).unwrap();
                drop(place);
            });
            tokio::task::yield_now().await;
        }
        assert_eq!(served.recv().await, Some(("second", false)));
        drop(place);
        assert_eq!(served.recv().await, Some(("first", true)));
        assert_eq!(served.recv().await, Some(("third", true)));
        assert_eq!((places.taken(), places.0.waiting.load(Ordering::SeqCst)), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_later_does_not_pass_those_in_line() {
        let places = Places::new(1);
        let place = places.take(soon()).await.unwrap();
        let mut first = Box::pin(places.take(soon()));
        assert!(poll_once(&mut first).is_none());
        drop(place);
        // The place is free for nobody but the first, who has not looked yet.
        let mut later = Box::pin(places.take(soon()));
        assert!(poll_once(&mut later).is_none());
        let place = poll_once(&mut first).unwrap();
        assert!(place.is_some());
        drop(place);
        assert!(poll_once(&mut later).unwrap().is_some());
        assert_eq!(places.taken(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_for_somebody_who_has_left_goes_to_the_next() {
        let places = Places::new(1);
        let place = places.take(soon()).await.unwrap();
        let (mut first, mut second) = (Box::pin(places.take(soon())), Box::pin(places.take(soon())));
        assert!(poll_once(&mut first).is_none() && poll_once(&mut second).is_none());
        drop(place);
        // Handed over already, and never fetched.
        drop(first);
        assert!(poll_once(&mut second).unwrap().is_some());
        assert_eq!(places.taken(), 0);
        assert!(places.take(soon()).await.is_some());
    }

    /// Looks at a future once.
    fn poll_once<T>(future: &mut std::pin::Pin<Box<impl Future<Output = T>>>) -> Option<T> {
        match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn no_place_is_lost_and_nobody_is_forgotten() {
        let places = Places::new(3);
        let at_once = Arc::new(AtomicUsize::new(0));
        let takers: Vec<_> = (0..16)
            .map(|_| {
                let (places, at_once) = (places.clone(), Arc::clone(&at_once));
                tokio::spawn(async move {
                    for _ in 0..2000 {
                        let place = places.take(Instant::now() + Duration::from_secs(60)).await.unwrap();
                        assert!(at_once.fetch_add(1, Ordering::SeqCst) < 3);
                        tokio::task::yield_now().await;
                        at_once.fetch_sub(1, Ordering::SeqCst);
                        drop(place);
                    }
                })
            })
            .collect();
        for taker in takers {
            taker.await.unwrap();
        }
        assert_eq!(places.taken(), 0);
    }
}
