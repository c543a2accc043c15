//! Groups, their members and their messages.

use crate::macros::commands::commands;
use crate::macros::members::members;
use crate::macros::objects::objects;
use crate::object::{Raw, Text};

use super::c2c::MessageExtension;
use super::elem::{Elem, MsgElem};
use super::members::*;

members! { $
    /// What changes of a group.
    changed_group {
        ..changed_texts;
        /// The new notice.
        notification: Option<Text<'a>> = "Notification";
        ..new_face_url;
    }

    /// A group that is created.
    new_group {
        ..operator_account, owner_account, group_type, group_name;
    }

    group_name {
        /// Name of the group.
        name: Text<'a> = "Name";
    }

    topic_name {
        /// Name of the topic.
        name: Text<'a> = "Name";
    }

    first_members {
        /// The first members.
        member_list: Vec<GroupMember<'a>> = "MemberList";
    }

    user_defined_data_list {
        /// Fields of the app's own; only where Tencent has switched them on.
        user_defined_data_list: Vec<CustomField<'a>> = "UserDefinedDataList" or_empty;
    }

    topic_id {
        /// ID of the topic; only in communities with topics.
        topic_id: Option<Text<'a>> = "TopicId";
    }

    community_type {
        /// Type of the group: `Community`.
        group_type: Text<'a> = "Type";
    }
}

commands! {
    NAME;

    /// Sent before a group is created.
    ///
    /// Nothing of the group can be changed. Codes 10100 to 10200 and their text reach the app.
    GroupBeforeCreate = "Group.CallbackBeforeCreateGroup", Before, GROUP, "group" {
        key ["Operator_Account", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34368";
        request {
            ..new_group;
            /// Groups that the user has already; only in some regions.
            create_group_num: Option<i64> = "CreateGroupNum";
            /// Seen in one SDK only.
            created_group_num: Option<Raw<'a>> = "CreatedGroupNum";
            ..first_members, event_time;
        }
    }

    /// Sent when a group was created.
    GroupAfterCreate = "Group.CallbackAfterCreateGroup", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34369";
        request {
            ..group_id, new_group, first_members, user_defined_data_list, event_time;
        }
    }

    /// Sent when a client asks to join a group.
    ///
    /// Allowing lets the application proceed; an administrator may still have to approve it. Codes 10100 to 10200 and
    /// their text reach the app.
    GroupBeforeApplyJoinGroup = "Group.CallbackBeforeApplyJoinGroup", Before, GROUP, "group" {
        key ["GroupId", "Requestor_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34370";
        request {
            ..group;
            /// ID of the user who asks.
            requestor_account: Text<'a> = "Requestor_Account";
            ..event_time;
        }
    }

    /// Sent before users are invited or added to a group.
    ///
    /// A denial stops all of them, `refuse_some` single ones. Codes 10100 to 10200 and their text reach the app.
    GroupBeforeInviteJoinGroup = "Group.CallbackBeforeInviteJoinGroup", Before, GROUP_INVITE, "group" {
        key ["GroupId", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34371";
        request {
            ..group, operator_account;
            /// The users to be invited.
            destination_members: Vec<GroupMember<'a>> = "DestinationMembers";
            ..event_time;
        }
    }

    /// Sent when members joined a group.
    GroupAfterNewMemberJoin = "Group.CallbackAfterNewMemberJoin", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34372";
        request {
            ..group;
            /// `Apply` or `Invited`.
            join_type: Text<'a> = "JoinType";
            ..operator_account;
            /// The members who joined.
            new_member_list: Vec<GroupMember<'a>> = "NewMemberList";
            ..event_time;
        }
    }

    /// Sent when members left a group or were removed.
    GroupAfterMemberExit = "Group.CallbackAfterMemberExit", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34373";
        request {
            ..group;
            /// `Kicked` or `Quit`.
            exit_type: Text<'a> = "ExitType";
            ..operator_account;
            /// The members who left.
            exit_member_list: Vec<GroupMember<'a>> = "ExitMemberList";
            ..event_time;
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
            ..group, group_message, msg_id, body, topic_id, event_time;
        }
        changes {
            ..new_body;
        }
    }

    /// Sent when a group message was accepted.
    GroupAfterSendMsg = "Group.CallbackAfterSendMsg", After, AFTER, "group" {
        key ["GroupId", "TopicId", "MsgSeq"]; source "www.tencentcloud.com/document/product/1047/34375";
        request {
            ..group, group_message, msg_seq, msg_time, msg_id, body, topic_id;
            /// Who is mentioned.
            group_at_info: Vec<GroupAtInfo<'a>> = "GroupAtInfo" or_empty;
            ..event_time;
        }
    }

    /// Sent when a group has reached its limit of members, or when a user could not join because of it.
    GroupAfterFull = "Group.CallbackAfterGroupFull", After, AFTER, "group" {
        key ["GroupId", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34376";
        request {
            ..group_id, event_time;
        }
    }

    /// Sent when a group was dissolved.
    GroupAfterDestroyed = "Group.CallbackAfterGroupDestroyed", After, AFTER, "group" {
        key ["GroupId", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34377";
        request {
            ..group, owner_account, group_name, member_list, event_time;
        }
    }

    /// Sent when name, introduction, notice or picture of a group changed. Only what changed is there.
    GroupAfterInfoChanged = "Group.CallbackAfterGroupInfoChanged", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/34378";
        request {
            ..group, operator_account, changed_group, event_time;
        }
    }

    /// Sent when messages of a group were recalled.
    ///
    /// Not every list of Tencent's commands has this one.
    GroupAfterRecallMsg = "Group.CallbackAfterRecallMsg", After, AFTER, "group" {
        key ["Operator_Account", "GroupId", "EventTime"]; source "cloud.tencent.com/document/product/269/1618";
        request {
            ..operator_account, group_type, group_id;
            /// The messages.
            msg_seq_list: Vec<MsgSeqItem<'a>> = "MsgSeqList";
            ..topic_id, event_time;
        }
    }

    /// Sent when a stored group message was edited.
    GroupAfterModifyMsg = "Group.CallbackAfterModifyMsg", After, AFTER, "group" {
        key ["GroupId", "TopicId", "MsgSeq", "EventTime"]; source "cloud.tencent.com/document/product/269/129193";
        request {
            ..operator_account, group_id, topic_id, msg_seq, msg_body, event_time;
        }
    }

    /// Sent when the extensions of a group message were set, deleted or cleared.
    GroupAfterMsgExtension = "Group.CallbackAfterGroupMsgExtension", After, AFTER, "group" {
        key ["GroupId", "MsgSeq", "Seq"]; source "www.tencentcloud.com/document/product/1047/76007";
        request {
            ..group_id, msg_seq, extensions;
        }
    }

    /// Sent when members of a live group (`AVChatRoom`) came online or went offline.
    ///
    /// Comes from Tencent's own servers: the query names no client.
    GroupOnMemberStateChange = "Group.CallbackOnMemberStateChange", After, AFTER, "group" {
        key ["GroupId", "EventTime"]; source "www.tencentcloud.com/document/product/1047/48734";
        request {
            ..group_id;
            /// Type of the group; seen in one SDK only.
            group_type: Option<Text<'a>> = "Type";
            /// `Online` or `Offline`.
            event_type: Text<'a> = "EventType";
            /// `Join`, `Quit`, `HeartbeatInterrupt` or `HeartbeatRecover`.
            event_cause: Text<'a> = "EventCause";
            ..member_list, optional_event_time;
        }
    }

    /// Sent when a group message could not be sent.
    GroupSendMsgException = "Group.CallbackSendMsgException", After, AFTER, "group" {
        key ["GroupId", "From_Account", "Random"]; source "www.tencentcloud.com/document/product/1047/49462";
        request {
            ..group, group_message, body, topic_id;
            /// The code that the sender got.
            error_code: i64 = "ErrorCode";
            /// The failure in words.
            error_info: Text<'a> = "ErrorInfo";
            ..event_time;
        }
    }

    /// Sent before a topic of a community is created. The community's ID is not among its members.
    ///
    /// Switched on together with [`GroupBeforeCreate`]. Codes 10100 to 10200 and their text reach the app.
    GroupBeforeCreateTopic = "Group.CallbackBeforeCreateTopic", Before, GROUP, "group" {
        key ["Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/49463";
        request {
            ..operator_account, community_type, topic_name, event_time;
        }
    }

    /// Sent when a topic of a community was created.
    GroupAfterCreateTopic = "Group.CallbackAfterCreateTopic", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/49464";
        request {
            ..group_id;
            /// ID of the topic.
            topic_id: Text<'a> = "TopicId";
            ..operator_account, owner_account, community_type, topic_name, user_defined_data_list, optional_event_time;
        }
    }

    /// Sent when topics of a community were dissolved.
    GroupAfterTopicDestroyed = "Group.CallbackAfterTopicDestroyed", After, AFTER, "group" {
        key ["GroupId", "EventTime"]; source "www.tencentcloud.com/document/product/1047/49465";
        request {
            ..group_id, community_type;
            /// IDs of the topics.
            topic_id_list: Vec<Text<'a>> = "TopicIdList";
            ..optional_event_time;
        }
    }

    /// Sent when name, introduction, notice or picture of a topic changed. Only what changed is there.
    ///
    /// Switched on together with [`GroupAfterInfoChanged`].
    GroupAfterTopicInfoChanged = "Group.CallbackAfterTopicInfoChanged", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/49466";
        request {
            ..group_id, community_type, operator_account, changed_group;
            /// ID of the topic; not on Tencent's page.
            topic_id: Option<Text<'a>> = "TopicId";
            ..optional_event_time;
        }
    }

    /// Sent when a member's role or name in a group changed. Only what changed is there.
    GroupAfterMemberFieldChanged = "Group.CallbackAfterMemberFieldChanged", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "Modified_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60393";
        request {
            ..group, operator_account;
            /// ID of the member.
            modified_account: Text<'a> = "Modified_Account";
            /// The new role: `Admin` or `Member`.
            role: Option<Text<'a>> = "Role";
            /// The new name in the group.
            name_card: Option<Text<'a>> = "NameCard";
            ..event_time;
        }
    }

    /// Sent when attributes of a group changed.
    GroupAfterAttrChanged = "Group.CallbackAfterGroupAttrChanged", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60394";
        request {
            ..group, operator_account;
            /// `set`, `modify`, `delete` or `clear`.
            option_type: Text<'a> = "OptionType";
            /// The attributes.
            group_attr: Vec<GroupAttribute<'a>> = "GroupAttr" or_empty;
            ..event_time;
        }
    }

    /// Sent when read receipts for group messages were sent.
    GroupAfterReadReceipt = "Group.CallbackAfterReadReceipt", After, AFTER, "group" {
        key ["GroupId", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60395";
        request {
            ..group;
            /// The messages, and who has read them.
            group_msg_receipt_list: Vec<GroupReceipt<'a>> = "GroupMsgReceiptList";
            ..event_time;
        }
    }

    /// Sent when a group got another owner.
    GroupAfterChangeGroupOwner = "Group.CallbackAfterChangeGroupOwner", After, AFTER, "group" {
        key ["GroupId", "Operator_Account", "OldOwner_Account", "NewOwner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60396";
        request {
            ..group, operator_account;
            /// ID of the owner until now.
            old_owner_account: Text<'a> = "OldOwner_Account";
            /// ID of the new owner.
            new_owner_account: Text<'a> = "NewOwner_Account";
            ..event_time;
        }
    }
}

objects! {
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
        ..msg_seq;
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
        ..msg_seq;
        /// Members who have read it.
        read_num: i64 = "ReadNum";
        /// Members who have not.
        unread_num: i64 = "UnreadNum";
        /// The members who sent the receipts.
        read_receipt_members: Vec<GroupMember<'a>> = "ReadReceiptMembers";
    }
}
