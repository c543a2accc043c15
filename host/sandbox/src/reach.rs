//! Removes functions that can never be called, so that they are not compiled.
//!
//! A plugin is compiled twice: to be configured, and to be called. Much of its code is needed for only one of the two,
//! such as reading settings. Functions that cannot be reached get a body that traps: function indices stay the same,
//! and the rest runs exactly as before, including fuel.

use std::ops::Range;

use wasm_encoder::{CodeSection, Module, RawSection};
use wasmparser::{ConstExpr, ElementItems, ExternalKind, Operator, Parser, Payload};

/// No locals; `unreachable`, `end`.
const TRAPS: [u8; 3] = [0x00, 0x00, 0x0b];

/// The id of custom sections.
const CUSTOM: u8 = 0;

/// The id of the section of code.
const CODE: u8 = 10;

/// The module without the bodies of functions that cannot be reached from a called export (see `is_called`), a table, a
/// global or the start function. A module that cannot be read is returned unchanged.
pub(crate) fn without_unreachable(module: &[u8], is_called: impl Fn(&str) -> bool) -> Vec<u8> {
    Graph::read(module, is_called).and_then(|graph| graph.rewrite(module)).unwrap_or_else(|| module.to_owned())
}

/// The module without its custom sections: names, notes, the manifest. None of them is run, and wizer writes invalid
/// modules where such a section is in an unusual position. A module that cannot be read is returned unchanged.
pub(crate) fn without_custom_sections(module: &[u8]) -> Vec<u8> {
    let mut rewritten = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        let Ok(payload) = payload else { return module.to_owned() };
        if let Some((id, range)) = payload.as_section().filter(|(id, _)| *id != CUSTOM) {
            rewritten.section(&RawSection { id, data: module.get(range).unwrap_or_default() });
        }
    }
    rewritten.finish()
}

#[derive(Default)]
struct Graph {
    /// Functions that are called from outside, or whose address is known.
    roots: Vec<u32>,
    /// For each function, the position of its body, and the functions it refers to.
    bodies: Vec<(Range<usize>, Vec<u32>)>,
}

impl Graph {
    fn read(module: &[u8], is_called: impl Fn(&str) -> bool) -> Option<Self> {
        let mut graph = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload.ok()? {
                // Imported functions would come before the module's own. A plugin has none.
                Payload::ImportSection(section) if section.count() > 0 => {
                    return None;
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export.ok()?;
                        if export.kind == ExternalKind::Func && is_called(export.name) {
                            graph.roots.push(export.index);
                        }
                    }
                }
                Payload::StartSection { func, .. } => graph.roots.push(func),
                Payload::GlobalSection(section) => {
                    for global in section {
                        graph.add_named(&global.ok()?.init_expr)?;
                    }
                }
                Payload::TableSection(section) => {
                    for table in section {
                        if let wasmparser::TableInit::Expr(expr) = table.ok()?.init {
                            graph.add_named(&expr)?;
                        }
                    }
                }
                Payload::ElementSection(section) => {
                    for element in section {
                        match element.ok()?.items {
                            ElementItems::Functions(functions) => {
                                for function in functions {
                                    graph.roots.push(function.ok()?);
                                }
                            }
                            ElementItems::Expressions(_, expressions) => {
                                for expression in expressions {
                                    graph.add_named(&expression.ok()?)?;
                                }
                            }
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    let mut called = Vec::new();
                    let mut operators = body.get_operators_reader().ok()?;
                    while !operators.eof() {
                        if let Operator::Call { function_index }
                        | Operator::ReturnCall { function_index }
                        | Operator::RefFunc { function_index } = operators.read().ok()?
                        {
                            called.push(function_index);
                        }
                    }
                    called.sort_unstable();
                    called.dedup();
                    graph.bodies.push((body.range(), called));
                }
                _ => {}
            }
        }
        Some(graph)
    }

    fn add_named(&mut self, expression: &ConstExpr<'_>) -> Option<()> {
        let mut operators = expression.get_operators_reader();
        while !operators.eof() {
            if let Operator::RefFunc { function_index } = operators.read().ok()? {
                self.roots.push(function_index);
            }
        }
        Some(())
    }

    fn rewrite(mut self, module: &[u8]) -> Option<Vec<u8>> {
        let mut is_reached = vec![false; self.bodies.len()];
        let mut next = std::mem::take(&mut self.roots);
        while let Some(function) = next.pop() {
            let at = function as usize;
            if let (Some(reached @ false), Some((_, called))) = (is_reached.get_mut(at), self.bodies.get(at)) {
                *reached = true;
                next.extend(called);
            }
        }
        let mut code = CodeSection::new();
        for ((range, _), is_reached) in self.bodies.iter().zip(is_reached) {
            code.raw(if is_reached { module.get(range.clone()).unwrap_or(&TRAPS) } else { &TRAPS });
        }
        let mut rewritten = Module::new();
        for payload in Parser::new(0).parse_all(module) {
            match payload.ok()?.as_section() {
                Some((CODE, _)) => {
                    rewritten.section(&code);
                }
                Some((id, range)) => {
                    let data = module.get(range).unwrap_or_default();
                    rewritten.section(&RawSection { id, data });
                }
                None => {}
            }
        }
        Some(rewritten.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The functions of a module that keep their bodies when only `f` is called.
    fn kept(text: &str) -> Vec<usize> {
        let module = wat::parse_str(format!("(module {text})")).unwrap();
        let rewritten = without_unreachable(&module, |name| name == "f");
        wasmparser::validate(&rewritten).unwrap();
        let bodies = Parser::new(0).parse_all(&rewritten).filter_map(|payload| match payload.unwrap() {
            Payload::CodeSectionEntry(body) => Some(rewritten[body.range()] != TRAPS),
            _ => None,
        });
        bodies.enumerate().filter_map(|(index, is_kept)| is_kept.then_some(index)).collect()
    }

    #[test]
    fn what_is_called_is_kept_with_all_that_it_calls() {
        let text = r#"(func (export "g") call 1) (func) (func (export "f") call 3) (func call 2) (func)"#;
        assert_eq!(kept(text), [2, 3]);
    }

    #[test]
    fn what_has_an_address_is_kept() {
        assert_eq!(kept("(table 1 funcref) (elem (i32.const 0) func 1) (func) (func call 2) (func)"), [1, 2]);
        assert_eq!(kept("(table 1 funcref) (elem (i32.const 0) funcref (ref.func 1)) (func) (func)"), [1]);
        assert_eq!(kept("(global funcref (ref.func 1)) (func) (func)"), [1]);
        assert_eq!(kept("(table 1 funcref (ref.func 1)) (func) (func)"), [1]);
        assert_eq!(kept("(start 1) (func) (func)"), [1]);
    }

    #[test]
    fn what_cannot_be_read_stays_as_it_is() {
        for module in [&b"\0asm\x01\0\0\0\x0a\xff"[..], b"", b"(module)"] {
            assert_eq!(without_unreachable(module, |_| true), module);
            assert_eq!(without_custom_sections(module), module);
        }
    }

    #[test]
    fn everything_else_is_the_same() {
        let text = r#"(module (memory (export "memory") 1) (global (mut i32) (i32.const 7)) (data (i32.const 9) "x")
            (func (export "f") (local i64) global.get 0 drop) (@custom "note" "text"))"#;
        let module = wat::parse_str(text).unwrap();
        assert_eq!(without_unreachable(&module, |_| true), module);
        let bare = wat::parse_str(text.replace(r#"(@custom "note" "text")"#, "")).unwrap();
        assert_eq!(without_custom_sections(&module), bare);
    }
}
