//! The table of all kinds of sources.

pub mod check;
mod counter;
mod file;
mod http;
mod redis;
mod remote;
mod template;

use std::sync::Arc;

use crate::lookup::{Source, SourceError};
use crate::settings::{BadFile, SourceSettings};
use crate::stats::Stats;
use remote::Remote;

/// The source that these settings describe. May block: it reads files.
///
/// # Errors
/// If the source cannot be used, for example because its file is missing or malformed, and that is an error.
pub(crate) fn open(
    name: &str,
    settings: &SourceSettings,
    stats: &Arc<Stats>,
    bad_file: BadFile,
) -> Result<Arc<dyn Source>, SourceError> {
    Ok(match settings {
        SourceSettings::Http(settings) => {
            Arc::new(Remote::new(name, http::Http::new(settings)?, &settings.remote, stats))
        }
        SourceSettings::Redis(settings) => {
            Arc::new(Remote::new(name, redis::Redis::new(settings)?, &settings.remote, stats))
        }
        SourceSettings::Counter(settings) => Arc::new(counter::Counter::new(settings)),
        SourceSettings::File(settings) => Arc::new(file::File::open(settings, bad_file)?),
    })
}
