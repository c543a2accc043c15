//! What `callgate profile` prints: the functions that burnt the most fuel.

use serde_json::{Value, json};

use crate::run::report::{self, RED, YELLOW, paint, show};
use callgate_sandbox::profile::{Function, Profile};
use callgate_terminal::table;

/// A profile, and the run it belongs to.
pub(super) struct Report<'a> {
    pub run: report::Report<'a>,
    pub profile: &'a Profile,
    /// Maximum number of functions to show.
    pub rows_max: usize,
}

/// A function that burns more than this fraction of all fuel is worth a look.
const WARM: f64 = 0.05;

/// A function that burns more than this is where to start.
const HOT: f64 = 0.2;

impl Report<'_> {
    /// For people.
    pub(super) fn as_text(&self, coloured: bool) -> String {
        let mut lines = vec![("command", self.run.command()), ("verdict", self.run.verdict())];
        lines.extend(self.run.faults().map(|fault| ("fault", paint(coloured, RED, &fault.to_string()))));
        lines.push(("fuel", self.fuel()));
        let mut text: String = lines.iter().map(|(heading, line)| format!("{heading:<10} {line}\n")).collect();
        if !self.profile.functions.is_empty() {
            text.push_str(&format!("\n{}", self.functions(coloured)));
        }
        text
    }

    /// For machines.
    pub(super) fn as_json(&self) -> Value {
        let functions = self.shown().iter().map(|function| {
            json!({
                "name": function.name,
                "index": function.index,
                "calls": function.calls,
                "own_fuel": function.own.0,
                "own_percent": rounded(self.part(function.own.0)),
                "total_fuel": function.total.0,
                "total_percent": rounded(self.part(function.total.0)),
            })
        });
        json!({
            "plugin": **self.run.plugin.name(),
            "platform": self.run.callback.command().map(|command| command.protocol),
            "command": self.run.callback.name(),
            // A fault has none.
            "verdict": self.run.faults().next().is_none().then(|| self.run.played.decision.name()),
            "fault": self.run.faults().next().map(|fault| json!({ "is": fault.name(), "text": fault.to_string() })),
            "calls": self.run.played.calls.len(),
            "fuel": self.profile.fuel.0,
            "functions": functions.collect::<Vec<_>>(),
            "functions_left_out": self.profile.functions.len() - self.shown().len(),
            "functions_are_named": self.profile.is_named,
        })
    }

    fn fuel(&self) -> String {
        let fuel = self.profile.fuel.0 as f64;
        let limit = self.run.plugin.limits().fuel_per_call.0 as f64;
        match self.run.played.calls.len() {
            0 | 1 => format!("{} of {} ({:.1} %)", show(fuel), show(limit), fuel / limit * 100.0),
            calls => format!("{} in {calls} calls, which may burn {} each", show(fuel), show(limit)),
        }
    }

    fn functions(&self, coloured: bool) -> String {
        let numbers = |own: u64, total: Option<u64>, calls: u64| {
            let (total, part) = match total {
                Some(total) => (show(total as f64), percent(self.part(total))),
                None => (String::new(), String::new()),
            };
            [show(own as f64), percent(self.part(own)), total, part, show(calls as f64)]
        };
        let mut rows: Vec<([String; 5], String)> = self
            .shown()
            .iter()
            .map(|function| {
                let colour = match self.part(function.own.0) {
                    part if part > HOT => RED,
                    part if part > WARM => YELLOW,
                    _ => "",
                };
                let name = paint(coloured && !colour.is_empty(), colour, &function.name);
                (numbers(function.own.0, Some(function.total.0), function.calls), name)
            })
            .collect();
        let others = self.profile.functions.get(self.shown().len()..).unwrap_or_default();
        if !others.is_empty() {
            let own = others.iter().map(|function| function.own.0).sum();
            let calls = others.iter().map(|function| function.calls).sum();
            rows.push((numbers(own, None, calls), format!("({} others)", others.len())));
        }
        // Numbers are right-aligned. Colours do not affect the alignment, because names are the last column.
        let headings = ["OWN", "OWN %", "TOTAL", "TOTAL %", "CALLS"];
        let mut widths = headings.map(str::len);
        for (cells, _) in &rows {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.len());
            }
        }
        let right = |cells: &mut dyn Iterator<Item = &str>, name: &str| -> Vec<String> {
            let cells = cells.zip(&widths).map(|(cell, width)| format!("{cell:>width$}"));
            cells.chain([name.to_owned()]).collect()
        };
        let heading = right(&mut headings.into_iter(), "FUNCTION");
        let rows: Vec<_> =
            rows.iter().map(|(cells, name)| right(&mut cells.iter().map(String::as_str), name)).collect();
        table(&heading.iter().map(String::as_str).collect::<Vec<_>>(), &rows)
    }

    fn shown(&self) -> &[Function] {
        let functions = &self.profile.functions;
        functions.get(..self.rows_max).unwrap_or(functions)
    }

    /// The fraction of all fuel.
    fn part(&self, fuel: u64) -> f64 {
        fuel as f64 / self.profile.fuel.0.max(1) as f64
    }
}

fn percent(part: f64) -> String {
    format!("{:.1}", part * 100.0)
}

/// In percent, rounded to two digits.
fn rounded(part: f64) -> f64 {
    (part * 10_000.0).round() / 100.0
}
