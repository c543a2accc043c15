//! Calls.

use crate::macros::commands::commands;
use crate::macros::objects::objects;
use crate::object::Text;

use super::members::*;

commands! {
    NAME;

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
            ..event_time;
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
            ..event_time;
        }
    }

    /// Sent when the members of a call changed.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    CallAfterMemberChanged = "Call.CallbackAfterMemberChanged", After, AFTER, "call" {
        key []; source "www.tencentcloud.com/document/product/647/68934";
        request {}
    }
}

objects! {
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
        ..room_id;
        /// 1 the room's ID is a number, 2 it is a text.
        room_id_type: i64 = "RoomIdType";
    }
}
