//! The files of a new plugin: templates with placeholders for the plugin, the command and its members.

use callgate_catalogue::catalogue::{Command, Kind, Member};
use callgate_catalogue::wire::Phase;

use super::sample;

/// What the files depend on.
pub(super) struct Template<'a> {
    /// The crate's name.
    pub name: &'a str,
    /// The command that it decides.
    pub command: &'static Command,
    /// The sdk, as a value in Cargo.toml.
    pub sdk: &'a str,
    /// Whether an enclosing workspace includes the crate.
    pub in_workspace: bool,
}

/// What the decision looks at.
#[derive(Clone, Copy)]
enum Subject {
    /// Text that a user writes, which may contain a listed word.
    Prose(&'static Member),
    /// The ID of a user, group or similar, which may be listed.
    Id(&'static Member),
    /// The whole JSON, which may contain a listed word: no member is text.
    Body,
}

impl Template<'_> {
    /// The paths of the files in the crate's folder, and their contents.
    pub(super) fn files(&self) -> Vec<(String, String)> {
        let decision = match self.command.phase {
            Phase::Before => include_str!("crate/before.rs.txt"),
            Phase::After => include_str!("crate/after.rs.txt"),
        };
        let alone = if self.in_workspace { "" } else { include_str!("crate/alone.toml.txt") };
        let file = |path: &str, text: &str| (path.to_owned(), self.fill(text));
        vec![
            file("Cargo.toml", &format!("{}{alone}", include_str!("crate/cargo.toml.txt"))),
            file(".cargo/config.toml", include_str!("crate/config.toml.txt")),
            file(".gitignore", "/target\n"),
            file("README.md", include_str!("crate/readme.md.txt")),
            file("src/lib.rs", decision),
            file("callbacks/settings.toml", "{{list}} = [\"{{listed}}\"]\n"),
            (format!("callbacks/{}.request.json", self.case()), format!("{:#}\n", sample::request(self.command))),
        ]
    }

    fn fill(&self, text: &str) -> String {
        // Only the values that are filled in first may contain placeholders.
        self.pieces()
            .iter()
            .fold(text.to_owned(), |text, (place, piece)| text.replace(&format!("{{{{{place}}}}}"), piece))
    }

    fn pieces(&self) -> Vec<(&'static str, String)> {
        let subject = self.subject();
        let module = self.command.protocol.replace('-', "_");
        // First the values that contain placeholders of the others.
        let mut pieces: Vec<(&str, String)> = match subject {
            Subject::Id(_) => vec![
                ("sdk_items", "Callback, Error, Plugin, Reply".to_owned()),
                ("how", "is one of the listed IDs".to_owned()),
                ("kept", "settings.ids".to_owned()),
                ("is_blank", "String::is_empty".to_owned()),
                ("is_listed", "self.ids.iter().any(|id| *id == {{subject}})".to_owned()),
                ("compared", "compared byte for byte".to_owned()),
                ("another", "{{listed}}".to_owned()),
            ],
            Subject::Prose(_) | Subject::Body => vec![
                ("sdk_items", "Callback, Error, Plugin, Reply, text".to_owned()),
                ("how", "holds one of the listed words".to_owned()),
                ("kept", "settings.words.iter().map(|word| text::fold(word)).collect()".to_owned()),
                ("is_blank", "|word| text::is_blank(word)".to_owned()),
                ("is_listed", "self.words.iter().any(|word| folded.contains(word))".to_owned()),
                ("compared", "compared in any letter case".to_owned()),
                ("another", "Buy SPAM now".to_owned()),
            ],
        };
        pieces.extend(match subject {
            Subject::Body => vec![
                ("where", "the request".to_owned()),
                ("member", "note".to_owned()),
                ("read", "let body = callback.body();\n        let folded = text::fold(body);".to_owned()),
                ("value", "body".to_owned()),
            ],
            Subject::Prose(member) | Subject::Id(member) => {
                let or_empty = if matches!(member.kind, Kind::Optional(_)) { ".unwrap_or_default()" } else { "" };
                let read = format!("let {{{{subject}}}} = event.{}()?{or_empty};", accessor(member.name));
                let folded = match subject {
                    Subject::Prose(_) => "\n        let folded = text::fold(&{{subject}});",
                    Subject::Id(_) | Subject::Body => "",
                };
                vec![
                    ("where", format!("`{}`", member.name)),
                    ("member", member.name.to_owned()),
                    ("read", read + folded),
                    ("value", "{{subject}}: &{{subject}}".to_owned()),
                ]
            }
        });
        let (list, entry, listed) = match subject {
            Subject::Id(_) => ("ids", "id", "user-2"),
            Subject::Prose(_) | Subject::Body => ("words", "word", "spam"),
        };
        let event = self.command.rust_name;
        let (guard, end) = match (subject, self.command.phase) {
            (Subject::Body, Phase::After) => ("if !callback.is::<{{event}}>() {", ""),
            _ => ("let Some(event) = callback.event::<{{event}}>()? else {", ";"),
        };
        pieces.extend([("guard", guard.to_owned()), ("end", end.to_owned())]);
        pieces.extend([
            ("list", list.to_owned()),
            ("entry", entry.to_owned()),
            ("listed", listed.to_owned()),
            (
                "subject",
                match subject {
                    Subject::Prose(member) | Subject::Id(member) => accessor(member.name),
                    Subject::Body => "body".to_owned(),
                },
            ),
            ("name", self.name.to_owned()),
            ("type", self.type_name()),
            ("event", event.to_owned()),
            ("module", module.to_owned()),
            ("platform", self.command.protocol.to_owned()),
            ("command", self.command.name.to_owned()),
            ("code", self.command.answers.deny.map_or(0, |codes| codes.first).to_string()),
            ("case", self.case()),
            ("element", self.command.batch.map(|list| format!("[\"{list}\"][0].clone()")).unwrap_or_default()),
            ("sdk", self.sdk.to_owned()),
        ]);
        pieces
    }

    /// The first member that users write, else the first that identifies someone, else any text.
    fn subject(&self) -> Subject {
        let is_text = |member: &&Member| matches!(member.kind, Kind::Text | Kind::Optional(Kind::Text));
        let texts = || self.command.request.iter().filter(is_text).filter(|member| is_regular(member.name));
        let ends = |member: &&Member, ends: &[&str]| {
            let name = member.name.to_lowercase();
            ends.iter().any(|end| name.ends_with(end))
        };
        if let Some(member) = PROSE.iter().find_map(|name| texts().find(|member| member.name == *name)) {
            return Subject::Prose(member);
        }
        let user = texts().find(|member| ends(member, &["account", "userid", "sendid", "ownerid"]));
        user.or_else(|| texts().next()).map_or(Subject::Body, Subject::Id)
    }

    /// The event's name in lower case with dashes.
    fn case(&self) -> String {
        snake(self.command.rust_name).replace('_', "-")
    }

    /// `tame-requests` becomes `TameRequests`.
    fn type_name(&self) -> String {
        let words = self.name.split(['-', '_']).filter(|word| !word.is_empty());
        let name: String = words
            .map(|word| {
                let mut letters = word.chars();
                letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
            })
            .collect();
        // It must differ from the names that the file imports or that Rust's prelude has.
        if IMPORTED.contains(&name.as_str()) || name == self.command.rust_name { name + "Plugin" } else { name }
    }
}

/// Members that contain what a user writes, the most relevant first.
const PROSE: [&str; 24] = [
    "reqMsg",
    "reqMessage",
    "HandleMsg",
    "content",
    "remark",
    "nickName",
    "nickname",
    "groupName",
    "AddWording",
    "Remark",
    "Name",
    "RoomName",
    "GroupName",
    "TagName",
    "NameCard",
    "introduction",
    "Introduction",
    "notification",
    "Notification",
    "reason",
    "Reason",
    "title",
    "desc",
    "Data",
];

/// Names that are already in use in the file.
const IMPORTED: [&str; 21] = [
    "Callback",
    "Error",
    "Plugin",
    "Reply",
    "Settings",
    "Record",
    "Deserialize",
    "Serialize",
    "Value",
    "TestPlugin",
    "Self",
    "String",
    "Vec",
    "Option",
    "Some",
    "None",
    "Ok",
    "Err",
    "Result",
    "Box",
    "Default",
];

/// Members whose method is not the member's name in snake case: `Type` is a keyword, and a few begin differently.
fn is_regular(name: &str) -> bool {
    name != "Type" && !name.starts_with("iOS")
}

/// The event's method for a member.
fn accessor(name: &str) -> String {
    snake(&name.replace('_', ""))
}

/// `userID` becomes `user_id`, `BeforeAddFriend` becomes `before_add_friend`.
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut text = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| letters.get(before));
        let starts = before.is_some_and(|before| !before.is_ascii_uppercase())
            || letters.get(index + 1).is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase() && index > 0 && starts {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_the_sdk_writes_them() {
        let names = ["userID", "faceURL", "From_Account", "reqMsg", "clientMsgID", "CoverURL"].map(accessor);
        assert_eq!(names, ["user_id", "face_url", "from_account", "req_msg", "client_msg_id", "cover_url"]);
        assert_eq!(snake("C2cBeforeSendMsg"), "c2c_before_send_msg");
    }

    #[test]
    fn every_command_has_a_plugin_without_gaps() {
        for command in callgate_dialects::table::CHAT_SERVERS.iter().flat_map(|server| server.protocol().commands) {
            let template = Template { name: "a-plugin", command, sdk: "{ path = \"sdk\" }", in_workspace: false };
            for (path, text) in template.files() {
                assert!(!text.contains("{{"), "{}: {path}: {text}", command.name);
            }
        }
    }

    #[test]
    fn a_type_has_a_name_of_its_own() {
        let type_name = |name| {
            let command = crate::run::request::find(None, "BeforeAddFriend").unwrap();
            Template { name, command, sdk: "", in_workspace: false }.type_name()
        };
        assert_eq!(type_name("tame-requests"), "TameRequests");
        assert_eq!(type_name("before_add-friend"), "BeforeAddFriendPlugin");
        assert_eq!(type_name("record"), "RecordPlugin");
    }
}
