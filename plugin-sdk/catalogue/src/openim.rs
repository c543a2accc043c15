//! OpenIM: every command of the server as a typed event.
//!
//! Taken from the server's source (main, commit 7848d7c7 of 2026-07-02). Its documentation shows members and forms
//! that no version sends. Members that it documents as `{"value": …}` are plain on the wire; both forms are read. A
//! list that is empty arrives as `null` and is read as empty.
//!
//! A denial's code lies in 5000 to 9999, which the server's own codes leave free; the host writes 5000 in place of
//! any other. The message is what the app shows to the user. Every command is switched off in the server's
//! `webhooks.yml` until somebody switches it on.

mod content;

use std::collections::BTreeMap;

pub use content::Content;

use crate::command::{Kind, Member};
use crate::events::{JsonText, commands, new_objects, objects};
use crate::object::Text;

commands! {
    OpenIm;

    /// Sent when an administrator registers users: after the check for IDs that exist already, before anything is
    /// stored.
    ///
    /// New `users` replace the whole list, and the server does not check the new IDs again. A member left empty in an
    /// element is stored empty.
    BeforeUserRegister = "callbackBeforeUserRegisterCommand", Before, OPENIM_BEFORE, "user" {
        key []; source "open-im-server internal/rpc/user/callback.go:88-106";
        request {
            /// The users to be registered.
            users: Vec<RegisteredUser<'a>> = "users" or_empty;
        }
        changes {
            users: Vec<NewUser> = "users" NonEmpty "users";
        }
    }

    /// Sent when an administrator has registered users.
    AfterUserRegister = "callbackAfterUserRegisterCommand", After, AFTER, "user" {
        key []; source "open-im-server internal/rpc/user/callback.go:108-115";
        request {
            /// The users who were registered.
            users: Vec<RegisteredUser<'a>> = "users" or_empty;
        }
    }

    /// Sent before a profile is stored through the server's old, deprecated interface.
    ///
    /// `ex` is always `null` here, even when the operation sets it.
    BeforeUpdateUserInfo = "callbackBeforeUpdateUserInfoCommand", Before, OPENIM_BEFORE, "user" {
        key []; source "open-im-server internal/rpc/user/callback.go:28-46";
        request {
            /// ID of the user.
            user_id: Text<'a> = "userID";
            /// Nickname.
            nick_name: Option<Text<'a>> = "nickName";
            /// Address of the picture.
            face_url: Option<Text<'a>> = "faceURL";
            /// Always `null`.
            ex: Option<Text<'a>> = "ex";
        }
        changes {
            nick_name: String = "nickName" NonNull "nickName";
            face_url: String = "faceURL" NonNull "faceURL";
            ex: String = "ex" NonNull "ex";
        }
    }

    /// Sent when a profile was stored through the server's old, deprecated interface.
    ///
    /// `ex` is always empty here.
    AfterUpdateUserInfo = "callbackAfterUpdateUserInfoCommand", After, AFTER, "user" {
        key []; source "open-im-server internal/rpc/user/callback.go:48-56";
        request {
            /// ID of the user.
            user_id: Text<'a> = "userID";
            /// Nickname.
            nick_name: Text<'a> = "nickName";
            /// Address of the picture.
            face_url: Text<'a> = "faceURL";
            /// Always empty.
            ex: Text<'a> = "ex";
        }
    }

    /// Sent before a change of a profile is stored. Members that the user does not change are `null`.
    ///
    /// Only what the user is changing can be changed: the server crashes over a new value for a member that was `null`,
    /// so the setters leave it out. `ex` is never shown, and so cannot be changed.
    BeforeUpdateUserInfoEx = "callbackBeforeUpdateUserInfoExCommand", Before, OPENIM_BEFORE, "user" {
        key []; source "open-im-server internal/rpc/user/callback.go:58-76";
        request {
            /// ID of the user.
            user_id: Text<'a> = "userID";
            /// Nickname.
            nick_name: Option<Text<'a>> = "nickName";
            /// Address of the picture.
            face_url: Option<Text<'a>> = "faceURL";
            /// Always `null`.
            ex: Option<Text<'a>> = "ex";
        }
        changes {
            nick_name: String = "nickName" IfShown "nickName";
            face_url: String = "faceURL" IfShown "faceURL";
        }
        unsettable {
            "ex": String, Crashes "the operation may have none, which the request never shows, and the server would crash over it";
        }
    }

    /// Sent when a change of a profile was stored. Members that did not change are `null`.
    ///
    /// `ex` is always `null` here, even when it changed.
    AfterUpdateUserInfoEx = "callbackAfterUpdateUserInfoExCommand", After, AFTER, "user" {
        key []; source "open-im-server internal/rpc/user/callback.go:78-86";
        request {
            /// ID of the user.
            user_id: Text<'a> = "userID";
            /// Nickname.
            nick_name: Option<Text<'a>> = "nickName";
            /// Address of the picture.
            face_url: Option<Text<'a>> = "faceURL";
            /// Always `null`.
            ex: Option<Text<'a>> = "ex";
        }
    }

    /// Sent when a user's one-to-one message reaches the server, before it looks at block lists and friendship.
    ///
    /// The message can be stopped here but not changed: that is what [`BeforeMsgModify`] is for. Administrators'
    /// messages and notification sessions do not send it.
    ///
    /// Not sent for notifications (content types 1000 to 5000), for typing (113), and for the types in the server's
    /// `deniedTypes`.
    BeforeSendSingleMsg = "callbackBeforeSendSingleMsgCommand", Before, OPENIM_BEFORE, "message" {
        key ["clientMsgID"]; source "open-im-server internal/rpc/msg/callback.go:71-90";
        request {
            /// ID of the sender.
            send_id: Text<'a> = "sendID";
            /// ID that the server gave to the message.
            server_msg_id: Text<'a> = "serverMsgID";
            /// ID that the client gave to the message.
            client_msg_id: Text<'a> = "clientMsgID";
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
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
            /// When it was made, in milliseconds since 1970.
            create_time: i64 = "createTime";
            /// The content element, as JSON text.
            content: Text<'a> = "content";
            /// Always 0.
            seq: u32 = "seq";
            /// IDs of the users mentioned.
            at_user_list: Vec<Text<'a>> = "atUserList" or_empty;
            /// Address of the picture.
            face_url: Text<'a> = "faceURL";
            /// The app's own data.
            ex: Text<'a> = "ex";
            /// ID of the receiver.
            recv_id: Text<'a> = "recvID";
        }
    }

    /// Sent when a one-to-one message was put into the server's queue. It has no sequence number yet: `seq` is 0.
    ///
    /// Not sent for notifications (content types 1000 to 5000), for typing (113), and for the types in the server's
    /// `deniedTypes`.
    AfterSendSingleMsg = "callbackAfterSendSingleMsgCommand", After, AFTER, "message" {
        key ["clientMsgID"]; source "open-im-server internal/rpc/msg/callback.go:93-105";
        request {
            /// ID of the sender.
            send_id: Text<'a> = "sendID";
            /// ID that the server gave to the message.
            server_msg_id: Text<'a> = "serverMsgID";
            /// ID that the client gave to the message.
            client_msg_id: Text<'a> = "clientMsgID";
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
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
            /// When it was made, in milliseconds since 1970.
            create_time: i64 = "createTime";
            /// The content element, as JSON text.
            content: Text<'a> = "content";
            /// Always 0.
            seq: u32 = "seq";
            /// IDs of the users mentioned.
            at_user_list: Vec<Text<'a>> = "atUserList" or_empty;
            /// Address of the picture.
            face_url: Text<'a> = "faceURL";
            /// The app's own data.
            ex: Text<'a> = "ex";
            /// ID of the receiver.
            recv_id: Text<'a> = "recvID";
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
            /// ID of the sender.
            send_id: Text<'a> = "sendID";
            /// ID that the server gave to the message.
            server_msg_id: Text<'a> = "serverMsgID";
            /// ID that the client gave to the message.
            client_msg_id: Text<'a> = "clientMsgID";
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
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
            /// When it was made, in milliseconds since 1970.
            create_time: i64 = "createTime";
            /// The content element, as JSON text.
            content: Text<'a> = "content";
            /// Always 0.
            seq: u32 = "seq";
            /// IDs of the users mentioned.
            at_user_list: Vec<Text<'a>> = "atUserList" or_empty;
            /// Address of the picture.
            face_url: Text<'a> = "faceURL";
            /// The app's own data.
            ex: Text<'a> = "ex";
            /// ID of the group.
            group_id: Text<'a> = "groupID";
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
            /// ID of the sender.
            send_id: Text<'a> = "sendID";
            /// ID that the server gave to the message.
            server_msg_id: Text<'a> = "serverMsgID";
            /// ID that the client gave to the message.
            client_msg_id: Text<'a> = "clientMsgID";
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
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
            /// When it was made, in milliseconds since 1970.
            create_time: i64 = "createTime";
            /// The content element, as JSON text.
            content: Text<'a> = "content";
            /// Always 0.
            seq: u32 = "seq";
            /// IDs of the users mentioned.
            at_user_list: Vec<Text<'a>> = "atUserList" or_empty;
            /// Address of the picture.
            face_url: Text<'a> = "faceURL";
            /// The app's own data.
            ex: Text<'a> = "ex";
            /// ID of the group.
            group_id: Text<'a> = "groupID";
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
            /// ID of the sender.
            send_id: Text<'a> = "sendID";
            /// ID that the server gave to the message.
            server_msg_id: Text<'a> = "serverMsgID";
            /// ID that the client gave to the message.
            client_msg_id: Text<'a> = "clientMsgID";
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
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
            /// When it was made, in milliseconds since 1970.
            create_time: i64 = "createTime";
            /// The content element, as JSON text.
            content: Text<'a> = "content";
            /// Always 0.
            seq: u32 = "seq";
            /// IDs of the users mentioned.
            at_user_list: Vec<Text<'a>> = "atUserList" or_empty;
            /// Address of the picture.
            face_url: Text<'a> = "faceURL";
            /// The app's own data.
            ex: Text<'a> = "ex";
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
            /// ID of the sender.
            send_id: Text<'a> = "sendID";
            /// ID that the server gave to the message.
            server_msg_id: Text<'a> = "serverMsgID";
            /// ID that the client gave to the message.
            client_msg_id: Text<'a> = "clientMsgID";
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
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
            /// When it was made, in milliseconds since 1970.
            create_time: i64 = "createTime";
            /// The content element, as JSON text.
            content: Text<'a> = "content";
            /// Sequence number in the conversation, cut to 32 bits.
            seq: u32 = "seq";
            /// IDs of the users mentioned.
            at_user_list: Vec<Text<'a>> = "atUserList" or_empty;
            /// Address of the picture.
            face_url: Text<'a> = "faceURL";
            /// The app's own data.
            ex: Text<'a> = "ex";
            /// ID of the receiver.
            recv_id: Text<'a> = "recvID";
            /// ID of the group.
            group_id: Text<'a> = "groupID";
        }
    }

    /// Sent when a user has read a group conversation.
    ///
    /// The members do not hold what their names say; see each of them. No member names the group.
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

    /// Sent when a message was revoked. In spite of its name on the wire it comes after the fact.
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

    /// Sent when a device of a user came online.
    ///
    /// v3.8.0 and v3.8.1 do not send it.
    AfterUserOnline = "callbackAfterUserOnlineCommand", After, AFTER, "presence" {
        key ["connID"]; source "open-im-server internal/msggateway/callback.go:27-43";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// Kind of the device, as a number.
            platform_id: i64 = "platformID";
            /// Kind of the device, as a word.
            platform: Text<'a> = "platform";
            /// ID of the user.
            user_id: Text<'a> = "userID";
            /// When it happened, in milliseconds since 1970.
            seq: i64 = "seq";
            /// Whether the app is in the background.
            is_app_background: bool = "isAppBackground";
            /// ID of the connection.
            conn_id: Text<'a> = "connID";
        }
    }

    /// Sent when a device of a user went offline.
    ///
    /// v3.8.0 and v3.8.1 do not send it.
    AfterUserOffline = "callbackAfterUserOfflineCommand", After, AFTER, "presence" {
        key ["connID"]; source "open-im-server internal/msggateway/callback.go:45-60";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// Kind of the device, as a number.
            platform_id: i64 = "platformID";
            /// Kind of the device, as a word.
            platform: Text<'a> = "platform";
            /// ID of the user.
            user_id: Text<'a> = "userID";
            /// When it happened, in milliseconds since 1970.
            seq: i64 = "seq";
            /// ID of the connection.
            conn_id: Text<'a> = "connID";
        }
    }

    /// Meant for a user who was forced offline, but no version of the server sends it.
    AfterUserKickOff = "callbackAfterUserKickOffCommand", After, AFTER, "presence" {
        key []; source "open-im-server internal/msggateway/callback.go:62-76";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// Kind of the device, as a number.
            platform_id: i64 = "platformID";
            /// Kind of the device, as a word.
            platform: Text<'a> = "platform";
            /// ID of the user.
            user_id: Text<'a> = "userID";
            /// When it happened, in milliseconds since 1970.
            seq: i64 = "seq";
        }
    }

    /// Sent before a push to devices that are not connected: to the receiver of a one-to-one message that could not be
    /// delivered, or to the members of a group that were not reached.
    ///
    /// A denial cancels this push only, and nobody is told. Title, text and the other members of the push are absent
    /// where the message carries none. New push information replaces all of the old.
    BeforeOfflinePush = "callbackBeforeOfflinePushCommand", Before, OPENIM_BEFORE, "push" {
        key ["clientMsgID"]; source "open-im-server internal/push/callback.go:30-69";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// Kind of the device, as a number.
            platform_id: i64 = "platformID";
            /// Kind of the device, as a word.
            platform: Text<'a> = "platform";
            /// IDs of the receivers.
            user_id_list: Vec<Text<'a>> = "userIDList" or_empty;
            /// Title of the push.
            title: Option<Text<'a>> = "title";
            /// Text of the push.
            desc: Option<Text<'a>> = "desc";
            /// The app's own data.
            ex: Option<Text<'a>> = "ex";
            /// Sound on iOS.
            ios_push_sound: Option<Text<'a>> = "iOSPushSound";
            /// Whether the badge on iOS counts.
            ios_badge_count: Option<bool> = "iOSBadgeCount";
            /// Signalling data.
            signal_info: Option<Text<'a>> = "signalInfo";
            /// ID that the client gave to the message.
            client_msg_id: Text<'a> = "clientMsgID";
            /// ID of the sender.
            send_id: Text<'a> = "sendID";
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Type of the content; 101 is text.
            content_type: i32 = "contentType";
            /// 1 one-to-one, 3 group, 4 notification.
            session_type: i32 = "sessionType";
            /// IDs of the users mentioned.
            at_user_id_list: Vec<Text<'a>> = "atUserIDList" or_empty;
            /// The content element, as JSON text.
            content: Text<'a> = "content";
        }
        changes {
            user_id_list: Vec<String> = "userIDList" NonEmpty "userIDList";
            offline_push_info: PushInfo = "offlinePushInfo" NonNull;
        }
    }

    /// Sent before a one-to-one message or a notification is pushed to connected devices. Typing does not send it.
    ///
    /// A denial stops the online and the offline push; the message stays stored, and nobody is told. Title, text and
    /// the other members of the push are always absent.
    BeforeOnlinePush = "callbackBeforeOnlinePushCommand", Before, OPENIM_BEFORE, "push" {
        key ["clientMsgID"]; source "open-im-server internal/push/callback.go:71-100";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// Kind of the device, as a number.
            platform_id: i64 = "platformID";
            /// Kind of the device, as a word.
            platform: Text<'a> = "platform";
            /// IDs of the receivers.
            user_id_list: Vec<Text<'a>> = "userIDList" or_empty;
            /// Title of the push.
            title: Option<Text<'a>> = "title";
            /// Text of the push.
            desc: Option<Text<'a>> = "desc";
            /// The app's own data.
            ex: Option<Text<'a>> = "ex";
            /// Sound on iOS.
            ios_push_sound: Option<Text<'a>> = "iOSPushSound";
            /// Whether the badge on iOS counts.
            ios_badge_count: Option<bool> = "iOSBadgeCount";
            /// Signalling data.
            signal_info: Option<Text<'a>> = "signalInfo";
            /// ID that the client gave to the message.
            client_msg_id: Text<'a> = "clientMsgID";
            /// ID of the sender.
            send_id: Text<'a> = "sendID";
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Type of the content; 101 is text.
            content_type: i32 = "contentType";
            /// 1 one-to-one, 3 group, 4 notification.
            session_type: i32 = "sessionType";
            /// IDs of the users mentioned.
            at_user_id_list: Vec<Text<'a>> = "atUserIDList" or_empty;
            /// The content element, as JSON text.
            content: Text<'a> = "content";
        }
        unsettable {
            "userIDList": Vec<String>, Ignored "the server reads it and does not use it";
            "offlinePushInfo": PushInfo, Ignored "the server reads it and does not use it";
        }
    }

    /// Sent before a group message is pushed to connected devices.
    ///
    /// A denial stops the online and the offline push; the message stays stored, and nobody is told. Without a new
    /// `userIDList` all members get it.
    BeforeGroupOnlinePush = "callbackBeforeGroupOnlinePushCommand", Before, OPENIM_BEFORE, "push" {
        key ["clientMsgID"]; source "open-im-server internal/push/callback.go:102-138";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// Kind of the device, as a number.
            platform_id: i64 = "platformID";
            /// Kind of the device, as a word.
            platform: Text<'a> = "platform";
            /// ID that the client gave to the message.
            client_msg_id: Text<'a> = "clientMsgID";
            /// ID of the sender.
            send_id: Text<'a> = "sendID";
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Type of the content; 101 is text.
            content_type: i32 = "contentType";
            /// 1 one-to-one, 3 group, 4 notification.
            session_type: i32 = "sessionType";
            /// IDs of the users mentioned.
            at_user_id_list: Vec<Text<'a>> = "atUserIDList" or_empty;
            /// The content element, as JSON text.
            content: Text<'a> = "content";
            /// Sequence number in the conversation.
            seq: i64 = "seq";
        }
        changes {
            user_id_list: Vec<String> = "userIDList" NonEmpty;
        }
        unsettable {
            "offlinePushInfo": PushInfo, Ignored "the server reads it and does not use it";
        }
    }

    /// Sent before a friend request is stored.
    BeforeAddFriend = "callbackBeforeAddFriendCommand", Before, OPENIM_BEFORE, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:36-52";
        request {
            /// ID of the user who asks.
            from_user_id: Text<'a> = "fromUserID";
            /// ID of the user who is asked.
            to_user_id: Text<'a> = "toUserID";
            /// Text of the request.
            req_msg: Text<'a> = "reqMsg";
            /// The app's own data.
            ex: Text<'a> = "ex";
        }
    }

    /// Sent when a friend request was stored. It has not been accepted yet: that is [`AfterAddFriendAgree`].
    AfterAddFriend = "callbackAfterAddFriendCommand", After, AFTER, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:54-63";
        request {
            /// ID of the user who asks.
            from_user_id: Text<'a> = "fromUserID";
            /// ID of the user who is asked.
            to_user_id: Text<'a> = "toUserID";
            /// Text of the request.
            req_msg: Text<'a> = "reqMsg";
        }
    }

    /// Sent before a friend request is accepted. A refusal does not send it.
    ///
    /// The user who accepts is called `blackUserID` on the wire, and `HandleResult` and `HandleMsg` begin with a
    /// capital letter.
    BeforeAddFriendAgree = "callbackBeforeAddFriendAgreeCommand", Before, OPENIM_BEFORE, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:127-139";
        request {
            /// ID of the user who asks.
            from_user_id: Text<'a> = "fromUserID";
            /// ID of the user who accepts.
            black_user_id: Text<'a> = "blackUserID";
            /// Answer to the request: 1 accepted, -1 refused.
            handle_result: i32 = "HandleResult";
            /// Text of the answer.
            handle_msg: Text<'a> = "HandleMsg";
        }
    }

    /// Sent when a friend request was accepted.
    ///
    /// The user who accepted is called `blackUserID` on the wire, and `HandleResult` and `HandleMsg` begin with a
    /// capital letter.
    AfterAddFriendAgree = "callbackAfterAddFriendAgreeCommand", After, AFTER, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:141-151";
        request {
            /// ID of the user who asks.
            from_user_id: Text<'a> = "fromUserID";
            /// ID of the user who accepted.
            black_user_id: Text<'a> = "blackUserID";
            /// Answer to the request: 1 accepted, -1 refused.
            handle_result: i32 = "HandleResult";
            /// Text of the answer.
            handle_msg: Text<'a> = "HandleMsg";
        }
    }

    /// Sent when a user removed a friend.
    AfterDeleteFriend = "callbackAfterDeleteFriendCommand", After, AFTER, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:27-34";
        request {
            /// ID of the user who removed a friend.
            owner_user_id: Text<'a> = "ownerUserID";
            /// ID of the friend.
            friend_user_id: Text<'a> = "friendUserID";
        }
    }

    /// Sent before the remark on a friend is stored, and before the server checks that the user may set it.
    ///
    /// A new remark cannot be empty: the server keeps the old one then. Deny instead.
    BeforeSetFriendRemark = "callbackBeforeSetFriendRemarkCommand", Before, OPENIM_BEFORE, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:96-113";
        request {
            /// ID of the user whose remark it is.
            owner_user_id: Text<'a> = "ownerUserID";
            /// ID of the friend.
            friend_user_id: Text<'a> = "friendUserID";
            /// The remark.
            remark: Text<'a> = "remark";
        }
        changes {
            remark: String = "remark" NonEmpty "remark";
        }
    }

    /// Sent when the remark on a friend was stored.
    AfterSetFriendRemark = "callbackAfterSetFriendRemarkCommand", After, AFTER, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:65-74";
        request {
            /// ID of the user whose remark it is.
            owner_user_id: Text<'a> = "ownerUserID";
            /// ID of the friend.
            friend_user_id: Text<'a> = "friendUserID";
            /// The remark.
            remark: Text<'a> = "remark";
        }
    }

    /// Sent before an administrator imports friends of a user.
    ///
    /// New `friendUserIDs` replace the whole list, and the server does not check them again. An empty list is ignored.
    BeforeImportFriends = "callbackBeforeImportFriendsCommand", Before, OPENIM_BEFORE, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:153-169";
        request {
            /// ID of the user who gets friends.
            owner_user_id: Text<'a> = "ownerUserID";
            /// IDs of the friends.
            friend_user_ids: Vec<Text<'a>> = "friendUserIDs" or_empty;
        }
        changes {
            friend_user_ids: Vec<String> = "friendUserIDs" NonEmpty "friendUserIDs";
        }
    }

    /// Sent when an administrator has imported friends of a user.
    AfterImportFriends = "callbackAfterImportFriendsCommand", After, AFTER, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:76-84";
        request {
            /// ID of the user who got friends.
            owner_user_id: Text<'a> = "ownerUserID";
            /// IDs of the friends.
            friend_user_ids: Vec<Text<'a>> = "friendUserIDs" or_empty;
        }
    }

    /// Sent before a user puts another one on the block list.
    BeforeAddBlack = "callbackBeforeAddBlackCommand", Before, OPENIM_BEFORE, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:115-125";
        request {
            /// ID of the user who blocks.
            owner_user_id: Text<'a> = "ownerUserID";
            /// ID of the user to be blocked.
            black_user_id: Text<'a> = "blackUserID";
        }
    }

    /// Sent when a user took another one off the block list.
    AfterRemoveBlack = "callbackAfterRemoveBlackCommand", After, AFTER, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:86-94";
        request {
            /// ID of the user who had blocked.
            owner_user_id: Text<'a> = "ownerUserID";
            /// ID of the user who was blocked.
            black_user_id: Text<'a> = "blackUserID";
        }
    }

    /// Sent before a group is created. `groupID` is empty where the server is to choose one.
    ///
    /// `initMemberList` holds the owner, then the administrators, then the members. The owner cannot be changed, and
    /// neither can `applyMemberFriend`.
    BeforeCreateGroup = "callbackBeforeCreateGroupCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:35-78";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// ID of the group; empty where the server is to choose one.
            group_id: Text<'a> = "groupID";
            /// Name of the group.
            group_name: Text<'a> = "groupName";
            /// Notice of the group.
            notification: Text<'a> = "notification";
            /// Introduction of the group.
            introduction: Text<'a> = "introduction";
            /// Address of the picture.
            face_url: Text<'a> = "faceURL";
            /// ID of the owner.
            owner_user_id: Text<'a> = "ownerUserID";
            /// When it was made, in milliseconds since 1970.
            create_time: i64 = "createTime";
            /// Number of members.
            member_count: u32 = "memberCount";
            /// The app's own data.
            ex: Text<'a> = "ex";
            /// Status of the group, in the server's numbers.
            status: i32 = "status";
            /// ID of the creator.
            creator_user_id: Text<'a> = "creatorUserID";
            /// Type of the group.
            group_type: i32 = "groupType";
            /// How applications are approved, in the server's numbers.
            need_verification: i32 = "needVerification";
            /// Whether members may look at each other's profiles, in the server's numbers.
            look_member_info: i32 = "lookMemberInfo";
            /// Whether members may ask each other for friendship, in the server's numbers.
            apply_member_friend: i32 = "applyMemberFriend";
            /// When the notice was set, in milliseconds since 1970.
            notification_update_time: i64 = "notificationUpdateTime";
            /// ID of the user who set the notice.
            notification_user_id: Text<'a> = "notificationUserID";
            /// The first members, with their roles.
            init_member_list: Vec<InitialMember<'a>> = "initMemberList" or_empty;
        }
        changes {
            group_id: String = "groupID" NonNull "groupID";
            group_name: String = "groupName" NonNull "groupName";
            notification: String = "notification" NonNull "notification";
            introduction: String = "introduction" NonNull "introduction";
            face_url: String = "faceURL" NonNull "faceURL";
            ex: String = "ex" NonNull "ex";
            status: i32 = "status" NonNull "status";
            creator_user_id: String = "creatorUserID" NonNull "creatorUserID";
            group_type: i32 = "groupType" NonNull "groupType";
            need_verification: i32 = "needVerification" NonNull "needVerification";
            look_member_info: i32 = "lookMemberInfo" NonNull "lookMemberInfo";
        }
        unsettable {
            "ownerUserID": String, Ignored "the owner is taken from the operation";
            "applyMemberFriend": i32, Ignored "the server reads it and does not use it";
        }
    }

    /// Sent when a group was created.
    ///
    /// `initMemberList` names the owner and the administrators twice: once with their role and once as members (20).
    /// The body has no tracing ID, so `Callback::operation_id` is the one to use.
    AfterCreateGroup = "callbackAfterCreateGroupCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:80-102";
        request {
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Name of the group.
            group_name: Text<'a> = "groupName";
            /// Notice of the group.
            notification: Text<'a> = "notification";
            /// Introduction of the group.
            introduction: Text<'a> = "introduction";
            /// Address of the picture.
            face_url: Text<'a> = "faceURL";
            /// ID of the owner.
            owner_user_id: Text<'a> = "ownerUserID";
            /// When it was made, in milliseconds since 1970.
            create_time: i64 = "createTime";
            /// Number of members.
            member_count: u32 = "memberCount";
            /// The app's own data.
            ex: Text<'a> = "ex";
            /// Status of the group, in the server's numbers.
            status: i32 = "status";
            /// ID of the creator.
            creator_user_id: Text<'a> = "creatorUserID";
            /// Type of the group.
            group_type: i32 = "groupType";
            /// How applications are approved, in the server's numbers.
            need_verification: i32 = "needVerification";
            /// Whether members may look at each other's profiles, in the server's numbers.
            look_member_info: i32 = "lookMemberInfo";
            /// Whether members may ask each other for friendship, in the server's numbers.
            apply_member_friend: i32 = "applyMemberFriend";
            /// When the notice was set, in milliseconds since 1970.
            notification_update_time: i64 = "notificationUpdateTime";
            /// ID of the user who set the notice.
            notification_user_id: Text<'a> = "notificationUserID";
            /// The first members, with their roles.
            init_member_list: Vec<InitialMember<'a>> = "initMemberList" or_empty;
        }
    }

    /// Sent before members are added: with a new group, by invitation, with an accepted application, or when a user
    /// joins directly.
    ///
    /// Changes go by user ID; those for users who are not joining are ignored.
    BeforeMembersJoinGroup = "callbackBeforeMembersJoinGroupCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:104-145";
        request {
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// The members who are joining.
            member_list: Vec<JoiningMember<'a>> = "memberList" or_empty;
            /// The app's own data of the group.
            group_ex: Text<'a> = "groupEx";
        }
        changes {
            member_callback_list: Vec<MemberChange> = "memberCallbackList" NonNull;
        }
    }

    /// Sent before a member's nickname, picture, role or own data in a group are stored, once for each member. What is
    /// not changed is `null`.
    ///
    /// The server does not check a new `roleLevel` again.
    BeforeSetGroupMemberInfo = "callbackBeforeSetGroupMemberInfoCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:147-184";
        request {
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// ID of the member.
            user_id: Text<'a> = "userID";
            /// Nickname.
            nick_name: Option<Text<'a>> = "nickName";
            /// Address of the picture.
            face_url: Option<Text<'a>> = "faceURL";
            /// 100 owner, 60 administrator, 20 member.
            role_level: Option<i32> = "roleLevel";
            /// The app's own data.
            ex: Option<Text<'a>> = "ex";
        }
        changes {
            ex: String = "ex" NonNull "ex";
            nick_name: String = "nickName" NonNull "nickName";
            face_url: String = "faceURL" NonNull "faceURL";
            role_level: i32 = "roleLevel" NonNull "roleLevel";
        }
    }

    /// Sent when a member's nickname, picture, role or own data in a group were stored, once for each member. What did
    /// not change is `null`.
    AfterSetGroupMemberInfo = "callbackAfterSetGroupMemberInfoCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:186-205";
        request {
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// ID of the member.
            user_id: Text<'a> = "userID";
            /// Nickname.
            nick_name: Option<Text<'a>> = "nickName";
            /// Address of the picture.
            face_url: Option<Text<'a>> = "faceURL";
            /// 100 owner, 60 administrator, 20 member.
            role_level: Option<i32> = "roleLevel";
            /// The app's own data.
            ex: Option<Text<'a>> = "ex";
        }
    }

    /// Sent when a member left a group.
    AfterQuitGroup = "callbackAfterQuitGroupCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:207-214";
        request {
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// ID of the user who left.
            user_id: Text<'a> = "userID";
        }
    }

    /// Sent when members were removed from a group by somebody else.
    AfterKickGroup = "callbackAfterKickGroupCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:216-224";
        request {
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// IDs of the members who were removed.
            kicked_user_ids: Vec<Text<'a>> = "kickedUserIDs" or_empty;
            /// Reason, as the remover wrote it.
            reason: Text<'a> = "reason";
        }
    }

    /// Sent when a group was dismissed.
    ///
    /// `membersID` has an entry for each member, however many; it is empty where the members were deleted with the
    /// group. `groupType` is a text of one character whose code is the number.
    AfterDismissGroup = "callbackAfterDisMissGroupCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:226-229";
        request {
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// ID of the owner.
            owner_id: Text<'a> = "ownerID";
            /// Type of the group, as a character whose code is the number.
            group_type: Text<'a> = "groupType";
            /// IDs of the members.
            members_id: Vec<Text<'a>> = "membersID" or_empty;
        }
    }

    /// Sent when a user asks to join a group, whether or not somebody has to approve it.
    ///
    /// Where nobody has to, [`BeforeMembersJoinGroup`] follows. `groupType` is a text of one character whose code is
    /// the number.
    BeforeJoinGroup = "callbackBeforeJoinGroupCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:231-240";
        request {
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Type of the group, as a character whose code is the number.
            group_type: Text<'a> = "groupType";
            /// ID of the user who asks.
            apply_id: Text<'a> = "applyID";
            /// Text of the application.
            req_message: Text<'a> = "reqMessage";
            /// The app's own data.
            ex: Text<'a> = "ex";
        }
    }

    /// Sent when a user joined a group that needs no approval. Invitations and approved applications do not send it.
    AfterJoinGroup = "callbackAfterJoinGroupCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:278-288";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Text of the application.
            req_message: Text<'a> = "reqMessage";
            /// How the user came to the group, in the server's numbers.
            join_source: i32 = "joinSource";
            /// ID of the user who joined.
            inviter_user_id: Text<'a> = "inviterUserID";
        }
    }

    /// Sent when a group got another owner.
    AfterTransferGroupOwner = "callbackAfterTransferGroupOwnerCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:242-250";
        request {
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// ID of the owner until now.
            old_owner_user_id: Text<'a> = "oldOwnerUserID";
            /// ID of the new owner.
            new_owner_user_id: Text<'a> = "newOwnerUserID";
        }
    }

    /// Sent before users are invited to a group.
    ///
    /// All of them or none: the server cannot leave out single users here.
    BeforeInviteJoinGroup = "callbackBeforeInviteJoinGroupCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:252-276";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Reason, as the inviter wrote it.
            reason: Text<'a> = "reason";
            /// IDs of the users to be invited.
            invited_user_ids: Vec<Text<'a>> = "invitedUserIDs" or_empty;
        }
        unsettable {
            "refusedMembersAccount": Vec<String>, Ignored "the server reads it and does not use it";
        }
    }

    /// Sent before a change of a group is stored through the server's older interface.
    ///
    /// The server overwrites ID, name, introduction and picture with whatever the answer holds; the host repeats the
    /// request's values where a plugin sets none. `notification` cannot be changed, and `operationID` is always empty.
    BeforeSetGroupInfo = "callbackBeforeSetGroupInfoCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:290-337";
        request {
            /// Always empty.
            operation_id: Text<'a> = "operationID";
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Name of the group.
            group_name: Text<'a> = "groupName";
            /// Notice of the group.
            notification: Text<'a> = "notification";
            /// Introduction of the group.
            introduction: Text<'a> = "introduction";
            /// Address of the picture.
            face_url: Text<'a> = "faceURL";
            /// The app's own data.
            ex: Text<'a> = "ex";
            /// How applications are approved, in the server's numbers.
            need_verification: i32 = "needVerification";
            /// Whether members may look at each other's profiles, in the server's numbers.
            look_member_info: i32 = "lookMemberInfo";
            /// Whether members may ask each other for friendship, in the server's numbers.
            apply_member_friend: i32 = "applyMemberFriend";
        }
        echo ["groupID", "groupName", "introduction", "faceURL"]
        changes {
            group_id: String = "groupID" Copied "groupID";
            group_name: String = "groupName" Copied "groupName";
            introduction: String = "introduction" Copied "introduction";
            face_url: String = "faceURL" Copied "faceURL";
            ex: String = "ex" NonNull "ex";
            need_verification: i32 = "needVerification" NonNull "needVerification";
            look_member_info: i32 = "lookMemberInfo" NonNull "lookMemberInfo";
            apply_member_friend: i32 = "applyMemberFriend" NonNull "applyMemberFriend";
        }
        unsettable {
            "notification": String, Ignored "the server reads it and does not use it";
        }
    }

    /// Sent when a change of a group was stored through the server's older interface. `operationID` is always empty.
    AfterSetGroupInfo = "callbackAfterSetGroupInfoCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:339-361";
        request {
            /// Always empty.
            operation_id: Text<'a> = "operationID";
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Name of the group.
            group_name: Text<'a> = "groupName";
            /// Notice of the group.
            notification: Text<'a> = "notification";
            /// Introduction of the group.
            introduction: Text<'a> = "introduction";
            /// Address of the picture.
            face_url: Text<'a> = "faceURL";
            /// The app's own data.
            ex: Option<Text<'a>> = "ex";
            /// How applications are approved, in the server's numbers.
            need_verification: Option<i32> = "needVerification";
            /// Whether members may look at each other's profiles, in the server's numbers.
            look_member_info: Option<i32> = "lookMemberInfo";
            /// Whether members may ask each other for friendship, in the server's numbers.
            apply_member_friend: Option<i32> = "applyMemberFriend";
        }
    }

    /// Sent before a change of a group is stored. Members that are not changed are `null`.
    ///
    /// The server overwrites all of them but `notification` with whatever the answer holds; the host repeats the
    /// request's values where a plugin sets none. `notification` cannot be changed, and `operationID` is always empty.
    BeforeSetGroupInfoEx = "callbackBeforeSetGroupInfoExCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:363-406";
        request {
            /// Always empty.
            operation_id: Text<'a> = "operationID";
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Name of the group.
            group_name: Option<Text<'a>> = "groupName";
            /// Notice of the group.
            notification: Option<Text<'a>> = "notification";
            /// Introduction of the group.
            introduction: Option<Text<'a>> = "introduction";
            /// Address of the picture.
            face_url: Option<Text<'a>> = "faceURL";
            /// The app's own data.
            ex: Option<Text<'a>> = "ex";
            /// How applications are approved, in the server's numbers.
            need_verification: Option<i32> = "needVerification";
            /// Whether members may look at each other's profiles, in the server's numbers.
            look_member_info: Option<i32> = "lookMemberInfo";
            /// Whether members may ask each other for friendship, in the server's numbers.
            apply_member_friend: Option<i32> = "applyMemberFriend";
        }
        echo ["groupID", "groupName", "introduction", "faceURL", "ex", "needVerification", "lookMemberInfo", "applyMemberFriend"]
        changes {
            group_id: String = "groupID" Copied "groupID";
            group_name: String = "groupName" Copied "groupName";
            introduction: String = "introduction" Copied "introduction";
            face_url: String = "faceURL" Copied "faceURL";
            ex: String = "ex" Copied "ex";
            need_verification: i32 = "needVerification" Copied "needVerification";
            look_member_info: i32 = "lookMemberInfo" Copied "lookMemberInfo";
            apply_member_friend: i32 = "applyMemberFriend" Copied "applyMemberFriend";
        }
        unsettable {
            "notification": String, Ignored "the server reads it and does not use it";
        }
    }

    /// Sent when a change of a group was stored. Members that did not change are `null`, and `operationID` is always
    /// empty.
    AfterSetGroupInfoEx = "callbackAfterSetGroupInfoExCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:408-432";
        request {
            /// Always empty.
            operation_id: Text<'a> = "operationID";
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Name of the group.
            group_name: Option<Text<'a>> = "groupName";
            /// Notice of the group.
            notification: Option<Text<'a>> = "notification";
            /// Introduction of the group.
            introduction: Option<Text<'a>> = "introduction";
            /// Address of the picture.
            face_url: Option<Text<'a>> = "faceURL";
            /// The app's own data.
            ex: Option<Text<'a>> = "ex";
            /// How applications are approved, in the server's numbers.
            need_verification: Option<i32> = "needVerification";
            /// Whether members may look at each other's profiles, in the server's numbers.
            look_member_info: Option<i32> = "lookMemberInfo";
            /// Whether members may ask each other for friendship, in the server's numbers.
            apply_member_friend: Option<i32> = "applyMemberFriend";
        }
    }

    /// Sent before the conversations of a new one-to-one or notification session are stored. No user is waiting.
    ///
    /// A one-to-one session sends it twice, both times with the sender's conversation; changes in the second answer
    /// have no effect. Releases up to v3.8.3-patch.16 do not have this command.
    BeforeCreateSingleChatConversations = "callbackBeforeCreateSingleChatConversationsCommand", Before, OPENIM_BEFORE, "conversation" {
        key []; source "open-im-server internal/rpc/conversation/callback.go:13-45";
        request {
            /// ID of the user whose conversation it is.
            owner_user_id: Text<'a> = "ownerUserId";
            /// ID of the conversation.
            conversation_id: Text<'a> = "conversationId";
            /// 1 one-to-one, 3 group, 4 notification.
            conversation_type: i32 = "conversationType";
            /// ID of the other user.
            user_id: Text<'a> = "userId";
            /// How messages are received, in the server's numbers.
            recv_msg_opt: i32 = "recvMsgOpt";
            /// Whether it stands at the top of the list.
            is_pinned: bool = "isPinned";
            /// Whether messages are burnt after reading.
            is_private_chat: bool = "isPrivateChat";
            /// Seconds until a message that was read is burnt.
            burn_duration: i32 = "burnDuration";
            /// How the user was mentioned, in the server's numbers.
            group_at_type: i32 = "groupAtType";
            /// Further data of the client.
            attached_info: Text<'a> = "attachedInfo";
            /// The app's own data.
            ex: Text<'a> = "ex";
        }
        changes {
            recv_msg_opt: i32 = "recvMsgOpt" NonNull "recvMsgOpt";
            is_pinned: bool = "isPinned" NonNull "isPinned";
            is_private_chat: bool = "isPrivateChat" NonNull "isPrivateChat";
            burn_duration: i32 = "burnDuration" NonNull "burnDuration";
            group_at_type: i32 = "groupAtType" NonNull "groupAtType";
            attached_info: String = "attachedInfo" NonNull "attachedInfo";
            ex: String = "ex" NonNull "ex";
        }
    }

    /// Sent when a conversation of a one-to-one or notification session was stored, and also when storing failed.
    ///
    /// Releases up to v3.8.3-patch.16 do not have this command.
    AfterCreateSingleChatConversations = "callbackAfterCreateSingleChatConversationsCommand", After, AFTER, "conversation" {
        key []; source "open-im-server internal/rpc/conversation/callback.go:47-65";
        request {
            /// ID of the user whose conversation it is.
            owner_user_id: Text<'a> = "ownerUserId";
            /// ID of the conversation.
            conversation_id: Text<'a> = "conversationId";
            /// 1 one-to-one, 3 group, 4 notification.
            conversation_type: i32 = "conversationType";
            /// ID of the other user.
            user_id: Text<'a> = "userId";
            /// How messages are received, in the server's numbers.
            recv_msg_opt: i32 = "recvMsgOpt";
            /// Whether it stands at the top of the list.
            is_pinned: bool = "isPinned";
            /// Whether messages are burnt after reading.
            is_private_chat: bool = "isPrivateChat";
            /// Seconds until a message that was read is burnt.
            burn_duration: i32 = "burnDuration";
            /// How the user was mentioned, in the server's numbers.
            group_at_type: i32 = "groupAtType";
            /// Further data of the client.
            attached_info: Text<'a> = "attachedInfo";
            /// The app's own data.
            ex: Text<'a> = "ex";
        }
    }

    /// Sent before the conversations of a group are stored. `ownerUserId` is always empty.
    ///
    /// Releases up to v3.8.3-patch.16 do not have this command.
    BeforeCreateGroupChatConversations = "callbackBeforeCreateGroupChatConversationsCommand", Before, OPENIM_BEFORE, "conversation" {
        key []; source "open-im-server internal/rpc/conversation/callback.go:67-98";
        request {
            /// Always empty.
            owner_user_id: Text<'a> = "ownerUserId";
            /// ID of the conversation.
            conversation_id: Text<'a> = "conversationId";
            /// 1 one-to-one, 3 group, 4 notification.
            conversation_type: i32 = "conversationType";
            /// ID of the group.
            group_id: Text<'a> = "groupId";
            /// How messages are received, in the server's numbers.
            recv_msg_opt: i32 = "recvMsgOpt";
            /// Whether it stands at the top of the list.
            is_pinned: bool = "isPinned";
            /// Whether messages are burnt after reading.
            is_private_chat: bool = "isPrivateChat";
            /// Seconds until a message that was read is burnt.
            burn_duration: i32 = "burnDuration";
            /// How the user was mentioned, in the server's numbers.
            group_at_type: i32 = "groupAtType";
            /// Further data of the client.
            attached_info: Text<'a> = "attachedInfo";
            /// The app's own data.
            ex: Text<'a> = "ex";
        }
        changes {
            recv_msg_opt: i32 = "recvMsgOpt" NonNull "recvMsgOpt";
            is_pinned: bool = "isPinned" NonNull "isPinned";
            is_private_chat: bool = "isPrivateChat" NonNull "isPrivateChat";
            burn_duration: i32 = "burnDuration" NonNull "burnDuration";
            group_at_type: i32 = "groupAtType" NonNull "groupAtType";
            attached_info: String = "attachedInfo" NonNull "attachedInfo";
            ex: String = "ex" NonNull "ex";
        }
    }

    /// Sent when the conversations of a group were stored. `ownerUserId` is always empty.
    ///
    /// Releases up to v3.8.3-patch.16 do not have this command.
    AfterCreateGroupChatConversations = "callbackAfterCreateGroupChatConversationsCommand", After, AFTER, "conversation" {
        key []; source "open-im-server internal/rpc/conversation/callback.go:100-117";
        request {
            /// Always empty.
            owner_user_id: Text<'a> = "ownerUserId";
            /// ID of the conversation.
            conversation_id: Text<'a> = "conversationId";
            /// 1 one-to-one, 3 group, 4 notification.
            conversation_type: i32 = "conversationType";
            /// ID of the group.
            group_id: Text<'a> = "groupId";
            /// How messages are received, in the server's numbers.
            recv_msg_opt: i32 = "recvMsgOpt";
            /// Whether it stands at the top of the list.
            is_pinned: bool = "isPinned";
            /// Whether messages are burnt after reading.
            is_private_chat: bool = "isPrivateChat";
            /// Seconds until a message that was read is burnt.
            burn_duration: i32 = "burnDuration";
            /// How the user was mentioned, in the server's numbers.
            group_at_type: i32 = "groupAtType";
            /// Further data of the client.
            attached_info: Text<'a> = "attachedInfo";
            /// The app's own data.
            ex: Text<'a> = "ex";
        }
    }
}

objects! {
    /// A user who is being registered.
    RegisteredUser {
        /// ID of the user.
        user_id: Text<'a> = "userID";
        /// Nickname.
        nickname: Text<'a> = "nickname";
        /// Address of the picture.
        face_url: Text<'a> = "faceURL";
        /// The app's own data.
        ex: Text<'a> = "ex";
        /// When it was made, in milliseconds since 1970.
        create_time: i64 = "createTime";
        /// Level of an administrator of the app (the server's spelling).
        app_manger_level: i32 = "appMangerLevel";
        /// How messages are received by default, in the server's numbers.
        global_recv_msg_opt: i32 = "globalRecvMsgOpt";
    }

    /// A first member of a new group.
    InitialMember {
        /// ID of the user.
        user_id: Text<'a> = "userID";
        /// 100 owner, 60 administrator, 20 member.
        role_level: i32 = "roleLevel";
    }

    /// A member who is joining.
    JoiningMember {
        /// ID of the user.
        user_id: Text<'a> = "userID";
        /// The app's own data.
        ex: Text<'a> = "ex";
    }
}

new_objects! {
    /// A user to be registered in place of another: written whole, a field left out becomes empty.
    NewUser {
        /// ID of the user; the server does not check it again.
        user_id: String = "userID", Kind::Text;
        /// Nickname.
        nickname: String = "nickname", Kind::Text;
        /// Address of the picture.
        face_url: String = "faceURL", Kind::Text;
        /// The app's own data.
        ex: String = "ex", Kind::Text;
        /// When it was made, in milliseconds since 1970.
        create_time: i64 = "createTime", Kind::Int64;
        /// Level of an administrator of the app (the server's spelling).
        app_manger_level: i32 = "appMangerLevel", Kind::Int32;
        /// How messages are received by default, in the server's numbers.
        global_recv_msg_opt: i32 = "globalRecvMsgOpt", Kind::Int32;
    }

    /// What a push shows: written whole, a field left out becomes empty.
    PushInfo {
        /// Title of the push.
        title: String = "title", Kind::Text;
        /// Text of the push.
        desc: String = "desc", Kind::Text;
        /// The app's own data.
        ex: String = "ex", Kind::Text;
        /// Sound on iOS.
        ios_push_sound: String = "iOSPushSound", Kind::Text;
        /// Whether the badge on iOS counts.
        ios_badge_count: bool = "iOSBadgeCount", Kind::Bool;
        /// Signalling data.
        signal_info: String = "signalInfo", Kind::Text;
    }
}

/// What changes of a joining member; what is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MemberChange {
    /// Which member: one of the request's; the server skips others and crashes without.
    #[serde(rename = "userID")]
    pub user_id: String,
    /// Nickname in the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// Address of the picture in the group.
    #[serde(rename = "faceURL", skip_serializing_if = "Option::is_none")]
    pub face_url: Option<String>,
    /// 100 owner, 60 administrator, 20 member; not checked again.
    #[serde(rename = "roleLevel", skip_serializing_if = "Option::is_none")]
    pub role_level: Option<i32>,
    /// Until when the member is muted, in milliseconds since 1970.
    #[serde(rename = "muteEndTime", skip_serializing_if = "Option::is_none")]
    pub mute_end_time: Option<i64>,
    /// The app's own data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ex: Option<String>,
}

impl MemberChange {
    /// No change yet, for this member.
    #[must_use]
    pub fn of(user_id: impl Into<String>) -> Self {
        Self {
            user_id: user_id.into(),
            nickname: None,
            face_url: None,
            role_level: None,
            mute_end_time: None,
            ex: None,
        }
    }
}

impl crate::events::NewValue for MemberChange {
    const KIND: Kind = Kind::Object(&[
        Member { name: "userID", kind: Kind::Text },
        Member { name: "nickname", kind: Kind::Optional(&Kind::Text) },
        Member { name: "faceURL", kind: Kind::Optional(&Kind::Text) },
        Member { name: "roleLevel", kind: Kind::Optional(&Kind::Int32) },
        Member { name: "muteEndTime", kind: Kind::Optional(&Kind::Int64) },
        Member { name: "ex", kind: Kind::Optional(&Kind::Text) },
    ]);

    fn into_json(self) -> crate::verdict::Json {
        crate::verdict::Json::infallible(&self)
    }
}

/// Names that only the documentation or older versions have, and today's name; the second is empty where no version
/// has such a command.
pub const ALIASES: &[(&str, &str)] = &[
    ("setGlobalRecvMessageOptCommand", ""),           // only in the documentation
    ("setUserStatusAfterCommand", ""),                // only in the documentation
    ("subscribeOrCancelUsersStatusAfterCommand", ""), // only in the documentation
    ("callbackSingleMsgRevokeCommand", "callbackBeforeAfterMsgCommand"), // only in the documentation
    ("callbackAfterRevokeMsgCommand", "callbackBeforeAfterMsgCommand"), // only in the documentation
    ("callbackMsgModifyCommandCommand", "callbackBeforeMsgModifyCommand"), // only in the documentation
    ("callbackSingleMsgReadCommand", "callbackAfterSingleMsgReadCommand"), // only in the documentation
    ("callbackAfterGroupMemberExitCommand", "callbackAfterQuitGroupCommand"), // only in the documentation
    ("callbackBeforeApplyMemberJoinGroupCommand", "callbackBeforeJoinGroupCommand"), // only in the documentation
    ("callbackAfterUngroupCommand", "callbackAfterDisMissGroupCommand"), // only in the documentation
    ("transferGroupOwnerAfterCommand", "callbackAfterTransferGroupOwnerCommand"), // only in the documentation
    ("callbackSendGroupMsgErrorCommand", ""),         // only in the documentation
    ("callbackBeforePushCommand", "callbackBeforeOfflinePushCommand"), // only in the documentation
    ("callbackBeforeSuperGroupOnlinePushCommand", "callbackBeforeGroupOnlinePushCommand"), // only in the documentation
    ("userRegisterBeforeCommand", "callbackBeforeUserRegisterCommand"), // only in the documentation
    ("ImportFriendReqBeforeCommand", "callbackBeforeImportFriendsCommand"), // only in the documentation
    ("callbackWordFilterCommand", "callbackBeforeMsgModifyCommand"), // v2.3.3
    ("callbackMsgModifyCommand", "callbackBeforeMsgModifyCommand"), // v3.0.0 to v3.6.0
    ("callbackUserOnlineCommand", "callbackAfterUserOnlineCommand"), // v2.3.3 to v3.6.0
    ("callbackUserOfflineCommand", "callbackAfterUserOfflineCommand"), // v2.3.3 to v3.6.0
    ("callbackUserKickOffCommand", "callbackAfterUserKickOffCommand"), // v2.3.3 to v3.6.0
    ("callbackOfflinePushCommand", "callbackBeforeOfflinePushCommand"), // v2.3.3 to v3.6.0
    ("callbackOnlinePushCommand", "callbackBeforeOnlinePushCommand"), // v2.3.3 to v3.6.0
    ("callbackSuperGroupOnlinePushCommand", "callbackBeforeGroupOnlinePushCommand"), // v2.3.3 to v3.6.0
    ("callbackBeforeMemberJoinGroupCommand", "callbackBeforeMembersJoinGroupCommand"), // v3.0.0 to v3.7.1
    ("CallbackBeforeSetGroupMemberInfoCommand", "callbackBeforeSetGroupMemberInfoCommand"), // v3.0.0 to v3.4.0
    ("callbackBeforeSetFriendRemark", "callbackBeforeSetFriendRemarkCommand"), // v3.4.2 to v3.6.0
    ("callbackAfterSetFriendRemark", "callbackAfterSetFriendRemarkCommand"), // v3.4.2 to v3.6.0
    ("callbackDisMissGroupCommand", "callbackAfterDisMissGroupCommand"), // v3.4.2 to v3.6.0
    ("callbackGroupMsgReadCommand", "callbackAfterGroupMsgReadCommand"), // v3.4.2 to v3.6.0
    ("callbackKillGroupCommand", "callbackAfterKickGroupCommand"), // v3.4.2 to v3.6.0
    ("callbackQuitGroupCommand", "callbackAfterQuitGroupCommand"), // v3.4.2 to v3.6.0
    ("callbackSingleMsgRead", "callbackAfterSingleMsgReadCommand"), // v3.4.2 to v3.6.0
    ("callbackTransferGroupOwnerAfter", "callbackAfterTransferGroupOwnerCommand"), // v3.4.2 to v3.5.1
    ("callbackAfterTransferGroupOwner", "callbackAfterTransferGroupOwnerCommand"), // v3.6.0
    ("callbackBeforeSetMessageReactionExtensionCommand", ""), // v3.0.0 to v3.4.0
    ("callbackBeforeDeleteMessageReactionExtensionsCommand", ""), // v3.0.0 to v3.4.0
    ("callbackGetMessageListReactionExtensionsCommand", ""), // v3.0.0 to v3.4.0
    ("callbackAddMessageListReactionExtensionsCommand", ""), // v3.0.0 to v3.4.0
    ("callbackAfterSetGroupInfoEXCommand", "callbackAfterSetGroupInfoExCommand"), // only in the documentation
    ("callbackBeforeSetGroupInfoEXCommand", "callbackBeforeSetGroupInfoExCommand"), // only in the documentation
];
