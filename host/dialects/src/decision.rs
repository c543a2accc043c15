//! What is to happen to the operation.

use callgate_catalogue::Changes;
use callgate_catalogue::catalogue::Command;
use callgate_catalogue::wire::{Phase, UserResult};

/// What is to happen to the operation, in a form that the command's answer can carry.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Decision {
    /// It continues, unchanged.
    #[default]
    Allow,
    /// It stops.
    Deny(Denial),
    /// It continues with changes.
    Modify(Changes),
    /// It stops, and its caller believes that it succeeded.
    Drop,
    /// It continues without these users.
    RefuseSome(Vec<String>),
    /// Each user gets a separate result.
    PerUser(Vec<UserResult>),
    /// The client gets this text.
    Reply(String),
}

/// How an operation is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// In the command's range.
    pub code: i32,
    /// For the user.
    pub message: String,
    /// For the app's developers.
    pub detail: String,
}

impl Decision {
    /// All names that [`Decision::name`] returns.
    pub const NAMES: [&'static str; 7] = ["allow", "deny", "modify", "drop", "refuse_some", "per_user", "reply"];

    /// Its index in [`Decision::NAMES`].
    pub fn index(&self) -> usize {
        match self {
            Self::Allow => 0,
            Self::Deny(_) => 1,
            Self::Modify(_) => 2,
            Self::Drop => 3,
            Self::RefuseSome(_) => 4,
            Self::PerUser(_) => 5,
            Self::Reply(_) => 6,
        }
    }

    /// The name in metrics and records.
    pub fn name(&self) -> &'static str {
        Self::NAMES.get(self.index()).copied().unwrap_or_default()
    }

    /// Whether no further plugin is called.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Deny(_) | Self::Drop | Self::Reply(_) => true,
            Self::Allow | Self::Modify(_) | Self::RefuseSome(_) | Self::PerUser(_) => false,
        }
    }

    /// Combines this decision with the next plugin's.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        match (self, next) {
            (before, Self::Allow) => before,
            (Self::Modify(mut changes), Self::Modify(later)) => {
                for (name, value) in later.iter() {
                    changes.set(name.to_owned(), value.clone());
                }
                Self::Modify(changes)
            }
            (Self::RefuseSome(mut users), Self::RefuseSome(more)) => {
                users.extend(more);
                users.sort_unstable();
                users.dedup();
                Self::RefuseSome(users)
            }
            // A user refused by either plugin stays refused.
            (Self::PerUser(mut results), Self::PerUser(more)) => {
                results.retain(|result| result.code != 0);
                results.extend(more.into_iter().filter(|result| result.code != 0));
                Self::PerUser(results)
            }
            (_, next) => next,
        }
    }

    /// What happens to an operation without a verdict.
    ///
    /// It is denied only before the event and if the command's answer can deny; otherwise it is allowed.
    #[must_use]
    pub fn without_verdict(trouble: Trouble, on_fault: OnFault, command: &Command) -> Self {
        let message = match trouble {
            Trouble::Unchecked => "This could not be checked. Please try again later.",
            Trouble::Busy => "The service is busy. Please try again later.",
        };
        match (on_fault, command.phase, command.answers.deny) {
            (OnFault::Deny, Phase::Before, Some(codes)) => {
                Self::Deny(Denial { code: codes.admit(None), message: message.to_owned(), detail: String::new() })
            }
            (OnFault::Allow, ..) | (_, Phase::After, _) | (.., None) => Self::Allow,
        }
    }
}

/// Why there is no verdict, as reported to the user of the chat server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// A plugin failed.
    Unchecked,
    /// There was no time or room to call it.
    Busy,
}

/// What happens to an operation without a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFault {
    /// It continues as if the plugin had not been called.
    Allow,
    /// It is denied.
    Deny,
}
