//! All facts of a host: looked up together, each from its source.

use std::sync::Arc;
use std::time::Duration;

use callgate_catalogue::wire::{Change, Why};
use tokio::time::{Instant, timeout_at};

use crate::lookup::{Answer, Later, LookedUp, NotChanged, Purpose, Source, SourceError};
use crate::settings::{self, BadFile, OnFailure};
use crate::source;
use crate::stats::Stats;

/// The facts of one configuration. Clones share their sources.
#[derive(Debug, Clone, Default)]
pub struct Facts(Arc<[Fact]>);

#[derive(Debug, Clone)]
struct Fact {
    settings: settings::Fact,
    source: Arc<dyn Source>,
    stats: Arc<Stats>,
}

/// A fact, by its number, and a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Wanted<'w> {
    /// See [`Facts::number`].
    pub fact: usize,
    /// The key.
    pub key: &'w str,
}

/// The answers to a lookup. Some may not have arrived yet.
#[derive(Debug)]
pub struct Fetched(Vec<Fetching>);

#[derive(Debug)]
struct Fetching {
    answer: LookedUp,
    /// Maximum time to wait for it; `None`: a third of the time that the callback has left.
    within: Option<Duration>,
    stats: Option<Arc<Stats>>,
}

impl Facts {
    /// Opens the source of each fact. A source of `before` whose settings are unchanged is reused with its cache; a
    /// counter shares its counts with the one of `before` in any case. `before` is unchanged. Blocks: it reads files.
    ///
    /// # Errors
    /// The number of each fact whose source cannot be used, and why.
    pub fn open(
        settings: &[settings::Fact],
        before: &Self,
        bad_file: BadFile,
    ) -> Result<Self, Vec<(usize, SourceError)>> {
        let (mut facts, mut errors) = (Vec::new(), Vec::new());
        for (number, settings) in settings.iter().enumerate() {
            let known = before.0.iter().find(|known| known.settings.name == settings.name);
            let stats = known.map(|known| Arc::clone(&known.stats)).unwrap_or_default();
            let source = match known {
                Some(known) if known.settings.source == settings.source => Ok(Arc::clone(&known.source)),
                known => match known.and_then(|known| known.source.resumed(&settings.source)) {
                    Some(source) => Ok(source),
                    None => source::open(&settings.name, &settings.source, &stats, bad_file),
                },
            };
            match source {
                Ok(source) => facts.push(Fact { settings: settings.clone(), source, stats }),
                Err(error) => errors.push((number, error)),
            }
        }
        if errors.is_empty() { Ok(Self(facts.into())) } else { Err(errors) }
    }

    /// Whether there are any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of a fact in the settings; empty if there is none with this number.
    #[must_use]
    pub fn name(&self, number: usize) -> &str {
        self.0.get(number).map_or("", |fact| &fact.settings.name)
    }

    /// The number of the fact with this name in the settings.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|fact| fact.settings.name == name)
    }

    /// What a plugin gets if the source of this fact is late or fails.
    #[must_use]
    pub fn on_failure(&self, number: usize) -> OnFailure {
        self.0.get(number).map(|fact| fact.settings.on_failure).unwrap_or_default()
    }

    /// Looks up all of these. Requests over the network are running when this returns. Must be called in a runtime if
    /// there are any.
    #[must_use]
    pub fn look_up(&self, wanted: &[Wanted<'_>], purpose: Purpose, now_unix_ms: u64) -> Fetched {
        let look_up = |wanted: &Wanted<'_>| match self.0.get(wanted.fact) {
            Some(fact) => Fetching {
                answer: fact.source.look_up(wanted.key, purpose, now_unix_ms),
                within: fact.settings.source.remote().and_then(|remote| remote.within),
                stats: (purpose == Purpose::Decide).then(|| Arc::clone(&fact.stats)),
            },
            None => Fetching { answer: LookedUp::Now(Answer::without(Why::NotConfigured)), within: None, stats: None },
        };
        Fetched(wanted.iter().map(look_up).collect())
    }

    /// Updates a fact.
    ///
    /// # Errors
    /// If its source cannot be changed in this way.
    pub fn change(
        &self,
        wanted: Wanted<'_>,
        change: &Change<'_>,
        ttl_ms: Option<u64>,
        now_unix_ms: u64,
    ) -> Result<(), NotChanged> {
        let fact = self.0.get(wanted.fact).ok_or(NotChanged::ReadOnly)?;
        let changed = fact.source.change(wanted.key, change, ttl_ms, now_unix_ms);
        fact.stats.changed(changed.is_ok());
        changed
    }

    /// Name, source and counters of each.
    pub fn iter(&self) -> impl Iterator<Item = (&settings::Fact, &dyn Source, &Stats)> {
        self.0.iter().map(|fact| (&fact.settings, &*fact.source, &*fact.stats))
    }

    /// The sources, for their periodic maintenance: see [`Source::tend`].
    pub fn sources(&self) -> impl Iterator<Item = &Arc<dyn Source>> {
        self.0.iter().map(|fact| &fact.source)
    }
}

impl Fetched {
    /// The answers, if all are there.
    ///
    /// # Errors
    /// `self`, if some are still missing.
    pub fn at_hand(self) -> Result<Vec<Answer>, Self> {
        if self.0.iter().any(|fetching| matches!(fetching.answer, LookedUp::Later(_))) {
            return Err(self);
        }
        Ok(self.0.into_iter().filter_map(Fetching::now).collect())
    }

    /// All answers, in the order of the lookup. `left` is the time that the callback had left at `from`. The maximum
    /// wait for each answer is the one in its settings, or else a third of that, and never more than two thirds: the
    /// rest is for the plugins. An answer that is missing by then is [late](Why::Late).
    pub async fn within(self, left: Duration, from: Instant) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(self.0.len());
        let last = from + longest_wait(left);
        for Fetching { answer, within: its, stats } in self.0 {
            let answer = match answer {
                LookedUp::Now(answer) => answer,
                LookedUp::Later(later) => wait(later, last.min(from + its.unwrap_or(left / 3))).await,
            };
            if let Some(stats) = stats {
                stats.asked(&answer);
            }
            answers.push(answer);
        }
        answers
    }
}

impl Fetching {
    fn now(self) -> Option<Answer> {
        let LookedUp::Now(answer) = self.answer else { return None };
        if let Some(stats) = self.stats {
            stats.asked(&answer);
        }
        Some(answer)
    }
}

/// The longest time that a callback with this much time left waits for facts; the rest is for its plugins.
#[must_use]
pub fn longest_wait(left: Duration) -> Duration {
    left * 2 / 3
}

async fn wait(later: Later<Answer>, moment: Instant) -> Answer {
    timeout_at(moment, later).await.unwrap_or_else(|_| Answer::without(Why::Late))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Counter, SourceSettings};

    fn fact(name: &str, source: SourceSettings) -> settings::Fact {
        settings::Fact { name: name.to_owned(), source, on_failure: OnFailure::Absent, plugins: Vec::new() }
    }

    #[test]
    fn sources_and_counts_go_on_after_a_change_of_the_settings() {
        let counting = |entries_max| SourceSettings::Counter(Counter { entries_max, ..Counter::default() });
        let before =
            Facts::open(&[fact("a", counting(5)), fact("b", counting(5))], &Facts::default(), BadFile::IsRefused)
                .unwrap();
        for number in 0..2 {
            before.change(Wanted { fact: number, key: "u" }, &Change::Add(3), None, 0).unwrap();
        }
        let after =
            Facts::open(&[fact("b", counting(5)), fact("a", counting(6))], &before, BadFile::IsRefused).unwrap();
        let wanted = [0, 1, 2].map(|fact| Wanted { fact, key: "u" });
        let answers = after.look_up(&wanted, Purpose::Decide, 0).at_hand().unwrap();
        assert_eq!(answers, [Answer::fresh("3"), Answer::fresh("3"), Answer::without(Why::NotConfigured)]);
        assert_eq!((after.number("a"), after.number("c")), (Some(1), None));
        // Without the fact, its counts are gone.
        let none = Facts::open(
            &[fact("a", counting(6))],
            &Facts::open(&[], &after, BadFile::IsRefused).unwrap(),
            BadFile::IsRefused,
        )
        .unwrap();
        let answers = none.look_up(&wanted[..1], Purpose::Try, 0).at_hand().unwrap();
        assert_eq!(answers, [Answer::fresh("0")]);
        let totals: Vec<_> = after.iter().map(|(_, _, stats)| stats.totals()).collect();
        assert_eq!((totals[0].asked, totals[0].known, totals[0].changed), (1, 1, 1));
    }
}
