//! Strangers' modules are configured and compiled within limits, by child processes that nothing else depends on.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use harness::{guests, hostile};

use crate::program::{Ended, Folder, folder};

/// Settings with these plugins, and further tables.
fn host(plugins: &[(&str, &Path)], tables: &str) -> Folder {
    let mut toml = format!("{tables}\n[admin]\noff = true\n[[platform]]\nkind = \"openim\"\n");
    for (name, module) in plugins {
        let module = module.display();
        write!(toml, "[[plugin]]\nname = \"{name}\"\nwasm = \"{module}\"\ncommands = [\"*\"]\n").unwrap();
    }
    folder().file("host.toml", toml)
}

const CHECK: &str = "check --settings host.toml";

#[test]
fn each_hostile_module_is_refused_in_a_sentence_and_the_others_are_loaded() {
    let fine = guests::replies("fine", r#"{"verdict":"allow"}"#);
    let shapes = hostile::shapes();
    let mut plugins = vec![("fine", fine.as_path())];
    plugins.extend(shapes.iter().map(|shape| (shape.name, shape.module.as_path())));
    // None of them is found out by a limit of its process.
    let ended = host(&plugins, "[loading]\ncpu_ms_max = 10_000").type_in(&format!("--log debug {CHECK}"));
    assert!(
        ended.err.lines().any(|line| line.contains("plugin=\"fine\"") && line.contains("from=\"compiled\"")),
        "{}",
        ended.err
    );
    let errors = &ended.err[ended.err.find("error: ").unwrap()..];
    // One line each, and none for the one that is fine.
    assert_eq!(errors.lines().count(), shapes.len(), "{errors}");
    for shape in &shapes {
        let line = errors.lines().find(|line| line.contains(&format!("plugin {}: ", shape.name))).unwrap_or_default();
        assert!(line.contains(shape.why), "{}: {errors}", shape.name);
    }
}

/// `configure` that never ends, with as much fuel as there is.
fn spins(loading: &str) -> Folder {
    let module = hostile::configures("spins-at-configure", "(loop (br 0)) (unreachable)");
    let fuel = "[limits]\nfuel_to_configure = 9_000_000_000_000_000_000";
    host(&[("p", &module)], &format!("[loading]\n{loading}\n{fuel}"))
}

#[test]
fn a_module_that_takes_too_much_cpu_time_is_named_with_the_limit() {
    let why = "plugin p: it could not be prepared within 1000 ms of CPU time: make it smaller, or raise `cpu_ms_max` under [loading]";
    spins("cpu_ms_max = 1000").type_in(CHECK).fails(4, &[why]);
}

#[test]
fn a_module_that_takes_too_long_is_named_with_the_limit() {
    let why = "plugin p: it could not be prepared within 300 ms: make it smaller, or raise `within_ms` under [loading]";
    spins("within_ms = 300").type_in(CHECK).fails(4, &[why]);
}

#[test]
fn a_module_that_takes_too_much_memory_is_named_with_the_limit() {
    // Within every limit of its structure, and more than 16 MiB to compile.
    let body = "(i32.store (i32.const 0) (i32.add (i32.load (i32.const 4)) (i32.load (i32.const 8))))".repeat(30_000);
    let module = hostile::with("takes-memory", &format!("(func (export \"large\") {body})"));
    let why = "plugin p: it could not be prepared within 16777216 bytes of memory: make it smaller, or raise `memory_bytes_max` under [loading]";
    host(&[("p", &module)], "[loading]\nmemory_bytes_max = 16_777_216").type_in(CHECK).fails(4, &[why]);
    host(&[("p", &module)], "").type_in(CHECK).succeeds();
}

#[test]
fn a_plugin_does_not_see_that_the_system_has_no_more_memory() {
    // It would accept its settings only where it does not get the memory that it may have.
    let module = hostile::configures(
        "sees-memory",
        "(if (i32.ne (memory.grow (i32.const 900)) (i32.const -1)) (then (unreachable))) (i64.const 0x400_0000_0011)",
    );
    let why = "plugin p: it could not be prepared within 16777216 bytes of memory: make it smaller, or raise `memory_bytes_max` under [loading]";
    host(&[("p", &module)], "[loading]\nmemory_bytes_max = 16_777_216").type_in(CHECK).fails(4, &[why]);
    let why = "plugin p: it could not be configured: trap: wasm trap: wasm `unreachable` instruction executed";
    host(&[("p", &module)], "").type_in(CHECK).fails(4, &[why]);
}

#[test]
fn what_a_child_finds_wrong_is_said_as_ever() {
    let module = hostile::configures("stops-at-configure", "(unreachable)");
    let why = "plugin p: it could not be configured: trap: wasm trap: wasm `unreachable` instruction executed: mend the plugin: `callgate run` tries it without a host";
    host(&[("p", &module)], "").type_in(CHECK).fails(4, &[why]);
}

/// The memory that a process has had at most, in bytes, while it ran to its end.
fn peak_memory(folder: &Folder) -> u64 {
    let mut command = folder.command(CHECK.split(' '));
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    while process.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or(0) * 1024);
        std::thread::sleep(Duration::from_millis(1));
    }
    peak
}

#[test]
#[cfg(target_os = "linux")]
fn the_hosts_own_memory_hardly_grows() {
    let fine = guests::replies("fine", r#"{"verdict":"allow"}"#);
    let body = "(i32.store (i32.const 0) (i32.add (i32.load (i32.const 4)) (i32.load (i32.const 8))))".repeat(30_000);
    let large = hostile::with("takes-memory", &format!("(func (export \"large\") {body})"));
    let shapes = hostile::shapes();
    let mut plugins = vec![("fine", fine.as_path()), ("large", &large)];
    plugins.extend(shapes.iter().map(|shape| (shape.name, shape.module.as_path())));
    let alone = peak_memory(&host(&plugins[..1], "[loading]\ncpu_ms_max = 5000"));
    let with_all = peak_memory(&host(&plugins, "[loading]\ncpu_ms_max = 5000"));
    assert!(alone > 0 && with_all > 0 && with_all < alone + 50 * 1024 * 1024, "{alone} and {with_all} bytes");
}

#[test]
#[cfg(target_os = "linux")]
fn a_host_that_is_killed_while_it_starts_leaves_no_child() {
    let folder = spins("");
    let mut host = folder.command(CHECK.split(' ')).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let children = |parent: u32| -> Vec<String> {
        let path = format!("/proc/{parent}/task");
        let tasks = std::fs::read_dir(path).map(|tasks| tasks.flatten().collect::<Vec<_>>()).unwrap_or_default();
        let of_task =
            |task: &std::fs::DirEntry| std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        tasks.iter().flat_map(|task| of_task(task).split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        let started = Instant::now();
        while !is_so() {
            assert!(started.elapsed() < Duration::from_secs(30), "{what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    until("a child is started", &|| !children(host.id()).is_empty());
    let child = children(host.id()).remove(0);
    // One that is dead and not yet waited for has no command line.
    let is_running = || std::fs::read(format!("/proc/{child}/cmdline")).is_ok_and(|line| !line.is_empty());
    until("it is another program", &|| {
        std::fs::read(format!("/proc/{child}/cmdline")).is_ok_and(|line| line.windows(4).any(|part| part == b"--pr"))
    });
    assert!(is_running());
    host.kill().unwrap();
    host.wait().unwrap();
    until("the child ends", &|| !is_running());
}

#[test]
fn the_argument_for_children_is_shown_nowhere() {
    for line in ["--help", "completions bash", "completions zsh", "completions fish", "man"] {
        let Ended { out, .. } = folder().type_in(line);
        assert!(!out.is_empty() && !out.contains("prepare-modules"), "{line}");
    }
}

/// Modules that are within every limit of their structure, and at several of them at once.
fn near_the_limits() -> Vec<(&'static str, String)> {
    let many = |part: &str, times: usize| part.repeat(times);
    let locals = |count: usize| format!("(local {})", many("i64 ", count));
    // Each local is written in each block, or read at the end of all: paths meet with all of them.
    let merged = |count: usize, blocks: usize, shape: &str| {
        let write: String =
            (0..count).map(|local| format!("local.get {local} i64.const {local} i64.add local.set {local} ")).collect();
        let open = many(&format!("{shape} i32.const 1 br_if 0 "), blocks);
        format!("(func {} {open} {write} {} {write})", locals(count), many("end ", blocks))
    };
    let arithmetic = "i32.const 0 i32.const 4 i32.load i32.const 8 i32.load i32.add i32.store ";
    let divisions = "i32.const 0 i32.const 4 i64.load i32.const 8 i64.load i64.rem_s i64.store ";
    let calls = |what: &str| format!("(func {})", many(&format!("i32.const 0 {what} "), 6_600));
    let table = format!("block i32.const 0 br_table {} end ", many("0 ", 60_000));
    let deep_table = {
        let targets: String = (0..60_000).map(|number| format!("{} ", number % 900)).collect();
        format!("(func {} i32.const 0 br_table {targets} {})", many("block ", 900), many("end ", 900))
    };
    vec![
        ("loops over 100 locals", many(&merged(100, 990, "loop"), 5)),
        ("loops over 300 locals", merged(300, 330, "loop")),
        ("blocks over 300 locals", merged(300, 330, "block")),
        ("loops over 2000 locals", merged(2000, 48, "loop")),
        ("a long function", format!("(func {})", many(arithmetic, 32_000))),
        ("eight long functions", many(&format!("(func {})", many(arithmetic, 32_000)), 8)),
        ("a long function of divisions", format!("(func {})", many(divisions, 32_000))),
        (
            "values alive for long",
            format!("(func {} {})", many("i32.const 4 i64.load ", 50_000), many("drop ", 50_000)),
        ),
        (
            "values summed late",
            format!("(func (result i64) {} {})", many("i32.const 4 i64.load ", 50_000), many("i64.add ", 49_999)),
        ),
        (
            "many arguments",
            format!(
                "(func $f (param {p})) {}",
                many(
                    &format!(
                        "(func (param {p}) {})",
                        many(&((0..64).map(|n| format!("local.get {n} ")).collect::<String>() + "call $f "), 1500),
                        p = many("i64 ", 64)
                    ),
                    5
                ),
                p = many("i64 ", 64)
            ),
        ),
        (
            "many results",
            format!(
                "(func $f (result {p}) unreachable) {}",
                many(&format!("(func {})", many(&("call $f ".to_owned() + &many("drop ", 16)), 12_000)), 5),
                p = many("i64 ", 16)
            ),
        ),
        ("long tables of branches", format!("(func {})", many(&table, 5))),
        ("a deep table of branches", deep_table),
        ("nested if", many(&format!("(func {} {})", many("i32.const 1 if ", 999), many("end ", 999)), 30)),
        (
            "many if",
            format!("(func {})", many("i32.const 4 i32.load if i32.const 1 i32.const 2 i32.store end ", 9_900)),
        ),
        ("small functions", many("(func)", 24_900)),
        (
            "small functions in a table",
            format!("(table 20000 funcref) {} (elem (i32.const 0) {})", many("(func)", 24_900), many("5 ", 20_000)),
        ),
        ("calls through a table", format!("(table 10 funcref) {}", many(&calls("call_indirect"), 5))),
        ("reads of a table", format!("(table 10 funcref) {}", many(&calls("table.get 0 drop"), 5))),
        (
            "loops over parameters",
            many(&format!("(func (param {}) {})", many("i64 ", 64), many("loop i32.const 1 br_if 0 end ", 1_500)), 20),
        ),
        ("segments", many("(data (i32.const 65536) \"x\")", 9_000)),
        ("a segment far away", "(data (i32.const 131071) \"x\")".to_owned()),
        ("memory.copy", format!("(func {})", many("i32.const 0 i32.const 4 i32.const 9 memory.copy ", 50_000))),
        (
            "vectors",
            format!(
                "(func {})",
                many(
                    "i32.const 0 i32.const 4 v128.load i32.const 8 v128.load i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 31 30 29 28 v128.store ",
                    10_000
                )
            ),
        ),
        (
            "truncation",
            format!("(func {})", many("i32.const 0 i32.const 4 f64.load i64.trunc_sat_f64_u i64.store ", 30_000)),
        ),
    ]
}

/// `cargo test --test commands near_the_limits -- --ignored --nocapture` prints what each of these costs.
#[test]
#[ignore = "a search: it takes minutes and prints figures"]
fn what_is_near_the_limits_ends_within_them() {
    for (what, parts) in near_the_limits() {
        // Three functions come before; what has an address is compiled, whether or not it is called.
        let functions = 3..3 + parts.matches("(func").count();
        let all: Vec<_> = functions.map(|index| index.to_string()).collect();
        let module = hostile::with("near", &format!("{parts} (elem declare func {})", all.join(" ")));
        let bytes = std::fs::metadata(&module).unwrap().len();
        let folder = host(&[("p", &module)], "");
        let started = Instant::now();
        let ended = Ended::of(&mut folder.command(CHECK.split(' ')));
        let said = ended.err.lines().find(|line| line.contains("error: ")).unwrap_or("it is loaded");
        println!(
            "{what}: {bytes} bytes, {:.1} s, {}",
            started.elapsed().as_secs_f64(),
            said.chars().take(200).collect::<String>()
        );
        assert!(matches!(ended.code, Some(0 | 4)), "{ended:#?}");
        assert!(!said.contains("under [loading]"), "{what}: {said}");
    }
}

/// A generator of numbers (xorshift) that gives the same ones in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }
}

/// The module with some of its bytes changed. Most changes keep its length, so that its sections still fit.
fn mutated(module: &[u8], random: &mut Random) -> Vec<u8> {
    const TELLING: [u8; 12] = [0x00, 0x01, 0x02, 0x03, 0x04, 0x0b, 0x0e, 0x10, 0x11, 0x7f, 0x80, 0xff];
    let mut mutant = module.to_owned();
    for _ in 0..1 + random.below(4) {
        let (at, other) = (8 + random.below(mutant.len() - 8), 8 + random.below(mutant.len() - 8));
        let length = (1 + random.below(40)).min(mutant.len() - at.max(other));
        match random.below(20) {
            0..8 => mutant[at] = TELLING[random.below(TELLING.len())],
            8..13 => mutant[at] ^= 1 << random.below(8),
            13..15 => mutant[at] = mutant[at].wrapping_add(1),
            15..17 => mutant.copy_within(other..other + length, at),
            17 => mutant[at..at + length].fill(TELLING[random.below(TELLING.len())]),
            18 => drop(mutant.drain(at..at + length)),
            _ => {
                let copied = mutant[other..other + length].to_owned();
                drop(mutant.splice(at..at, copied));
            }
        }
    }
    mutant
}

/// The module changed as `wasm-mutate` does it, which knows what is valid, some times over.
fn mutated_as_wasm(module: &[u8], random: &mut Random) -> Vec<u8> {
    let mut mutant = module.to_owned();
    for _ in 0..1 + random.below(5) {
        let mut mutate = wasm_mutate::WasmMutate::default();
        mutate.seed(random.next()).fuel(10_000).preserve_semantics(false);
        let Some(next) = mutate.run(&mutant).ok().and_then(|mut found| found.next()?.ok()) else { break };
        mutant = next;
    }
    mutant
}

/// Mutants that one host loads.
const MUTANTS_AT_ONCE: usize = 50;

/// `MUTANTS=10000 cargo test --test commands mutated -- --nocapture` tries more of them; with `MUTANTS_KEEP=FOLDER`,
/// those that make the compiler panic are kept there.
#[test]
fn mutated_modules_are_loaded_or_refused_in_a_sentence_and_the_others_are_loaded() {
    let mutants = std::env::var("MUTANTS").ok().and_then(|number| number.parse().ok()).unwrap_or(200);
    let fine = guests::replies("fine", r#"{"verdict":"allow"}"#);
    let seeds: Vec<Vec<u8>> = [
        fine.clone(),
        guests::text("marks"),
        guests::text("spins"),
        hostile::with("table", "(table 9 funcref) (elem (i32.const 0) func 0 1) (func (param i32) (result i32) local.get 0 (loop (result i32) i32.const 1 br_if 0 i32.const 7) i32.add)"),
        guests::shipped("clean-remark"),
    ]
    .iter()
    .map(|path| std::fs::read(path).unwrap())
    .collect();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut refused, mut limited, mut failed, mut longest) = (0, 0, 0, Duration::ZERO);
    for first in (0..mutants).step_by(MUTANTS_AT_ONCE) {
        let folder = tempfile::tempdir().unwrap();
        let numbers = first..mutants.min(first + MUTANTS_AT_ONCE);
        let modules = numbers.map(|number| {
            // The large one takes long where it is still valid.
            let seed = if number % 20 < 2 { 4 } else { random.below(4) };
            let (name, path) = (format!("mutant-{number}"), folder.path().join(format!("{number}.wasm")));
            let mutate = if number % 2 == 0 { mutated } else { mutated_as_wasm };
            std::fs::write(&path, mutate(&seeds[seed], &mut random)).unwrap();
            (name, path)
        });
        let modules: Vec<_> = modules.collect();
        let mut plugins: Vec<_> = modules.iter().map(|(name, path)| (name.as_str(), path.as_path())).collect();
        plugins.push(("fine", &fine));
        let limits = "[loading]\ncpu_ms_max = 5000\nwithin_ms = 60_000\n[limits]\nfuel_to_configure = 100_000_000";
        let started = Instant::now();
        let ended = host(&plugins, limits).type_in(&format!("--log debug {CHECK}"));
        longest = longest.max(started.elapsed());
        assert!(matches!(ended.code, Some(0 | 4)), "{ended:#?}");
        let errors = ended.err.find("error: ").map_or("", |at| &ended.err[at..]);
        for line in errors.lines() {
            assert!(line.contains("plugin mutant-"), "{line} in {errors}");
            assert!(!line.contains("the process that was to prepare it"), "{line}");
            if line.contains("the compiler failed at it") {
                failed += 1;
                println!("{line}");
                let number = line.split("plugin mutant-").nth(1).unwrap().split(':').next().unwrap();
                if let Ok(keep) = std::env::var("MUTANTS_KEEP") {
                    std::fs::copy(folder.path().join(format!("{number}.wasm")), format!("{keep}/{number}.wasm"))
                        .unwrap();
                }
            }
            limited += usize::from(line.contains("under [loading]"));
        }
        refused += errors.lines().count();
        let prepared = ended.err.matches("plugin is loaded plugin=\"mutant-").count();
        assert_eq!(prepared + errors.lines().count(), modules.len(), "{}", ended.err);
        assert!(ended.err.contains("plugin is loaded plugin=\"fine\""), "{}", ended.err);
    }
    println!(
        "{mutants} mutants: {refused} refused, {limited} of them by a limit, {failed} because the compiler failed; {MUTANTS_AT_ONCE} took {longest:?} at most"
    );
}
