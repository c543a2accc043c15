//! Checks a module before it runs: size, checksum, no imports, the right exports, the ABI version.

use crate::fault::Fault;
use crate::limits::{Limit, PluginLimits};
use crate::structure::{self, StructureError, TooMany};
use crate::system::{NOT_EXECUTABLE, is_not_executable};
use callgate_catalogue::line::one_line;
use callgate_catalogue::wire::{ABI_VERSION, MANIFEST_SECTION, Manifest, export};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wasmparser::{Encoding, ExternalKind, FuncType, Parser, Payload, ValType};

/// Why a plugin cannot be used. Every message ends with what to do.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
pub enum LoadError {
    /// Larger than allowed.
    #[error(
        "the module has {bytes} bytes and at most {bytes_max} are allowed: raise `module_bytes_max` or make it smaller"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// What is allowed.
        bytes_max: usize,
    },
    /// Not the file that the settings expect.
    #[error(
        "its sha256 is {actual}, but the settings expect {expected}: check where the file comes from, or correct `sha256`"
    )]
    Checksum {
        /// The checksum in the settings.
        expected: String,
        /// The file's checksum.
        actual: String,
    },
    /// Not a wasm module.
    #[error("this is no wasm module ({what}): build the plugin for `wasm32-unknown-unknown` and name its `.wasm` file")]
    NotWasm {
        /// What it is instead.
        what: String,
    },
    /// Wasm that this engine does not support.
    #[error("the module is not valid here: {why}")]
    Invalid {
        /// wasmtime's message.
        why: String,
    },
    /// It exceeds a maximum on its structure; see `structure.rs`.
    #[error("{0}")]
    TooMany(TooMany),
    /// It has imports.
    #[error("it imports {}: a plugin imports nothing{}", list(.imports), hint(.imports))]
    Imports {
        /// `module.name` of each.
        imports: Vec<String>,
    },
    /// An export is missing or has another type.
    #[error("{}: export it with `plugin_sdk::export!`, or as the ABI page says", .problems.join("; "))]
    Exports {
        /// Which one, and what is wrong with it.
        problems: Vec<String>,
    },
    /// The manifest is missing or invalid.
    #[error(
        "it has no section `{MANIFEST_SECTION}` that can be read ({why}): export the plugin with `plugin_sdk::export!`"
    )]
    Manifest {
        /// What is wrong with it.
        why: String,
    },
    /// It has all exports of a plugin, but not the manifest.
    #[error(
        "its section `{MANIFEST_SECTION}` is gone, while its exports are there: something has stripped custom sections (`wasm-strip`, `wasm-opt --strip…`): leave that step out, or keep this section"
    )]
    Stripped,
    /// Built for another host.
    #[error(
        "it was built for ABI version {abi} ({sdk}), and this host speaks version {ABI_VERSION}: rebuild it with a plugin-sdk that fits this host"
    )]
    Abi {
        /// The ABI version that it was built for.
        abi: u32,
        /// What it was built with.
        sdk: String,
    },
    /// Its initial memory is larger than the limit.
    #[error("its memory begins with {bytes} bytes and may have {bytes_max}: raise `memory_bytes_max`")]
    Memory {
        /// What it declares.
        bytes: u64,
        /// What it may have.
        bytes_max: usize,
    },
    /// Its initial table is larger than the limit.
    #[error("its table begins with {elements} elements and may have {elements_max}: raise `table_elements_max`")]
    Table {
        /// What it declares.
        elements: u64,
        /// What it may have.
        elements_max: usize,
    },
    /// Configuring it exceeds the limits.
    #[error("it could not be configured: {}", not_configured(fault))]
    Configure {
        /// What went wrong.
        fault: Fault,
    },
    /// It rejects its settings.
    #[error("it refuses its settings: {reason}")]
    Settings {
        /// Its own words.
        reason: String,
    },
    /// Wasmtime could not compile or snapshot it.
    #[error("it could not be prepared: {why}{}{}", if is_not_executable(why) { ": " } else { "" }, if is_not_executable(why) { NOT_EXECUTABLE } else { "" })]
    Prepare {
        /// wasmtime's message.
        why: String,
    },
    /// The system did not give what `configure` may have.
    #[error("it could not be configured: the system has no more memory: free some, or lower `memory_bytes_max`")]
    NoMemory,
    /// The process that prepares it was ended by a limit.
    #[error("it could not be prepared within {limit}: make it smaller, or raise `{}` under [loading]", limit.key())]
    Limit {
        /// Which one.
        limit: Limit,
    },
    /// The process that was preparing it failed.
    #[error("the process that was to prepare it {why}: start again, and look into the system's log if it stays so")]
    Process {
        /// How it failed.
        why: String,
    },
}

impl From<StructureError> for LoadError {
    fn from(error: StructureError) -> Self {
        match error {
            StructureError::Invalid { why } => Self::Invalid { why },
            StructureError::TooMany(many) => Self::TooMany(many),
            StructureError::Table { elements, elements_max } => Self::Table { elements, elements_max },
        }
    }
}

/// Why a plugin cannot be configured, and what to do about it.
fn not_configured(fault: &Fault) -> String {
    const MEND: &str = "mend the plugin: `callgate run` tries it without a host";
    match fault {
        Fault::OutOfFuel { fuel, .. } => format!(
            "out of fuel: more than {} units: raise `fuel_to_configure`, or give it less to prepare in its `settings`",
            fuel.0
        ),
        Fault::OutOfTime { .. } => format!("{fault}: give it less to prepare in its `settings`"),
        Fault::OutOfMemory { .. } => format!("{fault}: raise it, or give the plugin less to hold"),
        Fault::Panic { .. } => {
            format!("{fault}: correct its `settings`, if that is what it complains of, or mend the plugin")
        }
        Fault::StackOverflow | Fault::Trap { .. } => format!("{fault}: {MEND}"),
        Fault::ReplyTooLarge { bytes, bytes_max } => {
            format!("its reply has {bytes} bytes, and at most {bytes_max} are allowed: {MEND}")
        }
        Fault::Undecided { .. }
        | Fault::ReplyInvalid { .. }
        | Fault::Suspended
        | Fault::NoTime
        | Fault::NotLoaded
        | Fault::NoFact { .. } => {
            format!("{fault}: rebuild it with a plugin-sdk that fits this host")
        }
    }
}

fn list(names: &[String]) -> String {
    let mut text = names.iter().take(5).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > 5 {
        text.push_str(&format!(" and {} more", names.len() - 5));
    }
    text
}

/// The usual cause of an import.
fn hint(imports: &[String]) -> &'static str {
    let any = |part: &str| imports.iter().any(|import| import.contains(part));
    let network = ["fetch", "Request", "Response", "Headers", "WebSocket", "XMLHttp", "sock_", "http"];
    let is_foreign = any("wasi") || any("__wbindgen") || any("wbg");
    if is_foreign && network.iter().any(|part| any(part)) {
        "; there is no network in a plugin: it decides on the callback and its settings alone. Remove the HTTP client (`reqwest`, `ureq` and the like) from its dependencies"
    } else if any("wasi") {
        "; it was built for WASI: use the target `wasm32-unknown-unknown`"
    } else if any("__wbindgen") || any("wbg") {
        "; `wasm-bindgen` wants a browser: look for a dependency with a `js` feature (`getrandom`, `uuid`, `chrono`) and turn it off"
    } else {
        "; a dependency wants a clock, randomness or the system: find it with `cargo tree` and turn that feature off"
    }
}

/// A module that passed the checks; none of its code has run yet.
#[derive(Debug)]
pub(crate) struct Checked<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) manifest: Manifest,
}

/// The lower-case hexadecimal SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checks the bytes of a module without compiling them.
pub(crate) fn check<'a>(
    bytes: &'a [u8],
    limits: &PluginLimits,
    expected_sha256: Option<&str>,
) -> Result<Checked<'a>, LoadError> {
    if bytes.len() > limits.module_bytes_max {
        return Err(LoadError::TooLarge { bytes: bytes.len(), bytes_max: limits.module_bytes_max });
    }
    if let Some(expected) = expected_sha256 {
        let actual = sha256(bytes);
        if !actual.eq_ignore_ascii_case(expected) {
            return Err(LoadError::Checksum { expected: expected.to_owned(), actual });
        }
    }
    if !bytes.starts_with(b"\0asm") {
        let what = match bytes {
            [] => "the file is empty",
            [0x7f, b'E', b'L', b'F', ..] => "it is a native object",
            [b'(', ..] => "it is wasm as text",
            _ => "it does not begin with `\\0asm`",
        };
        return Err(LoadError::NotWasm { what: what.to_owned() });
    }
    structure::check(bytes, limits)?;
    let outline = Outline::read(bytes).map_err(|error| LoadError::Invalid { why: one_line(&error.to_string()) })?;
    if outline.is_component {
        return Err(LoadError::NotWasm { what: "it is a component, and plugins are core modules".to_owned() });
    }
    if !outline.imports.is_empty() {
        return Err(LoadError::Imports { imports: outline.imports });
    }
    let manifest = match outline.manifest {
        None if outline.export_problems().is_empty() => return Err(LoadError::Stripped),
        None => return Err(LoadError::Manifest { why: "there is none".to_owned() }),
        Some(json) if json.len() > MANIFEST_BYTES_MAX => {
            let why = format!("it has {} bytes, at most {MANIFEST_BYTES_MAX} are allowed", json.len());
            return Err(LoadError::Manifest { why });
        }
        Some(json) => match serde_json::from_slice::<Manifest>(json) {
            Ok(manifest) => fit_for_the_log(manifest),
            Err(error) => return Err(LoadError::Manifest { why: one_line(&error.to_string()) }),
        },
    };
    if manifest.abi != ABI_VERSION {
        return Err(LoadError::Abi { abi: manifest.abi, sdk: manifest.sdk });
    }
    let problems: Vec<String> = outline.export_problems().into_iter().chain(outline.needs_problem(&manifest)).collect();
    if !problems.is_empty() {
        return Err(LoadError::Exports { problems });
    }
    if outline.memory_bytes > limits.memory_bytes_max as u64 {
        return Err(LoadError::Memory { bytes: outline.memory_bytes, bytes_max: limits.memory_bytes_max });
    }
    Ok(Checked { bytes, manifest })
}

/// Maximum size of the section that says what a module is, in bytes: it is read in this process, and the names of all
/// commands that there are take 6 KiB.
const MANIFEST_BYTES_MAX: usize = 64 * 1024;

/// What a module says of itself is a stranger's text: it must not forge lines, or steer a terminal.
fn fit_for_the_log(manifest: Manifest) -> Manifest {
    Manifest {
        abi: manifest.abi,
        name: one_line(&manifest.name),
        version: one_line(&manifest.version),
        sdk: one_line(&manifest.sdk),
        commands: manifest.commands.iter().map(|command| one_line(command)).collect(),
        facts: manifest.facts.iter().map(|fact| one_line(fact)).collect(),
        updates: manifest.updates.iter().map(|fact| one_line(fact)).collect(),
    }
}

/// Size of a page of wasm memory.
const WASM_PAGE_BYTES: u64 = 65_536;

/// The parts of a module that matter here.
#[derive(Default)]
struct Outline<'a> {
    is_component: bool,
    imports: Vec<String>,
    exports: Vec<(&'a str, ExternalKind, u32)>,
    types: Vec<Option<FuncType>>,
    functions: Vec<u32>,
    memory_bytes: u64,
    manifest: Option<&'a [u8]>,
}

impl<'a> Outline<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, wasmparser::BinaryReaderError> {
        let mut outline = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::Version { encoding: Encoding::Component, .. } => {
                    outline.is_component = true;
                    break;
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        outline.imports.push(one_line(&format!("{}.{}", import.module, import.name)));
                    }
                }
                Payload::TypeSection(section) => {
                    for group in section {
                        for ty in group?.into_types() {
                            outline.types.push(match ty.composite_type.inner {
                                wasmparser::CompositeInnerType::Func(func) => Some(func),
                                _ => None,
                            });
                        }
                    }
                }
                Payload::MemorySection(section) => {
                    for memory in section {
                        outline.memory_bytes = memory?.initial.saturating_mul(WASM_PAGE_BYTES);
                    }
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        outline.functions.push(ty?);
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        outline.exports.push((export.name, export.kind, export.index));
                    }
                }
                Payload::CustomSection(section) if section.name() == MANIFEST_SECTION => {
                    outline.manifest = Some(section.data());
                }
                _ => {}
            }
        }
        Ok(outline)
    }

    fn export_problems(&self) -> Vec<String> {
        use ValType::{I32, I64};
        let mut problems = Vec::new();
        let mut expect = |name: &str, found: Result<bool, ()>, what: &str| match found {
            Ok(true) => {}
            Ok(false) => problems.push(format!("the export `{name}` is not {what}")),
            Err(()) => problems.push(format!("the export `{name}` ({what}) is missing")),
        };
        expect(export::MEMORY, self.is_kind(export::MEMORY, ExternalKind::Memory), "a memory");
        expect(export::ALLOCATE, self.is_func(export::ALLOCATE, &[I32], &[I32]), "a function (i32) -> i32");
        for name in [export::CONFIGURE, export::HANDLE_CALLBACK] {
            expect(name, self.is_func(name, &[I32, I32], &[I64]), "a function (i32, i32) -> i64");
        }
        expect(export::LAST_WORDS, self.is_kind(export::LAST_WORDS, ExternalKind::Global), "a global");
        problems
    }

    /// A manifest that lists facts requires the export `needs`. Without facts, an export of that name may be anything,
    /// so older modules still load.
    fn needs_problem(&self, manifest: &Manifest) -> Option<String> {
        use ValType::{I32, I64};
        let name = export::NEEDS;
        match (manifest.facts.is_empty(), self.is_func(name, &[I32, I32], &[I64])) {
            (true, _) | (false, Ok(true)) => None,
            (false, Ok(false)) => Some(format!("the export `{name}` is not a function (i32, i32) -> i64")),
            (false, Err(())) => Some(format!("the export `{name}` is missing, while its manifest lists facts")),
        }
    }

    fn find(&self, name: &str) -> Result<(ExternalKind, u32), ()> {
        self.exports.iter().find(|(known, ..)| *known == name).map(|(_, kind, index)| (*kind, *index)).ok_or(())
    }

    fn is_kind(&self, name: &str, kind: ExternalKind) -> Result<bool, ()> {
        Ok(self.find(name)?.0 == kind)
    }

    fn is_func(&self, name: &str, params: &[ValType], results: &[ValType]) -> Result<bool, ()> {
        let (kind, index) = self.find(name)?;
        // There are no imports, so function indices count only the module's own functions.
        let ty = self.functions.get(index as usize).and_then(|ty| self.types.get(*ty as usize)?.as_ref());
        Ok(kind == ExternalKind::Func && ty.is_some_and(|ty| ty.params() == params && ty.results() == results))
    }
}
