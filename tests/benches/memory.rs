//! What loaded plugins cost while nobody calls them: resident memory and time to start, for one module under many
//! names and for as many modules that all differ.
//!
//! `cargo bench --bench memory`; after `--` may stand `--plugins N` (100 without it).

mod common;

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use axum::body::Body;
use callgate::{Host, Settings};
use common::cases::GUARDED_COMMAND;
use common::{goal, print_goals, print_machine, print_table, resident_mib};
use http::Request;

/// What a process says of itself once its plugins are loaded.
struct Measured {
    seconds: f64,
    loaded_mib: f64,
    called_mib: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--settings") {
        return measure(Path::new(arguments.get(at + 1).expect("a file follows")));
    }
    if !common::is_wanted() {
        return;
    }
    let at = arguments.iter().position(|argument| argument == "--plugins");
    let plugins = at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(100);
    print_machine();
    let module = std::fs::read(harness::guests::shipped("guard-profile")).expect("the module was just built");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let contents: [(&str, usize, bool); 3] =
        [("none", 0, false), ("the same module", plugins, false), ("all different", plugins, true)];
    let measured = contents.map(|(name, plugins, differ)| (name, in_process(folder.path(), &module, plugins, differ)));
    let rows: Vec<_> = measured.iter().map(|(name, measured)| row(name, measured)).collect();
    let title = format!("{plugins} plugins of {:.0} KiB", module.len() as f64 / 1024.0);
    print_table(&title, &["", "start s", "loaded MiB", "each called once MiB"], &rows);
    let [(_, none), (_, same), (_, different)] = measured;
    let each = |measured: &Measured| (measured.called_mib - none.called_mib) / plugins as f64;
    print_goals(&[
        goal("resident, the same module under different names", same.called_mib, 400.0, " MiB"),
        goal("resident, different modules", different.called_mib, 400.0, " MiB"),
        goal("for each of the different modules", each(&different), 2.0, " MiB"),
        goal("start with half as many different modules (estimate)", different.seconds / 2.0, 8.0, " s"),
    ]);
}

fn row(name: &str, measured: &Measured) -> Vec<String> {
    let Measured { seconds, loaded_mib, called_mib } = measured;
    vec![name.to_owned(), format!("{seconds:.2}"), format!("{loaded_mib:.1}"), format!("{called_mib:.1}")]
}

/// Measures in a process that did nothing before.
fn in_process(folder: &Path, module: &[u8], plugins: usize, differ: bool) -> Measured {
    let mut setup = harness::setup();
    for number in 0..plugins {
        let path = folder.join(format!("plugin-{}.wasm", if differ { number + 1 } else { 0 }));
        std::fs::write(&path, if differ { common::another(module, number) } else { module.to_owned() })
            .expect("a file");
        setup = setup.plugin(&format!("plugin-{number}"), &path, GUARDED_COMMAND, "");
    }
    let settings = folder.join("host.toml");
    std::fs::write(&settings, setup.toml()).expect("a file");
    let [seconds, loaded_mib, called_mib] = common::figures_of_another_process(&settings);
    Measured { seconds, loaded_mib, called_mib }
}

/// The measuring process: loads everything, then sends one callback through all of it.
fn measure(settings: &Path) {
    let settings = Settings::load(settings).unwrap_or_else(|problems| panic!("{problems:?}"));
    let started = Instant::now();
    let host = Host::start(settings, &mut ()).unwrap_or_else(|error| panic!("{error}"));
    let seconds = started.elapsed().as_secs_f64();
    let loaded_mib = resident_mib();
    let body = common::cases::profile_body(0);
    let request = Request::post(format!("/openim/{GUARDED_COMMAND}")).body(Body::from(body)).expect("a request");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let answer = runtime.block_on(host.receive(request));
    assert!(answer.status().is_success(), "{answer:?}");
    writeln!(std::io::stdout(), "{seconds} {loaded_mib} {}", resident_mib()).expect("somebody reads");
}
