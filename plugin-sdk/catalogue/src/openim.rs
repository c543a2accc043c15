//! OpenIM: every command of the server as a typed event.
//!
//! Taken from the server's source (main, commit 7848d7c7 of 2026-07-02). Its documentation shows members and forms
//! that no version sends. Members that it documents as `{"value": …}` are plain on the wire; both forms are read. A
//! list that is empty arrives as `null` and is read as empty.
//!
//! A denial's code is from 5000 to 9999, a range that the server does not use itself; the host writes 5000 in place of
//! any other. The app shows the message to the user. Every command is off by default in the server's `webhooks.yml`.

mod answers;
mod content;
mod conversation;
mod friend;
mod group;
mod members;
mod message;
pub(crate) mod neutral;
mod presence;
mod push;
mod user;

pub use content::Content;
pub use conversation::*;
pub use friend::*;
pub use group::*;
pub use message::*;
pub use presence::*;
pub use push::*;
pub use user::*;

use crate::command::{Command, joined};
use crate::protocol::Protocol;

/// The protocol.
pub static PROTOCOL: Protocol =
    Protocol { name: members::NAME, title: "OpenIM", commands: COMMANDS, aliases: ALIASES, people: members::PEOPLE };

/// All commands, in the order of the families.
pub const COMMANDS: &[&Command] = &joined::<52>(&[
    user::COMMANDS,
    message::COMMANDS,
    presence::COMMANDS,
    push::COMMANDS,
    friend::COMMANDS,
    group::COMMANDS,
    conversation::COMMANDS,
]);

/// Names used only in the documentation or by older versions, and the current name; the latter is empty if no version
/// has such a command.
pub const ALIASES: &[(&str, &str)] = &[
    ("setGlobalRecvMessageOptCommand", ""),           // only in the documentation
    ("setUserStatusAfterCommand", ""),                // only in the documentation
    ("subscribeOrCancelUsersStatusAfterCommand", ""), // only in the documentation
    ("callbackSingleMsgRevokeCommand", "callbackBeforeAfterMsgCommand"), // only in the documentation
    ("callbackAfterRevokeMsgCommand", "callbackBeforeAfterMsgCommand"), // only in the documentation
    ("callbackMsgModifyCommandCommand", "callbackBeforeMsgModifyCommand"), // only in the documentation
    ("callbackSingleMsgReadCommand", "callbackAfterSingleMsgReadCommand"), // only in the documentation
    ("callbackAfterGroupMemberExitCommand", "callbackAfterQuitGroupCommand"), // only in the documentation
    ("callbackBeforeApplyMemberJoinGroupCommand", "callbackBeforeJoinGroupCommand"), // only in the documentation
    ("callbackAfterUngroupCommand", "callbackAfterDisMissGroupCommand"), // only in the documentation
    ("transferGroupOwnerAfterCommand", "callbackAfterTransferGroupOwnerCommand"), // only in the documentation
    ("callbackSendGroupMsgErrorCommand", ""),         // only in the documentation
    ("callbackBeforePushCommand", "callbackBeforeOfflinePushCommand"), // only in the documentation
    ("callbackBeforeSuperGroupOnlinePushCommand", "callbackBeforeGroupOnlinePushCommand"), // only in the documentation
    ("userRegisterBeforeCommand", "callbackBeforeUserRegisterCommand"), // only in the documentation
    ("ImportFriendReqBeforeCommand", "callbackBeforeImportFriendsCommand"), // only in the documentation
    ("callbackWordFilterCommand", "callbackBeforeMsgModifyCommand"), // v2.3.3
    ("callbackMsgModifyCommand", "callbackBeforeMsgModifyCommand"), // v3.0.0 to v3.6.0
    ("callbackUserOnlineCommand", "callbackAfterUserOnlineCommand"), // v2.3.3 to v3.6.0
    ("callbackUserOfflineCommand", "callbackAfterUserOfflineCommand"), // v2.3.3 to v3.6.0
    ("callbackUserKickOffCommand", "callbackAfterUserKickOffCommand"), // v2.3.3 to v3.6.0
    ("callbackOfflinePushCommand", "callbackBeforeOfflinePushCommand"), // v2.3.3 to v3.6.0
    ("callbackOnlinePushCommand", "callbackBeforeOnlinePushCommand"), // v2.3.3 to v3.6.0
    ("callbackSuperGroupOnlinePushCommand", "callbackBeforeGroupOnlinePushCommand"), // v2.3.3 to v3.6.0
    ("callbackBeforeMemberJoinGroupCommand", "callbackBeforeMembersJoinGroupCommand"), // v3.0.0 to v3.7.1
    ("CallbackBeforeSetGroupMemberInfoCommand", "callbackBeforeSetGroupMemberInfoCommand"), // v3.0.0 to v3.4.0
    ("callbackBeforeSetFriendRemark", "callbackBeforeSetFriendRemarkCommand"), // v3.4.2 to v3.6.0
    ("callbackAfterSetFriendRemark", "callbackAfterSetFriendRemarkCommand"), // v3.4.2 to v3.6.0
    ("callbackDisMissGroupCommand", "callbackAfterDisMissGroupCommand"), // v3.4.2 to v3.6.0
    ("callbackGroupMsgReadCommand", "callbackAfterGroupMsgReadCommand"), // v3.4.2 to v3.6.0
    ("callbackKillGroupCommand", "callbackAfterKickGroupCommand"), // v3.4.2 to v3.6.0
    ("callbackQuitGroupCommand", "callbackAfterQuitGroupCommand"), // v3.4.2 to v3.6.0
    ("callbackSingleMsgRead", "callbackAfterSingleMsgReadCommand"), // v3.4.2 to v3.6.0
    ("callbackTransferGroupOwnerAfter", "callbackAfterTransferGroupOwnerCommand"), // v3.4.2 to v3.5.1
    ("callbackAfterTransferGroupOwner", "callbackAfterTransferGroupOwnerCommand"), // v3.6.0
    ("callbackBeforeSetMessageReactionExtensionCommand", ""), // v3.0.0 to v3.4.0
    ("callbackBeforeDeleteMessageReactionExtensionsCommand", ""), // v3.0.0 to v3.4.0
    ("callbackGetMessageListReactionExtensionsCommand", ""), // v3.0.0 to v3.4.0
    ("callbackAddMessageListReactionExtensionsCommand", ""), // v3.0.0 to v3.4.0
    ("callbackAfterSetGroupInfoEXCommand", "callbackAfterSetGroupInfoExCommand"), // only in the documentation
    ("callbackBeforeSetGroupInfoEXCommand", "callbackBeforeSetGroupInfoExCommand"), // only in the documentation
];
