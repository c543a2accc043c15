//! Where things are written: the cache and the records.

use std::path::Path;

use callgate_dialects::connection::{Finding, Level};
use callgate_journal::sink::Kind;
use callgate_sandbox::Cache;

use crate::settings::Settings;

/// With less free space than this, a full disk is near.
const FREE_BYTES_MIN: u64 = 1 << 30;

/// Examines the folders.
pub(super) fn examine(settings: &Settings, findings: &mut Vec<Finding>) {
    cache(settings, findings);
    records(settings, findings);
    journal(settings, findings);
}

/// Whether there is room for the journal, and whether it can grow as far as it may. Whether it can be opened, the
/// settings' own trial says.
fn journal(settings: &Settings, findings: &mut Vec<Finding>) {
    let journal = &settings.journal;
    if journal.off {
        let what = "there is no journal: after-callbacks are processed while the chat server waits, and no decisions are stored";
        findings.push(Finding::new(Level::Warning, "journal", "journal", what, "remove `off` under [journal]"));
        return;
    }
    let folder = journal.folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    findings.extend(space("journal", folder));
    let used = std::fs::read_dir(&journal.folder).map_or(0, |files| {
        files.flatten().filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum::<u64>()
    });
    match free_bytes(folder) {
        Some(free) if used.saturating_add(free) < journal.bytes_max => {
            let what = format!(
                "the journal may grow to {} MiB, but only {} MiB are free on the disk of {}",
                journal.bytes_max >> 20,
                free >> 20,
                folder.display()
            );
            findings.push(Finding::new(
                Level::Warning,
                "journal",
                "journal",
                what,
                "lower `bytes_max` under [journal], or free space there",
            ));
        }
        _ => {
            findings.push(Finding::ok("journal", "journal", format!("the journal is in {}", journal.folder.display())))
        }
    }
}

fn cache(settings: &Settings, findings: &mut Vec<Finding>) {
    let todo = "name a private `folder` under [cache], or give the service CacheDirectory=callgate";
    let finding = match (Cache::check(&settings.cache), &settings.cache.folder) {
        (Err(error), _) => Finding::new(Level::Warning, "cache", "cache", error.to_string(), todo),
        (Ok(()), Some(folder)) if settings.cache.bytes_max > 0 => {
            if let Some(finding) = space("cache", folder) {
                findings.push(finding);
            }
            Finding::ok("cache", "cache", format!("compiled plugins are kept in {}", folder.display()))
        }
        (Ok(()), _) => {
            let what = "compiled plugins are not kept: every start compiles all of them";
            Finding::new(Level::Warning, "cache", "cache", what, todo)
        }
    };
    findings.push(finding);
}

/// Whether there is room for records. Whether they can be appended, the settings' own trial says.
fn records(settings: &Settings, findings: &mut Vec<Finding>) {
    for sink in &settings.sinks {
        if let Kind::File(file) = &sink.settings.kind {
            let folder = file.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            findings.extend(space("records", folder.unwrap_or(Path::new("."))));
        }
    }
}

/// Whether the disk of a folder is nearly full.
fn space(place: &'static str, folder: &Path) -> Option<Finding> {
    let free = free_bytes(folder)?;
    (free < FREE_BYTES_MIN).then(|| {
        let what = format!("only {} MiB are free on the disk of {}", free >> 20, folder.display());
        Finding::new(Level::Warning, "disk", place, what, "free space there, or move the folder")
    })
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// The standard library does not know it.
#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}
