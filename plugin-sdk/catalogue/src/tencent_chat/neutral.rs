//! Tencent Cloud Chat's rows of the neutral view.

use crate::command::Command;
use crate::events::Event as _;
use crate::neutral::{
    Content, CustomText, GroupNames, JoinNames, MessageNames, Pairs, Path, Place, ProfileNames, ProfileValue,
    RelationChange, RelationNames, Row, Target, Users, Visit,
};
use crate::object::{FieldError, Object, Raw};
use crate::shown::{How, Walk};
use crate::verdict::Json;

use super::{c2c, group, profile, relationship};

pub(crate) const MESSAGES: &[Row<MessageNames>] = &[
    message(c2c::C2cBeforeSendMsg::COMMAND, Target::User("To_Account")),
    message(group::GroupBeforeSendMsg::COMMAND, Target::Group("GroupId")),
    message(c2c::C2cAfterSendMsg::COMMAND, Target::User("To_Account")),
    message(group::GroupAfterSendMsg::COMMAND, Target::Group("GroupId")),
];

const fn message(command: &'static Command, target: Target<&'static str>) -> Row<MessageNames> {
    let content = Content { name: "MsgBody", visit };
    Row::new(command, MessageNames { actor: "From_Account", target, mentions: Some("GroupAtInfo"), content })
}

/// The member beside the elements that holds the app's own data, for example what a message answers.
const CLOUD_CUSTOM_DATA: &str = "CloudCustomData";

fn visit(
    body: &Object<'_>,
    name: &'static str,
    custom: &CustomText,
    visit: &mut Visit<'_>,
) -> Result<Vec<(&'static str, Json)>, FieldError> {
    let elems = body.read::<Raw<'_>>(name)?;
    // A broken element shows nothing, and the others are shown.
    body.read::<Vec<Raw<'_>>>(name)?;
    let (root, cloud) = (Path::root(name), Path::root(CLOUD_CUSTOM_DATA));
    let mut changes = Vec::new();
    if let Some(new) = Walk::new(shown_member, custom, visit).json(elems, &root).filter(|new| Json::is_json(new)) {
        changes.push((name, Json::from_text(new)));
    }
    if let Some(data) = body.raw(CLOUD_CUSTOM_DATA).and_then(Raw::unescaped)
        && let Some(new) = Walk::new(shown_member, custom, visit).content(&data, How::Custom, &cloud)
    {
        changes.push((CLOUD_CUSTOM_DATA, Json::text(&new)));
    }
    Ok(changes)
}

/// The members that clients show: those of the elements on Tencent's page about message formats, document 1047/33527,
/// and of merged messages (`TIMRelayElem`) as Tencent's SDKs read them.
fn shown_member(name: &[u8]) -> How {
    match name {
        b"text" | b"markdown" => How::Text(Place::Text),
        b"title" | b"abstractlist" => How::Text(Place::Merged),
        b"compatibletext" => How::Text(Place::Text),
        b"desc" => How::Text(Place::Description),
        b"filename" => How::Text(Place::File),
        b"data" | b"ext" => How::Custom,
        b"msglist" => How::Holds(Place::Merged),
        _ => How::Hidden,
    }
}

pub(crate) const PROFILES: &[Row<ProfileNames>] = &[Row::new(
    profile::ProfilePortraitSet::COMMAND,
    ProfileNames {
        actor: "Operator_Account",
        target: "From_Account",
        nickname: tagged("Tag_Profile_IM_Nick"),
        picture: tagged("Tag_Profile_IM_Image"),
    },
)];

const fn tagged(wanted: &'static str) -> ProfileValue {
    ProfileValue::Tagged { list: "ProfileItem", tag: "Tag", wanted, value: "Value" }
}

pub(crate) const GROUPS: &[Row<GroupNames>] = &[Row::new(
    group::GroupAfterInfoChanged::COMMAND,
    GroupNames {
        actor: Some("Operator_Account"),
        target: "GroupId",
        name: "Name",
        introduction: "Introduction",
        notification: "Notification",
        picture: "FaceUrl",
    },
)];

pub(crate) const JOINS: &[Row<JoinNames>] = &[
    join(group::GroupBeforeApplyJoinGroup::COMMAND, "Requestor_Account", Users::One("Requestor_Account")),
    join(
        group::GroupBeforeInviteJoinGroup::COMMAND,
        "Operator_Account",
        Users::Objects("DestinationMembers", "Member_Account"),
    ),
    join(
        group::GroupAfterNewMemberJoin::COMMAND,
        "Operator_Account",
        Users::Objects("NewMemberList", "Member_Account"),
    ),
];

const fn join(command: &'static Command, actor: &'static str, users: Users) -> Row<JoinNames> {
    Row::new(command, JoinNames { actor: Some(actor), target: "GroupId", users })
}

pub(crate) const RELATIONS: &[Row<RelationNames>] = &[
    Row::new(
        relationship::SnsPrevFriendAdd::COMMAND,
        RelationNames {
            change: RelationChange::FriendRequest,
            pairs: Pairs::ToMany("From_Account", "FriendItem", "To_Account"),
        },
    ),
    relation(relationship::SnsFriendAdd::COMMAND, RelationChange::FriendAdded),
    relation(relationship::SnsFriendDelete::COMMAND, RelationChange::FriendRemoved),
    relation(relationship::SnsBlackListAdd::COMMAND, RelationChange::Blocked),
    relation(relationship::SnsBlackListDelete::COMMAND, RelationChange::Unblocked),
];

const fn relation(command: &'static Command, change: RelationChange) -> Row<RelationNames> {
    Row::new(command, RelationNames { change, pairs: Pairs::Many("PairList", "From_Account", "To_Account") })
}
