//! The journal, through its handle: what is acknowledged is on disk, is processed in order, and can be found.

mod entries;
mod files;
mod harness;
mod kept;
mod limits;
mod sinks;
mod state;
