//! Pushes to devices.

use crate::command::Kind;
use crate::macros::commands::commands;
use crate::macros::members::members;
use crate::macros::objects::new_objects;
use crate::object::Text;

use super::members::*;

members! { $
    /// The message that is pushed.
    pushed_message {
        /// ID that the client gave to the message.
        client_msg_id: Text<'a> = "clientMsgID";
        /// ID of the sender.
        send_id: Text<'a> = "sendID";
        ..group_id;
        /// Type of the content; 101 is text.
        content_type: i32 = "contentType";
        /// 1 one-to-one, 3 group, 4 notification.
        session_type: i32 = "sessionType";
        /// IDs of the users mentioned.
        at_user_id_list: Vec<Text<'a>> = "atUserIDList" or_empty;
        /// The content element, as JSON text.
        content: Text<'a> = "content";
    }

    /// A push to users.
    push {
        ..device;
        /// IDs of the receivers.
        user_id_list: Vec<Text<'a>> = "userIDList" or_empty;
        /// Title of the push.
        title: Option<Text<'a>> = "title";
        /// Text of the push.
        desc: Option<Text<'a>> = "desc";
        ..optional_ex;
        /// Sound on iOS.
        ios_push_sound: Option<Text<'a>> = "iOSPushSound";
        /// Whether the badge on iOS counts.
        ios_badge_count: Option<bool> = "iOSBadgeCount";
        /// Signalling data.
        signal_info: Option<Text<'a>> = "signalInfo";
        ..pushed_message;
    }
}

commands! {
    NAME;

    /// Sent before a push to devices that are not connected: to the receiver of a one-to-one message that could not be
    /// delivered, or to the members of a group that were not reached.
    ///
    /// A denial silently cancels this push only. Title, text and the other members of the push are absent where the
    /// message carries none. New push information replaces all of the old.
    BeforeOfflinePush = "callbackBeforeOfflinePushCommand", Before, OPENIM_BEFORE, "push" {
        key ["clientMsgID"]; source "open-im-server internal/push/callback.go:30-69";
        request {
            ..push;
        }
        changes {
            user_id_list: Vec<String> = "userIDList" NonEmpty "userIDList";
            offline_push_info: PushInfo = "offlinePushInfo" NonNull;
        }
    }

    /// Sent before a one-to-one message or a notification is pushed to connected devices. Typing does not send it.
    ///
    /// A denial stops the online and the offline push; the message stays stored, and no user is notified. Title, text
    /// and the other members of the push are always absent.
    BeforeOnlinePush = "callbackBeforeOnlinePushCommand", Before, OPENIM_BEFORE, "push" {
        key ["clientMsgID"]; source "open-im-server internal/push/callback.go:71-100";
        request {
            ..push;
        }
        unsettable {
            "userIDList": Vec<String>, Ignored "the server reads it and does not use it";
            "offlinePushInfo": PushInfo, Ignored "the server reads it and does not use it";
        }
    }

    /// Sent before a group message is pushed to connected devices.
    ///
    /// A denial stops the online and the offline push; the message stays stored, and no user is notified. Without a new
    /// `userIDList` all members get it.
    BeforeGroupOnlinePush = "callbackBeforeGroupOnlinePushCommand", Before, OPENIM_BEFORE, "push" {
        key ["clientMsgID"]; source "open-im-server internal/push/callback.go:102-138";
        request {
            ..device, pushed_message;
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
}

new_objects! {
    /// The contents of a push, written in full: an omitted field becomes empty.
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
