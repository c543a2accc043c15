//! Profiles.

use crate::macros::commands::commands;
use crate::macros::objects::objects;
use crate::object::{Raw, Text};

use super::members::*;

commands! {
    NAME;

    /// Sent when a profile was changed, by a client or through the REST API.
    ///
    /// The profile is that of `From_Account`; `Operator_Account` changed it. A value can be text or a number.
    ProfilePortraitSet = "Profile.CallbackPortraitSet", After, AFTER, "profile" {
        key ["Operator_Account", "From_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/48733";
        request {
            ..operator_account;
            /// ID of the user whose profile it is.
            from_account: Text<'a> = "From_Account";
            ..event_time;
            /// What changed.
            profile_item: Vec<ProfileItem<'a>> = "ProfileItem";
        }
    }
}

objects! {
    /// One changed member of a profile.
    ProfileItem {
        /// Which: `Tag_Profile_IM_…` or `Tag_Profile_Custom_…`.
        tag: Text<'a> = "Tag";
        /// Its new value: text or a whole number.
        value: Raw<'a> = "Value";
    }
}
