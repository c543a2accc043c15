//! Conversations.

use crate::macros::commands::commands;
use crate::macros::members::members;
use crate::object::Text;

use super::members::*;

members! { $
    /// The settings of a conversation.
    conversation_settings {
        /// How messages are received, in the server's numbers.
        recv_msg_opt: i32 = "recvMsgOpt";
        /// Whether it is pinned to the top of the list.
        is_pinned: bool = "isPinned";
        /// Whether messages are burnt after reading.
        is_private_chat: bool = "isPrivateChat";
        /// Seconds until a message that was read is burnt.
        burn_duration: i32 = "burnDuration";
        /// How the user was mentioned, in the server's numbers.
        group_at_type: i32 = "groupAtType";
        /// Further data of the client.
        attached_info: Text<'a> = "attachedInfo";
        ..ex;
    }

    /// A one-to-one conversation.
    single_conversation {
        /// ID of the user whose conversation it is.
        owner_user_id: Text<'a> = "ownerUserId";
        /// ID of the conversation.
        conversation_id: Text<'a> = "conversationId";
        /// 1 one-to-one, 3 group, 4 notification.
        conversation_type: i32 = "conversationType";
        /// ID of the other user.
        user_id: Text<'a> = "userId";
    }

    /// A conversation of a group.
    group_conversation {
        /// Always empty.
        owner_user_id: Text<'a> = "ownerUserId";
        /// ID of the conversation.
        conversation_id: Text<'a> = "conversationId";
        /// 1 one-to-one, 3 group, 4 notification.
        conversation_type: i32 = "conversationType";
        /// ID of the group.
        group_id: Text<'a> = "groupId";
    }

    /// Settings that replace those.
    new_conversation_settings {
        recv_msg_opt: i32 = "recvMsgOpt" NonNull "recvMsgOpt";
        is_pinned: bool = "isPinned" NonNull "isPinned";
        is_private_chat: bool = "isPrivateChat" NonNull "isPrivateChat";
        burn_duration: i32 = "burnDuration" NonNull "burnDuration";
        group_at_type: i32 = "groupAtType" NonNull "groupAtType";
        attached_info: String = "attachedInfo" NonNull "attachedInfo";
        ex: String = "ex" NonNull "ex";
    }
}

commands! {
    NAME;

    /// Sent before the conversations of a new one-to-one or notification session are stored. No user is waiting.
    ///
    /// A one-to-one session sends it twice, both times with the sender's conversation; changes in the second answer
    /// have no effect. Releases up to v3.8.3-patch.16 do not have this command.
    BeforeCreateSingleChatConversations = "callbackBeforeCreateSingleChatConversationsCommand", Before, OPENIM_BEFORE, "conversation" {
        key []; source "open-im-server internal/rpc/conversation/callback.go:13-45";
        request {
            ..single_conversation, conversation_settings;
        }
        changes {
            ..new_conversation_settings;
        }
    }

    /// Sent when a conversation of a one-to-one or notification session was stored, and also when storing failed.
    ///
    /// Releases up to v3.8.3-patch.16 do not have this command.
    AfterCreateSingleChatConversations = "callbackAfterCreateSingleChatConversationsCommand", After, AFTER, "conversation" {
        key []; source "open-im-server internal/rpc/conversation/callback.go:47-65";
        request {
            ..single_conversation, conversation_settings;
        }
    }

    /// Sent before the conversations of a group are stored. `ownerUserId` is always empty.
    ///
    /// Releases up to v3.8.3-patch.16 do not have this command.
    BeforeCreateGroupChatConversations = "callbackBeforeCreateGroupChatConversationsCommand", Before, OPENIM_BEFORE, "conversation" {
        key []; source "open-im-server internal/rpc/conversation/callback.go:67-98";
        request {
            ..group_conversation, conversation_settings;
        }
        changes {
            ..new_conversation_settings;
        }
    }

    /// Sent when the conversations of a group were stored. `ownerUserId` is always empty.
    ///
    /// Releases up to v3.8.3-patch.16 do not have this command.
    AfterCreateGroupChatConversations = "callbackAfterCreateGroupChatConversationsCommand", After, AFTER, "conversation" {
        key []; source "open-im-server internal/rpc/conversation/callback.go:100-117";
        request {
            ..group_conversation, conversation_settings;
        }
    }
}
