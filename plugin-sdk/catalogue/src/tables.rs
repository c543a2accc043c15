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
    use crate::neutral::{Pairs, ProfileValue, Target, Users};

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
            if let Target::User(name) | Target::Group(name) = names.target {
                assert_has(command, name);
            }
            let name = names.content.name;
            assert_has(command, name);
            assert!(command.changes.is_empty() || command.change(name).is_some(), "{}", command.name);
        }
        for Row { command, names } in PROFILES.iter().copied().flatten() {
            assert_has(command, names.actor);
            assert_has(command, names.target);
            let values = [&names.nickname, &names.picture];
            for ProfileValue::Member(name) | ProfileValue::Tagged { list: name, .. } in values {
                assert_has(command, name);
            }
        }
        for Row { command, names } in GROUPS.iter().copied().flatten() {
            for name in [names.target, names.name, names.introduction, names.notification, names.picture] {
                assert_has(command, name);
            }
            names.actor.iter().for_each(|name| assert_has(command, name));
        }
        for Row { command, names } in JOINS.iter().copied().flatten() {
            let (Users::One(name) | Users::Ids(name) | Users::Objects(name, _)) = names.users;
            assert_has(command, name);
            assert_has(command, names.target);
            names.actor.iter().for_each(|name| assert_has(command, name));
        }
        for Row { command, names } in RELATIONS.iter().copied().flatten() {
            match names.pairs {
                Pairs::One(one, other) | Pairs::ToMany(one, other, _) => {
                    assert_has(command, one);
                    assert_has(command, other);
                }
                Pairs::Many(list, ..) => assert_has(command, list),
            }
        }
    }
}
