//! Conference rooms.

use crate::macros::commands::commands;
use crate::macros::objects::objects;
use crate::object::Text;

use super::members::*;

commands! {
    NAME;

    /// Sent when a conference room was created.
    RoomAfterCreateRoom = "Room.CallbackAfterCreateRoom", After, AFTER, "room" {
        key ["Operator_Account", "ScheduleInviteeList_Account", "EventTime"]; source "www.tencentcloud.com/document/product/647/60733";
        request {
            ..operator_account;
            /// The room.
            room_info: ConferenceRoomInfo<'a> = "RoomInfo";
            /// IDs of the users who are invited.
            schedule_invitee_list_account: Vec<Text<'a>> = "ScheduleInviteeList_Account" or_empty;
            ..event_time;
        }
    }

    /// Sent when users entered a conference room.
    RoomAfterMemberEnter = "Room.CallbackAfterMemberEnter", After, AFTER, "room" {
        key ["Operator_Account", "RoomId", "MemberList_Account", "EventTime"]; source "www.tencentcloud.com/document/product/647/60735";
        request {
            ..operator_account, room_id;
            /// Number of members.
            member_count: i64 = "MemberCount";
            /// What happened: `Enter`.
            group_type: Text<'a> = "Type";
            /// IDs of the users.
            member_list_account: Vec<Text<'a>> = "MemberList_Account";
            ..event_time;
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
    /// A conference room.
    ConferenceRoomInfo {
        ..room;
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
