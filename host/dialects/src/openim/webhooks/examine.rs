//! Which callbacks arrive, which never do, and why.

use callgate_catalogue::wire::Phase;

use super::file::{self, File};
use super::keys::{KEY_WITHOUT_CODE, KEYS, Key, OLD_KEYS};
use super::report::{Report, at};
use super::yaml::{self, Node};
use super::{address, callback};
use crate::connection::{Configuration, Examination, Finding, Level, Plan};

/// Examines a `webhooks.yml` and the variables that override it.
pub(crate) fn examine(configuration: &Configuration<'_>, plan: &Plan) -> Examination {
    let root = match yaml::parse(configuration.text) {
        Ok(root) => root,
        Err(error) => {
            let place = at(configuration.name, error.line);
            let what = format!("it is not valid YAML ({}): the services of OpenIM do not start with it", error.message);
            let todo = "correct this line, or create the file again with `callgate connect`";
            let finding = Finding::new(Level::Error, "openim-yaml", place, what, todo);
            return Examination { findings: vec![finding], url: None };
        }
    };
    let file = File::new(root, configuration.environment);
    let mut report = Report::new(configuration.name);
    if let Some((key, node)) = file.find("callback").filter(|_| is_old_file(&file)) {
        // Everything else that could be said follows from this.
        old_section(&mut report, key.line, node, "openim-old-file", "this is config.yaml of v3.6.0 or older");
        return Examination { findings: report.findings, url: None };
    }
    unknown_keys(&mut report, &file, plan);
    variables(&mut report, &file);
    let url = address::examine(&mut report, &file, plan);
    for key in KEYS {
        callback::examine(&mut report, &file, key, plan);
    }
    failed_continue(&mut report, &file, plan);
    other_sources(&mut report);
    Examination { findings: report.findings, url }
}

/// Keys at the top that the server ignores.
fn unknown_keys(report: &mut Report<'_>, file: &File<'_>, plan: &Plan) {
    for (number, (key, node)) in file.keys().enumerate() {
        let name = key.text.as_str();
        let twice = file.keys().take(number).find(|(earlier, _)| earlier.text.eq_ignore_ascii_case(name));
        if let Some((earlier, _)) = twice {
            let what = format!(
                "`{name}` is here and on line {} as `{}`: OpenIM ignores case, and which one counts is left to chance",
                earlier.line, earlier.text
            );
            report.line(Level::Error, "openim-key-twice", key.line, what, "remove one of them");
        }
        let is_known = KEYS.iter().any(|known| known.name.eq_ignore_ascii_case(name));
        if is_known || name.eq_ignore_ascii_case("url") {
            continue;
        }
        if name.eq_ignore_ascii_case("callback") {
            old_section(
                report,
                key.line,
                node,
                "openim-callback-section",
                "a section `callback` is what v3.6.0 and older read, in config.yaml",
            );
        } else if name.eq_ignore_ascii_case(KEY_WITHOUT_CODE) {
            if callback::is_on(file, KEY_WITHOUT_CODE) {
                let what = format!("`{name}` switches nothing on: no release reads it");
                let todo = "recalled messages are reported by `afterRevokeMsg`";
                report.line(Level::Warning, "openim-key-unread", key.line, what, todo);
            }
        } else if node.members().any(|(inner, _)| key_named(&inner.text).is_some()) {
            let what =
                format!("`{name}` has keys of callbacks inside: OpenIM looks for them at the top of the file only");
            report.line(Level::Error, "openim-key-nested", key.line, what, "move them to the top of the file");
        } else {
            unknown_key(report, file, key.line, name, plan);
        }
    }
}

fn unknown_key(report: &mut Report<'_>, file: &File<'_>, line: usize, name: &str, plan: &Plan) {
    // Where the right key is on as well, nothing is missing.
    let level = |key: &Key| match plan.find(key.command).is_some() && !callback::is_on(file, key.name) {
        true => Level::Error,
        false => Level::Warning,
    };
    let old = OLD_KEYS.iter().find(|(old, _)| old.eq_ignore_ascii_case(name)).and_then(|(_, new)| key_named(new));
    if let Some(key) = old {
        let what = format!("`{name}` is the name that v3.6.0 and older had: v3.7.0 and later ignore it");
        report.line(level(key), "openim-old-key", line, what, format!("rename it to `{}`", key.name));
        return;
    }
    let near = KEYS.iter().find(|key| key.command.eq_ignore_ascii_case(name)).or_else(|| nearest(name));
    let what = format!("OpenIM has no key `{name}`, and ignores it");
    let (level, todo) = match near {
        Some(near) => (level(near), format!("did you mean `{}`?", near.name)),
        None => (Level::Warning, "remove it, or look up the key in what `callgate connect` prints".to_owned()),
    };
    report.line(level, "openim-unknown-key", line, what, todo);
}

fn key_named(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name.eq_ignore_ascii_case(name))
}

/// Whether the file is the one that had everything up to v3.6.0.
fn is_old_file(file: &File<'_>) -> bool {
    ["mongo", "redis", "kafka", "rpcPort"].iter().filter(|name| file.find(name).is_some()).count() >= 2
}

/// The key with the name most like this one.
fn nearest(name: &str) -> Option<&'static Key> {
    let likeness = |key: &Key| strsim::jaro_winkler(&name.to_lowercase(), &key.name.to_lowercase());
    let best = KEYS.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) > 0.85).then_some(best)
}

/// The section that held everything up to v3.6.0.
fn old_section(report: &mut Report<'_>, line: usize, node: &Node, id: &'static str, what: &str) {
    let names: Vec<String> = node
        .members()
        .filter(|(key, node)| {
            let on = node.member("enable").and_then(Node::text);
            key.text != "url" && matches!(on, Some("true" | "True" | "TRUE"))
        })
        .map(|(key, _)| {
            let new = OLD_KEYS.iter().find(|(old, _)| *old == key.text).map_or(key.text.as_str(), |(_, new)| *new);
            format!("`{new}`")
        })
        .collect();
    let what =
        format!("{what}: v3.7.0 and later read config/webhooks.yml, and ignore the section with everything in it");
    let todo = match names.is_empty() {
        true => "move its keys to the top of config/webhooks.yml; `callgate connect` writes that file".to_owned(),
        false => format!(
            "switch on, at the top of config/webhooks.yml: {}; `callgate connect` writes that file",
            names.join(", ")
        ),
    };
    report.line(Level::Error, id, line, what, todo);
}

/// Variables that have no effect, or another one than they seem to have.
fn variables(report: &mut Report<'_>, file: &File<'_>) {
    let variables: Vec<String> = file.variables().map(str::to_owned).collect();
    for variable in variables {
        let full = format!("{}{variable}", file::PREFIX);
        let (name, member) = variable.split_once('_').unwrap_or((variable.as_str(), ""));
        let mut report = |level, id, what: String, todo: String| {
            report.findings.push(Finding::new(level, id, full.clone(), what, todo));
        };
        if name.chars().any(|char| char.is_ascii_lowercase()) || member.chars().any(|char| char.is_ascii_lowercase()) {
            let todo = format!("write it in capitals: {}", full.to_ascii_uppercase());
            report(Level::Warning, "openim-variable-case", "OpenIM asks for it in capitals only".to_owned(), todo);
            continue;
        }
        if variable == "URL" {
            if file.find("url").is_none() {
                let what = "it has no effect: variables override only what is in the file, and `url` is not";
                report(Level::Error, "openim-variable-unread", what.to_owned(), "add `url` to the file".to_owned());
            }
            continue;
        }
        let Some(key) = KEYS.iter().find(|key| key.name.eq_ignore_ascii_case(name)) else {
            let what = "OpenIM has no such key, and ignores the variable".to_owned();
            let near = nearest(name)
                .map(|near| format!("did you mean {}{}?", file::PREFIX, { file::variable(near.name, member) }));
            report(Level::Warning, "openim-variable-unknown", what, near.unwrap_or_else(|| "remove it".to_owned()));
            continue;
        };
        if member.is_empty() {
            let what = format!("it hides everything that the file has under `{}`: the callback is off", key.name);
            let todo = format!("remove it; to switch the callback on or off, use {full}_ENABLE");
            report(Level::Error, "openim-variable-hides", what, todo);
        } else if file.find(key.name).is_none_or(|(_, node)| node.member(member).is_none()) {
            let member = ["enable", "timeout", "failedContinue", "deniedTypes", "allowedTypes", "attentionIds"]
                .into_iter()
                .find(|known| known.eq_ignore_ascii_case(member))
                .unwrap_or(member);
            let what = format!(
                "it has no effect: variables override only what is in the file, and `{}.{member}` is not",
                key.name
            );
            let todo = format!("add `{member}` under `{}` in the file", key.name);
            report(Level::Error, "openim-variable-unread", what, todo);
        }
    }
}

/// What happens while the host cannot be reached.
fn failed_continue(report: &mut Report<'_>, file: &File<'_>, plan: &Plan) {
    let before = |key: &&Key| key.name.starts_with("before") && callback::is_on(file, key.name);
    let on: Vec<&Key> = KEYS.iter().filter(before).collect();
    if on.is_empty() {
        return;
    }
    let believes = |key: &&&Key| {
        let setting = file.setting(key.name, "failedContinue");
        setting.is_some_and(|setting| setting.flag() == Ok(true))
            && plan.find(key.command).is_none_or(|planned| planned.command.phase == Phase::Before)
    };
    let hopeful = on.iter().filter(believes).count();
    let mut what = format!(
        "while Callgate cannot be reached, OpenIM v3.7.0 and later refuse each operation with a before-callback that is on \
         ({} here)",
        on.len()
    );
    if hopeful > 0 {
        what.push_str(&format!("; `failedContinue: true` ({hopeful} here) is read by no release since then"));
    }
    let todo = "run Callgate under a service manager that restarts it; before a long stop, set `enable: false`";
    report.line(Level::Note, "openim-failed-continue", 0, what, todo);
}

/// What takes the place of file and variables in some builds (S:pkg/common/cmd/root.go `updateConfigFromEtcd`,
/// S:cmd/main.go `initAllConfig`; neither is in v3.8.3-patch.16).
fn other_sources(report: &mut Report<'_>) {
    let what = "builds of OpenIM's main branch may not read what was examined here: with the config manager on, etcd takes \
                the place of the file; the build that runs as one process reads no variables";
    report.line(
        Level::Note,
        "openim-other-sources",
        0,
        what,
        "with such a build, compare what its services log at start",
    );
}
