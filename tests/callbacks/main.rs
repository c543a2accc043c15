//! Callgate from outside, one subject a file.

mod auth;
mod cache;
mod chain;
mod compiled;
mod explain;
mod faults;
mod golden;
mod isolation;
mod languages;
mod limits;
mod load;
mod moderation;
mod paths;
mod profile;
mod protocol;
mod settings;
mod shipped;
mod shutdown;
mod toy;
mod verdicts;
