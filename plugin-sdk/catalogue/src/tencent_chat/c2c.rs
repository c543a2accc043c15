//! One-to-one messages.

use crate::macros::commands::commands;
use crate::macros::objects::objects;
use crate::object::Text;

use super::elem::{Elem, MsgElem};
use super::members::*;

commands! {
    NAME;

    /// Sent before a one-to-one message is delivered, from clients and from the REST API.
    ///
    /// A denied message does not send [`C2cAfterSendMsg`]; a changed one sends it with the new body. It cannot be
    /// dropped silently. Codes 120001 to 130000 and their text reach the app.
    ///
    /// A new `MsgBody` replaces all elements; one that is left out is gone.
    C2cBeforeSendMsg = "C2C.CallbackBeforeSendMsg", Before, C2C_SEND, "c2c" {
        key ["MsgKey"]; source "www.tencentcloud.com/document/product/1047/34364";
        request {
            ..c2c_message, optional_event_time;
        }
        changes {
            ..new_body;
        }
    }

    /// Sent when a one-to-one message was dealt with, and also when it could not be delivered: look at `SendMsgResult`.
    C2cAfterSendMsg = "C2C.CallbackAfterSendMsg", After, AFTER, "c2c" {
        key ["MsgKey"]; source "www.tencentcloud.com/document/product/1047/34365";
        request {
            ..c2c_message;
            /// 0 delivered, else the code of the failure.
            send_msg_result: i64 = "SendMsgResult";
            /// The result in words.
            error_info: Text<'a> = "ErrorInfo";
            /// The receiver's unread messages; -1 after a failure.
            unread_msg_num: Option<i64> = "UnreadMsgNum";
            ..optional_event_time;
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
            ..optional_event_time;
        }
    }

    /// Sent when a one-to-one message was recalled.
    ///
    /// Which of the optional members come depends on the region.
    C2cAfterMsgWithDraw = "C2C.CallbackAfterMsgWithDraw", After, AFTER, "c2c" {
        key ["MsgKey"]; source "www.tencentcloud.com/document/product/1047/43466";
        request {
            ..pair, msg_key;
            /// Unread messages.
            unread_msg_num: Option<i64> = "UnreadMsgNum";
            ..optional_event_time;
        }
    }

    /// Sent when read receipts for one-to-one messages were sent.
    C2cAfterMsgReadReceipt = "C2C.CallbackAfterMsgReadReceipt", After, AFTER, "c2c" {
        key ["Operator_Account", "Peer_Account", "EventTime"]; source "cloud.tencent.com/document/product/269/128223";
        request {
            ..operator_account;
            /// ID of the other user.
            peer_account: Text<'a> = "Peer_Account";
            /// The messages.
            c2c_msg_info: Vec<C2cMsgInfo<'a>> = "C2CMsgInfo";
            ..event_time;
        }
    }

    /// Sent when a stored one-to-one message was edited.
    C2cAfterModifyMsg = "C2C.CallbackAfterModifyMsg", After, AFTER, "c2c" {
        key ["MsgKey", "EventTime"]; source "cloud.tencent.com/document/product/269/128224";
        request {
            ..operator_account, pair, message_numbers, msg_key, content, event_time;
        }
    }

    /// Sent when a user marked everything as read, in one-to-one chats and in groups.
    C2cAfterMsgReadAll = "C2C.CallbackAfterMsgReadAll", After, AFTER, "c2c" {
        key ["Report_Account", "EventTime"]; source "cloud.tencent.com/document/product/269/128225";
        request {
            /// ID of the user who has read.
            report_account: Text<'a> = "Report_Account";
            ..event_time;
            /// The groups, and up to where they were read.
            group_read_info: Vec<GroupReadInfo<'a>> = "GroupReadInfo" or_empty;
        }
    }

    /// Sent when the extensions of a one-to-one message were set, deleted or cleared.
    C2cAfterMsgExtension = "C2C.CallbackAfterC2CMsgExtension", After, AFTER, "c2c" {
        key ["MsgKey", "Seq"]; source "www.tencentcloud.com/document/product/1047/76006";
        request {
            ..pair, msg_key, extensions;
        }
    }
}

objects! {
    /// A message that was read.
    C2cMsgInfo {
        ..pair, msg_key, msg_id;
    }

    /// A group whose messages were read.
    GroupReadInfo {
        ..group_id;
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
}
