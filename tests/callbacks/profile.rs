//! Profiles: every unit of fuel is booked for the function that burnt it, and no unit is made up.

use std::path::Path;

use callgate::Settings;
use callgate_sandbox::profile::{Profile, Profiler, STACK_FRAMES_MAX};
use callgate_sandbox::{Engine, Fault, Fuel, FuelKey, Function, Plugin, Usage};
use harness::guests;

/// What guests that are made with `{contract}` get to see when they are to do what they are for.
const INPUT: &str = r#"{"body":{"x":1}}"#;

/// Calls a plugin once, and profiles that call.
fn profile(module: &[u8], input: &str, limits: &str) -> (Result<(), Fault>, Usage, Profile) {
    let settings = format!("[limits]\nfuel_per_ms = 1_000_000_000_000\n{limits}\n[[platform]]\nkind = \"openim\"\n");
    let limits = Settings::parse(Path::new("host.toml"), &settings).expect("settings without mistakes").limits;
    let engine = Engine::new(&limits.engine).expect("an engine");
    let plugin = Plugin::load(&engine, "p", module, None, "{}", &limits.plugin).expect("a plugin");
    let budget = plugin.budget(&engine, limits.plugin.call_within);
    let (result, usage) = plugin.call(&[input], budget, |_| ());
    let mut profiler = Profiler::new(&engine, module, "{}", &limits.plugin).expect("a profiler");
    profiler.follow(&[(Function::Handle, input)], usage.fuel, result.is_err()).expect("the same call");
    (result, usage, profiler.finish())
}

fn assembled(name: &str, source: &str) -> Vec<u8> {
    std::fs::read(guests::assemble(name, source)).expect("a module")
}

/// Name, calls, own fuel and total fuel of each function.
fn rows(profile: &Profile) -> Vec<(&str, u64, u64, u64)> {
    let functions = profile.functions.iter();
    functions.map(|function| (function.name.as_str(), function.calls, function.own.0, function.total.0)).collect()
}

fn own_of_functions(profile: &Profile) -> Fuel {
    Fuel(profile.functions.iter().map(|function| function.own.0).sum())
}

fn own_of_stacks(profile: &Profile) -> Fuel {
    Fuel(profile.stacks.iter().map(|stack| stack.own.0).sum())
}

#[test]
fn every_unit_is_booked_for_the_function_that_burnt_it() {
    // Each way to leave a function: by its end, a return, a branch; with no result, one and two; called by number, by
    // table and by itself. Own fuel: 1 to begin, and 1 for each instruction but blocks, `end`, `return` and `drop`.
    let module = assembled(
        "burns",
        r#"(module
            (type $nothing (func))
            (table 1 funcref)
            (elem (i32.const 0) $by_table)
            {contract}
            (func $by_table)
            (func $straight (drop (i32.const 7)))
            (func $loops (param $n i32)
                (loop $next
                    (call $straight)
                    (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
            (func $returns (param $leave i32) (result i32)
                (if (local.get $leave) (then (return (i32.const 1))))
                (unreachable))
            (func $branches (param $leave i32)
                (block (br_if 1 (local.get $leave)))
                (unreachable))
            (func $recurses (param $n i32) (result i32)
                (if (result i32) (local.get $n)
                    (then (call $recurses (i32.sub (local.get $n) (i32.const 1))))
                    (else (i32.const 0))))
            (func $two (result i32 i64) (i32.const 1) (i64.const 2))
            (func $provoked (param i32 i32) (result i64)
                (call $loops (i32.const 10))
                (drop (call $returns (i32.const 1)))
                (call $branches (i32.const 1))
                (drop (call $recurses (i32.const 5)))
                (call_indirect (type $nothing) (i32.const 0))
                (call $two)
                (drop)
                (drop)
                (i64.const 0x800_0000_0013)))"#,
    );
    let (result, usage, profile) = profile(&module, INPUT, "");
    assert_eq!(result, Ok(()));
    assert_eq!(
        rows(&profile),
        [
            ("loops", 1, 61, 81),
            ("recurses", 6, 39, 39),
            ("straight", 10, 20, 20),
            ("handle_callback", 1, 13, 157),
            ("provoked", 1, 13, 144),
            ("returns", 1, 4, 4),
            ("branches", 1, 3, 3),
            ("two", 1, 3, 3),
            ("allocate", 1, 2, 2),
            ("by_table", 1, 1, 1),
        ]
    );
    assert_eq!(profile.fuel, Fuel(159));
    assert_eq!(profile.fuel, usage.fuel);
    assert_eq!(own_of_stacks(&profile), usage.fuel);
    let straight = profile.stacks.iter().find(|stack| stack.frames.ends_with(&["straight".to_owned()])).unwrap();
    assert_eq!(straight.frames, ["handle_callback", "provoked", "loops", "straight"]);
    assert_eq!(straight.own, Fuel(20));
}

#[test]
fn a_call_that_fails_is_profiled_until_then() {
    let cases = [
        ("spins", "fuel_per_call = 1000"),
        ("recurses", "fuel_per_call = 1_000_000_000"),
        ("recurses", "fuel_per_call = 1000"),
        ("panics", ""),
        ("divides-by-zero", ""),
        ("gives-up", "memory_bytes_max = 262_144"),
        ("reply-outside", ""),
    ];
    for (name, limits) in cases {
        let module = std::fs::read(guests::text(name)).expect("a module");
        let (result, usage, profile) = profile(&module, INPUT, limits);
        assert!(result.is_err(), "{name}");
        assert!(usage.fuel > Fuel(0), "{name}");
        assert_eq!(profile.fuel, usage.fuel, "{name}");
        assert_eq!(own_of_functions(&profile), usage.fuel, "{name}");
        assert_eq!(own_of_stacks(&profile), usage.fuel, "{name}");
        assert!(profile.functions.iter().all(|function| function.total <= usage.fuel), "{name}: {profile:?}");
    }
}

#[test]
fn where_it_ran_out_of_fuel_is_exact() {
    let source = r#"(module {contract}
        (func $straight (drop (i32.const 7)))
        (func $provoked (param i32 i32) (result i64)
            (loop $next (call $straight) (br $next))
            (unreachable)))"#;
    // `allocate` burns 2, `handle_callback` 13, `provoked` 1 before its loop and 2 in each round, `straight` 2.
    for (fuel, provoked, straight) in [(16, 1, 0), (17, 2, 0), (18, 2, 1), (19, 2, 2), (20, 3, 2), (1000, 493, 492)] {
        let (result, usage, profile) =
            profile(&assembled("endless", source), INPUT, &format!("fuel_per_call = {fuel}"));
        assert_eq!(result, Err(Fault::OutOfFuel { fuel: Fuel(fuel), key: FuelKey::PerCall }));
        assert_eq!(usage.fuel, Fuel(fuel));
        let own = |name: &str| {
            profile.functions.iter().find(|function| function.name == name).map_or(0, |function| function.own.0)
        };
        assert_eq!(own("allocate"), 2);
        assert_eq!(own("handle_callback"), 13);
        assert_eq!((own("provoked"), own("straight")), (provoked, straight), "{fuel}");
    }
}

#[test]
fn a_call_that_lacks_a_little_fuel_is_profiled_as_far_as_it_came() {
    // It burns 20. The last look at the fuel is at the head of the loop, after 16.
    let source = r#"(module {contract}
        (func $provoked (param i32 i32) (result i64)
            (loop $once (drop (i32.const 7)) (br_if $once (i32.const 0)))
            (i64.const 0x800_0000_0013)))"#;
    for (fuel, is_enough) in [(15, false), (16, false), (17, true), (20, true)] {
        let limits = format!("fuel_per_call = {fuel}");
        let (result, usage, profile) = profile(&assembled("once", source), INPUT, &limits);
        assert_eq!(result.is_ok(), is_enough, "{fuel}");
        assert_eq!(profile.fuel, usage.fuel, "{fuel}");
        assert_eq!(own_of_functions(&profile), usage.fuel, "{fuel}");
    }
}

#[test]
fn deep_stacks_are_cut_and_their_fuel_is_not() {
    let module = assembled(
        "deep",
        r#"(module {contract}
            (func $down (param $n i32) (result i32)
                (if (result i32) (local.get $n)
                    (then (call $down (i32.sub (local.get $n) (i32.const 1))))
                    (else (i32.const 0))))
            (func $provoked (param i32 i32) (result i64)
                (drop (call $down (i32.const 999)))
                (i64.const 0x800_0000_0013)))"#,
    );
    let (result, usage, profile) = profile(&module, INPUT, "");
    assert_eq!(result, Ok(()));
    assert_eq!(rows(&profile)[0], ("down", 1000, 999 * 7 + 4, 999 * 7 + 4));
    let longest = profile.stacks.iter().max_by_key(|stack| stack.frames.len()).unwrap();
    assert_eq!(longest.frames.len(), STACK_FRAMES_MAX + 1);
    assert_eq!(longest.frames.last().unwrap(), "...");
    assert_eq!(own_of_stacks(&profile), usage.fuel);
}

#[test]
fn functions_without_names_have_those_of_their_exports_or_numbers() {
    let module = assembled(
        "nameless",
        r#"(module {manifest}
            (memory (export "memory") 2)
            (global (export "last_words") i32 (i32.const 0))
            (data (i32.const 1024) "{\"accepted\":true}")
            (data (i32.const 2048) "{\"verdict\":\"allow\"}")
            (func (export "allocate") (param i32) (result i32) (i32.const 4096))
            (func (export "configure") (param i32 i32) (result i64) (i64.const 0x400_0000_0011))
            (func (drop (i32.const 7)))
            (func (export "handle_callback") (param i32 i32) (result i64) (call 2) (i64.const 0x800_0000_0013)))"#,
    );
    let (result, usage, profile) = profile(&module, INPUT, "");
    assert_eq!(result, Ok(()));
    assert_eq!(rows(&profile), [("handle_callback", 1, 3, 5), ("allocate", 1, 2, 2), ("func[2]", 1, 2, 2)]);
    assert_eq!(profile.fuel, usage.fuel);
    assert!(!profile.is_named);
}

#[test]
fn shipped_plugins_burn_what_their_profiles_say_and_have_names() {
    for (name, command, decision) in [
        ("guard-profile", "callbackBeforeUpdateUserInfoExCommand", "guard_profile::GuardProfile"),
        ("clean-remark", "callbackBeforeSetFriendRemarkCommand", "clean_remark::CleanRemark"),
    ] {
        let module = std::fs::read(guests::shipped(name)).expect("a module");
        let request = guests::fixture(&format!("openim/{command}.request.json"));
        let body = std::fs::read_to_string(request).expect("a request");
        let input = format!(
            r#"{{"platform":"openim","command":"{command}","phase":"before","operation_id":"","arrived_unix_ms":0,"client_address":"","query":[],"body":{body}}}"#
        );
        let (result, usage, profile) = profile(&module, &input, "");
        assert_eq!(result, Ok(()), "{name}");
        assert_eq!(profile.fuel, usage.fuel, "{name}");
        assert_eq!(own_of_functions(&profile), usage.fuel, "{name}");
        assert_eq!(own_of_stacks(&profile), usage.fuel, "{name}");
        assert!(profile.is_named, "{name}");
        let decides = profile.functions.iter().find(|function| function.name.contains(decision)).expect(decision);
        assert!(decides.total > decides.own, "{name}: {decides:?}");
    }
}
