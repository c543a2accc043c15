//! One callback: whether it arrives, and in time.

use std::time::Duration;

use callgate_catalogue::wire::Phase;

use super::file::File;
use super::keys::{Key, Sent, release};
use super::report::{Report, set};
use super::times::{ROUND_TRIP, timeout_s, waits_s};
use crate::connection::{Level, Plan, Planned};

/// Whether the server sends the callback of a key.
pub(super) fn is_on(file: &File<'_>, key: &str) -> bool {
    file.setting(key, "enable").is_some_and(|enable| enable.flag() == Ok(true))
}

/// Examines one callback.
pub(super) fn examine(report: &mut Report<'_>, file: &File<'_>, key: &Key, plan: &Plan) {
    let planned = plan.find(key.command);
    let is_readable = readable(report, file, key);
    if !is_readable {
        return;
    }
    match (planned, is_on(file, key.name)) {
        (None, false) => {}
        (None, true) => unplanned(report, file, key),
        (Some(_), _) if key.sent == Sent::Never => {
            let what = format!("{} never arrives: OpenIM has the key, but no release sends it", key.command);
            let line = file.find(key.name).map_or(0, |(found, _)| found.line);
            report.line(Level::Error, "openim-never-sent", line, what, "do not rely on a plugin for this command");
        }
        (Some(_), false) => off(report, file, key),
        (Some(planned), true) => {
            let is_in_time = in_time(report, file, key, planned, plan.answer_within);
            let is_whole = filters(report, file, key);
            let line = file.find(key.name).map_or(0, |(found, _)| found.line);
            if is_in_time && is_whole {
                let since = release(key.sent).map(|release| format!(" ({release})")).unwrap_or_default();
                report.line(Level::Ok, "openim-arrives", line, format!("{} arrives{since}", key.command), "");
            }
            if key.sent == Sent::Main {
                let what = format!("{} arrives only from builds of OpenIM's main branch", key.command);
                report.line(Level::Note, "openim-release", line, what, "check the version of your OpenIM");
            }
        }
    }
}

/// Whether the server can read the members of a key. If it cannot, it does not start.
fn readable(report: &mut Report<'_>, file: &File<'_>, key: &Key) -> bool {
    let mut is_readable = true;
    if let Some((found, node)) = file.find(key.name).filter(|(_, node)| !node.is_map_or_null()) {
        let what =
            format!("`{}` must have `enable` and `timeout` inside: the services of OpenIM do not start", found.text);
        report.line(Level::Error, "openim-unreadable", node.line, what, "write the key as `callgate connect` does");
        return false;
    }
    for (member, expected) in
        [("enable", "true or false"), ("failedContinue", "true or false"), ("timeout", "a whole number")]
    {
        let Some(setting) = file.setting(key.name, member) else { continue };
        let is_right = match member {
            "timeout" => setting.number().is_ok(),
            _ => setting.flag().is_ok(),
        };
        if !is_right {
            is_readable = false;
            let what = format!(
                "`{}.{member}` cannot be read as {expected}: the services of OpenIM do not start with it",
                key.name
            );
            let value = if member == "timeout" { "5" } else { "true" };
            report.setting(Level::Error, "openim-unreadable", &setting, what, set(&setting, member, value));
        }
    }
    is_readable
}

/// A callback without a plugin.
fn unplanned(report: &mut Report<'_>, file: &File<'_>, key: &Key) {
    let Some(setting) = file.setting(key.name, "enable") else { return };
    if key.sent == Sent::Never {
        let what = format!("`{}` is on, but no release sends {}", key.name, key.command);
        report.setting(Level::Note, "openim-never-sent", &setting, what, set(&setting, "enable", "false"));
        return;
    }
    let (level, cost) = match key.name.starts_with("before") {
        true => (
            Level::Warning,
            "each operation waits for an answer that always allows, and is refused while Callgate cannot be reached",
        ),
        false => (Level::Note, "it costs requests for nothing"),
    };
    let what = format!("{} is sent, but no plugin of this platform handles it: {cost}", key.command);
    report.setting(level, "openim-unplanned", &setting, what, set(&setting, "enable", "false"));
}

/// A callback with plugins that is not sent.
fn off(report: &mut Report<'_>, file: &File<'_>, key: &Key) {
    let never = format!("{} never arrives, although plugins handle it", key.command);
    let Some((found, _)) = file.find(key.name) else {
        let what = format!("{never}: `{}` is missing", key.name);
        report.line(Level::Error, "openim-off", 0, what, format!("add `{}` with `enable: true`", key.name));
        return;
    };
    let line = found.line;
    if file.hides(key.name) {
        // The variable is reported for itself.
        return;
    }
    match file.setting(key.name, "enable") {
        Some(setting) => {
            let what = format!("{never}: `{}.enable` is false", key.name);
            report.setting(Level::Error, "openim-off", &setting, what, set(&setting, "enable", "true"));
        }
        None => {
            let what = format!("{never}: `{}` has no `enable`, which means false", key.name);
            report.line(Level::Error, "openim-off", line, what, "set `enable: true`");
        }
    }
}

/// Whether the server waits long enough.
fn in_time(report: &mut Report<'_>, file: &File<'_>, key: &Key, planned: &Planned, answer_within: Duration) -> bool {
    let Some(setting) = file.setting(key.name, "timeout") else { return true };
    let waits = Duration::from_secs(waits_s(setting.number().unwrap_or_default()));
    let needed = answer_within + ROUND_TRIP;
    if waits >= needed {
        return true;
    }
    let consequence = match planned.command.phase {
        Phase::Before => "a slow answer comes too late, and OpenIM refuses the operation",
        Phase::After => "OpenIM logs slow answers as failures",
    };
    let fits = timeout_s(answer_within).to_string();
    let ours = answer_within.as_millis();
    let todo = format!(
        "{}, or lower `answer_within_ms` to {}",
        set(&setting, "timeout", &fits),
        waits.saturating_sub(ROUND_TRIP).as_millis().max(1)
    );
    let (level, what) = match waits <= answer_within {
        true => (
            Level::Error,
            format!(
                "`{}.timeout`: OpenIM waits {} s, Callgate may take {ours} ms (`answer_within_ms`): {consequence}",
                key.name,
                waits.as_secs()
            ),
        ),
        false => (
            Level::Warning,
            format!(
                "`{}.timeout`: OpenIM waits {} s, which leaves less than {} ms beyond `answer_within_ms` ({ours} ms) for \
                 the network: {consequence}",
                key.name,
                waits.as_secs(),
                ROUND_TRIP.as_millis()
            ),
        ),
    };
    report.setting(level, "openim-timeout", &setting, what, todo);
    level != Level::Error
}

/// The content type of text messages (openimsdk/protocol `constant/constant.go`).
const TEXT: i64 = 101;

/// Whether all messages arrive that can. Only the callbacks of messages have these members.
fn filters(report: &mut Report<'_>, file: &File<'_>, key: &Key) -> bool {
    let line = |member: &str| file.find(key.name).and_then(|(_, node)| node.member(member)).map_or(0, |node| node.line);
    let mut is_whole = true;
    let denied = file.list(key.name, "deniedTypes");
    if !denied.is_empty() {
        let level = if covers(&denied, TEXT) { Level::Error } else { Level::Warning };
        let texts = if level == Level::Error { ", text messages (101) among them" } else { "" };
        let what = format!("`{}.deniedTypes`: messages of these content types never arrive{texts}", key.name);
        report.line(level, "openim-denied-types", line("deniedTypes"), what, "remove what plugins should see");
        is_whole &= level != Level::Error;
    }
    if denied.iter().any(|element| element.trim().parse::<i32>().is_err()) {
        let what = format!(
            "`{}.deniedTypes` has more than numbers: v3.8.3 and its patches know ranges, builds of the main branch do not \
             start with them",
            key.name
        );
        report.line(Level::Warning, "openim-type-ranges", line("deniedTypes"), what, "list single numbers");
    }
    let allowed = file.list(key.name, "allowedTypes");
    if !allowed.is_empty() {
        let level = if covers(&allowed, TEXT) { Level::Note } else { Level::Warning };
        let texts = if level == Level::Warning { "; text messages (101) are not among them" } else { "" };
        let what = format!(
            "`{}.allowedTypes`: v3.8.3 and its patches send only messages of these content types{texts}",
            key.name
        );
        report.line(level, "openim-allowed-types", line("allowedTypes"), what, "add what plugins should see");
    }
    let attention = file.list(key.name, "attentionIds");
    if !attention.is_empty() && key.name.starts_with("after") {
        let (level, what) = match key.name {
            "afterSendGroupMsg" => (
                Level::Error,
                "`afterSendGroupMsg.attentionIds` is compared with the receiver's user ID, which a group message does \
                 not have: no group message arrives"
                    .to_owned(),
            ),
            name => (
                Level::Warning,
                format!("`{name}.attentionIds`: only messages of these users arrive, {} of them", attention.len()),
            ),
        };
        report.line(level, "openim-attention-ids", line("attentionIds"), what, "set `attentionIds: []`");
        is_whole &= level != Level::Error;
    }
    is_whole
}

/// Whether a list of numbers and ranges (`"200-500"`) has this number.
fn covers(list: &[String], number: i64) -> bool {
    list.iter().any(|element| match element.split_once('-') {
        Some((first, last)) => {
            let bound = |text: &str| text.trim().parse::<i64>().ok();
            bound(first).is_some_and(|first| first <= number) && bound(last).is_some_and(|last| number <= last)
        }
        None => element.trim().parse() == Ok(number),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ranges_are_covered() {
        let list = ["1", "100-200", "x-y"].map(str::to_owned);
        assert!(covers(&list, 1) && covers(&list, 101) && covers(&list, 200));
        assert!(!covers(&list, 2) && !covers(&list, 201));
        assert!(!covers(&[], 101));
    }
}
