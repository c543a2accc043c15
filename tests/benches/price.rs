//! What isolation costs inside the process: the same decision natively, in an instance that keeps what calls leave
//! behind, and in memory that no other call has seen, in turns; and what a chain costs.
//!
//! `cargo bench --bench price`

mod common;

use std::time::{Duration, Instant};

use axum::body::Body;
use callgate_sandbox::MemoryReset;
use callgate_sandbox::Plugin;
use common::cases::{self, Case};
use common::{goal, median, print_goals, print_machine, print_table};
use http::Request;
use http_body_util::BodyExt;
use plugin_sdk::wire::{export, pack, unpack};
use rustix::time::{ClockId, clock_gettime};
use wasmtime::{Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, TypedFunc};

/// Turns of all contestants. A neighbour on the machine disturbs a few of them; the median does not see those.
const TURNS: usize = 200;
/// Calls of one contestant in a turn.
const CALLS_PER_TURN: usize = 300;
/// What a callback has left.
const REMAINING: Duration = Duration::from_secs(4);

fn main() {
    if !common::is_wanted() {
        return;
    }
    print_machine();
    let mut goals = Vec::new();
    isolation(&mut goals);
    word_lists(&mut goals);
    chains(&mut goals);
    print_goals(&goals);
}

/// Something that decides the same callback again and again.
struct Contestant<'c> {
    name: String,
    call: Box<dyn FnMut() + 'c>,
    /// Runs before each turn, outside of the measurement.
    prepare: Box<dyn FnMut() + 'c>,
    turns: Vec<Turn>,
}

/// One turn: microseconds for each call.
#[derive(Clone, Copy)]
struct Turn {
    median_us: f64,
    cpu_us: f64,
}

impl<'c> Contestant<'c> {
    fn new(name: impl Into<String>, call: impl FnMut() + 'c) -> Self {
        Self { name: name.into(), call: Box::new(call), prepare: Box::new(|| ()), turns: Vec::with_capacity(TURNS) }
    }

    fn turn(&mut self) {
        (self.prepare)();
        let mut calls_us = Vec::with_capacity(CALLS_PER_TURN);
        let cpu_before = thread_cpu();
        for _ in 0..CALLS_PER_TURN {
            let started = Instant::now();
            (self.call)();
            calls_us.push(started.elapsed().as_secs_f64() * 1e6);
        }
        let cpu = thread_cpu() - cpu_before;
        self.turns.push(Turn { median_us: median(calls_us), cpu_us: cpu.as_secs_f64() * 1e6 / CALLS_PER_TURN as f64 });
    }

    fn median_us(&self) -> f64 {
        median(self.turns.iter().map(|turn| turn.median_us).collect())
    }

    fn cpu_us(&self) -> f64 {
        median(self.turns.iter().map(|turn| turn.cpu_us).collect())
    }
}

/// CPU time of this thread.
fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.cast_unsigned(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

fn run(contestants: &mut [Contestant<'_>]) {
    // The first turn warms up and does not count.
    for turn in 0..=TURNS {
        for contestant in &mut *contestants {
            contestant.turn();
            if turn == 0 {
                contestant.turns.clear();
            }
        }
    }
}

/// The median over the turns of what `of` makes of two contestants' turns.
fn paired(one: &Contestant<'_>, other: &Contestant<'_>, of: impl Fn(Turn, Turn) -> f64) -> f64 {
    median(one.turns.iter().zip(&other.turns).map(|(one, other)| of(*one, *other)).collect())
}

fn print_contestants(title: &str, contestants: &[Contestant<'_>]) {
    let Some(first) = contestants.first() else { return };
    let rows: Vec<_> = contestants
        .iter()
        .map(|contestant| {
            let ratio = paired(contestant, first, |one, first| one.cpu_us / first.cpu_us);
            let (median_us, cpu_us) = (contestant.median_us(), contestant.cpu_us());
            vec![contestant.name.clone(), format!("{median_us:.2}"), format!("{cpu_us:.2}"), format!("{ratio:.2}")]
        })
        .collect();
    print_table(title, &["", "median us", "CPU us", "CPU ratio"], &rows);
}

fn isolation(goals: &mut Vec<Vec<String>>) {
    let case = cases::guard_profile();
    let put_back = fresh(&case, MemoryReset::Keep);
    let scan = fresh(&case, MemoryReset::Scan);
    let unmap = fresh(&case, MemoryReset::Unmap);
    let kept = std::cell::RefCell::new(Kept::new(&case));
    let mut in_kept = Contestant::new("without isolation", || kept.borrow_mut().call());
    in_kept.prepare = Box::new(|| kept.borrow_mut().renew());
    let mut contestants = vec![Contestant::new("native", native(&case)), in_kept];
    let isolated = [("isolated, keep", put_back), ("isolated, scan", scan), ("isolated, unmap", unmap)];
    contestants.extend(isolated.into_iter().filter_map(|(name, call)| Some(Contestant::new(name, call?))));
    run(&mut contestants);
    print_contestants("guard-profile: JSON in, JSON out", &contestants);
    let [native, kept, isolated, ..] = contestants.as_slice() else { return };
    let above = paired(isolated, native, |isolated, native| isolated.median_us - 2.5 * native.median_us);
    goals.push(goal("isolated less 2.5 times native", above, 6.0, " us"));
    let isolation = paired(isolated, kept, |isolated, kept| isolated.median_us - kept.median_us);
    goals.push(goal("isolated less the same call without isolation", isolation, 2.0, " us"));
    let kept_ratio = paired(kept, native, |kept, native| kept.median_us / native.median_us);
    goals.push(goal("without isolation against native", kept_ratio, 2.2, " x"));
}

/// A long list costs what a short one costs.
fn word_lists(goals: &mut Vec<Vec<String>>) {
    let [short, long] = [("10 words", 10), ("10 000 words", 10_000)]
        .map(|(name, words)| (name, cases::filter_messages("filter-messages", words)));
    let mut contestants = Vec::new();
    for (name, case) in [&short, &long] {
        contestants.push(Contestant::new(format!("native, {name}"), native(case)));
        for memory_reset in [MemoryReset::Keep, MemoryReset::Scan, MemoryReset::Unmap] {
            let Some(call) = fresh(case, memory_reset) else { continue };
            contestants.push(Contestant::new(format!("isolated, {}, {name}", memory_reset.name()), call));
        }
    }
    run(&mut contestants);
    print_contestants("filter-messages: JSON in, JSON out", &contestants);
    let [_, few, _, _, _, many, ..] = contestants.as_slice() else { return };
    let ratio = paired(many, few, |many, few| many.cpu_us / few.cpu_us);
    goals.push(goal("filter-messages with 10 000 words against 10 words", ratio, 1.1, " x"));
}

/// A callback through the host in memory, with one plugin and with five.
fn chains(goals: &mut Vec<Vec<String>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let body = cases::profile_body(0);
    let mut contestants: Vec<Contestant<'_>> = [0, 1, 5]
        .into_iter()
        .map(|plugins| {
            let host = common::host_with_chain_of(plugins);
            let (runtime, body) = (&runtime, body.clone());
            Contestant::new(format!("chain of {plugins}"), move || {
                let request =
                    Request::post(format!("/openim/{}", cases::GUARDED_COMMAND)).body(Body::from(body.clone()));
                let answer = runtime.block_on(async {
                    let answer = host.receive(request.expect("a request")).await;
                    answer.into_body().collect().await.expect("the body is in memory").to_bytes()
                });
                assert!(plugins == 0 || answer.ends_with(b"image.png\"}"), "{answer:?}");
            })
        })
        .collect();
    run(&mut contestants);
    print_contestants("a whole callback through the host, without a socket", &contestants);
    let [_, one, five] = contestants.as_slice() else { return };
    let ratio = paired(five, one, |five, one| five.cpu_us / one.cpu_us);
    goals.push(goal("chain of 5 plugins against 1, whole callback", ratio, 4.0, " x"));
}

fn native(case: &Case) -> impl FnMut() {
    || {
        std::hint::black_box((case.native)(std::hint::black_box(&case.envelope)));
    }
}

fn fresh(case: &Case, memory_reset: MemoryReset) -> Option<impl FnMut()> {
    let (engine, settings) = common::engine(memory_reset)?;
    let plugin = Plugin::load(&engine, case.name, &case.module(), None, &case.settings, &settings.limits.plugin)
        .unwrap_or_else(|error| panic!("{}: {error}", case.name));
    Some(move || {
        let budget = plugin.budget(&engine, REMAINING);
        let (reply, _) = plugin.call(&[&case.envelope], budget, <[u8]>::len);
        assert!(reply.is_ok(), "{reply:?}");
    })
}

/// The plugin in one instance for many calls, as the host never does it: what a call costs without isolation.
struct Kept<'c> {
    case: &'c Case,
    engine: wasmtime::Engine,
    module: wasmtime::Module,
    guest: Option<Guest>,
}

struct Guest {
    store: wasmtime::Store<()>,
    memory: wasmtime::Memory,
    allocate: TypedFunc<u32, u32>,
    handle: TypedFunc<(u32, u32), i64>,
}

impl<'c> Kept<'c> {
    fn new(case: &'c Case) -> Self {
        // The host's own configuration for calls (`plugin/engine.rs`). Pages stay resident from one instance to the
        // next, so that a page fault for memory that a guest never gives back is not taken for the price of a call.
        let mut pool = PoolingAllocationConfig::new();
        pool.total_core_instances(4).total_memories(4).total_tables(4).max_core_instance_size(256 * 1024);
        pool.pagemap_scan(Enabled::Auto).linear_memory_keep_resident(16 << 20);
        let mut config = wasmtime::Config::new();
        config
            .consume_fuel(true)
            .epoch_interruption(true)
            .max_wasm_stack(512 * 1024)
            .cranelift_nan_canonicalization(true)
            .concurrency_support(false)
            .wasm_backtrace_max_frames(None)
            .generate_address_map(false)
            .native_unwind_info(false)
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        let engine = wasmtime::Engine::new(&config).expect("the engine is set up");
        let module = wasmtime::Module::new(&engine, case.module()).expect("the module compiles");
        Self { case, engine, module, guest: None }
    }

    /// Plugins never give memory back, so even a kept instance is replaced now and then.
    fn renew(&mut self) {
        self.guest = None;
        let mut store = wasmtime::Store::new(&self.engine, ());
        store.set_fuel(u64::MAX).expect("fuel is on");
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = wasmtime::Instance::new(&mut store, &self.module, &[]).expect("an instance");
        let memory = instance.get_memory(&mut store, export::MEMORY).expect("a memory");
        let allocate = instance.get_typed_func(&mut store, export::ALLOCATE).expect("allocate");
        let handle = instance.get_typed_func(&mut store, export::HANDLE_CALLBACK).expect("handle_callback");
        let configure = instance.get_typed_func(&mut store, export::CONFIGURE).expect("configure");
        let mut guest = Guest { store, memory, allocate, handle };
        let reply = guest.ask(&configure, format!(r#"{{"settings":{}}}"#, self.case.settings).as_bytes());
        assert!(guest.reads(reply).starts_with(br#"{"accepted":true"#));
        self.guest = Some(guest);
    }

    fn call(&mut self) {
        let guest = self.guest.as_mut().expect("an instance");
        guest.store.set_fuel(20_000_000).expect("fuel is on");
        let handle = guest.handle.clone();
        let reply = guest.ask(&handle, self.case.envelope.as_bytes());
        assert!(!guest.reads(reply).is_empty());
    }
}

impl Guest {
    fn ask(&mut self, function: &TypedFunc<(u32, u32), i64>, input: &[u8]) -> i64 {
        let len = u32::try_from(input.len()).expect("the input is short");
        let at = self.allocate.call(&mut self.store, len).expect("room for the input");
        self.memory.write(&mut self.store, at as usize, input).expect("the room is inside of the memory");
        function.call(&mut self.store, (at, len)).unwrap_or_else(|_| pack(0, 0))
    }

    fn reads(&self, reply: i64) -> &[u8] {
        let (at, len) = unpack(reply);
        self.memory.data(&self.store).get(at as usize..(at + len) as usize).unwrap_or_default()
    }
}
