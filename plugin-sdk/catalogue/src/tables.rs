//! Where chat servers are registered: one line in each table that applies.
//!
//! Each part of the neutral view has its own table, so that a module that uses one part contains only the rows of that
//! part.

use crate::neutral::{GroupNames, JoinNames, MessageNames, ProfileNames, RelationNames, Row};
use crate::protocol::Protocol;
use crate::{openim, tencent_chat};

/// The protocols of all chat servers.
pub const PROTOCOLS: &[&Protocol] = &[&openim::PROTOCOL, &tencent_chat::PROTOCOL];

/// Messages in the neutral view.
pub const MESSAGES: &[&[Row<MessageNames>]] = &[openim::neutral::MESSAGES, tencent_chat::neutral::MESSAGES];

/// Changes of users' profiles in the neutral view.
pub const PROFILES: &[&[Row<ProfileNames>]] = &[openim::neutral::PROFILES, tencent_chat::neutral::PROFILES];

/// Changes of groups' profiles in the neutral view.
pub const GROUPS: &[&[Row<GroupNames>]] = &[openim::neutral::GROUPS, tencent_chat::neutral::GROUPS];

/// Users who join groups in the neutral view.
pub const JOINS: &[&[Row<JoinNames>]] = &[openim::neutral::JOINS, tencent_chat::neutral::JOINS];

/// Changes between users in the neutral view.
pub const RELATIONS: &[&[Row<RelationNames>]] = &[openim::neutral::RELATIONS, tencent_chat::neutral::RELATIONS];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::neutral::{Creator, Pairs, ProfileValue, Receiver, Users};

    fn assert_has(command: &Command, name: &str) {
        assert!(command.request.iter().any(|member| member.name == name), "{}: {name}", command.name);
    }

    #[test]
    fn every_command_names_its_protocol() {
        for protocol in PROTOCOLS {
            assert!(protocol.commands.iter().all(|command| command.protocol == protocol.name), "{protocol:?}");
        }
    }

    #[test]
    fn every_name_in_the_tables_is_one_of_the_command() {
        for Row { command, names } in MESSAGES.iter().copied().flatten() {
            assert_has(command, names.actor);
            match names.target {
                Receiver::User(name) | Receiver::Group(name) => assert_has(command, name),
                Receiver::UserOrGroup(user, group) => [user, group].iter().for_each(|name| assert_has(command, name)),
                Receiver::Unknown => {}
            }
            let name = names.content.name;
            assert_has(command, name);
            assert!(command.changes.is_empty() || command.change(name).is_some(), "{}", command.name);
        }
        for Row { command, names } in PROFILES.iter().copied().flatten() {
            assert_has(command, names.target);
            [names.actor, names.group].iter().flatten().for_each(|name| assert_has(command, name));
            for value in [&names.nickname, &names.picture] {
                match value {
                    ProfileValue::Member(name) | ProfileValue::Tagged { list: name, .. } => assert_has(command, name),
                    ProfileValue::Absent => {}
                }
            }
        }
        for Row { command, names } in GROUPS.iter().copied().flatten() {
            let GroupNames { is_new: _, actor, target, name, introduction, notification, picture } = names;
            let actor = &match actor {
                Creator::Unknown => None,
                Creator::Member(name) | Creator::WithRole { list: name, .. } => Some(*name),
            };
            let all = [actor, target, name, introduction, notification, picture];
            all.into_iter().flatten().for_each(|name| assert_has(command, name));
            // What the command has of the others is there.
            let optional = ["introduction", "Introduction", "notification", "Notification", "faceURL", "FaceUrl"];
            let has = |name: &&&str| command.request.iter().any(|member| member.name == **name);
            let shown = [introduction, notification, picture].into_iter().flatten().count();
            assert_eq!(optional.iter().filter(has).count(), shown, "{}", command.name);
        }
        for Row { command, names } in JOINS.iter().copied().flatten() {
            let (Users::One(name) | Users::Ids(name) | Users::Objects(name, _)) = names.users;
            assert_has(command, name);
            assert_has(command, names.target);
            names.actor.iter().for_each(|name| assert_has(command, name));
        }
        for Row { command, names } in RELATIONS.iter().copied().flatten() {
            match names.pairs {
                Pairs::One(one, other) | Pairs::ToIds(one, other) | Pairs::ToMany(one, other, _) => {
                    assert_has(command, one);
                    assert_has(command, other);
                }
                Pairs::Many(list, ..) => assert_has(command, list),
            }
        }
    }
}
