//! The exports of a plugin's module. All `unsafe` guest code of the workspace is here, in the allocator, and where
//! the catalogue's `find.rs` loads a vector.
//!
//! [`export!`](crate::export!) makes the exports and the manifest section; everything that needs no `unsafe`
//! is an ordinary function here, so that the expansion stays small.

use std::fmt::Write as _;

use callgate_catalogue::neutral::NOT_IN_VIEW;
use serde_json::value::RawValue;

use crate::callback::Callback;
use crate::facts::Needs;
use crate::plugin::{Error, Plugin};
use crate::verdict::Reply;
use crate::wire::{Configuration, ConfigureReply, LAST_WORDS_BYTES_MAX, LogLevel};

/// Exports a type that implements [`Plugin`](crate::Plugin) as the plugin of this crate.
///
/// `handles` lists the commands that it decides: the host calls it only for these, and rejects settings that name
/// others. Without it, the plugin takes any command. `facts` lists the facts that it may ask for, `updates` those that
/// it only changes; see [`facts`](crate::facts). All three are optional, in this order. A module has the export
/// `needs` only if `facts` is not empty, so other plugins pay nothing for it.
///
/// ```
/// use plugin_sdk::{openim::BeforeAddFriend, Callback, Error, NoSettings, Plugin, Reply, Verdict};
///
/// struct NoFriends;
///
/// impl Plugin for NoFriends {
///     type Settings = NoSettings;
///
///     fn configure(NoSettings {}: NoSettings) -> Result<Self, Error> {
///         Ok(Self)
///     }
///
///     fn decide(&self, callback: &Callback<'_>) -> Result<impl Into<Reply>, Error> {
///         match callback.event::<BeforeAddFriend>()? {
///             Some(event) => Ok(event.deny(5003, "Friend requests are closed.")),
///             None => Ok(Verdict::Allow),
///         }
///     }
/// }
///
/// plugin_sdk::export!(NoFriends, handles: [BeforeAddFriend]);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export {
    // The export `needs`, for plugins that ask for facts.
    (@needs $state:ident $facts:ident) => {};
    (@needs $state:ident $facts:ident $($fact:literal)+) => {
        #[unsafe(no_mangle)]
        pub extern "C" fn needs(ptr: u32, len: u32) -> i64 {
            // SAFETY: as for `handle_callback`.
            unsafe { $state.needs($crate::export::input(ptr, len), $facts) }
        }
    };
    (
        $plugin:ty
        $(, handles: [$($event:ty),* $(,)?])?
        $(, facts: [$($fact:literal),* $(,)?])?
        $(, updates: [$($update:literal),* $(,)?])?
        $(,)?
    ) => {
        // Names the types on every target, so that a misspelt one is found by `cargo test` too.
        const _: &[&str] = &[$($(<$event as $crate::events::Event<'static>>::COMMAND.name),*)?];
        const _: () = $crate::export::check_names(&[$($($fact,)*)? $($($update,)*)?]);

        // Only in the plugin's own module: unit tests and other crates use the type, not the exports.
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::export::{LastWords, State, manifest, manifest_len};

            static PLUGIN: State<$plugin> = State::new();

            #[unsafe(no_mangle)]
            #[allow(non_upper_case_globals)]
            pub static last_words: LastWords = LastWords::new();

            #[unsafe(no_mangle)]
            pub extern "C" fn allocate(len: u32) -> u32 {
                $crate::export::allocate(len)
            }

            // SAFETY of the calls below: before it calls, the host writes `len` bytes of UTF-8 at `ptr`, which
            // `allocate` returned for this very length, and passes each such buffer once (`ABI.md`). Only the host
            // calls these exports, one at a time, on one thread.
            #[unsafe(no_mangle)]
            pub extern "C" fn configure(ptr: u32, len: u32) -> i64 {
                unsafe {
                    $crate::export::leave_last_words(&last_words);
                    PLUGIN.configure($crate::export::input(ptr, len))
                }
            }

            #[unsafe(no_mangle)]
            pub extern "C" fn handle_callback(ptr: u32, len: u32) -> i64 {
                unsafe { PLUGIN.handle_callback($crate::export::input(ptr, len), COMMANDS) }
            }

            $crate::export!(@needs PLUGIN FACTS $($($fact)*)?);

            const COMMANDS: &[&str] = &[$($(<$event as $crate::events::Event<'static>>::COMMAND.name),*)?];
            #[allow(dead_code)]
            const FACTS: &[&str] = &[$($($fact),*)?];
            const UPDATES: &[&str] = &[$($($update),*)?];
            const NAME: &str = env!("CARGO_PKG_NAME");
            const VERSION: &str = env!("CARGO_PKG_VERSION");

            #[used]
            #[unsafe(link_section = "callgate.plugin")]
            static MANIFEST: [u8; manifest_len(NAME, VERSION, COMMANDS, FACTS, UPDATES)] =
                manifest(NAME, VERSION, COMMANDS, FACTS, UPDATES);
        };
    };
}

/// The configured plugin. It is set once, by `configure`; the host then keeps the memory as it is and starts every
/// callback from it.
#[allow(missing_debug_implementations, reason = "nobody ever sees one")]
pub struct State<P>(std::cell::UnsafeCell<Option<P>>);

// SAFETY: a `State` hands out no references and is only accessed through its three functions, whose callers promise
// that no other call of either is in progress on any thread.
unsafe impl<P> Sync for State<P> {}

impl<P: Plugin> State<P> {
    /// Not configured yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(std::cell::UnsafeCell::new(None))
    }

    /// Reads the settings, configures the plugin and packs a [`ConfigureReply`].
    ///
    /// # Safety
    /// No other call of this function or of [`State::handle_callback`] on this state may be in progress. This holds in
    /// a module, which has one thread and imports nothing that could call back.
    pub unsafe fn configure(&self, input: &str) -> i64 {
        let reply = match configured::<P>(input) {
            Ok(plugin) => {
                // SAFETY: no reference into the cell is alive: by this function's own condition no other call is in
                // progress, and neither function keeps one.
                unsafe { *self.0.get() = Some(plugin) };
                crate::allocator::make_room();
                ConfigureReply { accepted: true, reason: String::new() }
            }
            Err(error) => ConfigureReply { accepted: false, reason: error.to_string() },
        };
        hand_over(serde_json::to_vec(&reply).unwrap_or_default())
    }

    /// Asks the plugin which facts it needs and packs the list of [`Need`](crate::wire::Need)s. `facts` are those in
    /// the manifest.
    ///
    /// # Safety
    /// As for [`State::configure`].
    pub unsafe fn needs(&self, input: &str, facts: &[&str]) -> i64 {
        // SAFETY: the cell is only written by `configure`, which by this function's own condition is not in progress.
        let plugin = unsafe { &*self.0.get() };
        hand_over(match plugin {
            Some(plugin) => needed(plugin, input, facts),
            None => fail("called before `configure`"),
        })
    }

    /// Decides one callback and packs the [`Reply`](crate::Reply). `handles` are the commands of the manifest.
    ///
    /// # Safety
    /// As for [`State::configure`].
    pub unsafe fn handle_callback(&self, input: &str, handles: &[&str]) -> i64 {
        // SAFETY: the cell is only written by `configure`, which by this function's own condition is not in progress.
        let plugin = unsafe { &*self.0.get() };
        hand_over(match plugin {
            Some(plugin) => decided(plugin, input, handles),
            None => fail("called before `configure`"),
        })
    }
}

impl<P: Plugin> Default for State<P> {
    fn default() -> Self {
        Self::new()
    }
}

/// Parses [`Configuration`] and calls the plugin's `configure`.
pub fn configured<P: Plugin>(input: &str) -> Result<P, Error> {
    let configuration: Configuration<'_> = serde_json::from_str(input)?;
    settings::<P>(configuration.settings)
}

fn settings<P: Plugin>(settings: &RawValue) -> Result<P, Error> {
    let settings = serde_json::from_str(settings.get()).map_err(|error| {
        // The position is one in JSON that the operator never sees.
        let text = error.to_string();
        Error::new(text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text))
    })?;
    P::configure(settings)
}

/// Parses an envelope, asks the plugin and writes the reply. If the plugin says that it handles the command, but does
/// not find it in the neutral view, a line for the host's log says so.
pub fn decided<P: Plugin>(plugin: &P, input: &str, handles: &[&str]) -> Vec<u8> {
    let callback = match Callback::parse(input) {
        Ok(callback) => callback,
        Err(error) => return fail(&error.to_string()),
    };
    match plugin.decide(&callback).map(Into::<Reply>::into) {
        Ok(reply) if callback.was_missed() && handles.contains(&callback.command()) => {
            reply.log(LogLevel::Debug, NOT_IN_VIEW).to_json().into_bytes()
        }
        Ok(reply) => reply.to_json().into_bytes(),
        Err(error) => fail(&with_command(&callback, error.to_string())),
    }
}

/// Parses an envelope, asks the plugin for its needs and writes the list. If that fails or a need is not allowed,
/// writes a reply with the verdict `fail` instead. `facts` are the names that it may ask for; empty: any.
pub fn needed<P: Plugin>(plugin: &P, input: &str, facts: &[&str]) -> Vec<u8> {
    let mut needs = Needs::default();
    let callback = match Callback::parse(input) {
        Ok(callback) => callback,
        Err(error) => return fail(&error.to_string()),
    };
    let asked = plugin.needs(&callback, &mut needs).and_then(|()| needs.check(facts));
    match asked {
        Ok(()) => needs.to_json().into_bytes(),
        Err(error) => fail(&with_command(&callback, error.to_string())),
    }
}

/// The reason of a failure, beginning with the command.
fn with_command(callback: &Callback<'_>, error: String) -> String {
    // An error deep inside the callback names only its own list.
    let names_command = error.starts_with(callback.command());
    if names_command { error } else { format!("{}: {error}", callback.command()) }
}

fn fail(message: &str) -> Vec<u8> {
    let mut json = r#"{"verdict":"fail","message":"#.to_owned();
    callgate_catalogue::write::text(&mut json, message);
    json.push('}');
    json.into_bytes()
}

/// Room for `len` bytes of input, never given back: the next callback starts from the snapshot anyway.
#[must_use]
pub fn allocate(len: u32) -> u32 {
    let room = Vec::<u8>::with_capacity(len as usize);
    let ptr = std::mem::ManuallyDrop::new(room).as_mut_ptr();
    ptr as usize as u32
}

/// The input that the host wrote. It is not checked to be UTF-8: the host gives nothing else (its `Plugin::call` takes
/// texts), and a host that did would harm nobody but the guest, which is in its hands anyway.
///
/// # Safety
/// `ptr` must come from [`allocate`] with this `len`, and all `len` bytes must have been written since: UTF-8.
#[must_use]
pub unsafe fn input(ptr: u32, len: u32) -> &'static str {
    // SAFETY: by this function's own condition the range is allocated, written, and never freed or written again.
    let bytes = unsafe { std::slice::from_raw_parts(ptr as usize as *const u8, len as usize) };
    // SAFETY: by this function's own condition.
    unsafe { std::str::from_utf8_unchecked(bytes) }
}

/// Leaks a reply and packs its address and length; after the call the memory is restored to the snapshot, or dropped.
fn hand_over(bytes: Vec<u8>) -> i64 {
    let bytes = bytes.leak();
    crate::wire::pack(bytes.as_ptr() as usize as u32, bytes.len() as u32)
}

/// Where the panic message is left for the host: a length, then the text.
#[repr(C)]
#[allow(missing_debug_implementations, reason = "nobody ever sees one")]
pub struct LastWords {
    len: std::cell::UnsafeCell<u32>,
    text: std::cell::UnsafeCell<[u8; LAST_WORDS_BYTES_MAX]>,
}

// SAFETY: its cells are only written by the panic hook that `leave_last_words` sets, whose caller promises that two
// threads do not panic at the same time.
unsafe impl Sync for LastWords {}

impl LastWords {
    /// No words yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { len: std::cell::UnsafeCell::new(0), text: std::cell::UnsafeCell::new([0; LAST_WORDS_BYTES_MAX]) }
    }

    fn clear(&self) {
        // SAFETY: no reference to the length is ever handed out.
        unsafe { *self.len.get() = 0 };
    }

    fn push(&self, text: &str) {
        // SAFETY: the references live only in this function, which does not call itself, on the only thread.
        let (len, room) = unsafe { (&mut *self.len.get(), &mut *self.text.get()) };
        let used = (*len as usize).min(room.len());
        let free = room.get_mut(used..).unwrap_or_default();
        let taken = text.floor_char_boundary(free.len());
        for (to, from) in free.iter_mut().zip(text.as_bytes().iter().take(taken)) {
            *to = *from;
        }
        *len = (used + taken) as u32;
    }
}

impl Default for LastWords {
    fn default() -> Self {
        Self::new()
    }
}

struct Words<'a>(&'a LastWords);

impl std::fmt::Write for Words<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.push(text);
        Ok(())
    }
}

/// From now on a panic leaves its message, and where it happened, in `words`.
///
/// # Safety
/// Two threads must not panic at the same time. A module has only one.
pub unsafe fn leave_last_words(words: &'static LastWords) {
    std::panic::set_hook(Box::new(|panic| {
        words.clear();
        // Writing into a fixed room cannot fail.
        let _ = write!(Words(words), "{panic}");
    }));
}

const SDK: &str = concat!("callgate-plugin-sdk ", env!("CARGO_PKG_VERSION"));

/// The elements of a list of names.
macro_rules! manifest_list {
    ($push:ident, $names:expr) => {
        let mut number = 0;
        while number < $names.len() {
            if number > 0 {
                $push!(",");
            }
            $push!("\"");
            $push!($names[number]);
            $push!("\"");
            number += 1;
        }
    };
}

/// The parts of the manifest's JSON, one after the other.
///
/// Names need no escaping: cargo allows neither quotes nor backslashes in them, neither do commands, and
/// [`check_names`] checks those of facts.
macro_rules! manifest_parts {
    ($push:ident, $name:expr, $version:expr, $commands:expr, $facts:expr, $updates:expr) => {
        $push!(r#"{"abi":1,"name":""#);
        $push!($name);
        $push!(r#"","version":""#);
        $push!($version);
        $push!(r#"","sdk":""#);
        $push!(SDK);
        $push!(r#"","commands":["#);
        manifest_list!($push, $commands);
        if !$facts.is_empty() {
            $push!(r#"],"facts":["#);
            manifest_list!($push, $facts);
        }
        if !$updates.is_empty() {
            $push!(r#"],"updates":["#);
            manifest_list!($push, $updates);
        }
        $push!("]}");
    };
}

/// Checks the names of facts: they are written into the manifest as they are. Evaluated when the plugin is compiled.
///
/// # Panics
/// If one is empty, or has a quote, a backslash or a control character.
#[allow(clippy::indexing_slicing, reason = "const code has no other way; a mistake would not compile")]
pub const fn check_names(facts: &[&str]) {
    let mut number = 0;
    while number < facts.len() {
        let name = facts[number].as_bytes();
        assert!(!name.is_empty(), "the name of a fact is empty");
        let mut i = 0;
        while i < name.len() {
            let is_plain = name[i] >= b' ' && name[i] != b'"' && name[i] != b'\\';
            assert!(is_plain, "the name of a fact has a quote, a backslash or a control character");
            i += 1;
        }
        number += 1;
    }
}

/// Length of the manifest in bytes.
#[must_use]
#[allow(clippy::indexing_slicing, reason = "const code has no other way; a mistake would not compile")]
pub const fn manifest_len(name: &str, version: &str, commands: &[&str], facts: &[&str], updates: &[&str]) -> usize {
    let mut len = 0;
    macro_rules! push {
        ($text:expr) => {
            len += $text.len()
        };
    }
    manifest_parts!(push, name, version, commands, facts, updates);
    len
}

/// The manifest as JSON; `N` is [`manifest_len`] of the same arguments. Evaluated when the plugin is compiled.
#[must_use]
#[allow(clippy::indexing_slicing, reason = "const code has no other way; a mistake would not compile")]
pub const fn manifest<const N: usize>(
    name: &str,
    version: &str,
    commands: &[&str],
    facts: &[&str],
    updates: &[&str],
) -> [u8; N] {
    let mut bytes = [0; N];
    let mut at = 0;
    macro_rules! push {
        ($text:expr) => {
            let text: &str = $text;
            let mut i = 0;
            while i < text.len() {
                bytes[at] = text.as_bytes()[i];
                at += 1;
                i += 1;
            }
        };
    }
    manifest_parts!(push, name, version, commands, facts, updates);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ABI_VERSION, KEY_BYTES_MAX, Manifest, NEEDS_MAX};

    /// Looks for messages only.
    struct Messages;

    impl Plugin for Messages {
        type Settings = crate::NoSettings;

        fn configure(_: crate::NoSettings) -> Result<Self, Error> {
            Ok(Self)
        }

        fn decide(&self, callback: &Callback<'_>) -> Result<impl Into<Reply>, Error> {
            crate::neutral::Message::of(callback)?;
            Ok(crate::Verdict::Allow)
        }
    }

    #[test]
    fn a_command_that_is_handled_but_not_in_the_view_is_told() {
        let (message, group) = ("callbackBeforeMsgModifyCommand", "callbackBeforeCreateGroupCommand");
        let is_told = |command: &str, handles: &[&str]| {
            let head = format!(r#"{{"platform":"openim","command":"{command}","phase":"before","operation_id":"#);
            let rest = r#""","arrived_unix_ms":0,"client_address":"","query":[],"body":{}}"#;
            let reply = String::from_utf8(decided(&Messages, &(head + rest), handles)).unwrap();
            assert!(reply.contains("\"allow\""), "{reply}");
            reply.contains(NOT_IN_VIEW)
        };
        assert!(is_told(group, &[message, group]));
        assert!(!is_told(message, &[message, group]));
        // It says nothing of what it handles, so it may be given anything.
        assert!(!is_told(group, &[]));
    }

    /// Asks for these facts, all with the key `u`.
    struct Asks(&'static [&'static str], usize);

    impl Plugin for Asks {
        type Settings = crate::NoSettings;

        fn configure(_: crate::NoSettings) -> Result<Self, Error> {
            Ok(Self(&[], 0))
        }

        fn needs(&self, _: &Callback<'_>, needs: &mut Needs) -> Result<(), Error> {
            for name in self.0 {
                needs.fact(*name, "u".repeat(self.1));
            }
            Ok(())
        }

        fn decide(&self, _: &Callback<'_>) -> Result<impl Into<Reply>, Error> {
            Ok(crate::Verdict::Allow)
        }
    }

    #[test]
    fn needs_that_are_not_allowed_are_reported_before_the_host_rejects_them() {
        const NAMES: [&str; 17] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q"];
        let envelope =
            crate::testing::envelope(<crate::openim::BeforeAddFriend<'_> as crate::events::Event<'_>>::COMMAND, "{}");
        let asked = |names: &'static [&'static str], key_bytes: usize, facts: &[&str]| {
            String::from_utf8(needed(&Asks(names, key_bytes), &envelope, facts)).unwrap()
        };
        let (sixteen, max) = (NAMES.get(..NEEDS_MAX).unwrap(), KEY_BYTES_MAX);
        assert_eq!(crate::wire::read_needs(&asked(sixteen, max, &[])).unwrap().len(), NEEDS_MAX);
        assert_eq!(asked(&["a"], 1, &["a", "b"]), r#"[{"fact":"a","key":"u"}]"#);
        assert_eq!(asked(&["a", "a"], 0, &[]), r#"[{"fact":"a","key":""}]"#);
        for (reply, why) in [
            (asked(&NAMES, 1, &[]), "it needs 17 facts, at most 16 are allowed"),
            (asked(&["a"], max + 1, &[]), "a key of the fact `a` has 65537 bytes, at most 65536 are allowed"),
            (asked(&["c"], 1, &["a", "b"]), "it asks for the fact `c`, which `export!(…, facts: […])` does not list"),
        ] {
            let command = "callbackBeforeAddFriendCommand";
            assert_eq!(reply, format!(r#"{{"verdict":"fail","message":"{command}: {why}"}}"#));
        }
    }

    #[test]
    fn the_manifest_is_json_that_the_host_reads() {
        const COMMANDS: &[&str] = &["a", "b.c"];
        const FACTS: &[&str] = &["sent", "strikes"];
        const UPDATES: &[&str] = &["muted"];
        const LEN: usize = manifest_len("demo", "1.2.3", COMMANDS, &[], &[]);
        const LEN_WITH_FACTS: usize = manifest_len("demo", "1.2.3", COMMANDS, FACTS, UPDATES);
        let with_facts = manifest::<LEN_WITH_FACTS>("demo", "1.2.3", COMMANDS, FACTS, UPDATES);
        let read = serde_json::from_slice::<Manifest>(&with_facts).unwrap();
        assert_eq!(
            (read.facts, read.updates),
            (vec!["sent".to_owned(), "strikes".to_owned()], vec!["muted".to_owned()])
        );
        let manifest = manifest::<LEN>("demo", "1.2.3", COMMANDS, &[], &[]);
        // The same manifest as before facts existed, so that older hosts can read it.
        assert!(manifest.ends_with(br#""commands":["a","b.c"]}"#));
        let manifest: Manifest = serde_json::from_slice(&manifest).unwrap();
        assert!(manifest.facts.is_empty() && manifest.updates.is_empty());
        assert_eq!(manifest.abi, ABI_VERSION);
        assert_eq!((manifest.name.as_str(), manifest.version.as_str()), ("demo", "1.2.3"));
        assert_eq!(manifest.commands, COMMANDS);
    }

    #[test]
    fn names_of_facts_that_would_break_the_manifest_do_not_compile() {
        let is_accepted = |name: &str| std::panic::catch_unwind(|| check_names(&["sent", name])).is_ok();
        for name in ["strikes", "last strike", "Zähler", "a.b/c"] {
            assert!(is_accepted(name), "{name:?}");
        }
        for name in ["", "a\"", "\\", "a\n", "\0"] {
            assert!(!is_accepted(name), "{name:?}");
        }
    }

    #[test]
    fn last_words_are_cut_at_a_character_not_inside_one() {
        let words = LastWords::new();
        words.push(&"a".repeat(LAST_WORDS_BYTES_MAX - 1));
        words.push("é");
        assert_eq!(unsafe { *words.len.get() } as usize, LAST_WORDS_BYTES_MAX - 1);
        words.push("b");
        assert_eq!(unsafe { *words.len.get() } as usize, LAST_WORDS_BYTES_MAX);
    }
}
