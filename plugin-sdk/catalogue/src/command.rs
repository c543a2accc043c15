//! One command of a chat server: its members, its changes and the verdicts that its answer can carry.

use crate::wire::Phase;

/// One command of a chat server.
///
/// ```
/// # use callgate_catalogue as plugin_sdk;
/// use plugin_sdk::events::Event;
/// use plugin_sdk::openim::BeforeAddFriend;
///
/// let command = BeforeAddFriend::COMMAND;
/// assert_eq!(command.name, "callbackBeforeAddFriendCommand");
/// assert_eq!(command.answers.deny.map(|codes| (codes.first, codes.last)), Some((5000, 9999)));
/// assert!(command.changes.iter().all(|change| !change.is_settable())); // such a request cannot be changed
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Command {
    /// Its name on the wire.
    pub name: &'static str,
    /// The name of its event in the module of its chat server.
    pub rust_name: &'static str,
    /// The name of its protocol.
    pub protocol: &'static str,
    /// Whether the chat server waits for the verdict.
    pub phase: Phase,
    /// Its subject: `user`, `group`, …
    pub family: &'static str,
    /// Members of the request.
    pub request: &'static [Member],
    /// What an allowing answer may change.
    pub changes: &'static [Change],
    /// Members of the request that every allowing answer must repeat, because the server overwrites them.
    pub echo: &'static [&'static str],
    /// Which verdicts its answer can carry.
    pub answers: Answers,
    /// Members that, together with the command, distinguish a repeated callback from a new one; empty: none do.
    pub key: &'static [&'static str],
    /// The request's list whose elements are callbacks of their own; `None`: the request is one callback.
    pub batch: Option<&'static str>,
    /// The source of the entry: a file of the server's source code or a page of its documentation.
    pub source: &'static str,
}

impl Command {
    /// The change named `name` in an answer.
    #[must_use]
    pub fn change(&self, name: &str) -> Option<&'static Change> {
        self.changes.iter().find(|change| change.name == name)
    }
}

/// The commands of all families, one after the other.
#[allow(clippy::indexing_slicing, reason = "const code has no other way; a mistake would not compile")]
pub(crate) const fn joined<const N: usize>(families: &[&[&'static Command]]) -> [&'static Command; N] {
    let mut commands = [families[0][0]; N];
    let (mut at, mut family) = (0, 0);
    while family < families.len() {
        let mut command = 0;
        while command < families[family].len() {
            commands[at] = families[family][command];
            at += 1;
            command += 1;
        }
        family += 1;
    }
    assert!(at == N, "the families have another number of commands");
    commands
}

/// One member of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Its name on the wire.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
}

/// One member of an answer that the server applies to the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Its name in the answer.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// When the server applies it.
    pub rule: Rule,
    /// The request's member that shows the value to be replaced, if the request has it.
    pub shown_as: Option<&'static str>,
    /// Why it cannot be set; empty if it can.
    pub why_not: &'static str,
}

impl Change {
    /// Whether a plugin can ask for it.
    #[must_use]
    pub const fn is_settable(&self) -> bool {
        !matches!(self.rule, Rule::Ignored | Rule::Crashes)
    }
}

/// When the server applies a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Whenever it is present and not null.
    NonNull,
    /// Whenever it is present and not empty; so it cannot be used to clear a value.
    NonEmpty,
    /// As [`Rule::NonNull`], but the server crashes if the operation itself has no value: allowed only where the
    /// request shows one.
    IfShown,
    /// Never, although the server reads it: a wrong type fails the whole answer.
    Ignored,
    /// The server crashes on it, in cases that the request does not reveal.
    Crashes,
    /// Always: an answer without it clears the value. The host repeats the request's value if no plugin changes it.
    Copied,
}

/// A type of JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A string that contains a JSON object.
    JsonText,
    /// A whole number of 32 bits, signed.
    Int32,
    /// A whole number of 64 bits, signed.
    Int64,
    /// A whole number of 32 bits, unsigned.
    Uint32,
    /// A whole number of 64 bits, unsigned.
    Uint64,
    /// `true` or `false`.
    Bool,
    /// Anything.
    Any,
    /// The value, `null` or nothing.
    Optional(&'static Kind),
    /// A list.
    List(&'static Kind),
    /// An object whose members have any names and this type.
    Map(&'static Kind),
    /// An object with these members; others are left out of answers.
    Object(&'static [Member]),
    /// An object with these members, and any others, which are kept.
    Open(&'static [Member]),
}

/// Which verdicts a command's answer can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answers {
    /// How a denial is written; `None`: an answer cannot stop the operation.
    pub deny: Option<Codes>,
    /// Whether the operation can be dropped while its caller sees success.
    pub drop: bool,
    /// Answer members that list the refused users; empty: all users or none.
    pub refused: &'static [&'static str],
    /// Where the request lists the users who each need a result: the list, and the member with the user's ID.
    pub per_user: Option<(&'static str, &'static str)>,
    /// Whether the answer sends a text back to the client.
    pub reply: bool,
}

/// Codes of a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codes {
    /// Used when a plugin gives no code, or one out of range.
    pub fallback: i32,
    /// The lowest code of the app's own.
    pub first: i32,
    /// The highest code of the app's own.
    pub last: i32,
}

impl Codes {
    /// The code to write for a plugin's code: the same if it is in range, else the fallback.
    ///
    /// ```
    /// use callgate_catalogue::command::Codes;
    /// let codes = Codes { fallback: 5000, first: 5000, last: 9999 };
    /// assert_eq!(codes.admit(Some(5001)), 5001);
    /// assert_eq!(codes.admit(Some(0)), 5000); // OpenIM would take 0 for success
    /// assert_eq!(codes.admit(None), 5000);
    /// ```
    #[must_use]
    pub fn admit(self, code: Option<i32>) -> i32 {
        match code {
            Some(code) if (self.first..=self.last).contains(&code) => code,
            _ => self.fallback,
        }
    }
}

impl Answers {
    /// The answer has no effect on the operation, even if it is read.
    pub const AFTER: Self = Self { deny: None, drop: false, refused: &[], per_user: None, reply: false };
}
