//! What all commands share: exit codes, output for people and machines, files that users name, and "did you mean".

#![deny(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]

mod exit;
mod files;
mod nearest;
mod output;
mod wrap;

pub use exit::{Exit, Failure, TABLE};
pub use files::{read_file, read_text, what_else};
pub use nearest::nearest;
pub use output::{ERROR, NOTE, STEP, WARNING, is_coloured, print, print_failure, print_step, table};
pub use wrap::wrapped;
