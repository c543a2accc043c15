//! Settings that the program trusts, made from the file. All mistakes are reported at once.

mod file;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use plugin_sdk::catalogue::{Command, PROTOCOLS, Protocol};
use plugin_sdk::{openim, tencent_chat};

pub use file::Problem;
pub(crate) use file::nearest;
use file::{At, File, Section};

use crate::plugin::Fuel;

/// Everything that `serve` needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where and how callbacks are received.
    pub server: Server,
    /// Where operators look; `None`: nowhere.
    pub admin: Option<SocketAddr>,
    /// What all guests together may use.
    pub limits: Limits,
    /// Where compiled plugins are kept from start to start.
    pub cache: Cache,
    /// The file that plugins' records are appended to.
    pub records_file: PathBuf,
    /// Chat servers, each under a path of its own.
    pub platforms: Vec<Platform>,
    /// Plugins in the order in which they are asked.
    pub plugins: Vec<Plugin>,
}

/// Where and how callbacks are received.
#[derive(Debug, Clone)]
pub struct Server {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Longest body, in bytes.
    pub body_bytes_max: usize,
    /// Callbacks being answered at the same time; more wait, inside their deadline.
    pub in_flight_max: usize,
    /// Open connections; more wait to be accepted.
    pub connections_max: usize,
    /// A connection without a new request for this long is closed.
    pub idle_within: Duration,
    /// Time for running callbacks when the service stops.
    pub shutdown_within: Duration,
}

/// Where compiled plugins are kept from start to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// The folder; `None`: none was named, and the environment says nothing.
    pub folder: Option<PathBuf>,
    /// What the entries may have together, in bytes; beyond, those that were not used for longest are removed. 0: no
    /// cache.
    pub bytes_max: u64,
}

/// What guests may use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The default for plugins that set none of their own.
    pub plugin: PluginLimits,
    /// Calls at the same time, in all plugins together: places in the pool of memories.
    pub calls_at_once_max: NonZeroUsize,
    /// Instances that wait for their next call, of all plugins together; 0: none.
    pub kept_instances_max: usize,
    /// The largest `memory_bytes_max` of any plugin.
    memory_bytes_largest: usize,
    /// Elements of a guest's table.
    pub table_elements_max: usize,
    /// How memory is put back to the snapshot after a call.
    pub memory_reset: MemoryReset,
    /// Fuel for a millisecond; `None`: measured at start.
    pub fuel_per_ms: Option<NonZeroU64>,
    /// Faults in a row after which a plugin is left alone; 0: never.
    pub breaker_faults_max: u32,
    /// For how long it is left alone.
    pub breaker_pause: Duration,
}

impl Limits {
    pub(crate) fn largest_memory_bytes(&self) -> usize {
        self.memory_bytes_largest
    }
}

/// What one plugin may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginLimits {
    /// Work for one call.
    pub fuel_per_call: Fuel,
    /// Work for `configure`.
    pub fuel_to_configure: Fuel,
    /// Wall time for one call.
    pub call_within: Duration,
    /// Memory, in bytes.
    pub memory_bytes_max: usize,
    /// Elements of its table.
    pub table_elements_max: usize,
    /// Longest reply, in bytes.
    pub reply_bytes_max: usize,
    /// Largest module, in bytes.
    pub module_bytes_max: usize,
}

/// How memory is put back to the snapshot after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryReset {
    /// The fastest that is safe here.
    Auto,
    /// Instances are kept from call to call, and the pages that a call has changed are copied back: Linux.
    Keep,
    /// Each call gets a new instance; changed pages are found by a scan and copied back: Linux 6.7 and no swap.
    Scan,
    /// Each call gets a new instance; all pages are given back to the system.
    Unmap,
}

impl MemoryReset {
    /// The word in settings and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Keep => "keep",
            Self::Scan => "scan",
            Self::Unmap => "unmap",
        }
    }
}

/// What a fault of a plugin means for the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFault {
    /// It goes on as if the plugin had not been asked.
    Allow,
    /// It is denied.
    Deny,
}

/// One chat server.
#[derive(Debug, Clone)]
pub struct Platform {
    /// Its name in this file and in metrics.
    pub name: String,
    /// Its protocol.
    pub kind: &'static Protocol,
    /// The path that it calls: begins with `/`, does not end with one.
    pub path: String,
    /// From the request's head to the answer.
    pub answer_within: Duration,
    /// What a fault means.
    pub on_fault: OnFault,
    /// What a fault means for single commands.
    pub on_fault_for: BTreeMap<&'static str, OnFault>,
    /// OpenIM: write `nextCode` as text, as its documentation shows it and its server rejects it.
    pub documented_form: bool,
    /// Tencent: the applications that may call.
    pub apps: Vec<App>,
}

impl Platform {
    /// What a fault means for a command, if the plugin does not say otherwise.
    pub fn on_fault(&self, command: &Command) -> OnFault {
        self.on_fault_for.get(command.name).copied().unwrap_or(self.on_fault)
    }
}

/// One application of Tencent Cloud Chat.
#[derive(Debug, Clone)]
pub struct App {
    /// Its `SdkAppid`.
    pub id: String,
    /// Tokens that sign its callbacks: today's and, while it is being changed, the other. Empty: not signed.
    pub tokens: Vec<Secret>,
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for comparing.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// One plugin.
#[derive(Debug, Clone)]
pub struct Plugin {
    /// Its name in records and metrics.
    pub name: String,
    /// Where its module comes from.
    pub module: ModuleSource,
    /// What the module's SHA-256 must be.
    pub sha256: Option<String>,
    /// Names of the platforms whose callbacks it gets.
    pub platforms: Vec<String>,
    /// Patterns of the commands that it gets.
    pub commands: Vec<Pattern>,
    /// What its faults mean; `None`: what the platform says.
    pub on_fault: Option<OnFault>,
    /// What it may use.
    pub limits: PluginLimits,
    /// Its own settings.
    pub settings: serde_json::Map<String, serde_json::Value>,
}

/// Where a plugin's module comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModuleSource {
    /// A `.wasm` file.
    Wasm(PathBuf),
    /// A crate that is built with cargo.
    Crate(PathBuf),
}

/// A command's name, or the beginning, end or middle of several with `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Whether `name` is meant. `*` stands for any text, also none.
    pub fn matches(&self, name: &str) -> bool {
        let mut pieces = self.0.split('*');
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let mut pieces = pieces.peekable();
        if pieces.peek().is_none() {
            return rest.is_empty();
        }
        while let Some(piece) = pieces.next() {
            if pieces.peek().is_none() {
                return rest.ends_with(piece);
            }
            match rest.find(piece) {
                Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
                None => return false,
            }
        }
        true
    }

    /// Whether it is one command's full name.
    pub fn is_exact(&self) -> bool {
        !self.0.contains('*')
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
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

    /// Reads settings from a text; `path` is where relative paths begin, and what mistakes are reported for.
    ///
    /// # Errors
    /// All mistakes, in the order of the file.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Vec<Problem>> {
        let file = File::new(path, text);
        let table = file.parse();
        // What could be read of a file with syntax errors would only add wrong complaints.
        if file.has_problems() {
            return Err(file.into_problems());
        }
        let settings = read(file.root(&table));
        if file.has_problems() { Err(file.into_problems()) } else { Ok(settings) }
    }
}

const MS_PER_HOUR: u64 = 3_600_000;
const MIB: u64 = 1 << 20;

fn read(mut root: Section<'_, '_>) -> Settings {
    let server = server(root.section("server"));
    let admin = admin(root.section("admin"));
    let mut limits = limits(root.section("limits"));
    let cache = cache(root.section("cache"));
    let records_file = records(root.section("records"));
    let platforms = platforms(&mut root);
    let plugins = plugins(&mut root, &platforms, &limits.plugin);
    limits.memory_bytes_largest =
        plugins.iter().map(|plugin| plugin.limits.memory_bytes_max).fold(limits.plugin.memory_bytes_max, usize::max);
    root.finish();
    Settings { server, admin, limits, cache, records_file, platforms, plugins }
}

fn server(mut section: Section<'_, '_>) -> Server {
    let server = Server {
        listen: address(&mut section).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
        body_bytes_max: size(section.number("body_bytes_max", 8 * MIB, 1, 1024 * MIB)),
        in_flight_max: size(section.number("in_flight_max", 1024, 1, 1 << 20)),
        connections_max: size(section.number("connections_max", 4096, 1, 1 << 20)),
        // Chat servers keep idle connections for ever, and a POST that meets a closing one fails the operation.
        idle_within: ms(section.number("idle_within_ms", MS_PER_HOUR, 1000, 24 * MS_PER_HOUR)),
        shutdown_within: ms(section.number("shutdown_within_ms", 10_000, 0, MS_PER_HOUR)),
    };
    section.finish();
    server
}

fn admin(mut section: Section<'_, '_>) -> Option<SocketAddr> {
    let off = section.flag("off", false);
    let listen = address(&mut section).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8081)));
    section.finish();
    (!off).then_some(listen)
}

fn address(section: &mut Section<'_, '_>) -> Option<SocketAddr> {
    let listen = section.text("listen")?;
    match listen.value.parse() {
        Ok(address) => Some(address),
        Err(_) => {
            section.report("listen", "must be an address and a port, for example \"127.0.0.1:8080\" or \"[::]:8080\"");
            None
        }
    }
}

fn limits(mut section: Section<'_, '_>) -> Limits {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get) as u64;
    let defaults = PluginLimits {
        fuel_per_call: Fuel(20_000_000),
        fuel_to_configure: Fuel(20_000_000_000),
        call_within: Duration::from_millis(250),
        memory_bytes_max: size(64 * MIB),
        table_elements_max: 20_000,
        reply_bytes_max: size(MIB),
        module_bytes_max: size(16 * MIB),
    };
    let table_elements_max = size(section.number("table_elements_max", 20_000, 0, 10_000_000));
    let limits = Limits {
        plugin: PluginLimits { table_elements_max, ..plugin_limits(&mut section, &defaults) },
        calls_at_once_max: NonZeroUsize::new(size(section.number("calls_at_once_max", (8 * cores).max(32), 1, 4096)))
            .unwrap_or(NonZeroUsize::MIN),
        kept_instances_max: size(section.number("kept_instances_max", 256, 0, 8192)),
        memory_bytes_largest: 0,
        table_elements_max,
        memory_reset: section
            .choice(
                "memory_reset",
                &[
                    ("auto", MemoryReset::Auto),
                    ("keep", MemoryReset::Keep),
                    ("scan", MemoryReset::Scan),
                    ("unmap", MemoryReset::Unmap),
                ],
            )
            .unwrap_or(MemoryReset::Auto),
        fuel_per_ms: section.number_if_given("fuel_per_ms", 1, u64::MAX / 2).and_then(NonZeroU64::new),
        breaker_faults_max: u32::try_from(section.number("breaker_faults_max", 100, 0, 1_000_000)).unwrap_or(u32::MAX),
        breaker_pause: ms(section.number("breaker_pause_ms", 5000, 1, MS_PER_HOUR)),
    };
    section.finish();
    limits
}

fn plugin_limits(section: &mut Section<'_, '_>, defaults: &PluginLimits) -> PluginLimits {
    let fuel =
        |section: &mut Section<'_, '_>, key, default: Fuel| Fuel(section.number(key, default.0, 1, u64::MAX / 2));
    PluginLimits {
        fuel_per_call: fuel(section, "fuel_per_call", defaults.fuel_per_call),
        fuel_to_configure: fuel(section, "fuel_to_configure", defaults.fuel_to_configure),
        call_within: ms(section.number("call_within_ms", millis(defaults.call_within), 1, MS_PER_HOUR)),
        memory_bytes_max: size(section.number(
            "memory_bytes_max",
            defaults.memory_bytes_max as u64,
            65_536,
            4096 * MIB,
        )),
        table_elements_max: defaults.table_elements_max,
        reply_bytes_max: size(section.number("reply_bytes_max", defaults.reply_bytes_max as u64, 16, 1024 * MIB)),
        module_bytes_max: size(section.number("module_bytes_max", defaults.module_bytes_max as u64, 8, 1024 * MIB)),
    }
}

fn cache(mut section: Section<'_, '_>) -> Cache {
    let folder = match section.text("folder") {
        Some(folder) if folder.value.is_empty() => {
            section.report("folder", "is empty: name a folder, or leave the key out; `bytes_max = 0` is for no cache");
            None
        }
        Some(folder) => Some(section.file().beside(folder.value)),
        None => cache_folder(|name| std::env::var_os(name)),
    };
    // A compiled plugin of 200 KiB has about 1 MiB: room for a few hundred of them, each with its last few versions.
    let bytes_max = section.number("bytes_max", 1024 * MIB, 0, 1024 * 1024 * MIB);
    section.finish();
    Cache { folder, bytes_max }
}

/// Where systemd says (`CacheDirectory=`; the first, if there are several), else where the XDG base directories say.
fn cache_folder(env: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let of_the_service =
        || env("CACHE_DIRECTORY").and_then(|folders| std::env::split_paths(&folders).find(|path| path.is_absolute()));
    of_the_service()
        .or_else(|| Some(absolute("XDG_CACHE_HOME")?.join("callgate")))
        .or_else(|| Some(absolute("HOME")?.join(".cache/callgate")))
}

fn records(mut section: Section<'_, '_>) -> PathBuf {
    let file = section.text("file").map_or("records.jsonl", |at| at.value);
    let path = section.file().beside(file);
    section.finish();
    path
}

const ON_FAULT: [(&str, OnFault); 2] = [("allow", OnFault::Allow), ("deny", OnFault::Deny)];

fn platforms(root: &mut Section<'_, '_>) -> Vec<Platform> {
    let sections = root.sections("platform");
    if sections.is_empty() && !root.has("platform") {
        root.report("platform", "there is none: add [[platform]] with kind = \"openim\" or \"tencent-chat\"");
    }
    let mut platforms: Vec<Platform> = Vec::new();
    for section in sections {
        if let Some(platform) = platform(section, &platforms) {
            platforms.push(platform);
        }
    }
    platforms
}

fn platform(mut section: Section<'_, '_>, others: &[Platform]) -> Option<Platform> {
    let kinds = [(openim::PROTOCOL.name, &openim::PROTOCOL), (tencent_chat::PROTOCOL.name, &tencent_chat::PROTOCOL)];
    let kind = match section.text("kind").is_some() {
        true => section.choice("kind", &kinds),
        false => {
            section.report("kind", "is missing: kind = \"openim\" or \"tencent-chat\"");
            None
        }
    };
    let name =
        section.text("name").map_or_else(|| kind.map_or("", |kind| kind.name).to_owned(), |at| at.value.to_owned());
    if others.iter().any(|other| other.name == name) {
        section.report("name", "another [[platform]] has this name: give one of them a `name` of its own");
    }
    let path = path(&mut section, kind, others);
    // OpenIM waits 5 s by default and Tencent 2 s, both including the way there and back.
    let (answer_within_default, answer_within_most) = match kind.map(|kind| kind.name) {
        Some("tencent-chat") => (1500, 2000),
        _ => (4500, 15_000),
    };
    let platform = Platform {
        name,
        kind: kind.unwrap_or(&openim::PROTOCOL),
        path,
        answer_within: ms(section.number("answer_within_ms", answer_within_default, 1, answer_within_most)),
        on_fault: section.choice("on_fault", &ON_FAULT).unwrap_or(OnFault::Allow),
        on_fault_for: on_fault_for(&mut section, kind.unwrap_or(&openim::PROTOCOL)),
        documented_form: kind == Some(&openim::PROTOCOL) && section.flag("documented_form", false),
        apps: if kind == Some(&tencent_chat::PROTOCOL) { apps(&mut section) } else { Vec::new() },
    };
    match kind.map(|kind| kind.name) {
        Some("openim") if section.has("app") => {
            section.report("app", "is for kind = \"tencent-chat\" only: OpenIM has no applications");
        }
        Some("tencent-chat") if section.has("documented_form") => {
            section.report("documented_form", "is for kind = \"openim\" only");
        }
        _ => {}
    }
    // Without a kind nothing can be said about the keys that only one kind has.
    if kind.is_some() {
        section.finish();
    }
    kind.map(|_| platform)
}

fn path(section: &mut Section<'_, '_>, kind: Option<&'static Protocol>, others: &[Platform]) -> String {
    let path = match section.text("path") {
        Some(path) if !path.value.starts_with('/') || path.value.contains(['?', '#', '%', ' ']) => {
            section.report("path", "must begin with `/` and be the plain path of a URL, for example \"/openim\"");
            path.value.to_owned()
        }
        Some(path) => path.value.to_owned(),
        None => kind.map_or_else(String::new, |kind| format!("/{}", kind.name)),
    };
    let path = format!("/{}", path.split('/').filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join("/"));
    let path = path.trim_end_matches('/').to_owned();
    if others.iter().any(|other| other.path == path) {
        section.report("path", "another [[platform]] has this path: callbacks could not be told apart");
    }
    path
}

fn on_fault_for(section: &mut Section<'_, '_>, kind: &'static Protocol) -> BTreeMap<&'static str, OnFault> {
    let mut on_fault_for = BTreeMap::new();
    for (pattern, word) in section.pairs("on_fault_for") {
        let Some((_, on_fault)) = ON_FAULT.iter().find(|(known, _)| *known == word.value) else {
            section.file().report(word.at, &word.key, "must be \"allow\" or \"deny\"");
            continue;
        };
        let pattern = At { value: pattern.as_str(), at: word.at, key: word.key };
        for command in commands_meant(section, &pattern, &[kind]) {
            on_fault_for.insert(command.name, *on_fault);
        }
    }
    on_fault_for
}

fn apps(section: &mut Section<'_, '_>) -> Vec<App> {
    let sections = section.sections("app");
    if sections.is_empty() && !section.has("app") {
        section.report("app", "is missing: add [[platform.app]] with the `id` of your application (its SdkAppid)");
    }
    let mut apps: Vec<App> = Vec::new();
    for mut section in sections {
        let id = section.number_if_given("id", 1, u64::from(u32::MAX)).map(|id| id.to_string());
        let tokens = tokens(&mut section);
        match id {
            Some(id) if apps.iter().any(|app| app.id == id) => {
                section.report("id", "another [[platform.app]] has this id: put both tokens into one `tokens` list");
            }
            Some(id) => apps.push(App { id, tokens }),
            None if section.has("id") => {}
            None => section.report("id", "is needed: the number that Tencent's console shows as SDKAppID"),
        }
        section.finish();
    }
    apps
}

fn tokens(section: &mut Section<'_, '_>) -> Vec<Secret> {
    let sections = section
        .tables("tokens", "a list of { env = \"NAME\" } or { file = \"path\" }: secrets do not stand in this file");
    if sections.len() > 2 {
        section.report("tokens", "holds at most two tokens: today's and, while it is being changed, the other");
    }
    sections.into_iter().filter_map(secret).collect()
}

/// Longest secret that is read, in bytes; Tencent's tokens have at most 128 characters.
const SECRET_BYTES_MAX: u64 = 4096;

/// A secret from outside of the file: `{ env = "NAME" }` or `{ file = "path" }`.
fn secret(mut section: Section<'_, '_>) -> Option<Secret> {
    let env = section.text("env");
    let file = section.text("file");
    let found = match (env, file) {
        (Some(env), None) => std::env::var(env.value)
            .map_err(|_| section.report("env", "this environment variable is not set, or is not UTF-8"))
            .ok(),
        (None, Some(file)) => read_bounded(&section.file().beside(file.value), SECRET_BYTES_MAX)
            .map_err(|error| section.report("file", format!("cannot be read: {error}")))
            .ok(),
        _ => {
            section.report("", "must be { env = \"NAME\" } or { file = \"path\" }: secrets do not stand in this file");
            None
        }
    };
    let secret = found.map(|text| text.trim_end_matches(['\r', '\n']).to_owned());
    if secret.as_deref() == Some("") {
        section.report("", "the secret is empty");
    }
    section.finish();
    secret.filter(|secret| !secret.is_empty()).map(Secret)
}

fn plugins(root: &mut Section<'_, '_>, platforms: &[Platform], defaults: &PluginLimits) -> Vec<Plugin> {
    let mut plugins: Vec<Plugin> = Vec::new();
    for section in root.sections("plugin") {
        if let Some(plugin) = plugin(section, platforms, defaults, &plugins) {
            plugins.push(plugin);
        }
    }
    plugins
}

fn plugin(
    mut section: Section<'_, '_>,
    platforms: &[Platform],
    defaults: &PluginLimits,
    others: &[Plugin],
) -> Option<Plugin> {
    let name = match section.text("name") {
        Some(name) if !name.value.is_empty() && name.value.len() <= 64 && name.value.bytes().all(is_name_byte) => {
            Some(name.value.to_owned())
        }
        Some(_) => {
            section.report("name", "must be 1 to 64 letters, digits, `-`, `_` or `.`");
            None
        }
        None => {
            section.report("name", "is missing: any name; it stands in logs and metrics");
            None
        }
    };
    if let Some(name) = &name {
        if others.iter().any(|other| other.name == *name) {
            section.report("name", "another [[plugin]] has this name");
        }
        section.rename(format!("plugin {name}"));
    }
    let module = module(&mut section);
    let sha256 = sha256(&mut section);
    if sha256.is_some() && matches!(module, Some(ModuleSource::Crate(_))) {
        section.report("sha256", "is for a built module: use it with `wasm`, not with `source`");
    }
    let platforms = platform_names(&mut section, platforms);
    let kinds: Vec<&'static Protocol> = platforms.iter().map(|platform| platform.kind).collect();
    let commands = patterns(&mut section, &kinds);
    let plugin = Plugin {
        name: name.clone().unwrap_or_default(),
        module: module.clone().unwrap_or_else(|| ModuleSource::Wasm(PathBuf::new())),
        sha256,
        platforms: platforms.iter().map(|platform| platform.name.clone()).collect(),
        commands,
        on_fault: section.choice("on_fault", &ON_FAULT),
        limits: plugin_limits(&mut section, defaults),
        settings: plugin_settings(&mut section),
    };
    section.finish();
    (name.is_some() && module.is_some()).then_some(plugin)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn module(section: &mut Section<'_, '_>) -> Option<ModuleSource> {
    let wasm = section.text("wasm").map(|at| section.file().beside(at.value));
    let source = section.text("source").map(|at| section.file().beside(at.value));
    match (wasm, source) {
        (Some(wasm), None) => Some(ModuleSource::Wasm(wasm)),
        (None, Some(source)) => {
            if !source.join("Cargo.toml").is_file() {
                section
                    .report("source", "there is no Cargo.toml in this folder: name the folder of the plugin's crate");
            }
            Some(ModuleSource::Crate(source))
        }
        (Some(_), Some(_)) => {
            section.report("wasm", "give either `wasm` (a built module) or `source` (a crate), not both");
            None
        }
        (None, None) => {
            section.report("wasm", "is missing: `wasm` (a built module) or `source` (the folder of a crate)");
            None
        }
    }
}

fn sha256(section: &mut Section<'_, '_>) -> Option<String> {
    let sha256 = section.text("sha256")?;
    if sha256.value.len() == 64 && sha256.value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(sha256.value.to_ascii_lowercase());
    }
    section.report("sha256", "must be 64 hexadecimal digits, as `sha256sum` prints them");
    None
}

fn platform_names<'p>(section: &mut Section<'_, '_>, platforms: &'p [Platform]) -> Vec<&'p Platform> {
    let Some(names) = section.texts("platform") else { return platforms.iter().collect() };
    let mut found = Vec::new();
    for name in names {
        match platforms.iter().find(|platform| platform.name == name.value) {
            Some(platform) => found.push(platform),
            None => {
                let known: Vec<String> = platforms.iter().map(|platform| format!("\"{}\"", platform.name)).collect();
                let message = format!("no [[platform]] has this name; known: {}", known.join(", "));
                section.file().report(name.at, &name.key, message);
            }
        }
    }
    found
}

fn patterns(section: &mut Section<'_, '_>, kinds: &[&'static Protocol]) -> Vec<Pattern> {
    let Some(patterns) = section.texts("commands") else {
        section.report("commands", "is missing: a list of the commands that it decides; \"*\" for all");
        return Vec::new();
    };
    if patterns.is_empty() {
        section.report("commands", "is empty: the plugin would never be asked; \"*\" for all commands");
    }
    for pattern in &patterns {
        commands_meant(section, pattern, kinds);
    }
    patterns.into_iter().map(|pattern| Pattern(canonical(pattern.value, kinds).to_owned())).collect()
}

/// Today's name of a command that is written with one of its other names.
fn canonical<'n>(name: &'n str, kinds: &[&'static Protocol]) -> &'n str {
    kinds
        .iter()
        .flat_map(|kind| kind.aliases)
        .find(|(alias, today)| *alias == name && !today.is_empty())
        .map_or(name, |(_, today)| today)
}

/// The commands that a pattern means; none is a mistake.
fn commands_meant(section: &Section<'_, '_>, pattern: &At<&str>, kinds: &[&'static Protocol]) -> Vec<&'static Command> {
    let all = || kinds.iter().flat_map(|kind| kind.commands).copied();
    let meant = Pattern(canonical(pattern.value, kinds).to_owned());
    let found: Vec<_> = all().filter(|command| meant.matches(command.name)).collect();
    if found.is_empty() && !kinds.is_empty() {
        let others = PROTOCOLS.iter().filter(|kind| !kinds.contains(kind));
        let elsewhere = others.flat_map(|kind| kind.commands).find(|command| meant.matches(command.name));
        let message = match nearest(pattern.value, all().map(|command| command.name)) {
            _ if elsewhere.is_some() => "is a command of another kind of platform".to_owned(),
            Some(nearest) => format!("no command of this platform has this name; did you mean \"{nearest}\"?"),
            None => "no command of this platform has this name".to_owned(),
        };
        section.file().report(pattern.at, &pattern.key, message);
    }
    found
}

/// Largest file that `settings_files` reads, in bytes. A plugin's settings are copied into its memory.
const SETTINGS_FILE_BYTES_MAX: u64 = 16 * MIB;

fn plugin_settings(section: &mut Section<'_, '_>) -> serde_json::Map<String, serde_json::Value> {
    let mut settings = section.json("settings");
    for (name, path) in section.pairs("settings_files") {
        let file = section.file();
        let full = file.beside(path.value);
        match read_bounded(&full, SETTINGS_FILE_BYTES_MAX) {
            Ok(text) if text.len() as u64 > SETTINGS_FILE_BYTES_MAX => {
                file.report(path.at, &path.key, format!("is larger than {SETTINGS_FILE_BYTES_MAX} bytes"));
            }
            Ok(_) if settings.contains_key(&name) => {
                file.report(path.at, &path.key, "stands in `settings` too: give it in one place");
            }
            Ok(text) => {
                settings.insert(name, text.into());
            }
            Err(error) => file.report(path.at, &path.key, format!("cannot be read: {error}")),
        }
    }
    settings
}

/// Reads a file up to one byte more than allowed: a device may never end.
fn read_bounded(path: &Path, bytes_max: u64) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?.take(bytes_max + 1).read_to_string(&mut text)?;
    Ok(text)
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_lies_where_the_environment_says() {
        let folder = |set: &[(&str, &str)]| {
            let found = cache_folder(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()));
            found.map(|path| path.display().to_string())
        };
        let (service, xdg, home) = (("CACHE_DIRECTORY", "/c:/d"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h"));
        assert_eq!(folder(&[service, xdg, home]).unwrap(), "/c");
        assert_eq!(folder(&[xdg, home]).unwrap(), "/x/callgate");
        assert_eq!(folder(&[home]).unwrap(), "/h/.cache/callgate");
        assert_eq!(folder(&[]), None);
        // What is empty or relative says nothing.
        assert_eq!(folder(&[("CACHE_DIRECTORY", ""), ("XDG_CACHE_HOME", "x"), home]).unwrap(), "/h/.cache/callgate");
        assert_eq!(folder(&[("HOME", "")]), None);
    }
}
