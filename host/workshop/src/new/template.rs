//! The files of a new plugin: templates with placeholders for the plugin, the command and its members.

use callgate_catalogue::catalogue::{Command, Kind, Member};
use callgate_catalogue::tables;
use callgate_catalogue::wire::Phase;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

use serde_json::json;

use super::sample;

/// The inputs of the templates.
pub(super) struct Template<'a> {
    /// The crate's name.
    pub name: &'a str,
    /// The command that it decides.
    pub command: &'static Command,
    /// The sdk, as a value in Cargo.toml.
    pub sdk: &'a str,
    /// Whether an enclosing workspace includes the crate.
    pub in_workspace: bool,
    /// Whether the decision depends on a fact.
    pub facts: bool,
}

/// The acting user of a command.
pub(super) struct User {
    /// The event's method for the ID.
    method: String,
    is_optional: bool,
    /// The ID in the sample.
    id: String,
}

/// The member that the decision examines.
#[derive(Clone, Copy)]
enum Subject {
    /// Text that a user writes, which may contain a listed word.
    Prose(&'static Member),
    /// What a message says, which may contain a listed word; the member that holds it.
    Message(&'static str),
    /// The ID of a user, group or similar, which may be listed.
    Id(&'static Member),
    /// The whole JSON, which may contain a listed word, because no member is text.
    Body,
}

impl Template<'_> {
    /// Paths inside the crate's folder, and the contents of the files.
    ///
    /// # Errors
    /// If a template uses an unknown placeholder, which a test rules out.
    pub(super) fn files(&self) -> Result<Vec<(String, String)>, minijinja::Error> {
        let decision = match self.command.phase {
            _ if self.facts => include_str!("crate/facts.rs.txt"),
            Phase::Before => include_str!("crate/before.rs.txt"),
            Phase::After => include_str!("crate/after.rs.txt"),
        };
        let settings = match self.facts {
            true => "count_max = 20\n",
            false => "{{list}} = [\"{{listed}}\"]\n",
        };
        let texts = [
            ("Cargo.toml", include_str!("crate/cargo.toml.txt")),
            (".cargo/config.toml", include_str!("crate/config.toml.txt")),
            (".gitignore", "/target\n"),
            ("README.md", include_str!("crate/readme.md.txt")),
            ("src/lib.rs", decision),
            ("callbacks/settings.toml", settings),
        ];
        let (engine, values) = (engine()?, self.values());
        let mut files = texts
            .into_iter()
            .map(|(path, text)| Ok((path.to_owned(), engine.render_str(text, &values)?)))
            .collect::<Result<Vec<_>, minijinja::Error>>()?;
        files.push((
            format!("callbacks/{}.request.json", self.case()),
            format!("{:#}\n", sample::request(self.command)),
        ));
        if let Some(user) = self.user().filter(|_| self.facts) {
            let facts = json!({ "count": { user.id: 3 } });
            files.push((format!("callbacks/{}{}", self.case(), crate::facts::END), format!("{facts:#}\n")));
        }
        Ok(files)
    }

    /// The acting user of the command, and of its sample; `None` if it names none.
    pub(super) fn user(&self) -> Option<User> {
        let server = callgate_dialects::table::by_name(callgate_dialects::table::CHAT_SERVERS, self.command.protocol)?;
        let people = &server.protocol().people;
        let exception = people.exceptions.iter().find(|(name, ..)| *name == self.command.name);
        let actors = exception.map_or(people.actors, |(_, actors, _)| *actors);
        let is_text = |member: &&Member| matches!(member.kind, Kind::Text | Kind::Optional(Kind::Text));
        let sample = sample::request(self.command);
        actors.iter().find_map(|actor| {
            let member = self.command.request.iter().filter(is_text).find(|member| member.name == *actor)?;
            let id = sample.get(member.name)?.as_str().filter(|id| !id.is_empty())?.to_owned();
            Some(User { method: accessor(member.name), is_optional: matches!(member.kind, Kind::Optional(_)), id })
        })
    }

    /// The values of the placeholders.
    fn values(&self) -> Value {
        let subject = self.subject();
        let (condition, compared, list, entry, listed) = match subject {
            Subject::Id(_) => ("is one of the listed IDs", "compared byte for byte", "ids", "id", "user-2"),
            Subject::Prose(_) | Subject::Message(_) | Subject::Body => {
                ("holds one of the listed words", "compared in any letter case", "words", "word", "spam")
            }
        };
        let (part, member, variable) = match subject {
            Subject::Prose(member) | Subject::Id(member) => {
                (format!("`{}`", member.name), member.name, accessor(member.name))
            }
            Subject::Message(member) => ("a text of the message".to_owned(), member, String::new()),
            Subject::Body => ("the request".to_owned(), "note", "body".to_owned()),
        };
        let user = self.user();
        let written = match subject {
            Subject::Id(_) => "\"user-2\".into()",
            Subject::Prose(_) | Subject::Body => "\"Buy SPAM now\".into()",
            Subject::Message(member) => says_spam(self.command, member),
        };
        context! {
            name => self.name,
            type => self.type_name(),
            sdk => self.sdk,
            in_workspace => self.in_workspace,
            platform => self.command.protocol,
            module => self.command.protocol.replace('-', "_"),
            command => self.command.name,
            event => self.command.rust_name,
            case => self.case(),
            code => self.command.answers.deny.map_or(0, |codes| codes.first),
            element => self.command.batch.map(|list| format!("[\"{list}\"][0].clone()")).unwrap_or_default(),
            is_id => matches!(subject, Subject::Id(_)),
            is_message => matches!(subject, Subject::Message(_)),
            is_body => matches!(subject, Subject::Body),
            is_optional => matches!(
                subject,
                Subject::Prose(Member { kind: Kind::Optional(_), .. }) | Subject::Id(Member { kind: Kind::Optional(_), .. })
            ),
            facts => self.facts,
            user => format!("{:?}", user.as_ref().map_or("", |user| &user.id)),
            user_method => user.as_ref().map_or("", |user| &user.method),
            user_is_optional => user.as_ref().is_some_and(|user| user.is_optional),
            part, member, subject => variable, condition, compared, list, entry, listed, written,
        }
    }

    /// What a message says; else the first member that users write, else the first that identifies someone, else any
    /// text.
    fn subject(&self) -> Subject {
        let mut messages = tables::MESSAGES.iter().copied().flatten();
        if self.command.phase == Phase::Before
            && let Some(row) = messages.find(|row| row.command == self.command)
        {
            return Subject::Message(row.names.content.name);
        }
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

/// Inserts values unescaped. A missing value is an error.
fn engine() -> Result<Environment<'static>, minijinja::Error> {
    let mut engine = Environment::new();
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    // A line that contains only a condition is removed.
    let whitespace =
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?;
    engine.set_syntax(whitespace);
    Ok(engine)
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

/// A value, in Rust, that makes a message say a listed word, for the member that holds its content.
fn says_spam(command: &Command, member: &str) -> &'static str {
    let is_text = command.request.iter().any(|known| known.name == member && known.kind == Kind::Text);
    match is_text {
        true => r#"json!({ "content": "Buy SPAM now" }).to_string().into()"#,
        false => r#"json!([{ "MsgType": "TIMTextElem", "MsgContent": { "Text": "Buy SPAM now" } }])"#,
    }
}

/// Names that are already in use in the file.
const IMPORTED: [&str; 25] = [
    "Callback",
    "Needs",
    "Why",
    "Message",
    "Verdict",
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
            for facts in [false, true] {
                let template =
                    Template { name: "a-plugin", command, sdk: "{ path = \"sdk\" }", in_workspace: false, facts };
                for (path, text) in template.files().unwrap() {
                    assert!(!text.contains("{{") && !text.contains("{%"), "{}: {path}: {text}", command.name);
                }
            }
        }
    }

    #[test]
    fn a_type_has_a_name_of_its_own() {
        let type_name = |name| {
            let command = crate::run::request::find(None, "BeforeAddFriend").unwrap();
            Template { name, command, sdk: "", in_workspace: false, facts: false }.type_name()
        };
        assert_eq!(type_name("tame-requests"), "TameRequests");
        assert_eq!(type_name("before_add-friend"), "BeforeAddFriendPlugin");
        assert_eq!(type_name("record"), "RecordPlugin");
    }
}
