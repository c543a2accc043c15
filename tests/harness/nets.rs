//! Nets: what must hold for any bytes at all, one function for each entrance.
//!
//! Each function takes bytes and panics if a promise is broken. `tests/nets` casts all of them for some seconds with
//! every change; `tests/fuzz` has a fuzz target for each, which runs for as long as you like.

pub mod json;
pub mod members;
pub mod module;
pub mod reply;
pub mod request;
pub mod settings;

/// A net, and what to begin with.
#[derive(Debug)]
pub struct Net {
    /// The name of its fuzz target.
    pub name: &'static str,
    /// Panics if a promise is broken for these bytes.
    pub cast: fn(&[u8]),
    /// Inputs that reach far: what is tried is made of them.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Pieces that a change of single bytes would hardly find.
    pub words: &'static [&'static str],
}

/// All of them.
pub const NETS: &[Net] = &[
    Net { name: "json", cast: json::cast, seeds: json::seeds, words: json::WORDS },
    Net { name: "members", cast: members::cast, seeds: members::seeds, words: json::WORDS },
    Net { name: "reply", cast: reply::cast, seeds: reply::seeds, words: reply::WORDS },
    Net { name: "request", cast: request::cast, seeds: request::seeds, words: request::WORDS },
    Net { name: "module", cast: module::cast, seeds: module::seeds, words: module::WORDS },
    Net { name: "settings", cast: settings::cast, seeds: settings::seeds, words: settings::WORDS },
];

/// The files of a folder below `tests/fixtures` whose names end like this, as seeds.
fn fixtures(folder: &str, end: &str) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(crate::guests::fixture(folder)).expect("the folder is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(end));
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("it can be read")).collect()
}
