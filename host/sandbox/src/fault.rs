//! The complete list of ways in which a plugin can fail. Wasmtime's errors are classified here, once, by type.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmtime::Trap;

use super::limits::Fuel;

/// Why a plugin returned no verdict. The text is for the log, never for the chat server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Fault {
    /// It burnt more fuel than it may.
    #[error("out of fuel: more than {} units (`{}`; `callgate profile` shows what burns it)", fuel.0, key.name())]
    OutOfFuel {
        /// Its limit.
        fuel: Fuel,
        /// The key that sets it.
        key: FuelKey,
    },
    /// It took longer than it may, or than the time left.
    #[error("out of time: {}", out_of_time(*within, cut.as_ref()))]
    OutOfTime {
        /// Its limit.
        within: Duration,
        /// If it burnt all of its fuel, which was what fits into that time and less than it may have otherwise.
        cut: Option<FuelCut>,
    },
    /// It asked for more memory than it may have.
    #[error("out of memory: more than {bytes_max} bytes (`memory_bytes_max`)")]
    OutOfMemory {
        /// Its limit.
        bytes_max: usize,
    },
    /// Its calls nested too deeply.
    #[error("stack overflow: calls nest too deeply, or hold too much in local variables")]
    StackOverflow,
    /// It panicked.
    #[error("panic: {message}{}", advice(message))]
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
    #[error("reply is not valid: {why}{}{detail}", if detail.is_empty() { "" } else { ": " })]
    ReplyInvalid {
        /// What is wrong with it, in words of the host.
        why: String,
        /// More about it, which may quote the reply; may be empty.
        detail: String,
    },
    /// It failed too often, and for too many users, and is suspended for a while.
    #[error("suspended: most of its calls failed (`breaker_faults_max`)")]
    Suspended,
    /// The host had no time for it: other calls ran until too little time was left. Not the plugin's fault.
    #[error("no time: other calls took the sandbox until too little was left (`calls_at_once_max`)")]
    NoTime,
    /// It could not be loaded, and the host was to start without it.
    #[error("not loaded: the log says why, and `/readyz` of the admin listener (`start = \"healthy\"`)")]
    NotLoaded,
    /// A fact that it needs is late or failed, and `on_failure` is "fault". Not the plugin's fault.
    #[error("no fact: `{fact}` is {why}, and its `on_failure` under [[fact]] is \"fault\"")]
    NoFact {
        /// The name of the fact in the settings.
        fact: String,
        /// The reason: `late` or `failed`.
        why: String,
    },
}

/// Which key of the settings limits the fuel of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FuelKey {
    /// The one for calls that an answer waits for.
    PerCall,
    /// The one for calls that process what was stored.
    PerWork,
}

impl FuelKey {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PerCall => "fuel_per_call",
            Self::PerWork => "fuel_per_work",
        }
    }
}

/// Fuel that was reduced to what fits into the time that is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FuelCut {
    /// What the call was given, all of which it burnt.
    pub given: Fuel,
    /// What it would have been given with more time.
    pub fuel_per_call: Fuel,
    /// The key that sets that.
    pub key: FuelKey,
    /// How much is burnt in a millisecond, as it was measured or set.
    pub fuel_per_ms: u64,
}

fn out_of_time(within: Duration, cut: Option<&FuelCut>) -> String {
    let ms = within.as_millis();
    match cut {
        None => format!("more than {ms} ms"),
        Some(FuelCut { given, fuel_per_call, key, fuel_per_ms }) => format!(
            "burnt the {} units of fuel that fit into the {ms} ms it had, at {fuel_per_ms} a millisecond (`fuel_per_ms`), \
             instead of its {} (`{}`)",
            given.0,
            fuel_per_call.0,
            key.name()
        ),
    }
}

/// What to do about a panic that many authors meet.
fn advice(message: &str) -> &'static str {
    // The standard library's words for `Instant::now()` and `SystemTime::now()`.
    match message.contains("time not implemented on this platform") {
        true => " (a plugin has no clock: use the callback's `arrived_unix_ms`)",
        false => "",
    }
}

impl Fault {
    /// All names that [`Fault::name`] returns.
    pub const NAMES: [&'static str; 13] = [
        "out_of_fuel",
        "out_of_time",
        "out_of_memory",
        "stack_overflow",
        "panic",
        "trap",
        "undecided",
        "reply_too_large",
        "reply_invalid",
        "suspended",
        "no_time",
        "not_loaded",
        "no_fact",
    ];

    /// Its index in [`Fault::NAMES`].
    #[must_use]
    pub fn index(&self) -> usize {
        match self {
            Self::OutOfFuel { .. } => 0,
            Self::OutOfTime { .. } => 1,
            Self::OutOfMemory { .. } => 2,
            Self::StackOverflow => 3,
            Self::Panic { .. } => 4,
            Self::Trap { .. } => 5,
            Self::Undecided { .. } => 6,
            Self::ReplyTooLarge { .. } => 7,
            Self::ReplyInvalid { .. } => 8,
            Self::Suspended => 9,
            Self::NoTime => 10,
            Self::NotLoaded => 11,
            Self::NoFact { .. } => 12,
        }
    }

    /// The name in metrics and records.
    pub fn name(&self) -> &'static str {
        Self::NAMES.get(self.index()).copied().unwrap_or_default()
    }
}

impl Fault {
    /// Whether it says something about the plugin, so that its breaker counts it and a candidate falls back over it.
    /// Lack of time and missing facts do not.
    #[must_use]
    pub fn is_of_plugin(&self) -> bool {
        match self {
            Self::OutOfFuel { .. }
            | Self::OutOfTime { .. }
            | Self::OutOfMemory { .. }
            | Self::StackOverflow
            | Self::Panic { .. }
            | Self::Trap { .. }
            | Self::Undecided { .. }
            | Self::ReplyTooLarge { .. }
            | Self::ReplyInvalid { .. }
            | Self::Suspended
            | Self::NotLoaded => true,
            Self::NoTime | Self::NoFact { .. } => false,
        }
    }

    /// What happened, without any text that the plugin made: such texts may quote what users wrote. A panic's place is
    /// kept, as far as it looks like one.
    ///
    /// ```
    /// use callgate_sandbox::Fault;
    /// let fault = Fault::Panic { message: "panicked at src/lib.rs:7:5: `hello` is not a number".to_owned() };
    /// assert_eq!(fault.without_texts(), "panic at src/lib.rs:7:5");
    /// ```
    #[must_use]
    pub fn without_texts(&self) -> String {
        match self {
            Self::Panic { message } => match place(message) {
                Some(place) => format!("panic at {place}{}", advice(message)),
                None => format!("panic{}", advice(message)),
            },
            Self::Undecided { .. } => "cannot decide".to_owned(),
            Self::ReplyInvalid { why, .. } => format!("reply is not valid: {why}"),
            Self::OutOfFuel { .. }
            | Self::OutOfTime { .. }
            | Self::OutOfMemory { .. }
            | Self::StackOverflow
            | Self::Trap { .. }
            | Self::ReplyTooLarge { .. }
            | Self::Suspended
            | Self::NoTime
            | Self::NotLoaded
            | Self::NoFact { .. } => self.to_string(),
        }
    }
}

/// Where a panic was: `src/lib.rs:7:5`, from the beginning of its message. Only what looks like a path and its numbers
/// counts: a module can leave any text there.
fn place(message: &str) -> Option<&str> {
    const CHARACTERS_MAX: usize = 200;
    let message = message.strip_prefix("panicked at ").unwrap_or(message);
    let place = message.split(' ').next()?.trim_end_matches(':');
    let (path, numbers) = place.split_once(':')?;
    let is_path = |byte: u8| byte.is_ascii_alphanumeric() || b"/\\._-+".contains(&byte);
    let is_numbers = numbers.split(':').all(|number| number.parse::<u32>().is_ok());
    (place.len() <= CHARACTERS_MAX && !path.is_empty() && path.bytes().all(is_path) && is_numbers).then_some(place)
}

/// What was known of a call when it failed.
pub(crate) struct Circumstances {
    pub(crate) fuel: Fuel,
    pub(crate) key: FuelKey,
    /// If `fuel` was reduced because too little time was left for the plugin's own limit.
    pub(crate) cut: Option<FuelCut>,
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
    let Circumstances { fuel, key, cut, within, memory_bytes_max, memory_denied, last_words } = circumstances;
    match error.downcast_ref::<Trap>() {
        // If the fuel was only what fits into the time left, it is the time that ran out.
        Some(Trap::OutOfFuel) if cut.is_some() => Fault::OutOfTime { within, cut },
        Some(Trap::OutOfFuel) => Fault::OutOfFuel { fuel, key },
        Some(Trap::Interrupt) => Fault::OutOfTime { within, cut: None },
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plugin_says_is_left_out_but_for_the_place_of_a_panic() {
        for (message, place) in [
            ("panicked at src/lib.rs:7:5: hunter2", " at src/lib.rs:7:5"),
            ("panicked at /a-b/c.d+e/src/lib.rs:7:5:", " at /a-b/c.d+e/src/lib.rs:7:5"),
            ("src\\lib.rs:7: hunter2", " at src\\lib.rs:7"),
            ("hunter2", ""),
            ("hunter2: 7", ""),
            ("hunter2:x:7", ""),
            ("panicked at hunter2 is wrong: 7", ""),
            (":7", ""),
        ] {
            let fault = Fault::Panic { message: message.to_owned() };
            assert_eq!(fault.without_texts(), format!("panic{place}"), "{message}");
        }
        let fault = Fault::Undecided { reason: "hunter2".to_owned() };
        assert_eq!(fault.without_texts(), "cannot decide");
        let fault = Fault::ReplyInvalid { why: "it is too long".to_owned(), detail: "hunter2".to_owned() };
        assert_eq!(fault.without_texts(), "reply is not valid: it is too long");
        assert_eq!(fault.to_string(), "reply is not valid: it is too long: hunter2");
    }
}
