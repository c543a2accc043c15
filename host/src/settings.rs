//! The settings, validated. All mistakes are reported together.

mod ca;
mod cache;
mod fact;
mod file;
mod journal;
mod keeping;
mod limits;
mod listen;
mod loading;
mod log;
mod modules;
mod mount;
mod name;
mod pattern;
mod platform;
mod plugin;
mod promotion;
mod reload;
mod secret;
mod server;
mod shadow;
mod sink;
mod source;

use std::io;
use std::path::Path;
use std::sync::Arc;

use callgate_dialects::{Table, table};
use callgate_sandbox::{CacheSettings, LoadingLimits};
use minisign_verify::PublicKey;

pub use callgate_dialects::OnFault;
pub use callgate_sandbox::MemoryReset;
pub use fact::Fact;
pub use file::{Problem, Secrets};
pub use journal::{Decisions, Journal, Keep};
pub use limits::{BreakerLimits, Limits};
pub(crate) use listen::is_taken_twice;
pub use listen::{Address, listen_address, listen_at};
pub use log::{Log, Users};
pub use mount::MountPath;
pub use pattern::Pattern;
pub use platform::{Mode, Platform};
pub use plugin::{ModuleSource, Plugin, Work, plain_name};
pub use promotion::promoted;
pub use reload::Reload;
pub use server::{Admin, HeadLimits, Networks, Server, Start, TlsFiles};
pub use shadow::{Change, FallBack, Shadow};
pub use sink::Sink;
pub use source::{Source, Step, Written};

use crate::files::{Kept, Seen};
use file::{File, MIB, Section};

/// Everything that `serve` needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where they come from.
    pub source: Source,
    /// The supported chat servers.
    pub chat_servers: &'static Table,
    /// Where and how callbacks are received.
    pub server: Server,
    /// The listener for operators; `None`: no listener.
    pub admin: Option<Admin>,
    /// What of callbacks the log may show.
    pub log: Log,
    /// Limits for guests.
    pub limits: Limits,
    /// Limits for configuring and compiling one module in a child process.
    pub loading: LoadingLimits,
    /// Where compiled plugins are cached.
    pub cache: CacheSettings,
    /// What is stored on disk.
    pub journal: Journal,
    /// Where records go.
    pub sinks: Vec<Sink>,
    /// Chat servers, each under its own path.
    pub platforms: Vec<Platform>,
    /// The facts that plugins may use.
    pub facts: Vec<Fact>,
    /// The plugins, in the order in which they run.
    pub plugins: Vec<Plugin>,
    /// Modules must be signed with one of these keys; empty: they need not be.
    pub public_keys: Vec<PublicKey>,
    /// When and how they are read again.
    pub reload: Reload,
    /// Candidates, which are compared with the plugins.
    pub shadows: Vec<Shadow>,
    /// The keys whose values were given otherwise.
    pub(crate) given: Vec<&'static str>,
    /// The files that they name and that were read: word lists, secrets.
    pub(crate) seen: Vec<Seen>,
    /// Copies that were read instead of files.
    pub(crate) kept: Option<Arc<Kept>>,
}

/// Settings as far as they could be understood, and all mistakes in them.
#[derive(Debug)]
pub struct Draft {
    /// Without the platforms and plugins that have mistakes; `None` if the file is not TOML.
    pub settings: Option<Settings>,
    /// All mistakes, in the order of the file.
    pub problems: Vec<Problem>,
    /// The settings file and those that it names, as far as they were read.
    pub(crate) seen: Vec<Seen>,
}

impl Draft {
    /// The settings.
    ///
    /// # Errors
    /// All mistakes, if there are any.
    pub fn finish(self) -> Result<Settings, Vec<Problem>> {
        match self.settings {
            Some(settings) if self.problems.is_empty() => Ok(settings),
            _ => Err(self.problems),
        }
    }

    /// The mistakes because of which the value of this key, or what is in this table, may not be what was meant; `key`
    /// with the tables around it. Mistakes that were too many to be named count as well.
    pub(crate) fn mistakes_in<'d>(&'d self, key: &'d str) -> impl Iterator<Item = &'d Problem> {
        let is_inside = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.problems.iter().filter(move |problem| {
            problem.key.is_empty() || is_inside(&problem.key, key) || is_inside(key, &problem.key)
        })
    }
}

/// Maximum size of a settings file, in bytes: many times what thousands of plugins take.
pub(crate) const FILE_BYTES_MAX: u64 = 16 * MIB;

impl Settings {
    /// Reads a settings file, and the secrets and word lists that it names.
    ///
    /// # Errors
    /// All mistakes, in the order of the file.
    pub fn load(path: &Path) -> Result<Self, Vec<Problem>> {
        Self::draft(path, Secrets::Read).finish()
    }

    /// Reads a settings file as far as possible, with or without the secrets that it names.
    #[must_use]
    pub fn draft(path: &Path, secrets: Secrets) -> Draft {
        Self::draft_from(table::CHAT_SERVERS, path, secrets, None)
    }

    /// As [`Settings::draft`], for these chat servers, and from copies where there are some.
    pub(crate) fn draft_again(chat_servers: &'static Table, path: &Path, kept: Option<Arc<Kept>>) -> Draft {
        Self::draft_from(chat_servers, path, Secrets::Read, kept)
    }

    fn draft_from(chat_servers: &'static Table, path: &Path, secrets: Secrets, kept: Option<Arc<Kept>>) -> Draft {
        let (seen, bytes) = Seen::read("", path, FILE_BYTES_MAX, kept.as_deref());
        let text = bytes.and_then(|bytes| {
            String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
        });
        let mut draft = match text {
            Ok(text) => Self::understand(chat_servers, path, &text, secrets, kept.as_ref()),
            Err(error) => {
                let message = match &kept {
                    Some(_) => {
                        format!("cannot be read from the stored configuration ({error}): roll back to another one")
                    }
                    None => format!("cannot be read ({error}): name the settings file with --settings"),
                };
                let problem = Problem { file: path.to_owned(), line: 0, key: String::new(), message };
                Draft { settings: None, problems: vec![problem], seen: Vec::new() }
            }
        };
        draft.seen.insert(0, seen);
        if let Some(settings) = &mut draft.settings {
            (settings.seen, settings.kept) = (draft.seen.clone(), kept);
        }
        draft
    }

    /// Reads this text of a settings file, with or without the secrets that it names.
    #[must_use]
    pub fn draft_of(path: &Path, text: &str, secrets: Secrets) -> Draft {
        Self::understand(table::CHAT_SERVERS, path, text, secrets, None)
    }

    /// The plugins, and behind them those of the candidates.
    pub(crate) fn all_plugins(&self) -> Vec<&Plugin> {
        self.plugins.iter().chain(self.shadows.iter().filter_map(Shadow::plugin)).collect()
    }

    /// Listens for callbacks there, whatever the file says.
    pub fn listen_on(&mut self, address: impl Into<Address>) {
        self.server.listen = address.into();
        self.given.push("server.listen");
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
        let mut settings = Self::understand(chat_servers, path, text, Secrets::Read, None).finish()?;
        settings.seen.insert(0, Seen::of_text(path, text));
        Ok(settings)
    }

    fn understand(
        chat_servers: &'static Table,
        path: &Path,
        text: &str,
        secrets: Secrets,
        kept: Option<&Arc<Kept>>,
    ) -> Draft {
        let file = File::new(path, text, secrets).with_kept(kept.map(|kept| &**kept));
        let settings = file.parse().map(|table| read(file.root(&table), Source::new(path, text), chat_servers));
        let seen = file.seen();
        let settings = settings.map(|settings| Settings { seen: seen.clone(), ..settings });
        Draft { settings, seen, problems: file.into_problems() }
    }
}

fn read(mut root: Section<'_, '_>, source: Source, chat_servers: &'static Table) -> Settings {
    let server = server::read(root.section("server"));
    let admin = server::read_admin(root.section("admin"));
    let log = log::read(root.section("log"));
    let mut limits = limits::read(root.section("limits"));
    let loading = loading::read(root.section("loading"));
    let cache = cache::read(root.section("cache"));
    let journal = journal::read(root.section("journal"));
    let sinks = sink::read(&mut root, &journal);
    let public_keys = modules::read(root.section("modules"));
    let reload = reload::read(root.section("reload"));
    let platforms = platform::read(&mut root, chat_servers);
    let facts = fact::read(&mut root);
    let mistakes_before = root.file().mistakes();
    let plugins = plugin::read(&mut root, chat_servers, &platforms, &facts, &limits.plugin);
    let context = shadow::Context {
        chat_servers,
        platforms: &platforms,
        plugins: &plugins,
        are_plugins_clear: root.file().mistakes() == mistakes_before,
        facts: &facts,
        defaults: &limits.plugin,
    };
    let shadows = shadow::read(&mut root, &context);
    let all = plugins.iter().chain(shadows.iter().filter_map(Shadow::plugin));
    if root.file().mistakes() == mistakes_before {
        // The names of plugins of candidates end with `@` and the name of the candidate.
        let names = all.clone().map(|plugin| plain_name(&plugin.name));
        facts.check_plugins(root.file(), &names.collect::<Vec<_>>());
    }
    limits.engine.memory_bytes_largest =
        all.map(|plugin| plugin.limits.memory_bytes_max).fold(limits.plugin.memory_bytes_max, usize::max);
    root.finish();
    let (platforms, facts) = (platforms.known, facts.known);
    Settings {
        source,
        chat_servers,
        server,
        admin,
        log,
        limits,
        loading,
        cache,
        journal,
        sinks,
        platforms,
        facts,
        plugins,
        public_keys,
        reload,
        shadows,
        given: Vec::new(),
        seen: Vec::new(),
        kept: None,
    }
}
