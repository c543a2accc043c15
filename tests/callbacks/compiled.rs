//! A plugin replies in the sandbox what it replies natively. The sdk has code that only modules have, vector
//! instructions and texts that are not checked to be UTF-8 again, and no unit test runs it.

use std::cell::Cell;
use std::path::Path;

use callgate::Settings;
use callgate_sandbox::{Engine, Plugin};
use filter_messages::FilterMessages;
use guard_profile::GuardProfile;
use harness::guests;
use plugin_sdk::events::Event;
use plugin_sdk::export::{configured, decided};
use plugin_sdk::openim::{BeforeMsgModify, BeforeUpdateUserInfoEx};
use plugin_sdk::wire::EnvelopeHead;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Texts of all lengths around those at which searches change their way, of what ends texts, hides it, or looks like
/// it.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[a-zA-Z ]{0,20}",
        2 => "[a-z]{50,150}",
        // Letters of two bytes, which vectors mark, among their alphabets' signs and digits.
        2 => "[à-ÿĀ-žΑ-ωа-яёء-ْ٠-٩ٱ-ۿa-z ]{0,60}",
        2 => prop::sample::select(vec!["\"", "\\", "{", "}", "[", "]", ",", ":", "\n", "\t", "\u{0}", "\\\"", "\"}"])
            .prop_map(str::to_owned),
        2 => prop::sample::select(vec!["é", "免费", "Ａ", "\u{200b}", "\u{3000}", "👩\u{200d}🚀", "support", "free", "f r e e", "спам", "الكلب", "ﺍﻟﻜﻠﺐ", "göt"])
            .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text can be written")
}

fn value() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        4 => text().prop_map(|text| quoted(&text)),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => prop::sample::select(vec!["null", "true", "-1.5e3"]).prop_map(str::to_owned),
    ];
    scalar.prop_recursive(3, 12, 4, |inner| {
        let member = (text(), inner.clone()).prop_map(|(name, value)| format!("{}: {value}", quoted(&name)));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|values| format!("[{}]", values.join(" ,"))),
            prop::collection::vec(member, 0..4).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

/// The members that both plugins look at, in any order and number, among others.
fn body() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        2 => prop::sample::select(vec!["nickName", "faceURL", "content", "ex", "\\u0065x"]).prop_map(|name| format!("\"{name}\"")),
        1 => text().prop_map(|name| quoted(&name)),
    ];
    let value = prop_oneof![
        3 => value(),
        1 => text().prop_map(|text| quoted(&format!("http://{text}"))),
        2 => value().prop_map(|value| quoted(&format!("{{\"content\":{value}}}"))),
    ];
    let space = prop::sample::select(vec!["", "", "", " ", "\n\t\r "]);
    let member =
        (name, value, space).prop_map(|(name, value, space)| format!("{space}{name}{space}:{space}{value}{space}"));
    prop::collection::vec(member, 0..8).prop_map(|members| format!("{{{}}}", members.join(",")))
}

/// Holds a plugin in the sandbox against the same one compiled for this machine.
fn compare<'a, P: plugin_sdk::Plugin, E: Event<'a>>(name: &str, settings: &str) {
    let toml = "[limits]\nfuel_per_ms = 1_000_000_000_000\n[[platform]]\nkind = \"openim\"\n";
    let limits = Settings::parse(Path::new("host.toml"), toml).expect("settings without mistakes").limits;
    let engine = Engine::new(&limits.engine).expect("an engine");
    let module = std::fs::read(guests::shipped(name)).expect("a module");
    let sandboxed = Plugin::load(&engine, name, &module, None, settings, &limits.plugin).expect("a plugin");
    let native = configured::<P>(&format!("{{\"settings\":{settings}}}")).unwrap_or_else(|error| panic!("{error}"));
    let mut runner = TestRunner::new_with_rng(
        Config { cases: 2000, failure_persistence: None, ..Config::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let (allowed, other) = (Cell::new(0), Cell::new(0));
    let result = runner.run(&(body(), text(), text()), |(body, operation_id, parameter)| {
        let head = EnvelopeHead {
            platform: E::COMMAND.protocol,
            command: E::COMMAND.name,
            phase: E::COMMAND.phase,
            operation_id: &operation_id,
            arrived_unix_ms: 1_700_000_000_000,
            client_address: "",
            query: &[("contenttype".to_owned(), parameter)],
        };
        let head = head.before_body();
        let expected =
            String::from_utf8(decided(&native, &[&head, &*body, "}"].concat(), &[])).expect("a reply in UTF-8");
        let budget = sandboxed.budget(&engine, limits.plugin.call_within);
        let (reply, _) =
            sandboxed.call(&[&head, &body, "}"], budget, |reply| String::from_utf8_lossy(reply).into_owned());
        prop_assert_eq!(reply.map_err(|fault| fault.to_string()), Ok(expected.clone()));
        let counter = if expected.contains("\"allow\"") { &allowed } else { &other };
        counter.set(counter.get() + 1);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let (allowed, other) = (allowed.get(), other.get());
    assert!(allowed > 100 && other > 100, "{allowed} were allowed and {other} not: that compares little");
}

#[test]
fn a_plugin_that_reads_members_replies_alike() {
    compare::<GuardProfile, BeforeUpdateUserInfoEx<'_>>("guard-profile", "{}");
}

#[test]
fn a_plugin_that_searches_texts_replies_alike() {
    let settings = r#"{"words":["free","免费","спам","كلب","göt"],"action":"mask"}"#;
    compare::<FilterMessages, BeforeMsgModify<'_>>("filter-messages", settings);
}
