//! The journal: what was acknowledged is on disk, and records reach their sinks.
#![warn(missing_docs, unreachable_pub)]
#![forbid(unsafe_code)]

pub mod envelope;
pub mod sink;
