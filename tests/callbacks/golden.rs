//! Every command of both protocols: a request as the chat server writes it, and the answers that it reads.
//!
//! `fixtures/{platform}/{command}.request.json` is the request, `….modify.json` beside it the answer with changes,
//! where the command has one. Most commands share their allowing and denying answers: `fixtures/answers.json` has each
//! answer once, with the commands that it belongs to. With `CALLGATE_ACCEPT=1` the answers are written instead of
//! compared.

use std::path::PathBuf;

use harness::{TestHost, guests, setup};
use plugin_sdk::catalogue::{Command, Kind, Member, PROTOCOLS};
use plugin_sdk::object::Raw;
use plugin_sdk::wire::Phase;
use plugin_sdk::{FieldError, Object, Text};
use serde_json::{Map, Value, json};

fn commands() -> impl Iterator<Item = &'static Command> {
    PROTOCOLS.iter().flat_map(|protocol| protocol.commands).copied()
}

fn file(command: &Command, what: &str) -> PathBuf {
    let folder = command.protocol.replace('-', "_");
    guests::fixture(&format!("{folder}/{}.{what}.json", command.name))
}

fn request(command: &Command) -> String {
    std::fs::read_to_string(file(command, "request"))
        .unwrap_or_else(|error| panic!("{} has no request fixture: {error}", command.name))
}

/// Hosts whose one plugin gives this reply to every command.
struct Replies(Vec<(&'static str, TestHost)>);

impl Replies {
    fn new(verdicts: &[(&'static str, String)]) -> Self {
        let host = |(name, reply): &(&'static str, String)| {
            (*name, setup().plugin(name, guests::replies(name, reply), "*", "").start())
        };
        Self(verdicts.iter().map(host).collect())
    }

    async fn answer(&self, name: &str, command: &Command) -> Value {
        let (_, host) = self.0.iter().find(|(known, _)| *known == name).expect("a host for this reply");
        let path = match command.protocol {
            "openim" => format!("/openim/{}", command.name),
            _ => format!("/tencent-chat?SdkAppid=1400000000&CallbackCommand={}", command.name),
        };
        let answer = host.post(&path, request(command)).await;
        assert_eq!(answer.status, http::StatusCode::OK, "{}", command.name);
        answer.body
    }
}

fn compare(command: &Command, what: &str, answer: &Value) -> Option<String> {
    let file = file(command, what);
    if std::env::var_os("CALLGATE_ACCEPT").is_some() {
        std::fs::write(&file, format!("{answer:#}\n")).expect("the fixture is written");
    }
    let expected = std::fs::read_to_string(&file).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
    (expected.as_ref() != Some(answer))
        .then(|| format!("{} {what}\n  expected {}\n  answered {answer}", command.name, expected.unwrap_or_default()))
}

/// An answer in `answers.json`, and the commands that have it.
#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Shared {
    platform: String,
    verdict: String,
    answer: Value,
    commands: Vec<String>,
}

/// Answers in the order in which they first occur, each once.
#[derive(Default)]
struct Answers(Vec<Shared>);

impl Answers {
    fn file() -> PathBuf {
        guests::fixture("answers.json")
    }

    fn read() -> Self {
        let text = std::fs::read_to_string(Self::file()).expect("the table of answers");
        Self(serde_json::from_str(&text).expect("a list of answers"))
    }

    fn write(&self) {
        std::fs::write(Self::file(), format!("{:#}\n", json!(self.0))).expect("the table is written");
    }

    fn add(&mut self, command: &Command, verdict: &str, answer: Value) {
        let platform = command.protocol;
        let is_it =
            |known: &&mut Shared| known.platform == platform && known.verdict == verdict && known.answer == answer;
        match self.0.iter_mut().find(is_it) {
            Some(known) => known.commands.push(command.name.to_owned()),
            None => self.0.push(Shared {
                platform: platform.to_owned(),
                verdict: verdict.to_owned(),
                answer,
                commands: vec![command.name.to_owned()],
            }),
        }
    }

    /// All pairs of an answer and a command that has it, as text.
    fn lines(&self) -> Vec<String> {
        let of = |shared: &Shared| {
            let Shared { platform, verdict, answer, commands } = shared;
            let line = |command: &String| format!("{platform} {command} {verdict}: {answer}");
            commands.iter().map(line).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of).collect()
    }
}

#[tokio::test]
async fn each_command_is_allowed_and_denied_in_its_own_form() {
    let deny = json!({ "verdict": "deny", "code": 5001, "message": "Not here.", "detail": "rule 7" }).to_string();
    let hosts = Replies::new(&[("allow", json!({ "verdict": "allow" }).to_string()), ("deny", deny)]);
    let mut answered = Answers::default();
    for command in commands() {
        answered.add(command, "allow", hosts.answer("allow", command).await);
    }
    for command in commands().filter(|command| command.phase == Phase::Before) {
        answered.add(command, "deny", hosts.answer("deny", command).await);
    }
    if std::env::var_os("CALLGATE_ACCEPT").is_some() {
        answered.write();
    }
    let expected = Answers::read();
    let (lines, expected_lines) = (answered.lines(), expected.lines());
    let missing = expected_lines.iter().filter(|line| !lines.contains(line)).map(|line| format!("expected {line}"));
    let other = lines.iter().filter(|line| !expected_lines.contains(line)).map(|line| format!("answered {line}"));
    let wrong: Vec<String> = missing.chain(other).collect();
    assert!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong.join("\n"));
    // Each answer once, each command once for each verdict, and all in the order of the catalogue.
    assert_eq!(answered.0, expected.0, "answers.json has a command or an answer twice, or in another order");
}

#[tokio::test]
async fn each_command_that_can_be_changed_is_changed_in_its_own_form() {
    let mut wrong = Vec::new();
    for command in commands() {
        let changes: Map<String, Value> = command
            .changes
            .iter()
            .filter(|change| change.is_settable())
            .map(|change| (change.name.to_owned(), sample(change.kind)))
            .collect();
        if changes.is_empty() {
            assert!(!file(command, "modify").exists(), "{} cannot be changed", command.name);
            continue;
        }
        let reply = json!({ "verdict": "modify", "changes": changes }).to_string();
        let hosts = Replies::new(&[("modify", reply)]);
        wrong.extend(compare(command, "modify", &hosts.answer("modify", command).await));
    }
    assert!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn sample(kind: Kind) -> Value {
    match kind {
        Kind::Text | Kind::Any => json!("new"),
        Kind::JsonText => json!(json!({ "content": "new" }).to_string()),
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 => json!(7),
        Kind::Bool => json!(true),
        Kind::Optional(kind) => sample(*kind),
        Kind::List(kind) => json!([sample(*kind)]),
        Kind::Map(kind) => json!({ "new": sample(*kind) }),
        Kind::Object(members) | Kind::Open(members) => {
            members.iter().map(|member| (member.name.to_owned(), sample(member.kind))).collect::<Map<_, _>>().into()
        }
    }
}

/// Reads a member as its typed accessor does.
fn read(request: &Object<'_>, name: &'static str, kind: Kind) -> Result<(), FieldError> {
    match kind {
        Kind::Text | Kind::JsonText => request.read::<Text<'_>>(name).map(drop),
        Kind::Int32 => request.read::<i32>(name).map(drop),
        Kind::Int64 => request.read::<i64>(name).map(drop),
        Kind::Uint32 => request.read::<u32>(name).map(drop),
        Kind::Uint64 => request.read::<u64>(name).map(drop),
        Kind::Bool => request.read::<bool>(name).map(drop),
        Kind::Any | Kind::Map(_) => request.read::<Raw<'_>>(name).map(drop),
        Kind::Optional(kind) if request.has(name) => read(request, name, *kind),
        Kind::Optional(_) => Ok(()),
        Kind::List(Kind::Text) => request.read_or_empty::<Vec<Text<'_>>>(name).map(drop),
        Kind::List(Kind::Int64) => request.read_or_empty::<Vec<i64>>(name).map(drop),
        Kind::List(Kind::Object(members) | Kind::Open(members)) => {
            request.read_or_empty::<Vec<Object<'_>>>(name)?.iter().try_for_each(|object| read_all(object, members))
        }
        Kind::List(_) => request.read_or_empty::<Vec<Raw<'_>>>(name).map(drop),
        Kind::Object(members) | Kind::Open(members) => read_all(&request.read::<Object<'_>>(name)?, members),
    }
}

fn read_all(object: &Object<'_>, members: &'static [Member]) -> Result<(), FieldError> {
    members.iter().try_for_each(|member| read(object, member.name, member.kind))
}

/// The body that a plugin is given: of a batch, its first element.
fn body(command: &Command) -> Map<String, Value> {
    let request: Value = serde_json::from_str(&request(command)).expect("JSON");
    match command.batch {
        Some(list) => request[list][0].as_object().cloned(),
        None => request.as_object().cloned(),
    }
    .expect("an object")
}

#[test]
fn each_request_is_read_without_loss() {
    for command in commands() {
        let text = match command.batch {
            Some(_) => Value::Object(body(command)).to_string(),
            None => request(command),
        };
        let request = Object::parse(command.name, &text).unwrap_or_else(|error| panic!("{error}"));
        read_all(&request, command.request).unwrap_or_else(|error| panic!("{error}"));
        let written: Map<String, Value> = request
            .members()
            .map(|(name, raw)| (name.to_owned(), serde_json::from_str(raw.get()).expect("JSON")))
            .collect();
        assert_eq!(Value::Object(written), serde_json::from_str::<Value>(&text).expect("JSON"), "{}", command.name);
    }
}

/// A value that is of no type of the catalogue but `Any`.
fn wrong(kind: Kind) -> Value {
    match kind {
        Kind::Text | Kind::JsonText => json!(5),
        Kind::Optional(kind) => wrong(*kind),
        _ => json!("no number, no list, no object"),
    }
}

fn can_be_missing(kind: Kind) -> bool {
    // Of a list that OpenIM leaves out when it is empty the catalogue says no more than that it is a list.
    matches!(kind, Kind::Optional(_) | Kind::List(_))
}

fn takes_anything(kind: Kind) -> bool {
    match kind {
        Kind::Any | Kind::Map(_) => true,
        Kind::Optional(kind) => takes_anything(*kind),
        _ => false,
    }
}

#[test]
fn a_bad_member_fails_only_whoever_asks_for_it_with_its_own_name() {
    for command in commands() {
        let good = body(command);
        for (at, bad) in command.request.iter().enumerate() {
            let cases = [
                ("missing", None),
                ("null", Some(Value::Null)),
                ("of a wrong type", Some(wrong(bad.kind))),
                ("huge", Some("x".repeat(1 << 16).into())),
            ];
            for (what, value) in cases {
                let mut request = good.clone();
                match value {
                    Some(value) => request.insert(bad.name.to_owned(), value),
                    None => request.remove(bad.name),
                };
                let text = Value::Object(request).to_string();
                let request = Object::parse(command.name, &text).expect("an object");
                for (other, member) in command.request.iter().enumerate() {
                    if other != at {
                        read(&request, member.name, member.kind).unwrap_or_else(|error| panic!("{what}: {error}"));
                    }
                }
                let asked = read(&request, bad.name, bad.kind);
                let is_text = matches!(bad.kind, Kind::Text | Kind::Optional(Kind::Text));
                let is_fine = match what {
                    "missing" | "null" => can_be_missing(bad.kind) || takes_anything(bad.kind) && what == "null",
                    "huge" => is_text || takes_anything(bad.kind),
                    _ => takes_anything(bad.kind),
                };
                match asked {
                    Ok(()) => assert!(is_fine, "{}: `{}` is read although it is {what}", command.name, bad.name),
                    Err(error) => {
                        assert!(!is_fine, "{what}: {error}");
                        let text = error.to_string();
                        assert!(text.starts_with(command.name) && text.contains(bad.name), "{text}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_plugin_that_asks_for_a_bad_member_gives_the_verdict_for_faults() {
    let host = |on_fault: &str| {
        let on_fault = format!("on_fault = \"{on_fault}\"");
        setup().plugin("guard-profile", guests::shipped("guard-profile"), "*Ex*", &on_fault).start()
    };
    let command = "callbackBeforeUpdateUserInfoExCommand";
    let (open, closed) = (host("allow"), host("deny"));
    let bad = json!({ "userID": "u", "nickName": 5, "faceURL": null, "ex": null });
    assert_eq!(open.openim(command, &bad).await["nextCode"], 0);
    assert_eq!(closed.openim(command, &bad).await["nextCode"], 1);
    assert_eq!(closed.metric("callgate_plugin_faults_total", &["fault=\"undecided\""]), 1.0);
    // It never asks for `ex`, nor for the user's ID.
    let unasked = json!({ "userID": 5, "nickName": "a", "faceURL": null, "ex": [] });
    assert_eq!(closed.openim(command, &unasked).await["nextCode"], 0);
}

#[test]
fn a_module_holds_nothing_of_the_commands_that_it_does_not_name() {
    let module = std::fs::read(guests::shipped("guard-profile")).expect("the module");
    let holds = |name: &str| module.windows(name.len()).any(|window| window == name.as_bytes());
    for command in commands() {
        let own = command.name == "callbackBeforeUpdateUserInfoExCommand";
        assert_eq!(holds(command.name), own, "{}", command.name);
    }
}
