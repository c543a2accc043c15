//! Medians, tables, goals, and a word about the machine.

use std::path::Path;
use std::process::{Command, Stdio};

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

/// What this very program prints when it is started anew with `--settings FILE`: so many numbers, measured in a process
/// that did nothing before.
pub fn figures_of_another_process<const N: usize>(settings: &Path) -> [f64; N] {
    let output = Command::new(std::env::current_exe().expect("this program has a path"))
        .arg("--settings")
        .arg(settings)
        .stderr(Stdio::inherit())
        .output()
        .expect("a process");
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    numbers.try_into().unwrap_or_else(|_| panic!("the measuring process failed"))
}

/// Resident memory of this process, in MiB.
pub fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells about its processes");
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    kib.map(|kib: f64| kib / 1024.0).expect("resident memory is told in kB")
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

/// Whether cargo wants figures; `cargo test --benches` only wants to know that the benchmark starts.
pub fn is_wanted() -> bool {
    let wanted = std::env::args().any(|argument| argument == "--bench");
    if !wanted {
        println!("nothing is measured without --bench");
    }
    wanted
}
