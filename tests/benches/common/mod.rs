//! What the benchmarks share: medians, tables, a word about the machine, and the plugins with something to decide.
#![allow(dead_code, reason = "each benchmark uses its own part")]

pub mod cases;

use callgate::plugin::Engine;
use callgate::settings::MemoryReset;
use callgate::{Host, Settings};

/// The value in the middle; of an even number, the upper one of the two.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    *values.get(values.len() / 2).expect("a median needs values")
}

/// The value that a `share` of the others does not exceed.
pub fn percentile(sorted: &[u32], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share) as usize;
    f64::from(*sorted.get(at.min(sorted.len().saturating_sub(1))).expect("a percentile needs values"))
}

/// Prints a table; the first column is a name, the others are numbers.
pub fn print_table(title: &str, heading: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(heading.get(column).map(|cell| cell.chars().count())).max().unwrap_or(0)
    };
    let line = |cells: &[String]| {
        let padded = cells.iter().enumerate().map(|(column, cell)| match column {
            0 => format!("{cell:<width$}", width = width(0)),
            _ => format!("{cell:>width$}", width = width(column)),
        });
        padded.collect::<Vec<_>>().join("  ")
    };
    let heading: Vec<String> = heading.iter().map(|cell| (*cell).to_owned()).collect();
    println!("\n{title}\n{}", line(&heading));
    for row in rows {
        println!("{}", line(row));
    }
}

/// A row that sets a figure beside the one to reach.
pub fn goal(measure: &str, reached: f64, most: f64, unit: &str) -> Vec<String> {
    row(measure, reached, format!("at most {most:.2}{unit}"), reached <= most, unit)
}

/// A row that sets a figure beside the one to reach, where more is better.
pub fn goal_at_least(measure: &str, reached: f64, least: f64, unit: &str) -> Vec<String> {
    row(measure, reached, format!("at least {least:.2}{unit}"), reached >= least, unit)
}

fn row(measure: &str, reached: f64, wanted: String, is_reached: bool, unit: &str) -> Vec<String> {
    let verdict = if is_reached { "reached" } else { "not reached" };
    vec![measure.to_owned(), format!("{reached:.2}{unit}"), wanted, verdict.to_owned()]
}

/// Prints rows made by [`goal`] and [`goal_at_least`].
pub fn print_goals(rows: &[Vec<String>]) {
    print_table("to reach", &["measure", "figure", "wanted", ""], rows);
}

/// Prints what the figures depend on.
pub fn print_machine() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model =
        cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).unwrap_or_default().1;
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = read("/proc/loadavg");
    println!(
        "machine: {cores} cores, {model}, Linux {}, load average {} before the start",
        read("/proc/sys/kernel/osrelease").trim(),
        load.split(' ').next().unwrap_or_default(),
    );
}

/// Settings with these lines under `[limits]`, and nothing that depends on the machine.
pub fn settings(limits: &str) -> Settings {
    let toml = harness::setup().limits(limits).toml();
    Settings::parse(std::path::Path::new("bench.toml"), &toml)
        .unwrap_or_else(|problems| panic!("the benchmark's own settings have mistakes: {problems:?}"))
}

/// An engine that resets memory in this way; `None` where the kernel cannot.
pub fn engine(memory_reset: MemoryReset) -> Option<(Engine, Settings)> {
    let settings = settings(&format!("memory_reset = \"{}\"", memory_reset.name()));
    match Engine::new(&settings.limits) {
        Ok(engine) => Some((engine, settings)),
        Err(error) => {
            println!("memory_reset = \"{}\" is left out: {error}", memory_reset.name());
            None
        }
    }
}

/// A host that asks guard-profile so many times about each callback.
pub fn host_with_chain_of(plugins: usize) -> Host {
    // The harness pins this key unless it is mentioned; here the host is to measure it, as a service does.
    let mut setup = harness::setup().limits("# fuel_per_ms is left out");
    for number in 0..plugins {
        let name = format!("guard-profile-{number}");
        setup = setup.plugin(&name, harness::guests::shipped("guard-profile"), cases::GUARDED_COMMAND, "");
    }
    Settings::parse(std::path::Path::new("bench.toml"), &setup.toml())
        .map_err(|problems| format!("{problems:?}"))
        .and_then(|settings| Host::start(settings, &mut ()).map_err(|error| error.to_string()))
        .unwrap_or_else(|error| panic!("the benchmark's host does not start: {error}"))
}

/// The module with one more custom section, which says nothing but makes it another module.
pub fn another(module: &[u8], number: usize) -> Vec<u8> {
    let content = format!("\u{5}bench{number:08}");
    let mut module = module.to_owned();
    // Section 0, and a length that fits into seven bits.
    module.extend([0, u8::try_from(content.len()).expect("it is short")]);
    module.extend(content.bytes());
    module
}

/// Whether cargo wants figures; `cargo test --benches` only wants to know that the benchmark starts.
pub fn is_wanted() -> bool {
    let wanted = std::env::args().any(|argument| argument == "--bench");
    if !wanted {
        println!("nothing is measured without --bench");
    }
    wanted
}
