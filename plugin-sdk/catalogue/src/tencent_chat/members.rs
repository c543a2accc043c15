//! Shared by all families: the name of the protocol, and members used by several families.

use crate::macros::members::members;
use crate::people::People;

/// The name of the protocol.
pub(super) const NAME: &str = "tencent-chat";

/// `Operator_Account` is who called, which may be an administrator; `From_Account` in whose name.
pub(super) const PEOPLE: People = People {
    actors: &[
        "From_Account",
        "Operator_Account",
        "Requestor_Account",
        "Report_Account",
        "Owner_Account",
        "PairList.From_Account",
        "CallRecord.Caller_Account",
        "Info.To_Account",
        "Official_Account",
    ],
    targets: &[
        "To_Account",
        "GroupId",
        "Peer_Account",
        "Official_Account",
        "RoomId",
        "RoomInfo.RoomId",
        "PairList.To_Account",
        "FriendItem.To_Account",
        "ResponseFriendItem.To_Account",
    ],
    exceptions: &[
        // `From_Account` wrote the message, or has the profile, that the operator changes.
        ("C2C.CallbackAfterModifyMsg", &["Operator_Account", "From_Account"], &["To_Account"]),
        ("Profile.CallbackPortraitSet", &["Operator_Account", "From_Account"], &["From_Account"]),
    ],
    groups: &["GroupId", "RoomId", "RoomInfo.RoomId"],
};

members! { $
    /// Who acts, and on whom.
    pair {
        ..from_account, to_account;
    }

    /// The numbers of a one-to-one message.
    message_numbers {
        ..msg_seq;
        /// Random number of the message.
        msg_random: u32 = "MsgRandom";
        ..msg_time;
    }

    /// What a message consists of.
    content {
        ..msg_body, cloud_custom_data;
    }

    /// What a message consists of, and whether it is stored.
    body {
        /// 1 for a message that goes only to users who are online and is not stored.
        online_only_flag: i64 = "OnlineOnlyFlag";
        ..content;
    }

    /// A one-to-one message.
    c2c_message {
        ..pair, message_numbers, msg_key, msg_id, body;
    }

    /// A group.
    group {
        ..group_id, group_type;
    }

    /// Who sends a message to a group.
    group_message {
        ..from_account, operator_account;
        /// Random number of the message.
        random: u32 = "Random";
    }

    /// What users read about a group or a channel, where it changes.
    changed_texts {
        /// The new name.
        name: Option<Text<'a>> = "Name";
        /// The new introduction.
        introduction: Option<Text<'a>> = "Introduction";
    }

    new_face_url {
        /// Address of the new picture.
        face_url: Option<Text<'a>> = "FaceUrl";
    }

    /// A room.
    room {
        ..room_id;
        /// Name of the room.
        room_name: Option<Text<'a>> = "RoomName";
        /// `Live` or `Meeting`.
        room_type: Option<Text<'a>> = "RoomType";
        /// ID of the owner.
        owner_account: Option<Text<'a>> = "Owner_Account";
        /// Maximum number of members.
        max_member_count: Option<i64> = "MaxMemberCount";
        /// Whether messages are switched off.
        is_message_disabled: Option<bool> = "IsMessageDisabled";
        /// The app's own data.
        custom_info: Option<Text<'a>> = "CustomInfo";
        /// Whether there are seats.
        is_seat_enabled: Option<bool> = "IsSeatEnabled";
        /// How seats are taken: `None`, `FreeToTake` or `ApplyToTake`.
        take_seat_mode: Option<Text<'a>> = "TakeSeatMode";
        /// Maximum number of seats.
        max_seat_count: Option<i64> = "MaxSeatCount";
        /// When it was created, in seconds since 1970.
        create_time: Option<i64> = "CreateTime";
    }

    /// The extensions of a message.
    extensions {
        /// 1 set, 2 deleted, 3 cleared.
        operate_type: i64 = "OperateType";
        /// The extensions; empty if all were cleared.
        extension_list: Vec<MessageExtension<'a>> = "ExtensionList" or_empty;
        /// Version of the message's extensions.
        seq: i64 = "Seq";
        ..event_time;
    }

    /// A message that replaces the user's.
    new_body {
        msg_body: Vec<Elem> = "MsgBody" NonNull "MsgBody";
        cloud_custom_data: String = "CloudCustomData" NonNull "CloudCustomData";
    }

    event_time {
        /// When it happened, in milliseconds since 1970; written as a number or as text.
        event_time: i64 = "EventTime";
    }

    optional_event_time {
        /// When it happened, in milliseconds since 1970; written as a number or as text.
        event_time: Option<i64> = "EventTime";
    }

    operator_account {
        /// ID of the user, or administrator, who acts.
        operator_account: Text<'a> = "Operator_Account";
    }

    from_account {
        /// ID of the user who acts.
        from_account: Text<'a> = "From_Account";
    }

    msg_key {
        /// ID of the message.
        msg_key: Text<'a> = "MsgKey";
    }

    group_id {
        /// ID of the group.
        group_id: Text<'a> = "GroupId";
    }

    msg_id {
        /// ID that the client gave to the message.
        msg_id: Option<Text<'a>> = "MsgId";
    }

    msg_seq {
        /// Sequence number of the message.
        msg_seq: u32 = "MsgSeq";
    }

    msg_time {
        /// When it was sent, in seconds since 1970.
        msg_time: i64 = "MsgTime";
    }

    owner_account {
        /// ID of the owner.
        owner_account: Text<'a> = "Owner_Account";
    }

    member_list {
        /// The members.
        member_list: Vec<GroupMember<'a>> = "MemberList";
    }

    group_type {
        /// Type of the group: `Private`, `Public`, `ChatRoom`, `AVChatRoom`, `Community` or a newer name.
        group_type: Text<'a> = "Type";
    }

    msg_body {
        /// The elements of the message.
        msg_body: Vec<MsgElem<'a>> = "MsgBody";
    }

    cloud_custom_data {
        /// The app's own data of the message.
        cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
    }

    to_account {
        /// ID of the user concerned.
        to_account: Text<'a> = "To_Account";
    }

    room_id {
        /// ID of the room.
        room_id: Text<'a> = "RoomId";
    }
}
