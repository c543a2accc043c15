//! Users who follow others.

use crate::macros::commands::commands;
use crate::macros::objects::objects;
use crate::object::Text;

use super::members::*;

commands! {
    NAME;

    /// Sent when a user began to follow others.
    FollowAfterAdd = "Follow.CallbackAfterFollowAdd", After, AFTER, "follow" {
        key ["From_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/70355";
        request {
            ..from_account;
            /// The users who are followed.
            follow_list: Vec<FollowedUser<'a>> = "FollowList";
            ..event_time;
        }
    }

    /// Sent when a user ceased to follow others.
    ///
    /// `To_Account` is a list here, unlike in the other events.
    FollowAfterDelete = "Follow.CallbackAfterFollowDelete", After, AFTER, "follow" {
        key ["From_Account", "To_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/70356";
        request {
            ..from_account;
            /// IDs of the users who are no longer followed.
            to_account: Vec<Text<'a>> = "To_Account";
            ..event_time;
        }
    }
}

objects! {
    /// A user who is followed.
    FollowedUser {
        ..to_account;
    }
}
