//! Modules that are small and made to cost much when they are compiled.

use std::path::PathBuf;

use crate::guests;

/// What every plugin must have.
const WHOLE: &str = r#"
    {manifest}
    (memory (export "memory") 2)
    (data (i32.const 1024) "{\"accepted\":true}")
    (global (export "last_words") i32 (i32.const 0))
    (func (export "allocate") (param i32) (result i32) (i32.const 4096))
    (func (export "handle_callback") (param i32 i32) (result i64) (i64.const 0x400_0000_0011))"#;

/// How it is configured, where nothing else is said.
const CONFIGURE: &str = r#"(func (export "configure") (param i32 i32) (result i64) (i64.const 0x400_0000_0011))"#;

/// A plugin with these parts besides.
pub fn with(name: &str, parts: &str) -> PathBuf {
    guests::assemble(name, &format!("(module {WHOLE} {CONFIGURE} {parts})"))
}

/// A plugin that does this when it is configured.
pub fn configures(name: &str, body: &str) -> PathBuf {
    let configure = format!(r#"(func (export "configure") (param i32 i32) (result i64) {body})"#);
    guests::assemble(name, &format!("(module {WHOLE} {configure})"))
}

/// A module, and a part of the sentence that refuses it.
pub struct Shape {
    /// What is special about it.
    pub name: &'static str,
    /// The module.
    pub module: PathBuf,
    /// A part of what is said of it.
    pub why: &'static str,
}

/// Modules that have too much of something.
pub fn shapes() -> Vec<Shape> {
    let shape = |name: &'static str, parts: String, why| Shape { name, module: with(name, &parts), why };
    let many = |part: &str, times: usize| part.repeat(times);
    let wide = |values: usize| {
        let types = many("i32 ", values);
        format!("(type $wide (func (param {types}) (result {types})))")
    };
    let section = |name: &'static str, commands: usize, why| {
        let commands = vec![r#"\"\""#; commands].join(",");
        let manifest = format!(r#"{{\"abi\":1,\"name\":\"p\",\"version\":\"0\",\"commands\":[{commands}]}}"#);
        let whole = WHOLE.replace("{manifest}", &format!(r#"(@custom "callgate.plugin" "{manifest}")"#));
        Shape { name, module: guests::assemble(name, &format!("(module {whole} {CONFIGURE})")), why }
    };
    vec![
        section("manifest", 1_000_000, "at most 65536 are allowed"),
        shape(
            "locals",
            many(&format!("(func (local {}))", many("i32 ", 50_000)), 60),
            "has 50000 locals, at most 2000 are allowed: split that function, or build with optimisation",
        ),
        shape(
            "nested-if",
            format!("(func {} {})", many("i32.const 0 if ", 40_000), many("end ", 40_000)),
            "blocks in one another, at most 1000 are allowed: split that function",
        ),
        shape(
            "tables",
            format!("(func $f) (elem declare func $f) {}", many("(table 1000000 funcref (ref.func $f))", 33)),
            "the module has 33 tables, at most 1 are allowed: ",
        ),
        shape(
            "table",
            "(func $f) (elem declare func $f) (table 1000000 funcref (ref.func $f))".to_owned(),
            "its table begins with 1000000 elements and may have 20000: raise `table_elements_max`",
        ),
        shape(
            "parameters",
            format!("{} (func $f (type $wide) unreachable) (func unreachable {})", wide(1000), many("call $f ", 4000)),
            "has 1000 parameters in one type, at most 64 are allowed: pass a structure by its address",
        ),
        shape(
            "passed",
            format!(
                "(type $wide (func (param {p}) (result {r}))) (func $f (type $wide) unreachable) (func unreachable {})",
                many("call $f ", 150_000),
                p = many("i32 ", 16),
                r = many("i32 ", 16)
            ),
            "values passed by calls and branches, at most 200000 are allowed: split that function",
        ),
        shape(
            "branches",
            format!(
                "(type $r (func (result {r}))) (func unreachable (block (type $r) unreachable (br_table {})) unreachable)",
                many("0 ", 100_000),
                r = many("i32 ", 16)
            ),
            "values passed by calls and branches, at most 200000 are allowed: split that function",
        ),
        shape(
            "locals-in-blocks",
            format!("(func (local {}) {})", many("i32 ", 2_000), many("block end ", 100)),
            "locals times blocks, at most 300000 are allowed: split that function",
        ),
        shape(
            "many-if",
            format!("(func {})", many("i32.const 4 i32.load if end ", 30_000)),
            "blocks and branches, at most 20000 are allowed: split that function",
        ),
        shape(
            "body",
            format!("(func {})", many("i32.const 1 drop ", 200_000)),
            "bytes of code, at most 524288 are allowed: split that function",
        ),
        shape("types", many("(type (func (param i32)))", 10_001), "types, at most 10000 are allowed"),
        shape("functions", many("(func)", 25_001), "functions, at most 25000 are allowed"),
        shape("globals", many("(global (mut i32) (i32.const 0))", 1001), "globals, at most 1000 are allowed"),
        shape(
            "exports",
            (0..2001).map(|number| format!("(export \"e{number}\" (func 0))")).collect(),
            "exports, at most 2000 are allowed",
        ),
        shape("data", many("(data \"\")", 10_001), "segments of data, at most 10000 are allowed"),
        shape("elements", many("(elem func)", 1001), "segments of elements, at most 1000 are allowed"),
    ]
}
