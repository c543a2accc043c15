//! What Callgate keeps on disk, so that nothing acknowledged is lost and every decision can be found again:
//!
//! - **entries**: after-callbacks, committed before they are acknowledged, then processed in order per key;
//! - **records**: what plugins returned, in the order in which sinks deliver them;
//! - **decisions**: what was answered to before-callbacks and why.
//!
//! [`Journal`] is the handle to all of it. One thread owns every write: it drains a bounded queue and commits what it
//! found in one transaction, so that callers share the price of reaching the disk. A second thread, the scheduler,
//! hands entries to a [`Worker`]. Reading goes through connections of its own ([`Reader`]) and never waits for a write.
//!
//! # The map
//!
//! From the bottom to the top; a module uses only those above it in this table.
//!
//! | to | see |
//! | --- | --- |
//! | know how long to wait after a failure | [`BackOff`] |
//! | write a record as a CloudEvent | [`envelope`] |
//! | know what is stored | [`entry`], [`record`], [`decision`] |
//! | select from what is stored | [`filter`] |
//! | set limits, and know what can go wrong | [`settings`], [`error`], [`numbers`] |
//! | put another store behind all this | [`store`] |
//! | know how SQLite keeps it | `sqlite` |
//! | process entries | [`worker`] |
//! | use the journal | [`journal`] |
//! | deliver records | [`sink`] |
#![forbid(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]

mod back_off;
pub mod clock;
pub mod decision;
pub mod entry;
pub mod envelope;
pub mod error;
pub mod filter;
mod folder;
mod inbox;
pub mod journal;
mod message;
pub mod numbers;
pub mod record;
mod scheduler;
pub mod settings;
pub mod sink;
mod sqlite;
pub mod store;
pub mod worker;
mod writer;

pub use back_off::BackOff;
pub use clock::Clock;
pub use decision::{Decision, DecisionId, NewDecision};
pub use entry::{Accepted, Attempt, Entry, EntryId, EntryState, EntrySummary, NewAttempt, NewEntry};
pub use error::{NotKept, OpenError, ReadError};
pub use filter::{DecisionFilter, EntryFilter, Page, RecordFilter};
pub use folder::check_folder;
pub use journal::Journal;
pub use numbers::Numbers;
pub use record::{NewRecord, Record, RecordBatch, Sequence, SinkCursor};
pub use settings::{JournalSettings, WhenFull};
pub use sqlite::reader::Reader;
pub use worker::{Outcome, Ticket, WorkLimits, Worker};
