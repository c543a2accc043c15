//! Messages.

use std::collections::BTreeMap;

use crate::events::JsonText;
use crate::macros::commands::commands;
use crate::macros::members::members;
use crate::object::Text;

use super::members::*;
use super::push::PushInfo;

members! { $
    /// Members of every message, up to its content.
    message_head {
        /// ID of the sender.
        send_id: Text<'a> = "sendID";
        /// ID that the server gave to the message.
        server_msg_id: Text<'a> = "serverMsgID";
        /// ID that the client gave to the message.
        client_msg_id: Text<'a> = "clientMsgID";
        ..operation_id;
        /// Kind of the sender's device, as a number.
        sender_platform_id: i32 = "senderPlatformID";
        /// Nickname of the sender.
        sender_nickname: Text<'a> = "senderNickname";
        /// 1 one-to-one, 3 group, 4 notification.
        session_type: i32 = "sessionType";
        /// 100 from a user, 200 from the system.
        msg_from: i32 = "msgFrom";
        /// Type of the content; 101 is text.
        content_type: i32 = "contentType";
        /// Status of the message, in the server's numbers.
        status: i32 = "status";
        /// When it was sent, in milliseconds since 1970.
        send_time: i64 = "sendTime";
        ..create_time;
        /// The content element, as JSON text.
        content: Text<'a> = "content";
    }

    /// Members of every message, after its sequence number.
    message_tail {
        /// IDs of the users mentioned.
        at_user_list: Vec<Text<'a>> = "atUserList" or_empty;
        ..face_url, ex;
    }

    /// A message that has no sequence number yet.
    message {
        ..message_head;
        /// Always 0.
        seq: u32 = "seq";
        ..message_tail;
    }

    recv_id {
        /// ID of the receiver.
        recv_id: Text<'a> = "recvID";
    }
}

commands! {
    NAME;

    /// Sent when a user's one-to-one message reaches the server, before it checks block lists and friendship.
    ///
    /// The message can be stopped here but not changed: that is what [`BeforeMsgModify`] is for. Administrators'
    /// messages and notification sessions do not send it.
    ///
    /// Not sent for notifications (content types 1000 to 5000), for typing (113), and for the types in the server's
    /// `deniedTypes`.
    BeforeSendSingleMsg = "callbackBeforeSendSingleMsgCommand", Before, OPENIM_BEFORE, "message" {
        key ["clientMsgID"]; source "open-im-server internal/rpc/msg/callback.go:71-90";
        request {
            ..message, recv_id;
        }
    }

    /// Sent when a one-to-one message was put into the server's queue. It has no sequence number yet: `seq` is 0.
    ///
    /// Not sent for notifications (content types 1000 to 5000), for typing (113), and for the types in the server's
    /// `deniedTypes`.
    AfterSendSingleMsg = "callbackAfterSendSingleMsgCommand", After, AFTER, "message" {
        key ["clientMsgID"]; source "open-im-server internal/rpc/msg/callback.go:93-105";
        request {
            ..message, recv_id;
        }
    }

    /// Sent when a group message has passed the checks of membership and muting, before it is queued.
    ///
    /// The message can be stopped here but not changed: that is what [`BeforeMsgModify`] is for.
    ///
    /// Not sent for notifications (content types 1000 to 5000), for typing (113), and for the types in the server's
    /// `deniedTypes`.
    BeforeSendGroupMsg = "callbackBeforeSendGroupMsgCommand", Before, OPENIM_BEFORE, "message" {
        key ["clientMsgID"]; source "open-im-server internal/rpc/msg/callback.go:107-125";
        request {
            ..message, group_id;
        }
    }

    /// Sent when a group message was put into the server's queue. It has no sequence number yet: `seq` is 0.
    ///
    /// With `attentionIds` in its settings the server sends this for hardly any group message: it looks for the
    /// receiver's ID there, and groups have none.
    ///
    /// Not sent for notifications (content types 1000 to 5000), for typing (113), and for the types in the server's
    /// `deniedTypes`.
    AfterSendGroupMsg = "callbackAfterSendGroupMsgCommand", After, AFTER, "message" {
        key ["clientMsgID"]; source "open-im-server internal/rpc/msg/callback.go:127-140";
        request {
            ..message, group_id;
        }
    }

    /// Sent after [`BeforeSendSingleMsg`] or [`BeforeSendGroupMsg`], before the message is queued. The one place where
    /// a message can be changed.
    ///
    /// Neither receiver nor group are shown. New `content` must be a JSON object again ([`JsonText`]), in the form of
    /// the message's `contentType`. Servers up to v3.8.3-patch.16 send it for text (101) only.
    ///
    /// Not sent for notifications (content types 1000 to 5000), for typing (113), and for the types in the server's
    /// `deniedTypes`.
    BeforeMsgModify = "callbackBeforeMsgModifyCommand", Before, OPENIM_BEFORE, "message" {
        key ["clientMsgID"]; source "open-im-server internal/rpc/msg/callback.go:142-184";
        request {
            ..message;
        }
        changes {
            content: JsonText = "content" NonNull "content";
            recv_id: String = "recvID" NonNull;
            group_id: String = "groupID" NonNull;
            client_msg_id: String = "clientMsgID" NonNull "clientMsgID";
            server_msg_id: String = "serverMsgID" NonNull "serverMsgID";
            sender_platform_id: i32 = "senderPlatformID" NonNull "senderPlatformID";
            sender_nickname: String = "senderNickname" NonNull "senderNickname";
            sender_face_url: String = "senderFaceURL" NonNull "faceURL";
            session_type: i32 = "sessionType" NonNull "sessionType";
            msg_from: i32 = "msgFrom" NonNull "msgFrom";
            content_type: i32 = "contentType" NonNull "contentType";
            status: i32 = "status" NonNull "status";
            options: BTreeMap<String, bool> = "options" NonNull;
            at_user_id_list: Vec<String> = "atUserIDList" NonNull "atUserList";
            attached_info: String = "attachedInfo" NonNull;
            ex: String = "ex" NonNull "ex";
        }
        unsettable {
            "offlinePushInfo": PushInfo, Crashes "the message may have none, which the request does not show, and the server would crash over it";
            "msgDataList": String, Ignored "the server reads it and does not use it";
        }
    }

    /// Sent once for each message of a batch that was written to the database, and also when writing failed.
    ///
    /// `recvID` is empty for groups, `groupID` for all others. `operationID` may be empty. Releases up to
    /// v3.8.3-patch.16 do not have this command.
    ///
    /// Not sent for notifications (content types 1000 to 5000), for typing (113), and for the types in the server's
    /// `deniedTypes`.
    AfterMsgSaveDB = "callbackAfterMsgSaveDBCommand", After, AFTER, "message" {
        key ["clientMsgID"]; source "open-im-server internal/msgtransfer/callback.go:54-72";
        request {
            ..message_head;
            /// Sequence number in the conversation, truncated to 32 bits.
            seq: u32 = "seq";
            ..message_tail, recv_id, group_id;
        }
    }

    /// Sent when a user has read a group conversation.
    ///
    /// The members do not contain what their names say; see each of them. No member names the group.
    AfterGroupMsgRead = "callbackAfterGroupMsgReadCommand", After, AFTER, "message" {
        key []; source "open-im-server internal/rpc/msg/callback.go:186-189";
        request {
            /// ID of the reader.
            send_id: Text<'a> = "sendID";
            /// ID of the reader again; not the group.
            receive_id: Text<'a> = "receiveID";
            /// Sequence number up to which was read; not a count.
            unread_msg_num: i64 = "unreadMsgNum";
            /// Type of the conversation: 3, a group.
            content_type: i64 = "contentType";
        }
    }

    /// Sent when a user has read messages of a one-to-one conversation.
    ///
    /// `Seqs` begins with a capital letter.
    AfterSingleMsgRead = "callbackAfterSingleMsgReadCommand", After, AFTER, "message" {
        key []; source "open-im-server internal/rpc/msg/callback.go:191-197";
        request {
            /// ID of the conversation.
            conversation_id: Text<'a> = "conversationID";
            /// ID of the reader.
            user_id: Text<'a> = "userID";
            /// Sequence numbers of the messages; empty where the whole conversation was read.
            seqs: Vec<i64> = "Seqs" or_empty;
            /// Type of the conversation, not of a message.
            content_type: i32 = "contentType";
        }
    }

    /// Sent when a message was revoked. Despite its name on the wire, it is sent afterwards.
    AfterRevokeMsg = "callbackBeforeAfterMsgCommand", After, AFTER, "message" {
        key ["conversationID", "seq"]; source "open-im-server internal/rpc/msg/callback.go:199-207";
        request {
            /// ID of the conversation.
            conversation_id: Text<'a> = "conversationID";
            /// Sequence number of the message.
            seq: i64 = "seq";
            /// ID of the user who revoked it.
            user_id: Text<'a> = "userID";
        }
    }
}
