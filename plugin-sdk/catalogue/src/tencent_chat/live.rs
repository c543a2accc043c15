//! Live rooms.

use crate::macros::commands::commands;
use crate::macros::objects::objects;
use crate::object::Text;

use super::group::GroupMember;
use super::members::*;

commands! {
    NAME;

    /// Sent before a gift is given in a live room.
    ///
    /// If no answer comes, Tencent blocks the gift, unlike everything else; set `on_fault_for` to match. Codes 102100
    /// to 102200 and their text reach the app.
    LiveBeforeSendGift = "Live.CallbackBeforeSendGift", Before, GIFT, "live" {
        key []; source "www.tencentcloud.com/document/product/647/72210";
        request {
            ..operator_account, room_id;
            /// What is given to whom.
            gift_water: GiftOrder<'a> = "GiftWater";
        }
    }

    /// Sent when a member entered or left a live room, was removed, or lost the connection.
    LiveAfterMemberStateChanged = "Live.CallbackAfterMemberStateChanged", After, AFTER, "live" {
        key ["RoomId", "EventTime"]; source "www.tencentcloud.com/document/product/647/64424";
        request {
            ..room_id;
            /// What happened.
            event_type: Option<Text<'a>> = "EventType";
            /// `Enter`, `Leave`, `Kicked`, `HeartbeatInterrupt` or `HeartbeatRecover`.
            event_cause: Text<'a> = "EventCause";
            ..member_list, event_time;
        }
    }

    /// Sent when a live room was created.
    LiveAfterCreateRoom = "Live.CallbackAfterCreateRoom", After, AFTER, "live" {
        key ["Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/647/64422";
        request {
            ..operator_account;
            /// The room.
            room_info: LiveRoomInfo<'a> = "RoomInfo";
            ..optional_event_time;
        }
    }

    /// Sent when the profile of a live room changed. Expect only what changed.
    LiveAfterUpdateRoomInfo = "Live.CallbackAfterUpdateRoomInfo", After, AFTER, "live" {
        key ["Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/647/67938";
        request {
            ..operator_account;
            /// The room.
            room_info: LiveRoomInfo<'a> = "RoomInfo";
            ..event_time;
        }
    }

    /// Sent when a live room was closed.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    LiveAfterDestroyRoom = "Live.CallbackAfterDestroyRoom", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/64423";
        request {}
    }

    /// Sent when metadata of a live room were set.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    LiveAfterSetMetadata = "Live.CallbackAfterSetMetadata", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/68222";
        request {}
    }

    /// Sent when metadata of a live room were deleted.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    LiveAfterDelMetadata = "Live.CallbackAfterDelMetadata", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/68223";
        request {}
    }

    /// Sent when 70 % of the possible rooms exist.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    LiveAfterCreateRoomReachingThreshold = "Live.CallbackAfterCreateRoomReachingThreshold", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/70485";
        request {}
    }

    /// Sent when a live room got another owner.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    LiveAfterChangeOwner = "Live.CallbackAfterChangeOwner", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/72553";
        request {}
    }

    /// Sent when the administrators of a live room changed.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    LiveAfterModifyAdmin = "Live.CallbackAfterModifyAdmin", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/72554";
        request {}
    }

    /// Sent when the seats of a live room changed.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    MicAfterSeatInfoChanged = "Mic.CallbackAfterSeatInfoChanged", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/64425";
        request {}
    }

    /// Sent when a battle between live rooms was set up.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    LiveAfterCreateBattle = "Live.CallbackAfterCreateBattle", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/68259";
        request {}
    }

    /// Sent when a battle between live rooms began.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    LiveAfterStartBattle = "Live.CallbackAfterStartBattle", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/68260";
        request {}
    }

    /// Sent when a battle between live rooms ended.
    ///
    /// Its members are not known yet; they can be read through [`body()`](Self::body).
    LiveAfterEndBattle = "Live.CallbackAfterEndBattle", After, AFTER, "live" {
        key []; source "www.tencentcloud.com/document/product/647/68261";
        request {}
    }
}

objects! {
    /// What is given to whom.
    GiftOrder {
        /// ID of the user who gives it.
        from_account: Text<'a> = "From_Account";
        /// IDs of the users who get it.
        to_account: Vec<Text<'a>> = "To_Account";
        /// When, in seconds since 1970.
        time: i64 = "Time";
        /// ID of the gift.
        gift_id: Text<'a> = "GiftId";
        /// How many.
        count: i64 = "Count";
        /// Price of one.
        coins: i64 = "Coins";
    }

    /// A live room.
    LiveRoomInfo {
        ..room;
        /// Whether everybody can find it.
        is_public_visible: Option<bool> = "IsPublicVisible";
        /// Address of the cover picture.
        cover_url: Option<Text<'a>> = "CoverURL";
        /// Numbers of its categories.
        category: Vec<i64> = "Category" or_empty;
        /// What is going on, as a number.
        activity_status: Option<i64> = "ActivityStatus";
    }
}
