//! Both protocols whole: every command of the catalogue, and any reply that a plugin can give.

use callgate::Settings;
use callgate_dialects::explain::Outcome;
use callgate_dialects::{Callback, Decision, OnFault, Trouble};
use harness::judge;
use plugin_sdk::catalogue::{Command, Kind, Member, PROTOCOLS};
use plugin_sdk::wire::Phase;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

fn commands() -> impl Iterator<Item = &'static Command> {
    PROTOCOLS.iter().flat_map(|protocol| protocol.commands).copied()
}

fn settings() -> Settings {
    let toml = "[[platform]]\nkind = \"openim\"\n[[platform]]\nkind = \"tencent-chat\"\n[[platform.app]]\nid = 1\n";
    Settings::parse(std::path::Path::new("host.toml"), toml).expect("the settings are right")
}

#[test]
fn the_catalogue_has_every_command_once() {
    let count = |name: &str| PROTOCOLS.iter().find(|protocol| protocol.name == name).map(|known| known.commands.len());
    assert_eq!((count("openim"), count("tencent-chat")), (Some(52), Some(83)));
    for platform in PROTOCOLS {
        let mut names: Vec<_> = platform.commands.iter().map(|command| command.name).collect();
        names.extend(platform.aliases.iter().map(|(alias, _)| *alias));
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all, "a name stands twice");
        for (alias, today) in platform.aliases {
            let known = platform.commands.iter().any(|command| command.name == *today);
            assert!(known || today.is_empty(), "{alias} stands for {today}, which is no command");
        }
    }
}

#[test]
fn what_the_catalogue_says_of_a_command_fits_together() {
    for command in commands() {
        let has = |name: &str| command.request.iter().any(|member| member.name == name);
        for change in command.changes {
            assert!(change.shown_as.is_none_or(has), "{}: {:?}", command.name, change.shown_as);
            assert_eq!(change.is_settable(), change.why_not.is_empty(), "{}: {}", command.name, change.name);
        }
        for echo in command.echo {
            assert!(has(echo) && command.change(echo).is_some(), "{}: {echo}", command.name);
        }
        if let Some((list, _)) = command.answers.per_user {
            assert!(has(list), "{}: {list}", command.name);
        }
        for key in command.key {
            assert!(has(key), "{}: key {key}", command.name);
        }
        assert_eq!(command.phase == Phase::Before, command.answers.deny.is_some(), "{}", command.name);
    }
}

/// A value of a type, as the chat server may write it.
fn value(kind: Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::Text => text().prop_map(Value::from).boxed(),
        Kind::JsonText => text().prop_map(|text| json!({ "content": text }).to_string().into()).boxed(),
        Kind::Int32 => any::<i32>().prop_map(Value::from).boxed(),
        Kind::Int64 => any::<i64>().prop_map(Value::from).boxed(),
        Kind::Uint32 => any::<u32>().prop_map(Value::from).boxed(),
        Kind::Uint64 => any::<u64>().prop_map(Value::from).boxed(),
        Kind::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Any => anything(),
        Kind::Optional(kind) => prop_oneof![Just(Value::Null), value(*kind), value(*kind)].boxed(),
        Kind::List(kind) => prop::collection::vec(value(*kind), 0..3).prop_map(Value::from).boxed(),
        Kind::Map(kind) => prop::collection::hash_map(text(), value(*kind), 0..3)
            .prop_map(|map| Value::Object(map.into_iter().collect()))
            .boxed(),
        Kind::Object(members) | Kind::Open(members) => object(members),
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,8}", Just("u_1".to_owned()), "\\PC{0,8}", Just("\u{0}\"\\\u{2028}".to_owned())]
}

fn object(members: &'static [Member]) -> BoxedStrategy<Value> {
    let members: Vec<_> =
        members.iter().map(|member| value(member.kind).prop_map(|value| (member.name, value))).collect();
    members
        .prop_map(|members| {
            Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
        })
        .boxed()
}

fn anything() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(text(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
    .boxed()
}

/// A request of the command; OpenIM's documentation wraps some values.
fn request(command: &'static Command) -> impl Strategy<Value = Value> {
    (object(command.request), any::<u32>()).prop_map(move |(mut request, dice)| {
        if let (Some(members), "openim", true) = (request.as_object_mut(), command.protocol, dice % 4 == 0) {
            for value in members.values_mut().filter(|value| value.is_string() || value.is_number()) {
                *value = json!({ "value": value.take() });
            }
        }
        request
    })
}

/// A reply of any plugin: mostly of the right form, with names and values that are right, wrong, or hostile.
fn reply(command: &'static Command) -> impl Strategy<Value = Value> {
    let changes: Vec<BoxedStrategy<Option<(String, Value)>>> = command
        .changes
        .iter()
        .map(|change| {
            let name = change.name.to_owned();
            let value = prop_oneof![4 => value(change.kind), 1 => anything(), 1 => with_strangers(change.kind)];
            prop::option::of(value.prop_map(move |value| (name.clone(), value))).boxed()
        })
        .collect();
    let strange = prop::collection::vec((strange_name(), anything()), 0..3);
    let changes = (changes, strange)
        .prop_map(|(known, strange)| Value::Object(known.into_iter().flatten().chain(strange).collect::<Map<_, _>>()));
    let users = users(command);
    let results = prop::collection::vec((users.clone(), any::<i32>(), text()), 0..3).prop_map(|results| {
        let result = |(user, code, message): (String, i32, String)| json!({ "user": user, "code": code % 50_000, "message": message });
        results.into_iter().map(result).collect::<Value>()
    });
    let verdict =
        prop::sample::select(vec!["allow", "deny", "modify", "drop", "refuse_some", "per_user", "reply", "fail"]);
    let code = prop::option::of(prop_oneof![any::<i32>(), 4990..5010_i32, 119_990..130_010_i32, 0..3_i32]);
    (verdict, code, text(), text(), changes, prop::collection::vec(users, 0..3), results, text()).prop_map(
        |(verdict, code, message, detail, changes, refused, results, reply)| {
            json!({
                "verdict": verdict, "code": code, "message": message, "detail": detail, "changes": changes,
                "refused": refused, "results": results, "reply": reply,
            })
        },
    )
}

/// Names of members that the server matches without regard to case, or does not know.
fn strange_name() -> impl Strategy<Value = String> {
    prop_oneof![text(), Just("ERRCODE".to_owned()), Just("actionCode".to_owned()), Just("nextcode".to_owned())]
}

/// A value of a type with members that it does not have, and one that differs from a known one in case only.
fn with_strangers(kind: Kind) -> BoxedStrategy<Value> {
    (value(kind), anything())
        .prop_map(|(mut value, strange)| {
            let objects = match &mut value {
                Value::Array(list) => list.iter_mut().collect(),
                other => vec![other],
            };
            for object in objects.into_iter().filter_map(Value::as_object_mut) {
                object.insert("USERID".to_owned(), strange.clone());
                object.insert("Stranger".to_owned(), strange.clone());
            }
            value
        })
        .boxed()
}

fn users(_: &Command) -> BoxedStrategy<String> {
    "[ab]".boxed()
}

/// Holds one answer against the reading side.
fn check(command: &'static Command, settings: &Settings, request: &Value, reply: &Value, on_fault: OnFault) {
    let platform = settings
        .platforms
        .iter()
        .find(|platform| platform.server.protocol().name == command.protocol)
        .expect("both are there");
    judge::hold(platform, command, &request.to_string(), reply.to_string().as_bytes(), on_fault);
}

#[test]
fn no_reply_of_any_plugin_makes_an_answer_that_the_server_misreads() {
    let settings = settings();
    for command in commands() {
        // The same cases in every run; a failure shows the smallest.
        let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(
            config,
            proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
        );
        let on_fault = prop_oneof![Just(OnFault::Allow), Just(OnFault::Deny)];
        let result = runner.run(&(request(command), reply(command), on_fault), |(request, reply, on_fault)| {
            check(command, &settings, &request, &reply, on_fault);
            Ok(())
        });
        if let Err(error) = result {
            panic!("{error}");
        }
    }
}

#[test]
fn no_fault_makes_an_answer_that_the_server_misreads() {
    let settings = settings();
    for command in commands() {
        for on_fault in [OnFault::Allow, OnFault::Deny] {
            let verdict = Decision::without_verdict(Trouble::Busy, on_fault, command);
            let platform =
                settings.platforms.iter().find(|platform| platform.server.protocol().name == command.protocol).unwrap();
            // A request of which nothing is known: no member at all.
            let callback = Callback::local(command, "{}").unwrap();
            let answer = platform.dialect.render(&callback, &verdict);
            let explanation = platform.server.explain(command, "{}", answer.status.as_u16(), &answer.body);
            let broken = matches!(explanation.outcome, Outcome::Broken { .. });
            assert!(!broken, "{}: {explanation:#?}", command.name);
        }
    }
}
