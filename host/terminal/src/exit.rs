//! Exit codes. They are part of the interface: scripts use them to find out what went wrong.

use std::process::ExitCode;

/// Why a command did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Any failure without its own code.
    Other = 1,
    /// The arguments are wrong (clap's own code).
    Usage = 2,
    /// The settings are wrong.
    Settings = 3,
    /// A plugin cannot be built or used.
    Plugin = 4,
    /// Cannot listen on an address.
    Listen = 5,
    /// A file with a callback or an answer cannot be read or parsed.
    Input = 6,
    /// A plugin's call ended in a fault, a test of it failed, or a replay differs.
    Failed = 7,
    /// `doctor` found something that does not work.
    Unhealthy = 8,
    /// No running host answers.
    Unreachable = 9,
    /// A journal cannot be opened or read.
    Journal = 10,
}

/// The list for `--help`.
pub const TABLE: &str = "Exit codes: 0 success, 1 other failure, 2 wrong arguments, 3 wrong settings, 4 a plugin cannot \
                         be built or used, 5 cannot listen on an address, 6 a callback or an answer cannot be \
                         read, 7 a plugin's call ended in a fault, its tests failed, or a replay differs, 8 `doctor` found errors, 9 no running \
                         host answers, 10 a journal cannot be opened or read";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A failure: its exit code, and the error with its causes.
#[derive(Debug)]
pub struct Failure {
    /// The process's exit code.
    pub exit: Exit,
    /// The error to print, with its causes.
    pub error: anyhow::Error,
}

impl Failure {
    /// A failure with this code.
    pub fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into() }
    }
}
