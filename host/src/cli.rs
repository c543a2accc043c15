//! The command line. This file lists the commands; each has a file of its own. The author commands are in
//! `callgate-workshop`.

mod api;
#[cfg(feature = "workshop")]
mod author;
mod check;
mod completions;
mod connect;
#[cfg(feature = "workshop")]
mod demo;
#[cfg(feature = "workshop")]
mod demo_lines;
mod doctor;
#[cfg(feature = "workshop")]
mod explain;
mod journal;
mod loading;
mod log;
mod manager;
mod plan;
mod reload;
mod reloading;
mod rollback;
mod serve;
mod settings_file;
mod shadow;
mod signals;
mod when;

use std::process::ExitCode;

use callgate_terminal::TABLE;
#[cfg(feature = "workshop")]
use callgate_workshop::{build, inspect, new, profile, run, test};
use clap::{CommandFactory, Parser, Subcommand};

/// Answers the callbacks of chat servers (OpenIM, Tencent Cloud Chat) with sandboxed WebAssembly plugins.
#[derive(Debug, Parser)]
#[command(name = "callgate", version, max_term_width = 100, after_help = TABLE)]
struct Arguments {
    /// Level of the log on standard error: error, warn, info or debug. At `warn`, callbacks are logged only if
    /// something went wrong
    #[arg(long, global = true, default_value = "info", value_name = "LEVEL")]
    log: tracing::Level,

    /// Write the log as JSON lines, for log collectors
    #[arg(long, global = true)]
    log_json: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Check(check::Check),
    Connect(connect::Connect),
    Doctor(doctor::Doctor),
    Journal(journal::Journal),
    Reload(reload::Reload),
    Rollback(rollback::Rollback),
    #[cfg(feature = "workshop")]
    New(new::New),
    #[cfg(feature = "workshop")]
    Build(build::Build),
    #[cfg(feature = "workshop")]
    Inspect(inspect::Inspect),
    #[cfg(feature = "workshop")]
    Run(run::Run),
    #[cfg(feature = "workshop")]
    Test(test::Test),
    #[cfg(feature = "workshop")]
    Profile(profile::Profile),
    #[cfg(feature = "workshop")]
    Explain(explain::Explain),
    #[cfg(feature = "workshop")]
    Demo(demo::Demo),
    Shadow(shadow::Shadow),
    Completions(completions::Completions),
    #[command(name = "man")]
    Manual(completions::Manual),
}

impl Arguments {
    /// How the log is written.
    fn form(&self) -> log::Form {
        match self.command {
            _ if self.log_json => log::Form::Json,
            #[cfg(feature = "workshop")]
            Command::Demo(_) => log::Form::Demo,
            _ => log::Form::Lines,
        }
    }
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    if loading::is_asked_for() {
        return loading::run();
    }
    let arguments = Arguments::parse();
    let log = log::start(arguments.log, arguments.form());
    let done = match arguments.command {
        Command::Serve(serve) => serve.run(),
        Command::Check(check) => check.run(),
        Command::Connect(connect) => connect.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Journal(journal) => journal.run(),
        Command::Reload(reload) => reload.run(),
        Command::Rollback(rollback) => rollback.run(),
        #[cfg(feature = "workshop")]
        Command::New(new) => new.run(),
        #[cfg(feature = "workshop")]
        Command::Build(build) => build.run(&author::Service),
        #[cfg(feature = "workshop")]
        Command::Inspect(inspect) => inspect.run(&author::Service),
        #[cfg(feature = "workshop")]
        Command::Run(run) => run.run(&author::Service),
        #[cfg(feature = "workshop")]
        Command::Test(test) => test.run(&author::Service),
        #[cfg(feature = "workshop")]
        Command::Profile(profile) => profile.run(&author::Service),
        #[cfg(feature = "workshop")]
        Command::Explain(explain) => explain.run(),
        #[cfg(feature = "workshop")]
        Command::Demo(demo) => demo.run(),
        Command::Shadow(shadow) => shadow.run(),
        Command::Completions(completions) => completions.run(Arguments::command()),
        Command::Manual(manual) => manual.run(Arguments::command()),
    };
    log::end(log, done.as_ref().err());
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.exit.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound_and_each_command_shows_an_example() {
        let mut program = Arguments::command();
        program.clone().debug_assert();
        program.build();
        for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.starts_with("Example: "), "{}", command.get_name());
        }
    }
}
