//! How long a host takes to be ready: with as many different plugins, for the first time and again, and with one module
//! registered as often under other settings.
//!
//! "Again" is a new process with the same folder for compiled code, which is what an operator restarts into. Every
//! start is measured in a process of its own, several times each, in turns; the first of a turn finds the folder empty.
//! Modules are prepared by child processes of that one, as `callgate` does it, whose CPU time counts.
//!
//! `cargo bench --bench start`; after `--` may stand `--plugins N` (50 without it) and `--turns N`.

mod common;

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use callgate::{Host, Loading, Settings};
use common::cases::GUARDED_COMMAND;
use common::{goal, median, print_goals, print_machine, print_table};
use rustix::time::{ClockId, clock_gettime};

/// What a process says of its start.
#[derive(Clone, Copy)]
struct Start {
    wall_s: f64,
    cpu_s: f64,
}

/// What a host starts with.
#[derive(Clone, Copy)]
enum Plugins {
    None,
    Different,
    /// One module, other settings for each.
    Settings,
    /// One module, the same settings for all.
    Same,
}

/// What this program is started with to prepare modules.
const CHILD: &str = "--prepare-modules";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        Some(arguments.get(at + 1).unwrap_or_else(|| panic!("{name} needs a value")))
    };
    if arguments.get(1).is_some_and(|argument| argument == CHILD) {
        let _ = callgate_sandbox::prepare_for_parent();
        return;
    }
    if let Some(settings) = value("--settings") {
        return measure(Path::new(settings));
    }
    if !common::is_wanted() {
        return;
    }
    let number = |name: &str, default| value(name).map_or(default, |value| value.parse().expect("a number"));
    let (plugins, turns) = (number("--plugins", 50), number("--turns", 3));
    print_machine();
    let module = std::fs::read(harness::guests::shipped("guard-profile")).expect("the module was just built");
    let kinds = [
        ("none", Plugins::None, false),
        ("all different", Plugins::Different, false),
        ("all different, again", Plugins::Different, true),
        ("one module, other settings", Plugins::Settings, false),
        ("one module, the same settings", Plugins::Same, false),
    ];
    let mut starts = kinds.map(|_| Vec::with_capacity(turns));
    for _ in 0..turns {
        let mut folder = tempfile::tempdir().expect("a temporary folder");
        for ((_, kind, again), starts) in kinds.iter().zip(&mut starts) {
            if !again {
                folder = tempfile::tempdir().expect("a temporary folder");
            }
            starts.push(in_process(folder.path(), &module, plugins, *kind));
        }
    }
    let middle = |starts: &[Start], figure: fn(&Start) -> f64| median(starts.iter().map(figure).collect());
    let rows = kinds.iter().zip(&starts).map(|((name, ..), starts)| {
        let (wall_s, cpu_s) = (middle(starts, |start| start.wall_s), middle(starts, |start| start.cpu_s));
        let each_ms = wall_s * 1000.0 / plugins as f64;
        vec![(*name).to_owned(), format!("{wall_s:.2}"), format!("{cpu_s:.2}"), format!("{each_ms:.1}")]
    });
    let title = format!("ready with {plugins} plugins of {:.0} KiB, medians of {turns}", module.len() as f64 / 1024.0);
    print_table(&title, &["", "wall s", "CPU s", "wall ms for each"], &rows.collect::<Vec<_>>());
    let [_, cold, warm, settings, _] = starts.each_ref().map(|starts| middle(starts, |start| start.wall_s));
    print_goals(&[
        goal("start with different modules", cold, 8.0, " s"),
        goal("start with different modules, again", warm, 0.8, " s"),
        // The code is the same for all; only what `configure` left in memory differs.
        goal("start with one module and other settings for each", settings, 0.8, " s"),
    ]);
}

/// Starts in a process that did nothing before.
fn in_process(folder: &Path, module: &[u8], plugins: usize, kind: Plugins) -> Start {
    // The harness pins this key unless it is mentioned; finding it out is part of a start.
    let mut setup = harness::setup().limits("# fuel_per_ms is left out");
    setup = setup.tables(&format!("[cache]\nfolder = \"{}\"", folder.join("compiled").display()));
    let plugins = if matches!(kind, Plugins::None) { 0 } else { plugins };
    for number in 0..plugins {
        let (path, settings) = match kind {
            Plugins::Different => (folder.join(format!("plugin-{number}.wasm")), String::new()),
            Plugins::Settings => {
                let words = format!("[plugin.settings]\nreserved_words = [\"word{number}\"]");
                (folder.join("plugin.wasm"), words)
            }
            Plugins::None | Plugins::Same => (folder.join("plugin.wasm"), String::new()),
        };
        let module = if matches!(kind, Plugins::Different) { common::another(module, number) } else { module.into() };
        std::fs::write(&path, module).expect("a file");
        setup = setup.plugin(&format!("plugin-{number}"), &path, GUARDED_COMMAND, &settings);
    }
    let settings = folder.join("host.toml");
    std::fs::write(&settings, setup.toml()).expect("a file");
    let [wall_s, cpu_s] = common::figures_of_another_process(&settings);
    Start { wall_s, cpu_s }
}

/// The measuring process: from settings to a host that could answer.
fn measure(settings: &Path) {
    let started = Instant::now();
    let settings = Settings::load(settings).unwrap_or_else(|problems| panic!("{problems:?}"));
    let program = std::env::current_exe().expect("this program has a path");
    let environment = vec![("MIMALLOC_ARENA_EAGER_COMMIT".into(), "0".into())];
    let loading = Loading::InChildren { program, arguments: vec![CHILD.into()], environment };
    let host = Host::start_loading(settings, &mut (), loading).unwrap_or_else(|error| panic!("{error}"));
    let (wall, cpu_s) = (started.elapsed(), process_cpu().as_secs_f64() + children_cpu_s());
    drop(host);
    writeln!(std::io::stdout(), "{} {cpu_s}", wall.as_secs_f64()).expect("somebody reads");
}

/// CPU time of this process since it began: code is compiled by as many threads as there are cores.
fn process_cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.cast_unsigned(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// CPU time, in seconds, of the child processes that have ended: all of them, once a host is started.
fn children_cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // What follows the program's name, which is in brackets, begins with the third field; the 16th and 17th are wanted.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(13).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}
