//! One call: in memory and globals that no other call has seen, with its own fuel and epoch.

use std::time::Duration;

use wasmtime::Trap;

use super::abi::{Crossing, Function};
use super::budget::{Brief, Budget, Usage};
use super::cancel::Cancel;
use super::fault::{Circumstances, Fault, sort, sort_call};
use super::guest::{Denied, Guest, NeedsRoom};
use super::limits::Fuel;
use super::pool::{Instance, Kept, Pool};

/// Longest reply of a brief call, in bytes: it is read on a thread that other callbacks wait for, at about 300 MB a
/// second. A modified message of 64 KiB fits.
const BRIEF_REPLY_BYTES_MAX: usize = 128 * 1024;

/// Runs one call with a full budget. See [`run`].
pub(crate) fn call<T>(
    pool: &Pool,
    function: Function,
    input: &[&str],
    budget: Budget,
    cancel: Option<&Cancel>,
    read: impl FnOnce(&[u8]) -> T,
) -> (Result<T, Fault>, Usage) {
    let (ended, usage) = run(pool, function, input, budget, cancel, read);
    let result = match ended {
        Brief::Replied(reply) => Ok(reply),
        Brief::Failed(fault) => Err(fault),
        // Only brief calls end this way.
        Brief::TooLong => Err(Fault::OutOfTime { within: budget.within, cut: None }),
    };
    (result, usage)
}

/// Runs one call in memory as `configure` left it, and calls `read` with its reply, in place.
///
/// The instance is either one kept for this thread, restored to the snapshot after its last call, or a new one. The
/// guest cannot tell which. An instance that failed is never used again.
pub(crate) fn run<T>(
    pool: &Pool,
    function: Function,
    input: &[&str],
    budget: Budget,
    cancel: Option<&Cancel>,
    read: impl FnOnce(&[u8]) -> T,
) -> (Brief<T>, Usage) {
    let (code, limits) = (pool.code(), pool.limits());
    let circumstances = |memory_denied, last_words| {
        let (Budget { fuel, key, cut, within, .. }, memory_bytes_max) = (budget, limits.memory_bytes_max);
        Circumstances { fuel, key, cut, within, memory_bytes_max, memory_denied, last_words }
    };
    // Held until everything that the call causes is done, including the reset, or dropping an instance that is not
    // kept.
    let running = code.run();
    let new = || Guest::enter(code, limits, budget, &running).map(Instance::new);
    let mut instance = match pool.take().map_or_else(new, Ok) {
        Ok(instance) => instance,
        Err(denied) => return not_entered(&denied, budget, circumstances(false, None)),
    };
    let is_new_instance = instance.is_new();
    let guest = &mut instance.guest;
    let brief_max = if budget.is_brief { BRIEF_REPLY_BYTES_MAX } else { usize::MAX };
    let reply_bytes_max = limits.reply_bytes_max.min(brief_max);
    let mut reply_bytes = 0;
    let result = guest.call(function, input, budget, cancel, reply_bytes_max, |reply| {
        reply_bytes = reply.len();
        read(reply)
    });
    let mut usage = Usage {
        fuel: burnt(budget, guest.fuel_left()),
        memory_bytes: guest.memory().len(),
        memory_grown_bytes: guest.memory_grown_bytes(),
        reply_bytes,
        is_new_instance,
        is_kept: false,
        is_spoiled: true,
        aside: Duration::ZERO,
    };
    let crossing = match result {
        Ok(result) => {
            let kept = pool.keep(instance, budget.is_brief);
            let (aside, was_spoiled_aside) = pool.done_aside();
            usage.aside = aside;
            usage.is_kept = kept == Kept::Yes;
            usage.is_spoiled = kept == Kept::Spoiled || was_spoiled_aside || usage.memory_grown_bytes > 0;
            return (Brief::Replied(result), usage);
        }
        Err(crossing) => crossing,
    };
    let ended = match crossing {
        Crossing::Broken(fault) => broken(fault, budget, limits.reply_bytes_max),
        Crossing::Trapped(error) if budget.is_brief && is_too_long(&error, budget) => Brief::TooLong,
        Crossing::Trapped(error) => {
            let circumstances = circumstances(guest.memory_denied(), guest.last_words());
            Brief::Failed(sort_call(&error, circumstances, guest.has_used_up_its_stack()))
        }
    };
    pool.lose(instance, budget.is_brief);
    usage.aside = pool.done_aside().0;
    (ended, usage)
}

/// The result of a call that broke the contract. A reply that is too long for a brief call may still be one.
fn broken<T>(fault: Fault, budget: Budget, reply_bytes_max: usize) -> Brief<T> {
    match fault {
        Fault::ReplyTooLarge { bytes, bytes_max }
            if budget.is_brief && bytes_max < reply_bytes_max && bytes <= reply_bytes_max as u64 =>
        {
            Brief::TooLong
        }
        Fault::ReplyTooLarge { bytes, .. } => Brief::Failed(Fault::ReplyTooLarge { bytes, bytes_max: reply_bytes_max }),
        fault => Brief::Failed(fault),
    }
}

/// The result of a call whose instance could not be made.
fn not_entered<T>(denied: &Denied, budget: Budget, circumstances: Circumstances) -> (Brief<T>, Usage) {
    let usage = Usage { fuel: burnt(budget, denied.fuel_left), is_spoiled: true, ..Usage::default() };
    let ended = match budget.is_brief && is_too_long(&denied.error, budget) {
        true => Brief::TooLong,
        false => Brief::Failed(sort(&denied.error, circumstances)),
    };
    (ended, usage)
}

/// Whether a brief call ended because of the bounds on brief calls, and not for a reason of its own.
fn is_too_long(error: &wasmtime::Error, budget: Budget) -> bool {
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => budget.cut.is_some(),
        Some(Trap::Interrupt) => true,
        Some(_) => false,
        None => error.is::<NeedsRoom>(),
    }
}

fn burnt(budget: Budget, left: Fuel) -> Fuel {
    Fuel(budget.fuel.0.saturating_sub(left.0))
}

#[cfg(test)]
mod tests {
    use wasmtime::Module;

    use super::super::guest::Code;
    use super::super::{Engine, EngineLimits, FuelKey, MemoryReset, Plugin, PluginLimits};
    use super::*;

    /// A guest whose `handle_callback` is `body`, with additional definitions.
    fn guest(body: &str, others: &str) -> Vec<u8> {
        wat::parse_str(format!(
            r#"(module
                (@custom "callgate.plugin" "{{\"abi\":1,\"name\":\"g\",\"version\":\"0\"}}")
                (memory (export "memory") 40)
                (global (export "last_words") i32 (i32.const 0))
                (data (i32.const 1024) "{{\"accepted\":true}}")
                (func (export "allocate") (param i32) (result i32) (i32.const 4096))
                (func (export "configure") (param i32 i32) (result i64) (i64.const 0x400_0000_0011))
                (func (export "handle_callback") (param i32 i32) (result i64) {body} (i64.const 0))
                {others})"#
        ))
        .unwrap()
    }

    fn limits(memory_reset: MemoryReset) -> EngineLimits {
        EngineLimits { memory_reset, fuel_per_ms: Some(1_000_000.try_into().unwrap()), ..EngineLimits::default() }
    }

    const BUDGET: Budget = Budget {
        fuel: Fuel(1_000_000),
        key: FuelKey::PerCall,
        cut: None,
        within: Duration::from_secs(60),
        is_brief: false,
    };

    fn load(engine: &Engine, body: &str) -> Plugin {
        Plugin::load(engine, "g", &guest(body, ""), None, "{}", &PluginLimits::default()).unwrap()
    }

    #[test]
    fn ticks_that_are_made_up_end_no_call_whose_time_is_not_over() {
        let engine = Engine::new(&limits(MemoryReset::Unmap)).unwrap();
        // Some ten million rounds.
        let body = "(local $n i32) (loop (br_if 0 (i32.ne (i32.const 10000000)
            (local.tee $n (i32.add (local.get $n) (i32.const 1))))))";
        let plugin = load(&engine, body);
        let budget = Budget { fuel: Fuel(u64::MAX / 2), ..BUDGET };
        let is_over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                    engine.for_calls().increment_epoch();
                }
            });
            let (result, _) = plugin.call(&["{", "}"], budget, <[u8]>::len);
            is_over.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(result.is_ok(), "{result:?}");
        });
    }

    #[test]
    fn usage_tells_what_the_next_call_pays_for() {
        let grow = "(drop (memory.grow (i32.const 2)))";
        let touch = "(memory.fill (i32.const 0x1_0000) (i32.const 1) (i32.const 0x8_0000))";
        for memory_reset in [MemoryReset::Keep, MemoryReset::Unmap] {
            let Ok(engine) = Engine::new(&limits(memory_reset)) else { continue };
            let keeps = memory_reset == MemoryReset::Keep;
            // What it does; how much it grows its memory; whether it touches too much, and whether it fails.
            for (body, grown_bytes, touches_too_much, fails) in [
                ("", 0, false, false),
                (touch, 0, false, false),
                (&touch.repeat(2).replacen("0x1_0000", "0x10_0000", 1), 0, keeps, false),
                (grow, 0x2_0000, false, false),
                ("(drop (memory.grow (i32.const 0)))", 0, false, false),
                ("(unreachable)", 0, false, true),
                (&format!("{grow} (unreachable)"), 0x2_0000, false, true),
                ("(return (i64.const 0x7fff_ffff))", 0, false, true),
                ("(loop (br 0))", 0, false, true),
            ] {
                let plugin = load(&engine, body);
                let budget = Budget { fuel: Fuel(10_000_000), ..BUDGET };
                let (result, usage) = plugin.call(&["{}"], budget, |_| ());
                assert_eq!(result.is_err(), fails, "{body}");
                let is_spoiled = grown_bytes > 0 || touches_too_much || fails;
                assert_eq!(usage.is_spoiled, is_spoiled, "{memory_reset:?} {body}");
                assert_eq!(usage.is_kept, keeps && !is_spoiled, "{memory_reset:?} {body}");
                assert_eq!(usage.memory_grown_bytes, grown_bytes, "{body}");
                assert_eq!(usage.memory_bytes, 40 * 0x1_0000 + grown_bytes, "{body}");
                assert_eq!(plugin.call(&["{}"], budget, |_| ()).1.is_new_instance, !usage.is_kept, "{body}");
            }
        }
    }

    #[test]
    fn a_brief_call_never_waits_for_the_page_map() {
        let Ok(engine) = Engine::new(&limits(MemoryReset::Keep)) else { return };
        let plugin = load(&engine, "");
        let brief = || match plugin.ask_briefly(&engine, Function::Handle, &["{}"], Duration::from_secs(60), |_| ()) {
            (Brief::Replied(()), usage) => usage,
            (ended, _) => panic!("{ended:?}"),
        };
        let keeper = engine.keeper().unwrap();
        // Nothing is restored aside until this is dropped, as if another thread had the lock of the address space.
        let (holds, is_held) = std::sync::mpsc::channel::<()>();
        assert!(keeper.work_aside(move || is_held.recv().unwrap_or_default()));
        let usage = brief();
        assert!(usage.is_new_instance && usage.is_kept && usage.aside.is_zero());
        assert!(brief().is_new_instance, "the first one has not been restored");
        drop(holds);
        let (done, is_done) = std::sync::mpsc::channel::<()>();
        assert!(keeper.work_aside(move || drop(done)));
        assert!(is_done.recv().is_err());
        // The map is not looked at in vain: at most audits, and faults of other code, send it aside again.
        let usages: Vec<Usage> = (0..100).map(|_| brief()).collect();
        assert!(usages[0].is_new_instance.eq(&false) && !usages[0].aside.is_zero(), "what was done aside is told");
        assert!(usages.iter().filter(|usage| usage.is_new_instance).count() < 50);
    }

    #[test]
    fn start_up_code_has_the_budget_of_the_call() {
        // `Plugin::load` leaves no start function, so the test adds one.
        let engine = Engine::new(&limits(MemoryReset::Unmap)).unwrap();
        let called = |start: &str, budget| {
            let module = guest("", &format!("(func $start {start}) (start $start)"));
            let code = Code::new(engine.epoch(), &Module::new(engine.for_calls(), module).unwrap()).unwrap();
            call(&Pool::new(None, code, &PluginLimits::default()), Function::Handle, &["{}"], budget, None, |_| ())
        };
        assert_eq!(called("", BUDGET).0, Ok(()));
        let fill = "(memory.fill (i32.const 8192) (i32.const 0) (i32.const 5000))";
        let exact = Budget { fuel: Fuel(5110), ..BUDGET };
        assert_eq!(called(fill, exact).0, Ok(()));
        for (start, fuel) in [(fill, Fuel(5000)), ("(loop (br 0))", BUDGET.fuel)] {
            let (result, usage) = called(start, Budget { fuel, ..BUDGET });
            assert_eq!(result, Err(Fault::OutOfFuel { fuel, key: FuelKey::PerCall }));
            assert!(usage.fuel >= fuel && usage.is_spoiled && !usage.is_new_instance, "{usage:?}");
        }
        let hasty = Budget { fuel: Fuel(u64::MAX / 4), within: Duration::from_millis(5), ..BUDGET };
        assert_eq!(called("(loop (br 0))", hasty).0, Err(Fault::OutOfTime { within: hasty.within, cut: None }));
    }

    #[test]
    fn the_same_input_burns_the_same_in_a_new_instance_and_in_one_that_was_kept() {
        let Ok(engine) = Engine::new(&limits(MemoryReset::Keep)) else { return };
        // Everything that wasmtime may set up by running code.
        let others = r#"
            (table 1000 funcref) (elem (i32.const 0) 0 1 2 0 1 2) (elem (i32.const 900) func 1 2) (elem func 2)
            (global (mut i32) (i32.const 5)) (global (mut v128) (v128.const i64x2 1 2)) (global funcref (ref.func 1))
            (data (i32.const 0x9000) "some") (data "more")
            (func $start (memory.fill (i32.const 0x2_0000) (i32.const 1) (i32.const 0x1_0001))) (start $start)"#;
        let plugin = Plugin::load(&engine, "g", &guest("", others), None, "{}", &PluginLimits::default()).unwrap();
        let usages = [(); 3].map(|()| plugin.call(&["{}"], BUDGET, |_| ()).1);
        assert_eq!(usages.map(|usage| usage.is_new_instance), [true, false, false]);
        assert_eq!(usages.map(|usage| usage.fuel), [load(&engine, "").call(&["{}"], BUDGET, |_| ()).1.fuel; 3]);
    }

    #[test]
    fn a_loop_is_ended_by_time_after_the_epoch_has_slept() {
        let engine = Engine::idle_after(&limits(MemoryReset::Auto), 1).unwrap();
        let plugin = load(&engine, "(loop (br 0))");
        let budget = Budget { fuel: Fuel(u64::MAX / 4), within: Duration::from_millis(3), ..BUDGET };
        for _ in 0..5 {
            while !engine.epoch().is_asleep() {
                std::thread::yield_now();
            }
            let (result, _) = plugin.call(&["{}"], budget, |_| ());
            assert_eq!(result, Err(Fault::OutOfTime { within: budget.within, cut: None }));
        }
    }

    #[test]
    fn a_call_that_is_cancelled_ends_long_before_its_time() {
        let engine = Engine::new(&limits(MemoryReset::Auto)).unwrap();
        let plugin = load(&engine, "(loop (br 0))");
        let budget = Budget { fuel: Fuel(u64::MAX / 4), within: Duration::from_secs(3600), ..BUDGET };
        // The first call makes an instance; its clock starts then.
        for _ in 0..2 {
            let cancel = Cancel::default();
            let (begins, has_begun) = std::sync::mpsc::channel();
            std::thread::scope(|scope| {
                let call = scope.spawn(|| {
                    begins.send(()).unwrap();
                    plugin.ask(Function::Handle, &["{}"], budget, Some(&cancel), |_| ()).0
                });
                has_begun.recv().unwrap();
                cancel.cancel();
                assert_eq!(call.join().unwrap(), Err(Fault::OutOfTime { within: budget.within, cut: None }));
            });
        }
        // A call that is not cancelled continues after each check, until its time is over.
        let budget = Budget { within: Duration::from_millis(20), ..budget };
        let (result, usage) = plugin.ask(Function::Handle, &["{}"], budget, Some(&Cancel::default()), |_| ());
        assert_eq!(result, Err(Fault::OutOfTime { within: budget.within, cut: None }));
        assert!(usage.fuel.0 > 0);
    }

    #[test]
    fn a_loop_is_ended_by_time_after_its_engine_was_dropped() {
        let engine = Engine::new(&limits(MemoryReset::Auto)).unwrap();
        let plugin = load(&engine, "(loop (br 0))");
        drop(engine);
        let budget = Budget { fuel: Fuel(u64::MAX / 4), within: Duration::from_millis(3), ..BUDGET };
        assert_eq!(plugin.call(&["{}"], budget, |_| ()).0, Err(Fault::OutOfTime { within: budget.within, cut: None }));
    }
}
