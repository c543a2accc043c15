//! The store on one machine: SQLite, in a folder of its own.

mod conditions;
pub(crate) mod connection;
mod names;
pub(crate) mod reader;
mod schema;
pub(crate) mod store;
mod trim;
