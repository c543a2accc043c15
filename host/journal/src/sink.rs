//! Sinks: where records go. Each kind is a file here, and a variant of [`Kind`].

mod feed;
pub mod file;
mod format;
pub mod http;
mod in_order;
pub mod lines;
mod running;
mod settings;
mod status;
pub mod topics;

pub use crate::back_off::BackOff;
pub use format::Format;
pub use running::{SETTLES_WITHIN, Sinks, SinksError};
pub use settings::{BACK_OFF, BACK_OFF_MAX, Kind, SinkSettings};
pub use status::{SinkStatus, State};
pub use topics::Topics;
