//! The keys of `webhooks.yml`, and which releases have them.

/// A callback's key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// Its name in `webhooks.yml`.
    pub(super) name: &'static str,
    /// The command that it switches on.
    pub(super) command: &'static str,
    /// Which releases from v3.7.0 on send it.
    pub(super) sent: Sent,
}

/// Which releases send a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// All that have a `webhooks.yml`: v3.7.0 and later.
    Always,
    /// Some of them, in words.
    Some(&'static str),
    /// The main branch, after v3.8.3-patch.16.
    Main,
    /// None: the server's source has no call.
    Never,
}

const fn key(name: &'static str, command: &'static str) -> Key {
    Key { name, command, sent: Sent::Always }
}

const fn since(releases: &'static str, name: &'static str, command: &'static str) -> Key {
    Key { name, command, sent: Sent::Some(releases) }
}

const fn main(name: &'static str, command: &'static str) -> Key {
    Key { name, command, sent: Sent::Main }
}

/// v3.8.0 and v3.8.1 have the calls commented out (`internal/msggateway/ws_server.go`).
const ONLINE: &str = "v3.7.0, v3.7.1, v3.8.2 and later";

/// All keys with a command. From `pkg/common/config/config.go` and the call sites in `internal/`, at the tags v3.7.0 to
/// v3.8.3-patch.16 and at commit 7848d7c7.
pub(super) const KEYS: &[Key] = &[
    key("beforeUserRegister", "callbackBeforeUserRegisterCommand"),
    key("afterUserRegister", "callbackAfterUserRegisterCommand"),
    key("beforeUpdateUserInfo", "callbackBeforeUpdateUserInfoCommand"),
    key("afterUpdateUserInfo", "callbackAfterUpdateUserInfoCommand"),
    key("beforeUpdateUserInfoEx", "callbackBeforeUpdateUserInfoExCommand"),
    key("afterUpdateUserInfoEx", "callbackAfterUpdateUserInfoExCommand"),
    key("beforeSendSingleMsg", "callbackBeforeSendSingleMsgCommand"),
    key("afterSendSingleMsg", "callbackAfterSendSingleMsgCommand"),
    key("beforeSendGroupMsg", "callbackBeforeSendGroupMsgCommand"),
    key("afterSendGroupMsg", "callbackAfterSendGroupMsgCommand"),
    key("beforeMsgModify", "callbackBeforeMsgModifyCommand"),
    main("afterMsgSaveDB", "callbackAfterMsgSaveDBCommand"),
    key("afterGroupMsgRead", "callbackAfterGroupMsgReadCommand"),
    key("afterSingleMsgRead", "callbackAfterSingleMsgReadCommand"),
    key("afterRevokeMsg", "callbackBeforeAfterMsgCommand"),
    since(ONLINE, "afterUserOnline", "callbackAfterUserOnlineCommand"),
    since(ONLINE, "afterUserOffline", "callbackAfterUserOfflineCommand"),
    Key { name: "afterUserKickOff", command: "callbackAfterUserKickOffCommand", sent: Sent::Never },
    key("beforeOfflinePush", "callbackBeforeOfflinePushCommand"),
    key("beforeOnlinePush", "callbackBeforeOnlinePushCommand"),
    key("beforeGroupOnlinePush", "callbackBeforeGroupOnlinePushCommand"),
    key("beforeAddFriend", "callbackBeforeAddFriendCommand"),
    key("afterAddFriend", "callbackAfterAddFriendCommand"),
    key("beforeAddFriendAgree", "callbackBeforeAddFriendAgreeCommand"),
    since("v3.8.1 and later", "afterAddFriendAgree", "callbackAfterAddFriendAgreeCommand"),
    key("afterDeleteFriend", "callbackAfterDeleteFriendCommand"),
    key("beforeSetFriendRemark", "callbackBeforeSetFriendRemarkCommand"),
    key("afterSetFriendRemark", "callbackAfterSetFriendRemarkCommand"),
    key("beforeImportFriends", "callbackBeforeImportFriendsCommand"),
    key("afterImportFriends", "callbackAfterImportFriendsCommand"),
    key("beforeAddBlack", "callbackBeforeAddBlackCommand"),
    key("afterRemoveBlack", "callbackAfterRemoveBlackCommand"),
    key("beforeCreateGroup", "callbackBeforeCreateGroupCommand"),
    key("afterCreateGroup", "callbackAfterCreateGroupCommand"),
    since("v3.8.0 and later", "beforeMemberJoinGroup", "callbackBeforeMembersJoinGroupCommand"),
    key("beforeSetGroupMemberInfo", "callbackBeforeSetGroupMemberInfoCommand"),
    key("afterSetGroupMemberInfo", "callbackAfterSetGroupMemberInfoCommand"),
    key("afterQuitGroup", "callbackAfterQuitGroupCommand"),
    key("afterKickGroupMember", "callbackAfterKickGroupCommand"),
    key("afterDismissGroup", "callbackAfterDisMissGroupCommand"),
    key("beforeApplyJoinGroup", "callbackBeforeJoinGroupCommand"),
    key("afterJoinGroup", "callbackAfterJoinGroupCommand"),
    key("afterTransferGroupOwner", "callbackAfterTransferGroupOwnerCommand"),
    key("beforeInviteUserToGroup", "callbackBeforeInviteJoinGroupCommand"),
    key("beforeSetGroupInfo", "callbackBeforeSetGroupInfoCommand"),
    key("afterSetGroupInfo", "callbackAfterSetGroupInfoCommand"),
    since("v3.8.1 and later", "beforeSetGroupInfoEx", "callbackBeforeSetGroupInfoExCommand"),
    since("v3.8.1 and later", "afterSetGroupInfoEx", "callbackAfterSetGroupInfoExCommand"),
    main("beforeCreateSingleChatConversations", "callbackBeforeCreateSingleChatConversationsCommand"),
    main("afterCreateSingleChatConversations", "callbackAfterCreateSingleChatConversationsCommand"),
    main("beforeCreateGroupChatConversations", "callbackBeforeCreateGroupChatConversationsCommand"),
    main("afterCreateGroupChatConversations", "callbackAfterCreateGroupChatConversationsCommand"),
];

/// A key that the server declares and no code reads.
pub(super) const KEY_WITHOUT_CODE: &str = "afterGroupMsgRevoke";

/// Names of the section `callback` in `config.yaml` up to v3.6.0, and today's. Names that did not change are left out.
/// From `pkg/common/config/config.go` at the tags v3.0.0 to v3.6.0.
pub(super) const OLD_KEYS: &[(&str, &str)] = &[
    ("msgModify", "beforeMsgModify"),
    ("singleMsgRead", "afterSingleMsgRead"),
    ("groupMsgRead", "afterGroupMsgRead"),
    ("userOnline", "afterUserOnline"),
    ("userOffline", "afterUserOffline"),
    ("userKickOff", "afterUserKickOff"),
    ("offlinePush", "beforeOfflinePush"),
    ("onlinePush", "beforeOnlinePush"),
    ("superGroupOnlinePush", "beforeGroupOnlinePush"),
    ("callbackBeforeSetFriendRemark", "beforeSetFriendRemark"),
    ("callbackAfterSetFriendRemark", "afterSetFriendRemark"),
    ("updateUserInfo", "afterUpdateUserInfo"),
    ("quitGroup", "afterQuitGroup"),
    ("killGroupMember", "afterKickGroupMember"),
    ("dismissGroup", "afterDismissGroup"),
    ("joinGroup", "beforeApplyJoinGroup"),
    ("joinGroupAfter", "afterJoinGroup"),
    ("transferGroupOwner", "afterTransferGroupOwner"),
    ("setGroupInfoAfter", "afterSetGroupInfo"),
    ("setGroupInfoBefore", "beforeSetGroupInfo"),
    ("revokeMsgAfter", "afterRevokeMsg"),
    ("addBlackBefore", "beforeAddBlack"),
    ("addFriendAfter", "afterAddFriend"),
    ("addFriendAgreeBefore", "beforeAddFriendAgree"),
    ("deleteFriendAfter", "afterDeleteFriend"),
    ("importFriendsBefore", "beforeImportFriends"),
    ("importFriendsAfter", "afterImportFriends"),
    ("removeBlackAfter", "afterRemoveBlack"),
];

/// The key of a command.
pub(super) fn key_of(command: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.command == command)
}

/// Says when a callback is sent by some releases only.
pub(super) fn release(sent: Sent) -> Option<String> {
    match sent {
        Sent::Always | Sent::Never => None,
        Sent::Some(releases) => Some(format!("it is sent by {releases}")),
        Sent::Main => Some("it is sent by builds of the main branch only, not by v3.8.3-patch.16".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_one_key_and_each_key_a_command() {
        for command in callgate_catalogue::openim::COMMANDS {
            assert_eq!(KEYS.iter().filter(|key| key.command == command.name).count(), 1, "{}", command.name);
        }
        assert_eq!(KEYS.len(), callgate_catalogue::openim::COMMANDS.len());
        for (old, new) in OLD_KEYS {
            assert!(KEYS.iter().any(|key| key.name == *new), "{new}");
            assert!(!KEYS.iter().any(|key| key.name == *old), "{old}");
        }
    }

    #[test]
    fn a_key_says_before_or_after_as_the_command_does() {
        use callgate_catalogue::wire::Phase;
        for key in KEYS {
            let command = super::super::super::names::COMMANDS.find(key.command).unwrap();
            let before = command.phase == Phase::Before;
            assert_eq!(key.name.starts_with("before"), before, "{}", key.name);
        }
    }
}
