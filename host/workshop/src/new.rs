//! `callgate new`: creates a crate that compiles, with a decision to adapt.

mod sample;
mod template;
mod workspace;

use std::path::{Component, Path, PathBuf};

use callgate_catalogue::catalogue::Command;
use callgate_catalogue::wire::Phase;
use callgate_dialects::{ChatServer, table};
use clap::Args;

use crate::output;
use crate::run::request;
use callgate_terminal::{self as terminal, Exit, Failure};
use template::Template;
use workspace::Workspace;

/// Create a plugin: a crate that compiles, with a decision, settings, tests and a sample callback
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate new tame-requests --sdk-path ../callgate/plugin-sdk
Example: callgate new plugins/watch-logins --command State.StateChange
Example: callgate new slow-down --facts --command callbackBeforeSendSingleMsgCommand
Example: callgate new --command help

Inside a cargo workspace, the crate becomes one of its members: several plugins then compile the sdk once.

This downloads nothing. The first build needs `serde` from cargo's registry or cache, and the repository of --sdk-git.")]
pub struct New {
    /// The new folder. Its last part names the crate, preferably verb and noun: `tame-requests`
    #[arg(value_name = "NAME", required_unless_present = "command")]
    folder: Option<PathBuf>,

    /// The chat server [default: the one that has the command, else openim]
    #[arg(long, value_parser = request::chat_server)]
    platform: Option<&'static dyn ChatServer>,

    /// The command to decide, as the chat server names it; `help` lists them [default: friend requests on OpenIM,
    /// one-to-one messages on Tencent]
    #[arg(long)]
    command: Option<String>,

    /// Begin with a plugin that decides on a fact: how often a user has done this. For commands that ask before
    /// something happens and name the acting user
    #[arg(long)]
    facts: bool,

    /// The folder of `callgate-plugin-sdk` [default: in the checkout that contains the working directory]
    #[arg(long, value_name = "DIR", conflicts_with = "sdk_git")]
    sdk_path: Option<PathBuf>,

    /// The git repository of `callgate-plugin-sdk`
    #[arg(long, value_name = "URL", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    sdk_git: Option<String>,
}

impl New {
    /// Runs the command.
    ///
    /// # Errors
    /// If the name is not valid, the folder exists, the command is unknown or the sdk is not found.
    pub fn run(self) -> Result<(), Failure> {
        if self.command.as_deref() == Some("help") {
            return terminal::print(&self.commands());
        }
        let usage = |what: String| Failure::new(Exit::Usage, anyhow::anyhow!(what));
        let missing = || usage("the new folder is not named: give it after `new`".to_owned());
        let target = self.folder.as_deref().ok_or_else(missing)?;
        let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        check_name(&name).map_err(usage)?;
        if target.symlink_metadata().is_ok() {
            return Err(usage(format!("{} already exists: choose another name", target.display())));
        }
        let command = self.command().map_err(usage)?;
        let folder = absolute(target)?;
        let sdk = self.sdk(&folder).map_err(usage)?;
        let workspace = Workspace::around(&folder).map_err(usage)?;
        let in_workspace = workspace.is_some();
        let template = Template { name: &name, command, sdk: &sdk, in_workspace, facts: self.facts };
        if self.facts && !can_count(&template) {
            return Err(usage(format!(
                "--facts is for commands that ask before something happens and name the acting user; {} is not one: \
                 choose another with --command, such as {}",
                command.name,
                table::CHAT_SERVERS.first().map_or("", |server| server.first_command()),
            )));
        }
        let files = template.files().map_err(|error| Failure::new(Exit::Other, error))?;
        for (path, text) in files {
            output::create(&target.join(path), text.as_bytes(), "choose another folder")?;
        }
        let joined = match workspace {
            Some(workspace) => workspace.join()?,
            None => String::new(),
        };
        let next = format!(
            "Created {0}, which decides {1} ({2}).\n{joined}\nNext:\n    cd {0}\n    cargo test\n    callgate build\n    callgate test \
             --accept\n\nThe decision is in src/lib.rs; README.md lists the commands.\n",
            target.display(),
            command.name,
            command.protocol,
        );
        terminal::print(&next)
    }

    /// All commands by family, a table for each chat server.
    fn commands(&self) -> String {
        let servers = table::CHAT_SERVERS.iter().copied();
        let servers =
            servers.filter(|server| self.platform.is_none_or(|platform| platform.protocol() == server.protocol()));
        let tables = servers.map(|server| {
            let mut commands = server.protocol().commands.to_vec();
            // Within a family, keep the order of the catalogue.
            commands.sort_by_key(|command| command.family);
            let row = |command: &&Command| {
                let waits = match command.phase {
                    Phase::Before => "before",
                    Phase::After => "after",
                };
                [command.family, command.name, waits, command.rust_name].map(str::to_owned).to_vec()
            };
            let rows: Vec<_> = commands.iter().map(row).collect();
            let heading = ["FAMILY", "COMMAND", "PHASE", "EVENT"];
            format!("{} ({})\n\n{}", server.protocol().title, server.protocol().name, terminal::table(&heading, &rows))
        });
        tables.collect::<Vec<_>>().join("\n")
    }

    fn command(&self) -> Result<&'static Command, String> {
        let first = table::CHAT_SERVERS.first().copied();
        let default = self.platform.or(first).map_or("", ChatServer::first_command);
        request::find(self.platform, self.command.as_deref().unwrap_or(default))
    }

    /// The dependency on the sdk, for Cargo.toml.
    fn sdk(&self, folder: &Path) -> Result<String, String> {
        let table = |key: &str, value: &str| format!("{{ {key} = {} }}", toml::Value::from(value));
        if let Some(url) = &self.sdk_git {
            return Ok(table("git", url));
        }
        let given = match &self.sdk_path {
            Some(path) if is_sdk(path) => path.clone(),
            Some(path) if is_sdk(&path.join("plugin-sdk")) => path.join("plugin-sdk"),
            Some(path) => {
                return Err(format!(
                    "{} does not contain the crate callgate-plugin-sdk: name `plugin-sdk` in a checkout of callgate",
                    path.display()
                ));
            }
            None => around().ok_or(
                "the sdk was not found: give --sdk-path DIR (`plugin-sdk` in a checkout of callgate) or --sdk-git URL",
            )?,
        };
        let full = given.canonicalize().map_err(|error| format!("{} cannot be read: {error}", given.display()))?;
        let path =
            if self.sdk_path.as_ref().is_some_and(|path| path.is_absolute()) { full } else { from(folder, &full) };
        path.to_str().map(|path| table("path", path)).ok_or_else(|| format!("{} is not UTF-8", path.display()))
    }
}

/// Whether the command names an acting user, and can be denied.
fn can_count(template: &Template<'_>) -> bool {
    let command = template.command;
    command.phase == Phase::Before
        && command.batch.is_none()
        && command.answers.deny.is_some()
        && template.user().is_some()
}

/// Checks that a name is valid for a crate and for a plugin.
fn check_name(name: &str) -> Result<(), String> {
    let is_plain = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'));
    if !is_plain {
        return Err(format!(
            "`{name}` is not a valid plugin name: use 1 to 64 of a-z, 0-9, `-` and `_`, beginning with a letter"
        ));
    }
    if TAKEN.contains(&name.replace('-', "_").as_str()) {
        return Err(format!(
            "`{name}` is not a valid plugin name: it is reserved by Rust, or a crate that plugins use has it"
        ));
    }
    Ok(())
}

/// Rust's keywords, names that cargo reserves, and the crates that a plugin depends on.
const TAKEN: [&str; 60] = [
    "abstract",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "struct",
    "super",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
    "test",
    "core",
    "std",
    "alloc",
    "callgate_plugin_sdk",
    "plugin_sdk",
    "serde",
    "serde_json",
    "build",
];

/// The absolute path, without `.` and `..`. The path need not exist.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    let failed = |error: std::io::Error| Failure::new(Exit::Other, anyhow::anyhow!("{}: {error}", path.display()));
    let mut full = std::env::current_dir().and_then(|here| here.canonicalize()).map_err(failed)?;
    for part in path.components() {
        match part {
            Component::ParentDir => drop(full.pop()),
            Component::CurDir => {}
            part => full.push(part),
        }
    }
    Ok(full)
}

/// The relative path from one folder to another; both are absolute.
fn from(folder: &Path, to: &Path) -> PathBuf {
    let common = folder.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(common).map(|_| Component::ParentDir);
    up.chain(to.components().skip(common)).collect()
}

fn is_sdk(folder: &Path) -> bool {
    manifest(folder).is_some_and(|manifest| {
        let name = manifest.get("package").and_then(|package| package.get("name"));
        name.and_then(toml::Value::as_str) == Some("callgate-plugin-sdk")
    })
}

/// The sdk of the checkout that contains the working directory.
fn around() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|folder| folder.join("plugin-sdk")).find(|folder| is_sdk(folder))
}

fn manifest(folder: &Path) -> Option<toml::Table> {
    toml::from_str(&std::fs::read_to_string(folder.join("Cargo.toml")).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_cargo_takes() {
        for name in ["tame-requests", "a", "x_1"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", "1st", "Tame", "tame requests", "ärger", "-a", "match", "plugin-sdk", &"a".repeat(65)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_way_between_folders_is_relative() {
        assert_eq!(from(Path::new("/a/b/c"), Path::new("/a/sdk")), Path::new("../../sdk"));
        assert_eq!(from(Path::new("/a"), Path::new("/b/c")), Path::new("../b/c"));
    }
}
