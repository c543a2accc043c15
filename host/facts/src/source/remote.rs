//! What all sources share that ask over the network: a cache, one fetch at a time for each key, a time limit, and a circuit
//! breaker. Who is asked, and how, is an [`Ask`].

mod breaker;
mod cache;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use callgate_catalogue::wire::{Change, Why};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};

use crate::lookup::Purpose;
use crate::lookup::{Answer, Later, LookedUp, NotChanged, Source};
use crate::settings;
use crate::stats::{Cached, Stats};
use breaker::Breaker;
use cache::{Cache, Entry};

/// Asks someone over the network.
pub(super) trait Ask: fmt::Debug + Send + Sync + 'static {
    /// The value of a key as JSON, or `None` if there is none; or what went wrong, in one sentence that shows neither the key nor
    /// a secret.
    fn ask(&self, key: &str) -> Later<Result<Option<Arc<str>>, String>>;

    /// Changes the value of a key, and says whether that worked; `None` if it can only be read.
    fn change(&self, key: &str, change: &Change<'_>, ttl_ms: Option<u64>) -> Option<Later<Result<(), String>>> {
        let _ = (key, change, ttl_ms);
        None
    }

    /// Whether asking counts, so that no answer may be used twice: [`Ask::ask`] is then only called for callbacks that are
    /// decided, and [`Ask::peek`] for others.
    fn counts(&self) -> bool {
        false
    }

    /// As [`Ask::ask`], without counting.
    fn peek(&self, key: &str) -> Later<Result<Option<Arc<str>>, String>> {
        self.ask(key)
    }
}

/// A source that is asked over the network.
#[derive(Debug)]
pub(super) struct Remote(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ask: Box<dyn Ask>,
    settings: settings::Remote,
    cache: Mutex<Cache>,
    breaker: Mutex<Breaker>,
    slots: Semaphore,
    stats: Arc<Stats>,
}

/// What becomes of a look-up, found out while the entries are locked.
enum Next {
    Answer(Answer),
    /// The answer of before is good enough, while a new one is fetched.
    Refresh(Answer, watch::Sender<Option<Answer>>),
    Wait(watch::Receiver<Option<Answer>>),
    Fetch(watch::Sender<Option<Answer>>, watch::Receiver<Option<Answer>>),
}

impl Remote {
    pub(super) fn new(name: &str, ask: impl Ask, settings: &settings::Remote, stats: &Arc<Stats>) -> Self {
        Self(Arc::new(Inner {
            ask: Box::new(ask),
            settings: settings.clone(),
            cache: Mutex::new(Cache::new(settings)),
            breaker: Mutex::new(Breaker::new(name)),
            slots: Semaphore::new(settings.calls_at_once_max.max(1)),
            stats: Arc::clone(stats),
        }))
    }
}

impl Inner {
    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds an answer in the cache, or a fetch to wait for; if there is neither, registers a new fetch.
    fn next(&self, key: &str) -> Next {
        let mut cache = self.cache();
        let Some(entry) = cache.entry(key) else { return Next::Answer(Answer::without(Why::Failed)) };
        let known = entry.known().map(|(value, since)| (value.clone(), since.elapsed()));
        let settings = &self.settings;
        let answer =
            |value, age: Duration| Answer { value, age_ms: u64::try_from(age.as_millis()).unwrap_or(u64::MAX) };
        let start = |entry: &mut Entry| {
            let (sender, receiver) = watch::channel(None);
            entry.fetching = Some(receiver.clone());
            (sender, receiver)
        };
        match known {
            Some((value, age)) if age < settings.cache => Next::Answer(answer(value, age)),
            Some((value, age)) if age < settings.cache.saturating_add(settings.stale) => {
                // Only one fetch at a time.
                if entry.fetching.is_some() || self.breaker().is_open() {
                    return Next::Answer(answer(value, age));
                }
                Next::Refresh(answer(value, age), start(entry).0)
            }
            _ => match &entry.fetching {
                // One whose task has gone without an answer is not waited for.
                Some(fetching) if fetching.has_changed().is_ok() => Next::Wait(fetching.clone()),
                _ => {
                    let (sender, receiver) = start(entry);
                    Next::Fetch(sender, receiver)
                }
            },
        }
    }

    /// Asks, and hands the answer to all who wait for it and to the cache.
    async fn fetch(self: Arc<Self>, key: Box<str>, sender: watch::Sender<Option<Answer>>) {
        let answer = self.ask_in_time(&key, false).await;
        self.cache().fetched(&key, &sender, &answer);
        // Perhaps nothing waits for it any more.
        let _ = sender.send(Some(answer));
    }

    /// Asks within the time that it may take, if the breaker lets it.
    async fn ask_in_time(&self, key: &str, peeks: bool) -> Answer {
        if let Err(()) = self.breaker().check() {
            return Answer::without(Why::Failed);
        }
        let asking = async {
            let _slot = self.slots.acquire().await;
            if peeks { self.ask.peek(key).await } else { self.ask.ask(key).await }
        };
        let started = Instant::now();
        let asked = timeout(self.settings.question_within(), asking).await;
        self.stats.fetched(started.elapsed());
        let (answer, failure) = match asked {
            Ok(Ok(Some(value))) => (Answer::fresh(value), None),
            Ok(Ok(None)) => (Answer::without(Why::Absent), None),
            Ok(Err(why)) => (Answer::without(Why::Failed), Some(why)),
            Err(_) => {
                let within_ms = self.settings.question_within().as_millis();
                (Answer::without(Why::Late), Some(format!("there was no answer within {within_ms} ms (`within_ms`)")))
            }
        };
        self.breaker().ended(failure);
        answer
    }

    async fn told(self: Arc<Self>, telling: Later<Result<(), String>>) {
        let told = timeout(self.settings.question_within(), async {
            let _slot = self.slots.acquire().await;
            telling.await
        });
        let failure = match told.await {
            Ok(told) => told.err(),
            Err(_) => Some(format!(
                "a change took longer than {} ms (`within_ms`)",
                self.settings.question_within().as_millis()
            )),
        };
        self.breaker().ended(failure);
    }
}

impl Source for Remote {
    fn look_up(&self, key: &str, purpose: Purpose, _: u64) -> LookedUp {
        let inner = &self.0;
        if inner.ask.counts() {
            let (inner, key, peeks) = (Arc::clone(inner), Box::<str>::from(key), purpose == Purpose::Try);
            let asked = tokio::spawn(async move { inner.ask_in_time(&key, peeks).await });
            return LookedUp::Later(Box::pin(async { asked.await.unwrap_or_else(|_| Answer::without(Why::Failed)) }));
        }
        let fetch = |sender| tokio::spawn(Arc::clone(inner).fetch(key.into(), sender));
        match inner.next(key) {
            Next::Answer(answer) => {
                inner.stats.cached(if answer.age_ms < as_ms(inner.settings.cache) {
                    Cached::Hit
                } else {
                    Cached::Stale
                });
                LookedUp::Now(answer)
            }
            Next::Refresh(answer, sender) => {
                inner.stats.cached(Cached::Stale);
                fetch(sender);
                LookedUp::Now(answer)
            }
            Next::Wait(receiver) => {
                inner.stats.cached(Cached::Coalesced);
                LookedUp::Later(Box::pin(wait(receiver)))
            }
            Next::Fetch(sender, receiver) => {
                fetch(sender);
                LookedUp::Later(Box::pin(wait(receiver)))
            }
        }
    }

    /// The value of before is forgotten at once, so that the next callback asks for the new one.
    fn change(&self, key: &str, change: &Change<'_>, ttl_ms: Option<u64>, _: u64) -> Result<(), NotChanged> {
        let telling = self.0.ask.change(key, change, ttl_ms).ok_or(NotChanged::ReadOnly)?;
        self.0.cache().forget(key);
        tokio::spawn(Arc::clone(&self.0).told(telling));
        Ok(())
    }

    fn entries(&self) -> usize {
        self.0.cache().len()
    }

    fn evicted(&self) -> u64 {
        self.0.cache().evicted()
    }

    fn trouble(&self) -> Option<String> {
        self.0.breaker().trouble()
    }
}

async fn wait(mut receiver: watch::Receiver<Option<Answer>>) -> Answer {
    // The sender goes away without an answer only if its task was cancelled: at the end of the process.
    let answer = receiver.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone());
    answer.unwrap_or_else(|| Answer::without(Why::Failed))
}

fn as_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
