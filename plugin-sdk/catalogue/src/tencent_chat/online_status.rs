//! Users who come online or go offline.

use crate::macros::commands::commands;
use crate::macros::objects::objects;
use crate::object::Text;

use super::members::*;

commands! {
    NAME;

    /// Sent when a user logs in, logs out or loses the connection. A lost connection is noticed late: after 400 s, on
    /// the web after 60 s.
    ///
    /// Newer pages let it report changes of a custom status too, without naming the member.
    StateChange = "State.StateChange", After, AFTER, "online_status" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/1047/34357";
        request {
            ..event_time;
            /// Who came or went, and why.
            info: StateInfo<'a> = "Info";
            /// Devices that this login put out; only with action `Login` and reason `Register`.
            kicked_device: Vec<KickedDevice<'a>> = "KickedDevice" or_empty;
        }
    }
}

objects! {
    /// Who came or went, and why.
    StateInfo {
        /// `Login`, `Logout` or `Disconnect`.
        action: Text<'a> = "Action";
        ..to_account;
        /// `Register`, `Unregister`, `LinkClose` or `TimeOut`.
        reason: Text<'a> = "Reason";
    }

    /// A device that a new login put out.
    KickedDevice {
        /// `iOS`, `Android`, `Web`, `Windows`, `iPad`, `Mac` or `Linux`.
        platform: Text<'a> = "Platform";
    }
}
