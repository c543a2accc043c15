//! The arguments that choose among what a journal keeps.

use callgate_journal::{DecisionFilter, EntryFilter, EntryId, EntryState, RecordFilter};
use callgate_terminal::{Exit, Failure};
use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;

use super::super::when;
use super::why::is_verdict;

/// What a journal keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// After-callbacks that are waiting, done or dead
    Entries,
    /// Answers to before-callbacks, and why
    Decisions,
    /// What plugins returned for sinks
    Records,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Decisions => "decisions",
            Self::Records => "records",
        }
    }

    /// The letter that its numbers begin with.
    pub(super) fn letter(self) -> char {
        match self {
            Self::Entries => 'e',
            Self::Decisions => 'd',
            Self::Records => 'r',
        }
    }
}

/// A number with its kind: `e12`, `d5`, `r7`; without a letter, an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id {
    pub(super) kind: Kind,
    pub(super) number: i64,
}

impl Id {
    /// Reads it.
    ///
    /// # Errors
    /// What it should look like.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let kinds = [Kind::Entries, Kind::Decisions, Kind::Records];
        let found = kinds.into_iter().find_map(|kind| Some((kind, text.strip_prefix(kind.letter())?)));
        let (kind, number) = found.unwrap_or((Kind::Entries, text));
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        match number.parse().ok().filter(|_| is_number) {
            Some(number) => Ok(Self { kind, number }),
            None => Err("write a number as `callgate journal list` shows it: e12 for an entry, d5 for a decision, r7 for a record".to_owned()),
        }
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.kind.letter(), self.number)
    }
}

/// Which of them.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Filters")]
pub(super) struct Filters {
    /// Only of this platform
    #[arg(long, value_name = "NAME")]
    pub(super) platform: Option<String>,

    /// Only of this command
    #[arg(long, value_name = "COMMAND")]
    pub(super) command: Option<String>,

    /// Only about this group, conversation or user, as the column KEY shows it
    #[arg(long, value_name = "KEY")]
    pub(super) key: Option<String>,

    /// Only decisions by or about this user, or about this group
    #[arg(long, value_name = "ID")]
    pub(super) user: Option<String>,

    /// See [`Chosen`].
    #[arg(skip)]
    pub(super) plugin: Option<String>,

    /// Only decisions with this verdict: allow, deny, modify, drop, refuse_some, per_user, reply, refused
    #[arg(long, value_name = "VERDICT", value_parser = verdict)]
    pub(super) verdict: Option<String>,

    /// Only decisions in which this fault occurred, such as out_of_time
    #[arg(long, value_name = "FAULT")]
    pub(super) fault: Option<String>,

    /// Only records with this topic
    #[arg(long, value_name = "TOPIC")]
    pub(super) topic: Option<String>,

    /// Only entries in this state: waiting, done or dead
    #[arg(long, value_name = "STATE", value_parser = state)]
    pub(super) state: Option<EntryState>,

    /// Only since this time: how long ago (15m, 1h, 2d), a time of today (14:03), or a date (2026-11-26T14:03), in the
    /// local time zone unless it ends in another (Z, +08:00)
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub(super) since: Option<i64>,

    /// Only before this time
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub(super) until: Option<i64>,
}

/// The filters of all subcommands but `replay`, whose `--plugin` is the build to try.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
pub(super) struct Chosen {
    #[command(flatten)]
    others: Filters,

    /// Entries that this plugin failed on; decisions that it was asked for; records that it returned
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
}

impl Chosen {
    /// All filters, if each of them applies to this kind.
    ///
    /// # Errors
    /// The first filter that does not apply.
    pub(super) fn filters(self, kind: Kind) -> Result<Filters, Failure> {
        let filters = Filters { plugin: self.plugin, ..self.others };
        filters.check(kind)?;
        Ok(filters)
    }
}

fn verdict(text: &str) -> Result<String, String> {
    match is_verdict(text) {
        true => Ok(text.to_owned()),
        false => Err("the verdicts are allow, deny, modify, drop, refuse_some, per_user, reply and refused".to_owned()),
    }
}

fn state(text: &str) -> Result<EntryState, String> {
    EntryState::of_name(text).ok_or_else(|| "the states are waiting, done and dead".to_owned())
}

fn moment(text: &str) -> Result<i64, String> {
    when::parse(text, now_unix_ms(), &TimeZone::system())
}

/// The time of day, in milliseconds since 1970.
pub(super) fn now_unix_ms() -> i64 {
    callgate_journal::Clock::system().now_unix_ms()
}

impl Filters {
    /// Whether nothing is left out.
    pub(super) fn is_everything(&self) -> bool {
        let Self { platform, command, key, user, plugin, verdict, fault, topic, state, since, until } = self;
        [platform, command, key, user, plugin, verdict, fault, topic].into_iter().all(Option::is_none)
            && state.is_none()
            && since.is_none()
            && until.is_none()
    }

    /// Checks that each filter that is given is one for this kind.
    ///
    /// # Errors
    /// The first that is not.
    pub(super) fn check(&self, kind: Kind) -> Result<(), Failure> {
        let only = [
            (self.user.is_some(), "--user", Kind::Decisions),
            (self.verdict.is_some(), "--verdict", Kind::Decisions),
            (self.fault.is_some(), "--fault", Kind::Decisions),
            (self.topic.is_some(), "--topic", Kind::Records),
            (self.state.is_some(), "--state", Kind::Entries),
        ];
        match only.into_iter().find(|(is_given, _, of)| *is_given && *of != kind) {
            None => Ok(()),
            Some((_, filter, of)) => {
                let text = format!("{filter} is a filter for {}, not for {}", of.name(), kind.name());
                Err(Failure::new(Exit::Usage, anyhow::anyhow!(text)))
            }
        }
    }

    /// Which entries.
    pub(super) fn entries(&self, ids: &[Id]) -> EntryFilter {
        EntryFilter {
            ids: ids.iter().map(|id| EntryId(id.number)).collect(),
            state: self.state,
            platform: self.platform.clone(),
            command: self.command.clone(),
            key: self.key.clone(),
            plugin: self.plugin.clone(),
            since_unix_ms: self.since,
            until_unix_ms: self.until,
        }
    }

    /// Which decisions.
    pub(super) fn decisions(&self) -> DecisionFilter {
        DecisionFilter {
            platform: self.platform.clone(),
            command: self.command.clone(),
            key: self.key.clone(),
            user: self.user.clone(),
            verdict: self.verdict.clone(),
            fault: self.fault.clone(),
            plugin: self.plugin.clone(),
            since_unix_ms: self.since,
            until_unix_ms: self.until,
            ..DecisionFilter::default()
        }
    }

    /// Which records.
    pub(super) fn records(&self) -> RecordFilter {
        RecordFilter {
            topic: self.topic.clone(),
            platform: self.platform.clone(),
            command: self.command.clone(),
            key: self.key.clone(),
            plugin: self.plugin.clone(),
            since_unix_ms: self.since,
            until_unix_ms: self.until,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_shown() {
        for text in ["e12", "d5", "r7"] {
            assert_eq!(Id::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Id::parse("12").unwrap(), Id { kind: Kind::Entries, number: 12 });
        for text in ["", "e", "x1", "-1", "e-1", "99999999999999999999", "1 "] {
            assert!(Id::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_filter_for_another_kind_is_a_mistake() {
        let filters = Filters { topic: Some("a".to_owned()), ..Filters::default() };
        assert!(filters.check(Kind::Records).is_ok());
        let failure = filters.check(Kind::Entries).unwrap_err();
        assert_eq!(failure.error.to_string(), "--topic is a filter for records, not for entries");
        assert!(!filters.is_everything() && Filters::default().is_everything());
    }
}
