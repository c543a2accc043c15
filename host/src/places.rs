//! A bounded number of places: whoever has none waits in line, and gives up when it is time to.
//!
//! tokio's semaphore locks a mutex for each place that is given back, on every callback's way, whether anybody waits or
//! not. Here the ordinary case, a free place and nobody waiting, is one atomic operation to take it and one to give it
//! back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// So many places. Cloning it gives the same ones.
#[derive(Debug, Clone)]
pub struct Places(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    places: usize,
    taken: AtomicUsize,
    waiting: AtomicUsize,
    /// Told once for each place that is given back while somebody waits.
    freed: Notify,
}

/// A place; it is given back when this is dropped.
#[derive(Debug)]
pub struct Place(Arc<Inner>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::SeqCst);
        // Whoever begins to wait counts itself before it looks for a free place (`take`), and here it is the other way
        // round: one of both sees the other.
        if self.0.waiting.load(Ordering::SeqCst) > 0 {
            self.0.freed.notify_one();
        }
    }
}

/// Somebody who waits, counted until this is dropped.
struct Waiting<'i>(&'i Inner);

impl<'i> Waiting<'i> {
    fn new(inner: &'i Inner) -> Self {
        inner.waiting.fetch_add(1, Ordering::SeqCst);
        Self(inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Places {
    /// All of them free.
    pub fn new(places: usize) -> Self {
        Self(Arc::new(Inner { places, taken: AtomicUsize::new(0), waiting: AtomicUsize::new(0), freed: Notify::new() }))
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// A place, if one becomes free in time.
    pub async fn take(&self, until: Instant) -> Option<Place> {
        // Nobody is passed who waits already.
        if self.0.waiting.load(Ordering::SeqCst) == 0
            && let Some(place) = self.try_take()
        {
            return Some(place);
        }
        let waiting = Waiting::new(&self.0);
        let place = timeout_at(until, async {
            loop {
                // In line before looking: two places that become free in between must wake two.
                let mut freed = std::pin::pin!(self.0.freed.notified());
                freed.as_mut().enable();
                if let Some(place) = self.try_take() {
                    return place;
                }
                freed.await;
            }
        });
        let place = place.await.ok();
        drop(waiting);
        place
    }

    fn try_take(&self) -> Option<Place> {
        let more = |taken| (taken < self.0.places).then_some(taken + 1);
        self.0.taken.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).ok()?;
        Some(Place(Arc::clone(&self.0)))
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
