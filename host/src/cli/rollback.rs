//! `callgate rollback`: has a running host go back to a configuration that was in service before.

use callgate_terminal::{self as terminal, Failure};
use clap::Args;
use serde_json::{Value, json};

use super::api::{ANSWER_WITHIN, Running};
use super::reload::{RELOAD_WITHIN, outcome};

/// Have a running host go back to a configuration that was in service before
///
/// The host keeps copies of settings, word lists and modules (`[reload] keep`). The files themselves are not touched: mend
/// them, because a restart reads them, and so does the next `callgate reload`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate rollback --settings /etc/callgate/host.toml
Example: callgate rollback --settings host.toml --list
Example: callgate rollback --settings host.toml --to 12")]
pub(super) struct Rollback {
    #[command(flatten)]
    running: Running,

    /// Show what is kept, and change nothing
    #[arg(long, conflicts_with = "to")]
    list: bool,

    /// The number of a kept configuration [default: the one before the one in service]
    #[arg(long, value_name = "NUMBER")]
    to: Option<u64>,
}

impl Rollback {
    /// Runs the command.
    ///
    /// # Errors
    /// If no host answers, or there is nothing to go back to.
    pub(super) fn run(self) -> Result<(), Failure> {
        let api = self.running.api()?;
        if self.list {
            return terminal::print(&list(&api.get("/api/v1/kept", ANSWER_WITHIN)?));
        }
        let report = api.post("/api/v1/rollback", &json!({ "to": self.to }), RELOAD_WITHIN)?;
        let text = outcome(&report, false);
        let warning =
            "The settings file and what it names are not touched: mend them before the next restart or reload.\n";
        terminal::print(&format!("{text}{warning}"))
    }
}

fn list(kept: &Value) -> String {
    let in_service = kept.get("in_service").and_then(Value::as_u64);
    let row = |entry: &Value| {
        let number = entry.get("number").and_then(Value::as_u64).unwrap_or_default();
        let at = entry.get("unix_ms").and_then(Value::as_u64).unwrap_or_default();
        let plugins = entry.get("plugins").and_then(Value::as_array).map_or(0, Vec::len);
        let mark = if in_service == Some(number) { "in service" } else { "" };
        vec![number.to_string(), utc(at / 1000), plugins.to_string(), mark.to_owned()]
    };
    let rows: Vec<_> = kept.get("kept").and_then(Value::as_array).into_iter().flatten().map(row).collect();
    if rows.is_empty() {
        return "Nothing is kept: `keep` under [reload] is 0, or no folder can be written to; see the host's log.\n"
            .to_owned();
    }
    terminal::table(&["NUMBER", "IN SERVICE SINCE (UTC)", "PLUGINS", ""], &rows)
}

/// A moment as people write it: days by the calendar of Howard Hinnant's `civil_from_days`.
fn utc(unix_s: u64) -> String {
    let (days, second) = (unix_s / 86_400 + 719_468, unix_s % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates() {
        for (unix_s, date) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_700_000_000, "2023-11-14 22:13:20"),
            (4_107_542_399, "2100-02-28 23:59:59"),
            (4_107_542_400, "2100-03-01 00:00:00"),
        ] {
            assert_eq!(utc(unix_s), date);
        }
    }
}
