//! Tencent Cloud Chat: every command as a typed event.
//!
//! Taken from Tencent's pages of 2024-02 to 2026-04. Numbers that some pages write as text are read in both forms.

use serde_json::value::RawValue;

use crate::Text;
use crate::catalogue::{Kind, Member};
use crate::events::{commands, objects};
use crate::object::{Object, Problem, Read};

commands! {
    TencentChat;

    /// User logs in, logs out, loses the link (app killed, switched to background on some platforms, network loss)
    /// or is timed out by heartbeat (400 s; web after 60 s offline); since 2024 mainland pages also list
    /// custom-status changes.
    ///
    /// OptPlatform on this page is written IOS in one place; compare case-insensitively.
    ///
    /// Name of the field that carries a custom status is not confirmed.
    StateChange = "State.StateChange", After, AFTER, "online_status" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/1047/34357";
        request {
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
            /// Info.
            info: StateInfo<'a> = "Info";
            /// Kicked device; devices kicked by this login; only with Action Login and Reason Register.
            kicked_device: Vec<KickedDevice<'a>> = "KickedDevice" or_empty;
        }
    }

    /// Profile changed through a client or the REST API, after success.
    ProfilePortraitSet = "Profile.CallbackPortraitSet", After, AFTER, "profile" {
        key ["Operator_Account", "From_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/48733";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
            /// Profile item.
            profile_item: Vec<ProfileItem<'a>> = "ProfileItem";
        }
    }

    /// User asks to add friends from a client.
    ///
    /// Not fired for REST calls.
    SnsPrevFriendAdd = "Sns.CallbackPrevFriendAdd", Before, FRIEND_ADD, "relationship" {
        key ["Requester_Account", "From_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/43468";
        request {
            /// Requester account.
            requester_account: Text<'a> = "Requester_Account";
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// Friend item.
            friend_item: Vec<FriendItem<'a>> = "FriendItem";
            /// Add type: `Add_Type_Single`, `Add_Type_Both`.
            add_type: Text<'a> = "AddType";
            /// Force add flags; 1 forced, 0 normal.
            force_add_flags: i64 = "ForceAddFlags";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// User answers friend requests from a client.
    ///
    /// Not fired for REST calls.
    SnsPrevFriendResponse = "Sns.CallbackPrevFriendResponse", Before, FRIEND_RESPONSE, "relationship" {
        key ["Requester_Account", "From_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/43467";
        request {
            /// Requester account.
            requester_account: Text<'a> = "Requester_Account";
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// Response friend item.
            response_friend_item: Vec<ResponseFriendItem<'a>> = "ResponseFriendItem";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Friend relation created.
    SnsFriendAdd = "Sns.CallbackFriendAdd", After, AFTER, "relationship" {
        key ["Admin_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34359";
        request {
            /// Pair list.
            pair_list: Vec<InitiatedPair<'a>> = "PairList";
            /// Client cmd: `friend_add`, `FriendAdd`, `friend_response`, `FriendResponse`; client command that caused
            /// the change.
            client_cmd: Option<Text<'a>> = "ClientCmd";
            /// Admin account; present when an administrator did it.
            admin_account: Option<Text<'a>> = "Admin_Account";
            /// Force flag; 1 forced.
            force_flag: Option<i64> = "ForceFlag";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Friend relation removed.
    SnsFriendDelete = "Sns.CallbackFriendDelete", After, AFTER, "relationship" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/1047/34360";
        request {
            /// Pair list.
            pair_list: Vec<Pair<'a>> = "PairList";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// User put on a blocklist.
    SnsBlackListAdd = "Sns.CallbackBlackListAdd", After, AFTER, "relationship" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/1047/34361";
        request {
            /// Pair list.
            pair_list: Vec<Pair<'a>> = "PairList";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// User taken off a blocklist.
    SnsBlackListDelete = "Sns.CallbackBlackListDelete", After, AFTER, "relationship" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/1047/34362";
        request {
            /// Pair list.
            pair_list: Vec<Pair<'a>> = "PairList";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// User followed others.
    FollowAfterAdd = "Follow.CallbackAfterFollowAdd", After, AFTER, "follow" {
        key ["From_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/70355";
        request {
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// Follow list.
            follow_list: Vec<FollowedUser<'a>> = "FollowList";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// User unfollowed others.
    FollowAfterDelete = "Follow.CallbackAfterFollowDelete", After, AFTER, "follow" {
        key ["From_Account", "To_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/70356";
        request {
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// ID of the user concerned.
            to_account: Vec<Text<'a>> = "To_Account";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// One-to-one message received by the backend, before delivery.
    ///
    /// A denial suppresses C2C.CallbackAfterSendMsg.
    ///
    /// A modified body is what C2C.CallbackAfterSendMsg carries.
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
            /// 1 for a message that is not stored.
            online_only_flag: i64 = "OnlineOnlyFlag";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: Option<i64> = "EventTime";
        }
        changes {
            msg_body: Vec<Elem> = "MsgBody" NonNull "MsgBody";
            cloud_custom_data: String = "CloudCustomData" NonNull "CloudCustomData";
        }
    }

    /// One-to-one message processed, also when delivery failed.
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
            /// 1 for a message that is not stored.
            online_only_flag: i64 = "OnlineOnlyFlag";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
            /// Send msg result; 0 delivered, otherwise the failure code.
            send_msg_result: i64 = "SendMsgResult";
            /// Error info; text of the result.
            error_info: Text<'a> = "ErrorInfo";
            /// Unread msg num; unread total of the receiver, -1 on failure; dropped on newer mainland page.
            unread_msg_num: Option<i64> = "UnreadMsgNum";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// One-to-one conversation marked read.
    C2cAfterMsgReport = "C2C.CallbackAfterMsgReport", After, AFTER, "c2c" {
        key ["Report_Account", "Peer_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/43465";
        request {
            /// Report account.
            report_account: Text<'a> = "Report_Account";
            /// Peer account.
            peer_account: Text<'a> = "Peer_Account";
            /// Last read time; seconds.
            last_read_time: Option<i64> = "LastReadTime";
            /// Unread msg num; international page only.
            unread_msg_num: Option<i64> = "UnreadMsgNum";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// One-to-one message recalled.
    C2cAfterMsgWithDraw = "C2C.CallbackAfterMsgWithDraw", After, AFTER, "c2c" {
        key ["MsgKey"]; source "www.tencentcloud.com/document/product/1047/43466";
        request {
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// ID of the user concerned.
            to_account: Text<'a> = "To_Account";
            /// ID of the message.
            msg_key: Text<'a> = "MsgKey";
            /// Unread msg num; international page only.
            unread_msg_num: Option<i64> = "UnreadMsgNum";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Read receipts sent for one-to-one messages.
    C2cAfterMsgReadReceipt = "C2C.CallbackAfterMsgReadReceipt", After, AFTER, "c2c" {
        key ["Operator_Account", "Peer_Account", "EventTime"]; source "cloud.tencent.com/document/product/269/128223";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Peer account.
            peer_account: Text<'a> = "Peer_Account";
            /// C2c msg info.
            c2c_msg_info: Vec<C2cMsgInfo<'a>> = "C2CMsgInfo";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Stored one-to-one message edited.
    C2cAfterModifyMsg = "C2C.CallbackAfterModifyMsg", After, AFTER, "c2c" {
        key ["MsgKey"]; source "cloud.tencent.com/document/product/269/128224";
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
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// User cleared all unread messages (one-to-one and group) from a client.
    ///
    /// Page dated 2026-02-09.
    C2cAfterMsgReadAll = "C2C.CallbackAfterMsgReadAll", After, AFTER, "c2c" {
        key ["Report_Account", "EventTime"]; source "cloud.tencent.com/document/product/269/128225";
        request {
            /// Report account.
            report_account: Text<'a> = "Report_Account";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
            /// Group read info; groups whose unread count was cleared.
            group_read_info: Vec<GroupReadInfo<'a>> = "GroupReadInfo" or_empty;
        }
    }

    /// Message extension of a one-to-one message set, deleted or cleared.
    C2cAfterMsgExtension = "C2C.CallbackAfterC2CMsgExtension", After, AFTER, "c2c" {
        key ["MsgKey"]; source "www.tencentcloud.com/document/product/1047/76006";
        request {
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// ID of the user concerned.
            to_account: Text<'a> = "To_Account";
            /// ID of the message.
            msg_key: Text<'a> = "MsgKey";
            /// Operate type; 1 set, 2 delete keys, 3 clear all.
            operate_type: i64 = "OperateType";
            /// Extension list; empty for clear.
            extension_list: Vec<MessageExtension<'a>> = "ExtensionList" or_empty;
            /// Seq; version of the extension set.
            seq: i64 = "Seq";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Group creation requested.
    ///
    /// No field of the group can be changed by the answer.
    GroupBeforeCreate = "Group.CallbackBeforeCreateGroup", Before, GROUP, "group" {
        key ["Operator_Account", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34368";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the owner.
            owner_account: Text<'a> = "Owner_Account";
            /// Type of the group.
            group_type: Text<'a> = "Type";
            /// Name.
            name: Text<'a> = "Name";
            /// Create group num; number of groups of that user; international page only, removed from the mainland page
            /// 2025-12-04.
            create_group_num: Option<i64> = "CreateGroupNum";
            /// Created group num; only known from an SDK model.
            created_group_num: Option<&'a RawValue> = "CreatedGroupNum";
            /// Member list.
            member_list: Vec<GroupMember<'a>> = "MemberList";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Group created.
    GroupAfterCreate = "Group.CallbackAfterCreateGroup", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34369";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the owner.
            owner_account: Text<'a> = "Owner_Account";
            /// Type of the group.
            group_type: Text<'a> = "Type";
            /// Name.
            name: Text<'a> = "Name";
            /// Member list.
            member_list: Vec<GroupMember<'a>> = "MemberList";
            /// User defined data list; group custom fields; must be enabled by Tencent.
            user_defined_data_list: Vec<CustomField<'a>> = "UserDefinedDataList" or_empty;
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// User applies to join from a client.
    ///
    /// 0 means the application continues; an administrator may still have to approve.
    GroupBeforeApplyJoinGroup = "Group.CallbackBeforeApplyJoinGroup", Before, GROUP, "group" {
        key ["GroupId", "Requestor_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34370";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group.
            group_type: Text<'a> = "Type";
            /// Requestor account.
            requestor_account: Text<'a> = "Requestor_Account";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Users are about to be invited or added to a group.
    GroupBeforeInviteJoinGroup = "Group.CallbackBeforeInviteJoinGroup", Before, GROUP_INVITE, "group" {
        key ["GroupId", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34371";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group.
            group_type: Text<'a> = "Type";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Destination members.
            destination_members: Vec<GroupMember<'a>> = "DestinationMembers";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Members joined.
    GroupAfterNewMemberJoin = "Group.CallbackAfterNewMemberJoin", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34372";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group.
            group_type: Text<'a> = "Type";
            /// Join type: `Apply`, `Invited`.
            join_type: Text<'a> = "JoinType";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// New member list.
            new_member_list: Vec<GroupMember<'a>> = "NewMemberList";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Members left or were removed.
    GroupAfterMemberExit = "Group.CallbackAfterMemberExit", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34373";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group.
            group_type: Text<'a> = "Type";
            /// Exit type: `Kicked`, `Quit`.
            exit_type: Text<'a> = "ExitType";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Exit member list.
            exit_member_list: Vec<GroupMember<'a>> = "ExitMemberList";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Group message received, before delivery to members.
    ///
    /// No MsgSeq and no MsgTime before sending.
    ///
    /// LiveKit rooms reuse this command with Type Live.
    GroupBeforeSendMsg = "Group.CallbackBeforeSendMsg", Before, GROUP_SEND, "group" {
        key ["GroupId", "From_Account", "Random"]; source "www.tencentcloud.com/document/product/1047/34374";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group.
            group_type: Text<'a> = "Type";
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Random number of the message.
            random: u32 = "Random";
            /// ID that the client gave to the message.
            msg_id: Option<Text<'a>> = "MsgId";
            /// 1 for a message that is not stored.
            online_only_flag: i64 = "OnlineOnlyFlag";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
            /// ID of the topic.
            topic_id: Option<Text<'a>> = "TopicId";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
        changes {
            msg_body: Vec<Elem> = "MsgBody" NonNull "MsgBody";
            cloud_custom_data: String = "CloudCustomData" NonNull "CloudCustomData";
        }
    }

    /// Group message delivered to the backend.
    GroupAfterSendMsg = "Group.CallbackAfterSendMsg", After, AFTER, "group" {
        key ["GroupId", "TopicId", "MsgSeq"]; source "www.tencentcloud.com/document/product/1047/34375";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group.
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
            /// 1 for a message that is not stored.
            online_only_flag: i64 = "OnlineOnlyFlag";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
            /// ID of the topic.
            topic_id: Option<Text<'a>> = "TopicId";
            /// Group at info.
            group_at_info: Vec<GroupAtInfo<'a>> = "GroupAtInfo" or_empty;
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Group reached its member limit, or a join failed because of it.
    GroupAfterFull = "Group.CallbackAfterGroupFull", After, AFTER, "group" {
        key ["GroupId", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34376";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Group dissolved.
    GroupAfterDestroyed = "Group.CallbackAfterGroupDestroyed", After, AFTER, "group" {
        key ["GroupId", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34377";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group.
            group_type: Text<'a> = "Type";
            /// ID of the owner.
            owner_account: Text<'a> = "Owner_Account";
            /// Name.
            name: Text<'a> = "Name";
            /// Member list.
            member_list: Vec<GroupMember<'a>> = "MemberList";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Group name, introduction, notice or avatar changed.
    GroupAfterInfoChanged = "Group.CallbackAfterGroupInfoChanged", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34378";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group.
            group_type: Text<'a> = "Type";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Name; only when changed.
            name: Option<Text<'a>> = "Name";
            /// Introduction; only when changed.
            introduction: Option<Text<'a>> = "Introduction";
            /// Notification; only when changed.
            notification: Option<Text<'a>> = "Notification";
            /// Face url; only when changed.
            face_url: Option<Text<'a>> = "FaceUrl";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Group messages recalled.
    ///
    /// Present in the mainland group index but absent from the command list page.
    GroupAfterRecallMsg = "Group.CallbackAfterRecallMsg", After, AFTER, "group" {
        key ["Operator_Account", "GroupId", "EventTime"]; source "cloud.tencent.com/document/product/269/1618";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Type of the group.
            group_type: Text<'a> = "Type";
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Msg seq list.
            msg_seq_list: Vec<MsgSeqItem<'a>> = "MsgSeqList";
            /// ID of the topic.
            topic_id: Option<Text<'a>> = "TopicId";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Stored group message edited.
    GroupAfterModifyMsg = "Group.CallbackAfterModifyMsg", After, AFTER, "group" {
        key ["GroupId", "TopicId", "MsgSeq"]; source "cloud.tencent.com/document/product/269/129193";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// ID of the topic.
            topic_id: Option<Text<'a>> = "TopicId";
            /// Sequence number of the message.
            msg_seq: u32 = "MsgSeq";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Message extension of a group message set, deleted or cleared.
    GroupAfterMsgExtension = "Group.CallbackAfterGroupMsgExtension", After, AFTER, "group" {
        key ["GroupId", "MsgSeq"]; source "www.tencentcloud.com/document/product/1047/76007";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Sequence number of the message.
            msg_seq: u32 = "MsgSeq";
            /// Operate type; 1 set, 2 delete keys, 3 clear all.
            operate_type: i64 = "OperateType";
            /// Extension list; empty for clear.
            extension_list: Vec<MessageExtension<'a>> = "ExtensionList" or_empty;
            /// Seq; version of the extension set.
            seq: i64 = "Seq";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Members of a live-streaming group (AVChatRoom) come online or go offline.
    GroupOnMemberStateChange = "Group.CallbackOnMemberStateChange", After, AFTER, "group" {
        key ["GroupId", "EventTime"]; source "www.tencentcloud.com/document/product/1047/48734";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group.
            group_type: Option<Text<'a>> = "Type";
            /// Event type: `Offline`, `Online`.
            event_type: Text<'a> = "EventType";
            /// Event cause: `HeartbeatInterrupt`, `HeartbeatRecover`, `Join`, `Quit`.
            event_cause: Text<'a> = "EventCause";
            /// Member list.
            member_list: Vec<GroupMember<'a>> = "MemberList";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Group message could not be sent.
    GroupSendMsgException = "Group.CallbackSendMsgException", After, AFTER, "group" {
        key ["GroupId", "From_Account", "Random"]; source "www.tencentcloud.com/document/product/1047/49462";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group.
            group_type: Text<'a> = "Type";
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Random number of the message.
            random: u32 = "Random";
            /// 1 for a message that is not stored.
            online_only_flag: i64 = "OnlineOnlyFlag";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
            /// ID of the topic.
            topic_id: Option<Text<'a>> = "TopicId";
            /// Error code; failure code given to the sender.
            error_code: i64 = "ErrorCode";
            /// Error info.
            error_info: Text<'a> = "ErrorInfo";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Topic creation requested in a community.
    ///
    /// Switched together with Group.CallbackBeforeCreateGroup.
    ///
    /// No GroupId documented.
    GroupBeforeCreateTopic = "Group.CallbackBeforeCreateTopic", Before, GROUP, "group" {
        key ["Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/49463";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Type of the group.
            group_type: Text<'a> = "Type";
            /// Name.
            name: Text<'a> = "Name";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Topic created.
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
            /// Type of the group.
            group_type: Text<'a> = "Type";
            /// Name.
            name: Text<'a> = "Name";
            /// User defined data list; group custom fields; must be enabled by Tencent.
            user_defined_data_list: Vec<CustomField<'a>> = "UserDefinedDataList" or_empty;
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Topics dissolved.
    GroupAfterTopicDestroyed = "Group.CallbackAfterTopicDestroyed", After, AFTER, "group" {
        key ["GroupId", "EventTime"]; source "www.tencentcloud.com/document/product/1047/49465";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group.
            group_type: Text<'a> = "Type";
            /// Topic id list.
            topic_id_list: Vec<Text<'a>> = "TopicIdList";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Topic name, introduction, notice or avatar changed.
    ///
    /// Switched together with Group.CallbackAfterGroupInfoChanged.
    GroupAfterTopicInfoChanged = "Group.CallbackAfterTopicInfoChanged", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/49466";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group.
            group_type: Text<'a> = "Type";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Name; only when changed.
            name: Option<Text<'a>> = "Name";
            /// Introduction; only when changed.
            introduction: Option<Text<'a>> = "Introduction";
            /// Notification; only when changed.
            notification: Option<Text<'a>> = "Notification";
            /// Face url; only when changed.
            face_url: Option<Text<'a>> = "FaceUrl";
            /// ID of the topic.
            topic_id: Option<Text<'a>> = "TopicId";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Role or name card of a member changed.
    GroupAfterMemberFieldChanged = "Group.CallbackAfterMemberFieldChanged", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "Modified_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60393";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group.
            group_type: Text<'a> = "Type";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Modified account.
            modified_account: Text<'a> = "Modified_Account";
            /// Role: `Admin`, `Member`.
            role: Option<Text<'a>> = "Role";
            /// Name card.
            name_card: Option<Text<'a>> = "NameCard";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Group attributes changed.
    GroupAfterAttrChanged = "Group.CallbackAfterGroupAttrChanged", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60394";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group.
            group_type: Text<'a> = "Type";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Option type: `set`, `modify`, `clear`, `delete`.
            option_type: Text<'a> = "OptionType";
            /// Group attr; member names are lower case.
            group_attr: Vec<GroupAttribute<'a>> = "GroupAttr" or_empty;
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Read receipts of group messages.
    GroupAfterReadReceipt = "Group.CallbackAfterReadReceipt", After, AFTER, "group" {
        key ["GroupId", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60395";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group.
            group_type: Text<'a> = "Type";
            /// Group msg receipt list.
            group_msg_receipt_list: Vec<GroupReceipt<'a>> = "GroupMsgReceiptList";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Ownership transferred.
    GroupAfterChangeGroupOwner = "Group.CallbackAfterChangeGroupOwner", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "OldOwner_Account", "NewOwner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60396";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group.
            group_type: Text<'a> = "Type";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Old owner account.
            old_owner_account: Text<'a> = "OldOwner_Account";
            /// New owner account.
            new_owner_account: Text<'a> = "NewOwner_Account";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Daily net new groups above 70 % of the quota.
    GroupOnDailyGroupQuotaAlarm = "Group.CallbackOnDailyGroupQuotaAlarm", After, AFTER, "alarm" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/1047/57455";
        request {
            /// Quota used.
            quota_used: i64 = "QuotaUsed";
            /// Quota.
            quota: i64 = "Quota";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Calls of one interface above 80 % of its frequency limit.
    ///
    /// On by default as soon as a URL is configured.
    AlertRequestOverLimit = "Alert.RequestOverLimit", After, AFTER, "alarm" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/1047/60256";
        request {
            /// Service name.
            service_name: Text<'a> = "ServiceName";
            /// Command.
            command: Text<'a> = "Command";
            /// Request; calls counted.
            request: i64 = "Request";
            /// Limit.
            limit: i64 = "Limit";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// User sends a one-to-one message to a bot account (@RBT#...).
    ///
    /// The reply goes through the REST send API, not through the answer.
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
            /// 1 for a message that is not stored.
            online_only_flag: i64 = "OnlineOnlyFlag";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Group message that mentions a bot.
    ///
    /// One public SDK maps other names (AtRobotAccount, MsgRandom, IsPlaceMsg): contradiction, follow the page.
    BotOnGroupMessage = "Bot.OnGroupMessage", After, AFTER, "bot" {
        key ["GroupId", "MsgSeq"]; source "www.tencentcloud.com/document/product/1047/68953";
        request {
            /// ID of the group.
            group_id: Text<'a> = "GroupId";
            /// Type of the group.
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
            /// 1 for a message that is not stored.
            online_only_flag: i64 = "OnlineOnlyFlag";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// At robots account.
            at_robots_account: Vec<Text<'a>> = "AtRobots_Account";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Client sends a signalling message to a chatbot and waits for the answer.
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
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
            /// Data; opaque application string.
            data: Text<'a> = "Data";
        }
    }

    /// Cloud moderation finished for a message, profile, group or relation text.
    ///
    /// The body has no CallbackCommand: route by the query.
    ContentCallbackResultNotify = "ContentCallback.ResultNotify", After, AFTER, "moderation" {
        key ["CtxcbRequestId"]; source "www.tencentcloud.com/document/product/1047/78240";
        request {
            /// Scene: `C2C`, `C2CCustom`, `Group`, `GroupCustom`, `GroupInfo`, `GroupMemberInfo`, `RelationChain`,
            /// `UserInfo`.
            scene: Text<'a> = "Scene";
            /// Sdk app id.
            sdk_app_id: i64 = "SdkAppId";
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// Contact item.
            contact_item: ContactItem<'a> = "ContactItem";
            /// Content type: `Text`, `Image`, `Audio`, `Video`.
            content_type: Text<'a> = "ContentType";
            /// Text content.
            text_content: Vec<Text<'a>> = "TextContent" or_empty;
            /// File url.
            file_url: Option<Text<'a>> = "FileURL";
            /// Msg id.
            msg_id: Option<Text<'a>> = "MsgID";
            /// Ctxcb result; 1 blocked, 0 passed.
            ctxcb_result: i64 = "CtxcbResult";
            /// Ctxcb request id.
            ctxcb_request_id: Text<'a> = "CtxcbRequestId";
            /// Ctxcb keywords.
            ctxcb_keywords: Vec<Text<'a>> = "CtxcbKeywords" or_empty;
            /// Ctxcb suggestion.
            ctxcb_suggestion: Text<'a> = "CtxcbSuggestion";
            /// Ctxcb label.
            ctxcb_label: Text<'a> = "CtxcbLabel";
            /// Ctxcb sub label.
            ctxcb_sub_label: Option<Text<'a>> = "CtxcbSubLabel";
            /// Ctxcb sub label desc.
            ctxcb_sub_label_desc: Option<Text<'a>> = "CtxcbSubLabelDesc";
            /// Ctxcb lib name.
            ctxcb_lib_name: Option<Text<'a>> = "CtxcbLibName";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
        }
    }

    /// Result of an ordinary offline push (sent, reached, clicked).
    ///
    /// Batch: the command is inside each entry.
    ///
    /// 1000 requests per second by default; above that delayed and retried.
    PushOffline = "Push.OfflinePush", After, AFTER, "push" {
        key ["MsgKey"]; source "www.tencentcloud.com/document/product/1047/67552";
        request {
            /// Event type; 1 one-to-one, 2 group.
            event_type: i64 = "EventType";
            /// When it happened, in seconds since 1970.
            event_time: i64 = "EventTime";
            /// ID of the user who acts.
            from_account: Text<'a> = "From_Account";
            /// ID of the user concerned.
            to_account: Text<'a> = "To_Account";
            /// Group id.
            group_id: Option<Text<'a>> = "GroupID";
            /// Push platform; 0 unknown, 1 APNs, 2 Xiaomi, 3 Huawei, 4 FCM, 5 Meizu, 6 OPPO, 7 vivo, 8 Honor.
            push_platform: i64 = "PushPlatform";
            /// Push stage; 1 sent, 2 reached, 3 clicked.
            push_stage: i64 = "PushStage";
            /// ID of the message.
            msg_key: Option<Text<'a>> = "MsgKey";
            /// Sequence number of the message.
            msg_seq: Option<u32> = "MsgSeq";
            /// Random number of the message.
            msg_random: Option<u32> = "MsgRandom";
            /// When it was sent, in seconds since 1970.
            msg_time: Option<i64> = "MsgTime";
            /// Push id.
            push_id: Text<'a> = "PushID";
            /// Err code.
            err_code: i64 = "ErrCode";
            /// Err info.
            err_info: Text<'a> = "ErrInfo";
        }
        batch "Events"
    }

    /// Result of a push to all or tagged users.
    ///
    /// Batch: the command is inside each entry.
    PushAllMember = "Push.AllMemberPush", After, AFTER, "push" {
        key ["TaskId", "PushStage", "To_Account"]; source "www.tencentcloud.com/document/product/1047/67551";
        request {
            /// Event type; 1 offline push, 2 online push.
            event_type: i64 = "EventType";
            /// Task id.
            task_id: Text<'a> = "TaskId";
            /// Task time; seconds.
            task_time: i64 = "TaskTime";
            /// When it happened, in seconds since 1970.
            event_time: i64 = "EventTime";
            /// ID of the user concerned.
            to_account: Text<'a> = "To_Account";
            /// Push platform.
            push_platform: i64 = "PushPlatform";
            /// Push stage.
            push_stage: i64 = "PushStage";
            /// Err code.
            err_code: i64 = "ErrCode";
            /// Err info.
            err_info: Text<'a> = "ErrInfo";
        }
        batch "Events"
    }

    /// Channel creation requested.
    OfficialBeforeCreate = "OfficialAccount.CallbackBeforeCreateOfficialAccount", Before, OFFICIAL_CREATE, "official_channel" {
        key ["Operator_Account", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60795";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the owner.
            owner_account: Text<'a> = "Owner_Account";
            /// Name.
            name: Text<'a> = "Name";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Channel created.
    OfficialAfterCreate = "OfficialAccount.CallbackAfterCreateOfficialAccount", After, AFTER, "official_channel" {
        key ["Operator_Account", "Official_Account", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60796";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the channel.
            official_account: Text<'a> = "Official_Account";
            /// ID of the owner.
            owner_account: Text<'a> = "Owner_Account";
            /// Name.
            name: Text<'a> = "Name";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Channel profile changed.
    OfficialAfterInfoChanged = "OfficialAccount.CallbackAfterOfficialAccountInfoChanged", After, AFTER, "official_channel" {
        key ["Official_Account", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60797";
        request {
            /// ID of the channel.
            official_account: Text<'a> = "Official_Account";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Name; only when changed.
            name: Option<Text<'a>> = "Name";
            /// Introduction; only when changed.
            introduction: Option<Text<'a>> = "Introduction";
            /// Face url; only when changed.
            face_url: Option<Text<'a>> = "FaceUrl";
            /// Organization; only when changed.
            organization: Option<Text<'a>> = "Organization";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Channel destroyed.
    OfficialAfterDestroyed = "OfficialAccount.CallbackAfterOfficialAccountDestroyed", After, AFTER, "official_channel" {
        key ["Official_Account", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60798";
        request {
            /// ID of the channel.
            official_account: Text<'a> = "Official_Account";
            /// ID of the owner.
            owner_account: Text<'a> = "Owner_Account";
            /// Name.
            name: Text<'a> = "Name";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Users are about to subscribe.
    ///
    /// One page's prose says RefusedMembers_Account, its sample and field table say RefusedSubscribers_Account:
    /// send both.
    OfficialBeforeAddSubscriber = "OfficialAccount.CallbackBeforeAddSubscriber", Before, OFFICIAL_SUBSCRIBE, "official_channel" {
        key ["Official_Account", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60799";
        request {
            /// ID of the channel.
            official_account: Text<'a> = "Official_Account";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Subscribe account list.
            subscribe_account_list: Vec<Subscriber<'a>> = "SubscribeAccountList";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Users subscribed.
    OfficialAfterAddSubscriber = "OfficialAccount.CallbackAfterAddSubscriber", After, AFTER, "official_channel" {
        key ["Official_Account", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60800";
        request {
            /// ID of the channel.
            official_account: Text<'a> = "Official_Account";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Subscribe account list.
            subscribe_account_list: Vec<Subscriber<'a>> = "SubscribeAccountList";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Channel reached its subscriber limit.
    OfficialAfterFull = "OfficialAccount.CallbackAfterOfficialAccountFull", After, AFTER, "official_channel" {
        key ["Official_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60801";
        request {
            /// ID of the channel.
            official_account: Text<'a> = "Official_Account";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Subscribers removed.
    OfficialAfterDeleteSubscriber = "OfficialAccount.CallbackAfterDeleteSubscriber", After, AFTER, "official_channel" {
        key ["Official_Account", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60802";
        request {
            /// ID of the channel.
            official_account: Text<'a> = "Official_Account";
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Subscribe account list.
            subscribe_account_list: Vec<Subscriber<'a>> = "SubscribeAccountList";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Broadcast message received, before delivery to subscribers.
    OfficialBeforeSendMsg = "OfficialAccount.CallbackBeforeSendMsg", Before, OFFICIAL_SEND, "official_channel" {
        key ["Official_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60803";
        request {
            /// ID of the channel.
            official_account: Text<'a> = "Official_Account";
            /// 1 for a message that is not stored.
            online_only_flag: i64 = "OnlineOnlyFlag";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
        changes {
            msg_body: Vec<Elem> = "MsgBody" NonNull "MsgBody";
            cloud_custom_data: String = "CloudCustomData" NonNull "CloudCustomData";
        }
    }

    /// Broadcast message delivered.
    OfficialAfterSendMsg = "OfficialAccount.CallbackAfterSendMsg", After, AFTER, "official_channel" {
        key ["MsgKey"]; source "www.tencentcloud.com/document/product/1047/60804";
        request {
            /// ID of the channel.
            official_account: Text<'a> = "Official_Account";
            /// ID of the message.
            msg_key: Text<'a> = "MsgKey";
            /// When it was sent, in seconds since 1970.
            msg_time: i64 = "MsgTime";
            /// 1 for a message that is not stored.
            online_only_flag: i64 = "OnlineOnlyFlag";
            /// The elements of the message.
            msg_body: Vec<MsgElem<'a>> = "MsgBody";
            /// The app's own data of the message.
            cloud_custom_data: Option<Text<'a>> = "CloudCustomData";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Broadcast messages recalled.
    OfficialAfterMsgWithDraw = "OfficialAccount.CallbackAfterMsgWithDraw", After, AFTER, "official_channel" {
        key ["Official_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60805";
        request {
            /// ID of the channel.
            official_account: Text<'a> = "Official_Account";
            /// Withdraw msg list.
            withdraw_msg_list: Vec<WithdrawnMsg<'a>> = "WithdrawMsgList";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Gift about to be sent in a live room.
    ///
    /// Fail-closed by default, unlike the chat callbacks.
    ///
    /// Live.CallbackBeforeCallBackNotBlock is the name of the setting which makes it fail-open, not a callback of
    /// its own.
    LiveBeforeSendGift = "Live.CallbackBeforeSendGift", Before, GIFT, "live" {
        key []; source "www.tencentcloud.com/document/product/647/72210";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the room.
            room_id: Text<'a> = "RoomId";
            /// Gift water.
            gift_water: GiftOrder<'a> = "GiftWater";
        }
    }

    /// Room member entered, left, was kicked or lost the heartbeat.
    ///
    /// Some pages' query table names it Live.CallbackMemberStateChanged.
    LiveAfterMemberStateChanged = "Live.CallbackAfterMemberStateChanged", After, AFTER, "live" {
        key ["RoomId", "EventTime"]; source "www.tencentcloud.com/document/product/647/64424";
        request {
            /// ID of the room.
            room_id: Text<'a> = "RoomId";
            /// Event type.
            event_type: Option<Text<'a>> = "EventType";
            /// Event cause: `Enter`, `Leave`, `HeartbeatInterrupt`, `HeartbeatRecover`, `Kicked`.
            event_cause: Text<'a> = "EventCause";
            /// Member list.
            member_list: Vec<GroupMember<'a>> = "MemberList";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Live room created.
    LiveAfterCreateRoom = "Live.CallbackAfterCreateRoom", After, AFTER, "live" {
        key ["Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/647/64422";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Room info.
            room_info: LiveRoomInfo<'a> = "RoomInfo";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: Option<i64> = "EventTime";
        }
    }

    /// Live room profile updated; only changed members expected.
    LiveAfterUpdateRoomInfo = "Live.CallbackAfterUpdateRoomInfo", After, AFTER, "live" {
        key ["Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/647/67938";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Room info.
            room_info: LiveRoomInfo<'a> = "RoomInfo";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Live room destroyed.
    ///
    /// Name confirmed by the command list, body fields not collected.
    LiveAfterDestroyRoom = "Live.CallbackAfterDestroyRoom", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/64423";
        request {}
    }

    /// Room metadata set.
    ///
    /// Name confirmed by the command list, body fields not collected.
    LiveAfterSetMetadata = "Live.CallbackAfterSetMetadata", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/68222";
        request {}
    }

    /// Room metadata deleted.
    ///
    /// Name confirmed by the command list, body fields not collected.
    LiveAfterDelMetadata = "Live.CallbackAfterDelMetadata", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/68223";
        request {}
    }

    /// Rooms above 70 % of the limit.
    ///
    /// Name confirmed by the command list, body fields not collected.
    LiveAfterCreateRoomReachingThreshold = "Live.CallbackAfterCreateRoomReachingThreshold", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/70485";
        request {}
    }

    /// Room owner changed.
    ///
    /// Name confirmed by the command list, body fields not collected.
    LiveAfterChangeOwner = "Live.CallbackAfterChangeOwner", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/72553";
        request {}
    }

    /// Room administrators changed.
    ///
    /// Name confirmed by the command list, body fields not collected.
    LiveAfterModifyAdmin = "Live.CallbackAfterModifyAdmin", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/72554";
        request {}
    }

    /// Seat list changed.
    ///
    /// Name confirmed by the command list, body fields not collected.
    MicAfterSeatInfoChanged = "Mic.CallbackAfterSeatInfoChanged", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/64425";
        request {}
    }

    /// Battle created.
    ///
    /// Name confirmed by the command list, body fields not collected.
    LiveAfterCreateBattle = "Live.CallbackAfterCreateBattle", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/68259";
        request {}
    }

    /// Battle started.
    ///
    /// Name confirmed by the command list, body fields not collected.
    LiveAfterStartBattle = "Live.CallbackAfterStartBattle", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/68260";
        request {}
    }

    /// Battle ended.
    ///
    /// Name confirmed by the command list, body fields not collected.
    LiveAfterEndBattle = "Live.CallbackAfterEndBattle", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/68261";
        request {}
    }

    /// Call started from a client.
    ///
    /// Switched on by a REST configuration call, not by the console.
    CallAfterStart = "Call.CallbackAfterStartCall", After, AFTER, "call" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/647/68941";
        request {
            /// Call info.
            call_info: CallInfo<'a> = "CallInfo";
            /// User list.
            user_list: Vec<CallUser<'a>> = "UserList";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Call ended.
    ///
    /// Fields taken from a public integrator's note that quotes the page.
    CallAfterEnd = "Call.CallbackAfterEndCall", After, AFTER, "call" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/647/68940";
        request {
            /// Call record.
            call_record: CallRecord<'a> = "CallRecord";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Call members changed.
    CallAfterMemberChanged = "Call.CallbackAfterMemberChanged", After, AFTER, "call" {
        key []; source "www.tencentcloud.com/document/product/647/68934";
        request {}
    }

    /// Conference room created.
    RoomAfterCreateRoom = "Room.CallbackAfterCreateRoom", After, AFTER, "room" {
        key ["Operator_Account", "ScheduleInviteeList_Account", "EventTime"]; source "www.tencentcloud.com/document/product/647/60733";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// Room info.
            room_info: ConferenceRoomInfo<'a> = "RoomInfo";
            /// Schedule invitee list account.
            schedule_invitee_list_account: Vec<Text<'a>> = "ScheduleInviteeList_Account" or_empty;
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// User entered the room.
    RoomAfterMemberEnter = "Room.CallbackAfterMemberEnter", After, AFTER, "room" {
        key ["Operator_Account", "RoomId", "MemberList_Account", "EventTime"]; source "www.tencentcloud.com/document/product/647/60735";
        request {
            /// ID of the user, or administrator, who acts.
            operator_account: Text<'a> = "Operator_Account";
            /// ID of the room.
            room_id: Text<'a> = "RoomId";
            /// Member count.
            member_count: i64 = "MemberCount";
            /// Type of the group: `Enter`.
            group_type: Text<'a> = "Type";
            /// Member list account.
            member_list_account: Vec<Text<'a>> = "MemberList_Account";
            /// When it happened, in milliseconds since 1970; some pages write it as text.
            event_time: i64 = "EventTime";
        }
    }

    /// Conference room event.
    RoomAfterMemberLeave = "Room.CallbackAfterMemberLeave", After, AFTER, "room" {
        key []; source "www.tencentcloud.com/document/product/647/60720";
        request {}
    }

    /// Conference room event.
    RoomAfterDestroyRoom = "Room.CallbackAfterDestroyRoom", After, AFTER, "room" {
        key []; source "www.tencentcloud.com/document/product/647/60720";
        request {}
    }

    /// Conference room event.
    ///
    /// Older list names Room.CallbackUpdateRoomInfo.
    RoomAfterUpdateRoomInfo = "Room.CallbackAfterUpdateRoomInfo", After, AFTER, "room" {
        key []; source "www.tencentcloud.com/document/product/647/60720";
        request {}
    }
}

objects! {
    /// Who came or went, and why.
    StateInfo {
        /// Action: `Login`, `Logout`, `Disconnect`.
        action: Text<'a> = "Action";
        /// ID of the user concerned.
        to_account: Text<'a> = "To_Account";
        /// Reason: `Register`, `Unregister`, `LinkClose`, `TimeOut`.
        reason: Text<'a> = "Reason";
    }

    /// A device that a new login put out.
    KickedDevice {
        /// Platform: `iOS`, `Android`, `Web`, `Windows`, `iPad`, `Mac`, `Linux`.
        platform: Text<'a> = "Platform";
    }

    /// One changed member of a profile.
    ProfileItem {
        /// Tag; TIM profile tag, Tag_Profile_IM_* or Tag_Profile_Custom_*.
        tag: Text<'a> = "Tag";
        /// Value.
        value: &'a RawValue = "Value";
    }

    /// One user who is asked.
    FriendItem {
        /// ID of the user concerned.
        to_account: Text<'a> = "To_Account";
        /// Remark.
        remark: Option<Text<'a>> = "Remark";
        /// Group name.
        group_name: Option<Text<'a>> = "GroupName";
        /// Add source.
        add_source: Text<'a> = "AddSource";
        /// Add wording.
        add_wording: Option<Text<'a>> = "AddWording";
    }

    /// One request that is answered.
    ResponseFriendItem {
        /// ID of the user concerned.
        to_account: Text<'a> = "To_Account";
        /// Remark.
        remark: Option<Text<'a>> = "Remark";
        /// Tag name.
        tag_name: Option<Text<'a>> = "TagName";
        /// Response action: `Response_Action_AgreeAndAdd`, `Response_Action_Agree`, `Response_Action_Reject`.
        response_action: Text<'a> = "ResponseAction";
    }

    /// Two users, and who of them began.
    InitiatedPair {
        /// ID of the user who acts.
        from_account: Text<'a> = "From_Account";
        /// ID of the user concerned.
        to_account: Text<'a> = "To_Account";
        /// Initiator account.
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
        /// Sequence number of the message.
        msg_seq: u32 = "MsgSeq";
    }

    /// One extension of a message.
    MessageExtension {
        /// Key.
        key: Text<'a> = "Key";
        /// Value.
        value: Option<Text<'a>> = "Value";
        /// Seq.
        seq: Option<i64> = "Seq";
    }

    /// A member of a group.
    GroupMember {
        /// ID of the member.
        member_account: Text<'a> = "Member_Account";
    }

    /// A field of the app's own.
    CustomField {
        /// Key.
        key: Text<'a> = "Key";
        /// Value.
        value: Text<'a> = "Value";
    }

    /// A mention.
    GroupAtInfo {
        /// Group at all flag; 1 everyone, 0 one user.
        group_at_all_flag: i64 = "GroupAtAllFlag";
        /// Group at account.
        group_at_account: Option<Text<'a>> = "GroupAt_Account";
    }

    /// The sequence number of a message.
    MsgSeqItem {
        /// Sequence number of the message.
        msg_seq: u32 = "MsgSeq";
    }

    /// One attribute of a group.
    GroupAttribute {
        /// Key.
        key: Text<'a> = "key";
        /// Value.
        value: Option<Text<'a>> = "value";
    }

    /// Read receipts of one message.
    GroupReceipt {
        /// Sequence number of the message.
        msg_seq: u32 = "MsgSeq";
        /// Read num.
        read_num: i64 = "ReadNum";
        /// Unread num.
        unread_num: i64 = "UnreadNum";
        /// Read receipt members.
        read_receipt_members: Vec<GroupMember<'a>> = "ReadReceiptMembers";
    }

    /// Whom the content was for.
    ContactItem {
        /// Contact type; 1 user, 2 group.
        contact_type: i64 = "ContactType";
        /// ID of the user concerned.
        to_account: Option<Text<'a>> = "To_Account";
        /// To group id.
        to_group_id: Option<Text<'a>> = "ToGroupId";
    }

    /// A subscriber of a channel.
    Subscriber {
        /// Subscriber account.
        subscriber_account: Text<'a> = "Subscriber_Account";
    }

    /// A message that was recalled.
    WithdrawnMsg {
        /// ID of the message.
        msg_key: Text<'a> = "MsgKey";
    }

    /// What is given to whom.
    GiftOrder {
        /// ID of the user who acts.
        from_account: Text<'a> = "From_Account";
        /// ID of the user concerned.
        to_account: Vec<Text<'a>> = "To_Account";
        /// Time; seconds.
        time: i64 = "Time";
        /// Gift id.
        gift_id: Text<'a> = "GiftId";
        /// Count.
        count: i64 = "Count";
        /// Coins; price of one gift.
        coins: i64 = "Coins";
    }

    /// A live room.
    LiveRoomInfo {
        /// ID of the room.
        room_id: Text<'a> = "RoomId";
        /// Room name.
        room_name: Option<Text<'a>> = "RoomName";
        /// Room type; Live or Meeting.
        room_type: Option<Text<'a>> = "RoomType";
        /// ID of the owner.
        owner_account: Option<Text<'a>> = "Owner_Account";
        /// Max member count.
        max_member_count: Option<i64> = "MaxMemberCount";
        /// Is message disabled.
        is_message_disabled: Option<bool> = "IsMessageDisabled";
        /// Custom info.
        custom_info: Option<Text<'a>> = "CustomInfo";
        /// Is seat enabled.
        is_seat_enabled: Option<bool> = "IsSeatEnabled";
        /// Take seat mode: `None`, `FreeToTake`, `ApplyToTake`.
        take_seat_mode: Option<Text<'a>> = "TakeSeatMode";
        /// Max seat count.
        max_seat_count: Option<i64> = "MaxSeatCount";
        /// Create time; seconds.
        create_time: Option<i64> = "CreateTime";
        /// Is public visible.
        is_public_visible: Option<bool> = "IsPublicVisible";
        /// Cover url.
        cover_url: Option<Text<'a>> = "CoverURL";
        /// Category.
        category: Vec<i64> = "Category" or_empty;
        /// Activity status.
        activity_status: Option<i64> = "ActivityStatus";
    }

    /// A call that begins.
    CallInfo {
        /// Call id.
        call_id: Text<'a> = "CallId";
        /// Call media type; Audio or Video; the field table calls it MediaType.
        call_media_type: Text<'a> = "CallMediaType";
        /// Chat group id; may be empty.
        chat_group_id: Text<'a> = "ChatGroupId";
        /// ID of the room.
        room_id: Text<'a> = "RoomId";
        /// Room id type; 1 numeric id, 2 string id.
        room_id_type: i64 = "RoomIdType";
    }

    /// A user of a call.
    CallUser {
        /// User account.
        user_account: Text<'a> = "User_Account";
        /// Status: `Calling`, `Waiting`.
        status: Text<'a> = "Status";
    }

    /// A call that ended.
    CallRecord {
        /// Call id.
        call_id: Text<'a> = "CallId";
        /// Caller account.
        caller_account: Text<'a> = "Caller_Account";
        /// Media type.
        media_type: Text<'a> = "MediaType";
        /// Call type.
        call_type: Text<'a> = "CallType";
        /// Start time.
        start_time: i64 = "StartTime";
        /// Accept time.
        accept_time: Option<i64> = "AcceptTime";
        /// End time.
        end_time: i64 = "EndTime";
        /// Call result.
        call_result: Text<'a> = "CallResult";
        /// Callee list account.
        callee_list_account: Vec<Text<'a>> = "CalleeList_Account";
        /// ID of the room.
        room_id: Text<'a> = "RoomId";
        /// Room id type.
        room_id_type: i64 = "RoomIdType";
    }

    /// A conference room.
    ConferenceRoomInfo {
        /// ID of the room.
        room_id: Text<'a> = "RoomId";
        /// Room name.
        room_name: Option<Text<'a>> = "RoomName";
        /// Room type; Live or Meeting.
        room_type: Option<Text<'a>> = "RoomType";
        /// ID of the owner.
        owner_account: Option<Text<'a>> = "Owner_Account";
        /// Max member count.
        max_member_count: Option<i64> = "MaxMemberCount";
        /// Is message disabled.
        is_message_disabled: Option<bool> = "IsMessageDisabled";
        /// Custom info.
        custom_info: Option<Text<'a>> = "CustomInfo";
        /// Is seat enabled.
        is_seat_enabled: Option<bool> = "IsSeatEnabled";
        /// Take seat mode: `None`, `FreeToTake`, `ApplyToTake`.
        take_seat_mode: Option<Text<'a>> = "TakeSeatMode";
        /// Max seat count.
        max_seat_count: Option<i64> = "MaxSeatCount";
        /// Create time; seconds.
        create_time: Option<i64> = "CreateTime";
        /// Is video disabled.
        is_video_disabled: Option<bool> = "IsVideoDisabled";
        /// Is audio disabled.
        is_audio_disabled: Option<bool> = "IsAudioDisabled";
        /// Is screen sharing disabled.
        is_screen_sharing_disabled: Option<bool> = "IsScreenSharingDisabled";
        /// Is cloud recording disabled.
        is_cloud_recording_disabled: Option<bool> = "IsCloudRecordingDisabled";
        /// Schedule start time.
        schedule_start_time: Option<i64> = "ScheduleStartTime";
        /// Schedule end time.
        schedule_end_time: Option<i64> = "ScheduleEndTime";
        /// Room status.
        room_status: Option<Text<'a>> = "RoomStatus";
    }
}

/// One element of a message: its type, and its content as it came.
///
/// Elements of types that are not known here, and members that are not, survive a round trip byte for byte.
#[derive(Debug, Clone)]
pub struct MsgElem<'a> {
    raw: &'a RawValue,
    body: Object<'a>,
}

impl<'a> Read<'a> for MsgElem<'a> {
    const KIND: Kind = ELEM;

    fn read(raw: Option<&'a RawValue>, name: &'static str) -> Result<Self, Problem> {
        let raw = raw.ok_or(Problem::Missing)?;
        <Object<'a> as Read<'a>>::read(Some(raw), name).map(|body| Self { raw, body })
    }
}

const ELEM: Kind =
    Kind::Open(&[Member { name: "MsgType", kind: Kind::Text }, Member { name: "MsgContent", kind: Kind::Any }]);

impl<'a> MsgElem<'a> {
    /// `MsgType`: `TIMTextElem`, `TIMCustomElem`, …
    ///
    /// # Errors
    /// If the member is missing or not text.
    pub fn msg_type(&self) -> Result<Text<'a>, crate::FieldError> {
        self.body.read("MsgType")
    }

    /// `MsgContent`, unread.
    ///
    /// # Errors
    /// If the member is missing or not an object.
    pub fn content(&self) -> Result<Object<'a>, crate::FieldError> {
        self.body.read("MsgContent")
    }

    /// The text of a `TIMTextElem`; `None` for elements of other types.
    ///
    /// # Errors
    /// If the element has no type, or a text element no text.
    pub fn text(&self) -> Result<Option<Text<'a>>, crate::FieldError> {
        if self.msg_type()? == "TIMTextElem" { self.content()?.read("Text").map(Some) } else { Ok(None) }
    }
}

impl MsgElem<'_> {
    /// This element with another text in its `MsgContent`; all other members stay as they came.
    #[must_use]
    pub fn with_text(&self, text: &str) -> Elem {
        let Ok(content) = self.content() else { return Elem::from(self) };
        let text = crate::Json::infallible(text);
        let content = replaced(&content, "Text", text.as_str());
        Elem(crate::Json::from_text(replaced(&self.body, "MsgContent", &content)))
    }
}

/// An object as it came, but for one member.
fn replaced(object: &Object<'_>, name: &str, json: &str) -> String {
    let mut members: Vec<String> = object
        .members()
        .filter(|(known, _)| *known != name)
        .map(|(known, raw)| format!("{}:{}", crate::Json::infallible(known).as_str(), raw.get()))
        .collect();
    members.push(format!("\"{name}\":{json}"));
    format!("{{{}}}", members.join(","))
}

/// One element of a message that replaces another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elem(crate::Json);

impl Elem {
    /// A `TIMTextElem`.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::content("TIMTextElem", &[("Text", text)])
    }

    /// A `TIMCustomElem`; a message may hold one.
    #[must_use]
    pub fn custom(data: &str, desc: &str, ext: &str) -> Self {
        Self::content("TIMCustomElem", &[("Data", data), ("Desc", desc), ("Ext", ext)])
    }

    fn content(msg_type: &str, members: &[(&str, &str)]) -> Self {
        let content: serde_json::Map<String, serde_json::Value> =
            members.iter().map(|(name, text)| ((*name).to_owned(), (*text).into())).collect();
        Self(crate::Json::infallible(&serde_json::json!({ "MsgType": msg_type, "MsgContent": content })))
    }
}

/// An element of the request, unchanged.
impl From<&MsgElem<'_>> for Elem {
    fn from(elem: &MsgElem<'_>) -> Self {
        Self(elem.raw.into())
    }
}

impl crate::events::NewValue for Elem {
    const KIND: Kind = ELEM;

    fn into_json(self) -> crate::Json {
        self.0
    }
}

/// Names that some pages write, and the name that the server sends.
pub const ALIASES: &[(&str, &str)] = &[
    ("Live.CallbackMemberStateChanged", "Live.CallbackAfterMemberStateChanged"),
    ("Room.CallbackUpdateRoomInfo", "Room.CallbackAfterUpdateRoomInfo"),
];
