//! The complete list of ways in which a plugin can fail. Wasmtime's errors are classified here, once, by type.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmtime::Trap;

use super::limits::Fuel;

/// Why a plugin returned no verdict. The text is for the log, never for the chat server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Fault {
    /// It burnt more fuel than it may.
    #[error("out of fuel: more than {} units", fuel.0)]
    OutOfFuel {
        /// Its limit.
        fuel: Fuel,
    },
    /// It took longer than it may, or than the time left.
    #[error("out of time: more than {} ms", within.as_millis())]
    OutOfTime {
        /// Its limit.
        within: Duration,
    },
    /// It asked for more memory than it may have.
    #[error("out of memory: more than {bytes_max} bytes (`memory_bytes_max`)")]
    OutOfMemory {
        /// Its limit.
        bytes_max: usize,
    },
    /// Its calls nested too deeply.
    #[error("stack overflow: calls nest too deeply")]
    StackOverflow,
    /// It panicked.
    #[error("panic: {message}")]
    Panic {
        /// The panic's message.
        message: String,
    },
    /// It trapped without a panic message.
    #[error("trap: {what}")]
    Trap {
        /// Wasm's name for the trap.
        what: String,
    },
    /// It reported that it cannot decide.
    #[error("cannot decide: {reason}")]
    Undecided {
        /// Its own words.
        reason: String,
    },
    /// Its reply is longer than it may be.
    #[error("reply of {bytes} bytes is too large: at most {bytes_max} (`reply_bytes_max`)")]
    ReplyTooLarge {
        /// The length it stated.
        bytes: u64,
        /// The maximum.
        bytes_max: usize,
    },
    /// Its reply is invalid, or asks for a change that this command does not accept.
    #[error("reply is not valid: {why}")]
    ReplyInvalid {
        /// What is wrong with it.
        why: String,
    },
    /// It failed so often in a row that it is suspended for a while.
    #[error("suspended after {faults} faults in a row")]
    Suspended {
        /// How many faults.
        faults: u32,
    },
    /// The host had no time for it: other calls ran until too little time was left. Not the plugin's fault.
    #[error("no time: other calls took the sandbox until too little was left (`calls_at_once_max`)")]
    NoTime,
}

impl Fault {
    /// The name in metrics and records.
    pub fn name(&self) -> &'static str {
        match self {
            Self::OutOfFuel { .. } => "out_of_fuel",
            Self::OutOfTime { .. } => "out_of_time",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::StackOverflow => "stack_overflow",
            Self::Panic { .. } => "panic",
            Self::Trap { .. } => "trap",
            Self::Undecided { .. } => "undecided",
            Self::ReplyTooLarge { .. } => "reply_too_large",
            Self::ReplyInvalid { .. } => "reply_invalid",
            Self::Suspended { .. } => "suspended",
            Self::NoTime => "no_time",
        }
    }
}

/// What was known of a call when it failed.
pub(crate) struct Circumstances {
    pub(crate) fuel: Fuel,
    /// Whether `fuel` was reduced because too little time was left for the plugin's own limit.
    pub(crate) fuel_cut_by_time: bool,
    pub(crate) within: Duration,
    pub(crate) memory_bytes_max: usize,
    pub(crate) memory_denied: bool,
    pub(crate) last_words: Option<String>,
}

/// Classifies wasmtime's error for a call; `is_used_up` says whether the guest's own stack was exhausted.
///
/// Compilers for wasm keep a second stack in the guest's memory, for everything that has an address. Most put it at the
/// bottom, so a guest that nests too deeply reads or writes below zero, which is outside its memory.
pub(crate) fn sort_call(error: &wasmtime::Error, circumstances: Circumstances, is_used_up: bool) -> Fault {
    match error.downcast_ref::<Trap>() {
        Some(Trap::MemoryOutOfBounds) if is_used_up && circumstances.last_words.is_none() => Fault::StackOverflow,
        _ => sort(error, circumstances),
    }
}

/// Classifies wasmtime's error.
pub(crate) fn sort(error: &wasmtime::Error, circumstances: Circumstances) -> Fault {
    let Circumstances { fuel, fuel_cut_by_time, within, memory_bytes_max, memory_denied, last_words } = circumstances;
    match error.downcast_ref::<Trap>() {
        // If the fuel was only what fits into the time left, it is the time that ran out.
        Some(Trap::OutOfFuel) if fuel_cut_by_time => Fault::OutOfTime { within },
        Some(Trap::OutOfFuel) => Fault::OutOfFuel { fuel },
        Some(Trap::Interrupt) => Fault::OutOfTime { within },
        Some(Trap::StackOverflow) => Fault::StackOverflow,
        Some(trap) => match last_words {
            Some(message) => Fault::Panic { message },
            // Rust aborts without a panic message when memory cannot grow.
            None if memory_denied => Fault::OutOfMemory { bytes_max: memory_bytes_max },
            None => Fault::Trap { what: trap.to_string() },
        },
        None => Fault::Trap { what: error.root_cause().to_string() },
    }
}
