//! Friends and block lists.

use crate::macros::commands::commands;
use crate::macros::members::members;
use crate::object::Text;

use super::members::*;

members! { $
    /// A remark on a friend.
    remark_on_friend {
        /// ID of the user whose remark it is.
        owner_user_id: Text<'a> = "ownerUserID";
        /// ID of the friend.
        friend_user_id: Text<'a> = "friendUserID";
        /// The remark.
        remark: Text<'a> = "remark";
    }

    /// A friend request.
    friend_request {
        /// ID of the user who asks.
        from_user_id: Text<'a> = "fromUserID";
        /// ID of the user who is asked.
        to_user_id: Text<'a> = "toUserID";
        /// Text of the request.
        req_msg: Text<'a> = "reqMsg";
    }

    /// The answer to a friend request.
    friend_answer {
        /// ID of the user who asked.
        from_user_id: Text<'a> = "fromUserID";
        /// ID of the user who accepts.
        black_user_id: Text<'a> = "blackUserID";
        /// Answer to the request: 1 accepted, -1 refused.
        handle_result: i32 = "HandleResult";
        /// Text of the answer.
        handle_msg: Text<'a> = "HandleMsg";
    }
}

commands! {
    NAME;

    /// Sent before a friend request is stored.
    BeforeAddFriend = "callbackBeforeAddFriendCommand", Before, OPENIM_BEFORE, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:36-52";
        request {
            ..friend_request, ex;
        }
    }

    /// Sent when a friend request was stored. It has not been accepted yet: that is [`AfterAddFriendAgree`].
    AfterAddFriend = "callbackAfterAddFriendCommand", After, AFTER, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:54-63";
        request {
            ..friend_request;
        }
    }

    /// Sent before a friend request is accepted. A refusal does not send it.
    ///
    /// The user who accepts is called `blackUserID` on the wire, and `HandleResult` and `HandleMsg` begin with a
    /// capital letter.
    BeforeAddFriendAgree = "callbackBeforeAddFriendAgreeCommand", Before, OPENIM_BEFORE, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:127-139";
        request {
            ..friend_answer;
        }
    }

    /// Sent when a friend request was accepted.
    ///
    /// The user who accepted is called `blackUserID` on the wire, and `HandleResult` and `HandleMsg` begin with a
    /// capital letter.
    AfterAddFriendAgree = "callbackAfterAddFriendAgreeCommand", After, AFTER, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:141-151";
        request {
            ..friend_answer;
        }
    }

    /// Sent when a user removed a friend.
    AfterDeleteFriend = "callbackAfterDeleteFriendCommand", After, AFTER, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:27-34";
        request {
            /// ID of the user who removed a friend.
            owner_user_id: Text<'a> = "ownerUserID";
            /// ID of the friend.
            friend_user_id: Text<'a> = "friendUserID";
        }
    }

    /// Sent before the remark on a friend is stored, and before the server checks that the user may set it.
    ///
    /// A new remark cannot be empty: the server keeps the old one then. Deny instead.
    BeforeSetFriendRemark = "callbackBeforeSetFriendRemarkCommand", Before, OPENIM_BEFORE, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:96-113";
        request {
            ..remark_on_friend;
        }
        changes {
            remark: String = "remark" NonEmpty "remark";
        }
    }

    /// Sent when the remark on a friend was stored.
    AfterSetFriendRemark = "callbackAfterSetFriendRemarkCommand", After, AFTER, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:65-74";
        request {
            ..remark_on_friend;
        }
    }

    /// Sent before an administrator imports friends of a user.
    ///
    /// New `friendUserIDs` replace the whole list, and the server does not check them again. An empty list is ignored.
    BeforeImportFriends = "callbackBeforeImportFriendsCommand", Before, OPENIM_BEFORE, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:153-169";
        request {
            /// ID of the user who gets friends.
            owner_user_id: Text<'a> = "ownerUserID";
            /// IDs of the friends.
            friend_user_ids: Vec<Text<'a>> = "friendUserIDs" or_empty;
        }
        changes {
            friend_user_ids: Vec<String> = "friendUserIDs" NonEmpty "friendUserIDs";
        }
    }

    /// Sent when an administrator has imported friends of a user.
    AfterImportFriends = "callbackAfterImportFriendsCommand", After, AFTER, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:76-84";
        request {
            /// ID of the user who got friends.
            owner_user_id: Text<'a> = "ownerUserID";
            /// IDs of the friends.
            friend_user_ids: Vec<Text<'a>> = "friendUserIDs" or_empty;
        }
    }

    /// Sent before a user puts another one on the block list.
    BeforeAddBlack = "callbackBeforeAddBlackCommand", Before, OPENIM_BEFORE, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:115-125";
        request {
            /// ID of the user who blocks.
            owner_user_id: Text<'a> = "ownerUserID";
            /// ID of the user to be blocked.
            black_user_id: Text<'a> = "blackUserID";
        }
    }

    /// Sent when a user took another one off the block list.
    AfterRemoveBlack = "callbackAfterRemoveBlackCommand", After, AFTER, "friend" {
        key []; source "open-im-server internal/rpc/relation/callback.go:86-94";
        request {
            /// ID of the user who had blocked.
            owner_user_id: Text<'a> = "ownerUserID";
            /// ID of the user who was blocked.
            black_user_id: Text<'a> = "blackUserID";
        }
    }
}
