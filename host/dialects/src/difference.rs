//! What of two decisions about the same callback differs.

use callgate_catalogue::Changes;

use crate::decision::Decision;
use crate::same::is_same;

/// What of two decisions differs: the first of these that does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// What happens to the operation.
    Verdict,
    /// The code of a denial.
    Code,
    /// A text that users or developers read.
    Text,
    /// The users that are refused.
    Users,
    /// The changes: their members, or a value.
    Changes,
}

impl Decision {
    /// How `other` differs; `None`: a chat server does the same on both. Values are compared as JSON, whatever their
    /// spelling.
    ///
    /// ```
    /// use callgate_dialects::{Decision, Denial, Difference};
    /// let deny = |code| Decision::Deny(Denial { code, message: String::new(), detail: String::new() });
    /// assert_eq!(deny(5001).difference(&deny(5001)), None);
    /// assert_eq!(deny(5001).difference(&deny(5002)), Some(Difference::Code));
    /// assert_eq!(deny(5001).difference(&Decision::Allow), Some(Difference::Verdict));
    /// ```
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<Difference> {
        let if_not = |is_same: bool, difference| (!is_same).then_some(difference);
        match (self, other) {
            (Self::Allow, Self::Allow) | (Self::Drop, Self::Drop) => None,
            (Self::Deny(one), Self::Deny(other)) if one.code != other.code => Some(Difference::Code),
            (Self::Deny(one), Self::Deny(other)) => if_not(one == other, Difference::Text),
            (Self::Reply(one), Self::Reply(other)) => if_not(one == other, Difference::Text),
            (Self::Modify(one), Self::Modify(other)) => if_not(are_same(one, other), Difference::Changes),
            (Self::RefuseSome(one), Self::RefuseSome(other)) => {
                let sorted = |users: &[String]| {
                    let mut users = users.to_vec();
                    users.sort_unstable();
                    users.dedup();
                    users
                };
                if_not(sorted(one) == sorted(other), Difference::Users)
            }
            (Self::PerUser(one), Self::PerUser(other)) => if_not(one == other, Difference::Users),
            (
                Self::Allow
                | Self::Deny(_)
                | Self::Modify(_)
                | Self::Drop
                | Self::RefuseSome(_)
                | Self::PerUser(_)
                | Self::Reply(_),
                _,
            ) => Some(Difference::Verdict),
        }
    }
}

/// Whether both change the same members to the same values.
fn are_same(one: &Changes, other: &Changes) -> bool {
    one.iter().count() == other.iter().count()
        && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| is_same(value.as_str(), other.as_str())))
}

#[cfg(test)]
mod tests {
    use callgate_catalogue::Json;
    use callgate_catalogue::wire::UserResult;

    use super::*;
    use crate::decision::Denial;

    fn changes(members: &[(&'static str, &str)]) -> Decision {
        let mut changes = Changes::default();
        for (name, json) in members {
            changes.set(*name, Json::from_text((*json).to_owned()));
        }
        Decision::Modify(changes)
    }

    #[test]
    fn each_kind_of_difference_has_its_name() {
        let deny = |code, message: &str, detail: &str| {
            Decision::Deny(Denial { code, message: message.to_owned(), detail: detail.to_owned() })
        };
        let users = |users: &[&str]| Decision::RefuseSome(users.iter().map(|user| (*user).to_owned()).collect());
        let per_user =
            |code| Decision::PerUser(vec![UserResult { user: "u".to_owned(), code, message: String::new() }]);
        let reply = |text: &str| Decision::Reply(text.to_owned());
        let all =
            [Decision::Allow, deny(1, "", ""), changes(&[("a", "1")]), Decision::Drop, users(&["u"]), per_user(1)];
        for (number, one) in all.iter().enumerate() {
            for (other_number, other) in all.iter().enumerate() {
                let difference = (number != other_number).then_some(Difference::Verdict);
                assert_eq!(one.difference(other), difference, "{one:?} {other:?}");
            }
        }
        for (one, other, difference) in [
            (deny(1, "a", ""), deny(2, "b", ""), Some(Difference::Code)),
            (deny(1, "a", ""), deny(1, "b", ""), Some(Difference::Text)),
            (deny(1, "a", "x"), deny(1, "a", ""), Some(Difference::Text)),
            (reply("a"), reply("b"), Some(Difference::Text)),
            (users(&["a", "b"]), users(&["b", "a", "a"]), None),
            (users(&["a"]), users(&["b"]), Some(Difference::Users)),
            (per_user(1), per_user(2), Some(Difference::Users)),
            (changes(&[("a", "[1, 2]"), ("b", "\"x\"")]), changes(&[("b", "\"\\u0078\""), ("a", "[1,2]")]), None),
            (changes(&[("a", "1")]), changes(&[("a", "2")]), Some(Difference::Changes)),
            (changes(&[("a", "1")]), changes(&[("a", "1"), ("b", "1")]), Some(Difference::Changes)),
            (changes(&[("a", "1")]), changes(&[("b", "1")]), Some(Difference::Changes)),
        ] {
            assert_eq!(one.difference(&other), difference, "{one:?} {other:?}");
            assert_eq!(other.difference(&one), difference, "{other:?} {one:?}");
        }
    }
}
