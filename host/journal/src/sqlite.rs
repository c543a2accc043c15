//! The store on one machine: SQLite, in a folder of its own.

mod aside;
mod checksum;
mod conditions;
pub(crate) mod connection;
mod counters;
mod file;
mod header;
mod log;
mod names;
pub(crate) mod reader;
mod salvage;
mod schema;
mod state;
pub(crate) mod store;
mod trim;
mod waiting;
