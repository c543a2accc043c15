//! How this program prepares modules: it starts itself again, with an internal argument.
//!
//! That argument is not a command, so it does not appear in help, completions or manual pages.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use callgate_sandbox::{Loading, prepare_for_parent};

/// The argument that a child is started with.
const ARGUMENT: &str = "--prepare-modules-for-parent";

/// Whether this process is such a child.
pub(super) fn is_asked_for() -> bool {
    std::env::args_os().nth(1).is_some_and(|argument| argument == ARGUMENT)
}

/// The child's work.
pub(super) fn run() -> ExitCode {
    prepare_for_parent()
}

/// In children of this program; if it does not know its own file, in this process.
pub(super) fn in_children() -> Loading {
    match program() {
        Some(program) => Loading::InChildren {
            program,
            arguments: vec![ARGUMENT.into()],
            // Otherwise a gibibyte counts as written from the start.
            environment: vec![("MIMALLOC_ARENA_EAGER_COMMIT".into(), "0".into())],
        },
        None => {
            tracing::warn!("modules are prepared without limits of time and memory: this program's file is not known");
            Loading::InThisProcess
        }
    }
}

/// This program's file. On Linux the running one, even if another has been installed in its place since.
fn program() -> Option<PathBuf> {
    let own = Path::new("/proc/self/exe");
    if own.exists() { Some(own.to_owned()) } else { std::env::current_exe().ok() }
}
