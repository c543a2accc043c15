//! A waPC host with a new instance for each request, as Kubewarden's policy server has it: module compiled and imports
//! resolved once, `rehydrate` and a new `WapcHost` for each evaluation, the epoch as deadline.
//!
//! So a caller sees nothing of another, as in Callgate. But the guest imports functions of the host, each call
//! begins with an unconfigured plugin, which gets its settings along with the payload, and work is not metered: the
//! epoch alone bounds a call. The variant `default` leaves the choice of memory to wasmtime, as the policy
//! server does; `pooled` gives it wasmtime's pooling allocator, set up as Callgate does it, which the provider's users
//! can do with an engine of their own.

use std::time::Duration;

use contestant::{Arguments, MEMORY_BYTES_MAX};
use wapc::WapcHost;
use wasmtime_provider::wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, Module, PoolingAllocationConfig,
};
use wasmtime_provider::{EpochDeadlines, ResourceLimits, WasmtimeEngineProviderBuilder};

/// The deadline of an evaluation, two ticks, as roughly as the policy server has it.
const TICK: Duration = Duration::from_secs(1);
const DEADLINES: EpochDeadlines = EpochDeadlines { wapc_init: 2, wapc_func: 2 };

fn main() {
    let arguments = Arguments::read();
    let mut config = Config::new();
    config.epoch_interruption(true);
    match arguments.variant.as_str() {
        "default" => {}
        "pooled" => {
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
        }
        other => panic!("the variant is default or pooled, not {other}"),
    }
    let engine = Engine::new(&config).expect("the engine is set up");
    let module = Module::from_file(&engine, &arguments.module).expect("the module compiles");
    let limits = ResourceLimits { max_memory_size: Some(MEMORY_BYTES_MAX), max_table_elements: None };
    let prepared = WasmtimeEngineProviderBuilder::new()
        .engine(engine.clone())
        .module(module)
        .enable_resource_limits(limits)
        .build_pre()
        .expect("the guest imports only what waPC has");
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(TICK);
            engine.increment_epoch();
        }
    });
    let settings = format!("{}\n", arguments.settings);
    arguments.run(move |envelope| {
        let provider = prepared.rehydrate(Some(DEADLINES)).expect("an engine for the call");
        let host = WapcHost::new(Box::new(provider), Some(Box::new(no_calls))).expect("an instance");
        let payload = [settings.as_bytes(), envelope].concat();
        host.call("decide", &payload).expect("the guest decides")
    });
}

/// Calls of the guest to the host: there are none.
fn no_calls(
    _: u64,
    _: &str,
    _: &str,
    _: &str,
    _: &[u8],
) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync + 'static>> {
    Err("the host has nothing to call".into())
}

fn pool() -> PoolingAllocationConfig {
    const SLOTS: u32 = 64;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(SLOTS)
        .total_memories(SLOTS)
        .total_tables(SLOTS)
        .max_memory_size(MEMORY_BYTES_MAX)
        .max_core_instance_size(256 * 1024)
        .max_unused_warm_slots(SLOTS);
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(1 << 20).table_keep_resident(1 << 16);
    }
    pool
}
