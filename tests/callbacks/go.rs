//! OpenIM's reading side against Go itself: the same answers, decoded by `encoding/json` and applied as the server
//! applies them (`tests/fixtures/go/answers.go`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use callgate_dialects::explain::{Explanation, Outcome};
use callgate_dialects::{ChatServer, table};
use harness::go;
use plugin_sdk::catalogue::{Command, Kind, Member};
use plugin_sdk::openim;
use plugin_sdk::wire::Phase;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What Go makes of an answer.
#[derive(Debug, Deserialize)]
struct Made {
    is: String,
    code: i32,
    message: String,
    detail: String,
    changed: Option<BTreeMap<String, Change>>,
}

#[derive(Debug, Deserialize)]
struct Change {
    from: Value,
    to: Value,
}

/// One request and the answer to it.
#[derive(Debug, Clone)]
struct Pair {
    command: &'static Command,
    request: String,
    answer: Vec<u8>,
}

const MEMBERS: &str = "memberCallbackList";

/// Pairs for each command, unless `CALLGATE_PAIRS` says how many.
const PAIRS: u32 = 400;

#[test]
fn openim_reads_answers_as_go_does() {
    let Some(go) = go::program("answers") else { return };
    let more = std::env::var("CALLGATE_PAIRS").ok().and_then(|count| count.parse().ok());
    // The same pairs in every run.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let commands = openim::PROTOCOL.commands.iter().copied();
    let commands = commands.filter(|command| command.phase == Phase::Before && !command.changes.is_empty());
    let pairs: Vec<Pair> = commands
        .flat_map(|command| {
            let pair = pair(command);
            (0..more.unwrap_or(PAIRS)).map(|_| pair.new_tree(&mut runner).unwrap().current()).collect::<Vec<_>>()
        })
        .collect();
    let lines = pairs.iter().fold(String::new(), |mut lines, pair| {
        writeln!(lines, "{}\t{}\t{}", pair.command.name, hex(pair.request.as_bytes()), hex(&pair.answer)).unwrap();
        lines
    });
    let made = go(lines);
    let made: Vec<Made> = made.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(made.len(), pairs.len());
    let server = table::by_name(table::CHAT_SERVERS, "openim").unwrap();
    let wrong: Vec<String> = pairs.iter().zip(&made).filter_map(|(pair, made)| differs(server, pair, made)).collect();
    let some = wrong.iter().take(5).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(wrong.is_empty(), "{} of {} pairs:\n\n{some}", wrong.len(), pairs.len());
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// Where the reading side says something else than Go.
fn differs(server: &dyn ChatServer, pair: &Pair, made: &Made) -> Option<String> {
    let explanation = server.explain(pair.command, &pair.request, 200, &pair.answer);
    let is_broken =
        |part: &str| matches!(&explanation.outcome, Outcome::Broken { caller_sees } if caller_sees.contains(part));
    let is_right = match made.is.as_str() {
        "undecodable" => is_broken("90007"),
        "panics" => is_broken("code 500: the server's handler panics") || is_broken("maybe code 500"),
        "no content" => is_broken("1001"),
        "no group" => is_broken("the group is not found"),
        "dropped" => is_broken("success, although nothing of the group is updated"),
        "rejected" => match (made.code, &explanation.outcome) {
            (100.., outcome) => {
                let (message, detail) = (made.message.clone(), made.detail.clone());
                *outcome == Outcome::Denied { code: made.code.into(), message, detail }
            }
            (code, _) => is_broken(["success", "500"][usize::from(code != 0)]),
        },
        "goes on" => goes_on(pair.command, &explanation, made.changed.as_ref()?),
        other => panic!("an outcome {other}"),
    };
    let Pair { command, request, answer } = pair;
    let answer = answer.escape_ascii();
    (!is_right).then(|| format!("{}\nrequest {request}\nanswer {answer}\nGo: {made:?}\n{explanation:#?}", command.name))
}

fn goes_on(command: &Command, explanation: &Explanation, changed: &BTreeMap<String, Change>) -> bool {
    let value = |json: &str| serde_json::from_str::<Value>(json).unwrap();
    match &explanation.outcome {
        Outcome::GoesOn => {
            let applied: BTreeMap<&str, Value> = explanation
                .applied
                .iter()
                .map(|applied| match applied.name.as_str() {
                    MEMBERS => (MEMBERS, by_user(value(&applied.to))),
                    name => (name, value(&applied.to)),
                })
                .collect();
            let changed = changed.iter().map(|(name, change)| match name.as_str() {
                MEMBERS => (MEMBERS, by_user(members_changed(change))),
                name => (name, change.to.clone()),
            });
            applied == changed.collect()
        }
        // Something is cleared by its absence.
        Outcome::Broken { caller_sees } => command.echo.iter().any(|name| {
            caller_sees.contains(&format!("without `{name}`"))
                && changed.get(*name).is_some_and(|change| change.to == json!(null) || change.to == json!(""))
        }),
        _ => false,
    }
}

/// The members in the order of their IDs.
fn by_user(mut members: Value) -> Value {
    members.as_array_mut().unwrap().sort_by_key(|member| member["userID"].to_string());
    members
}

/// The joining members that differ afterwards, each with its ID and what differs.
fn members_changed(Change { from, to }: &Change) -> Value {
    let (from, to) = (from.as_array().unwrap(), to.as_array().unwrap());
    let pairs = from.iter().zip(to).filter(|(from, to)| from != to);
    pairs
        .map(|(from, to)| {
            let (from, to) = (from.as_object().unwrap(), to.as_object().unwrap());
            let differs = |(name, value): &(&String, &Value)| *name == "userID" || from.get(*name) != Some(value);
            to.iter().filter(differs).map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>()
        })
        .map(Value::Object)
        .collect()
}

/// A request as the server writes it, and an answer that may be anything, but mostly decodes.
fn pair(command: &'static Command) -> BoxedStrategy<Pair> {
    let members = command.changes.iter().map(|change| member(change.name, change.kind, 4));
    let common = ["actionCode", "errCode", "nextCode"].map(|name| member(name, Kind::Int32, 1));
    let texts = ["errMsg", "errDlt"].map(|name| member(name, Kind::Text, 2));
    let strange = prop::collection::vec((name("unknown"), odd()), 0..2);
    let known = members.chain(common).chain(texts).collect::<Vec<_>>();
    let echoed = prop::collection::vec(0..10, command.changes.len());
    let parts = (object(command.request), known, strange, echoed, whole());
    parts
        .prop_map(move |(mut request, known, strange, echoed, whole)| {
            // What the server never writes: an update of no group, `ex` of a profile, and, in the older update, no
            // name.
            if !command.echo.is_empty() {
                request.insert("groupID".to_owned(), "g".into());
            }
            if command.family == "user" {
                request.entry("ex").and_modify(|ex| *ex = Value::Null);
            }
            if command.name == "callbackBeforeUpdateUserInfoCommand" {
                request.values_mut().filter(|value| value.is_null()).take(2).for_each(|value| *value = "".into());
                request.insert("ex".to_owned(), Value::Null);
            }
            let mut members: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
            for (change, dice) in command.changes.iter().zip(echoed) {
                let is_echoed = command.echo.contains(&change.name) && dice < 9 || dice < 2;
                if let (true, Some(shown)) = (is_echoed, change.shown_as.and_then(|shown| request.get(shown))) {
                    members.push((quoted(change.name), shown.to_string().into_bytes()));
                }
            }
            members.extend(known.into_iter().flatten());
            members.extend(strange);
            let request = Value::Object(request).to_string();
            Pair { command, request, answer: whole(written(members)) }
        })
        .boxed()
}

type Members = Vec<(Vec<u8>, Vec<u8>)>;

/// A member of an answer: not there, once or twice.
fn member(of: &'static str, kind: Kind, weight: u32) -> BoxedStrategy<Members> {
    let once = (name(of), value(of, kind));
    prop_oneof![
        10 => Just(Vec::new()),
        weight => prop::collection::vec(once.clone(), 1),
        1 => prop::collection::vec(once, 2),
    ]
    .boxed()
}

fn written(members: Members) -> Vec<u8> {
    let members: Vec<_> = members.into_iter().map(|(name, value)| [name, value].join(&b':')).collect();
    [b"{", members.join(&b',').as_slice(), b"}"].concat()
}

fn quoted(text: &str) -> Vec<u8> {
    Value::from(text).to_string().into_bytes()
}

/// The answer as it is, or with what makes it another one.
fn whole() -> impl Strategy<Value = fn(Vec<u8>) -> Vec<u8>> {
    let around: Vec<fn(Vec<u8>) -> Vec<u8>> = vec![
        |answer| [b" \n\t\r", answer.as_slice(), b" "].concat(),
        |answer| [b"\xef\xbb\xbf", answer.as_slice()].concat(),
        |answer| [b"\x0b", answer.as_slice()].concat(),
        |answer| [answer.as_slice(), b"x"].concat(),
        |answer| [b"[", answer.as_slice(), b"]"].concat(),
        |mut answer| {
            answer.pop();
            answer
        },
        |_| b"null".to_vec(),
        |_| b"7".to_vec(),
        |_| Vec::new(),
    ];
    let plain: fn(Vec<u8>) -> Vec<u8> = |answer| answer;
    prop_oneof![30 => Just(plain), 1 => select(around)]
}

/// A name as it is, in another letter case, with the letters that Go folds and some that it does not, or escaped.
fn name(name: &'static str) -> BoxedStrategy<Vec<u8>> {
    let folded: Vec<fn(&str) -> String> = vec![
        str::to_uppercase,
        str::to_lowercase,
        |name| name.replace('s', "\u{17f}").replace('k', "\u{212a}"),
        |name| name.to_uppercase().replace('S', "\u{17f}").replace('K', "\u{212a}"),
        |name| name.replace('i', "\u{131}").replace('e', "\u{435}"),
        |name| name.replace('u', "\u{fffd}"),
        |name| format!("{name} "),
        |name| name.replacen(['a', 'e', 'i', 'o', 'u'], "", 1),
    ];
    let escaped = |name: &str| {
        let escaped: String = name.chars().map(|letter| format!("\\u{:04X}", u32::from(letter))).collect();
        format!("\"{escaped}\"").into_bytes()
    };
    prop_oneof![
        12 => Just(quoted(name)),
        2 => select(folded).prop_map(move |fold| quoted(&fold(name))),
        1 => Just(escaped(name)),
        1 => Just([b"\"\xff", name.as_bytes(), b"\\ud800\""].concat()),
    ]
    .boxed()
}

/// A value for a member of this name and type; a few are of another one.
fn value(of: &'static str, kind: Kind) -> BoxedStrategy<Vec<u8>> {
    let of_kind = if of == "msgDataList" { bytes() } else { of_kind(kind) };
    prop_oneof![30 => of_kind, 3 => Just(b"null".to_vec()), 1 => odd()].boxed()
}

fn of_kind(kind: Kind) -> BoxedStrategy<Vec<u8>> {
    match kind {
        Kind::Text => text(),
        Kind::JsonText => content(),
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 => number(),
        Kind::Bool => select(vec![b"true".to_vec(), b"false".to_vec()]).boxed(),
        Kind::Any => odd(),
        Kind::Optional(kind) => value("", *kind),
        Kind::List(kind) => {
            let list = |elements: Vec<Vec<u8>>| [b"[", elements.join(&b',').as_slice(), b"]"].concat();
            prop::collection::vec(value("", *kind), 0..4).prop_map(list).boxed()
        }
        Kind::Map(kind) => {
            prop::collection::vec((select(vec!["a", "A", "b"]).prop_flat_map(name), value("", *kind)), 0..4)
                .prop_map(written)
                .boxed()
        }
        Kind::Object(members) | Kind::Open(members) => {
            let members: Vec<_> =
                members.iter().map(|it| member(it.name, it.kind, if it.name == "userID" { 80 } else { 5 })).collect();
            (members, prop::option::of((name("stranger"), odd())))
                .prop_map(|(members, strange)| written(members.into_iter().flatten().chain(strange).collect()))
                .boxed()
        }
    }
}

/// Texts that are often the same, and such as Go reads in its own way.
fn text() -> BoxedStrategy<Vec<u8>> {
    let plain =
        select(vec!["", "a", "b", "u_1", " ", "\u{a0}\u{3000}", "\u{85}\u{b}", "\u{200b}", "é"]).prop_map(quoted);
    let odd = select(vec![
        &br#""\u0061""#[..],
        br#""\ud800""#,
        br#""\ud83d\ude00""#,
        br#""\ude00\ud83d""#,
        br#""\ud83d\u0041""#,
        br#""\ud83d\ud83d\ude00""#,
        br#""\uD83D\n""#,
        br#""\b\f\/\\\"""#,
        br#""\u0000\u00e9\u2028""#,
        b"\"\xff\"",
        b"\"\xed\xa0\x80\"",
        b"\"\xf0\x9f\x98b\"",
        b"\"\xc0\x80\xf4\x90\x80\x80\"",
        b"\"\x7f\"",
    ]);
    prop_oneof![6 => plain, 2 => odd.prop_map(<[u8]>::to_vec), 1 => any::<String>().prop_map(|text| quoted(&text))]
        .boxed()
}

fn number() -> BoxedStrategy<Vec<u8>> {
    let usual = select(vec!["0", "-0", "1", "-1", "100", "5001", "2147483647", "-2147483648"]);
    let odd = select(vec![
        "2147483648",
        "-2147483649",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999999999",
        "1.0",
        "0.0",
        "-0.0",
        "1e0",
        "0e0",
        "1E+2",
        "1e999",
        "01",
        "+1",
        "-",
        "1.",
        ".5",
        "1e",
        "0x1",
        "NaN",
    ]);
    let number = prop_oneof![30 => usual, 1 => odd];
    number.prop_map(|number| number.as_bytes().to_vec()).boxed()
}

/// The text in `content`.
fn content() -> BoxedStrategy<Vec<u8>> {
    let deep = |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels));
    let texts = [
        "{}",
        " {} ",
        "null",
        " null\n",
        "{\"content\":\"a\"}",
        "{\"a\":1e999}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":1,\"a\":2}",
        "{\"\u{fffd}\":\"\u{0}\"}",
        "",
        "plain",
        "5",
        "\"a\"",
        "[]",
        "{",
        "{} {}",
        "{'a':1}",
        "{\"a\":01}",
        "true",
        "nul",
    ];
    let texts = texts.map(str::to_owned).into_iter().chain([200, 9_999, 10_000].map(deep)).collect::<Vec<_>>();
    select(texts).prop_map(|text| quoted(&text)).boxed()
}

/// Bytes: base64 or a list.
fn bytes() -> BoxedStrategy<Vec<u8>> {
    let base64 = "[A-Za-z0-9+/]{0,9}[=\n\r_-]{0,3}";
    let list = prop::collection::vec(select(vec!["0", "255", "256", "-1", "-0", "null", "1.0", "\"1\"", "[]"]), 0..3);
    prop_oneof![
        base64.prop_map(|text| quoted(&text)),
        select(vec!["AA==", "AAA=", "AAAA", "AA\n==", "AA=\r\n=\n", "AB==", "AA==AA=="]).prop_map(quoted),
        list.prop_map(|list| format!("[{}]", list.join(",")).into_bytes()),
    ]
    .boxed()
}

/// Values of many types.
fn odd() -> BoxedStrategy<Vec<u8>> {
    let deep = |levels: usize| [vec![b'['; levels], vec![b']'; levels]].concat();
    let nested = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels)).into_bytes();
    let mut values: Vec<Vec<u8>> = [
        "5",
        "\"5\"",
        "1.5",
        "true",
        "false",
        "[]",
        "{}",
        "[null]",
        "[[]]",
        "[{}]",
        "{\"value\":\"a\"}",
        "{\"value\":1}",
        "\"\"",
        "nul",
        "\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "{\"a\":}",
        "[1,]",
        "{\"a\":1,}",
        "1e999",
        "{\"a\":[{\"b\":null}]}",
        "",
    ]
    .map(|value| value.as_bytes().to_vec())
    .into();
    // The answer itself is a level, too.
    values.extend([deep(9_999), deep(10_000), nested(9_999), nested(10_000), deep(200)]);
    select(values).boxed()
}

/// An object with all of these members, as the server writes them.
fn object(members: &'static [Member]) -> BoxedStrategy<Map<String, Value>> {
    let members: Vec<_> =
        members.iter().map(|it| shown(it.kind).prop_map(|value| (it.name.to_owned(), value))).collect();
    members.prop_map(|members| members.into_iter().collect()).boxed()
}

fn shown(kind: Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::Text => prop_oneof![
            4 => select(vec!["", "a", "b", "u_1", " ", "\u{a0}\u{3000}", "é", "\u{fffd}"]).prop_map(Value::from),
            1 => any::<String>().prop_map(Value::from),
        ]
        .boxed(),
        Kind::JsonText => Just(json!("{}")).boxed(),
        Kind::Int32 => prop_oneof![select(vec![0, 1, -1, 100]), any::<i32>()].prop_map(Value::from).boxed(),
        Kind::Int64 => prop_oneof![select(vec![0, 1, -1]), any::<i64>()].prop_map(Value::from).boxed(),
        Kind::Uint32 | Kind::Uint64 => any::<u32>().prop_map(Value::from).boxed(),
        Kind::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Any => Just(Value::Null).boxed(),
        Kind::Optional(kind) => prop_oneof![1 => Just(Value::Null), 2 => shown(*kind)].boxed(),
        Kind::List(kind) => prop::collection::vec(shown(*kind), 0..4).prop_map(Value::from).boxed(),
        Kind::Map(kind) => prop::collection::hash_map("[ab]", shown(*kind), 0..3)
            .prop_map(|map| Value::Object(map.into_iter().collect()))
            .boxed(),
        Kind::Object(members) | Kind::Open(members) => object(members).prop_map(Value::Object).boxed(),
    }
}
