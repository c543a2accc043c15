//! As many modules as one wants, all different.

use std::convert::Infallible;

use wasm_encoder::reencode::Reencode;
use wasm_encoder::{CodeSection, Instruction};
use wasmparser::FunctionBody;

type Error = wasm_encoder::reencode::Error<Infallible>;

/// The module with a number at the beginning of each function, which does nothing but make it another function: no
/// compiled code fits two of them.
pub fn another(module: &[u8], number: usize) -> Vec<u8> {
    struct Numbered(i32);

    impl Reencode for Numbered {
        type Error = Infallible;

        fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Result<(), Error> {
            let mut function = self.new_function_with_parsed_locals(&body)?;
            function.instruction(&Instruction::I32Const(self.0));
            function.instruction(&Instruction::Drop);
            let mut operators = body.get_operators_reader()?;
            while !operators.eof() {
                function.instruction(&self.instruction(operators.read()?)?);
            }
            code.function(&function);
            Ok(())
        }
    }

    let mut another = wasm_encoder::Module::new();
    Numbered(i32::try_from(number).expect("it is small") + 1_000_000)
        .parse_core_module(&mut another, wasmparser::Parser::new(0), module)
        .expect("the module was just built");
    another.finish()
}
