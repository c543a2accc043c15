//! Inserts two hooks into every function of a module: imported functions, called at its beginning and at its end.
//!
//! The body becomes a block, so that leaving the function by its end or by a branch reaches the hook after the block; a
//! `return` gets a hook of its own. `block` and `end` cost no fuel; the hooks' instructions do.

use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, EntityType, FuncType, ImportSection, Instruction, Module, SectionId, TypeSection, ValType,
};
use wasmparser::{
    CompositeInnerType, CustomSectionReader, FunctionBody, ImportSectionReader, Operator, Parser, Payload,
    TypeSectionReader,
};

/// Where the hooks are imported from.
pub(crate) const HOOKS: &str = "callgate.profile";

/// The hook at the beginning: it receives the function's index without the hooks.
pub(crate) const ENTER: &str = "enter";

/// The hook at the end.
pub(crate) const LEAVE: &str = "leave";

/// What [`ENTER`] costs: `i32.const` and `call`.
pub(crate) const ENTER_FUEL: u64 = 2;

/// What [`LEAVE`] costs: `call`.
pub(crate) const LEAVE_FUEL: u64 = 1;

/// The number of imports that now come before the module's own functions.
const HOOKS_COUNT: u32 = 2;

const ENTER_INDEX: u32 = 0;
const LEAVE_INDEX: u32 = 1;

/// The module with hooks. It must be valid and import nothing.
pub(crate) fn hook(module: &[u8]) -> Result<Vec<u8>, Error<Infallible>> {
    let mut hooks = Hooks::read(module)?;
    let mut hooked = Module::new();
    hooks.parse_core_module(&mut hooked, Parser::new(0), module)?;
    Ok(hooked.finish())
}

struct Hooks {
    /// The types of the module itself.
    types: u32,
    /// Results of the types that have several: each needs an additional type, for the block.
    several: Vec<Vec<wasmparser::ValType>>,
    /// The block around each function's body.
    blocks: Vec<BlockType>,
    /// The next function in the code section.
    next: u32,
    are_imported: bool,
}

impl Hooks {
    fn read(module: &[u8]) -> Result<Self, Error<Infallible>> {
        let mut types: Vec<Vec<wasmparser::ValType>> = Vec::new();
        let mut functions: Vec<u32> = Vec::new();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(section) => {
                    for group in section {
                        types.extend(group?.into_types().map(|ty| match ty.composite_type.inner {
                            CompositeInnerType::Func(func) => func.results().to_vec(),
                            _ => Vec::new(),
                        }));
                    }
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        functions.push(ty?);
                    }
                }
                _ => {}
            }
        }
        let count = u32::try_from(types.len()).unwrap_or(u32::MAX);
        let mut hooks = Self { types: count, several: Vec::new(), blocks: Vec::new(), next: 0, are_imported: false };
        for ty in functions {
            let block = hooks.block(types.get(ty as usize).map_or(&[][..], Vec::as_slice))?;
            hooks.blocks.push(block);
        }
        Ok(hooks)
    }

    /// The type of a block with these results.
    fn block(&mut self, results: &[wasmparser::ValType]) -> Result<BlockType, Error<Infallible>> {
        Ok(match results {
            [] => BlockType::Empty,
            [result] => BlockType::Result(self.val_type(*result)?),
            several => {
                let known = self.several.iter().position(|known| known == several).unwrap_or_else(|| {
                    self.several.push(several.to_vec());
                    self.several.len() - 1
                });
                BlockType::FunctionType(self.types + HOOKS_COUNT + u32::try_from(known).unwrap_or(u32::MAX))
            }
        })
    }

    fn import(&mut self, imports: &mut ImportSection) {
        imports.import(HOOKS, ENTER, EntityType::Function(self.types + ENTER_INDEX));
        imports.import(HOOKS, LEAVE, EntityType::Function(self.types + LEAVE_INDEX));
        self.are_imported = true;
    }
}

impl Reencode for Hooks {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error<Infallible>> {
        Ok(function + HOOKS_COUNT)
    }

    /// After the module's own types, whose indices do not change: the two for the hooks, then those for blocks.
    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: TypeSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        utils::parse_type_section(self, types, section)?;
        types.ty().func_type(&FuncType::new([ValType::I32], []));
        types.ty().func_type(&FuncType::new([], []));
        for results in self.several.clone() {
            let results = self.val_types(results)?;
            types.ty().func_type(&FuncType::new([], results));
        }
        Ok(())
    }

    /// There may be such a section, but empty.
    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        utils::parse_import_section(self, imports, section)?;
        self.import(imports);
        Ok(())
    }

    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        _: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Result<(), Error<Infallible>> {
        if before == Some(SectionId::Function) && !self.are_imported {
            let mut imports = ImportSection::new();
            self.import(&mut imports);
            module.section(&imports);
        }
        Ok(())
    }

    /// Names have been read already, and no other custom section of this module is needed.
    fn parse_custom_section(&mut self, _: &mut Module, _: CustomSectionReader<'_>) -> Result<(), Error<Infallible>> {
        Ok(())
    }

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Result<(), Error<Infallible>> {
        let index = self.next;
        self.next += 1;
        let block = self.blocks.get(index as usize).copied().unwrap_or(BlockType::Empty);
        let mut function = self.new_function_with_parsed_locals(&body)?;
        function.instruction(&Instruction::I32Const(index.cast_signed()));
        function.instruction(&Instruction::Call(ENTER_INDEX));
        function.instruction(&Instruction::Block(block));
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let operator = operators.read()?;
            if matches!(operator, Operator::Return) {
                function.instruction(&Instruction::Call(LEAVE_INDEX));
            }
            // The last `end` was the function's and is now the block's.
            function.instruction(&self.instruction(operator)?);
        }
        function.instruction(&Instruction::Call(LEAVE_INDEX));
        function.instruction(&Instruction::End);
        code.function(&function);
        Ok(())
    }
}
