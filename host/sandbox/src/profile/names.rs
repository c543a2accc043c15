//! The names of a module's functions.

use std::collections::HashMap;

use wasmparser::{ExternalKind, KnownCustom, Name, Parser, Payload};

use callgate_catalogue::line::one_line;

/// Longest name that is shown, in characters: generic arguments can make one as long as a page.
const NAME_CHARACTERS_MAX: usize = 160;

/// The names in a module, as they are written there.
#[derive(Default)]
pub(crate) struct Names {
    /// From the section `name`.
    named: HashMap<u32, String>,
    /// From the exports.
    exported: HashMap<u32, String>,
}

impl Names {
    /// The names in a module that imports nothing. An unreadable section gives no names.
    pub(crate) fn of(module: &[u8]) -> Self {
        let mut names = Self::default();
        for payload in Parser::new(0).parse_all(module).map_while(Result::ok) {
            match payload {
                Payload::ExportSection(section) => {
                    let exports = section.into_iter().map_while(Result::ok);
                    for export in exports.filter(|export| export.kind == ExternalKind::Func) {
                        names.exported.entry(export.index).or_insert_with(|| export.name.to_owned());
                    }
                }
                Payload::CustomSection(section) => {
                    let KnownCustom::Name(subsections) = section.as_known() else { continue };
                    for subsection in subsections.into_iter().map_while(Result::ok) {
                        let Name::Function(functions) = subsection else { continue };
                        let functions = functions.into_iter().map_while(Result::ok);
                        names.named.extend(functions.map(|naming| (naming.index, naming.name.to_owned())));
                    }
                }
                _ => {}
            }
        }
        names
    }

    /// Whether the module has a section with names.
    pub(crate) fn is_named(&self) -> bool {
        !self.named.is_empty()
    }

    /// A function's name for display: demangled, on one line, and not too long.
    pub(crate) fn get(&self, index: u32) -> String {
        let Some(name) = self.named.get(&index).or_else(|| self.exported.get(&index)) else {
            return format!("func[{index}]");
        };
        // Without the hash that rustc adds.
        let name = one_line(&format!("{:#}", rustc_demangle::demangle(name)));
        match name.char_indices().nth(NAME_CHARACTERS_MAX) {
            Some((end, _)) => format!("{}...", name.get(..end).unwrap_or_default()),
            None => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_fit_to_be_shown() {
        let long = "x".repeat(NAME_CHARACTERS_MAX + 1);
        let named = [(0, "_ZN4core3ptr4read17h0123456789abcdefE"), (1, "a\x1b[31m\nb"), (2, long.as_str())];
        let names = Names {
            named: named.into_iter().map(|(index, name)| (index, name.to_owned())).collect(),
            exported: [(0, "zero".to_owned()), (3, "three".to_owned())].into(),
        };
        assert_eq!([0, 1, 3, 4].map(|index| names.get(index)), ["core::ptr::read", "a [31m b", "three", "func[4]"]);
        assert_eq!(names.get(2), format!("{}...", "x".repeat(NAME_CHARACTERS_MAX)));
        assert!(names.is_named());
        assert!(!Names::of(b"\0asm\x01\0\0\0").is_named());
    }
}
