//! `callgate journal`: what a host keeps, for operators. Each subcommand that does more than call one function has a
//! file of its own.

mod change;
mod export;
mod filters;
#[cfg(feature = "workshop")]
pub(super) mod kept;
mod list;
mod place;
mod progress;
mod replay;
mod show;
mod status;
mod why;

use std::io::Write as _;
use std::path::PathBuf;

use callgate_journal::{DecisionFilter, Page, Reader};
use callgate_terminal::{self as terminal, Exit, Failure};
use clap::{Args, Subcommand};
use jiff::tz::TimeZone;

use super::when;
use crate::decisions::Document;
use change::Change;
use filters::{Chosen, Id, Kind, now_unix_ms};
use list::Listing;
use place::{Place, unreadable};
use replay::Replay;

/// Inspect the journal: what waits, what failed, what was decided and why; retry, drop, export and replay
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate journal status --settings host.toml
Example: callgate journal why --settings host.toml --user u123 --since 1h
Example: callgate journal list --settings host.toml decisions --verdict deny --since 14:00
Example: callgate journal list --settings host.toml --state dead
Example: callgate journal show --settings host.toml e12
Example: callgate journal retry --settings host.toml --plugin audit --yes
Example: callgate journal replay --settings host.toml --plugin new.wasm --since 1d

Reading works while the host runs, and on a copy of the folder (--folder). `retry` and `drop` go through the admin \
listener of the host that runs, and change the files themselves if none does.")]
pub(super) struct Journal {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Status(Status),
    List(List),
    Show(Show),
    Why(Why),
    Retry(Retry),
    Drop(Drop),
    Export(Export),
    Replay(Box<Replay>),
}

/// Show how many entries wait, for how long, and what failed
#[derive(Debug, Args)]
struct Status {
    #[command(flatten)]
    place: Place,

    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

/// List entries, decisions or records, the newest first
#[derive(Debug, Args)]
struct List {
    /// What to list
    #[arg(value_enum, default_value = "entries")]
    kind: Kind,

    #[command(flatten)]
    place: Place,

    #[command(flatten)]
    chosen: Chosen,

    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,

    /// Write JSON, one object per line
    #[arg(long)]
    json: bool,
}

/// Show everything that is stored about one entry, decision or record
#[derive(Debug, Args)]
struct Show {
    /// Its number, as `list` shows it: e12, d5 or r7
    #[arg(value_parser = Id::parse)]
    id: Id,

    #[command(flatten)]
    place: Place,

    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

/// Explain in plain sentences what was decided about a user, and why
#[derive(Debug, Args)]
struct Why {
    #[command(flatten)]
    place: Place,

    #[command(flatten)]
    chosen: Chosen,

    /// Maximum number of decisions, the newest
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

/// Retry dead entries: those that are named, or all that match
#[derive(Debug, Args)]
struct Retry {
    #[command(flatten)]
    change: Change,
}

/// Delete dead entries permanently: those that are named, or all that match
#[derive(Debug, Args)]
struct Drop {
    #[command(flatten)]
    change: Change,
}

/// Write everything that matches as JSON lines, with bodies and documents
#[derive(Debug, Args)]
struct Export {
    /// What to export
    #[arg(value_enum)]
    kind: Kind,

    #[command(flatten)]
    place: Place,

    #[command(flatten)]
    chosen: Chosen,

    /// The file to write, instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Journal {
    /// Runs the command.
    ///
    /// # Errors
    /// If the journal cannot be read or changed, or a replay differs.
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Status(Status { place, json }) => {
                let (found, mut reader) = place.open()?;
                terminal::print(&status::write(&found, &mut reader, json)?)
            }
            Command::List(List { kind, place, chosen, limit, json }) => {
                let filters = chosen.filters(kind)?;
                let (_, mut reader) = place.open()?;
                let listing = Listing { kind, filters: &filters, limit };
                terminal::print(&if json { listing.json(&mut reader)? } else { listing.table(&mut reader)? })
            }
            Command::Show(Show { id, place, json }) => {
                let (_, mut reader) = place.open()?;
                terminal::print(&match json {
                    true => format!("{:#}\n", show::as_json(&mut reader, id)?),
                    false => show::as_text(&mut reader, id)?,
                })
            }
            Command::Why(why) => why.run(),
            Command::Retry(Retry { change }) => change.run(change::What::Retry),
            Command::Drop(Drop { change }) => change.run(change::What::Drop),
            Command::Export(export) => export.run(),
            Command::Replay(replay) => replay.run(),
        }
    }
}

impl Why {
    fn run(self) -> Result<(), Failure> {
        let filter = self.chosen.filters(Kind::Decisions)?.decisions();
        let (_, mut reader) = self.place.open()?;
        let count = reader.count_decisions(&filter).map_err(unreadable)?;
        let page = Page { limit: self.limit, ..Page::default() };
        // The newest ones, in chronological order.
        let mut found = reader.decisions(&filter, page).map_err(unreadable)?;
        found.reverse();
        let mut text = String::new();
        if count > found.len() as u64 {
            text.push_str(&format!("The last {} of {count} decisions:\n", found.len()));
        }
        let (now, zone) = (now_unix_ms(), TimeZone::system());
        for listed in &found {
            // A decision that was deleted in the meantime is shown without its document.
            let document =
                reader.decision(listed.id).ok().and_then(|whole| Document::from_json(&whole.decision.document).ok());
            let at = when::show(listed.decision.at_unix_ms, now, &zone);
            text.push_str(&format!(
                "{at} {}. [d{}]\n",
                why::sentence(listed, &document.unwrap_or_default()),
                listed.id
            ));
        }
        if found.is_empty() {
            text.push_str(&nothing(&mut reader)?);
        }
        terminal::print(&text)
    }
}

/// What to check if nothing is found.
fn nothing(reader: &mut Reader) -> Result<String, Failure> {
    let kept = reader.count_decisions(&DecisionFilter::default()).map_err(unreadable)?;
    Ok(match kept {
        0 => "No decisions are stored: see `keep` under [journal.decisions].\n".to_owned(),
        _ => "No decision matches. `keep` under [journal.decisions] says which are stored, by default only refusals; users are stored \
              only with `log_users = \"yes\"` under [log].\n"
            .to_owned(),
    })
}

impl Export {
    fn run(self) -> Result<(), Failure> {
        let filters = self.chosen.filters(self.kind)?;
        let (_, mut reader) = self.place.open()?;
        let count = Listing { kind: self.kind, filters: &filters, limit: 1 }.count(&mut reader)?;
        let mut write = |out: &mut dyn std::io::Write| export::write(&mut reader, self.kind, &filters, count, out);
        let (written, damaged) = match &self.output {
            None => write(&mut std::io::BufWriter::new(std::io::stdout().lock()))?,
            Some(path) => {
                let file = std::fs::File::create(path).map_err(|error| {
                    Failure::new(Exit::Other, anyhow::anyhow!("{} cannot be written: {error}", path.display()))
                })?;
                write(&mut std::io::BufWriter::new(file))?
            }
        };
        let _ = writeln!(std::io::stderr(), "{written} {} exported, {damaged} damaged", self.kind.name());
        Ok(())
    }
}
