//! Limits on the size and complexity of a module, checked before anything is compiled.
//!
//! Compile time and memory do not depend only on the size of a module: a few bytes may declare fifty thousand locals,
//! pass a thousand values, or nest as deep as the module is long. Each of these is counted here, in one pass over the
//! bytes that keeps a few numbers for each type and function, and has a maximum far above what real compilers emit.
//! Everything else is limited during compilation: see [`Loading`](crate::Loading).

use serde::{Deserialize, Serialize};
use wasmparser::{
    BinaryReaderError, BlockType, CompositeInnerType, FunctionBody, Operator, Parser, Payload, SectionLimited, TypeRef,
};

use crate::limits::PluginLimits;

/// Why a module is rejected before it is compiled.
#[derive(Debug)]
pub(crate) enum StructureError {
    /// It is not a module.
    Invalid {
        /// The first error.
        why: String,
    },
    /// It exceeds a maximum.
    TooMany(TooMany),
    /// Its table is too large.
    Table {
        /// Elements that it declares.
        elements: u64,
        /// The maximum.
        elements_max: usize,
    },
}

/// The things counted in a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// Function signatures.
    Types,
    /// Imports.
    Imports,
    /// Functions.
    Functions,
    /// Tables.
    Tables,
    /// Memories.
    Memories,
    /// Globals.
    Globals,
    /// Exports.
    Exports,
    /// Element segments, which fill tables.
    ElementSegments,
    /// Data segments, which fill memories.
    DataSegments,
    /// Parameters of one signature.
    Parameters,
    /// Results of one signature.
    Results,
    /// Bytes of code of one function.
    BodyBytes,
    /// Locals of one function.
    Locals,
    /// Nesting depth of blocks in one function.
    Depth,
    /// Pieces that blocks, branches and their ends cut the code of one function into, and calls through a table.
    Blocks,
    /// Values passed by the calls and branches of one function.
    Passed,
    /// Locals and parameters of one function, for each of its blocks.
    LocalsInBlocks,
    /// Locals of all functions.
    LocalsTogether,
    /// Values passed in all functions.
    PassedTogether,
    /// Locals and parameters for each block, of all functions.
    LocalsInBlocksTogether,
}

/// The maximum of each [`Part`], with the reason for it. The shipped plugins, Rust modules of 180 to 340 KiB, have at
/// most 28 types, 464 functions, 23 parameters, 42 locals and 7 KiB of code in a function, 47 nested blocks, 321 values
/// passed in a function and 8528 in all; compilers for C or AssemblyScript emit more segments and locals.
impl Part {
    /// How many are allowed.
    #[must_use]
    pub const fn max(self) -> u64 {
        match self {
            // Each signature is stored and compared; Rust programs of several MiB have a few hundred.
            Self::Types => 10_000,
            // A plugin imports nothing: imports are counted only to be reported.
            Self::Imports => 1_000,
            // A Rust program of 16 MiB has this many. Each takes 0.1 ms, even if it is empty.
            Self::Functions => 25_000,
            // The sandbox provides one of each per instance.
            Self::Tables | Self::Memories => 1,
            // Each mutable one is restored after a call. Rust has three, AssemblyScript some dozens.
            Self::Globals => 1_000,
            // A plugin needs five; a compiler that exports everything emits some hundreds.
            Self::Exports => 2_000,
            Self::ElementSegments => 1_000,
            // AssemblyScript emits one for each string in the source.
            Self::DataSegments => 10_000,
            // Each call passes all of them in two bytes of code. Rust and C pass anything large by address.
            Self::Parameters => 64,
            Self::Results => 16,
            // Register allocation takes more than twice as long for twice the code.
            Self::BodyBytes => 512 * 1024,
            // Five bytes can declare any number of them.
            Self::Locals => 2_000,
            // LLVM nests a block for each arm of a `match`. The compiler walks through all of them in some places.
            Self::Depth => 1_000,
            // A function with 30 000 small `if`s takes eight times as long as ten with 3000.
            Self::Blocks => 20_000,
            Self::Passed => 200_000,
            // Where paths meet, the compiler may have to merge every local, at about 5 us each.
            Self::LocalsInBlocks => 300_000,
            Self::LocalsTogether => 1_000_000,
            Self::PassedTogether => 5_000_000,
            // A minute and more. Rust of 16 MiB, with 25 000 functions of 30 blocks and 15 locals, has 11 million.
            Self::LocalsInBlocksTogether => 30_000_000,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Types => "types",
            Self::Imports => "imports",
            Self::Functions => "functions",
            Self::Tables => "tables",
            Self::Memories => "memories",
            Self::Globals => "globals",
            Self::Exports => "exports",
            Self::ElementSegments => "segments of elements",
            Self::DataSegments => "segments of data",
            Self::Parameters => "parameters in one type",
            Self::Results => "results in one type",
            Self::BodyBytes => "bytes of code",
            Self::Locals => "locals",
            Self::Depth => "blocks in one another",
            Self::Blocks => "blocks and branches",
            Self::Passed => "values passed by calls and branches",
            Self::LocalsInBlocks => "locals times blocks",
            Self::LocalsTogether => "locals in all functions",
            Self::PassedTogether => "values passed by calls and branches in all functions",
            Self::LocalsInBlocksTogether => "locals times blocks in all functions",
        }
    }

    const fn advice(self) -> &'static str {
        match self {
            Self::Tables | Self::Memories => "link it into one module with one of each",
            Self::Imports => "a plugin imports nothing",
            Self::Globals | Self::Exports => "export only what the ABI page names",
            Self::Parameters | Self::Results => "pass a structure by its address",
            Self::BodyBytes | Self::Locals | Self::Depth | Self::Blocks | Self::Passed | Self::LocalsInBlocks => {
                "split that function, or build with optimisation"
            }
            Self::Types
            | Self::Functions
            | Self::ElementSegments
            | Self::DataSegments
            | Self::LocalsTogether
            | Self::PassedTogether
            | Self::LocalsInBlocksTogether => "make the plugin smaller, or build with optimisation",
        }
    }
}

/// A module that exceeds one of the maxima.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TooMany {
    /// Of what.
    pub part: Part,
    /// How many it has, or declares.
    pub found: u64,
    /// In which function, by its index.
    pub function: Option<u32>,
}

impl std::fmt::Display for TooMany {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.function {
            Some(index) => write!(f, "function {index} has ")?,
            None => write!(f, "the module has ")?,
        }
        let Self { part, found, .. } = *self;
        write!(f, "{found} {}, at most {} are allowed: {}", part.words(), part.max(), part.advice())
    }
}

/// Counts, and stops at the first number that is too large.
pub(crate) fn check(bytes: &[u8], limits: &PluginLimits) -> Result<(), StructureError> {
    Counts::default().walk(bytes, limits)
}

#[derive(Default)]
struct Counts {
    /// What a function of each type is given and gives; nothing for types that are no functions.
    types: Vec<Signature>,
    /// The type of each function.
    functions: Vec<u32>,
    imports: u64,
    bodies: u32,
    locals: u64,
    passed: u64,
    locals_in_blocks: u64,
}

#[derive(Clone, Copy, Default)]
struct Signature {
    parameters: u32,
    results: u32,
}

impl Signature {
    /// Values that calling it passes.
    fn values(self) -> u32 {
        self.parameters + self.results
    }
}

/// Pieces that a call through a table, or reading one, cuts code into: it checks bounds and signature, and may have to
/// fill the table first.
const BLOCKS_OF_TABLES: u64 = 3;

/// Whether `found` is allowed; it is the module's, or a function's.
fn bound(part: Part, found: u64, function: Option<u32>) -> Result<(), StructureError> {
    if found > part.max() { Err(StructureError::TooMany(TooMany { part, found, function })) } else { Ok(()) }
}

fn invalid(error: BinaryReaderError) -> StructureError {
    StructureError::Invalid { why: callgate_catalogue::line::one_line(&error.to_string()) }
}

/// The number that a section declares. No more than that is ever read.
fn declared<T>(part: Part, section: &SectionLimited<'_, T>) -> Result<(), StructureError> {
    bound(part, u64::from(section.count()), None)
}

impl Counts {
    fn walk(&mut self, bytes: &[u8], limits: &PluginLimits) -> Result<(), StructureError> {
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(invalid)? {
                // Components are reported elsewhere.
                Payload::Version { encoding: wasmparser::Encoding::Component, .. } => return Ok(()),
                Payload::TypeSection(section) => {
                    declared(Part::Types, &section)?;
                    for group in section {
                        for ty in group.map_err(invalid)?.into_types() {
                            self.add_type(&ty.composite_type.inner)?;
                        }
                    }
                }
                Payload::ImportSection(section) => {
                    declared(Part::Imports, &section)?;
                    for import in section.into_imports() {
                        self.imports += 1;
                        bound(Part::Imports, self.imports, None)?;
                        if let TypeRef::Func(ty) = import.map_err(invalid)?.ty {
                            self.functions.push(ty);
                        }
                    }
                }
                Payload::FunctionSection(section) => {
                    declared(Part::Functions, &section)?;
                    self.bodies = u32::try_from(self.functions.len()).unwrap_or(u32::MAX);
                    for ty in section {
                        self.functions.push(ty.map_err(invalid)?);
                    }
                }
                Payload::TableSection(section) => {
                    declared(Part::Tables, &section)?;
                    for table in section {
                        let elements = table.map_err(invalid)?.ty.initial;
                        if elements > limits.table_elements_max as u64 {
                            return Err(StructureError::Table { elements, elements_max: limits.table_elements_max });
                        }
                    }
                }
                Payload::MemorySection(section) => declared(Part::Memories, &section)?,
                Payload::GlobalSection(section) => declared(Part::Globals, &section)?,
                Payload::ExportSection(section) => declared(Part::Exports, &section)?,
                Payload::ElementSection(section) => declared(Part::ElementSegments, &section)?,
                Payload::DataSection(section) => declared(Part::DataSegments, &section)?,
                Payload::CodeSectionStart { count, .. } => bound(Part::Functions, u64::from(count), None)?,
                Payload::CodeSectionEntry(body) => {
                    let index = self.bodies;
                    self.bodies = self.bodies.saturating_add(1);
                    self.add_body(index, &body)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn add_type(&mut self, ty: &CompositeInnerType) -> Result<(), StructureError> {
        let signature = match ty {
            CompositeInnerType::Func(ty) => {
                let (parameters, results) = (ty.params().len() as u64, ty.results().len() as u64);
                bound(Part::Parameters, parameters, None)?;
                bound(Part::Results, results, None)?;
                // Both are far below that by now.
                let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX / 2);
                Signature { parameters: number(parameters), results: number(results) }
            }
            _ => Signature::default(),
        };
        self.types.push(signature);
        // A group of types counts as one in its section.
        bound(Part::Types, self.types.len() as u64, None)
    }

    fn add_body(&mut self, index: u32, body: &FunctionBody<'_>) -> Result<(), StructureError> {
        let function = Some(index);
        bound(Part::BodyBytes, body.range().len() as u64, function)?;
        let mut locals = 0_u64;
        for group in body.get_locals_reader().map_err(invalid)? {
            locals = locals.saturating_add(u64::from(group.map_err(invalid)?.0));
        }
        bound(Part::Locals, locals, function)?;
        self.locals = self.locals.saturating_add(locals);
        bound(Part::LocalsTogether, self.locals, None)?;

        let signature = self.functions.get(index as usize).map_or(Signature::default(), |ty| self.of_type(*ty));
        let (mut blocks, mut passed) = (1_u64, 0_u64);
        // Values that a branch to each open block passes, at most. The first is the function itself.
        let mut open: Vec<u32> = vec![signature.results];
        let mut operators = body.get_operators_reader().map_err(invalid)?;
        while !operators.eof() {
            let branch = |open: &[u32], depth: u32| {
                let at = open.len().checked_sub(1 + depth as usize);
                u64::from(at.and_then(|at| open.get(at)).copied().unwrap_or(0))
            };
            match operators.read().map_err(invalid)? {
                Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } => {
                    let values = self.of_block(blockty);
                    open.push(values);
                    bound(Part::Depth, open.len() as u64 - 1, function)?;
                    blocks += 1;
                    passed += u64::from(values);
                }
                Operator::Else => blocks += 1,
                Operator::End => {
                    open.pop();
                    blocks += 1;
                }
                Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
                    blocks += 1;
                    passed += branch(&open, relative_depth);
                }
                Operator::BrTable { targets } => {
                    blocks += 1;
                    passed += branch(&open, targets.default());
                    for target in targets.targets() {
                        passed += branch(&open, target.map_err(invalid)?);
                    }
                }
                Operator::Call { function_index } => passed += self.of_function(function_index),
                Operator::CallIndirect { type_index, .. } => {
                    blocks += BLOCKS_OF_TABLES;
                    passed += u64::from(self.of_type(type_index).values());
                }
                Operator::TableGet { .. } => blocks += BLOCKS_OF_TABLES,
                _ => {}
            }
        }
        bound(Part::Blocks, blocks, function)?;
        bound(Part::Passed, passed, function)?;
        let locals_in_blocks = locals.saturating_add(signature.parameters.into()).saturating_mul(blocks);
        bound(Part::LocalsInBlocks, locals_in_blocks, function)?;
        self.locals_in_blocks = self.locals_in_blocks.saturating_add(locals_in_blocks);
        bound(Part::LocalsInBlocksTogether, self.locals_in_blocks, None)?;
        self.passed = self.passed.saturating_add(passed);
        bound(Part::PassedTogether, self.passed, None)
    }

    fn of_type(&self, index: u32) -> Signature {
        self.types.get(index as usize).copied().unwrap_or_default()
    }

    fn of_function(&self, index: u32) -> u64 {
        self.functions.get(index as usize).map_or(0, |ty| u64::from(self.of_type(*ty).values()))
    }

    fn of_block(&self, ty: BlockType) -> u32 {
        match ty {
            BlockType::Empty => 0,
            BlockType::Type(_) => 1,
            BlockType::FuncType(index) => self.of_type(index).values(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result for a module in text format.
    fn refused(text: &str) -> Option<String> {
        let module = wat::parse_str(format!("(module {text})")).unwrap();
        check(&module, &PluginLimits::default()).err().map(|error| crate::LoadError::from(error).to_string())
    }

    #[test]
    fn what_tables_and_parameters_cost_is_counted() {
        let calls = |what: &str, times: usize| format!("(table 10 funcref) (func {})", what.repeat(times));
        // The function itself is two.
        for what in ["i32.const 0 call_indirect ", "i32.const 0 table.get 0 drop "] {
            assert_eq!(refused(&calls(what, 6_666)), None, "{what}");
            assert!(refused(&calls(what, 6_667)).is_some_and(|why| why.contains("blocks and branches")), "{what}");
        }
        let loops = |times: usize| format!("(func (param {}) {})", "i64 ".repeat(64), "loop end ".repeat(times));
        assert_eq!(refused(&loops(2_342)), None);
        assert!(refused(&loops(2_343)).is_some_and(|why| why.contains("locals times blocks")));
        // A branch to the function itself passes its results, and a table of branches has one target more.
        let branches = |times: usize| {
            let branch = format!("{} i32.const 0 br_table 0 0 ", "i32.const 0 ".repeat(16));
            format!("(func (result {}) {})", "i32 ".repeat(16), branch.repeat(times))
        };
        assert_eq!(refused(&branches(6_250)), None);
        assert!(refused(&branches(6_251)).is_some_and(|why| why.contains("values passed")));
    }

    #[test]
    fn each_maximum_is_allowed_and_one_more_is_not() {
        let many = |part: &str, times: u64| part.repeat(usize::try_from(times).unwrap());
        let wide = |values: u64| format!("(type $wide (func (param {})))", many("i32 ", values));
        // A module that has this many.
        let with = |part: Part, n: u64| match part {
            Part::Types => many("(type (func (param i32)))", n),
            Part::Imports => many("(import \"a\" \"b\" (global i32))", n),
            Part::Functions => many("(func)", n),
            Part::Tables => many("(table 0 funcref)", n),
            Part::Memories => many("(memory 0)", n),
            Part::Globals => many("(global i32 (i32.const 0))", n),
            Part::Exports => {
                let exports: String = (0..n).map(|number| format!("(export \"{number}\" (func 0))")).collect();
                format!("(func) {exports}")
            }
            Part::ElementSegments => many("(elem func)", n),
            Part::DataSegments => many("(data \"\")", n),
            Part::Parameters => format!("(func (param {}))", many("i32 ", n)),
            Part::Results => format!("(func (result {}) unreachable)", many("i32 ", n)),
            // The number of groups of locals, and `end`, are two bytes.
            Part::BodyBytes => format!("(func {})", many("nop ", n - 2)),
            Part::Locals => format!("(func (local {}))", many("i32 ", n)),
            Part::Blocks => {
                // The function is a block with an end, and so is each in it.
                let extra = if n % 2 == 1 { "br 0" } else { "" };
                format!("(func {} {extra})", many("block end ", n / 2 - 1))
            }
            Part::Depth => format!("(func {} {})", many("block ", n), many("end ", n)),
            Part::Passed => {
                let (calls, rest) = (n / 64, n % 64);
                format!(
                    "{} {} (func $f (param {})) (func $g (param {})) (func unreachable {} {})",
                    wide(64),
                    "",
                    many("i32 ", 64),
                    many("i32 ", rest.max(1)),
                    many("call $f ", calls),
                    if rest > 0 { "call $g" } else { "" }
                )
            }
            // 1000 locals; the function is a block, and each one inside it has a beginning and an end.
            Part::LocalsInBlocks => {
                let extra = if n > part.max() { "block end" } else { "" };
                format!("(func (local {}) {} {extra})", many("i32 ", 1000), many("block end ", n / 2_000 - 1))
            }
            Part::LocalsInBlocksTogether => {
                let extra = if n > part.max() { "(func (local i32))" } else { "" };
                let body = format!("(func (local {}) {})", many("i32 ", 1000), many("block end ", 149));
                format!("{} {extra}", many(&body, n / 300_000))
            }
            Part::LocalsTogether => {
                let rest = format!("(func (local {}))", many("i32 ", n % 2000));
                format!("{} {rest}", many(&format!("(func (local {}))", many("i32 ", 2000)), n / 2000))
            }
            Part::PassedTogether => {
                let body = format!("(func unreachable {})", many("call $f ", 3125));
                let rest = format!("(func unreachable {})", many("call $g ", n % 200_000));
                format!(
                    "(func $f (param {})) (func $g (param i32)) {} {rest}",
                    many("i32 ", 64),
                    many(&body, n / 200_000)
                )
            }
        };
        for part in [
            Part::Types,
            Part::Imports,
            Part::Functions,
            Part::Tables,
            Part::Memories,
            Part::Globals,
            Part::Exports,
            Part::ElementSegments,
            Part::DataSegments,
            Part::Parameters,
            Part::Results,
            Part::BodyBytes,
            Part::Locals,
            Part::Depth,
            Part::Blocks,
            Part::Passed,
            Part::LocalsInBlocks,
            Part::LocalsTogether,
            Part::PassedTogether,
            Part::LocalsInBlocksTogether,
        ] {
            assert_eq!(refused(&with(part, part.max())), None, "{part:?}");
            let why = refused(&with(part, part.max() + 1)).unwrap_or_default();
            let allowed = format!(" {}, at most {} are allowed: {}", part.words(), part.max(), part.advice());
            assert!(why.contains(&allowed), "{part:?}: {why}");
        }
    }

    #[test]
    fn a_table_begins_within_its_limit() {
        assert_eq!(refused("(table 20000 funcref)"), None);
        let why = "its table begins with 20001 elements and may have 20000: raise `table_elements_max`";
        assert_eq!(refused("(table 20001 funcref)").unwrap(), why);
    }

    #[test]
    fn what_is_declared_counts_whether_or_not_it_is_there() {
        // A type section that declares four thousand million types and ends.
        let module = b"\0asm\x01\0\0\0\x01\x05\xff\xff\xff\xff\x0f";
        let why = crate::LoadError::from(check(module, &PluginLimits::default()).unwrap_err()).to_string();
        assert!(why.starts_with("the module has 4294967295 types, at most 10000 are allowed"), "{why}");
    }

    #[test]
    fn a_function_is_named_by_its_index() {
        let locals = "i32 ".repeat(2001);
        let why = refused(&format!("(func) (func (local {locals}))")).unwrap();
        assert!(why.starts_with("function 1 has 2001 locals, at most 2000 are allowed: "), "{why}");
    }
}
