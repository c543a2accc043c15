//! The facts of one callback: what the plugins of its chain need, and the answers.

use std::borrow::Cow;
use std::time::Duration;

use callgate_catalogue::wire::{self, Known, Why};
use callgate_facts::settings::OnFailure;
use callgate_facts::{Answer, Facts, Wanted};
use callgate_sandbox::Fault;

use super::step::Step;

/// The facts that the plugins of a chain need for one callback. Filled plugin by plugin.
#[derive(Debug, Default)]
pub(crate) struct Asking {
    /// The CPU time of a brief call of `needs` that took too long.
    pub(super) tried: Option<Duration>,
    shares: Vec<Share>,
    wanted: Vec<(usize, String)>,
}

/// The needs of one plugin.
#[derive(Debug)]
pub(super) struct Share {
    /// The cost of its call of `needs`; `None`: it has no needs and was not called.
    step: Option<Box<Step>>,
    /// Why `needs` failed, or why the plugin is not called for its verdict.
    fault: Option<Fault>,
    needs: Vec<Need>,
}

/// One fact that a plugin needs.
#[derive(Debug)]
struct Need {
    /// The name in the plugin's code.
    name: String,
    key: String,
    /// The index of its answer; `None`: the fact is not configured.
    answer: Option<usize>,
}

impl Asking {
    /// The index of the next plugin to ask.
    pub(super) fn next(&self) -> usize {
        self.shares.len()
    }

    /// Adds the next plugin, without needs.
    pub(super) fn needs_nothing(&mut self) {
        self.shares.push(Share { step: None, fault: None, needs: Vec::new() });
    }

    /// Adds the needs of the next plugin, or its fault. `number` maps a name in the code to the number of a fact in the
    /// settings.
    pub(super) fn needs(
        &mut self,
        step: Step,
        needs: Result<Vec<(String, String)>, Fault>,
        number: impl Fn(&str) -> Option<usize>,
    ) {
        let (needs, fault) = match needs {
            Ok(needs) => (needs, None),
            Err(fault) => (Vec::new(), Some(fault)),
        };
        let need = |(name, key): (String, String)| {
            let answer = number(&name).map(|fact| self.want(fact, &key));
            Need { name, key, answer }
        };
        let needs = needs.into_iter().map(need).collect();
        self.shares.push(Share { step: Some(Box::new(step)), fault, needs });
    }

    /// Adds a fact, unless it is already in the list. Returns the index of its answer.
    fn want(&mut self, fact: usize, key: &str) -> usize {
        if let Some(known) = self.wanted.iter().position(|(known, its_key)| *known == fact && its_key == key) {
            return known;
        }
        self.wanted.push((fact, key.to_owned()));
        self.wanted.len() - 1
    }

    /// The facts to look up.
    pub(crate) fn wanted(&self) -> Vec<Wanted<'_>> {
        self.wanted.iter().map(|(fact, key)| Wanted { fact: *fact, key }).collect()
    }

    /// Combines the needs with the answers to [`wanted`](Self::wanted), in the same order.
    pub(crate) fn answered(self, facts: &Facts, answers: Vec<Answer>) -> Knowledge {
        let Self { mut shares, wanted, .. } = self;
        let found: Vec<Found> = wanted
            .into_iter()
            .zip(answers)
            .map(|((number, key), answer)| Found { fact: facts.name(number).to_owned(), number, key, answer })
            .collect();
        for share in shares.iter_mut().filter(|share| share.fault.is_none()) {
            let known = share.needs.iter().filter_map(|need| found.get(need.answer?));
            share.fault = known.filter_map(|found| found.missing(facts)).next();
        }
        Knowledge { found, shares }
    }
}

/// A fact that was looked up for a callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The name of the fact in the settings.
    pub fact: String,
    /// Its number there.
    pub(crate) number: usize,
    /// The key.
    pub key: String,
    /// The value, or why there is none.
    pub answer: Answer,
}

impl Found {
    /// A stored fact, which belongs to no settings.
    pub(crate) fn stored(fact: String, key: String, answer: Answer) -> Self {
        Self { fact, number: usize::MAX, key, answer }
    }

    /// The fault of a plugin that needs this fact, if it is missing and `on_failure` is "fault".
    fn missing(&self, facts: &Facts) -> Option<Fault> {
        let why = match self.answer.value {
            Err(why @ (Why::Late | Why::Failed)) => why.name().to_owned(),
            _ => return None,
        };
        (facts.on_failure(self.number) == OnFailure::Fault).then(|| Fault::NoFact { fact: self.fact.clone(), why })
    }
}

/// The facts of one callback, and which of them each plugin of the chain gets.
#[derive(Debug)]
pub(crate) struct Knowledge {
    found: Vec<Found>,
    shares: Vec<Share>,
}

impl Knowledge {
    /// All facts that were looked up.
    pub(crate) fn found(&self) -> &[Found] {
        &self.found
    }

    /// The size of keys and values, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let value = |found: &Found| found.answer.value.as_ref().map_or(0, |value| value.len());
        self.found.iter().map(|found| found.fact.len() + found.key.len() + value(found)).sum()
    }

    /// The facts of the plugin at this index.
    pub(super) fn part(&self, number: usize) -> Option<Part<'_>> {
        self.shares.get(number).map(|share| Part { share, found: &self.found })
    }
}

/// The facts of one plugin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'k> {
    share: &'k Share,
    found: &'k [Found],
}

impl<'k> Part<'k> {
    /// The cost of its call of `needs`, if it was called.
    pub(super) fn step(self) -> Option<&'k Step> {
        self.share.step.as_deref()
    }

    /// Why it is not called for its verdict.
    pub(super) fn fault(self) -> Option<&'k Fault> {
        self.share.fault.as_ref()
    }

    /// The envelope up to its body, with the plugin's facts.
    pub(super) fn head<'h>(self, head: &'h str) -> Cow<'h, str> {
        if self.share.step.is_none() {
            return Cow::Borrowed(head);
        }
        let known = |need: &'k Need| {
            let answer = need.answer.and_then(|number| self.found.get(number)).map(|found| &found.answer);
            let (value, age_ms) = match answer {
                Some(answer) => (answer.value.as_deref().map(Cow::Borrowed).map_err(|why| *why), answer.age_ms),
                None => (Err(Why::NotConfigured), 0),
            };
            Known { fact: need.name.as_str().into(), key: need.key.as_str().into(), value, age_ms }
        };
        let facts: Vec<Known<'_>> = self.share.needs.iter().map(known).collect();
        Cow::Owned(wire::with_facts(head, &facts))
    }
}
