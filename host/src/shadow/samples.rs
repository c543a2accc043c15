//! Examples of differences: a few are stored for the report, and fewer are logged.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use callgate_catalogue::line::one_line;
use callgate_dialects::Decision;
use serde_json::{Value, json};

use super::outcome::{Kind, Outcome};
use crate::settings::plain_name;

/// Number of examples of each kind for the report; the latest are stored.
const OF_KIND_MAX: usize = 8;

/// How long nothing more is logged about differences of the same kind.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// Longest text of a plugin in an example, in characters.
const TEXT_CHARS_MAX: usize = 200;

/// Most names of members or calls that failed in one example.
const NAMES_MAX: usize = 8;

/// One difference.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(super) at_unix_ms: u64,
    pub(super) platform: String,
    pub(super) command: &'static str,
    pub(super) operation_id: String,
    pub(super) kind: Kind,
    /// What is answered.
    pub(super) present: String,
    /// What the candidate would have answered.
    pub(super) candidate: String,
}

/// The examples of one candidate.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    of_kinds: BTreeMap<Kind, VecDeque<Sample>>,
    logged: BTreeMap<Kind, Instant>,
}

impl Samples {
    /// Stores an example; the oldest of its kind is dropped. Returns whether to log it.
    pub(super) fn keep(&mut self, sample: Sample) -> bool {
        let kind = sample.kind;
        let of_kind = self.of_kinds.entry(kind).or_default();
        if of_kind.len() >= OF_KIND_MAX {
            of_kind.pop_front();
        }
        of_kind.push_back(sample);
        let now = Instant::now();
        let is_told = self.logged.get(&kind).is_some_and(|at| now.saturating_duration_since(*at) < LOG_PAUSE);
        if !is_told {
            self.logged.insert(kind, now);
        }
        !is_told
    }

    /// All examples, by kind, the oldest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Sample> {
        self.of_kinds.values().flatten()
    }
}

impl Sample {
    pub(super) fn report(&self) -> Value {
        json!({
            "at_unix_ms": self.at_unix_ms,
            "platform": self.platform,
            "command": self.command,
            "operation_id": self.operation_id,
            "outcome": self.kind.name(),
            "present": self.present,
            "candidate": self.candidate,
        })
    }

    /// Writes it to the log. The callback's own record has the same operation ID, and its users as the settings want
    /// them shown.
    pub(super) fn log(&self, shadow: &str) {
        let Self { platform, command, operation_id, kind, present, candidate, .. } = self;
        let (command, outcome, operation_id) = (*command, kind.name(), one_line(operation_id));
        tracing::info!(
            target: "callgate::shadow",
            shadow, %platform, command, outcome, %present, %candidate, %operation_id,
            "a candidate decides differently"
        );
    }
}

/// An outcome in a few words. What plugins made, and may quote what users wrote, only with `payloads`.
pub(super) fn describe(outcome: &Outcome, payloads: bool) -> String {
    let mut words = outcome.decision.name().to_owned();
    // Writing into a text does not fail.
    match &outcome.decision {
        Decision::Deny(denial) => {
            let _ = write!(words, " {}", denial.code);
            if payloads {
                let _ = write!(words, " \"{}\"", shortened(&denial.message));
            }
        }
        Decision::Modify(changes) => {
            for (name, value) in changes.iter().take(NAMES_MAX) {
                let _ = match payloads {
                    true => write!(words, " {}={}", shortened(name), shortened(value.as_str())),
                    false => write!(words, " {}", shortened(name)),
                };
            }
        }
        Decision::Reply(text) if payloads => {
            let _ = write!(words, " \"{}\"", shortened(text));
        }
        Decision::RefuseSome(users) => {
            let _ = write!(words, " {} users", users.len());
        }
        Decision::PerUser(results) => {
            let refused = results.iter().filter(|result| result.code != 0).count();
            let _ = write!(words, " {refused} of {} users refused", results.len());
        }
        Decision::Allow | Decision::Drop | Decision::Reply(_) => {}
    }
    for (plugin, fault) in outcome.faults.iter().take(NAMES_MAX) {
        let plugin = plain_name(plugin);
        let fault = if payloads { fault.to_string() } else { fault.without_texts() };
        let _ = write!(words, "; {plugin}: {}", shortened(&fault));
    }
    words
}

/// A text on one line, with its end cut off if it is long.
fn shortened(text: &str) -> String {
    let line = one_line(text);
    match line.char_indices().nth(TEXT_CHARS_MAX) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(number: u64, kind: Kind) -> Sample {
        Sample {
            at_unix_ms: number,
            platform: String::new(),
            command: "c",
            operation_id: String::new(),
            kind,
            present: String::new(),
            candidate: String::new(),
        }
    }

    #[test]
    fn the_latest_of_each_kind_are_kept_and_one_of_each_is_logged() {
        let mut samples = Samples::default();
        let logged = (0..100).filter(|number| samples.keep(sample(*number, Kind::Verdict))).count();
        assert_eq!(logged, 1);
        assert!(samples.keep(sample(100, Kind::Code)));
        let kept: Vec<u64> = samples.all().map(|sample| sample.at_unix_ms).collect();
        assert_eq!(kept, [92, 93, 94, 95, 96, 97, 98, 99, 100]);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shortened(&"ä".repeat(200)), "ä".repeat(200));
        assert_eq!(shortened(&"ä".repeat(201)), format!("{}…", "ä".repeat(200)));
        assert_eq!(shortened("a\nb").lines().count(), 1);
    }
}
