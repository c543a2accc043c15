//! Findings, for people and for machines.

use callgate_catalogue::line::one_line;
use callgate_dialects::connection::{Finding, Level};
use callgate_terminal::{ERROR, NOTE, STEP, WARNING, wrapped};
use serde_json::json;

/// The width of the text, in columns.
const COLUMNS: usize = 80;

/// The width of the column with the level, and of the space after it.
const INDENT: usize = 9;

/// As text: what is fine first, what is wrong last, where it is read.
pub(super) fn text(findings: &[Finding]) -> String {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| finding.level);
    let mut text = String::new();
    for finding in sorted {
        let style = match finding.level {
            Level::Ok => STEP,
            Level::Note => NOTE,
            Level::Warning => WARNING,
            Level::Error => ERROR,
        };
        let level = format!("{:<width$}", finding.level.name(), width = INDENT);
        let what = match finding.place.is_empty() {
            true => one_line(&finding.what).to_string(),
            false => one_line(&format!("{}: {}", finding.place, finding.what)).to_string(),
        };
        text.push_str(&format!("{style}{level}{style:#}{}\n", wrapped(&what, COLUMNS - INDENT, &" ".repeat(INDENT))));
        if !finding.todo.is_empty() {
            let todo = wrapped(&one_line(&finding.todo), COLUMNS - INDENT - 3, &" ".repeat(INDENT + 3));
            text.push_str(&format!("{}-> {todo}\n", " ".repeat(INDENT)));
        }
    }
    text
}

/// As JSON: the findings in the order in which they were made.
pub(super) fn json(findings: &[Finding]) -> String {
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let each = findings.iter().map(|finding| {
        json!({
            "level": finding.level.name(),
            "id": finding.id,
            "place": finding.place,
            "what": finding.what,
            "todo": finding.todo,
        })
    });
    let report = json!({
        "callgate": env!("CARGO_PKG_VERSION"),
        "errors": count(Level::Error),
        "warnings": count(Level::Warning),
        "findings": each.collect::<Vec<_>>(),
    });
    format!("{report:#}\n")
}
