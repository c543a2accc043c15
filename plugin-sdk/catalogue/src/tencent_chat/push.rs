//! Results of pushes.

use crate::macros::commands::commands;
use crate::macros::members::members;
use crate::object::Text;

use super::members::*;

members! { $
    /// The result of a push.
    push_result {
        /// Code of the result.
        err_code: i64 = "ErrCode";
        /// The result in words.
        err_info: Text<'a> = "ErrInfo";
    }
}

commands! {
    NAME;

    /// Sent when an offline push was sent, reached its device or was clicked.
    ///
    /// Tencent sends up to 100 in one request; the host passes them on one by one. `EventTime` is in seconds here.
    PushOffline = "Push.OfflinePush", After, AFTER, "push" {
        key ["MsgKey", "To_Account", "PushStage"]; source "www.tencentcloud.com/document/product/1047/67552";
        request {
            /// 1 one-to-one, 2 group.
            event_type: i64 = "EventType";
            /// When it happened, in seconds since 1970.
            event_time: i64 = "EventTime";
            ..pair;
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
            ..push_result;
        }
        batch "Events"
    }

    /// Sent for each stage of a push to all users or to those with a tag.
    ///
    /// Tencent sends up to 100 in one request; the host passes them on one by one. `EventTime` is in seconds here.
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
            ..to_account;
            /// The push service, as a number.
            push_platform: i64 = "PushPlatform";
            /// The stage, as a number.
            push_stage: i64 = "PushStage";
            ..push_result;
        }
        batch "Events"
    }
}
