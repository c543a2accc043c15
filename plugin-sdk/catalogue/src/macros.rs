//! How the commands of a chat server are written down: what each macro makes is said in its module.

pub(crate) mod commands;
pub(crate) mod members;
pub(crate) mod objects;
pub(crate) mod verdicts;
