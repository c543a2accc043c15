//! Rows of the neutral view: the member names of each command in it.
//!
//! The rows are written in the folder of their chat server, and listed in [`tables`](crate::tables). The view itself is
//! in the sdk; it reads these rows and contains nothing specific to a chat server.

use crate::command::Command;
use crate::object::{FieldError, Object};
pub use crate::shown::{CustomText, Edit, Path, Place, Shown, Visit};
use crate::verdict::Json;

/// The log line, at debug level, of a plugin that handles a command without getting a view of it.
pub const NOT_IN_VIEW: &str = "the plugin handles this command, but gets no view of it: no form of the neutral view that \
                               it asks for has the command";

/// One command in a part of the view.
#[derive(Debug)]
pub struct Row<N: 'static> {
    /// The command.
    pub command: &'static Command,
    /// The names of its members.
    pub names: N,
}

impl<N> Row<N> {
    /// A row for this command.
    #[must_use]
    pub const fn new(command: &'static Command, names: N) -> Self {
        Self { command, names }
    }
}

/// The receiver of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<T> {
    /// One user, by ID.
    User(T),
    /// The members of a group, or the subscribers of an official channel, by its ID.
    Group(T),
    /// Not given by OpenIM in `callbackBeforeMsgModifyCommand`.
    Unknown,
}

/// The members of a message.
#[derive(Debug)]
pub struct MessageNames {
    /// The ID of the user who sent it, or edited it; of a channel's message, the channel's.
    pub actor: &'static str,
    /// The ID of the receiving user or group.
    pub target: Receiver,
    /// The list of the users that it mentions, if the chat server sends one.
    pub mentions: Option<&'static str>,
    /// What users read in it.
    pub content: Content,
}

/// Where the receiver of a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receiver {
    /// In a member that holds the ID of a user.
    User(&'static str),
    /// In a member that holds the ID of a group.
    Group(&'static str),
    /// In one of two members: the ID of a user or of a group; the other one is empty.
    UserOrGroup(&'static str, &'static str),
    /// Nowhere.
    Unknown,
}

/// Where the content of a message is, and how its texts are visited.
#[derive(Debug)]
pub struct Content {
    /// The member, in the request and in the answer.
    pub name: &'static str,
    /// Visits the texts that users read.
    pub visit: VisitTexts,
}

/// Visits the texts that users read in the member of this name and in what belongs to it. Returns the members of which
/// the visitor replaced something, with their new values; those of them that are no valid JSON any more are left out.
pub type VisitTexts =
    for<'v> fn(&Object<'_>, &'static str, &CustomText, &mut Visit<'v>) -> Result<Vec<(&'static str, Json)>, FieldError>;

/// The members of a change of a user's profile, or of one in a group.
#[derive(Debug)]
pub struct ProfileNames {
    /// The ID of the user, or administrator, who changes it, if the chat server sends it.
    pub actor: Option<&'static str>,
    /// The ID of the user whose profile it is.
    pub target: &'static str,
    /// The ID of the group, if the profile is one in a group.
    pub group: Option<&'static str>,
    /// The new nickname.
    pub nickname: ProfileValue,
    /// The address of the new picture.
    pub picture: ProfileValue,
}

/// Where the new value of a profile is.
#[derive(Debug)]
pub enum ProfileValue {
    /// Nowhere: this chat server has none here.
    Absent,
    /// In a member of its own, which has the same name in the answer.
    Member(&'static str),
    /// In a list of objects with a tag and a value each.
    Tagged {
        /// The list.
        list: &'static str,
        /// The object's member that holds the tag.
        tag: &'static str,
        /// The tag to look for; of several, the last counts.
        wanted: &'static str,
        /// The object's member that holds the value.
        value: &'static str,
    },
}

impl ProfileValue {
    /// The member of its own, in the request and in the answer.
    #[must_use]
    pub const fn member(&self) -> Option<&'static str> {
        match self {
            Self::Member(name) => Some(name),
            Self::Absent | Self::Tagged { .. } => None,
        }
    }
}

/// The members of a new group, or of a change of a group's profile. What the chat server does not send is `None`.
#[derive(Debug)]
pub struct GroupNames {
    /// Whether the group is new.
    pub is_new: bool,
    /// The ID of the user who creates or changes it.
    pub actor: Creator,
    /// The group's ID.
    pub target: Option<&'static str>,
    /// The new name.
    pub name: Option<&'static str>,
    /// The new introduction.
    pub introduction: Option<&'static str>,
    /// The new notification.
    pub notification: Option<&'static str>,
    /// The address of the new picture.
    pub picture: Option<&'static str>,
}

/// Where to find the ID of the user who creates or changes a group.
#[derive(Debug)]
pub enum Creator {
    /// Nowhere.
    Unknown,
    /// In a member.
    Member(&'static str),
    /// In the first object of a list with this role.
    WithRole {
        /// The list.
        list: &'static str,
        /// The object's member that holds the role.
        role: &'static str,
        /// The role to look for.
        wanted: i64,
        /// The object's member that holds the user ID.
        user: &'static str,
    },
}

/// The members of a command by which users join a group.
#[derive(Debug)]
pub struct JoinNames {
    /// The ID of the user who joins or invites, if the chat server sends it.
    pub actor: Option<&'static str>,
    /// The group's ID.
    pub target: &'static str,
    /// The users who join.
    pub users: Users,
}

/// Where user IDs are.
#[derive(Debug)]
pub enum Users {
    /// One user ID.
    One(&'static str),
    /// A list of user IDs.
    Ids(&'static str),
    /// A list of objects, and their member that is the user ID.
    Objects(&'static str, &'static str),
}

/// The members of a change between users.
#[derive(Debug)]
pub struct RelationNames {
    /// What happens.
    pub change: RelationChange,
    /// Between whom.
    pub pairs: Pairs,
}

/// What happens between users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelationChange {
    /// Friendship is asked for.
    FriendRequest,
    /// A friend request is answered; the platform's own event tells how.
    FriendAnswer,
    /// They are friends now, or are about to be.
    FriendAdded,
    /// They are no longer friends.
    FriendRemoved,
    /// One blocks the other.
    Blocked,
    /// One no longer blocks the other.
    Unblocked,
    /// One follows the other.
    Followed,
    /// One no longer follows the other.
    Unfollowed,
}

/// Where pairs of user IDs are.
#[derive(Debug)]
pub enum Pairs {
    /// One pair: the acting user and the other user.
    One(&'static str, &'static str),
    /// The acting user, and a list of the IDs of the other users.
    ToIds(&'static str, &'static str),
    /// The acting user, and a list of objects with a member for the other user.
    ToMany(&'static str, &'static str, &'static str),
    /// A list of objects with members for the acting and the other user.
    Many(&'static str, &'static str, &'static str),
}
