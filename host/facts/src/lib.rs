//! Facts: what a decision must know beyond its callback, such as how many messages a user has sent in the last minute, or
//! whether a user is banned.
//!
//! A plugin says *what* it needs to know, the operator's settings say *where* it comes from: a [`Source`], one file each in
//! `source/`. [`Facts`] has all of them; it asks those that answer at once on the spot, and the others in parallel, within
//! their time.
//!
//! | to | see |
//! | --- | --- |
//! | fetch facts, and change them | [`Facts`] |
//! | say where they come from | [`settings`] |
//! | check such a setting by itself | [`check`] |
//! | add a source | [`Source`], and the table in `source.rs` |
#![forbid(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]

mod facts;
mod lookup;
pub mod settings;
mod source;
mod stats;

pub use facts::{Facts, Fetched, Wanted};
pub use lookup::{Answer, Later, LookedUp, NotChanged, Purpose, Source, SourceError};
pub use source::check;
pub use stats::{Stats, Totals};
