//! A test case in files: a callback, its facts, and the expected answer, records, needs and updates.

use std::path::{Path, PathBuf};
use std::time::Duration;

use callgate_catalogue::neutral::NOT_IN_VIEW;
use serde_json::{Value, json};

use super::diff;
use crate::facts;
use crate::run::request::{self, CALLBACK};
use crate::stage::{Cost, Played, Stage};
use callgate_dialects::Callback;
use callgate_sandbox::{Fuel, Plugin};
use callgate_terminal::{Exit, Failure};

/// One `NAME.request.json`.
#[derive(Debug)]
pub(super) struct Case {
    /// NAME.
    pub name: String,
    folder: PathBuf,
    callback: Callback,
    facts: facts::Table,
}

/// The result of a case.
#[derive(Debug)]
pub(super) struct Judgement {
    /// The verdict's name.
    pub verdict: &'static str,
    /// The fuel of its largest call.
    pub fuel: Fuel,
    /// The time of all its calls.
    pub took: Duration,
    /// What is wrong; empty if it passed.
    pub problems: Vec<String>,
    /// What is worth knowing, although it passed.
    pub note: Option<&'static str>,
    /// Whether the result was written, because it was missing or different.
    pub is_accepted: bool,
}

impl Case {
    /// All cases of a folder, by name.
    ///
    /// # Errors
    /// If there are none, or one of them is not a callback.
    pub(super) fn all(folder: &Path) -> Result<Vec<Self>, Failure> {
        let wrong = |what: String| Failure::new(Exit::Input, anyhow::anyhow!("{} {what}", folder.display()));
        let entries = std::fs::read_dir(folder).map_err(|error| {
            wrong(format!("cannot be read ({error}): make this folder, with a callback as NAME{CALLBACK}"))
        })?;
        let files = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = files.filter_map(|file| file.strip_suffix(CALLBACK).map(str::to_owned)).collect();
        names.sort_unstable();
        if names.is_empty() {
            return Err(wrong(format!("has no *{CALLBACK}: add a callback, as the chat server sends it")));
        }
        let case = |name: String| {
            let path = folder.join(format!("{name}{CALLBACK}"));
            let callback = request::read(&path, None, None)?;
            let facts = facts::beside(&path).map(|path| facts::read(&path)).transpose()?.unwrap_or_default();
            Ok(Self { name, folder: folder.to_owned(), callback, facts })
        };
        names.into_iter().map(case).collect()
    }

    /// Checks that the plugin uses all given facts.
    ///
    /// # Errors
    /// If it does not.
    pub(super) fn check_facts(&self, plugin: &Plugin) -> Result<(), Failure> {
        let path = self.folder.join(format!("{}{}", self.name, facts::END));
        facts::check_names(&self.facts, &path, plugin.manifest())
    }

    /// Runs it. With `accept`, a result that differs is written; a fault never is.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub(super) fn judge(&self, stage: &dyn Stage, accept: bool, fuel_max: Option<u64>) -> Result<Judgement, Failure> {
        let played = stage.play(&self.callback, &self.facts);
        let mut problems = faults(&played);
        let mut is_accepted = false;
        if problems.is_empty() {
            let differences = self.compare(&played)?;
            if accept && !differences.is_empty() {
                self.accept(&played)?;
                is_accepted = true;
            } else {
                problems.extend(differences);
            }
        }
        let Cost { fuel, .. } = Cost::of(&played);
        if let Some(max) = fuel_max.filter(|max| fuel.0 > *max) {
            problems.push(format!("a call burnt {} fuel, more than {max} (--fuel-max)", fuel.0));
        }
        let took = played.calls.iter().map(|call| call.took).sum();
        let verdict = played.decision.name();
        let note = played.log.iter().any(|(_, text)| text == NOT_IN_VIEW).then_some(NOT_IN_VIEW);
        Ok(Judgement { verdict, fuel, took, problems, note, is_accepted })
    }

    fn compare(&self, played: &Played) -> Result<Vec<String>, Failure> {
        let mut problems = Vec::new();
        match self.read("response.json")? {
            Some(text) => {
                let expected = self.parse("response.json", &text)?;
                problems.extend(diff::show("answer", &expected, &answer(played)));
            }
            None => problems.push(format!(
                "{}.response.json is missing; with --accept it becomes\n{:#}",
                self.name,
                answer(played)
            )),
        }
        for (what, end, lines) in lines(played) {
            let text = self.read(end)?.unwrap_or_default();
            let expected = text.lines().filter(|line| !line.trim().is_empty());
            let expected = expected.map(|line| self.parse(end, line)).collect::<Result<Value, _>>()?;
            let actual: Value =
                lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap_or_default()).collect();
            problems.extend(diff::show(what, &expected, &actual));
        }
        Ok(problems)
    }

    fn accept(&self, played: &Played) -> Result<(), Failure> {
        self.write("response.json", &format!("{:#}\n", answer(played)))?;
        for (_, end, lines) in lines(played) {
            let path = self.path(end);
            match lines.is_empty() {
                true if path.exists() => {
                    std::fs::remove_file(&path).map_err(|error| failed(&path, "removed", &error))?;
                }
                true => {}
                false => self.write(end, &format!("{}\n", lines.join("\n")))?,
            }
        }
        Ok(())
    }

    fn path(&self, end: &str) -> PathBuf {
        self.folder.join(format!("{}.{end}", self.name))
    }

    /// The contents of a file next to the request; `None` if there is none.
    fn read(&self, end: &str) -> Result<Option<String>, Failure> {
        let path = self.path(end);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&path, "read", &error)),
        }
    }

    fn parse(&self, end: &str, text: &str) -> Result<Value, Failure> {
        serde_json::from_str(text).map_err(|error| {
            let path = self.path(end);
            Failure::new(
                Exit::Input,
                anyhow::anyhow!("{} is not JSON ({error}): correct it, or remove it and use --accept", path.display()),
            )
        })
    }

    fn write(&self, end: &str, text: &str) -> Result<(), Failure> {
        let path = self.path(end);
        std::fs::write(&path, text).map_err(|error| failed(&path, "written", &error))
    }
}

fn failed(path: &Path, what: &str, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Input, anyhow::anyhow!("{} cannot be {what} ({error}): check that file", path.display()))
}

fn answer(played: &Played) -> Value {
    serde_json::from_slice(&played.response.body).unwrap_or_default()
}

/// What is compared besides the answer: name, file suffix, and lines.
fn lines(played: &Played) -> [(&'static str, &'static str, Vec<String>); 3] {
    let needs = played.asked.iter().map(|asked| json!({ "fact": asked.fact, "key": asked.key }).to_string());
    let updates = played.updates.iter().map(|wish| wish.update.to_string());
    [
        ("records", "records.jsonl", played.records.clone()),
        ("needs", "needs.jsonl", needs.collect()),
        ("updates", "updates.jsonl", updates.collect()),
    ]
}

/// Why the answer is not the plugin's.
fn faults(played: &Played) -> Vec<String> {
    if played.calls.is_empty() && played.fault.is_none() {
        return vec!["the plugin was not called: add the command to `handles` of its `export!`".to_owned()];
    }
    let faults = played.faults().map(|fault| format!("the plugin gave no verdict: {fault}"));
    let unlisted = played.updates.iter().filter(|wish| wish.fact.is_empty()).map(|wish| {
        format!(
            "the plugin changes a fact that it does not list, add it to `updates` of its `export!`: {}",
            wish.update
        )
    });
    faults.chain(unlisted).collect()
}
