//! Callgate from outside, one subject a file.

mod auth;
mod breaker;
mod cache;
mod chain;
mod compiled;
mod edge;
mod explain;
mod faults;
mod go;
mod golden;
mod isolation;
mod languages;
mod limits;
mod load;
mod moderation;
mod observed;
mod overload;
mod paths;
mod profile;
mod protocol;
mod secrets;
mod settings;
mod shipped;
mod shutdown;
mod toy;
mod verdicts;
