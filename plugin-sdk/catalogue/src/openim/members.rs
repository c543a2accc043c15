//! Shared by all families: the name of the protocol, and members used by several families.

use crate::macros::members::members;
use crate::people::People;

/// The name of the protocol.
pub(super) const NAME: &str = "openim";

/// Many commands about groups do not say who acts.
pub(super) const PEOPLE: People = People {
    actors: &[
        "sendID",
        "fromUserID",
        "creatorUserID",
        "ownerUserID",
        "ownerUserId",
        "applyID",
        "inviterUserID",
        "oldOwnerUserID",
        "ownerID",
        "userID",
    ],
    targets: &[
        "recvID",
        "groupID",
        "groupId",
        "toUserID",
        "friendUserID",
        "blackUserID",
        "receiveID",
        "userId",
        "conversationID",
    ],
    exceptions: &[
        // The user who accepts is called `blackUserID`.
        ("callbackBeforeAddFriendAgreeCommand", &["blackUserID"], &["fromUserID"]),
        ("callbackAfterAddFriendAgreeCommand", &["blackUserID"], &["fromUserID"]),
        // `userID` is the member who is changed, by whomever.
        ("callbackBeforeSetGroupMemberInfoCommand", &[], &["userID"]),
        ("callbackAfterSetGroupMemberInfoCommand", &[], &["userID"]),
        ("callbackAfterUserKickOffCommand", &[], &["userID"]),
    ],
    groups: &["groupID", "groupId"],
};

members! { $
    /// A device of a user.
    device {
        ..operation_id;
        /// Kind of the device, as a number.
        platform_id: i64 = "platformID";
        /// Kind of the device, as a word.
        platform: Text<'a> = "platform";
    }

    user_id {
        /// ID of the user.
        user_id: Text<'a> = "userID";
    }

    face_url {
        /// Address of the picture.
        face_url: Text<'a> = "faceURL";
    }

    optional_face_url {
        /// Address of the picture.
        face_url: Option<Text<'a>> = "faceURL";
    }

    group_id {
        /// ID of the group.
        group_id: Text<'a> = "groupID";
    }

    ex {
        /// The app's own data.
        ex: Text<'a> = "ex";
    }

    optional_ex {
        /// The app's own data.
        ex: Option<Text<'a>> = "ex";
    }

    operation_id {
        /// The server's tracing ID.
        operation_id: Text<'a> = "operationID";
    }

    create_time {
        /// When it was made, in milliseconds since 1970.
        create_time: i64 = "createTime";
    }
}
