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
    let started = Instant::now();
    let ended = host(&plugins, "").type_in(&format!("--log debug {CHECK}"));
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    assert!(ended.err.contains("prepared name=\"fine\" from=\"compiled\""), "{}", ended.err);
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
    let module = hostile::with("takes-memory", &format!("(func {body})"));
    let why = "plugin p: it could not be prepared within 16777216 bytes of memory: make it smaller, or raise `memory_bytes_max` under [loading]";
    host(&[("p", &module)], "[loading]\nmemory_bytes_max = 16_777_216").type_in(CHECK).fails(4, &[why]);
    host(&[("p", &module)], "").type_in(CHECK).succeeds();
}

#[test]
fn what_a_child_finds_wrong_is_said_as_ever() {
    let module = hostile::configures("stops-at-configure", "(unreachable)");
    let why = "plugin p: it could not be configured: trap: wasm trap: wasm `unreachable` instruction executed: see `fuel_to_configure`, `memory_bytes_max` and `table_elements_max`";
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
    let large = hostile::with("takes-memory", &format!("(func {body})"));
    let shapes = hostile::shapes();
    let mut plugins = vec![("fine", fine.as_path()), ("large", &large)];
    plugins.extend(shapes.iter().map(|shape| (shape.name, shape.module.as_path())));
    let alone = peak_memory(&host(&plugins[..1], "[loading]\ncpu_ms_max = 5000"));
    let with_all = peak_memory(&host(&plugins, "[loading]\ncpu_ms_max = 5000"));
    assert!(alone > 0 && with_all < alone + 50 * 1024 * 1024, "{alone} and {with_all} bytes");
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
