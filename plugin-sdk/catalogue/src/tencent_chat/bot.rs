//! Messages to bots.

use crate::macros::commands::commands;
use crate::object::Text;

use super::elem::MsgElem;
use super::members::*;

commands! {
    NAME;

    /// Sent when a user wrote to a bot (an account that begins with `@RBT#`).
    ///
    /// The bot's reply is sent through the REST API, not with the answer.
    BotOnC2cMessage = "Bot.OnC2CMessage", After, AFTER, "bot" {
        key ["MsgKey"]; source "www.tencentcloud.com/document/product/1047/68952";
        request {
            ..c2c_message, event_time;
        }
    }

    /// Sent when a group message mentioned a bot.
    ///
    /// The bot's reply is sent through the REST API, not with the answer.
    BotOnGroupMessage = "Bot.OnGroupMessage", After, AFTER, "bot" {
        key ["GroupId", "MsgSeq"]; source "www.tencentcloud.com/document/product/1047/68953";
        request {
            ..group, group_message, msg_seq, msg_time;
            /// 1 for a message that goes only to users who are online and is not stored.
            online_only_flag: i64 = "OnlineOnlyFlag";
            ..msg_body;
            /// IDs of the bots.
            at_robots_account: Vec<Text<'a>> = "AtRobots_Account";
            ..cloud_custom_data, event_time;
        }
    }

    /// Sent when a client signals a chatbot and waits for its text.
    ///
    /// Answer with `reply`; a denial makes the client get none.
    ChatbotOnC2cSignalMessage = "Chatbot.OnC2CSignalMessage", Before, CHATBOT, "bot" {
        key ["MsgKey"]; source "www.tencentcloud.com/document/product/1047/59057";
        request {
            ..pair, msg_seq;
            /// Random number of the message.
            msg_random: u32 = "MsgRandom";
            ..msg_key, event_time;
            /// The signal: whatever the app's clients send.
            data: Text<'a> = "Data";
        }
    }
}
