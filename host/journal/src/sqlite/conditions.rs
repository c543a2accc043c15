//! Filters as conditions of SQL. What is looked for is always a parameter.

use rusqlite::types::Value;

use crate::filter::{DecisionFilter, EntryFilter, RecordFilter};

/// A condition that is being put together.
struct Conditions {
    sql: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    fn new() -> Self {
        Self { sql: vec!["1".to_owned()], values: Vec::new() }
    }

    /// Adds a condition with `?` for its one parameter.
    fn add(&mut self, sql: &str, value: Option<impl Into<Value>>) {
        let Some(value) = value else { return };
        self.values.push(value.into());
        self.sql.push(sql.replace('?', &format!("?{}", self.values.len())));
    }

    /// Adds a condition on a column for names.
    fn named(&mut self, column: &str, name: Option<&String>) {
        self.add(&format!("{column} IN (SELECT id FROM names WHERE name = ? UNION ALL SELECT ?)"), name.cloned());
    }

    fn finish(self) -> (String, Vec<Value>) {
        (self.sql.join(" AND "), self.values)
    }
}

pub(super) fn of_entries(filter: &EntryFilter) -> (String, Vec<Value>) {
    let mut wanted = Conditions::new();
    if !filter.ids.is_empty() {
        let ids: Vec<_> = filter.ids.iter().map(|id| id.0.to_string()).collect();
        wanted.sql.push(format!("id IN ({})", ids.join(", ")));
    }
    // Written out, so that the index of dead entries is found.
    if let Some(state) = filter.state {
        wanted.sql.push(format!("state = {}", state.code()));
    }
    wanted.named("platform", filter.platform.as_ref());
    wanted.named("command", filter.command.as_ref());
    wanted.add("key = ?", filter.key.clone());
    wanted.add(
        "id IN (SELECT entry FROM attempts WHERE plugin IN (SELECT id FROM names WHERE name = ? UNION ALL SELECT ?))",
        filter.plugin.clone(),
    );
    wanted.add("received_ms >= ?", filter.since_unix_ms);
    wanted.add("received_ms < ?", filter.until_unix_ms);
    wanted.finish()
}

pub(super) fn of_records(filter: &RecordFilter) -> (String, Vec<Value>) {
    let mut wanted = Conditions::new();
    wanted.add("topic = ?", filter.topic.clone());
    wanted.named("platform", filter.platform.as_ref());
    wanted.named("command", filter.command.as_ref());
    wanted.add("key = ?", filter.key.clone());
    wanted.named("plugin", filter.plugin.as_ref());
    wanted.add("at_ms >= ?", filter.since_unix_ms);
    wanted.add("at_ms < ?", filter.until_unix_ms);
    wanted.finish()
}

pub(super) fn of_decisions(filter: &DecisionFilter) -> (String, Vec<Value>) {
    let mut wanted = Conditions::new();
    wanted.named("platform", filter.platform.as_ref());
    wanted.named("command", filter.command.as_ref());
    wanted.add("key = ?", filter.key.clone());
    wanted.add("actor = ?", filter.actor.clone());
    wanted.add("target = ?", filter.target.clone());
    wanted.add("(actor = ? OR target = ?)", filter.user.clone());
    wanted.named("verdict", filter.verdict.as_ref());
    wanted.add("code = ?", filter.code);
    wanted.named("decided_by", filter.decided_by.as_ref());
    wanted.named("refusal", filter.refusal.as_ref());
    wanted.named("fault", filter.fault.as_ref());
    // The names of a chain's plugins are stored as one name, on a line each.
    let has = |text: &str| format!("instr(char(10) || {text} || char(10), char(10) || ? || char(10)) > 0");
    let plugin = format!(
        "(plugins IN (SELECT id FROM names WHERE {}) OR (typeof(plugins) = 'text' AND {}))",
        has("name"),
        has("plugins")
    );
    wanted.add(&plugin, filter.plugin.clone());
    wanted.add("operation_id = ?", filter.operation_id.clone());
    if filter.with_body {
        wanted.sql.push("has_body".to_owned());
    }
    wanted.add("at_ms >= ?", filter.since_unix_ms);
    wanted.add("at_ms < ?", filter.until_unix_ms);
    wanted.finish()
}
