//! What `callgate run` prints: the outcome of the callback, and its cost compared with the limits.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{Asked, Cost, Played, Wish};
use callgate_catalogue::line::one_line;
use callgate_dialects::Callback;
use callgate_dialects::Decision;
use callgate_dialects::explain::{Explanation, Outcome};
use callgate_sandbox::{Fault, Plugin};
use callgate_terminal::table;

/// One or several runs of the same callback.
pub(crate) struct Report<'a> {
    pub callback: &'a Callback,
    pub plugin: &'a Plugin,
    /// The first run.
    pub played: &'a Played,
    /// What the real server does with the answer.
    pub explanation: Option<&'a Explanation>,
    /// The costs of all runs.
    pub runs: &'a [Cost],
}

/// One measure of a call, with its limit.
pub(crate) struct Measure {
    pub name: &'static str,
    pub unit: &'static str,
    pub used: f64,
    pub limit: f64,
}

/// Above this fraction of a limit, a measure is worth a look.
const CLOSE: f64 = 0.8;

/// Above this fraction, a slightly larger callback is likely to exceed the limit.
const FULL: f64 = 0.95;

impl Report<'_> {
    /// For people.
    pub(crate) fn as_text(&self, coloured: bool) -> String {
        let mut lines = vec![("command", self.command()), ("verdict", self.verdict())];
        lines.extend(self.faults().map(|fault| ("fault", paint(coloured, RED, &fault.to_string()))));
        let steps = || self.played.calls.iter();
        lines.extend(steps().flat_map(|step| &step.adjustments).map(|adjustment| ("adjusted", adjustment.to_string())));
        // With a fault, it is already shown next to the verdict.
        if self.faults().next().is_none() {
            lines.push(("answer", self.answer()));
        }
        lines.push(("server", self.server()));
        lines.extend(self.played.asked.iter().map(|asked| ("fact", asked.as_text())));
        lines.extend(self.played.updates.iter().map(|wish| ("update", wish.as_text())));
        lines.extend(self.played.records.iter().map(|record| ("record", record.clone())));
        let log = self.played.log.iter();
        lines.extend(log.map(|(level, text)| ("log", format!("{}: {text}", level))));
        if steps().len() > 0 {
            lines.extend(self.measures().iter().map(|measure| (measure.name, measure.as_text(coloured))));
        }
        let mut text: String = lines.iter().map(|(heading, line)| format!("{heading:<10} {line}\n")).collect();
        if steps().len() > 1 {
            text.push_str(&format!(
                "\nThe request carries {} callbacks; each measure shows the largest of them.\n",
                steps().len()
            ));
        }
        if self.runs.len() > 1 {
            text.push_str(&self.spread_as_text());
        }
        text
    }

    /// For machines.
    pub(crate) fn as_json(&self) -> Value {
        let records: Vec<Value> =
            self.played.records.iter().map(|record| serde_json::from_str(record).unwrap_or_default()).collect();
        let log = self.played.log.iter();
        let log = log.map(|(level, text)| json!({ "level": level, "text": text }));
        let adjustments = self.played.calls.iter().flat_map(|step| &step.adjustments).map(ToString::to_string);
        let measures = self
            .measures()
            .into_iter()
            .map(|measure| (measure.key(), json!({ "used": number(measure.used), "limit": number(measure.limit) })));
        json!({
            "plugin": **self.plugin.name(),
            "platform": self.callback.command().map(|command| command.protocol),
            "command": self.callback.name(),
            // After a fault there is none: `on_fault` decides the answer below.
            "verdict": self.faults().next().is_none().then(|| self.played.decision.name()),
            "asked": !self.played.calls.is_empty(),
            "fault": self.faults().next().map(|fault| json!({ "is": fault.name(), "text": fault.to_string() })),
            "adjustments": adjustments.collect::<Vec<_>>(),
            "status": self.played.response.status.as_u16(),
            "answer": serde_json::from_slice::<Value>(&self.played.response.body).unwrap_or_default(),
            "server": self.server(),
            "facts": self.played.asked.iter().map(Asked::as_json).collect::<Value>(),
            "updates": self.played.updates.iter().map(|wish| wish.update.clone()).collect::<Value>(),
            "records": records,
            "log": log.collect::<Vec<_>>(),
            "usage": measures.collect::<serde_json::Map<_, _>>(),
            "runs": {
                "count": self.runs.len(),
                "fuel": self.fuel().map(Spread::into_json),
                "time_ms": self.times().map(Spread::into_json),
            },
        })
    }

    /// The command and its platform.
    pub(crate) fn command(&self) -> String {
        let platform = self.callback.command().map_or("", |command| command.protocol);
        format!("{} ({platform})", self.callback.name())
    }

    /// The decision; if the plugin did not make it, why not.
    pub(crate) fn verdict(&self) -> String {
        let decision = &self.played.decision;
        let name = decision.name();
        if self.played.calls.is_empty() && self.played.fault.is_none() {
            let handles = self.plugin.manifest().commands.join(", ");
            return format!("{name}, without calling the plugin: it handles only {handles}");
        }
        if self.faults().next().is_some() {
            return format!("none (fault); with on_fault = \"{name}\" the server gets {}", self.answer());
        }
        match decision {
            Decision::Deny(denial) => format!("{name} with code {}: {}", denial.code, one_line(&denial.message)),
            Decision::Modify(changes) => {
                let changes: Vec<_> =
                    changes.iter().map(|(name, value)| format!("{name} = {}", value.as_str())).collect();
                format!("{name} {}", changes.join(", "))
            }
            Decision::RefuseSome(users) => format!("{name} {}", one_line(&users.join(", "))),
            Decision::Reply(text) => format!("{name} {text:?}"),
            Decision::Allow | Decision::Drop | Decision::PerUser(_) => name.to_owned(),
        }
    }

    /// All faults.
    pub(crate) fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.played.faults()
    }

    fn answer(&self) -> String {
        let response = &self.played.response;
        format!("{} {}", response.status.as_u16(), String::from_utf8_lossy(&response.body).trim_end())
    }

    /// What the real server does with the answer, on one line.
    fn server(&self) -> String {
        let Some(explanation) = self.explanation else { return String::new() };
        let mut line = match &explanation.outcome {
            Outcome::GoesOn => "goes on".to_owned(),
            Outcome::Denied { code, .. } => format!("rejects the operation with code {code}"),
            Outcome::Dropped => "drops the operation and tells its caller that it succeeded".to_owned(),
            Outcome::AlreadyDone => "has already done the operation: the answer changes nothing".to_owned(),
            Outcome::Broken { caller_sees } => format!("cannot use this answer: the caller sees {caller_sees}"),
        };
        for applied in explanation.applied.iter().filter(|applied| applied.from.as_ref() != Some(&applied.to)) {
            line.push_str(&format!(", {}: {} -> {}", applied.name, applied.from.as_deref().unwrap_or("?"), applied.to));
        }
        for (name, why) in &explanation.without_effect {
            line.push_str(&format!("; ignores `{name}`: {why}"));
        }
        line
    }

    /// The measures; for several calls, the largest of each.
    fn measures(&self) -> Vec<Measure> {
        let limits = self.plugin.limits();
        let steps = || self.played.calls.iter();
        let largest = |sizes: &mut dyn Iterator<Item = usize>| sizes.max().unwrap_or(0) as f64;
        let fuel = steps().map(|step| step.usage.fuel.0).max().unwrap_or(0);
        let took = steps().map(|step| step.took).max().unwrap_or_default();
        let cpu = steps().map(|step| step.cpu).max().unwrap_or_default();
        let measure = |name, unit, used, limit| Measure { name, unit, used, limit };
        vec![
            measure("fuel", "", fuel as f64, limits.fuel_per_call.0 as f64),
            measure("time", "ms", ms(took), ms(limits.call_within)),
            measure("cpu", "ms", ms(cpu), ms(limits.call_within)),
            measure(
                "memory",
                "bytes",
                largest(&mut steps().map(|step| step.usage.memory_bytes)),
                limits.memory_bytes_max as f64,
            ),
            measure(
                "reply",
                "bytes",
                largest(&mut steps().map(|step| step.usage.reply_bytes)),
                limits.reply_bytes_max as f64,
            ),
        ]
    }

    fn fuel(&self) -> Option<Spread> {
        Spread::of(self.runs.iter().map(|run| run.fuel.0 as f64))
    }

    fn times(&self) -> Option<Spread> {
        Spread::of(self.runs.iter().map(|run| ms(run.took)))
    }

    fn spread_as_text(&self) -> String {
        let limits = self.plugin.limits();
        let row = |name: &str, spread: Option<Spread>, limit: f64| {
            let cells = spread.map(|Spread { min, median, p99, max }| [min, median, p99, max, limit].map(show));
            [vec![name.to_owned()], cells.map(Vec::from).unwrap_or_default()].concat()
        };
        let runs = format!("{} RUNS", self.runs.len());
        let heading = [runs.as_str(), "MIN", "MEDIAN", "P99", "MAX", "LIMIT"];
        let fuel = row("fuel", self.fuel(), limits.fuel_per_call.0 as f64);
        format!("\n{}", table(&heading, &[fuel, row("time, ms", self.times(), ms(limits.call_within))]))
    }
}

impl Asked {
    /// `sent u1 = 3`, on one line.
    fn as_text(&self) -> String {
        let Self { fact, key, value } = self;
        let value = match value {
            Ok(value) => format!("= {value}"),
            Err(why) => format!("is not known: {}", why.name()),
        };
        one_line(&format!("{fact} {} {value}", shortened(key)))
    }

    /// The fact as the plugin gets it.
    pub(crate) fn as_json(&self) -> Value {
        let Self { fact, key, value } = self;
        match value {
            Ok(value) => {
                let value: Value = serde_json::from_str(value).unwrap_or_default();
                json!({ "fact": fact, "key": key, "value": value })
            }
            Err(why) => json!({ "fact": fact, "key": key, "value": null, "why": why.name() }),
        }
    }
}

impl Wish {
    /// `strikes u1 + 1, for 60000 ms`, on one line.
    fn as_text(&self) -> String {
        let member = |name: &str| self.update.get(name);
        let change = match (member("add"), member("set")) {
            (Some(number), _) => format!("+ {number}"),
            (None, Some(value)) => format!("= {value}"),
            (None, None) => "is removed".to_owned(),
        };
        let lasts = member("ttl_ms").map(|ms| format!(", for {ms} ms")).unwrap_or_default();
        let unlisted = if self.fact.is_empty() { " (no fact that its `export!` lists: it is dropped)" } else { "" };
        let key = member("key").and_then(Value::as_str).unwrap_or_default();
        one_line(&format!("{} {} {change}{lasts}{unlisted}", self.fact, shortened(key)))
    }
}

/// Maximum number of characters of a key that are shown: it may be a whole message.
const KEY_CHARACTERS_MAX: usize = 80;

fn shortened(key: &str) -> String {
    match key.char_indices().nth(KEY_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", key.get(..end).unwrap_or_default()),
        None => key.to_owned(),
    }
}

impl Measure {
    /// For people; coloured if the limit is near.
    pub(crate) fn as_text(&self, coloured: bool) -> String {
        let part = self.used / self.limit;
        let colour = match part {
            part if part > FULL => RED,
            part if part > CLOSE => YELLOW,
            _ => "",
        };
        let unit = if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) };
        let text = format!("{} of {}{unit} ({:.1} %)", show(self.used), show(self.limit), part * 100.0);
        paint(coloured && !colour.is_empty(), colour, &text)
    }

    fn key(&self) -> String {
        if self.unit.is_empty() { self.name.to_owned() } else { format!("{}_{}", self.name, self.unit) }
    }
}

/// The distribution of a measure over several runs.
struct Spread {
    min: f64,
    median: f64,
    p99: f64,
    max: f64,
}

impl Spread {
    /// By nearest rank, so each is a value that occurred. `None` if there are no values.
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let rank = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Some(Self { min: rank(0)?, median: rank(50)?, p99: rank(99)?, max: rank(100)? })
    }

    fn into_json(self) -> Value {
        json!({
            "min": number(self.min), "median": number(self.median), "p99": number(self.p99), "max": number(self.max),
        })
    }
}

fn ms(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e6
}

/// An integer with its digits in groups of three, as in the settings; a fraction with three digits.
pub(crate) fn show(number: f64) -> String {
    if number.fract() != 0.0 {
        return format!("{number:.3}");
    }
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

/// As an integer if it is one.
fn number(number: f64) -> Value {
    if number.fract() == 0.0 { (number as u64).into() } else { number.into() }
}

/// The colour for errors.
pub(crate) const RED: &str = "\x1b[31m";
/// The colour of what is right.
pub(crate) const GREEN: &str = "\x1b[32m";
/// The colour of what is worth a look.
pub(crate) const YELLOW: &str = "\x1b[33m";

/// `text` in this colour, if `coloured`.
pub(crate) fn paint(coloured: bool, colour: &str, text: &str) -> String {
    if coloured { format!("{colour}{text}\x1b[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_in_groups() {
        assert_eq!([0.0, 999.0, 1000.0, 20_000_000.0].map(show), ["0", "999", "1_000", "20_000_000"]);
        assert_eq!(show(0.03125), "0.031");
    }

    #[test]
    fn a_measure_is_coloured_from_four_fifths_of_its_limit_on() {
        let shown = |used| Measure { name: "fuel", unit: "", used, limit: 1000.0 }.as_text(true);
        assert_eq!(shown(800.0), "800 of 1_000 (80.0 %)");
        assert_eq!(shown(801.0), "\x1b[33m801 of 1_000 (80.1 %)\x1b[0m");
        assert_eq!(shown(951.0), "\x1b[31m951 of 1_000 (95.1 %)\x1b[0m");
    }

    #[test]
    fn ranks_are_values_that_occurred() {
        let spread = Spread::of((1..=200).map(f64::from)).unwrap();
        assert_eq!([spread.min, spread.median, spread.p99, spread.max], [1.0, 100.0, 198.0, 200.0]);
        let one = Spread::of([7.0].into_iter()).unwrap();
        assert_eq!([one.min, one.median, one.p99, one.max], [7.0; 4]);
        assert!(Spread::of([].into_iter()).is_none());
    }

    #[test]
    fn a_measure_is_coloured_when_it_comes_close_to_its_limit() {
        let text = |used| Measure { name: "fuel", unit: "", used, limit: 100.0 }.as_text(true);
        assert_eq!(text(80.0), "80 of 100 (80.0 %)");
        assert_eq!(text(81.0), "\x1b[33m81 of 100 (81.0 %)\x1b[0m");
        assert_eq!(text(100.0), "\x1b[31m100 of 100 (100.0 %)\x1b[0m");
    }
}
