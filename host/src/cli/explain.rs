//! `callgate explain`: what the real chat server does with an answer, and why.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use callgate_catalogue::catalogue::Command;
use callgate_catalogue::line::one_line;
use callgate_dialects::explain::{Explanation, Outcome};
use callgate_dialects::{Callback, ChatServer, Response};
use callgate_terminal::{self as terminal, Exit, Failure};
use callgate_workshop::run::request;
use clap::{ArgGroup, Args};
use serde_json::json;
use tokio::runtime::Builder;

use super::serve;
use crate::rehearsal::{Live, Trial};

/// Say what the real chat server would do with an answer: go on, reject, change, ignore or crash, and why
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("answers").args(["answer", "settings"]).required(true))]
#[command(after_help = "\
Example: callgate explain --platform openim --command callbackBeforeAddFriendCommand \\
             --request request.json --answer answer.json
Example: callgate explain --platform openim --command callbackBeforeUpdateUserInfoExCommand \\
             --request request.json --settings host/host.example.toml")]
pub(super) struct Explain {
    /// The chat server
    #[arg(long, value_parser = request::chat_server)]
    platform: &'static dyn ChatServer,

    /// The command, as the chat server names it
    #[arg(long)]
    command: String,

    /// The callback's JSON; `-` for standard input
    #[arg(long, value_name = "FILE")]
    request: PathBuf,

    /// The answer's JSON; `-` for standard input
    #[arg(long, value_name = "FILE")]
    answer: Option<PathBuf>,

    /// The answer's HTTP status
    #[arg(long, default_value_t = 200, conflicts_with = "settings", value_parser = clap::value_parser!(u16).range(100..=999))]
    status: u16,

    /// Get the answer from the plugins of this settings file
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,

    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

impl Explain {
    /// Runs the command.
    ///
    /// # Errors
    /// If a file cannot be read, the command is not known, settings or plugins are wrong, or a plugin gave no verdict.
    pub(super) fn run(self) -> Result<(), Failure> {
        let answer = self.answer.as_deref();
        request::check_standard_input(&[("--request", Some(&self.request)), ("--answer", answer)])?;
        let callback = request::read(&self.request, Some(self.platform), Some(&self.command))?;
        let (answer, faults) = match (answer, &self.settings) {
            (Some(answer), _) => {
                let status = http::StatusCode::from_u16(self.status).unwrap_or_default();
                (Response { status, body: request::bytes(answer, "the answer")? }, Vec::new())
            }
            (None, Some(settings)) => self.ask(settings, &callback)?,
            (None, None) => return Err(Failure::new(Exit::Usage, anyhow::anyhow!("give --answer or --settings"))),
        };
        // A callback from a file always has its command.
        let Some(command) = callback.command() else { return Ok(()) };
        let explanation = self.platform.explain(command, callback.body(), answer.status.as_u16(), &answer.body);
        let text = match self.json {
            true => format!("{:#}\n", as_json(command, &answer, &faults, &explanation)),
            false => as_text(command, &answer, &faults, &explanation),
        };
        terminal::print(&text)?;
        match faults.len() {
            0 => Ok(()),
            _ => {
                let text = "a plugin gave no verdict, so `on_fault` decided the answer: see `fault` above";
                Err(Failure::new(Exit::Failed, anyhow::anyhow!(text)))
            }
        }
    }

    /// The answer of a host with these settings, and the faults of its plugins.
    fn ask(&self, settings: &Path, callback: &Callback) -> Result<(Response, Vec<String>), Failure> {
        let host = serve::start(serve::read(settings)?)?;
        let generation = host.generation();
        let mounted = generation
            .platforms()
            .iter()
            .find(|mounted| mounted.platform.server.protocol() == self.platform.protocol())
            .ok_or_else(|| {
                let kind = self.platform.protocol().name;
                let text = format!("the settings have no [[platform]] of this kind: add one with kind = \"{kind}\"");
                Failure::new(Exit::Settings, anyhow::anyhow!(text))
            })?;
        // The current facts, without counting this lookup.
        let failed = |error| Failure::new(Exit::Other, anyhow::Error::new(error).context("no thread can be started"));
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(failed)?;
        let live = Live { runtime: runtime.handle(), now_unix_ms: host.now_unix_ms() };
        let trial = Trial { facts: generation.facts(), known: &[], live: Some(live) };
        let (run, response) = host.rehearse(mounted, callback, trial);
        let of_plugins = run.steps.iter().filter_map(|step| {
            let fault = step.fault.as_ref()?;
            Some(format!("{}: {fault}", step.link.name()))
        });
        let faults = run.fault.iter().map(ToString::to_string).chain(of_plugins).collect();
        Ok((response, faults))
    }
}

fn as_text(command: &Command, answer: &Response, faults: &[String], explanation: &Explanation) -> String {
    let mut text = String::new();
    let mut line = |heading: &str, line: String| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{heading:<10} {line}");
    };
    line("command", format!("{} ({})", command.name, command.protocol));
    for fault in faults {
        line("fault", fault.clone());
    }
    line("answer", format!("{} {}", answer.status.as_u16(), String::from_utf8_lossy(&answer.body).trim_end()));
    line(
        "outcome",
        match &explanation.outcome {
            Outcome::GoesOn => "the operation goes on".to_owned(),
            Outcome::Denied { code, message, detail } => {
                let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
                one_line(&format!("the operation is denied with code {code}: {message}{detail}"))
            }
            Outcome::Dropped => "the operation is dropped; its caller sees success".to_owned(),
            Outcome::AlreadyDone => "the operation was already done; the answer changes nothing".to_owned(),
            Outcome::Broken { caller_sees } => format!("BROKEN; the caller sees: {caller_sees}"),
        },
    );
    for applied in &explanation.applied {
        let from = applied.from.as_deref().unwrap_or("(not shown)");
        line("applied", format!("{}: {from} -> {}", applied.name, applied.to));
    }
    for (name, why) in &explanation.without_effect {
        line("no effect", format!("{name}: {why}"));
    }
    for reason in &explanation.reasons {
        line("because", format!("{} [{}]", reason.text, reason.source));
    }
    text
}

fn as_json(command: &Command, answer: &Response, faults: &[String], explanation: &Explanation) -> serde_json::Value {
    let outcome = match &explanation.outcome {
        Outcome::GoesOn => json!({ "is": "goes_on" }),
        Outcome::Denied { code, message, detail } => {
            json!({ "is": "denied", "code": code, "message": message, "detail": detail })
        }
        Outcome::Dropped => json!({ "is": "dropped" }),
        Outcome::AlreadyDone => json!({ "is": "already_done" }),
        Outcome::Broken { caller_sees } => json!({ "is": "broken", "caller_sees": caller_sees }),
    };
    let value = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap_or_default();
    let applied: Vec<_> = explanation
        .applied
        .iter()
        .map(|applied| json!({ "name": applied.name, "from": applied.from.as_deref().map(value), "to": value(&applied.to) }))
        .collect();
    let without_effect: Vec<_> =
        explanation.without_effect.iter().map(|(name, why)| json!({ "name": name, "why": why })).collect();
    let because: Vec<_> =
        explanation.reasons.iter().map(|reason| json!({ "text": reason.text, "source": reason.source })).collect();
    json!({
        "platform": command.protocol,
        "command": command.name,
        "status": answer.status.as_u16(),
        "faults": faults,
        "answer": String::from_utf8_lossy(&answer.body),
        "outcome": outcome,
        "applied": applied,
        "without_effect": without_effect,
        "because": because,
    })
}
