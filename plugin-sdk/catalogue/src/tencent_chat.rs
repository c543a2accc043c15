//! Tencent Cloud Chat: every command as a typed event.
//!
//! Taken from Tencent's pages of 2024-02 to 2026-04. A number that some pages write as text is read in both forms.
//!
//! What a denial's code may be depends on the command and stands with each event; the host writes the command's usual
//! code in place of any other. Each command has a switch of its own in Tencent's console.

mod elem;

pub use elem::*;

use crate::events::{commands, objects};
use crate::object::{Raw, Text};

commands! {
    TencentChat;

    /// Sent when a user logs in, logs out or loses the connection. A lost connection is noticed late: after 400 s, on
    /// the web after 60 s.
    ///
    /// Newer pages let it report changes of a custom status too, without naming the member.
    StateChange = "State.StateChange", After, AFTER, "online_status" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/1047/34357";
        request {
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
            /// Who came or went, and why.
            info: StateInfo<'a> = "Info";
            /// Devices that this login put out; only with action `Login` and reason `Register`.
            kicked_device: Vec<KickedDevice<'a>> = "KickedDevice" or_empty;
        }
    }

    /// Sent when a profile was changed, by a client or through the REST API.
    ///
    /// The profile is that of `From_Account`; `Operator_Account` changed it. A value can be text or a number.
    ProfilePortraitSet = "Profile.CallbackPortraitSet", After, AFTER, "profile" {
        key ["Operator_Account", "From_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/48733";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the user whose profile it is.
            from_account: Text<'a> = "From_Account";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
            /// What changed.
            profile_item: Vec<ProfileItem<'a>> = "ProfileItem";
        }
    }

    /// Sent before a client's request to add friends is stored. Requests through the REST API do not send it.
    ///
    /// One request can name several users. A denial refuses all of them, `per_user` single ones; codes 38000 to 39000
    /// and their text reach the app.
    SnsPrevFriendAdd = "Sns.CallbackPrevFriendAdd", Before, FRIEND_ADD, "relationship" {
        key ["Requester_Account", "From_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/43468";
        request {
            /// ID of the account that made the request.
            requester_account: Text<'a> = "Requester_Account";
            /// ID of the user who asks.
            from_account: Text<'a> = "From_Account";
            /// The users who are asked.
            friend_item: Vec<FriendItem<'a>> = "FriendItem";
            /// `Add_Type_Single` or `Add_Type_Both`.
            add_type: Text<'a> = "AddType";
            /// 1 forced, 0 not.
            force_add_flags: i64 = "ForceAddFlags";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent before a client's answers to friend requests are stored. Answers through the REST API do not send it.
    ///
    /// One callback can hold several answers. A denial refuses all of them, `per_user` single ones; codes 38000 to
    /// 39000 and their text reach the app.
    SnsPrevFriendResponse = "Sns.CallbackPrevFriendResponse", Before, FRIEND_RESPONSE, "relationship" {
        key ["Requester_Account", "From_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/43467";
        request {
            /// ID of the account that made the request.
            requester_account: Text<'a> = "Requester_Account";
            /// ID of the user who answers.
            from_account: Text<'a> = "From_Account";
            /// The requests that are answered.
            response_friend_item: Vec<ResponseFriendItem<'a>> = "ResponseFriendItem";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when users became friends.
    SnsFriendAdd = "Sns.CallbackFriendAdd", After, AFTER, "relationship" {
        key []; source "www.tencentcloud.com/document/product/1047/34359";
        request {
            /// The pairs of users.
            pair_list: Vec<InitiatedPair<'a>> = "PairList";
            /// What the client did: `friend_add`, `FriendAdd`, `friend_response` or `FriendResponse`.
            client_cmd: Option<Text<'a>> = "ClientCmd";
            /// ID of the administrator, if one did it.
            admin_account: Option<Text<'a>> = "Admin_Account";
            /// 1 forced.
            force_flag: Option<i64> = "ForceFlag";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Sent when users ceased to be friends.
    SnsFriendDelete = "Sns.CallbackFriendDelete", After, AFTER, "relationship" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/1047/34360";
        request {
            /// The pairs of users.
            pair_list: Vec<Pair<'a>> = "PairList";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Sent when users were put on a block list.
    SnsBlackListAdd = "Sns.CallbackBlackListAdd", After, AFTER, "relationship" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/1047/34361";
        request {
            /// The pairs of users.
            pair_list: Vec<Pair<'a>> = "PairList";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Sent when users were taken off a block list.
    SnsBlackListDelete = "Sns.CallbackBlackListDelete", After, AFTER, "relationship" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/1047/34362";
        request {
            /// The pairs of users.
            pair_list: Vec<Pair<'a>> = "PairList";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Sent when a user began to follow others.
    FollowAfterAdd = "Follow.CallbackAfterFollowAdd", After, AFTER, "follow" {
        key ["From_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/70355";
        request {
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// The users who are followed.
            follow_list: Vec<FollowedUser<'a>> = "FollowList";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when a user ceased to follow others.
    ///
    /// `To_Account` is a list here, unlike in the other events.
    FollowAfterDelete = "Follow.CallbackAfterFollowDelete", After, AFTER, "follow" {
        key ["From_Account", "To_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/70356";
        request {
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// IDs of the users who are no longer followed.
            to_account: Vec<Text<'a>> = "To_Account";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent before a one-to-one message is delivered, from clients and from the REST API.
    ///
    /// A denied message does not send [`C2cAfterSendMsg`]; a changed one sends it with the new body. It cannot be
    /// dropped silently. Codes 120001 to 130000 and their text reach the app.
    ///
    /// A new `MsgBody` replaces all elements; one that is left out is gone.
    C2cBeforeSendMsg = "C2C.CallbackBeforeSendMsg", Before, C2C_SEND, "c2c" {
        key ["MsgKey"]; source "www.tencentcloud.com/document/product/1047/34364";
        request {
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// ID of the user concerned.
            to_account: Text<'a> = "To_Account";
            /// Sequence number of the message.
            msg_seq: u32 = "MsgSeq";
            /// Random number of the message.
            msg_random: u32 = "MsgRandom";
            /// When it was sent, in seconds since 1970.
            msg_time: i64 = "MsgTime";
            /// ID of the message.
            msg_key: Text<'a> = "MsgKey";
            /// ID that the client gave to the message.
            msg_id: Option<Text<'a>> = "MsgId";
            /// 1 for a message that goes only to users who are online and is not stored.
            online_only_flag: i64 = "OnlineOnlyFlag";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: Option<i64> = "EventTime";
        }
        changes {
            msg_body: Vec<Elem> = "MsgBody" NonNull "MsgBody";
            cloud_custom_data: String = "CloudCustomData" NonNull "CloudCustomData";
        }
    }

    /// Sent when a one-to-one message was dealt with, and also when it could not be delivered: look at `SendMsgResult`.
    C2cAfterSendMsg = "C2C.CallbackAfterSendMsg", After, AFTER, "c2c" {
        key ["MsgKey"]; source "www.tencentcloud.com/document/product/1047/34365";
        request {
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// ID of the user concerned.
            to_account: Text<'a> = "To_Account";
            /// Sequence number of the message.
            msg_seq: u32 = "MsgSeq";
            /// Random number of the message.
            msg_random: u32 = "MsgRandom";
            /// When it was sent, in seconds since 1970.
            msg_time: i64 = "MsgTime";
            /// ID of the message.
            msg_key: Text<'a> = "MsgKey";
            /// ID that the client gave to the message.
            msg_id: Option<Text<'a>> = "MsgId";
            /// 1 for a message that goes only to users who are online and is not stored.
            online_only_flag: i64 = "OnlineOnlyFlag";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
            /// 0 delivered, else the code of the failure.
            send_msg_result: i64 = "SendMsgResult";
            /// The result in words.
            error_info: Text<'a> = "ErrorInfo";
            /// The receiver's unread messages; -1 after a failure.
            unread_msg_num: Option<i64> = "UnreadMsgNum";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Sent when a user has read a one-to-one conversation.
    ///
    /// Which of the optional members come depends on the region.
    C2cAfterMsgReport = "C2C.CallbackAfterMsgReport", After, AFTER, "c2c" {
        key ["Report_Account", "Peer_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/43465";
        request {
            /// ID of the user who has read.
            report_account: Text<'a> = "Report_Account";
            /// ID of the other user.
            peer_account: Text<'a> = "Peer_Account";
            /// Up to when was read, in seconds since 1970.
            last_read_time: Option<i64> = "LastReadTime";
            /// Unread messages.
            unread_msg_num: Option<i64> = "UnreadMsgNum";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Sent when a one-to-one message was recalled.
    ///
    /// Which of the optional members come depends on the region.
    C2cAfterMsgWithDraw = "C2C.CallbackAfterMsgWithDraw", After, AFTER, "c2c" {
        key ["MsgKey"]; source "www.tencentcloud.com/document/product/1047/43466";
        request {
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// ID of the user concerned.
            to_account: Text<'a> = "To_Account";
            /// ID of the message.
            msg_key: Text<'a> = "MsgKey";
            /// Unread messages.
            unread_msg_num: Option<i64> = "UnreadMsgNum";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Sent when read receipts for one-to-one messages were sent.
    C2cAfterMsgReadReceipt = "C2C.CallbackAfterMsgReadReceipt", After, AFTER, "c2c" {
        key ["Operator_Account", "Peer_Account", "EventTime"]; source "cloud.tencent.com/document/product/269/128223";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the other user.
            peer_account: Text<'a> = "Peer_Account";
            /// The messages.
            c2c_msg_info: Vec<C2cMsgInfo<'a>> = "C2CMsgInfo";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when a stored one-to-one message was edited.
    C2cAfterModifyMsg = "C2C.CallbackAfterModifyMsg", After, AFTER, "c2c" {
        key ["MsgKey", "EventTime"]; source "cloud.tencent.com/document/product/269/128224";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// ID of the user concerned.
            to_account: Text<'a> = "To_Account";
            /// Sequence number of the message.
            msg_seq: u32 = "MsgSeq";
            /// Random number of the message.
            msg_random: u32 = "MsgRandom";
            /// When it was sent, in seconds since 1970.
            msg_time: i64 = "MsgTime";
            /// ID of the message.
            msg_key: Text<'a> = "MsgKey";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when a user marked everything as read, in one-to-one chats and in groups.
    C2cAfterMsgReadAll = "C2C.CallbackAfterMsgReadAll", After, AFTER, "c2c" {
        key ["Report_Account", "EventTime"]; source "cloud.tencent.com/document/product/269/128225";
        request {
            /// ID of the user who has read.
            report_account: Text<'a> = "Report_Account";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
            /// The groups, and up to where they were read.
            group_read_info: Vec<GroupReadInfo<'a>> = "GroupReadInfo" or_empty;
        }
    }

    /// Sent when the extensions of a one-to-one message were set, deleted or cleared.
    C2cAfterMsgExtension = "C2C.CallbackAfterC2CMsgExtension", After, AFTER, "c2c" {
        key ["MsgKey", "Seq"]; source "www.tencentcloud.com/document/product/1047/76006";
        request {
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// ID of the user concerned.
            to_account: Text<'a> = "To_Account";
            /// ID of the message.
            msg_key: Text<'a> = "MsgKey";
            /// 1 set, 2 deleted, 3 cleared.
            operate_type: i64 = "OperateType";
            /// The extensions; empty if all were cleared.
            extension_list: Vec<MessageExtension<'a>> = "ExtensionList" or_empty;
            /// Version of the message's extensions.
            seq: i64 = "Seq";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent before a group is created.
    ///
    /// Nothing of the group can be changed. Codes 10100 to 10200 and their text reach the app.
    GroupBeforeCreate = "Group.CallbackBeforeCreateGroup", Before, GROUP, "group" {
        key ["Operator_Account", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34368";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the owner.
            owner_account: Text<'a> = "Owner_Account";
            /// Type of the group: `Private`, `Public`, `ChatRoom`, `AVChatRoom`, `Community` or a newer name.
            group_type: Text<'a> = "Type";
            /// Name of the group.
            name: Text<'a> = "Name";
            /// Groups that the user has already; only in some regions.
            create_group_num: Option<i64> = "CreateGroupNum";
            /// Seen in one SDK only.
            created_group_num: Option<Raw<'a>> = "CreatedGroupNum";
            /// The first members.
            member_list: Vec<GroupMember<'a>> = "MemberList";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when a group was created.
    GroupAfterCreate = "Group.CallbackAfterCreateGroup", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34369";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the owner.
            owner_account: Text<'a> = "Owner_Account";
            /// Type of the group: `Private`, `Public`, `ChatRoom`, `AVChatRoom`, `Community` or a newer name.
            group_type: Text<'a> = "Type";
            /// Name of the group.
            name: Text<'a> = "Name";
            /// The first members.
            member_list: Vec<GroupMember<'a>> = "MemberList";
            /// Fields of the app's own; only where Tencent has switched them on.
            user_defined_data_list: Vec<CustomField<'a>> = "UserDefinedDataList" or_empty;
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when a client asks to join a group.
    ///
    /// Allowed means that the application goes on; an administrator may still have to approve it. Codes 10100 to 10200
    /// and their text reach the app.
    GroupBeforeApplyJoinGroup = "Group.CallbackBeforeApplyJoinGroup", Before, GROUP, "group" {
        key ["GroupId", "Requestor_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34370";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group: `Private`, `Public`, `ChatRoom`, `AVChatRoom`, `Community` or a newer name.
            group_type: Text<'a> = "Type";
            /// ID of the user who asks.
            requestor_account: Text<'a> = "Requestor_Account";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent before users are invited or added to a group.
    ///
    /// A denial stops all of them, `refuse_some` single ones. Codes 10100 to 10200 and their text reach the app.
    GroupBeforeInviteJoinGroup = "Group.CallbackBeforeInviteJoinGroup", Before, GROUP_INVITE, "group" {
        key ["GroupId", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34371";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group: `Private`, `Public`, `ChatRoom`, `AVChatRoom`, `Community` or a newer name.
            group_type: Text<'a> = "Type";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// The users to be invited.
            destination_members: Vec<GroupMember<'a>> = "DestinationMembers";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when members joined a group.
    GroupAfterNewMemberJoin = "Group.CallbackAfterNewMemberJoin", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34372";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group: `Private`, `Public`, `ChatRoom`, `AVChatRoom`, `Community` or a newer name.
            group_type: Text<'a> = "Type";
            /// `Apply` or `Invited`.
            join_type: Text<'a> = "JoinType";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// The members who joined.
            new_member_list: Vec<GroupMember<'a>> = "NewMemberList";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when members left a group or were removed.
    GroupAfterMemberExit = "Group.CallbackAfterMemberExit", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34373";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group: `Private`, `Public`, `ChatRoom`, `AVChatRoom`, `Community` or a newer name.
            group_type: Text<'a> = "Type";
            /// `Kicked` or `Quit`.
            exit_type: Text<'a> = "ExitType";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// The members who left.
            exit_member_list: Vec<GroupMember<'a>> = "ExitMemberList";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent before a group message is delivered, from clients and from the REST API.
    ///
    /// The message has no sequence number and no time yet. Live rooms send it too, with the type `Live`. Codes 10100 to
    /// 10200 and their text reach the app.
    ///
    /// A new `MsgBody` replaces all elements; one that is left out is gone.
    GroupBeforeSendMsg = "Group.CallbackBeforeSendMsg", Before, GROUP_SEND, "group" {
        key ["GroupId", "From_Account", "Random"]; source "www.tencentcloud.com/document/product/1047/34374";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group: `Private`, `Public`, `ChatRoom`, `AVChatRoom`, `Community` or a newer name.
            group_type: Text<'a> = "Type";
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Random number of the message.
            random: u32 = "Random";
            /// ID that the client gave to the message.
            msg_id: Option<Text<'a>> = "MsgId";
            /// 1 for a message that goes only to users who are online and is not stored.
            online_only_flag: i64 = "OnlineOnlyFlag";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
            /// ID of the topic; only in communities with topics.
            topic_id: Option<Text<'a>> = "TopicId";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
        changes {
            msg_body: Vec<Elem> = "MsgBody" NonNull "MsgBody";
            cloud_custom_data: String = "CloudCustomData" NonNull "CloudCustomData";
        }
    }

    /// Sent when a group message was accepted.
    GroupAfterSendMsg = "Group.CallbackAfterSendMsg", After, AFTER, "group" {
        key ["GroupId", "TopicId", "MsgSeq"]; source "www.tencentcloud.com/document/product/1047/34375";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group: `Private`, `Public`, `ChatRoom`, `AVChatRoom`, `Community` or a newer name.
            group_type: Text<'a> = "Type";
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Random number of the message.
            random: u32 = "Random";
            /// Sequence number of the message.
            msg_seq: u32 = "MsgSeq";
            /// When it was sent, in seconds since 1970.
            msg_time: i64 = "MsgTime";
            /// ID that the client gave to the message.
            msg_id: Option<Text<'a>> = "MsgId";
            /// 1 for a message that goes only to users who are online and is not stored.
            online_only_flag: i64 = "OnlineOnlyFlag";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
            /// ID of the topic; only in communities with topics.
            topic_id: Option<Text<'a>> = "TopicId";
            /// Who is mentioned.
            group_at_info: Vec<GroupAtInfo<'a>> = "GroupAtInfo" or_empty;
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when a group has reached its limit of members, or when somebody could not join because of it.
    GroupAfterFull = "Group.CallbackAfterGroupFull", After, AFTER, "group" {
        key ["GroupId", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34376";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when a group was dissolved.
    GroupAfterDestroyed = "Group.CallbackAfterGroupDestroyed", After, AFTER, "group" {
        key ["GroupId", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34377";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group: `Private`, `Public`, `ChatRoom`, `AVChatRoom`, `Community` or a newer name.
            group_type: Text<'a> = "Type";
            /// ID of the owner.
            owner_account: Text<'a> = "Owner_Account";
            /// Name of the group.
            name: Text<'a> = "Name";
            /// The members.
            member_list: Vec<GroupMember<'a>> = "MemberList";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when name, introduction, notice or picture of a group changed. Only what changed is there.
    GroupAfterInfoChanged = "Group.CallbackAfterGroupInfoChanged", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34378";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group: `Private`, `Public`, `ChatRoom`, `AVChatRoom`, `Community` or a newer name.
            group_type: Text<'a> = "Type";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// The new name.
            name: Option<Text<'a>> = "Name";
            /// The new introduction.
            introduction: Option<Text<'a>> = "Introduction";
            /// The new notice.
            notification: Option<Text<'a>> = "Notification";
            /// Address of the new picture.
            face_url: Option<Text<'a>> = "FaceUrl";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when messages of a group were recalled.
    ///
    /// Not every list of Tencent's commands has this one.
    GroupAfterRecallMsg = "Group.CallbackAfterRecallMsg", After, AFTER, "group" {
        key ["Operator_Account", "GroupId", "EventTime"]; source "cloud.tencent.com/document/product/269/1618";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Type of the group: `Private`, `Public`, `ChatRoom`, `AVChatRoom`, `Community` or a newer name.
            group_type: Text<'a> = "Type";
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// The messages.
            msg_seq_list: Vec<MsgSeqItem<'a>> = "MsgSeqList";
            /// ID of the topic; only in communities with topics.
            topic_id: Option<Text<'a>> = "TopicId";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when a stored group message was edited.
    GroupAfterModifyMsg = "Group.CallbackAfterModifyMsg", After, AFTER, "group" {
        key ["GroupId", "TopicId", "MsgSeq", "EventTime"]; source "cloud.tencent.com/document/product/269/129193";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// ID of the topic; only in communities with topics.
            topic_id: Option<Text<'a>> = "TopicId";
            /// Sequence number of the message.
            msg_seq: u32 = "MsgSeq";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when the extensions of a group message were set, deleted or cleared.
    GroupAfterMsgExtension = "Group.CallbackAfterGroupMsgExtension", After, AFTER, "group" {
        key ["GroupId", "MsgSeq", "Seq"]; source "www.tencentcloud.com/document/product/1047/76007";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Sequence number of the message.
            msg_seq: u32 = "MsgSeq";
            /// 1 set, 2 deleted, 3 cleared.
            operate_type: i64 = "OperateType";
            /// The extensions; empty if all were cleared.
            extension_list: Vec<MessageExtension<'a>> = "ExtensionList" or_empty;
            /// Version of the message's extensions.
            seq: i64 = "Seq";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when members of a live group (`AVChatRoom`) came online or went offline.
    ///
    /// Comes from Tencent's own servers: the query names no client.
    GroupOnMemberStateChange = "Group.CallbackOnMemberStateChange", After, AFTER, "group" {
        key ["GroupId", "EventTime"]; source "www.tencentcloud.com/document/product/1047/48734";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group; seen in one SDK only.
            group_type: Option<Text<'a>> = "Type";
            /// `Online` or `Offline`.
            event_type: Text<'a> = "EventType";
            /// `Join`, `Quit`, `HeartbeatInterrupt` or `HeartbeatRecover`.
            event_cause: Text<'a> = "EventCause";
            /// The members.
            member_list: Vec<GroupMember<'a>> = "MemberList";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Sent when a group message could not be sent.
    GroupSendMsgException = "Group.CallbackSendMsgException", After, AFTER, "group" {
        key ["GroupId", "From_Account", "Random"]; source "www.tencentcloud.com/document/product/1047/49462";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group: `Private`, `Public`, `ChatRoom`, `AVChatRoom`, `Community` or a newer name.
            group_type: Text<'a> = "Type";
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Random number of the message.
            random: u32 = "Random";
            /// 1 for a message that goes only to users who are online and is not stored.
            online_only_flag: i64 = "OnlineOnlyFlag";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
            /// ID of the topic; only in communities with topics.
            topic_id: Option<Text<'a>> = "TopicId";
            /// The code that the sender got.
            error_code: i64 = "ErrorCode";
            /// The failure in words.
            error_info: Text<'a> = "ErrorInfo";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent before a topic of a community is created. The community's ID is not among its members.
    ///
    /// Switched on together with [`GroupBeforeCreate`]. Codes 10100 to 10200 and their text reach the app.
    GroupBeforeCreateTopic = "Group.CallbackBeforeCreateTopic", Before, GROUP, "group" {
        key ["Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/49463";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Type of the group: `Community`.
            group_type: Text<'a> = "Type";
            /// Name of the topic.
            name: Text<'a> = "Name";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when a topic of a community was created.
    GroupAfterCreateTopic = "Group.CallbackAfterCreateTopic", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/49464";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// ID of the topic.
            topic_id: Text<'a> = "TopicId";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the owner.
            owner_account: Text<'a> = "Owner_Account";
            /// Type of the group: `Community`.
            group_type: Text<'a> = "Type";
            /// Name of the topic.
            name: Text<'a> = "Name";
            /// Fields of the app's own; only where Tencent has switched them on.
            user_defined_data_list: Vec<CustomField<'a>> = "UserDefinedDataList" or_empty;
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Sent when topics of a community were dissolved.
    GroupAfterTopicDestroyed = "Group.CallbackAfterTopicDestroyed", After, AFTER, "group" {
        key ["GroupId", "EventTime"]; source "www.tencentcloud.com/document/product/1047/49465";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group: `Community`.
            group_type: Text<'a> = "Type";
            /// IDs of the topics.
            topic_id_list: Vec<Text<'a>> = "TopicIdList";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Sent when name, introduction, notice or picture of a topic changed. Only what changed is there.
    ///
    /// Switched on together with [`GroupAfterInfoChanged`].
    GroupAfterTopicInfoChanged = "Group.CallbackAfterTopicInfoChanged", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/49466";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group: `Community`.
            group_type: Text<'a> = "Type";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// The new name.
            name: Option<Text<'a>> = "Name";
            /// The new introduction.
            introduction: Option<Text<'a>> = "Introduction";
            /// The new notice.
            notification: Option<Text<'a>> = "Notification";
            /// Address of the new picture.
            face_url: Option<Text<'a>> = "FaceUrl";
            /// ID of the topic; not on Tencent's page.
            topic_id: Option<Text<'a>> = "TopicId";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Sent when a member's role or name in a group changed. Only what changed is there.
    GroupAfterMemberFieldChanged = "Group.CallbackAfterMemberFieldChanged", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "Modified_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60393";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group: `Private`, `Public`, `ChatRoom`, `AVChatRoom`, `Community` or a newer name.
            group_type: Text<'a> = "Type";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the member.
            modified_account: Text<'a> = "Modified_Account";
            /// The new role: `Admin` or `Member`.
            role: Option<Text<'a>> = "Role";
            /// The new name in the group.
            name_card: Option<Text<'a>> = "NameCard";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when attributes of a group changed.
    GroupAfterAttrChanged = "Group.CallbackAfterGroupAttrChanged", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60394";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group: `Private`, `Public`, `ChatRoom`, `AVChatRoom`, `Community` or a newer name.
            group_type: Text<'a> = "Type";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// `set`, `modify`, `delete` or `clear`.
            option_type: Text<'a> = "OptionType";
            /// The attributes.
            group_attr: Vec<GroupAttribute<'a>> = "GroupAttr" or_empty;
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when read receipts for group messages were sent.
    GroupAfterReadReceipt = "Group.CallbackAfterReadReceipt", After, AFTER, "group" {
        key ["GroupId", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60395";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group: `Private`, `Public`, `ChatRoom`, `AVChatRoom`, `Community` or a newer name.
            group_type: Text<'a> = "Type";
            /// The messages, and who has read them.
            group_msg_receipt_list: Vec<GroupReceipt<'a>> = "GroupMsgReceiptList";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when a group got another owner.
    GroupAfterChangeGroupOwner = "Group.CallbackAfterChangeGroupOwner", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "OldOwner_Account", "NewOwner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60396";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group: `Private`, `Public`, `ChatRoom`, `AVChatRoom`, `Community` or a newer name.
            group_type: Text<'a> = "Type";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the owner until now.
            old_owner_account: Text<'a> = "OldOwner_Account";
            /// ID of the new owner.
            new_owner_account: Text<'a> = "NewOwner_Account";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when 70 % of the day's quota of new groups is used up.
    GroupOnDailyGroupQuotaAlarm = "Group.CallbackOnDailyGroupQuotaAlarm", After, AFTER, "alarm" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/1047/57455";
        request {
            /// Groups created today.
            quota_used: i64 = "QuotaUsed";
            /// Groups that may be created in a day.
            quota: i64 = "Quota";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when the calls of an interface have reached 80 % of its limit.
    ///
    /// Switched on for every application that has a callback URL.
    AlertRequestOverLimit = "Alert.RequestOverLimit", After, AFTER, "alarm" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/1047/60256";
        request {
            /// Name of the service.
            service_name: Text<'a> = "ServiceName";
            /// Name of the interface.
            command: Text<'a> = "Command";
            /// Calls that were counted.
            request: i64 = "Request";
            /// Calls that are allowed.
            limit: i64 = "Limit";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Sent when a user wrote to a bot (an account that begins with `@RBT#`).
    ///
    /// The bot's reply is sent through the REST API, not with the answer.
    BotOnC2cMessage = "Bot.OnC2CMessage", After, AFTER, "bot" {
        key ["MsgKey"]; source "www.tencentcloud.com/document/product/1047/68952";
        request {
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// ID of the user concerned.
            to_account: Text<'a> = "To_Account";
            /// Sequence number of the message.
            msg_seq: u32 = "MsgSeq";
            /// Random number of the message.
            msg_random: u32 = "MsgRandom";
            /// When it was sent, in seconds since 1970.
            msg_time: i64 = "MsgTime";
            /// ID of the message.
            msg_key: Text<'a> = "MsgKey";
            /// ID that the client gave to the message.
            msg_id: Option<Text<'a>> = "MsgId";
            /// 1 for a message that goes only to users who are online and is not stored.
            online_only_flag: i64 = "OnlineOnlyFlag";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when a group message mentioned a bot.
    ///
    /// The bot's reply is sent through the REST API, not with the answer.
    BotOnGroupMessage = "Bot.OnGroupMessage", After, AFTER, "bot" {
        key ["GroupId", "MsgSeq"]; source "www.tencentcloud.com/document/product/1047/68953";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group: `Private`, `Public`, `ChatRoom`, `AVChatRoom`, `Community` or a newer name.
            group_type: Text<'a> = "Type";
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Random number of the message.
            random: u32 = "Random";
            /// Sequence number of the message.
            msg_seq: u32 = "MsgSeq";
            /// When it was sent, in seconds since 1970.
            msg_time: i64 = "MsgTime";
            /// 1 for a message that goes only to users who are online and is not stored.
            online_only_flag: i64 = "OnlineOnlyFlag";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// IDs of the bots.
            at_robots_account: Vec<Text<'a>> = "AtRobots_Account";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when a client signals a chatbot and waits for its text.
    ///
    /// Answer with `reply`; a denial makes the client get none.
    ChatbotOnC2cSignalMessage = "Chatbot.OnC2CSignalMessage", Before, CHATBOT, "bot" {
        key ["MsgKey"]; source "www.tencentcloud.com/document/product/1047/59057";
        request {
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// ID of the user concerned.
            to_account: Text<'a> = "To_Account";
            /// Sequence number of the message.
            msg_seq: u32 = "MsgSeq";
            /// Random number of the message.
            msg_random: u32 = "MsgRandom";
            /// ID of the message.
            msg_key: Text<'a> = "MsgKey";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
            /// The signal: whatever the app's clients send.
            data: Text<'a> = "Data";
        }
    }

    /// Sent when Tencent's moderation has judged a message, a profile, a group or a relation.
    ContentCallbackResultNotify = "ContentCallback.ResultNotify", After, AFTER, "moderation" {
        key ["CtxcbRequestId"]; source "www.tencentcloud.com/document/product/1047/78240";
        request {
            /// Where it was: `C2C`, `C2CCustom`, `Group`, `GroupCustom`, `GroupInfo`, `GroupMemberInfo`,
            /// `RelationChain` or `UserInfo`.
            scene: Text<'a> = "Scene";
            /// ID of the application.
            sdk_app_id: i64 = "SdkAppId";
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// Whom the content was for.
            contact_item: ContactItem<'a> = "ContactItem";
            /// `Text`, `Image`, `Audio` or `Video`.
            content_type: Text<'a> = "ContentType";
            /// The texts.
            text_content: Vec<Text<'a>> = "TextContent" or_empty;
            /// Address of the file.
            file_url: Option<Text<'a>> = "FileURL";
            /// ID of the message.
            msg_id: Option<Text<'a>> = "MsgID";
            /// 1 blocked, 0 passed.
            ctxcb_result: i64 = "CtxcbResult";
            /// ID of the judgement.
            ctxcb_request_id: Text<'a> = "CtxcbRequestId";
            /// Words that were found.
            ctxcb_keywords: Vec<Text<'a>> = "CtxcbKeywords" or_empty;
            /// What is suggested.
            ctxcb_suggestion: Text<'a> = "CtxcbSuggestion";
            /// What it was judged to be.
            ctxcb_label: Text<'a> = "CtxcbLabel";
            /// The same, in more detail.
            ctxcb_sub_label: Option<Text<'a>> = "CtxcbSubLabel";
            /// The detail in words.
            ctxcb_sub_label_desc: Option<Text<'a>> = "CtxcbSubLabelDesc";
            /// Name of the word list that matched.
            ctxcb_lib_name: Option<Text<'a>> = "CtxcbLibName";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
        }
    }

    /// Sent when an offline push was sent, reached its device or was clicked.
    ///
    /// Tencent sends up to 100 in one request; the host hands them over one by one. `EventTime` is in seconds here.
    PushOffline = "Push.OfflinePush", After, AFTER, "push" {
        key ["MsgKey"]; source "www.tencentcloud.com/document/product/1047/67552";
        request {
            /// 1 one-to-one, 2 group.
            event_type: i64 = "EventType";
            /// When it happened, in seconds since 1970.
            event_time: i64 = "EventTime";
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// ID of the user concerned.
            to_account: Text<'a> = "To_Account";
            /// ID of the group.
            group_id: Option<Text<'a>> = "GroupID";
            /// 0 unknown, 1 APNs, 2 Xiaomi, 3 Huawei, 4 FCM, 5 Meizu, 6 OPPO, 7 vivo, 8 Honor.
            push_platform: i64 = "PushPlatform";
            /// 1 sent, 2 reached, 3 clicked.
            push_stage: i64 = "PushStage";
            /// ID of the message.
            msg_key: Option<Text<'a>> = "MsgKey";
            /// Sequence number of the message.
            msg_seq: Option<u32> = "MsgSeq";
            /// Random number of the message.
            msg_random: Option<u32> = "MsgRandom";
            /// When it was sent, in seconds since 1970.
            msg_time: Option<i64> = "MsgTime";
            /// ID of the push.
            push_id: Text<'a> = "PushID";
            /// Code of the result.
            err_code: i64 = "ErrCode";
            /// The result in words.
            err_info: Text<'a> = "ErrInfo";
        }
        batch "Events"
    }

    /// Sent for each stage of a push to all users or to those with a tag.
    ///
    /// Tencent sends up to 100 in one request; the host hands them over one by one. `EventTime` is in seconds here.
    PushAllMember = "Push.AllMemberPush", After, AFTER, "push" {
        key ["TaskId", "PushStage", "To_Account"]; source "www.tencentcloud.com/document/product/1047/67551";
        request {
            /// 1 offline push, 2 online push.
            event_type: i64 = "EventType";
            /// ID of the task.
            task_id: Text<'a> = "TaskId";
            /// When the task was made, in seconds since 1970.
            task_time: i64 = "TaskTime";
            /// When it happened, in seconds since 1970.
            event_time: i64 = "EventTime";
            /// ID of the user concerned.
            to_account: Text<'a> = "To_Account";
            /// The push service, as a number.
            push_platform: i64 = "PushPlatform";
            /// The stage, as a number.
            push_stage: i64 = "PushStage";
            /// Code of the result.
            err_code: i64 = "ErrCode";
            /// The result in words.
            err_info: Text<'a> = "ErrInfo";
        }
        batch "Events"
    }

    /// Sent before an official channel is created.
    ///
    /// Codes 120001 to 130000 and their text reach the app.
    OfficialBeforeCreate = "OfficialAccount.CallbackBeforeCreateOfficialAccount", Before, OFFICIAL_CREATE, "official_channel" {
        key ["Operator_Account", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60795";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the owner.
            owner_account: Text<'a> = "Owner_Account";
            /// Name of the channel.
            name: Text<'a> = "Name";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when an official channel was created.
    OfficialAfterCreate = "OfficialAccount.CallbackAfterCreateOfficialAccount", After, AFTER, "official_channel" {
        key ["Operator_Account", "Official_Account", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60796";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the channel; begins with `@TOA#_`.
            official_account: Text<'a> = "Official_Account";
            /// ID of the owner.
            owner_account: Text<'a> = "Owner_Account";
            /// Name of the channel.
            name: Text<'a> = "Name";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when the profile of an official channel changed. Only what changed is there.
    OfficialAfterInfoChanged = "OfficialAccount.CallbackAfterOfficialAccountInfoChanged", After, AFTER, "official_channel" {
        key ["Official_Account", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60797";
        request {
            /// ID of the channel; begins with `@TOA#_`.
            official_account: Text<'a> = "Official_Account";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// The new name.
            name: Option<Text<'a>> = "Name";
            /// The new introduction.
            introduction: Option<Text<'a>> = "Introduction";
            /// Address of the new picture.
            face_url: Option<Text<'a>> = "FaceUrl";
            /// The new organisation.
            organization: Option<Text<'a>> = "Organization";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when an official channel was removed.
    OfficialAfterDestroyed = "OfficialAccount.CallbackAfterOfficialAccountDestroyed", After, AFTER, "official_channel" {
        key ["Official_Account", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60798";
        request {
            /// ID of the channel; begins with `@TOA#_`.
            official_account: Text<'a> = "Official_Account";
            /// ID of the owner.
            owner_account: Text<'a> = "Owner_Account";
            /// Name of the channel.
            name: Text<'a> = "Name";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent before users subscribe to an official channel.
    ///
    /// A denial stops all of them, `refuse_some` single ones. Codes of the app's own are not documented.
    OfficialBeforeAddSubscriber = "OfficialAccount.CallbackBeforeAddSubscriber", Before, OFFICIAL_SUBSCRIBE, "official_channel" {
        key ["Official_Account", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60799";
        request {
            /// ID of the channel; begins with `@TOA#_`.
            official_account: Text<'a> = "Official_Account";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// The users.
            subscribe_account_list: Vec<Subscriber<'a>> = "SubscribeAccountList";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when users subscribed to an official channel.
    OfficialAfterAddSubscriber = "OfficialAccount.CallbackAfterAddSubscriber", After, AFTER, "official_channel" {
        key ["Official_Account", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60800";
        request {
            /// ID of the channel; begins with `@TOA#_`.
            official_account: Text<'a> = "Official_Account";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// The users.
            subscribe_account_list: Vec<Subscriber<'a>> = "SubscribeAccountList";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when an official channel has reached its limit of subscribers.
    OfficialAfterFull = "OfficialAccount.CallbackAfterOfficialAccountFull", After, AFTER, "official_channel" {
        key ["Official_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60801";
        request {
            /// ID of the channel; begins with `@TOA#_`.
            official_account: Text<'a> = "Official_Account";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when subscribers of an official channel were removed.
    OfficialAfterDeleteSubscriber = "OfficialAccount.CallbackAfterDeleteSubscriber", After, AFTER, "official_channel" {
        key ["Official_Account", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60802";
        request {
            /// ID of the channel; begins with `@TOA#_`.
            official_account: Text<'a> = "Official_Account";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// The users.
            subscribe_account_list: Vec<Subscriber<'a>> = "SubscribeAccountList";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent before a message of an official channel goes to its subscribers. The message has no ID yet.
    ///
    /// Codes 120001 to 130000 and their text reach the app.
    ///
    /// A new `MsgBody` replaces all elements; one that is left out is gone.
    OfficialBeforeSendMsg = "OfficialAccount.CallbackBeforeSendMsg", Before, OFFICIAL_SEND, "official_channel" {
        key []; source "www.tencentcloud.com/document/product/1047/60803";
        request {
            /// ID of the channel; begins with `@TOA#_`.
            official_account: Text<'a> = "Official_Account";
            /// 1 for a message that goes only to users who are online and is not stored.
            online_only_flag: i64 = "OnlineOnlyFlag";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
        changes {
            msg_body: Vec<Elem> = "MsgBody" NonNull "MsgBody";
            cloud_custom_data: String = "CloudCustomData" NonNull "CloudCustomData";
        }
    }

    /// Sent when a message of an official channel went to its subscribers.
    OfficialAfterSendMsg = "OfficialAccount.CallbackAfterSendMsg", After, AFTER, "official_channel" {
        key ["MsgKey"]; source "www.tencentcloud.com/document/product/1047/60804";
        request {
            /// ID of the channel; begins with `@TOA#_`.
            official_account: Text<'a> = "Official_Account";
            /// ID of the message.
            msg_key: Text<'a> = "MsgKey";
            /// When it was sent, in seconds since 1970.
            msg_time: i64 = "MsgTime";
            /// 1 for a message that goes only to users who are online and is not stored.
            online_only_flag: i64 = "OnlineOnlyFlag";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when messages of an official channel were recalled.
    OfficialAfterMsgWithDraw = "OfficialAccount.CallbackAfterMsgWithDraw", After, AFTER, "official_channel" {
        key ["Official_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60805";
        request {
            /// ID of the channel; begins with `@TOA#_`.
            official_account: Text<'a> = "Official_Account";
            /// The messages.
            withdraw_msg_list: Vec<WithdrawnMsg<'a>> = "WithdrawMsgList";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent before a gift is given in a live room.
    ///
    /// If no answer comes, Tencent blocks the gift, unlike everything else; set `on_fault_for` to match. Codes 102100
    /// to 102200 and their text reach the app.
    LiveBeforeSendGift = "Live.CallbackBeforeSendGift", Before, GIFT, "live" {
        key []; source "www.tencentcloud.com/document/product/647/72210";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the room.
            room_id: Text<'a> = "RoomId";
            /// What is given to whom.
            gift_water: GiftOrder<'a> = "GiftWater";
        }
    }

    /// Sent when a member entered or left a live room, was removed, or lost the connection.
    LiveAfterMemberStateChanged = "Live.CallbackAfterMemberStateChanged", After, AFTER, "live" {
        key ["RoomId", "EventTime"]; source "www.tencentcloud.com/document/product/647/64424";
        request {
            /// ID of the room.
            room_id: Text<'a> = "RoomId";
            /// What happened.
            event_type: Option<Text<'a>> = "EventType";
            /// `Enter`, `Leave`, `Kicked`, `HeartbeatInterrupt` or `HeartbeatRecover`.
            event_cause: Text<'a> = "EventCause";
            /// The members.
            member_list: Vec<GroupMember<'a>> = "MemberList";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when a live room was created.
    LiveAfterCreateRoom = "Live.CallbackAfterCreateRoom", After, AFTER, "live" {
        key ["Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/647/64422";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// The room.
            room_info: LiveRoomInfo<'a> = "RoomInfo";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Sent when the profile of a live room changed. Expect only what changed.
    LiveAfterUpdateRoomInfo = "Live.CallbackAfterUpdateRoomInfo", After, AFTER, "live" {
        key ["Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/647/67938";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// The room.
            room_info: LiveRoomInfo<'a> = "RoomInfo";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when a live room was closed.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    LiveAfterDestroyRoom = "Live.CallbackAfterDestroyRoom", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/64423";
        request {}
    }

    /// Sent when metadata of a live room were set.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    LiveAfterSetMetadata = "Live.CallbackAfterSetMetadata", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/68222";
        request {}
    }

    /// Sent when metadata of a live room were deleted.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    LiveAfterDelMetadata = "Live.CallbackAfterDelMetadata", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/68223";
        request {}
    }

    /// Sent when 70 % of the possible rooms exist.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    LiveAfterCreateRoomReachingThreshold = "Live.CallbackAfterCreateRoomReachingThreshold", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/70485";
        request {}
    }

    /// Sent when a live room got another owner.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    LiveAfterChangeOwner = "Live.CallbackAfterChangeOwner", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/72553";
        request {}
    }

    /// Sent when the administrators of a live room changed.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    LiveAfterModifyAdmin = "Live.CallbackAfterModifyAdmin", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/72554";
        request {}
    }

    /// Sent when the seats of a live room changed.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    MicAfterSeatInfoChanged = "Mic.CallbackAfterSeatInfoChanged", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/64425";
        request {}
    }

    /// Sent when a battle between live rooms was set up.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    LiveAfterCreateBattle = "Live.CallbackAfterCreateBattle", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/68259";
        request {}
    }

    /// Sent when a battle between live rooms began.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    LiveAfterStartBattle = "Live.CallbackAfterStartBattle", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/68260";
        request {}
    }

    /// Sent when a battle between live rooms ended.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    LiveAfterEndBattle = "Live.CallbackAfterEndBattle", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/68261";
        request {}
    }

    /// Sent when a client started a call.
    ///
    /// Switched on through the REST API, not in the console.
    CallAfterStart = "Call.CallbackAfterStartCall", After, AFTER, "call" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/647/68941";
        request {
            /// The call.
            call_info: CallInfo<'a> = "CallInfo";
            /// The users of the call.
            user_list: Vec<CallUser<'a>> = "UserList";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when a call ended.
    ///
    /// Its members come from an integrator's notes, not from Tencent's page: expect surprises.
    CallAfterEnd = "Call.CallbackAfterEndCall", After, AFTER, "call" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/647/68940";
        request {
            /// The call.
            call_record: CallRecord<'a> = "CallRecord";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when the members of a call changed.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    CallAfterMemberChanged = "Call.CallbackAfterMemberChanged", After, AFTER, "call" {
        key []; source "www.tencentcloud.com/document/product/647/68934";
        request {}
    }

    /// Sent when a conference room was created.
    RoomAfterCreateRoom = "Room.CallbackAfterCreateRoom", After, AFTER, "room" {
        key ["Operator_Account", "ScheduleInviteeList_Account", "EventTime"]; source "www.tencentcloud.com/document/product/647/60733";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// The room.
            room_info: ConferenceRoomInfo<'a> = "RoomInfo";
            /// IDs of the users who are invited.
            schedule_invitee_list_account: Vec<Text<'a>> = "ScheduleInviteeList_Account" or_empty;
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when users entered a conference room.
    RoomAfterMemberEnter = "Room.CallbackAfterMemberEnter", After, AFTER, "room" {
        key ["Operator_Account", "RoomId", "MemberList_Account", "EventTime"]; source "www.tencentcloud.com/document/product/647/60735";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the room.
            room_id: Text<'a> = "RoomId";
            /// Number of members.
            member_count: i64 = "MemberCount";
            /// What happened: `Enter`.
            group_type: Text<'a> = "Type";
            /// IDs of the users.
            member_list_account: Vec<Text<'a>> = "MemberList_Account";
            /// When it happened, in milliseconds since 1970; written as a number or as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Sent when users left a conference room.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    RoomAfterMemberLeave = "Room.CallbackAfterMemberLeave", After, AFTER, "room" {
        key []; source "www.tencentcloud.com/document/product/647/60720";
        request {}
    }

    /// Sent when a conference room was closed.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    RoomAfterDestroyRoom = "Room.CallbackAfterDestroyRoom", After, AFTER, "room" {
        key []; source "www.tencentcloud.com/document/product/647/60720";
        request {}
    }

    /// Sent when the profile of a conference room changed.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    RoomAfterUpdateRoomInfo = "Room.CallbackAfterUpdateRoomInfo", After, AFTER, "room" {
        key []; source "www.tencentcloud.com/document/product/647/60720";
        request {}
    }
}

objects! {
    /// Who came or went, and why.
    StateInfo {
        /// `Login`, `Logout` or `Disconnect`.
        action: Text<'a> = "Action";
        /// ID of the user concerned.
        to_account: Text<'a> = "To_Account";
        /// `Register`, `Unregister`, `LinkClose` or `TimeOut`.
        reason: Text<'a> = "Reason";
    }

    /// A device that a new login put out.
    KickedDevice {
        /// `iOS`, `Android`, `Web`, `Windows`, `iPad`, `Mac` or `Linux`.
        platform: Text<'a> = "Platform";
    }

    /// One changed member of a profile.
    ProfileItem {
        /// Which: `Tag_Profile_IM_…` or `Tag_Profile_Custom_…`.
        tag: Text<'a> = "Tag";
        /// Its new value: text or a whole number.
        value: Raw<'a> = "Value";
    }

    /// One user who is asked.
    FriendItem {
        /// ID of the user concerned.
        to_account: Text<'a> = "To_Account";
        /// Remark on the friend.
        remark: Option<Text<'a>> = "Remark";
        /// Group in the user's list of friends.
        group_name: Option<Text<'a>> = "GroupName";
        /// Where the request comes from.
        add_source: Text<'a> = "AddSource";
        /// Text of the request.
        add_wording: Option<Text<'a>> = "AddWording";
    }

    /// One request that is answered.
    ResponseFriendItem {
        /// ID of the user concerned.
        to_account: Text<'a> = "To_Account";
        /// Remark on the friend.
        remark: Option<Text<'a>> = "Remark";
        /// Group in the user's list of friends.
        tag_name: Option<Text<'a>> = "TagName";
        /// `Response_Action_AgreeAndAdd`, `Response_Action_Agree` or `Response_Action_Reject`.
        response_action: Text<'a> = "ResponseAction";
    }

    /// Two users, and who of them began.
    InitiatedPair {
        /// ID of the user who acts.
        from_account: Text<'a> = "From_Account";
        /// ID of the user concerned.
        to_account: Text<'a> = "To_Account";
        /// ID of the user who began.
        initiator_account: Text<'a> = "Initiator_Account";
    }

    /// Two users.
    Pair {
        /// ID of the user who acts.
        from_account: Text<'a> = "From_Account";
        /// ID of the user concerned.
        to_account: Text<'a> = "To_Account";
    }

    /// A user who is followed.
    FollowedUser {
        /// ID of the user concerned.
        to_account: Text<'a> = "To_Account";
    }

    /// A message that was read.
    C2cMsgInfo {
        /// ID of the user who acts.
        from_account: Text<'a> = "From_Account";
        /// ID of the user concerned.
        to_account: Text<'a> = "To_Account";
        /// ID of the message.
        msg_key: Text<'a> = "MsgKey";
        /// ID that the client gave to the message.
        msg_id: Option<Text<'a>> = "MsgId";
    }

    /// A group whose messages were read.
    GroupReadInfo {
        /// ID of the group.
        group_id: Text<'a> = "GroupId";
        /// Sequence number up to which was read.
        msg_seq: u32 = "MsgSeq";
    }

    /// One extension of a message.
    MessageExtension {
        /// Its name.
        key: Text<'a> = "Key";
        /// Its value.
        value: Option<Text<'a>> = "Value";
        /// Version of this extension.
        seq: Option<i64> = "Seq";
    }

    /// A member of a group.
    GroupMember {
        /// ID of the member.
        member_account: Text<'a> = "Member_Account";
    }

    /// A field of the app's own.
    CustomField {
        /// Its name.
        key: Text<'a> = "Key";
        /// Its value.
        value: Text<'a> = "Value";
    }

    /// A mention.
    GroupAtInfo {
        /// 1 everyone, 0 one user.
        group_at_all_flag: i64 = "GroupAtAllFlag";
        /// ID of the user.
        group_at_account: Option<Text<'a>> = "GroupAt_Account";
    }

    /// The sequence number of a message.
    MsgSeqItem {
        /// Sequence number of the message.
        msg_seq: u32 = "MsgSeq";
    }

    /// One attribute of a group.
    GroupAttribute {
        /// Its name.
        key: Text<'a> = "key";
        /// Its value.
        value: Option<Text<'a>> = "value";
    }

    /// Read receipts of one message.
    GroupReceipt {
        /// Sequence number of the message.
        msg_seq: u32 = "MsgSeq";
        /// Members who have read it.
        read_num: i64 = "ReadNum";
        /// Members who have not.
        unread_num: i64 = "UnreadNum";
        /// The members who sent the receipts.
        read_receipt_members: Vec<GroupMember<'a>> = "ReadReceiptMembers";
    }

    /// Whom the content was for.
    ContactItem {
        /// 1 user, 2 group.
        contact_type: i64 = "ContactType";
        /// ID of the user concerned.
        to_account: Option<Text<'a>> = "To_Account";
        /// ID of the group.
        to_group_id: Option<Text<'a>> = "ToGroupId";
    }

    /// A subscriber of a channel.
    Subscriber {
        /// ID of the user.
        subscriber_account: Text<'a> = "Subscriber_Account";
    }

    /// A message that was recalled.
    WithdrawnMsg {
        /// ID of the message.
        msg_key: Text<'a> = "MsgKey";
    }

    /// What is given to whom.
    GiftOrder {
        /// ID of the user who gives it.
        from_account: Text<'a> = "From_Account";
        /// IDs of the users who get it.
        to_account: Vec<Text<'a>> = "To_Account";
        /// When, in seconds since 1970.
        time: i64 = "Time";
        /// ID of the gift.
        gift_id: Text<'a> = "GiftId";
        /// How many.
        count: i64 = "Count";
        /// Price of one.
        coins: i64 = "Coins";
    }

    /// A live room.
    LiveRoomInfo {
        /// ID of the room.
        room_id: Text<'a> = "RoomId";
        /// Name of the room.
        room_name: Option<Text<'a>> = "RoomName";
        /// `Live` or `Meeting`.
        room_type: Option<Text<'a>> = "RoomType";
        /// ID of the owner.
        owner_account: Option<Text<'a>> = "Owner_Account";
        /// Most members.
        max_member_count: Option<i64> = "MaxMemberCount";
        /// Whether messages are switched off.
        is_message_disabled: Option<bool> = "IsMessageDisabled";
        /// The app's own data.
        custom_info: Option<Text<'a>> = "CustomInfo";
        /// Whether there are seats.
        is_seat_enabled: Option<bool> = "IsSeatEnabled";
        /// How seats are taken: `None`, `FreeToTake` or `ApplyToTake`.
        take_seat_mode: Option<Text<'a>> = "TakeSeatMode";
        /// Most seats.
        max_seat_count: Option<i64> = "MaxSeatCount";
        /// When it was created, in seconds since 1970.
        create_time: Option<i64> = "CreateTime";
        /// Whether everybody can find it.
        is_public_visible: Option<bool> = "IsPublicVisible";
        /// Address of the cover picture.
        cover_url: Option<Text<'a>> = "CoverURL";
        /// Numbers of its categories.
        category: Vec<i64> = "Category" or_empty;
        /// What is going on, as a number.
        activity_status: Option<i64> = "ActivityStatus";
    }

    /// A call that begins.
    CallInfo {
        /// ID of the call.
        call_id: Text<'a> = "CallId";
        /// `Audio` or `Video`; Tencent's table calls it `MediaType`.
        call_media_type: Text<'a> = "CallMediaType";
        /// ID of the group; may be empty.
        chat_group_id: Text<'a> = "ChatGroupId";
        /// ID of the room; may be empty.
        room_id: Text<'a> = "RoomId";
        /// 1 the room's ID is a number, 2 it is a text.
        room_id_type: i64 = "RoomIdType";
    }

    /// A user of a call.
    CallUser {
        /// ID of the user.
        user_account: Text<'a> = "User_Account";
        /// `Calling` or `Waiting`.
        status: Text<'a> = "Status";
    }

    /// A call that ended.
    CallRecord {
        /// ID of the call.
        call_id: Text<'a> = "CallId";
        /// ID of the caller.
        caller_account: Text<'a> = "Caller_Account";
        /// Audio or video.
        media_type: Text<'a> = "MediaType";
        /// Kind of call.
        call_type: Text<'a> = "CallType";
        /// When it began.
        start_time: i64 = "StartTime";
        /// When it was accepted.
        accept_time: Option<i64> = "AcceptTime";
        /// When it ended.
        end_time: i64 = "EndTime";
        /// How it ended.
        call_result: Text<'a> = "CallResult";
        /// IDs of the users who were called.
        callee_list_account: Vec<Text<'a>> = "CalleeList_Account";
        /// ID of the room.
        room_id: Text<'a> = "RoomId";
        /// 1 the room's ID is a number, 2 it is a text.
        room_id_type: i64 = "RoomIdType";
    }

    /// A conference room.
    ConferenceRoomInfo {
        /// ID of the room.
        room_id: Text<'a> = "RoomId";
        /// Name of the room.
        room_name: Option<Text<'a>> = "RoomName";
        /// `Live` or `Meeting`.
        room_type: Option<Text<'a>> = "RoomType";
        /// ID of the owner.
        owner_account: Option<Text<'a>> = "Owner_Account";
        /// Most members.
        max_member_count: Option<i64> = "MaxMemberCount";
        /// Whether messages are switched off.
        is_message_disabled: Option<bool> = "IsMessageDisabled";
        /// The app's own data.
        custom_info: Option<Text<'a>> = "CustomInfo";
        /// Whether there are seats.
        is_seat_enabled: Option<bool> = "IsSeatEnabled";
        /// How seats are taken: `None`, `FreeToTake` or `ApplyToTake`.
        take_seat_mode: Option<Text<'a>> = "TakeSeatMode";
        /// Most seats.
        max_seat_count: Option<i64> = "MaxSeatCount";
        /// When it was created, in seconds since 1970.
        create_time: Option<i64> = "CreateTime";
        /// Whether video is switched off.
        is_video_disabled: Option<bool> = "IsVideoDisabled";
        /// Whether sound is switched off.
        is_audio_disabled: Option<bool> = "IsAudioDisabled";
        /// Whether screen sharing is switched off.
        is_screen_sharing_disabled: Option<bool> = "IsScreenSharingDisabled";
        /// Whether recording is switched off.
        is_cloud_recording_disabled: Option<bool> = "IsCloudRecordingDisabled";
        /// When it is to begin.
        schedule_start_time: Option<i64> = "ScheduleStartTime";
        /// When it is to end.
        schedule_end_time: Option<i64> = "ScheduleEndTime";
        /// What is going on.
        room_status: Option<Text<'a>> = "RoomStatus";
    }
}

/// Names that some pages write, and the name that the server sends.
pub const ALIASES: &[(&str, &str)] = &[
    ("Live.CallbackMemberStateChanged", "Live.CallbackAfterMemberStateChanged"),
    ("Room.CallbackUpdateRoomInfo", "Room.CallbackAfterUpdateRoomInfo"),
];
