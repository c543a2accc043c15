//! The macros with which the commands of a chat server are written; each is documented in its module.

pub(crate) mod commands;
pub(crate) mod members;
pub(crate) mod objects;
pub(crate) mod verdicts;
