//! File descriptors: as many as the system allows, and no more connections than there are some left for files.

use crate::settings::Settings;

/// Descriptors that connections for callbacks leave to everything else: the admin listener's, journal, cache, modules
/// that are loaded, the runtime's own.
pub(crate) const RESERVED: usize = 192;

/// Connections of the admin listener: operators, probes and scrapers are few.
pub(crate) const ADMIN_CONNECTIONS_MAX: usize = 64;

/// Raises this process's own limit to what it may be raised to, and fits `connections_max` to it.
pub(crate) fn fit(settings: &mut Settings) {
    let Some(available) = raise() else { return };
    let most = available.saturating_sub(RESERVED).max(1);
    let server = &mut settings.server;
    if server.connections_max > most {
        tracing::warn!(
            connections_max = server.connections_max,
            descriptors = available,
            "this process may have {available} file descriptors, so there are at most {most} connections: raise the limit \
             (`ulimit -n`, LimitNOFILE= of systemd) to connections_max and {RESERVED} more"
        );
        server.connections_max = most;
        settings.given.push("server.connections_max");
    }
}

/// How many descriptors there may be; `None`: that is not known, or there is no maximum.
#[cfg(unix)]
fn raise() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        // Some systems refuse what they name as the maximum: then the limit is as it was.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
    getrlimit(Resource::Nofile).current.and_then(|current| usize::try_from(current).ok())
}

#[cfg(not(unix))]
fn raise() -> Option<usize> {
    None
}
