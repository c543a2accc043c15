//! What a module consists of: its manifest, exports, imports, memory and sections, read without running it.

use callgate_catalogue::line::one_line;
use callgate_catalogue::wire::{MANIFEST_SECTION, Manifest};
use callgate_terminal as terminal;
use wasmparser::{Encoding, ExternalKind, Parser, Payload, TypeRef};

/// The readable parts of a module. Its strings are untrusted, so each is escaped to fit on one line.
#[derive(Default)]
pub(crate) struct Outline {
    pub(crate) kind: &'static str,
    pub(crate) manifest: Option<Manifest>,
    pub(crate) exports: Vec<[String; 2]>,
    pub(crate) imports: Vec<[String; 2]>,
    pub(crate) memory: Option<Memory>,
    pub(crate) functions: u32,
    pub(crate) sections: Vec<Section>,
}

/// A section: its kind, the name of a custom one, and its size.
pub(crate) struct Section {
    pub(crate) kind: &'static str,
    pub(crate) name: Option<String>,
    pub(crate) bytes: usize,
}

/// The memory sizes that a module declares, in bytes.
pub(crate) struct Memory {
    pub(crate) initial: u64,
    pub(crate) maximum: Option<u64>,
}

const PAGE_BYTES: u64 = 65_536;

impl Outline {
    /// Reads as much as is valid.
    pub(crate) fn read(bytes: &[u8]) -> Self {
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

    /// The sizes of the sections, as a table, for a module of this many bytes; empty if this is no module.
    pub(crate) fn table(&self, module_bytes: usize) -> String {
        if self.kind != "module" {
            return String::new();
        }
        let part = |bytes: usize| format!("{:>5.1} %", bytes as f64 * 100.0 / module_bytes.max(1) as f64);
        let row = |name: &str, bytes: usize, what: &str| {
            vec![name.to_owned(), format!("{bytes:>9}"), part(bytes), what.to_owned()]
        };
        let sum = |is_meant: fn(&str) -> bool| {
            self.sections.iter().filter(|section| is_meant(section.kind)).map(|section| section.bytes).sum::<usize>()
        };
        let functions = format!("{} functions", self.functions);
        let mut rows = vec![
            row("code", sum(|kind| kind == "code"), &functions),
            row("data", sum(|kind| kind == "data"), "texts and tables"),
        ];
        let custom = self.sections.iter().filter_map(|section| Some((section.name.as_deref()?, section.bytes)));
        rows.extend(custom.map(|(name, bytes)| row("custom", bytes, name)));
        let other = sum(|kind| !["code", "data", "custom"].contains(&kind));
        rows.push(row("other", other, "types, exports and so on"));
        rows.push(row("module", module_bytes, ""));
        terminal::table(&["SECTION", "    BYTES", "  PART", "WHAT"], &rows)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_counted_and_what_is_not_wasm_has_none() {
        // `(module (func))`, and a custom section `x` of one byte.
        let module = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x04\x01\x02\0\x0b\0\x03\x01xy";
        let text = Outline::read(module).table(module.len());
        let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split_whitespace().take(2).collect()).collect();
        assert_eq!(rows, [["code", "4"], ["data", "0"], ["custom", "3"], ["other", "6"], ["module", "29"]]);
        assert_eq!(Outline::read(b"\x7fELF").table(4), "");
    }
}
