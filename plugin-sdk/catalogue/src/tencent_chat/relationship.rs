//! Friends and block lists.

use crate::macros::commands::commands;
use crate::macros::members::members;
use crate::macros::objects::objects;
use crate::object::Text;

use super::members::*;

members! { $
    requester_account {
        /// ID of the account that made the request.
        requester_account: Text<'a> = "Requester_Account";
    }

    remark {
        /// Remark on the friend.
        remark: Option<Text<'a>> = "Remark";
    }

    pair_list {
        /// The pairs of users.
        pair_list: Vec<Pair<'a>> = "PairList";
    }
}

commands! {
    NAME;

    /// Sent before a client's request to add friends is stored. Requests through the REST API do not send it.
    ///
    /// One request can name several users. A denial refuses all of them, `per_user` single ones; codes 38000 to 39000
    /// and their text reach the app.
    SnsPrevFriendAdd = "Sns.CallbackPrevFriendAdd", Before, FRIEND_ADD, "relationship" {
        key ["Requester_Account", "From_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/43468";
        request {
            ..requester_account;
            /// ID of the user who asks.
            from_account: Text<'a> = "From_Account";
            /// The users who are asked.
            friend_item: Vec<FriendItem<'a>> = "FriendItem";
            /// `Add_Type_Single` or `Add_Type_Both`.
            add_type: Text<'a> = "AddType";
            /// 1 forced, 0 not.
            force_add_flags: i64 = "ForceAddFlags";
            ..event_time;
        }
    }

    /// Sent before a client's answers to friend requests are stored. Answers through the REST API do not send it.
    ///
    /// One callback can hold several answers. A denial refuses all of them, `per_user` single ones; codes 38000 to
    /// 39000 and their text reach the app.
    SnsPrevFriendResponse = "Sns.CallbackPrevFriendResponse", Before, FRIEND_RESPONSE, "relationship" {
        key ["Requester_Account", "From_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/43467";
        request {
            ..requester_account;
            /// ID of the user who answers.
            from_account: Text<'a> = "From_Account";
            /// The requests that are answered.
            response_friend_item: Vec<ResponseFriendItem<'a>> = "ResponseFriendItem";
            ..event_time;
        }
    }

    /// Sent when users became friends.
    SnsFriendAdd = "Sns.CallbackFriendAdd", After, AFTER, "relationship" {
        key []; source "www.tencentcloud.com/document/product/1047/34359";
        request {
            /// The pairs of users.
            pair_list: Vec<InitiatedPair<'a>> = "PairList";
            /// What the client did: `friend_add`, `FriendAdd`, `friend_response` or `FriendResponse`.
            client_cmd: Option<Text<'a>> = "ClientCmd";
            /// ID of the administrator, if one did it.
            admin_account: Option<Text<'a>> = "Admin_Account";
            /// 1 forced.
            force_flag: Option<i64> = "ForceFlag";
            ..optional_event_time;
        }
    }

    /// Sent when users ceased to be friends.
    SnsFriendDelete = "Sns.CallbackFriendDelete", After, AFTER, "relationship" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/1047/34360";
        request {
            ..pair_list, optional_event_time;
        }
    }

    /// Sent when users were put on a block list.
    SnsBlackListAdd = "Sns.CallbackBlackListAdd", After, AFTER, "relationship" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/1047/34361";
        request {
            ..pair_list, optional_event_time;
        }
    }

    /// Sent when users were taken off a block list.
    SnsBlackListDelete = "Sns.CallbackBlackListDelete", After, AFTER, "relationship" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/1047/34362";
        request {
            ..pair_list, optional_event_time;
        }
    }
}

objects! {
    /// One user who is asked.
    FriendItem {
        ..to_account, remark;
        /// Group in the user's list of friends.
        group_name: Option<Text<'a>> = "GroupName";
        /// Where the request comes from.
        add_source: Text<'a> = "AddSource";
        /// Text of the request.
        add_wording: Option<Text<'a>> = "AddWording";
    }

    /// One request that is answered.
    ResponseFriendItem {
        ..to_account, remark;
        /// Group in the user's list of friends.
        tag_name: Option<Text<'a>> = "TagName";
        /// `Response_Action_AgreeAndAdd`, `Response_Action_Agree` or `Response_Action_Reject`.
        response_action: Text<'a> = "ResponseAction";
    }

    /// Two users, and who of them began.
    InitiatedPair {
        ..pair;
        /// ID of the user who began.
        initiator_account: Text<'a> = "Initiator_Account";
    }

    /// Two users.
    Pair {
        ..pair;
    }
}
