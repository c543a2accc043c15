//! Where things are written: the cache and the records.

use std::path::Path;

use callgate_dialects::connection::{Finding, Level};
use callgate_sandbox::Cache;

use crate::settings::Settings;

/// With less free space than this, a full disk is near.
const FREE_BYTES_MIN: u64 = 1 << 30;

/// Examines the folders.
pub(super) fn examine(settings: &Settings, findings: &mut Vec<Finding>) {
    cache(settings, findings);
    records(settings, findings);
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

/// Whether records can be appended. Nothing is created.
fn records(settings: &Settings, findings: &mut Vec<Finding>) {
    let file = &settings.records_file;
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let opened = match std::fs::OpenOptions::new().append(true).open(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).map_err(std::io::Error::from)
        }
        opened => opened.map(drop),
    };
    match opened {
        Ok(()) => {
            findings.extend(space("records", folder));
            findings.push(Finding::ok("records", "records", format!("{} can be appended to", file.display())));
        }
        Err(error) => {
            let what = format!("{} cannot be appended to ({error}): the records of plugins are lost", file.display());
            let todo = "create the folder and let the user of the service write there, or change [records] file";
            findings.push(Finding::new(Level::Error, "records", "records", what, todo));
        }
    }
}

/// Whether the disk of a folder is nearly full.
fn space(place: &'static str, folder: &Path) -> Option<Finding> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    (free < FREE_BYTES_MIN).then(|| {
        let what = format!("only {} MiB are free on the disk of {}", free >> 20, folder.display());
        Finding::new(Level::Warning, "disk", place, what, "free space there, or move the folder")
    })
}
