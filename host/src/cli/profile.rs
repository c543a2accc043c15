//! `callgate profile`: where the fuel of one callback goes, for the author of a plugin.

mod graph;
mod report;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value};

use super::run::report as run_report;
use super::run::stage::{self, Played, Stage};
use super::run::subject::Subject;
use super::{Exit, Failure, output};
use crate::cargo;
use crate::dialect::Callback;
use crate::plugin::profile::{self, Profiler};
use crate::settings::{ModuleSource, Settings};
use report::Report;

/// Show which functions of a plugin burn the fuel of one callback
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate profile . --request callbacks/sample.request.json --settings callbacks/settings.toml
Example: callgate profile plugin.wasm --request callback.json --flamegraph fuel.svg --top 50

OWN is what a function's own instructions burnt, TOTAL that and what the functions burnt that it called. The numbers are \
exact, and the same on every machine. rustc inlines: what a small function burns counts for the one that it was \
inlined into, unless it has #[inline(never)].

The callback is run as `callgate run` runs it, with the default limits. Of a call that ends in a fault, the profile is \
what it burnt until then. A module shows the names of its functions if its section `name` was not stripped; \
`callgate build` leaves it there.")]
pub struct Profile {
    #[command(flatten)]
    subject: Subject,

    /// Show so many functions, those with the most fuel of their own
    // Twenty fit on a screen; a module has some thousand functions at most, and this many rows only a machine reads.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    top: u32,

    /// Write a flamegraph, for a browser: width is fuel
    #[arg(long, value_name = "FILE.svg")]
    flamegraph: Option<PathBuf>,

    /// Write folded stacks, one on each line with its fuel, for speedscope, inferno and the like
    #[arg(long, value_name = "FILE")]
    folded: Option<PathBuf>,

    /// Write JSON, for machines
    #[arg(long)]
    json: bool,
}

impl Profile {
    /// Runs the command.
    ///
    /// # Errors
    /// If the callback, the settings or the plugin cannot be used, or the call ends in a fault.
    pub fn run(self) -> Result<(), Failure> {
        let mut text = Vec::new();
        let done = self.show(stage::host()?, &mut text, output::is_coloured(std::io::stdout().is_terminal()));
        output::print(&String::from_utf8_lossy(&text))?;
        done
    }

    fn show(&self, host: Settings, out: &mut dyn Write, coloured: bool) -> Result<(), Failure> {
        let (callback, settings) = self.subject.read()?;
        let path = module(&self.subject.plugin)?;
        let source = ModuleSource::Wasm(path.clone());
        let stage = Stage::start(host, source, stage::name(&self.subject.plugin), settings.clone())?;
        let played = stage.play(&callback)?;
        let profile = follow(&stage, &path, settings, &callback, &played)?;

        let plugin = stage.plugin()?;
        let report = Report {
            run: run_report::Report { callback: &callback, plugin, played: &played, runs: &[] },
            profile: &profile,
            rows_max: self.top as usize,
        };
        let text = match self.json {
            true => format!("{:#}\n", report.as_json()),
            false => report.as_text(coloured),
        };
        out.write_all(text.as_bytes()).map_err(|error| Failure::new(Exit::Other, error))?;
        if !profile.is_named && !profile.functions.is_empty() {
            note(
                "the module does not say what its functions are called: profile the folder of its crate, or build it \
                 with `callgate build`, or with `strip = \"debuginfo\"` and without wasm-strip",
            );
        }

        let folded = graph::folded(&profile.stacks);
        if let Some(path) = &self.folded {
            write(path, folded.as_bytes(), "--folded")?;
        }
        match &self.flamegraph {
            Some(path) if folded.is_empty() => {
                note(&format!("{} is not written: no fuel was burnt", path.display()));
            }
            Some(path) => {
                let title = format!("Fuel of {}, {}", plugin.name(), callback.name());
                write(path, &graph::flamegraph(&title, &folded)?, "--flamegraph")?;
            }
            None => {}
        }

        match report.run.faults().next() {
            None => Ok(()),
            Some(_) => Err(Failure::new(
                Exit::Failed,
                anyhow::anyhow!(
                    "the plugin gave no verdict: see `fault` above; the profile is of what it burnt until then"
                ),
            )),
        }
    }
}

/// The plugin's module, built as `serve` builds it if it is a crate: that leaves the names of functions in it.
fn module(plugin: &Path) -> Result<PathBuf, Failure> {
    match stage::source(plugin)? {
        ModuleSource::Wasm(path) => Ok(path),
        ModuleSource::Crate(folder) => cargo::build(&folder).map_err(|error| Failure::new(Exit::Plugin, error)),
    }
}

/// Runs every call again that was made, and takes down where its fuel goes.
fn follow(
    stage: &Stage,
    module: &Path,
    settings: Map<String, Value>,
    callback: &Callback,
    played: &Played,
) -> Result<profile::Profile, Failure> {
    let bytes = std::fs::read(module)
        .map_err(|error| Failure::new(Exit::Plugin, anyhow::anyhow!("{} cannot be read: {error}", module.display())))?;
    let settings = Value::Object(settings).to_string();
    let mut profiler = Profiler::new(stage.engine(), &bytes, &settings, stage.plugin()?.limits())
        .map_err(|error| Failure::new(Exit::Plugin, error))?;
    for (input, step) in stage.inputs(callback)?.iter().zip(&played.outcome.steps) {
        let followed = profiler.follow(&[input], step.usage.fuel, step.fault.is_some());
        followed.map_err(|error| Failure::new(Exit::Other, error))?;
    }
    Ok(profiler.finish())
}

/// Tells people something that is no failure, and keeps it out of what machines read.
fn note(text: &str) {
    // There is nowhere to report that nothing can be reported.
    let _ = writeln!(std::io::stderr(), "note: {text}");
}

/// Writes the file that this argument names.
fn write(path: &Path, bytes: &[u8], argument: &str) -> Result<(), Failure> {
    std::fs::write(path, bytes).map_err(|error| {
        let text = format!("{} cannot be written ({error}): name another file with {argument}", path.display());
        Failure::new(Exit::Other, anyhow::anyhow!(text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::run::request;
    use crate::plugin::Fuel;

    /// Takes a step for each byte of its input, and traps if its last number is 1.
    const GUEST: &str = r#"(module
        (@custom "callgate.plugin" "{\"abi\":1,\"name\":\"g\",\"version\":\"0\",\"sdk\":\"text\",\"commands\":[]}")
        (memory (export "memory") 2)
        (global (export "last_words") i32 (i32.const 0))
        (data (i32.const 1024) "{\"accepted\":true}")
        (data (i32.const 2048) "{\"verdict\":\"allow\"}")
        (func (export "allocate") (param i32) (result i32) (i32.const 4096))
        (func (export "configure") (param i32 i32) (result i64) (i64.const 0x400_0000_0011))
        (func $walk (param $bytes i32)
            (loop $next
                (br_if $next (local.tee $bytes (i32.sub (local.get $bytes) (i32.const 1))))))
        (func (export "handle_callback") (param $input i32) (param $bytes i32) (result i64)
            (call $walk (local.get $bytes))
            (if (i32.eq (i32.load8_u (i32.sub (i32.add (local.get $input) (local.get $bytes)) (i32.const 3)))
                        (i32.const 0x31))
                (then (unreachable)))
            (i64.const 0x800_0000_0013)))"#;

    const REQUEST: &str = r#"{"callbackCommand":"callbackBeforeAddFriendCommand","reqMsg":"hello","x":0}"#;

    struct Files(tempfile::TempDir);

    impl Files {
        fn new() -> Self {
            let files = Self(tempfile::tempdir().unwrap());
            files.write("guest.wasm", wat::parse_str(GUEST).unwrap());
            files.write("request.json", REQUEST);
            files
        }

        fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
            std::fs::write(self.0.path().join(name), bytes).unwrap();
        }

        fn command(&self, plugin: &str, request: &str, settings: Option<&str>) -> Profile {
            let path = |name: &str| self.0.path().join(name);
            let subject = Subject {
                plugin: path(plugin),
                request: path(request),
                settings: settings.map(path),
                platform: None,
                command: None,
            };
            Profile {
                subject,
                top: 2,
                flamegraph: Some(path("fuel.svg")),
                folded: Some(path("fuel.folded")),
                json: true,
            }
        }

        fn read(&self, name: &str) -> String {
            std::fs::read_to_string(self.0.path().join(name)).unwrap()
        }
    }

    /// The host around a plugin, without a cache: a test leaves nothing in the folder of whoever runs it.
    fn host() -> Settings {
        let mut host = stage::host().unwrap();
        host.cache.bytes_max = 0;
        host
    }

    #[test]
    fn wrong_input_is_told_apart() {
        let files = Files::new();
        files.write("text.json", "no JSON");
        files.write("text.wasm", "no wasm");
        files.write("settings.toml", "no TOML");
        let cases = [
            ("guest.wasm", "missing.json", None, Exit::Input, "cannot be read"),
            ("guest.wasm", "text.json", None, Exit::Input, "not JSON"),
            ("guest.wasm", "request.json", Some("settings.toml"), Exit::Settings, "not TOML"),
            ("guest.wasm", "request.json", Some("missing.toml"), Exit::Settings, "cannot be read"),
            ("missing.wasm", "request.json", None, Exit::Plugin, "cannot be read"),
            ("text.wasm", "request.json", None, Exit::Plugin, "no wasm module"),
        ];
        for (plugin, request, settings, exit, says) in cases {
            let failure =
                files.command(plugin, request, settings).show(host(), &mut std::io::sink(), false).unwrap_err();
            assert_eq!(failure.exit, exit, "{failure:?}");
            assert!(failure.error.to_string().contains(says), "{failure:?}");
        }
    }

    #[test]
    fn a_profile_is_written_also_of_a_call_that_fails() {
        let files = Files::new();
        let mut shown = Vec::new();
        files.command("guest.wasm", "request.json", None).show(host(), &mut shown, false).unwrap();
        let shown: Value = serde_json::from_slice(&shown).unwrap();
        assert_eq!(shown["functions"][0]["name"], "walk");
        assert_eq!(shown["functions_left_out"], 1);
        let folded = files.read("fuel.folded");
        assert!(folded.contains("handle_callback;walk "), "{folded}");
        assert!(files.read("fuel.svg").contains("walk ("));

        files.write("fails.json", REQUEST.replace(":0}", ":1}"));
        let mut shown = Vec::new();
        let command = Profile { json: false, ..files.command("guest.wasm", "fails.json", None) };
        let failure = command.show(host(), &mut shown, false).unwrap_err();
        assert_eq!(failure.exit, Exit::Failed);
        let shown = String::from_utf8(shown).unwrap();
        assert_eq!(
            shown.lines().skip(2).collect::<Vec<_>>(),
            [
                "fault      trap: wasm trap: wasm `unreachable` instruction executed",
                "fuel       1_180 of 20_000_000 (0.0 %)",
                "",
                "  OWN  OWN %  TOTAL  TOTAL %  CALLS  FUNCTION",
                "1_166   98.8  1_166     98.8      1  walk",
                "   12    1.0  1_178     99.8      1  handle_callback",
                "    2    0.2                      1  (1 others)",
            ]
        );
        // The same work, less what comes after the trap: the address of the reply.
        let burnt = |folded: &str| {
            folded.lines().map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum::<u64>()
        };
        assert_eq!(burnt(&files.read("fuel.folded")), burnt(&folded) - 1);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let files = Files::new();
        let mut command = files.command("guest.wasm", "request.json", None);
        command.folded = Some(files.0.path().join("missing/fuel.folded"));
        let failure = command.show(host(), &mut std::io::sink(), false).unwrap_err();
        assert_eq!(failure.exit, Exit::Other);
        assert!(failure.error.to_string().contains("fuel.folded cannot be written"), "{failure:?}");
    }

    #[test]
    fn each_callback_of_a_batch_is_followed() {
        let files = Files::new();
        let path = files.0.path().join("guest.wasm");
        let stage = Stage::start(host(), ModuleSource::Wasm(path.clone()), "guest".to_owned(), Map::new()).unwrap();
        let command = request::find(None, "Push.AllMemberPush").unwrap();
        let list = command.batch.unwrap();
        let callback = Callback::local(command, format!(r#"{{"{list}":[{{"a":0}},{{"abc":0}},{{}}]}}"#)).unwrap();
        let played = stage.play(&callback).unwrap();
        let profile = follow(&stage, &path, Map::new(), &callback, &played).unwrap();
        assert_eq!(played.outcome.steps.len(), 3);
        assert_eq!(profile.fuel, Fuel(played.outcome.steps.iter().map(|step| step.usage.fuel.0).sum()));
        assert!(profile.functions.iter().all(|function| function.calls == 3), "{profile:?}");
    }
}
