//! Official channels.

use crate::macros::commands::commands;
use crate::macros::members::members;
use crate::macros::objects::objects;
use crate::object::Text;

use super::elem::{Elem, MsgElem};
use super::members::*;

members! { $
    /// Subscribers of a channel.
    subscription {
        ..official_account, operator_account;
        /// The users.
        subscribe_account_list: Vec<Subscriber<'a>> = "SubscribeAccountList";
        ..event_time;
    }

    name {
        /// Name of the channel.
        name: Text<'a> = "Name";
    }

    official_account {
        /// ID of the channel; begins with `@TOA#_`.
        official_account: Text<'a> = "Official_Account";
    }
}

commands! {
    NAME;

    /// Sent before an official channel is created.
    ///
    /// Codes 120001 to 130000 and their text reach the app.
    OfficialBeforeCreate = "OfficialAccount.CallbackBeforeCreateOfficialAccount", Before, OFFICIAL_CREATE, "official_channel" {
        key ["Operator_Account", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60795";
        request {
            ..operator_account, owner_account, name, event_time;
        }
    }

    /// Sent when an official channel was created.
    OfficialAfterCreate = "OfficialAccount.CallbackAfterCreateOfficialAccount", After, AFTER, "official_channel" {
        key ["Operator_Account", "Official_Account", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60796";
        request {
            ..operator_account, official_account, owner_account, name, event_time;
        }
    }

    /// Sent when the profile of an official channel changed. Only what changed is there.
    OfficialAfterInfoChanged = "OfficialAccount.CallbackAfterOfficialAccountInfoChanged", After, AFTER, "official_channel" {
        key ["Official_Account", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60797";
        request {
            ..official_account, operator_account, changed_texts, new_face_url;
            /// The new organisation.
            organization: Option<Text<'a>> = "Organization";
            ..event_time;
        }
    }

    /// Sent when an official channel was removed.
    OfficialAfterDestroyed = "OfficialAccount.CallbackAfterOfficialAccountDestroyed", After, AFTER, "official_channel" {
        key ["Official_Account", "Owner_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60798";
        request {
            ..official_account, owner_account, name, event_time;
        }
    }

    /// Sent before users subscribe to an official channel.
    ///
    /// A denial stops all of them, `refuse_some` single ones. Codes of the app's own are not documented.
    OfficialBeforeAddSubscriber = "OfficialAccount.CallbackBeforeAddSubscriber", Before, OFFICIAL_SUBSCRIBE, "official_channel" {
        key ["Official_Account", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60799";
        request {
            ..subscription;
        }
    }

    /// Sent when users subscribed to an official channel.
    OfficialAfterAddSubscriber = "OfficialAccount.CallbackAfterAddSubscriber", After, AFTER, "official_channel" {
        key ["Official_Account", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60800";
        request {
            ..subscription;
        }
    }

    /// Sent when an official channel has reached its limit of subscribers.
    OfficialAfterFull = "OfficialAccount.CallbackAfterOfficialAccountFull", After, AFTER, "official_channel" {
        key ["Official_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60801";
        request {
            ..official_account, event_time;
        }
    }

    /// Sent when subscribers of an official channel were removed.
    OfficialAfterDeleteSubscriber = "OfficialAccount.CallbackAfterDeleteSubscriber", After, AFTER, "official_channel" {
        key ["Official_Account", "Operator_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60802";
        request {
            ..subscription;
        }
    }

    /// Sent before a message of an official channel goes to its subscribers. The message has no ID yet.
    ///
    /// Codes 120001 to 130000 and their text reach the app.
    ///
    /// A new `MsgBody` replaces all elements; one that is left out is gone.
    OfficialBeforeSendMsg = "OfficialAccount.CallbackBeforeSendMsg", Before, OFFICIAL_SEND, "official_channel" {
        key []; source "www.tencentcloud.com/document/product/1047/60803";
        request {
            ..official_account, body, event_time;
        }
        changes {
            ..new_body;
        }
    }

    /// Sent when a message of an official channel went to its subscribers.
    OfficialAfterSendMsg = "OfficialAccount.CallbackAfterSendMsg", After, AFTER, "official_channel" {
        key ["MsgKey"]; source "www.tencentcloud.com/document/product/1047/60804";
        request {
            ..official_account, msg_key, msg_time, body, event_time;
        }
    }

    /// Sent when messages of an official channel were recalled.
    OfficialAfterMsgWithDraw = "OfficialAccount.CallbackAfterMsgWithDraw", After, AFTER, "official_channel" {
        key ["Official_Account", "EventTime"]; source "www.tencentcloud.com/document/product/1047/60805";
        request {
            ..official_account;
            /// The messages.
            withdraw_msg_list: Vec<WithdrawnMsg<'a>> = "WithdrawMsgList";
            ..event_time;
        }
    }
}

objects! {
    /// A subscriber of a channel.
    Subscriber {
        /// ID of the user.
        subscriber_account: Text<'a> = "Subscriber_Account";
    }

    /// A message that was recalled.
    WithdrawnMsg {
        ..msg_key;
    }
}
