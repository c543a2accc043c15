//! What the plugins of a chain must know beyond a callback: the facts that they asked for, and what was found out.

use std::borrow::Cow;
use std::time::Duration;

use callgate_catalogue::wire::{self, Known, Why};
use callgate_facts::settings::OnFailure;
use callgate_facts::{Answer, Facts, Wanted};
use callgate_sandbox::Fault;

use super::step::Step;

/// Which facts the plugins of a chain need for one callback, as far as they have been asked.
#[derive(Debug, Default)]
pub(crate) struct Asking {
    /// If a plugin was asked briefly, and that was too long: the CPU time it cost.
    pub(super) tried: Option<Duration>,
    shares: Vec<Share>,
    wanted: Vec<(usize, String)>,
}

/// What one plugin asked for.
#[derive(Debug)]
pub(super) struct Share {
    /// What asking has cost; `None`: it needs nothing, and was not asked.
    step: Option<Box<Step>>,
    /// Why it could not say what it needs, or why it is not asked for its verdict.
    fault: Option<Fault>,
    needs: Vec<Need>,
}

/// One fact that a plugin needs.
#[derive(Debug)]
struct Need {
    /// The name in the plugin's code.
    name: String,
    key: String,
    /// Which answer is its own; `None`: the settings do not say where it comes from.
    answer: Option<usize>,
}

impl Asking {
    /// The number of the plugin that is asked next.
    pub(super) fn next(&self) -> usize {
        self.shares.len()
    }

    /// The next plugin needs nothing.
    pub(super) fn needs_nothing(&mut self) {
        self.shares.push(Share { step: None, fault: None, needs: Vec::new() });
    }

    /// The next plugin needs these facts, or has failed. `number` finds a fact in the settings by its name in the code.
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

    /// Wants this fact, once. Returns the number of its answer.
    fn want(&mut self, fact: usize, key: &str) -> usize {
        if let Some(known) = self.wanted.iter().position(|(known, its_key)| *known == fact && its_key == key) {
            return known;
        }
        self.wanted.push((fact, key.to_owned()));
        self.wanted.len() - 1
    }

    /// What is to be looked up.
    pub(crate) fn wanted(&self) -> Vec<Wanted<'_>> {
        self.wanted.iter().map(|(fact, key)| Wanted { fact: *fact, key }).collect()
    }

    /// With the answers to all that is wanted, in its order.
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
    /// Which one.
    pub key: String,
    /// The value, or why there is none.
    pub answer: Answer,
}

impl Found {
    /// One that was stored, and belongs to no settings.
    pub(crate) fn stored(fact: String, key: String, answer: Answer) -> Self {
        Self { fact, number: usize::MAX, key, answer }
    }

    /// The fault of a plugin that needs this, if the settings do not have it decide without.
    fn missing(&self, facts: &Facts) -> Option<Fault> {
        let why = match self.answer.value {
            Err(why @ (Why::Late | Why::Failed)) => why.name().to_owned(),
            _ => return None,
        };
        (facts.on_failure(self.number) == OnFailure::Fault).then(|| Fault::NoFact { fact: self.fact.clone(), why })
    }
}

/// What is known for one callback: the facts, and what each plugin of the chain gets of them.
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

    /// The part of the plugin with this number.
    pub(super) fn part(&self, number: usize) -> Option<Part<'_>> {
        self.shares.get(number).map(|share| Part { share, found: &self.found })
    }
}

/// What one plugin gets to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'k> {
    share: &'k Share,
    found: &'k [Found],
}

impl<'k> Part<'k> {
    /// What asking it has cost, if it was asked.
    pub(super) fn step(self) -> Option<&'k Step> {
        self.share.step.as_deref()
    }

    /// Why it is not asked for its verdict.
    pub(super) fn fault(self) -> Option<&'k Fault> {
        self.share.fault.as_ref()
    }

    /// The envelope up to its body, with its facts.
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
