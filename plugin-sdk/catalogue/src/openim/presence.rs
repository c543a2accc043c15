//! Users who come online or go offline.

use crate::macros::commands::commands;
use crate::macros::members::members;
use crate::object::Text;

use super::members::*;

members! { $
    /// A device that comes or goes.
    connection {
        ..device, user_id;
        /// When it happened, in milliseconds since 1970.
        seq: i64 = "seq";
    }
}

commands! {
    NAME;

    /// Sent when a device of a user came online.
    ///
    /// v3.8.0 and v3.8.1 do not send it.
    AfterUserOnline = "callbackAfterUserOnlineCommand", After, AFTER, "presence" {
        key ["connID"]; source "open-im-server internal/msggateway/callback.go:27-43";
        request {
            ..connection;
            /// Whether the app is in the background.
            is_app_background: bool = "isAppBackground";
            /// ID of the connection.
            conn_id: Text<'a> = "connID";
        }
    }

    /// Sent when a device of a user went offline.
    ///
    /// v3.8.0 and v3.8.1 do not send it.
    AfterUserOffline = "callbackAfterUserOfflineCommand", After, AFTER, "presence" {
        key ["connID"]; source "open-im-server internal/msggateway/callback.go:45-60";
        request {
            ..connection;
            /// ID of the connection.
            conn_id: Text<'a> = "connID";
        }
    }

    /// Meant for a user who was forced offline, but no version of the server sends it.
    AfterUserKickOff = "callbackAfterUserKickOffCommand", After, AFTER, "presence" {
        key []; source "open-im-server internal/msggateway/callback.go:62-76";
        request {
            ..connection;
        }
    }
}
