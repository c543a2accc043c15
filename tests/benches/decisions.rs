//! One decision of each shipped plugin, natively and in a fresh instance; what an instance costs; what loading costs.
//!
//! `cargo bench --bench decisions`; a part of a name after `--` selects, for example `-- guard-profile`.

mod common;

use std::time::Duration;

use callgate_sandbox::{Engine, Plugin};
use callgate_sandbox::{MemoryReset, PluginLimits};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

use common::cases::{self, Case};

/// What a callback has left, well above what any of these needs.
const REMAINING: Duration = Duration::from_secs(4);

fn native(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("native");
    for case in cases::all() {
        group.bench_function(case.name, |bencher| bencher.iter(|| (case.native)(&case.envelope)));
    }
    group.finish();
}

fn fresh(criterion: &mut Criterion) {
    for memory_reset in [MemoryReset::Keep, MemoryReset::Scan, MemoryReset::Unmap] {
        let Some((engine, settings)) = common::engine(memory_reset) else { continue };
        let mut group = criterion.benchmark_group(format!("fresh-{}", memory_reset.name()));
        for case in cases::all() {
            let plugin = load(&engine, &settings.limits.plugin, &case);
            assert_eq!(reply(&engine, &plugin, &case), (case.native)(&case.envelope), "{}", case.name);
            group.bench_function(case.name, |bencher| bencher.iter(|| reply_len(&engine, &plugin, &case)));
        }
        group.finish();
    }
}

/// A guest of text whose functions only return constants: what is left is the instance.
fn instantiate(criterion: &mut Criterion) {
    let module = std::fs::read(harness::guests::replies("smallest", r#"{"verdict":"allow"}"#)).expect("a guest");
    let mut group = criterion.benchmark_group("instantiate-only");
    for memory_reset in [MemoryReset::Keep, MemoryReset::Scan, MemoryReset::Unmap] {
        let Some((engine, settings)) = common::engine(memory_reset) else { continue };
        let plugin = Plugin::load(&engine, "smallest", &module, None, "{}", &settings.limits.plugin).expect("it loads");
        group.bench_function(memory_reset.name(), |bencher| {
            bencher.iter(|| plugin.call(&["{}"], plugin.budget(&engine, REMAINING), <[u8]>::len).0.expect("a reply"));
        });
    }
    group.finish();
}

/// Check, configure, take the snapshot, compile.
fn loading(criterion: &mut Criterion) {
    let Some((engine, settings)) = common::engine(MemoryReset::Auto) else { return };
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10);
    for case in cases::all() {
        let module = case.module();
        group.bench_with_input(BenchmarkId::from_parameter(case.name), &module, |bencher, module| {
            bencher.iter(|| load_module(&engine, &settings.limits.plugin, &case, module));
        });
    }
    group.finish();
}

fn load(engine: &Engine, limits: &PluginLimits, case: &Case) -> Plugin {
    load_module(engine, limits, case, &case.module())
}

fn load_module(engine: &Engine, limits: &PluginLimits, case: &Case, module: &[u8]) -> Plugin {
    Plugin::load(engine, case.name, module, None, &case.settings, limits)
        .unwrap_or_else(|error| panic!("{}: {error}", case.name))
}

fn reply(engine: &Engine, plugin: &Plugin, case: &Case) -> Vec<u8> {
    let budget = plugin.budget(engine, REMAINING);
    plugin.call(&[&case.envelope], budget, <[u8]>::to_vec).0.expect("a reply")
}

/// As the host does it: the reply is read where it lies.
fn reply_len(engine: &Engine, plugin: &Plugin, case: &Case) -> usize {
    let budget = plugin.budget(engine, REMAINING);
    plugin.call(&[&case.envelope], budget, <[u8]>::len).0.expect("a reply")
}

fn short() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2))
}

criterion_group! {
    name = decisions;
    config = short();
    targets = native, fresh, instantiate, loading
}
criterion_main!(decisions);
