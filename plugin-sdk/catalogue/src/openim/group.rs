//! Groups and their members.

use crate::command::{Kind, Member};
use crate::events::NewValue;
use crate::macros::commands::commands;
use crate::macros::members::members;
use crate::macros::objects::objects;
use crate::object::Text;
use crate::verdict::Json;

use super::members::*;

members! { $
    /// What users read about a group, and its picture.
    group_texts {
        /// Name of the group.
        group_name: Text<'a> = "groupName";
        /// Notice of the group.
        notification: Text<'a> = "notification";
        /// Introduction of the group.
        introduction: Text<'a> = "introduction";
        ..face_url;
    }

    /// What members may do.
    group_rules {
        /// How applications are approved, in the server's numbers.
        need_verification: i32 = "needVerification";
        /// Whether members may look at each other's profiles, in the server's numbers.
        look_member_info: i32 = "lookMemberInfo";
        /// Whether members may ask each other for friendship, in the server's numbers.
        apply_member_friend: i32 = "applyMemberFriend";
    }

    /// A group that is created.
    new_group {
        ..group_texts;
        /// ID of the owner.
        owner_user_id: Text<'a> = "ownerUserID";
        ..create_time;
        /// Number of members.
        member_count: u32 = "memberCount";
        ..ex;
        /// Status of the group, in the server's numbers.
        status: i32 = "status";
        /// ID of the creator.
        creator_user_id: Text<'a> = "creatorUserID";
        /// Type of the group.
        group_type: i32 = "groupType";
        ..group_rules;
        /// When the notice was set, in milliseconds since 1970.
        notification_update_time: i64 = "notificationUpdateTime";
        /// ID of the user who set the notice.
        notification_user_id: Text<'a> = "notificationUserID";
        /// The first members, with their roles.
        init_member_list: Vec<InitialMember<'a>> = "initMemberList" or_empty;
    }

    /// The app's own data and what members may do, where they change.
    changed_group_rules {
        ..optional_ex;
        /// How applications are approved, in the server's numbers.
        need_verification: Option<i32> = "needVerification";
        /// Whether members may look at each other's profiles, in the server's numbers.
        look_member_info: Option<i32> = "lookMemberInfo";
        /// Whether members may ask each other for friendship, in the server's numbers.
        apply_member_friend: Option<i32> = "applyMemberFriend";
    }

    /// A change of a group.
    changed_group {
        /// Always empty.
        operation_id: Text<'a> = "operationID";
        ..group_id;
        /// Name of the group.
        group_name: Option<Text<'a>> = "groupName";
        /// Notice of the group.
        notification: Option<Text<'a>> = "notification";
        /// Introduction of the group.
        introduction: Option<Text<'a>> = "introduction";
        ..optional_face_url, changed_group_rules;
    }

    /// A change of a group through the older interface.
    old_group {
        /// Always empty.
        operation_id: Text<'a> = "operationID";
        ..group_id, group_texts;
    }

    /// Members that an answer always overwrites.
    copied_group_texts {
        group_id: String = "groupID" Copied "groupID";
        group_name: String = "groupName" Copied "groupName";
        introduction: String = "introduction" Copied "introduction";
        face_url: String = "faceURL" Copied "faceURL";
    }

    /// A member of a group, and what changes.
    group_member {
        ..group_id;
        /// ID of the member.
        user_id: Text<'a> = "userID";
        /// Nickname.
        nick_name: Option<Text<'a>> = "nickName";
        ..optional_face_url;
        /// 100 owner, 60 administrator, 20 member.
        role_level: Option<i32> = "roleLevel";
        ..optional_ex;
    }
}

commands! {
    NAME;

    /// Sent before a group is created. `groupID` is empty where the server is to choose one.
    ///
    /// `initMemberList` holds the owner, then the administrators, then the members. The owner cannot be changed, and
    /// neither can `applyMemberFriend`.
    BeforeCreateGroup = "callbackBeforeCreateGroupCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:35-78";
        request {
            ..operation_id;
            /// ID of the group; empty where the server is to choose one.
            group_id: Text<'a> = "groupID";
            ..new_group;
        }
        changes {
            group_id: String = "groupID" NonNull "groupID";
            group_name: String = "groupName" NonNull "groupName";
            notification: String = "notification" NonNull "notification";
            introduction: String = "introduction" NonNull "introduction";
            face_url: String = "faceURL" NonNull "faceURL";
            ex: String = "ex" NonNull "ex";
            status: i32 = "status" NonNull "status";
            creator_user_id: String = "creatorUserID" NonNull "creatorUserID";
            group_type: i32 = "groupType" NonNull "groupType";
            need_verification: i32 = "needVerification" NonNull "needVerification";
            look_member_info: i32 = "lookMemberInfo" NonNull "lookMemberInfo";
        }
        unsettable {
            "ownerUserID": String, Ignored "the owner is taken from the operation";
            "applyMemberFriend": i32, Ignored "the server reads it and does not use it";
        }
    }

    /// Sent when a group was created.
    ///
    /// `initMemberList` names the owner and the administrators twice: once with their role and once as members (20).
    /// The body has no tracing ID, so `Callback::operation_id` is the one to use.
    AfterCreateGroup = "callbackAfterCreateGroupCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:80-102";
        request {
            ..group_id, new_group;
        }
    }

    /// Sent before members are added: with a new group, by invitation, with an accepted application, or when a user
    /// joins directly.
    ///
    /// Changes go by user ID; those for users who are not joining are ignored.
    BeforeMembersJoinGroup = "callbackBeforeMembersJoinGroupCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:104-145";
        request {
            ..group_id;
            /// The members who are joining.
            member_list: Vec<JoiningMember<'a>> = "memberList" or_empty;
            /// The app's own data of the group.
            group_ex: Text<'a> = "groupEx";
        }
        changes {
            member_callback_list: Vec<MemberChange> = "memberCallbackList" NonNull;
        }
    }

    /// Sent before a member's nickname, picture, role or own data in a group are stored, once for each member. What is
    /// not changed is `null`.
    ///
    /// The server does not check a new `roleLevel` again.
    BeforeSetGroupMemberInfo = "callbackBeforeSetGroupMemberInfoCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:147-184";
        request {
            ..group_member;
        }
        changes {
            ex: String = "ex" NonNull "ex";
            nick_name: String = "nickName" NonNull "nickName";
            face_url: String = "faceURL" NonNull "faceURL";
            role_level: i32 = "roleLevel" NonNull "roleLevel";
        }
    }

    /// Sent when a member's nickname, picture, role or own data in a group were stored, once for each member. What did
    /// not change is `null`.
    AfterSetGroupMemberInfo = "callbackAfterSetGroupMemberInfoCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:186-205";
        request {
            ..group_member;
        }
    }

    /// Sent when a member left a group.
    AfterQuitGroup = "callbackAfterQuitGroupCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:207-214";
        request {
            ..group_id;
            /// ID of the user who left.
            user_id: Text<'a> = "userID";
        }
    }

    /// Sent when members were removed from a group by another user.
    AfterKickGroup = "callbackAfterKickGroupCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:216-224";
        request {
            ..group_id;
            /// IDs of the members who were removed.
            kicked_user_ids: Vec<Text<'a>> = "kickedUserIDs" or_empty;
            /// Reason, as the remover wrote it.
            reason: Text<'a> = "reason";
        }
    }

    /// Sent when a group was dismissed.
    ///
    /// `membersID` has an entry for each member, however many; it is empty where the members were deleted with the
    /// group. `groupType` is a string of one character whose code is the number.
    AfterDismissGroup = "callbackAfterDisMissGroupCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:226-229";
        request {
            ..group_id;
            /// ID of the owner.
            owner_id: Text<'a> = "ownerID";
            /// Type of the group, as a character whose code is the number.
            group_type: Text<'a> = "groupType";
            /// IDs of the members.
            members_id: Vec<Text<'a>> = "membersID" or_empty;
        }
    }

    /// Sent when a user asks to join a group, whether or not it needs approval.
    ///
    /// Without approval, [`BeforeMembersJoinGroup`] follows. `groupType` is a string of one character whose code is the
    /// number.
    BeforeJoinGroup = "callbackBeforeJoinGroupCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:231-240";
        request {
            ..group_id;
            /// Type of the group, as a character whose code is the number.
            group_type: Text<'a> = "groupType";
            /// ID of the user who asks.
            apply_id: Text<'a> = "applyID";
            /// Text of the application.
            req_message: Text<'a> = "reqMessage";
            ..ex;
        }
    }

    /// Sent when a user joined a group that needs no approval. Invitations and approved applications do not send it.
    AfterJoinGroup = "callbackAfterJoinGroupCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:278-288";
        request {
            ..operation_id, group_id;
            /// Text of the application.
            req_message: Text<'a> = "reqMessage";
            /// How the user came to the group, in the server's numbers.
            join_source: i32 = "joinSource";
            /// ID of the user who joined.
            inviter_user_id: Text<'a> = "inviterUserID";
        }
    }

    /// Sent when a group got another owner.
    AfterTransferGroupOwner = "callbackAfterTransferGroupOwnerCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:242-250";
        request {
            ..group_id;
            /// ID of the owner until now.
            old_owner_user_id: Text<'a> = "oldOwnerUserID";
            /// ID of the new owner.
            new_owner_user_id: Text<'a> = "newOwnerUserID";
        }
    }

    /// Sent before users are invited to a group.
    ///
    /// All of them or none: the server cannot leave out single users here.
    BeforeInviteJoinGroup = "callbackBeforeInviteJoinGroupCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:252-276";
        request {
            ..operation_id, group_id;
            /// Reason, as the inviter wrote it.
            reason: Text<'a> = "reason";
            /// IDs of the users to be invited.
            invited_user_ids: Vec<Text<'a>> = "invitedUserIDs" or_empty;
        }
        unsettable {
            "refusedMembersAccount": Vec<String>, Ignored "the server reads it and does not use it";
        }
    }

    /// Sent before a change of a group is stored through the server's older interface.
    ///
    /// The server overwrites ID, name, introduction and picture with the answer's values; the host repeats the
    /// request's values where a plugin sets none. `notification` cannot be changed, and `operationID` is always empty.
    BeforeSetGroupInfo = "callbackBeforeSetGroupInfoCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:290-337";
        request {
            ..old_group, ex, group_rules;
        }
        echo ["groupID", "groupName", "introduction", "faceURL"]
        changes {
            ..copied_group_texts;
            ex: String = "ex" NonNull "ex";
            need_verification: i32 = "needVerification" NonNull "needVerification";
            look_member_info: i32 = "lookMemberInfo" NonNull "lookMemberInfo";
            apply_member_friend: i32 = "applyMemberFriend" NonNull "applyMemberFriend";
        }
        unsettable {
            "notification": String, Ignored "the server reads it and does not use it";
        }
    }

    /// Sent when a change of a group was stored through the server's older interface. `operationID` is always empty.
    AfterSetGroupInfo = "callbackAfterSetGroupInfoCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:339-361";
        request {
            ..old_group, changed_group_rules;
        }
    }

    /// Sent before a change of a group is stored. Members that are not changed are `null`.
    ///
    /// The server overwrites all of them but `notification` with the answer's values; the host repeats the request's
    /// values where a plugin sets none. `notification` cannot be changed, and `operationID` is always empty.
    BeforeSetGroupInfoEx = "callbackBeforeSetGroupInfoExCommand", Before, OPENIM_BEFORE, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:363-406";
        request {
            ..changed_group;
        }
        echo ["groupID", "groupName", "introduction", "faceURL", "ex", "needVerification", "lookMemberInfo", "applyMemberFriend"]
        changes {
            ..copied_group_texts;
            ex: String = "ex" Copied "ex";
            need_verification: i32 = "needVerification" Copied "needVerification";
            look_member_info: i32 = "lookMemberInfo" Copied "lookMemberInfo";
            apply_member_friend: i32 = "applyMemberFriend" Copied "applyMemberFriend";
        }
        unsettable {
            "notification": String, Ignored "the server reads it and does not use it";
        }
    }

    /// Sent when a change of a group was stored. Members that did not change are `null`, and `operationID` is always
    /// empty.
    AfterSetGroupInfoEx = "callbackAfterSetGroupInfoExCommand", After, AFTER, "group" {
        key []; source "open-im-server internal/rpc/group/callback.go:408-432";
        request {
            ..changed_group;
        }
    }
}

objects! {
    /// A first member of a new group.
    InitialMember {
        ..user_id;
        /// 100 owner, 60 administrator, 20 member.
        role_level: i32 = "roleLevel";
    }

    /// A member who is joining.
    JoiningMember {
        ..user_id, ex;
    }
}

/// What changes of a joining member; what is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MemberChange {
    /// Which member: one of the request's; the server skips others and crashes without.
    #[serde(rename = "userID")]
    pub user_id: String,
    /// Nickname in the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// Address of the picture in the group.
    #[serde(rename = "faceURL", skip_serializing_if = "Option::is_none")]
    pub face_url: Option<String>,
    /// 100 owner, 60 administrator, 20 member; not checked again.
    #[serde(rename = "roleLevel", skip_serializing_if = "Option::is_none")]
    pub role_level: Option<i32>,
    /// Until when the member is muted, in milliseconds since 1970.
    #[serde(rename = "muteEndTime", skip_serializing_if = "Option::is_none")]
    pub mute_end_time: Option<i64>,
    /// The app's own data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ex: Option<String>,
}

impl MemberChange {
    /// No change yet, for this member.
    #[must_use]
    pub fn of(user_id: impl Into<String>) -> Self {
        Self {
            user_id: user_id.into(),
            nickname: None,
            face_url: None,
            role_level: None,
            mute_end_time: None,
            ex: None,
        }
    }
}

impl NewValue for MemberChange {
    const KIND: Kind = Kind::Object(&[
        Member { name: "userID", kind: Kind::Text },
        Member { name: "nickname", kind: Kind::Optional(&Kind::Text) },
        Member { name: "faceURL", kind: Kind::Optional(&Kind::Text) },
        Member { name: "roleLevel", kind: Kind::Optional(&Kind::Int32) },
        Member { name: "muteEndTime", kind: Kind::Optional(&Kind::Int64) },
        Member { name: "ex", kind: Kind::Optional(&Kind::Text) },
    ]);

    fn into_json(self) -> Json {
        Json::infallible(&self)
    }
}
