//! A simulated kernel that misses page faults, for tests only. Its effects are tested with calls of real guests.

use std::cell::Cell;

use super::super::abi::Function;
use super::super::guest::{Code, Guest};
use super::super::{Budget, Engine, EngineLimits, Fuel, MemoryReset, Plugin, PluginLimits};
use super::*;

thread_local! {
    static LIE: Cell<Option<Lie>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
struct Lie {
    /// Faults of this thread before it.
    from: i64,
    one_in: i64,
}

impl Lie {
    /// From now on, one in `one_in` faults of this thread is not counted, the first after `before` others.
    fn tell(one_in: i64, before: i64) {
        LIE.set(Some(Self { from: faults().unwrap() - (one_in - 1 - before), one_in }));
    }
}

/// The count that the lying kernel reports for the real count `faults`.
pub(super) fn told(faults: i64) -> i64 {
    LIE.get().map_or(faults, |lie| faults - (faults - lie.from) / lie.one_in)
}

/// Rates at which faults are missed: 1 %, 5 %, all.
const LIES: [i64; 3] = [100, 20, 1];

/// Every lie must be noticed before this many calls.
const CALLS_MAX: usize = 200;

/// Number of pages that the guest can be asked to change: together with the page of its input, fewer than an instance
/// may touch.
fn pages() -> usize {
    TOUCHED_BYTES_MAX / rustix::param::page_size() - 16
}

/// A guest that changes the page whose number it gets as two letters. If they are capitals, it reads the page first.
fn guest() -> Vec<u8> {
    let page_bytes = rustix::param::page_size();
    wat::parse_str(format!(
        r#"(module
            (@custom "callgate.plugin" "{{\"abi\":1,\"name\":\"g\",\"version\":\"0\"}}")
            (memory (export "memory") {memory_pages})
            (global (export "last_words") i32 (i32.const 0))
            (data (i32.const 1024) "{{\"accepted\":true}}")
            (data (i32.const 65536) "{half}")
            (func (export "allocate") (param i32) (result i32) (i32.const 4096))
            (func (export "configure") (param i32 i32) (result i64) (i64.const 0x400_0000_0011))
            (func (export "handle_callback") (param $input i32) (param $len i32) (result i64) (local $at i32)
                (local.set $at (i32.and (i32.load8_u (local.get $input)) (i32.const 15)))
                (local.set $at (i32.or
                    (i32.shl (local.get $at) (i32.const 4))
                    (i32.and (i32.load8_u offset=1 (local.get $input)) (i32.const 15))))
                (local.set $at (i32.mul (local.get $at) (i32.const {page_bytes})))
                (if (i32.eqz (i32.and (i32.load8_u (local.get $input)) (i32.const 32)))
                    (then (if (i32.eq (i32.load8_u offset=65636 (local.get $at)) (i32.const 7))
                        (then (return (i64.const 1))))))
                (i32.store8 offset=65636 (local.get $at) (i32.const 7))
                (i64.const 0)))"#,
        memory_pages = 2 + pages() * page_bytes / 65536,
        half = "\\05".repeat(pages() / 2 * page_bytes),
    ))
    .unwrap()
}

/// The guest's input: see [`guest`].
fn input(page: usize, looks: bool) -> String {
    let of = |number: usize| char::from(if looks { b'@' } else { b'`' } + u8::try_from(number % 16).unwrap());
    [of(page / 16), of(page)].iter().collect()
}

fn engine() -> Option<Engine> {
    let limits = EngineLimits {
        memory_reset: MemoryReset::Keep,
        fuel_per_ms: Some(1_000_000.try_into().unwrap()),
        ..Default::default()
    };
    let engine = Engine::new(&limits);
    if let Err(error) = &engine {
        eprintln!("SKIPPED: instances cannot be kept on this system: {error}");
    }
    engine.ok()
}

const BUDGET: Budget = Budget {
    fuel: Fuel(1_000_000),
    key: crate::FuelKey::PerCall,
    cut: None,
    within: std::time::Duration::from_secs(60),
    is_brief: false,
};

/// How often a guest touches new pages.
#[derive(Debug, Clone, Copy)]
struct Rhythm {
    /// One call in this many changes a page that this instance has not changed before.
    new_page_every: usize,
    /// Whether the guest reads the page first.
    looks: bool,
}

/// The outcome of a lie.
struct Noticed {
    /// Calls until then, counted from the first that left something behind.
    calls: usize,
    /// Calls that began with a page that was not restored.
    leaked: usize,
    /// How often a missed page was found by a reading that other faults had caused, or its memory was not used again.
    ended_otherwise: usize,
}

fn tell(code: &Code, limits: &PluginLimits, rhythm: Rhythm, one_in: i64, before: i64) -> Noticed {
    let map = PageMap::open(|_| true).unwrap();
    let mut kept: Option<Guest> = None;
    let (mut since, mut leaked, mut ended_otherwise) = (None, 0, 0);
    let round = pages() * rhythm.new_page_every;
    for call in 0..100_000 {
        if call % round == 0 {
            // All pages are known; as if it had failed.
            kept = None;
        }
        if call == 20 {
            Lie::tell(one_in, before);
        }
        leaked += usize::from(since.is_some());
        let running = code.run();
        let entered = kept.take().map_or_else(|| Guest::enter(code, limits, BUDGET, &running), Ok);
        let mut guest = entered.unwrap_or_else(|denied| panic!("{}", denied.error));
        let page = if call % rhythm.new_page_every == 0 { call % round / rhythm.new_page_every } else { 0 };
        let called = guest.call(Function::Handle, &[&input(page, rhythm.looks)], BUDGET, None, 100, |_| ());
        assert!(called.is_ok());
        let glance = guest.glance(&map);
        let reset = guest.put_back(code, limits, &map, glance);
        if map.is_distrusted() {
            LIE.set(None);
            // Nothing was left behind if it was noticed immediately.
            return Noticed { calls: call - since.unwrap_or(call), leaked, ended_otherwise };
        }
        kept = (reset == Reset::Done).then_some(guest);
        let is_known = |at: &usize, copies: &[Copy]| copies.iter().any(|copy| copy.at == *at);
        let is_clean = kept.as_ref().is_none_or(|guest| {
            let copies = guest.pages().copies.as_deref().unwrap_or_default();
            map.private_copies(guest.memory(), usize::MAX).unwrap().iter().all(|at| is_known(at, copies))
        });
        match (is_clean, since) {
            (true, Some(_)) => {
                ended_otherwise += 1;
                since = None;
            }
            (false, None) => since = Some(call),
            (false, Some(since)) => assert!(call - since < CALLS_MAX, "{rhythm:?}, one in {one_in}: not noticed"),
            (true, None) => {}
        }
    }
    panic!("{rhythm:?}, one in {one_in}: not noticed");
}

#[test]
fn every_lie_is_noticed_within_200_calls() {
    let Some(engine) = engine() else { return };
    let limits = PluginLimits::default();
    let module = wasmtime::Module::new(engine.for_calls(), guest()).unwrap();
    let code = Code::new(engine.epoch(), &module).unwrap();
    let rhythms = [(1, false), (1, true), (7, false), (50, false)];
    for (new_page_every, looks) in rhythms {
        let rhythm = Rhythm { new_page_every, looks };
        for one_in in LIES {
            let tries = one_in.min(20);
            let noticed = (0..tries).map(|number| tell(&code, &limits, rhythm, one_in, number * one_in / tries));
            let noticed: Vec<_> = noticed.collect();
            let calls = noticed.iter().map(|noticed| noticed.calls).max().unwrap();
            assert!(calls < CALLS_MAX);
            eprintln!(
                "one fault in {one_in} forgotten, a new page every {new_page_every} calls{}: {tries} times noticed after \
                 at most {calls} calls; {} calls could have leaked, at most {} of one lie; {} times it ended otherwise",
                if looks { ", read before" } else { "" },
                noticed.iter().map(|noticed| noticed.leaked).sum::<usize>(),
                noticed.iter().map(|noticed| noticed.leaked).max().unwrap(),
                noticed.iter().map(|noticed| noticed.ended_otherwise).sum::<usize>(),
            );
        }
    }
}

#[test]
fn a_kernel_that_counts_right_is_trusted() {
    let Some(engine) = engine() else { return };
    let limits = PluginLimits::default();
    let plugin = Plugin::load(&engine, "g", &guest(), None, "{}", &limits).unwrap();
    let mut kept = 0;
    for call in 0..20_000_usize {
        // Pages in an order that mixes new and old ones, on two threads that share only the engine.
        let page = call * call / 3 % pages();
        let (result, usage) = plugin.call(&[&input(page, call % 3 == 0)], BUDGET, <[u8]>::len);
        assert_eq!(result, Ok(0), "call {call} finds what another has left");
        kept += usize::from(usage.is_kept);
    }
    assert!(!engine.is_distrusted());
    assert!(kept > 19_000, "{kept}");
}

#[test]
fn once_a_lie_is_noticed_no_instance_is_kept_or_used_again() {
    for one_in in LIES {
        let Some(engine) = engine() else { return };
        let limits = PluginLimits::default();
        let load = |name| Plugin::load(&engine, name, &guest(), None, "{}", &limits).unwrap();
        let (plugin, other) = (load("g"), load("other"));
        let call = |plugin: &Plugin, number: usize| plugin.call(&[&input(number % pages(), false)], BUDGET, |_| ()).1;
        // One instance of each is kept.
        assert!(call(&plugin, 0).is_kept && call(&other, 0).is_kept && !engine.is_distrusted());
        assert!(!call(&other, 0).is_new_instance);
        Lie::tell(one_in, 0);
        let calls = (1..10_000).take_while(|number| {
            call(&plugin, *number);
            !engine.is_distrusted()
        });
        assert!(calls.count() < 2 * CALLS_MAX, "one in {one_in}");
        LIE.set(None);
        for number in 0..20 {
            for plugin in [&plugin, &other, &load("late")] {
                let usage = call(plugin, number);
                assert!(usage.is_new_instance && !usage.is_kept && !usage.is_spoiled);
            }
        }
    }
}
