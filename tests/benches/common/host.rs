//! Callgate as the benchmarks want it.

use callgate::{Host, Settings};
use callgate_sandbox::Engine;
use callgate_sandbox::MemoryReset;

use super::message;
use super::profile::GUARDED_COMMAND;

/// Settings with these lines under `[limits]`, and nothing that depends on the machine.
pub fn settings(limits: &str) -> Settings {
    let toml = harness::setup().limits(limits).toml();
    Settings::parse(std::path::Path::new("bench.toml"), &toml)
        .unwrap_or_else(|problems| panic!("the benchmark's own settings have mistakes: {problems:?}"))
}

/// An engine that resets memory in this way; `None` where the kernel cannot.
pub fn engine(memory_reset: MemoryReset) -> Option<(Engine, Settings)> {
    let settings = settings(&format!("memory_reset = \"{}\"", memory_reset.name()));
    match Engine::new(&settings.limits.engine) {
        Ok(engine) => Some((engine, settings)),
        Err(error) => {
            println!("memory_reset = \"{}\" is left out: {error}", memory_reset.name());
            None
        }
    }
}

/// A host that asks guard-profile so many times about each change of a profile.
pub fn host_with_chain_of(plugins: usize) -> Host {
    start(with_chain_of(plugins))
}

/// A host that asks guard-profile about changes of profiles and filter-messages, with so many words, about messages.
pub fn host_with_words(words: usize) -> Host {
    let settings = format!("[plugin.settings]\nwords = {:?}", message::words(words));
    let module = harness::guests::shipped("filter-messages");
    start(with_chain_of(1).plugin("filter-messages", module, message::MESSAGE_COMMAND, &settings))
}

fn with_chain_of(plugins: usize) -> harness::Setup {
    // The harness pins this key unless it is mentioned; here the host is to measure it, as a service does.
    let setup = harness::setup().limits("# fuel_per_ms is left out");
    (0..plugins).fold(setup, |setup, number| {
        let name = format!("guard-profile-{number}");
        setup.plugin(&name, harness::guests::shipped("guard-profile"), GUARDED_COMMAND, "")
    })
}

fn start(setup: harness::Setup) -> Host {
    Settings::parse(std::path::Path::new("bench.toml"), &setup.toml())
        .map_err(|problems| format!("{problems:?}"))
        .and_then(|settings| Host::start(settings, &mut ()).map_err(|error| error.to_string()))
        .unwrap_or_else(|error| panic!("the benchmark's host does not start: {error}"))
}
