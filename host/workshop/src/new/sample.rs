//! A request for each command, as the chat server really sends it: the fixtures shared by all tests.
//!
//! The files are outside this package. That would prevent publishing it, but it is not published.

use callgate_catalogue::catalogue::Command;
use callgate_dialects::table;
use serde_json::{Map, Value};

/// The request of a command; an empty one if there is no fixture, which a test rules out.
pub(super) fn request(command: &Command) -> Value {
    let mut request = Map::new();
    // Some commands are named only in the URL, which a file does not have.
    if let Some(server) = table::by_name(table::CHAT_SERVERS, command.protocol) {
        request.insert(server.command_member().to_owned(), command.name.into());
    }
    request.extend(fixture(command).unwrap_or_default());
    request.into()
}

fn fixture(command: &Command) -> Option<Map<String, Value>> {
    let (_, text) = OPENIM.iter().chain(TENCENT_CHAT).find(|(name, _)| *name == command.name)?;
    serde_json::from_str(text).ok()
}

/// Names of commands, and their fixtures in this folder.
macro_rules! samples {
    ($folder:literal: $($name:literal)*) => {
        &[$((
            $name,
            include_str!(concat!("../../../../tests/fixtures/", $folder, "/", $name, ".request.json")),
        )),*]
    };
}

#[rustfmt::skip]
const OPENIM: &[(&str, &str)] = samples! {
    "openim":
    "callbackAfterAddFriendAgreeCommand"
    "callbackAfterAddFriendCommand"
    "callbackAfterCreateGroupChatConversationsCommand"
    "callbackAfterCreateGroupCommand"
    "callbackAfterCreateSingleChatConversationsCommand"
    "callbackAfterDeleteFriendCommand"
    "callbackAfterDisMissGroupCommand"
    "callbackAfterGroupMsgReadCommand"
    "callbackAfterImportFriendsCommand"
    "callbackAfterJoinGroupCommand"
    "callbackAfterKickGroupCommand"
    "callbackAfterMsgSaveDBCommand"
    "callbackAfterQuitGroupCommand"
    "callbackAfterRemoveBlackCommand"
    "callbackAfterSendGroupMsgCommand"
    "callbackAfterSendSingleMsgCommand"
    "callbackAfterSetFriendRemarkCommand"
    "callbackAfterSetGroupInfoCommand"
    "callbackAfterSetGroupInfoExCommand"
    "callbackAfterSetGroupMemberInfoCommand"
    "callbackAfterSingleMsgReadCommand"
    "callbackAfterTransferGroupOwnerCommand"
    "callbackAfterUpdateUserInfoCommand"
    "callbackAfterUpdateUserInfoExCommand"
    "callbackAfterUserKickOffCommand"
    "callbackAfterUserOfflineCommand"
    "callbackAfterUserOnlineCommand"
    "callbackAfterUserRegisterCommand"
    "callbackBeforeAddBlackCommand"
    "callbackBeforeAddFriendAgreeCommand"
    "callbackBeforeAddFriendCommand"
    "callbackBeforeAfterMsgCommand"
    "callbackBeforeCreateGroupChatConversationsCommand"
    "callbackBeforeCreateGroupCommand"
    "callbackBeforeCreateSingleChatConversationsCommand"
    "callbackBeforeGroupOnlinePushCommand"
    "callbackBeforeImportFriendsCommand"
    "callbackBeforeInviteJoinGroupCommand"
    "callbackBeforeJoinGroupCommand"
    "callbackBeforeMembersJoinGroupCommand"
    "callbackBeforeMsgModifyCommand"
    "callbackBeforeOfflinePushCommand"
    "callbackBeforeOnlinePushCommand"
    "callbackBeforeSendGroupMsgCommand"
    "callbackBeforeSendSingleMsgCommand"
    "callbackBeforeSetFriendRemarkCommand"
    "callbackBeforeSetGroupInfoCommand"
    "callbackBeforeSetGroupInfoExCommand"
    "callbackBeforeSetGroupMemberInfoCommand"
    "callbackBeforeUpdateUserInfoCommand"
    "callbackBeforeUpdateUserInfoExCommand"
    "callbackBeforeUserRegisterCommand"
};

#[rustfmt::skip]
const TENCENT_CHAT: &[(&str, &str)] = samples! {
    "tencent_chat":
    "Alert.RequestOverLimit"
    "Bot.OnC2CMessage"
    "Bot.OnGroupMessage"
    "C2C.CallbackAfterC2CMsgExtension"
    "C2C.CallbackAfterModifyMsg"
    "C2C.CallbackAfterMsgReadAll"
    "C2C.CallbackAfterMsgReadReceipt"
    "C2C.CallbackAfterMsgReport"
    "C2C.CallbackAfterMsgWithDraw"
    "C2C.CallbackAfterSendMsg"
    "C2C.CallbackBeforeSendMsg"
    "Call.CallbackAfterEndCall"
    "Call.CallbackAfterMemberChanged"
    "Call.CallbackAfterStartCall"
    "Chatbot.OnC2CSignalMessage"
    "ContentCallback.ResultNotify"
    "Follow.CallbackAfterFollowAdd"
    "Follow.CallbackAfterFollowDelete"
    "Group.CallbackAfterChangeGroupOwner"
    "Group.CallbackAfterCreateGroup"
    "Group.CallbackAfterCreateTopic"
    "Group.CallbackAfterGroupAttrChanged"
    "Group.CallbackAfterGroupDestroyed"
    "Group.CallbackAfterGroupFull"
    "Group.CallbackAfterGroupInfoChanged"
    "Group.CallbackAfterGroupMsgExtension"
    "Group.CallbackAfterMemberExit"
    "Group.CallbackAfterMemberFieldChanged"
    "Group.CallbackAfterModifyMsg"
    "Group.CallbackAfterNewMemberJoin"
    "Group.CallbackAfterReadReceipt"
    "Group.CallbackAfterRecallMsg"
    "Group.CallbackAfterSendMsg"
    "Group.CallbackAfterTopicDestroyed"
    "Group.CallbackAfterTopicInfoChanged"
    "Group.CallbackBeforeApplyJoinGroup"
    "Group.CallbackBeforeCreateGroup"
    "Group.CallbackBeforeCreateTopic"
    "Group.CallbackBeforeInviteJoinGroup"
    "Group.CallbackBeforeSendMsg"
    "Group.CallbackOnDailyGroupQuotaAlarm"
    "Group.CallbackOnMemberStateChange"
    "Group.CallbackSendMsgException"
    "Live.CallbackAfterChangeOwner"
    "Live.CallbackAfterCreateBattle"
    "Live.CallbackAfterCreateRoom"
    "Live.CallbackAfterCreateRoomReachingThreshold"
    "Live.CallbackAfterDelMetadata"
    "Live.CallbackAfterDestroyRoom"
    "Live.CallbackAfterEndBattle"
    "Live.CallbackAfterMemberStateChanged"
    "Live.CallbackAfterModifyAdmin"
    "Live.CallbackAfterSetMetadata"
    "Live.CallbackAfterStartBattle"
    "Live.CallbackAfterUpdateRoomInfo"
    "Live.CallbackBeforeSendGift"
    "Mic.CallbackAfterSeatInfoChanged"
    "OfficialAccount.CallbackAfterAddSubscriber"
    "OfficialAccount.CallbackAfterCreateOfficialAccount"
    "OfficialAccount.CallbackAfterDeleteSubscriber"
    "OfficialAccount.CallbackAfterMsgWithDraw"
    "OfficialAccount.CallbackAfterOfficialAccountDestroyed"
    "OfficialAccount.CallbackAfterOfficialAccountFull"
    "OfficialAccount.CallbackAfterOfficialAccountInfoChanged"
    "OfficialAccount.CallbackAfterSendMsg"
    "OfficialAccount.CallbackBeforeAddSubscriber"
    "OfficialAccount.CallbackBeforeCreateOfficialAccount"
    "OfficialAccount.CallbackBeforeSendMsg"
    "Profile.CallbackPortraitSet"
    "Push.AllMemberPush"
    "Push.OfflinePush"
    "Room.CallbackAfterCreateRoom"
    "Room.CallbackAfterDestroyRoom"
    "Room.CallbackAfterMemberEnter"
    "Room.CallbackAfterMemberLeave"
    "Room.CallbackAfterUpdateRoomInfo"
    "Sns.CallbackBlackListAdd"
    "Sns.CallbackBlackListDelete"
    "Sns.CallbackFriendAdd"
    "Sns.CallbackFriendDelete"
    "Sns.CallbackPrevFriendAdd"
    "Sns.CallbackPrevFriendResponse"
    "State.StateChange"
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_a_fixture_and_a_sample_that_names_it() {
        for server in table::CHAT_SERVERS {
            for command in server.protocol().commands {
                assert!(fixture(command).is_some(), "{}", command.name);
                assert_eq!(request(command)[server.command_member()], command.name);
            }
        }
    }
}
