//! `callgate inspect`: a module's manifest, exports, imports and sizes, without running it.

use std::path::PathBuf;

use callgate_catalogue::line::one_line;
use callgate_catalogue::wire::{MANIFEST_SECTION, Manifest};
use callgate_sandbox::{Engine, Plugin, sha256};
use callgate_terminal::{self as terminal, Exit, Failure};
use clap::Args;
use serde_json::{Value, json};
use wasmparser::{Encoding, ExternalKind, Parser, Payload, TypeRef};

use crate::build::sections;
use crate::module;
use crate::run::report::show;
use crate::stage::Service;

/// Show what a module says of itself, its exports, imports and sizes, and whether a host can load it
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate inspect plugin.wasm
Example: callgate inspect plugin.wasm --json

Nothing of the module is run, so it may come from anywhere. A module that no host could load is shown as far as it can \
be read, and then the reason, with exit code 4.")]
pub struct Inspect {
    /// The plugin: a `.wasm` or `.wat` file, or the folder of its crate, which is built
    #[arg(value_name = "PLUGIN")]
    plugin: PathBuf,

    /// Write JSON, for machines
    #[arg(long)]
    json: bool,
}

impl Inspect {
    /// Runs the command.
    ///
    /// # Errors
    /// If the module cannot be read, or a host could not load it.
    pub fn run(self, service: &dyn Service) -> Result<(), Failure> {
        let (engine_limits, limits) = service.limits()?;
        let module = module::built(&self.plugin)?;
        let path = module.path();
        let bytes = std::fs::read(&path).map_err(|error| {
            Failure::new(Exit::Plugin, anyhow::anyhow!("{} cannot be read: {error}", path.display()))
        })?;
        let engine = Engine::new(&engine_limits).map_err(|error| Failure::new(Exit::Other, error))?;
        let problem = Plugin::check(&engine, &bytes, &limits).err();

        let outline = Outline::read(&bytes);
        let text = match self.json {
            true => format!("{:#}\n", outline.as_json(&bytes, problem.as_ref().map(ToString::to_string))),
            false => outline.as_text(&bytes),
        };
        terminal::print(&text)?;
        match problem {
            None => Ok(()),
            Some(why) => Err(Failure::new(Exit::Plugin, anyhow::anyhow!("{}: {why}", self.plugin.display()))),
        }
    }
}

/// The readable parts of a module. Its strings are untrusted, so each is escaped to fit on one line.
#[derive(Default)]
struct Outline {
    kind: &'static str,
    manifest: Option<Manifest>,
    exports: Vec<[String; 2]>,
    imports: Vec<[String; 2]>,
    memory: Option<Memory>,
    functions: u32,
    sections: Vec<Section>,
}

/// A section: its kind, the name of a custom one, and its size.
struct Section {
    kind: &'static str,
    name: Option<String>,
    bytes: usize,
}

/// The memory sizes that a module declares, in bytes.
struct Memory {
    initial: u64,
    maximum: Option<u64>,
}

const PAGE_BYTES: u64 = 65_536;

impl Outline {
    /// Reads as much as is valid.
    fn read(bytes: &[u8]) -> Self {
        let mut outline = Self { kind: "no wasm", ..Self::default() };
        for payload in Parser::new(0).parse_all(bytes) {
            let Ok(payload) = payload else { break };
            if let Payload::Version { encoding, .. } = payload {
                outline.kind = match encoding {
                    Encoding::Module => "module",
                    Encoding::Component => "component",
                };
                if encoding == Encoding::Component {
                    break;
                }
            }
            // Unreadable parts are left out here; the reason follows at the end.
            let _ = outline.take(payload);
        }
        outline
    }

    fn take(&mut self, payload: Payload<'_>) -> Result<(), wasmparser::BinaryReaderError> {
        let section = match &payload {
            Payload::CustomSection(section) => {
                Some(Section { kind: "custom", name: Some(one_line(section.name())), bytes: section.range().len() })
            }
            Payload::CodeSectionStart { range, .. } => Some(Section { kind: "code", name: None, bytes: range.len() }),
            payload => payload.as_section().map(|(id, range)| {
                let kind = section_name(id);
                Section { kind, name: None, bytes: range.len() }
            }),
        };
        self.sections.extend(section);
        match payload {
            Payload::CodeSectionStart { count, .. } => self.functions = count,
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    let name = one_line(&format!("{}.{}", import.module, import.name));
                    self.imports.push([name, import_kind(import.ty).to_owned()]);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    self.exports.push([one_line(export.name), export_kind(export.kind).to_owned()]);
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    let memory = memory?;
                    let bytes = |pages: u64| pages.saturating_mul(PAGE_BYTES);
                    self.memory = Some(Memory { initial: bytes(memory.initial), maximum: memory.maximum.map(bytes) });
                }
            }
            Payload::CustomSection(section) if section.name() == MANIFEST_SECTION => {
                self.manifest = serde_json::from_slice(section.data()).ok();
            }
            _ => {}
        }
        Ok(())
    }

    /// For people.
    fn as_text(&self, bytes: &[u8]) -> String {
        let mut lines = vec![
            ("kind", self.kind.to_owned()),
            ("size", format!("{} bytes", show(bytes.len() as f64))),
            ("sha256", sha256(bytes)),
        ];
        if let Some(manifest) = &self.manifest {
            let handles = match manifest.commands.is_empty() {
                true => "any command".to_owned(),
                // Each for itself: a plugin may handle more than a line has room for.
                false => manifest.commands.iter().map(|command| one_line(command)).collect::<Vec<_>>().join(", "),
            };
            lines.push(("plugin", one_line(&format!("{} {}", manifest.name, manifest.version))));
            lines.push(("abi", one_line(&format!("{} ({})", manifest.abi, manifest.sdk))));
            lines.push(("handles", handles));
        }
        if let Some(Memory { initial, maximum }) = &self.memory {
            let maximum = maximum.map_or("no maximum".to_owned(), |bytes| format!("at most {}", show(bytes as f64)));
            lines.push(("memory", format!("{} bytes, {maximum}", show(*initial as f64))));
        }
        let mut text: String = lines.iter().map(|(heading, line)| format!("{heading:<10} {line}\n")).collect();
        for (heading, rows) in [("EXPORT", &self.exports), ("IMPORT", &self.imports)] {
            if !rows.is_empty() {
                let rows: Vec<_> = rows.iter().map(|row| row.to_vec()).collect();
                text.push_str(&format!("\n{}", terminal::table(&[heading, "KIND"], &rows)));
            }
        }
        match sections(bytes) {
            table if table.is_empty() || self.kind != "module" => {}
            table => text.push_str(&format!("\n{table}")),
        }
        text
    }

    /// For machines.
    fn as_json(&self, bytes: &[u8], problem: Option<String>) -> Value {
        let named = |rows: &[[String; 2]]| -> Value {
            rows.iter().map(|[name, kind]| json!({ "name": name, "kind": kind })).collect()
        };
        let sections = self.sections.iter().map(|Section { kind, name, bytes }| match name {
            Some(name) => json!({ "kind": kind, "name": name, "bytes": bytes }),
            None => json!({ "kind": kind, "bytes": bytes }),
        });
        let memory = self.memory.as_ref();
        json!({
            "kind": self.kind,
            "bytes": bytes.len(),
            "sha256": sha256(bytes),
            "manifest": self.manifest,
            "exports": named(&self.exports),
            "imports": named(&self.imports),
            "memory_bytes": memory.map(|memory| json!({ "initial": memory.initial, "maximum": memory.maximum })),
            "functions": self.functions,
            "sections": sections.collect::<Value>(),
            // Why no host would load it; `None` if a host would.
            "problem": problem,
        })
    }
}

fn section_name(id: u8) -> &'static str {
    match id {
        1 => "type",
        2 => "import",
        3 => "function",
        4 => "table",
        5 => "memory",
        6 => "global",
        7 => "export",
        8 => "start",
        9 => "element",
        10 => "code",
        11 => "data",
        12 => "data count",
        13 => "tag",
        _ => "unknown",
    }
}

fn export_kind(kind: ExternalKind) -> &'static str {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => "function",
        ExternalKind::Table => "table",
        ExternalKind::Memory => "memory",
        ExternalKind::Global => "global",
        ExternalKind::Tag => "tag",
    }
}

fn import_kind(ty: TypeRef) -> &'static str {
    match ty {
        TypeRef::Func(_) | TypeRef::FuncExact(_) => "function",
        TypeRef::Table(_) => "table",
        TypeRef::Memory(_) => "memory",
        TypeRef::Global(_) => "global",
        TypeRef::Tag(_) => "tag",
    }
}
