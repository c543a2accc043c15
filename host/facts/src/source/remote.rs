//! The common part of all sources over the network: a cache, at most one running request per key, a time limit, and a
//! circuit breaker. An [`Ask`] sends the request.

mod breaker;
mod cache;
mod changes;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use callgate_catalogue::wire::{Change, Why};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};

use crate::lookup::{Answer, Later, LookedUp, NotChanged, Purpose, Source};
use crate::settings;
use crate::stats::{Cached, Stats};
use breaker::{Breaker, End};
use cache::{Cache, Entry};
use changes::Changes;

/// The value of a key as JSON; `None` if there is none.
pub(super) type Asked = Result<Option<Arc<str>>, Failed>;

/// Why a request failed, in one sentence that contains neither the key nor a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failed {
    /// There is no request for this key.
    #[error("{0}")]
    Key(String),
    /// The response is not a value.
    #[error("{0}")]
    Value(String),
    /// There is no usable response.
    #[error("{0}")]
    Source(String),
}

/// Sends requests to one server.
pub(super) trait Ask: fmt::Debug + Send + Sync + 'static {
    /// Requests the value of a key.
    fn ask(&self, key: &str) -> Later<Asked>;

    /// Changes the value of a key, and returns whether that worked; `None` if the source is read-only, or has no such
    /// change.
    fn change(&self, key: &str, change: &Change<'_>, ttl_ms: Option<u64>) -> Option<Later<Result<(), Failed>>> {
        let _ = (key, change, ttl_ms);
        None
    }

    /// Replaces the connection on which a request sent at this moment got no answer in time, if it has been silent
    /// since. Otherwise a dead peer is noticed only after minutes.
    fn renew(&self, asked: Instant) {
        let _ = asked;
    }

    /// Whether a request counts its callback. If so, answers are not cached, and [`Ask::ask`] is only called for
    /// decisions; simulations use [`Ask::peek`].
    fn counts(&self) -> bool {
        false
    }

    /// As [`Ask::ask`], without counting.
    fn peek(&self, key: &str) -> Later<Asked> {
        self.ask(key)
    }
}

/// How long a change may wait for the changes before it: while a source does not answer, each of them takes the time
/// limit of a request.
const CHANGE_WITHIN: Duration = Duration::from_secs(60);

/// A source over the network.
#[derive(Debug)]
pub(super) struct Remote {
    inner: Arc<Inner>,
    changes: Changes,
}

#[derive(Debug)]
struct Inner {
    ask: Box<dyn Ask>,
    settings: settings::Remote,
    cache: Mutex<Cache>,
    breaker: Breaker,
    slots: Semaphore,
    stats: Arc<Stats>,
}

/// What a lookup does next, decided while the entries are locked.
enum Next {
    Answer(Answer),
    /// The cached answer is stale: it is returned, and a new one is fetched.
    Refresh(Answer, watch::Sender<Option<Answer>>),
    Wait(watch::Receiver<Option<Answer>>),
    Fetch(watch::Sender<Option<Answer>>, watch::Receiver<Option<Answer>>),
}

impl Remote {
    pub(super) fn new(name: &str, ask: impl Ask, settings: &settings::Remote, stats: &Arc<Stats>) -> Self {
        let inner = Inner {
            ask: Box::new(ask),
            settings: settings.clone(),
            cache: Mutex::new(Cache::new(settings)),
            breaker: Breaker::new(name),
            slots: Semaphore::new(settings.calls_at_once_max.max(1)),
            stats: Arc::clone(stats),
        };
        Self { inner: Arc::new(inner), changes: Changes::default() }
    }
}

impl Inner {
    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
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
                // Only one fetch per key at a time.
                if entry.fetching.is_some() || self.breaker.is_open() {
                    return Next::Answer(answer(value, age));
                }
                Next::Refresh(answer(value, age), start(entry).0)
            }
            _ => match &entry.fetching {
                // A fetch whose task ended without an answer is ignored.
                Some(fetching) if fetching.has_changed().is_ok() => Next::Wait(fetching.clone()),
                _ => {
                    let (sender, receiver) = start(entry);
                    Next::Fetch(sender, receiver)
                }
            },
        }
    }

    /// Sends the request, and passes the answer to all waiting lookups and to the cache.
    async fn fetch(self: Arc<Self>, key: Box<str>, sender: watch::Sender<Option<Answer>>) {
        let answer = self.ask_in_time(&key, false).await;
        self.cache().fetched(&key, &sender, &answer);
        // There may be no receiver left.
        let _ = sender.send(Some(answer));
    }

    /// Sends the request within its time limit, unless the breaker is open.
    async fn ask_in_time(&self, key: &str, peeks: bool) -> Answer {
        let Some(turn) = self.breaker.turn() else { return Answer::without(Why::Failed) };
        let asked_at = OnceLock::new();
        let asking = async {
            let _slot = self.slots.acquire().await;
            let _ = asked_at.set(Instant::now());
            if peeks { self.ask.peek(key).await } else { self.ask.ask(key).await }
        };
        let started = Instant::now();
        let asked = timeout(self.settings.question_within(), asking).await;
        self.stats.fetched(started.elapsed());
        let (answer, end) = match asked {
            Ok(Ok(Some(value))) => (Answer::fresh(value), End::Answered),
            Ok(Ok(None)) => (Answer::without(Why::Absent), End::Answered),
            // No request was sent.
            Ok(Err(Failed::Key(_))) => return Answer::without(Why::Failed),
            Ok(Err(Failed::Value(why))) => (Answer::without(Why::Failed), End::NoValue(why)),
            Ok(Err(Failed::Source(why))) => (Answer::without(Why::Failed), End::Failed(why)),
            Err(_) => {
                self.renew(asked_at.get());
                let within_ms = self.settings.question_within().as_millis();
                let why = format!("there was no answer within {within_ms} ms (`within_ms`)");
                (Answer::without(Why::Late), End::Failed(why))
            }
        };
        turn.ended(end);
        answer
    }

    /// Replaces the connection of a request that got no answer, if it was sent.
    fn renew(&self, asked_at: Option<&Instant>) {
        asked_at.into_iter().for_each(|asked_at| self.ask.renew(*asked_at));
    }

    /// Sends a change within the time limit of a request, then removes what was cached meanwhile. A change that has
    /// waited too long is dropped: it could overwrite a newer value.
    async fn make(&self, key: &str, change: Later<Result<(), Failed>>, queued: Instant) {
        if queued.elapsed() >= CHANGE_WITHIN {
            let within_s = CHANGE_WITHIN.as_secs();
            return self.breaker.log(&format!("a change waited for more than {within_s} s, and was dropped"));
        }
        let turn = self.breaker.turn_anyway();
        let asked_at = OnceLock::new();
        let making = async {
            let _slot = self.slots.acquire().await;
            let _ = asked_at.set(Instant::now());
            change.await
        };
        let end = match timeout(self.settings.question_within(), making).await {
            Ok(Ok(())) => End::Answered,
            Ok(Err(Failed::Key(why) | Failed::Value(why))) => End::NoValue(why),
            Ok(Err(Failed::Source(why))) => End::Failed(why),
            Err(_) => {
                self.renew(asked_at.get());
                let within_ms = self.settings.question_within().as_millis();
                End::Failed(format!("a change took longer than {within_ms} ms (`within_ms`)"))
            }
        };
        self.cache().forget(key);
        turn.ended(end);
    }
}

impl Source for Remote {
    fn look_up(&self, key: &str, purpose: Purpose, _: u64) -> LookedUp {
        let inner = &self.inner;
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

    /// The cached value is removed at once, so that the next callback fetches the new one.
    fn change(&self, key: &str, change: &Change<'_>, ttl_ms: Option<u64>, _: u64) -> Result<(), NotChanged> {
        let change = self.inner.ask.change(key, change, ttl_ms).ok_or(NotChanged::ReadOnly)?;
        self.inner.cache().forget(key);
        let (inner, its_key, queued) = (Arc::clone(&self.inner), Box::<str>::from(key), Instant::now());
        self.changes.push(key, Box::pin(async move { inner.make(&its_key, change, queued).await }))
    }

    fn entries(&self) -> usize {
        self.inner.cache().len()
    }

    fn evicted(&self) -> u64 {
        self.inner.cache().evicted()
    }

    fn trouble(&self) -> Option<String> {
        self.inner.breaker.trouble()
    }
}

async fn wait(mut receiver: watch::Receiver<Option<Answer>>) -> Answer {
    // The sender is dropped without an answer only if its task was cancelled, when the process ends.
    let answer = receiver.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone());
    answer.unwrap_or_else(|| Answer::without(Why::Failed))
}

fn as_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
