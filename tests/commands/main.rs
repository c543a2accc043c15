//! The program as its users meet it: arguments in; exit code, standard output and standard error out. One subject a
//! file.

// The lints of the host's package are for what must not stop. A test stops.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod arguments;
mod calls;
mod connect;
mod crates;
mod damage;
mod demo;
mod deploy;
mod doctor;
mod facts;
mod inspect;
mod journal;
mod loading;
mod modules;
mod operators;
mod profile;
mod program;
mod reload;
mod requests;
mod samples;
mod service;
mod settings;
mod shadow;
mod signals;
mod small_disk;
mod streams;
mod watch;
