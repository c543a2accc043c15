//! What Tencent Cloud Chat's answers can express.

use crate::command::{Answers, Codes};

impl Answers {
    /// Tencent, one-to-one messages. A silent drop is documented for groups only.
    pub const C2C_SEND: Self = Self { deny: Some(Codes { fallback: 1, first: 120_001, last: 130_000 }), ..Self::AFTER };

    /// Tencent, groups.
    pub const GROUP: Self = Self { deny: Some(Codes { fallback: 1, first: 10_100, last: 10_200 }), ..Self::AFTER };

    /// Tencent, invitations to groups.
    pub const GROUP_INVITE: Self = Self { refused: &["RefusedMembers_Account"], ..Self::GROUP };

    /// Tencent, group messages.
    pub const GROUP_SEND: Self = Self { drop: true, ..Self::GROUP };

    /// Tencent, messages of official channels.
    pub const OFFICIAL_SEND: Self = Self { drop: true, ..Self::C2C_SEND };

    /// Tencent, creation of official channels.
    pub const OFFICIAL_CREATE: Self = Self::C2C_SEND;

    /// Tencent, subscriptions to official channels. Table and prose of the page name the list differently: both are
    /// written. No codes of the app's own are documented.
    pub const OFFICIAL_SUBSCRIBE: Self = Self {
        deny: Some(Codes { fallback: 1, first: 1, last: 1 }),
        refused: &["RefusedSubscribers_Account", "RefusedMembers_Account"],
        ..Self::AFTER
    };

    /// Tencent, friend requests: a non-zero `ErrorCode` would allow, so a denial refuses each user.
    pub const FRIEND_ADD: Self = Self {
        deny: Some(Codes { fallback: 38_000, first: 38_000, last: 39_000 }),
        per_user: Some(("FriendItem", "To_Account")),
        ..Self::AFTER
    };

    /// Tencent, answers to friend requests; as [`Answers::FRIEND_ADD`].
    pub const FRIEND_RESPONSE: Self = Self { per_user: Some(("ResponseFriendItem", "To_Account")), ..Self::FRIEND_ADD };

    /// Tencent, signals to chatbots: 1 means that the text is ignored.
    pub const CHATBOT: Self = Self { deny: Some(Codes { fallback: 1, first: 1, last: 1 }), reply: true, ..Self::AFTER };

    /// Tencent, gifts in live rooms.
    pub const GIFT: Self = Self { deny: Some(Codes { fallback: 1, first: 102_100, last: 102_200 }), ..Self::AFTER };
}
