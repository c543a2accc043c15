//! Facts: data that a decision needs beyond its callback, such as how many messages a user has sent in the last minute,
//! or whether a user is banned.
//!
//! A plugin names the facts that it needs. The operator's settings name the [`Source`] of each; `source/` has one file
//! per kind. [`Facts`] reads local sources immediately, and queries the others in parallel, within their time limits.
//!
//! | to | see |
//! | --- | --- |
//! | fetch facts, and change them | [`Facts`] |
//! | say where they come from | [`settings`] |
//! | check a single setting | [`check`] |
//! | add a source | [`Source`], or `Ask` in `source/remote.rs` for one over the network; then the table in `source.rs` |
#![forbid(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]

mod facts;
mod lookup;
pub mod settings;
mod source;
mod stats;

pub use facts::{Facts, Fetched, Wanted, longest_wait};
pub use lookup::{Answer, Later, LookedUp, NotChanged, Purpose, Source, SourceError};
pub use source::check;
pub use stats::{Stats, Totals};
