//! OpenIM: every command of the server as a typed event.
//!
//! Taken from the server's source (main, commit 7848d7c7 of 2026-07-02), not from its documentation, which shows
//! fields and forms that no version sends. Fields that the documentation wraps (`{"value": …}`) are plain on the
//! wire; both forms are read. Lists that are empty arrive as `null` and are read as empty.

use std::collections::BTreeMap;

use crate::Text;
use crate::catalogue::{Kind, Member};
use crate::events::{JsonText, commands, new_objects, objects};

commands! {
    OpenIm;

    /// An administrator registers one or more users, after the uniqueness checks and before the insert.
    ///
    /// A replacement list is taken whole: a field left out of an element becomes empty.
    BeforeUserRegister = "callbackBeforeUserRegisterCommand", Before, OPENIM_BEFORE, "user" {
        key []; source "open-im-server internal/rpc/user/callback.go:88-106";
        request {
            /// Users.
            users: Vec<RegisteredUser<'a>> = "users" or_empty;
        }
        changes {
            users: Vec<NewUser> = "users" NonEmpty "users";
        }
    }

    /// Users were inserted.
    AfterUserRegister = "callbackAfterUserRegisterCommand", After, AFTER, "user" {
        key []; source "open-im-server internal/rpc/user/callback.go:108-115";
        request {
            /// Users.
            users: Vec<RegisteredUser<'a>> = "users" or_empty;
        }
    }

    /// The deprecated profile update is about to be stored.
    BeforeUpdateUserInfo = "callbackBeforeUpdateUserInfoCommand", Before, OPENIM_BEFORE, "user" {
        key []; source "open-im-server internal/rpc/user/callback.go:28-46";
        request {
            /// ID of the user.
            user_id: Text<'a> = "userID";
            /// Nickname.
            nick_name: Option<Text<'a>> = "nickName";
            /// Address of the picture.
            face_url: Option<Text<'a>> = "faceURL";
            /// The app's own data.
            ex: Option<Text<'a>> = "ex";
        }
        changes {
            nick_name: String = "nickName" NonNull "nickName";
            face_url: String = "faceURL" NonNull "faceURL";
            ex: String = "ex" NonNull "ex";
        }
    }

    /// The deprecated profile update was stored.
    AfterUpdateUserInfo = "callbackAfterUpdateUserInfoCommand", After, AFTER, "user" {
        key []; source "open-im-server internal/rpc/user/callback.go:48-56";
        request {
            /// ID of the user.
            user_id: Text<'a> = "userID";
            /// Nickname.
            nick_name: Text<'a> = "nickName";
            /// Address of the picture.
            face_url: Text<'a> = "faceURL";
            /// The app's own data.
            ex: Text<'a> = "ex";
        }
    }

    /// A profile update (fields optional) is about to be stored.
    ///
    /// Returning a non-null value for a field that the operation itself left out dereferences a null pointer: the
    /// RPC fails with error 500. Never return ex.
    BeforeUpdateUserInfoEx = "callbackBeforeUpdateUserInfoExCommand", Before, OPENIM_BEFORE, "user" {
        key []; source "open-im-server internal/rpc/user/callback.go:58-76";
        request {
            /// ID of the user.
            user_id: Text<'a> = "userID";
            /// Nickname.
            nick_name: Option<Text<'a>> = "nickName";
            /// Address of the picture.
            face_url: Option<Text<'a>> = "faceURL";
            /// The app's own data.
            ex: Option<Text<'a>> = "ex";
        }
        changes {
            nick_name: String = "nickName" IfShown "nickName";
            face_url: String = "faceURL" IfShown "faceURL";
        }
    }

    /// A profile update (fields optional) was stored.
    AfterUpdateUserInfoEx = "callbackAfterUpdateUserInfoExCommand", After, AFTER, "user" {
        key []; source "open-im-server internal/rpc/user/callback.go:78-86";
        request {
            /// ID of the user.
            user_id: Text<'a> = "userID";
            /// Nickname.
            nick_name: Option<Text<'a>> = "nickName";
            /// Address of the picture.
            face_url: Option<Text<'a>> = "faceURL";
            /// The app's own data.
            ex: Option<Text<'a>> = "ex";
        }
    }

    /// A one-to-one message was received by the message service; runs before the block and friend checks.
    ///
    /// System notifications (contentType 1000..5000) and typing (113) never produce this callback; deniedTypes
    /// removes further content types.
    ///
    /// Not sent when the sender is a configured IM administrator.
    ///
    /// Not sent for notification sessions (sessionType 4).
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
            /// Kind of the sender's device.
            sender_platform_id: i32 = "senderPlatformID";
            /// Nickname of the sender.
            sender_nickname: Text<'a> = "senderNickname";
            /// 1 one-to-one, 3 group, 4 notification.
            session_type: i32 = "sessionType";
            /// 100 from a user, 200 from the system.
            msg_from: i32 = "msgFrom";
            /// Type of the content; 101 is text.
            content_type: i32 = "contentType";
            /// Status.
            status: i32 = "status";
            /// When it was sent, in milliseconds since 1970.
            send_time: i64 = "sendTime";
            /// When it was made, in milliseconds since 1970.
            create_time: i64 = "createTime";
            /// The content element, as JSON text.
            content: Text<'a> = "content";
            /// Sequence number.
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

    /// A one-to-one message was handed to the message queue.
    ///
    /// System notifications (contentType 1000..5000) and typing (113) never produce this callback; deniedTypes
    /// removes further content types.
    ///
    /// The URL carries the query parameter key: standard base64 of a JSON object with sendID, recvID, groupID (sent
    /// on main only).
    ///
    /// AttentionIds, when not empty, keeps only messages whose recvID is listed.
    ///
    /// Seq is 0: the sequence number is assigned later.
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
            /// Kind of the sender's device.
            sender_platform_id: i32 = "senderPlatformID";
            /// Nickname of the sender.
            sender_nickname: Text<'a> = "senderNickname";
            /// 1 one-to-one, 3 group, 4 notification.
            session_type: i32 = "sessionType";
            /// 100 from a user, 200 from the system.
            msg_from: i32 = "msgFrom";
            /// Type of the content; 101 is text.
            content_type: i32 = "contentType";
            /// Status.
            status: i32 = "status";
            /// When it was sent, in milliseconds since 1970.
            send_time: i64 = "sendTime";
            /// When it was made, in milliseconds since 1970.
            create_time: i64 = "createTime";
            /// The content element, as JSON text.
            content: Text<'a> = "content";
            /// Sequence number.
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

    /// A group message passed the membership and mute checks and is about to be queued.
    ///
    /// System notifications (contentType 1000..5000) and typing (113) never produce this callback; deniedTypes
    /// removes further content types.
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
            /// Kind of the sender's device.
            sender_platform_id: i32 = "senderPlatformID";
            /// Nickname of the sender.
            sender_nickname: Text<'a> = "senderNickname";
            /// 1 one-to-one, 3 group, 4 notification.
            session_type: i32 = "sessionType";
            /// 100 from a user, 200 from the system.
            msg_from: i32 = "msgFrom";
            /// Type of the content; 101 is text.
            content_type: i32 = "contentType";
            /// Status.
            status: i32 = "status";
            /// When it was sent, in milliseconds since 1970.
            send_time: i64 = "sendTime";
            /// When it was made, in milliseconds since 1970.
            create_time: i64 = "createTime";
            /// The content element, as JSON text.
            content: Text<'a> = "content";
            /// Sequence number.
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

    /// A group message was handed to the message queue.
    ///
    /// System notifications (contentType 1000..5000) and typing (113) never produce this callback; deniedTypes
    /// removes further content types.
    ///
    /// The URL carries the query parameter key: standard base64 of a JSON object with sendID, recvID, groupID (sent
    /// on main only).
    ///
    /// AttentionIds is compared with recvID, not groupID, so a non-empty list suppresses normal group messages
    /// although the config comment speaks of group IDs.
    ///
    /// Seq is 0: the sequence number is assigned later.
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
            /// Kind of the sender's device.
            sender_platform_id: i32 = "senderPlatformID";
            /// Nickname of the sender.
            sender_nickname: Text<'a> = "senderNickname";
            /// 1 one-to-one, 3 group, 4 notification.
            session_type: i32 = "sessionType";
            /// 100 from a user, 200 from the system.
            msg_from: i32 = "msgFrom";
            /// Type of the content; 101 is text.
            content_type: i32 = "contentType";
            /// Status.
            status: i32 = "status";
            /// When it was sent, in milliseconds since 1970.
            send_time: i64 = "sendTime";
            /// When it was made, in milliseconds since 1970.
            create_time: i64 = "createTime";
            /// The content element, as JSON text.
            content: Text<'a> = "content";
            /// Sequence number.
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

    /// After the before-send callbacks and before queueing, for one-to-one and group messages.
    ///
    /// System notifications (contentType 1000..5000) and typing (113) never produce this callback; deniedTypes
    /// removes further content types.
    ///
    /// Up to v3.8.3-patch.16 only text messages (contentType 101) produce it; on main every type.
    ///
    /// The request has neither recvID nor groupID.
    ///
    /// Response names differ from the request: senderFaceURL (request faceURL), atUserIDList (request atUserList).
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
            /// Kind of the sender's device.
            sender_platform_id: i32 = "senderPlatformID";
            /// Nickname of the sender.
            sender_nickname: Text<'a> = "senderNickname";
            /// 1 one-to-one, 3 group, 4 notification.
            session_type: i32 = "sessionType";
            /// 100 from a user, 200 from the system.
            msg_from: i32 = "msgFrom";
            /// Type of the content; 101 is text.
            content_type: i32 = "contentType";
            /// Status.
            status: i32 = "status";
            /// When it was sent, in milliseconds since 1970.
            send_time: i64 = "sendTime";
            /// When it was made, in milliseconds since 1970.
            create_time: i64 = "createTime";
            /// The content element, as JSON text.
            content: Text<'a> = "content";
            /// Sequence number.
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
    }

    /// A batch of messages was written to MongoDB (one callback for each message; also sent when the write failed).
    ///
    /// System notifications (contentType 1000..5000) and typing (113) never produce this callback; deniedTypes
    /// removes further content types.
    ///
    /// The URL carries the query parameter key: standard base64 of a JSON object with sendID, recvID, groupID (sent
    /// on main only).
    ///
    /// RecvID is set for one-to-one and notification sessions, groupID for groups; the other is an empty string.
    ///
    /// The attentionIds filter compares the content type with session types, so it has no practical effect.
    ///
    /// OperationID is the consumer context's, which may be empty.
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
            /// Kind of the sender's device.
            sender_platform_id: i32 = "senderPlatformID";
            /// Nickname of the sender.
            sender_nickname: Text<'a> = "senderNickname";
            /// 1 one-to-one, 3 group, 4 notification.
            session_type: i32 = "sessionType";
            /// 100 from a user, 200 from the system.
            msg_from: i32 = "msgFrom";
            /// Type of the content; 101 is text.
            content_type: i32 = "contentType";
            /// Status.
            status: i32 = "status";
            /// When it was sent, in milliseconds since 1970.
            send_time: i64 = "sendTime";
            /// When it was made, in milliseconds since 1970.
            create_time: i64 = "createTime";
            /// The content element, as JSON text.
            content: Text<'a> = "content";
            /// Sequence number.
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

    /// A user marked a group conversation as read.
    AfterGroupMsgRead = "callbackAfterGroupMsgReadCommand", After, AFTER, "message" {
        key []; source "open-im-server internal/rpc/msg/callback.go:186-189";
        request {
            /// ID of the sender.
            send_id: Text<'a> = "sendID";
            /// Receive id.
            receive_id: Text<'a> = "receiveID";
            /// Unread msg num.
            unread_msg_num: i64 = "unreadMsgNum";
            /// Type of the content; 101 is text.
            content_type: i64 = "contentType";
        }
    }

    /// A user marked one-to-one messages or the conversation as read.
    ///
    /// The JSON name is Seqs with a capital S.
    AfterSingleMsgRead = "callbackAfterSingleMsgReadCommand", After, AFTER, "message" {
        key []; source "open-im-server internal/rpc/msg/callback.go:191-197";
        request {
            /// Conversation id.
            conversation_id: Text<'a> = "conversationID";
            /// ID of the user.
            user_id: Text<'a> = "userID";
            /// Seqs.
            seqs: Vec<i64> = "Seqs" or_empty;
            /// Type of the content; 101 is text.
            content_type: i32 = "contentType";
        }
    }

    /// A message was revoked.
    ///
    /// The constant is called CallbackAfterRevokeMsgCommand but its value, and so the URL, is
    /// callbackBeforeAfterMsgCommand. It is an after-callback despite the word Before.
    AfterRevokeMsg = "callbackBeforeAfterMsgCommand", After, AFTER, "message" {
        key ["conversationID", "seq"]; source "open-im-server internal/rpc/msg/callback.go:199-207";
        request {
            /// Conversation id.
            conversation_id: Text<'a> = "conversationID";
            /// Sequence number.
            seq: i64 = "seq";
            /// ID of the user.
            user_id: Text<'a> = "userID";
        }
    }

    /// The gateway reported a platform of a user as online.
    ///
    /// Call site commented out in v3.8.0 and v3.8.1.
    AfterUserOnline = "callbackAfterUserOnlineCommand", After, AFTER, "presence" {
        key ["connID"]; source "open-im-server internal/msggateway/callback.go:27-43";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// Kind of the device.
            platform_id: i64 = "platformID";
            /// Name of the kind of device.
            platform: Text<'a> = "platform";
            /// ID of the user.
            user_id: Text<'a> = "userID";
            /// Sequence number.
            seq: i64 = "seq";
            /// Is app background.
            is_app_background: bool = "isAppBackground";
            /// ID of the connection.
            conn_id: Text<'a> = "connID";
        }
    }

    /// The gateway reported a platform of a user as offline.
    ///
    /// Call site commented out in v3.8.0 and v3.8.1.
    AfterUserOffline = "callbackAfterUserOfflineCommand", After, AFTER, "presence" {
        key ["connID"]; source "open-im-server internal/msggateway/callback.go:45-60";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// Kind of the device.
            platform_id: i64 = "platformID";
            /// Name of the kind of device.
            platform: Text<'a> = "platform";
            /// ID of the user.
            user_id: Text<'a> = "userID";
            /// Sequence number.
            seq: i64 = "seq";
            /// ID of the connection.
            conn_id: Text<'a> = "connID";
        }
    }

    /// Intended: a user was forced offline.
    ///
    /// The function has no caller in any version looked at (v3.0.0 to main): it is never sent.
    ///
    /// No released server sends it.
    AfterUserKickOff = "callbackAfterUserKickOffCommand", After, AFTER, "presence" {
        key []; source "open-im-server internal/msggateway/callback.go:62-76";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// Kind of the device.
            platform_id: i64 = "platformID";
            /// Name of the kind of device.
            platform: Text<'a> = "platform";
            /// ID of the user.
            user_id: Text<'a> = "userID";
            /// Sequence number.
            seq: i64 = "seq";
        }
    }

    /// An offline push is about to be made (one-to-one: after online delivery failed; group: for the members not
    /// reached).
    ///
    /// Typing messages are skipped.
    ///
    /// A rejection only cancels the push; nobody is told.
    BeforeOfflinePush = "callbackBeforeOfflinePushCommand", Before, OPENIM_BEFORE, "push" {
        key ["clientMsgID"]; source "open-im-server internal/push/callback.go:30-69";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// Kind of the device.
            platform_id: i64 = "platformID";
            /// Name of the kind of device.
            platform: Text<'a> = "platform";
            /// IDs of the receivers.
            user_id_list: Vec<Text<'a>> = "userIDList" or_empty;
            /// Title.
            title: Option<Text<'a>> = "title";
            /// Desc.
            desc: Option<Text<'a>> = "desc";
            /// The app's own data.
            ex: Option<Text<'a>> = "ex";
            /// Ios push sound.
            ios_push_sound: Option<Text<'a>> = "iOSPushSound";
            /// Ios badge count.
            ios_badge_count: Option<bool> = "iOSBadgeCount";
            /// Signal info.
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

    /// A one-to-one message or notification is about to be pushed to connected devices.
    ///
    /// Sends the six push info members never: they are absent.
    ///
    /// A rejection stops online and offline push of that message; it stays stored.
    ///
    /// System notifications are included (only typing is skipped).
    BeforeOnlinePush = "callbackBeforeOnlinePushCommand", Before, OPENIM_BEFORE, "push" {
        key ["clientMsgID"]; source "open-im-server internal/push/callback.go:71-100";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// Kind of the device.
            platform_id: i64 = "platformID";
            /// Name of the kind of device.
            platform: Text<'a> = "platform";
            /// IDs of the receivers.
            user_id_list: Vec<Text<'a>> = "userIDList" or_empty;
            /// Title.
            title: Option<Text<'a>> = "title";
            /// Desc.
            desc: Option<Text<'a>> = "desc";
            /// The app's own data.
            ex: Option<Text<'a>> = "ex";
            /// Ios push sound.
            ios_push_sound: Option<Text<'a>> = "iOSPushSound";
            /// Ios badge count.
            ios_badge_count: Option<bool> = "iOSBadgeCount";
            /// Signal info.
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
    }

    /// A group message is about to be pushed to connected devices.
    ///
    /// A rejection stops online and offline push of that message; it stays stored.
    BeforeGroupOnlinePush = "callbackBeforeGroupOnlinePushCommand", Before, OPENIM_BEFORE, "push" {
        key ["clientMsgID"]; source "open-im-server internal/push/callback.go:102-138";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// Kind of the device.
            platform_id: i64 = "platformID";
            /// Name of the kind of device.
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
            /// Sequence number.
            seq: i64 = "seq";
        }
        changes {
            user_id_list: Vec<String> = "userIDList" NonEmpty;
        }
    }

    /// A friend request is about to be made.
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

    /// A friend request was stored (not: accepted).
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

    /// A friend request is about to be accepted (not sent for a refusal).
    ///
    /// JSON names: the accepting user is blackUserID; HandleResult and HandleMsg start with a capital.
    BeforeAddFriendAgree = "callbackBeforeAddFriendAgreeCommand", Before, OPENIM_BEFORE, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:127-139";
        request {
            /// ID of the user who asks.
            from_user_id: Text<'a> = "fromUserID";
            /// ID of the other user.
            black_user_id: Text<'a> = "blackUserID";
            /// Answer to the request: 1 accepted, -1 refused.
            handle_result: i32 = "HandleResult";
            /// Text of the answer.
            handle_msg: Text<'a> = "HandleMsg";
        }
    }

    /// A friend request was accepted.
    ///
    /// JSON names: the accepting user is blackUserID; HandleResult and HandleMsg start with a capital.
    AfterAddFriendAgree = "callbackAfterAddFriendAgreeCommand", After, AFTER, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:141-151";
        request {
            /// ID of the user who asks.
            from_user_id: Text<'a> = "fromUserID";
            /// ID of the other user.
            black_user_id: Text<'a> = "blackUserID";
            /// Answer to the request: 1 accepted, -1 refused.
            handle_result: i32 = "HandleResult";
            /// Text of the answer.
            handle_msg: Text<'a> = "HandleMsg";
        }
    }

    /// A friend was removed.
    AfterDeleteFriend = "callbackAfterDeleteFriendCommand", After, AFTER, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:27-34";
        request {
            /// ID of the user concerned.
            owner_user_id: Text<'a> = "ownerUserID";
            /// ID of the friend.
            friend_user_id: Text<'a> = "friendUserID";
        }
    }

    /// A friend remark is about to be set; runs before the permission check.
    ///
    /// A remark cannot be emptied by the response.
    BeforeSetFriendRemark = "callbackBeforeSetFriendRemarkCommand", Before, OPENIM_BEFORE, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:96-113";
        request {
            /// ID of the user concerned.
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

    /// A friend remark was set.
    AfterSetFriendRemark = "callbackAfterSetFriendRemarkCommand", After, AFTER, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:65-74";
        request {
            /// ID of the user concerned.
            owner_user_id: Text<'a> = "ownerUserID";
            /// ID of the friend.
            friend_user_id: Text<'a> = "friendUserID";
            /// The remark.
            remark: Text<'a> = "remark";
        }
    }

    /// An administrator imports friendships.
    BeforeImportFriends = "callbackBeforeImportFriendsCommand", Before, OPENIM_BEFORE, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:153-169";
        request {
            /// ID of the user concerned.
            owner_user_id: Text<'a> = "ownerUserID";
            /// IDs of the friends.
            friend_user_ids: Vec<Text<'a>> = "friendUserIDs" or_empty;
        }
        changes {
            friend_user_ids: Vec<String> = "friendUserIDs" NonEmpty "friendUserIDs";
        }
    }

    /// Friendships were imported.
    AfterImportFriends = "callbackAfterImportFriendsCommand", After, AFTER, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:76-84";
        request {
            /// ID of the user concerned.
            owner_user_id: Text<'a> = "ownerUserID";
            /// IDs of the friends.
            friend_user_ids: Vec<Text<'a>> = "friendUserIDs" or_empty;
        }
    }

    /// A user is about to be put on a block list.
    BeforeAddBlack = "callbackBeforeAddBlackCommand", Before, OPENIM_BEFORE, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:115-125";
        request {
            /// ID of the user concerned.
            owner_user_id: Text<'a> = "ownerUserID";
            /// ID of the other user.
            black_user_id: Text<'a> = "blackUserID";
        }
    }

    /// A user was taken off a block list.
    AfterRemoveBlack = "callbackAfterRemoveBlackCommand", After, AFTER, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:86-94";
        request {
            /// ID of the user concerned.
            owner_user_id: Text<'a> = "ownerUserID";
            /// ID of the other user.
            black_user_id: Text<'a> = "blackUserID";
        }
    }

    /// A group is about to be created.
    ///
    /// InitMemberList holds the owner, then administrators, then members, with role levels 100, 60 and 20.
    BeforeCreateGroup = "callbackBeforeCreateGroupCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:35-78";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Group name.
            group_name: Text<'a> = "groupName";
            /// Notification.
            notification: Text<'a> = "notification";
            /// Introduction.
            introduction: Text<'a> = "introduction";
            /// Address of the picture.
            face_url: Text<'a> = "faceURL";
            /// ID of the user concerned.
            owner_user_id: Text<'a> = "ownerUserID";
            /// When it was made, in milliseconds since 1970.
            create_time: i64 = "createTime";
            /// Member count.
            member_count: u32 = "memberCount";
            /// The app's own data.
            ex: Text<'a> = "ex";
            /// Status.
            status: i32 = "status";
            /// Creator user id.
            creator_user_id: Text<'a> = "creatorUserID";
            /// Type of the group.
            group_type: i32 = "groupType";
            /// Need verification.
            need_verification: i32 = "needVerification";
            /// Look member info.
            look_member_info: i32 = "lookMemberInfo";
            /// Apply member friend.
            apply_member_friend: i32 = "applyMemberFriend";
            /// Notification update time.
            notification_update_time: i64 = "notificationUpdateTime";
            /// Notification user id.
            notification_user_id: Text<'a> = "notificationUserID";
            /// Init member list.
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
    }

    /// A group was created.
    ///
    /// InitMemberList repeats the owner and administrators: all members are also listed with role level 20.
    ///
    /// No operationID in the body; use the header.
    AfterCreateGroup = "callbackAfterCreateGroupCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:80-102";
        request {
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Group name.
            group_name: Text<'a> = "groupName";
            /// Notification.
            notification: Text<'a> = "notification";
            /// Introduction.
            introduction: Text<'a> = "introduction";
            /// Address of the picture.
            face_url: Text<'a> = "faceURL";
            /// ID of the user concerned.
            owner_user_id: Text<'a> = "ownerUserID";
            /// When it was made, in milliseconds since 1970.
            create_time: i64 = "createTime";
            /// Member count.
            member_count: u32 = "memberCount";
            /// The app's own data.
            ex: Text<'a> = "ex";
            /// Status.
            status: i32 = "status";
            /// Creator user id.
            creator_user_id: Text<'a> = "creatorUserID";
            /// Type of the group.
            group_type: i32 = "groupType";
            /// Need verification.
            need_verification: i32 = "needVerification";
            /// Look member info.
            look_member_info: i32 = "lookMemberInfo";
            /// Apply member friend.
            apply_member_friend: i32 = "applyMemberFriend";
            /// Notification update time.
            notification_update_time: i64 = "notificationUpdateTime";
            /// Notification user id.
            notification_user_id: Text<'a> = "notificationUserID";
            /// Init member list.
            init_member_list: Vec<InitialMember<'a>> = "initMemberList" or_empty;
        }
    }

    /// Members are about to be added: group creation, invitation, an accepted application, or a direct join.
    ///
    /// A null element or an element without userID panics: the operation fails with error 500.
    ///
    /// On group creation the nickname is overwritten afterwards by the user profile for the notification only.
    BeforeMembersJoinGroup = "callbackBeforeMembersJoinGroupCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:104-145";
        request {
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Member list.
            member_list: Vec<JoiningMember<'a>> = "memberList" or_empty;
            /// Group ex.
            group_ex: Text<'a> = "groupEx";
        }
        changes {
            member_callback_list: Vec<MemberChange> = "memberCallbackList" NonNull;
        }
    }

    /// A member's card is about to be changed (one callback for each member).
    BeforeSetGroupMemberInfo = "callbackBeforeSetGroupMemberInfoCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:147-184";
        request {
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// ID of the user.
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

    /// A member's card was changed (one callback for each member).
    AfterSetGroupMemberInfo = "callbackAfterSetGroupMemberInfoCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:186-205";
        request {
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// ID of the user.
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

    /// A member left.
    AfterQuitGroup = "callbackAfterQuitGroupCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:207-214";
        request {
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// ID of the user.
            user_id: Text<'a> = "userID";
        }
    }

    /// Members were removed by someone else.
    AfterKickGroup = "callbackAfterKickGroupCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:216-224";
        request {
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Kicked user ids.
            kicked_user_ids: Vec<Text<'a>> = "kickedUserIDs" or_empty;
            /// Reason.
            reason: Text<'a> = "reason";
        }
    }

    /// A group was dismissed.
    ///
    /// MembersID is read after the dismissal, so it is empty when members were deleted with it.
    ///
    /// Unbounded: one entry for each member.
    AfterDismissGroup = "callbackAfterDisMissGroupCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:226-229";
        request {
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Owner id.
            owner_id: Text<'a> = "ownerID";
            /// Type of the group, as a character whose code is the number.
            group_type: Text<'a> = "groupType";
            /// Members id.
            members_id: Vec<Text<'a>> = "membersID" or_empty;
        }
    }

    /// A user applies to join (whether or not approval is needed).
    ///
    /// A direct join also produces callbackBeforeMembersJoinGroupCommand afterwards.
    BeforeJoinGroup = "callbackBeforeJoinGroupCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:231-240";
        request {
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Type of the group, as a character whose code is the number.
            group_type: Text<'a> = "groupType";
            /// Apply id.
            apply_id: Text<'a> = "applyID";
            /// Req message.
            req_message: Text<'a> = "reqMessage";
            /// The app's own data.
            ex: Text<'a> = "ex";
        }
    }

    /// A user joined directly, in a group that needs no approval.
    ///
    /// Not sent for invitations nor for approved applications (source has one call site; an open user report says
    /// the same).
    AfterJoinGroup = "callbackAfterJoinGroupCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:278-288";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Req message.
            req_message: Text<'a> = "reqMessage";
            /// Join source.
            join_source: i32 = "joinSource";
            /// Inviter user id.
            inviter_user_id: Text<'a> = "inviterUserID";
        }
    }

    /// Ownership moved.
    AfterTransferGroupOwner = "callbackAfterTransferGroupOwnerCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:242-250";
        request {
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Old owner user id.
            old_owner_user_id: Text<'a> = "oldOwnerUserID";
            /// New owner user id.
            new_owner_user_id: Text<'a> = "newOwnerUserID";
        }
    }

    /// Users are about to be invited.
    BeforeInviteJoinGroup = "callbackBeforeInviteJoinGroupCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:252-276";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Reason.
            reason: Text<'a> = "reason";
            /// Invited user ids.
            invited_user_ids: Vec<Text<'a>> = "invitedUserIDs" or_empty;
        }
    }

    /// The older group update is about to be stored.
    ///
    /// An allowing answer must repeat groupID, groupName, faceURL and introduction from the request. A bare allow
    /// answer empties groupID and the update fails as group not found.
    BeforeSetGroupInfo = "callbackBeforeSetGroupInfoCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:290-337";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Group name.
            group_name: Text<'a> = "groupName";
            /// Notification.
            notification: Text<'a> = "notification";
            /// Introduction.
            introduction: Text<'a> = "introduction";
            /// Address of the picture.
            face_url: Text<'a> = "faceURL";
            /// The app's own data.
            ex: Text<'a> = "ex";
            /// Need verification.
            need_verification: i32 = "needVerification";
            /// Look member info.
            look_member_info: i32 = "lookMemberInfo";
            /// Apply member friend.
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
    }

    /// The older group update was stored.
    AfterSetGroupInfo = "callbackAfterSetGroupInfoCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:339-361";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Group name.
            group_name: Text<'a> = "groupName";
            /// Notification.
            notification: Text<'a> = "notification";
            /// Introduction.
            introduction: Text<'a> = "introduction";
            /// Address of the picture.
            face_url: Text<'a> = "faceURL";
            /// The app's own data.
            ex: Option<Text<'a>> = "ex";
            /// Need verification.
            need_verification: Option<i32> = "needVerification";
            /// Look member info.
            look_member_info: Option<i32> = "lookMemberInfo";
            /// Apply member friend.
            apply_member_friend: Option<i32> = "applyMemberFriend";
        }
    }

    /// The newer group update (fields optional) is about to be stored.
    ///
    /// An allowing answer must repeat groupID and every non-null field except notification. A bare allow answer
    /// empties groupID and turns the other fields into null, so the update fails as group not found.
    BeforeSetGroupInfoEx = "callbackBeforeSetGroupInfoExCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:363-406";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Group name.
            group_name: Option<Text<'a>> = "groupName";
            /// Notification.
            notification: Option<Text<'a>> = "notification";
            /// Introduction.
            introduction: Option<Text<'a>> = "introduction";
            /// Address of the picture.
            face_url: Option<Text<'a>> = "faceURL";
            /// The app's own data.
            ex: Option<Text<'a>> = "ex";
            /// Need verification.
            need_verification: Option<i32> = "needVerification";
            /// Look member info.
            look_member_info: Option<i32> = "lookMemberInfo";
            /// Apply member friend.
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
    }

    /// The newer group update was stored.
    AfterSetGroupInfoEx = "callbackAfterSetGroupInfoExCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:408-432";
        request {
            /// The server's tracing ID.
            operation_id: Text<'a> = "operationID";
            /// ID of the group.
            group_id: Text<'a> = "groupID";
            /// Group name.
            group_name: Option<Text<'a>> = "groupName";
            /// Notification.
            notification: Option<Text<'a>> = "notification";
            /// Introduction.
            introduction: Option<Text<'a>> = "introduction";
            /// Address of the picture.
            face_url: Option<Text<'a>> = "faceURL";
            /// The app's own data.
            ex: Option<Text<'a>> = "ex";
            /// Need verification.
            need_verification: Option<i32> = "needVerification";
            /// Look member info.
            look_member_info: Option<i32> = "lookMemberInfo";
            /// Apply member friend.
            apply_member_friend: Option<i32> = "applyMemberFriend";
        }
    }

    /// The conversation records of a new one-to-one or notification session are about to be created.
    ///
    /// For a one-to-one session it is sent twice; the second time the request again shows the sender's record and
    /// the answer is applied to that copy after the receiver's record was cloned, so it has no effect.
    ///
    /// JSON names end in Id, not ID: ownerUserId, conversationId, userId.
    BeforeCreateSingleChatConversations = "callbackBeforeCreateSingleChatConversationsCommand", Before, OPENIM_BEFORE, "conversation" {
        key []; source "open-im-server internal/rpc/conversation/callback.go:13-45";
        request {
            /// Owner user id.
            owner_user_id: Text<'a> = "ownerUserId";
            /// Conversation id.
            conversation_id: Text<'a> = "conversationId";
            /// Conversation type.
            conversation_type: i32 = "conversationType";
            /// User id.
            user_id: Text<'a> = "userId";
            /// Recv msg opt.
            recv_msg_opt: i32 = "recvMsgOpt";
            /// Is pinned.
            is_pinned: bool = "isPinned";
            /// Is private chat.
            is_private_chat: bool = "isPrivateChat";
            /// Burn duration.
            burn_duration: i32 = "burnDuration";
            /// Group at type.
            group_at_type: i32 = "groupAtType";
            /// Attached info.
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

    /// A one-to-one or notification conversation record was created (also sent when the insert failed).
    ///
    /// JSON names end in Id, not ID.
    AfterCreateSingleChatConversations = "callbackAfterCreateSingleChatConversationsCommand", After, AFTER, "conversation" {
        key []; source "open-im-server internal/rpc/conversation/callback.go:47-65";
        request {
            /// Owner user id.
            owner_user_id: Text<'a> = "ownerUserId";
            /// Conversation id.
            conversation_id: Text<'a> = "conversationId";
            /// Conversation type.
            conversation_type: i32 = "conversationType";
            /// User id.
            user_id: Text<'a> = "userId";
            /// Recv msg opt.
            recv_msg_opt: i32 = "recvMsgOpt";
            /// Is pinned.
            is_pinned: bool = "isPinned";
            /// Is private chat.
            is_private_chat: bool = "isPrivateChat";
            /// Burn duration.
            burn_duration: i32 = "burnDuration";
            /// Group at type.
            group_at_type: i32 = "groupAtType";
            /// Attached info.
            attached_info: Text<'a> = "attachedInfo";
            /// The app's own data.
            ex: Text<'a> = "ex";
        }
    }

    /// The conversation records of a group are about to be created.
    ///
    /// JSON names end in Id, not ID.
    BeforeCreateGroupChatConversations = "callbackBeforeCreateGroupChatConversationsCommand", Before, OPENIM_BEFORE, "conversation" {
        key []; source "open-im-server internal/rpc/conversation/callback.go:67-98";
        request {
            /// Owner user id.
            owner_user_id: Text<'a> = "ownerUserId";
            /// Conversation id.
            conversation_id: Text<'a> = "conversationId";
            /// Conversation type.
            conversation_type: i32 = "conversationType";
            /// Group id.
            group_id: Text<'a> = "groupId";
            /// Recv msg opt.
            recv_msg_opt: i32 = "recvMsgOpt";
            /// Is pinned.
            is_pinned: bool = "isPinned";
            /// Is private chat.
            is_private_chat: bool = "isPrivateChat";
            /// Burn duration.
            burn_duration: i32 = "burnDuration";
            /// Group at type.
            group_at_type: i32 = "groupAtType";
            /// Attached info.
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

    /// The conversation records of a group were created.
    ///
    /// JSON names end in Id, not ID.
    AfterCreateGroupChatConversations = "callbackAfterCreateGroupChatConversationsCommand", After, AFTER, "conversation" {
        key []; source "open-im-server internal/rpc/conversation/callback.go:100-117";
        request {
            /// Owner user id.
            owner_user_id: Text<'a> = "ownerUserId";
            /// Conversation id.
            conversation_id: Text<'a> = "conversationId";
            /// Conversation type.
            conversation_type: i32 = "conversationType";
            /// Group id.
            group_id: Text<'a> = "groupId";
            /// Recv msg opt.
            recv_msg_opt: i32 = "recvMsgOpt";
            /// Is pinned.
            is_pinned: bool = "isPinned";
            /// Is private chat.
            is_private_chat: bool = "isPrivateChat";
            /// Burn duration.
            burn_duration: i32 = "burnDuration";
            /// Group at type.
            group_at_type: i32 = "groupAtType";
            /// Attached info.
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
        /// App manger level.
        app_manger_level: i32 = "appMangerLevel";
        /// Global recv msg opt.
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
        /// How messages are received by default.
        global_recv_msg_opt: i32 = "globalRecvMsgOpt", Kind::Int32;
    }

    /// What a push shows: written whole, a field left out becomes empty.
    PushInfo {
        /// Title.
        title: String = "title", Kind::Text;
        /// Text.
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

    fn into_json(self) -> crate::Json {
        crate::Json::infallible(&self)
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
