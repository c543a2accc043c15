//! The settings, validated. All mistakes are reported together.

mod cache;
mod file;
mod limits;
mod loading;
mod pattern;
mod platform;
mod plugin;
mod secret;
mod server;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use callgate_dialects::{Table, table};
use callgate_sandbox::{CacheSettings, LoadingLimits};

pub use callgate_dialects::OnFault;
pub use callgate_sandbox::MemoryReset;
pub use file::Problem;
pub use limits::Limits;
pub use pattern::Pattern;
pub use platform::Platform;
pub use plugin::{ModuleSource, Plugin};
pub use server::Server;

use file::{File, Section};

/// Everything that `serve` needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The supported chat servers.
    pub chat_servers: &'static Table,
    /// Where and how callbacks are received.
    pub server: Server,
    /// The address of the admin listener; `None`: no listener.
    pub admin: Option<SocketAddr>,
    /// Limits for guests.
    pub limits: Limits,
    /// Limits for configuring and compiling one module in a child process.
    pub loading: LoadingLimits,
    /// Where compiled plugins are cached.
    pub cache: CacheSettings,
    /// The file that plugins' records are appended to.
    pub records_file: PathBuf,
    /// Chat servers, each under its own path.
    pub platforms: Vec<Platform>,
    /// The plugins, in the order in which they run.
    pub plugins: Vec<Plugin>,
}

impl Settings {
    /// Reads a settings file, and the secrets and word lists that it names.
    ///
    /// # Errors
    /// All mistakes, in the order of the file.
    pub fn load(path: &Path) -> Result<Self, Vec<Problem>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text),
            Err(error) => Err(vec![Problem {
                file: path.to_owned(),
                line: 0,
                key: String::new(),
                message: format!("cannot be read ({error}): name the settings file with --settings"),
            }]),
        }
    }

    /// Reads a settings file as far as it is right: what is wrong in it has its default. `None` if nothing can be made of
    /// it.
    pub(crate) fn load_what_is_right(path: &Path) -> (Option<Self>, Vec<Problem>) {
        let Ok(text) = std::fs::read_to_string(path) else {
            return (None, Self::load(path).err().unwrap_or_default());
        };
        let file = File::new(path, &text);
        let table = file.parse();
        if file.has_problems() {
            return (None, file.into_problems());
        }
        let settings = read(file.root(&table), table::CHAT_SERVERS);
        (Some(settings), file.into_problems())
    }

    /// Reads settings from a string. Relative paths are relative to the folder of `path`, and mistakes are reported for
    /// `path`.
    ///
    /// # Errors
    /// All mistakes, in the order of the file.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Vec<Problem>> {
        Self::parse_for(table::CHAT_SERVERS, path, text)
    }

    /// Like [`Settings::parse`], for these chat servers.
    ///
    /// # Errors
    /// All mistakes, in the order of the file.
    pub fn parse_for(chat_servers: &'static Table, path: &Path, text: &str) -> Result<Self, Vec<Problem>> {
        let file = File::new(path, text);
        let table = file.parse();
        // After a syntax error the rest of the file is unreliable, and would only cause misleading messages.
        if file.has_problems() {
            return Err(file.into_problems());
        }
        let settings = read(file.root(&table), chat_servers);
        if file.has_problems() { Err(file.into_problems()) } else { Ok(settings) }
    }
}

fn read(mut root: Section<'_, '_>, chat_servers: &'static Table) -> Settings {
    let server = server::read(root.section("server"));
    let admin = server::read_admin(root.section("admin"));
    let mut limits = limits::read(root.section("limits"));
    let loading = loading::read(root.section("loading"));
    let cache = cache::read(root.section("cache"));
    let records_file = records(root.section("records"));
    let platforms = platform::read(&mut root, chat_servers);
    let plugins = plugin::read(&mut root, chat_servers, &platforms, &limits.plugin);
    limits.engine.memory_bytes_largest =
        plugins.iter().map(|plugin| plugin.limits.memory_bytes_max).fold(limits.plugin.memory_bytes_max, usize::max);
    root.finish();
    Settings { chat_servers, server, admin, limits, loading, cache, records_file, platforms, plugins }
}

fn records(mut section: Section<'_, '_>) -> PathBuf {
    let file = section.text("file").map_or("records.jsonl", |at| at.value);
    let path = section.file().beside(file);
    section.finish();
    path
}
