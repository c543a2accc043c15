//! `callgate shadow report`: what was counted of candidates, as tables or as JSON.

use std::fmt::Write as _;

use callgate_terminal::{self as terminal, Exit, Failure};
use clap::Args;
use serde_json::Value;

use super::super::api::{ANSWER_WITHIN, Running};
use super::super::when;

/// Show how candidates compare with the plugins in service, per command
///
/// FUEL and CPU are the candidate's consumption divided by that of the plugins in service, in callbacks without a
/// fault.
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate shadow report --settings host.toml
Example: callgate shadow report stricter-words --admin 127.0.0.1:8081 --json")]
pub(super) struct Report {
    /// The `name` of a candidate in the settings [default: all]
    name: Option<String>,

    #[command(flatten)]
    running: Running,

    /// Write all figures as JSON, for scripts
    #[arg(long)]
    json: bool,
}

impl Report {
    /// Runs the command.
    ///
    /// # Errors
    /// If no host answers, or there is no such candidate.
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut answer = self.running.api()?.get("/api/v1/shadows", ANSWER_WITHIN)?;
        if let Some(name) = &self.name {
            only(&mut answer, name)?;
        }
        let text = if self.json { format!("{answer:#}\n") } else { tables(&answer) };
        terminal::print(&text)
    }
}

/// Leaves out the other candidates.
fn only(answer: &mut Value, name: &str) -> Result<(), Failure> {
    let Some(shadows) = answer.get_mut("shadows").and_then(Value::as_array_mut) else { return Ok(()) };
    let known: Vec<String> = shadows.iter().map(|shadow| text(shadow, "name").to_owned()).collect();
    shadows.retain(|shadow| text(shadow, "name") == name);
    if shadows.is_empty() {
        let why = match known.is_empty() {
            true => "this host has no candidates: add a [[shadow]] to its settings".to_owned(),
            false => format!("no [[shadow]] of this host has this name: give one of {}", known.join(", ")),
        };
        return Err(Failure::new(Exit::Usage, anyhow::anyhow!(why)));
    }
    Ok(())
}

/// The report as it is read on a terminal.
fn tables(answer: &Value) -> String {
    let now = number(answer, "now_unix_ms");
    let shadows = list(answer, "shadows");
    if shadows.is_empty() {
        return "This host has no candidates: add a [[shadow]] to its settings.\n".to_owned();
    }
    let each: Vec<String> = shadows.iter().map(|shadow| one(shadow, now)).collect();
    each.join("\n")
}

fn one(shadow: &Value, now: u64) -> String {
    let since = age(now, number(shadow, "since_unix_ms"));
    let mut page = format!("{}: {}; figures of {since}", text(shadow, "name"), text(shadow, "change"));
    // Writing into a text does not fail.
    let _ = match (number(shadow, "percent"), shadow.get("fallen_back")) {
        (0, _) => writeln!(page),
        (percent, Some(fallen)) if fallen.is_object() => writeln!(
            page,
            "\nIt was to answer {percent} % of the callbacks, and FELL BACK {} ago, after {} faults in {} callbacks.",
            age(now, number(fallen, "at_unix_ms")),
            number(fallen, "faults"),
            number(fallen, "callbacks")
        ),
        (percent, _) => writeln!(page, "\nIt answers {percent} % of the callbacks."),
    };
    let commands = list(shadow, "commands");
    if commands.is_empty() {
        let waiting = number(shadow, "waiting");
        let _ = writeln!(page, "Nothing has been compared yet; {waiting} callbacks wait.");
        return page;
    }
    let rows: Vec<_> = commands.iter().map(row).collect();
    let heading = ["PLATFORM", "COMMAND", "COMPARED", "SAME", "DIFFERENT", "FAULTS", "DROPPED", "FUEL", "CPU"];
    page.push_str(&terminal::table(&heading, &rows));
    page.push_str(&answers(commands));
    let faults = list(shadow, "faults").iter().map(|fault| {
        let texts = ["side", "plugin", "fault"].map(|key| text(fault, key).to_owned());
        texts.into_iter().chain([number(fault, "count").to_string()]).collect::<Vec<_>>()
    });
    let faults: Vec<_> = faults.collect();
    if !faults.is_empty() {
        let _ = write!(page, "\n{}", terminal::table(&["SIDE", "PLUGIN", "FAULT", "CALLS"], &faults));
    }
    let examples = list(shadow, "examples").iter().map(|example| {
        let mut cells = vec![format!("{} ago", age(now, number(example, "at_unix_ms")))];
        cells.extend(["command", "operation_id", "present", "candidate"].map(|key| text(example, key).to_owned()));
        cells
    });
    let examples: Vec<_> = examples.collect();
    if !examples.is_empty() {
        let heading = ["EXAMPLE", "COMMAND", "OPERATION", "IN SERVICE", "CANDIDATE"];
        let _ = write!(page, "\n{}", terminal::table(&heading, &examples));
    }
    page
}

/// The figures of a command.
fn row(command: &Value) -> Vec<String> {
    let null = Value::Null;
    let outcomes = command.get("outcomes").unwrap_or(&null);
    let kinds = |kinds: &[(&str, &str)]| {
        let all: Vec<_> = kinds.iter().map(|(key, name)| (number(outcomes, key), *name)).collect();
        let sum: u64 = all.iter().map(|(count, _)| count).sum();
        let each: Vec<_> =
            all.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{name} {count}")).collect();
        if each.is_empty() { sum.to_string() } else { format!("{sum} ({})", each.join(", ")) }
    };
    let ratio = |key: &str| {
        let sides = command.get(key).unwrap_or(&null);
        match number(sides, "present") {
            0 => "-".to_owned(),
            present => format!("{:.2}", number(sides, "candidate") as f64 / present as f64),
        }
    };
    vec![
        text(command, "platform").to_owned(),
        text(command, "command").to_owned(),
        number(command, "compared").to_string(),
        number(outcomes, "same").to_string(),
        kinds(&["verdict", "code", "text", "users", "changes", "records"].map(|kind| (kind, kind))),
        kinds(&[("candidate_fault", "candidate"), ("present_fault", "in service"), ("both_fault", "both")]),
        number(command, "dropped").to_string(),
        ratio("fuel"),
        ratio("cpu_ns"),
    ]
}

/// Who answered, if the candidate answers a part.
fn answers(commands: &[Value]) -> String {
    let sum = |key: &str| -> u64 {
        commands.iter().filter_map(|command| command.get("answered")).map(|answered| number(answered, key)).sum()
    };
    let (present, candidate, faults) = (sum("present"), sum("candidate"), sum("candidate_faults"));
    match present + candidate {
        0 => String::new(),
        _ => format!(
            "\nCallbacks answered: {candidate} by the candidate, {faults} of them with a fault; {present} by what is in \
             service.\n"
        ),
    }
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or_default()
}

/// How long ago that was, in one unit.
fn age(now_unix_ms: u64, then_unix_ms: u64) -> String {
    when::span(i64::try_from(now_unix_ms.saturating_sub(then_unix_ms)).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_report_says_what_differs_and_by_how_much() {
        let answer = json!({"now_unix_ms": 10_000_000, "shadows": [{
            "name": "s", "change": "replaces p", "percent": 5, "since_unix_ms": 0, "waiting": 0,
            "fallen_back": {"at_unix_ms": 9_940_000, "faults": 2, "callbacks": 40},
            "commands": [{
                "platform": "openim", "command": "c", "compared": 10, "no_time": 0, "dropped": 1,
                "outcomes": {"same": 6, "verdict": 2, "code": 1, "candidate_fault": 1},
                "fuel": {"present": 100, "candidate": 150}, "cpu_ns": {"present": 0, "candidate": 7},
                "answered": {"present": 30, "candidate": 10, "candidate_faults": 2},
            }],
            "faults": [{"side": "candidate", "plugin": "p", "fault": "trap", "count": 1}],
            "examples": [{"at_unix_ms": 9_999_000, "platform": "openim", "command": "c", "operation_id": "op",
                "outcome": "verdict", "present": "allow", "candidate": "deny 5001"}],
        }]});
        let page = tables(&answer);
        let expected = "\
s: replaces p; figures of 2 h
It was to answer 5 % of the callbacks, and FELL BACK 60 s ago, after 2 faults in 40 callbacks.
PLATFORM  COMMAND  COMPARED  SAME  DIFFERENT              FAULTS           DROPPED  FUEL  CPU
openim    c        10        6     3 (verdict 2, code 1)  1 (candidate 1)  1        1.50  -

Callbacks answered: 10 by the candidate, 2 of them with a fault; 30 by what is in service.

SIDE       PLUGIN  FAULT  CALLS
candidate  p       trap   1

EXAMPLE  COMMAND  OPERATION  IN SERVICE  CANDIDATE
1 s ago  c        op         allow       deny 5001
";
        assert_eq!(page, expected, "{page}");
        assert!(tables(&json!({"shadows": []})).contains("add a [[shadow]]"));
    }
}
