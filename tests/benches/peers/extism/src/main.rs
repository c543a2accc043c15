//! Extism, as its users run it: the module compiled once, instances in a pool and used again for call after call.
//!
//! So nothing is made anew for a call, and nothing is taken away after it but Extism's own buffers: what a plugin
//! leaves in its memory is there when the next callback comes, whoever sent it. The variant `bounded` limits fuel and
//! time, as Callgate does for every call; `unbounded` is Extism with its defaults, which limit neither.

use std::time::Duration;

use contestant::{Arguments, CALL_WITHIN_MS, FUEL_PER_CALL};
use extism::{Manifest, Plugin, PluginBuilder, PoolBuilder, Wasm};

fn main() {
    let arguments = Arguments::read();
    let module = std::fs::read(&arguments.module).expect("the module can be read");
    let manifest = Manifest::new([Wasm::data(module)]).with_config_key("settings", arguments.settings.clone());
    // Compiled once in a process anyway; a folder of the user's is not needed.
    let unbounded = |manifest| PluginBuilder::new(manifest).with_cache_disabled();
    let within = Duration::from_millis(CALL_WITHIN_MS);
    let builder = match arguments.variant.as_str() {
        "bounded" => unbounded(manifest.with_timeout(within)).with_fuel_limit(FUEL_PER_CALL),
        "unbounded" => unbounded(manifest),
        other => panic!("the variant is bounded or unbounded, not {other}"),
    };
    let compiled = builder.compile().expect("the module compiles");
    // One for each thread that calls, so that none waits.
    let pool = PoolBuilder::new()
        .with_max_instances(arguments.calls_at_once())
        .build(move || Plugin::new_from_compiled(&compiled));
    arguments.run(move |envelope| {
        let mut plugin = pool.get(within).expect("an instance can be made").expect("an instance is free in time");
        plugin.call("decide", envelope).expect("the plugin decides")
    });
}
