//! Users and their profiles.

use crate::command::Kind;
use crate::macros::commands::commands;
use crate::macros::members::members;
use crate::macros::objects::{new_objects, objects};
use crate::object::Text;

use super::members::*;

members! { $
    /// What changes in a profile.
    changed_profile {
        ..user_id;
        /// Nickname.
        nick_name: Option<Text<'a>> = "nickName";
        ..optional_face_url;
        /// Always `null`.
        ex: Option<Text<'a>> = "ex";
    }
}

commands! {
    NAME;

    /// Sent when an administrator registers users: after the check for IDs that exist already, before anything is
    /// stored.
    ///
    /// New `users` replace the whole list, and the server does not check the new IDs again. A member left empty in an
    /// element is stored empty.
    BeforeUserRegister = "callbackBeforeUserRegisterCommand", Before, OPENIM_BEFORE, "user" {
        key []; source "open-im-server internal/rpc/user/callback.go:88-106";
        request {
            /// The users to be registered.
            users: Vec<RegisteredUser<'a>> = "users" or_empty;
        }
        changes {
            users: Vec<NewUser> = "users" NonEmpty "users";
        }
    }

    /// Sent when an administrator has registered users.
    AfterUserRegister = "callbackAfterUserRegisterCommand", After, AFTER, "user" {
        key []; source "open-im-server internal/rpc/user/callback.go:108-115";
        request {
            /// The users who were registered.
            users: Vec<RegisteredUser<'a>> = "users" or_empty;
        }
    }

    /// Sent before a profile is stored through the server's old, deprecated interface.
    ///
    /// `ex` is always `null` here, even when the operation sets it.
    BeforeUpdateUserInfo = "callbackBeforeUpdateUserInfoCommand", Before, OPENIM_BEFORE, "user" {
        key []; source "open-im-server internal/rpc/user/callback.go:28-46";
        request {
            ..changed_profile;
        }
        changes {
            nick_name: String = "nickName" NonNull "nickName";
            face_url: String = "faceURL" NonNull "faceURL";
            ex: String = "ex" NonNull "ex";
        }
    }

    /// Sent when a profile was stored through the server's old, deprecated interface.
    ///
    /// `ex` is always empty here.
    AfterUpdateUserInfo = "callbackAfterUpdateUserInfoCommand", After, AFTER, "user" {
        key []; source "open-im-server internal/rpc/user/callback.go:48-56";
        request {
            ..user_id;
            /// Nickname.
            nick_name: Text<'a> = "nickName";
            ..face_url;
            /// Always empty.
            ex: Text<'a> = "ex";
        }
    }

    /// Sent before a change of a profile is stored. Members that the user does not change are `null`.
    ///
    /// Only members that the user is changing can be changed: the server crashes on a new value for a member that was
    /// `null`, so the setters ignore it. `ex` is never shown, and so cannot be changed.
    BeforeUpdateUserInfoEx = "callbackBeforeUpdateUserInfoExCommand", Before, OPENIM_BEFORE, "user" {
        key []; source "open-im-server internal/rpc/user/callback.go:58-76";
        request {
            ..changed_profile;
        }
        changes {
            nick_name: String = "nickName" IfShown "nickName";
            face_url: String = "faceURL" IfShown "faceURL";
        }
        unsettable {
            "ex": String, Crashes "the operation may have none, which the request never shows, and the server would crash over it";
        }
    }

    /// Sent when a change of a profile was stored. Members that did not change are `null`.
    ///
    /// `ex` is always `null` here, even when it changed.
    AfterUpdateUserInfoEx = "callbackAfterUpdateUserInfoExCommand", After, AFTER, "user" {
        key []; source "open-im-server internal/rpc/user/callback.go:78-86";
        request {
            ..changed_profile;
        }
    }
}

objects! {
    /// A user who is being registered.
    RegisteredUser {
        ..user_id;
        /// Nickname.
        nickname: Text<'a> = "nickname";
        ..face_url, ex, create_time;
        /// Level of an administrator of the app (the server's spelling).
        app_manger_level: i32 = "appMangerLevel";
        /// How messages are received by default, in the server's numbers.
        global_recv_msg_opt: i32 = "globalRecvMsgOpt";
    }
}

new_objects! {
    /// A user to be registered in place of another, written in full: an omitted field becomes empty.
    NewUser {
        /// ID of the user; the server does not check it again.
        user_id: String = "userID", Kind::Text;
        /// Nickname.
        nickname: String = "nickname", Kind::Text;
        /// Address of the picture.
        face_url: String = "faceURL", Kind::Text;
        /// The app's own data.
        ex: String = "ex", Kind::Text;
        /// When it was made, in milliseconds since 1970.
        create_time: i64 = "createTime", Kind::Int64;
        /// Level of an administrator of the app (the server's spelling).
        app_manger_level: i32 = "appMangerLevel", Kind::Int32;
        /// How messages are received by default, in the server's numbers.
        global_recv_msg_opt: i32 = "globalRecvMsgOpt", Kind::Int32;
    }
}
