//! The texts of a message that users can read, wherever they are in its JSON.
//!
//! A message is more than one text: it quotes another one, bundles several, names a file or a place, or is the app's
//! own JSON inside a string. Each chat server says by name which of its members users read ([`How`]), and one walk
//! visits them all. What a visitor replaces is cut into the JSON as it was written: every other byte stays.

mod edit;
mod path;
mod text;
mod walk;

pub use path::{CustomText, Path};
pub use text::{Edit, Place, Shown, Visit};
pub(crate) use {text::How, walk::Walk};
