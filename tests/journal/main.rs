//! The journal, through its handle: what is acknowledged is on disk, is worked off in order, and can be found.

mod entries;
mod harness;
mod kept;
mod receiver;
mod sinks;
