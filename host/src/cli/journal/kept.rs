//! Callbacks from a journal, for the tests of a plugin.

use callgate_dialects::table;
use callgate_journal::{DecisionFilter, DecisionId, EntryFilter, EntryId, Page, Reader};
use callgate_terminal::{Exit, Failure};
use callgate_workshop::stage::{Kept, Wanted};
use serde_json::Value;

use super::place::{not_opened, unreadable};
use crate::decisions::{Document, Redaction};
use crate::settings::{Draft, Secrets, Settings};

/// The newest callbacks of a plugin: those of decisions with stored bodies, then those of entries whose command its
/// settings give it.
///
/// # Errors
/// If there are none, or they cannot be read.
pub(crate) fn read(wanted: &Wanted<'_>) -> Result<Vec<Kept>, Failure> {
    let Draft { settings, problems, .. } = Settings::draft(wanted.settings, Secrets::Skip);
    let Some(settings) = settings else { return Err(super::super::serve::wrong(&problems)) };
    let mut names = settings.journal.decisions.redact.clone();
    names.extend_from_slice(wanted.redact);
    let mut reader = Reader::open(&settings.journal.folder).map_err(not_opened)?;
    let mut kept = decisions(&mut reader, wanted, &names)?;
    let more = wanted.max.saturating_sub(kept.len());
    kept.extend(entries(&mut reader, &settings, wanted, &names, more)?);
    if kept.is_empty() {
        let text = format!(
            "the journal in {} has no callbacks of a plugin called {}: name it with --plugin, and see `payloads` under \
             [journal.decisions], without which the bodies of before-callbacks are not kept",
            settings.journal.folder.display(),
            wanted.plugin
        );
        return Err(Failure::new(Exit::Input, anyhow::anyhow!(text)));
    }
    Ok(kept)
}

fn page(max: usize) -> Page {
    Page { limit: u32::try_from(max).unwrap_or(u32::MAX), ..Page::default() }
}

fn decisions(reader: &mut Reader, wanted: &Wanted<'_>, names: &[String]) -> Result<Vec<Kept>, Failure> {
    let plugin = Some(wanted.plugin.to_owned());
    let filter = DecisionFilter { plugin, with_body: true, ..DecisionFilter::default() };
    let mut kept = Vec::new();
    for listed in reader.decisions(&filter, page(wanted.max)).map_err(unreadable)? {
        // One that is damaged, or was deleted in the meantime, does not stop the others.
        let Ok(found) = reader.decision(DecisionId(listed.id.0)) else { continue };
        let kind = Document::from_json(&found.decision.document).map(|document| document.kind).unwrap_or_default();
        let body = found.decision.body.unwrap_or_default();
        kept.extend(callback(&format!("d{}", listed.id), &kind, &found.decision.command, &body, names));
    }
    Ok(kept)
}

fn entries(
    reader: &mut Reader,
    settings: &Settings,
    wanted: &Wanted<'_>,
    names: &[String],
    max: usize,
) -> Result<Vec<Kept>, Failure> {
    let Some(plugin) = settings.plugins.iter().find(|plugin| plugin.name == wanted.plugin) else {
        return Ok(Vec::new());
    };
    let mut kept = Vec::new();
    for listed in reader.entries(&EntryFilter::default(), page(LOOKED_AT_MAX)).map_err(unreadable)? {
        let platform = settings.platforms.iter().find(|platform| platform.name == *listed.platform);
        let gets = plugin.platforms.iter().any(|name| **name == *listed.platform)
            && plugin.commands.iter().any(|pattern| pattern.matches(&listed.command));
        let (Some(platform), true, true) = (platform, gets, kept.len() < max) else { continue };
        let Ok(found) = reader.entry(EntryId(listed.id.0)) else { continue };
        let kind = platform.server.protocol().name;
        kept.extend(callback(&format!("e{}", listed.id), kind, &listed.command, &found.body, names));
    }
    Ok(kept)
}

/// Maximum number of entries that are examined.
const LOOKED_AT_MAX: usize = 1000;

/// A callback as a file has it: with the command in its body, which a URL may have had.
fn callback(id: &str, kind: &str, command: &str, body: &[u8], names: &[String]) -> Option<Kept> {
    let body = Redaction::new(names).json(std::str::from_utf8(body).ok()?)?;
    let mut request: Value = serde_json::from_str(body.get()).ok()?;
    let server = table::by_name(table::CHAT_SERVERS, kind)?;
    let members = request.as_object_mut()?;
    members.entry(server.command_member()).or_insert_with(|| command.into());
    Some(Kept { name: format!("{}-{id}", command.replace(|c: char| !c.is_ascii_alphanumeric(), "-")), request })
}
