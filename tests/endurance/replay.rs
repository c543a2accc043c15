//! Replay: the same build differs in nothing, a changed rule in exactly what it is about.

use std::collections::BTreeSet;

use callgate::decisions::Document;
use callgate::replay::{Case, Outcome};
use callgate_journal::{DecisionFilter, DecisionId, Page};
use harness::{Setup, TestHost, guests, setup};
use serde_json::json;

const SEND: &str = "callbackBeforeSendGroupMsgCommand";

/// Words that messages are made of. The filter has the first list, and later the last word, too.
const LISTED: [&str; 3] = ["casino", "lottery", "jackpot"];
const HARMLESS: [&str; 6] = ["hello", "meeting", "tomorrow", "photo", "thanks", "weather"];
const LATER: &str = "zeppelin";

fn filter(words: &[&str]) -> Setup {
    let settings = format!("settings = {{ action = \"deny\", words = \"{}\" }}", words.join("\\n"));
    setup()
        .tables("[journal]\n[journal.decisions]\nkeep = \"all\"\npayloads = true\nbytes_max = 4294967296")
        .limits("breaker_faults_max = 0")
        .plugin("filter-messages", guests::shipped("filter-messages"), SEND, &settings)
}

/// Message number `n`: what it says follows from the number.
fn message(n: usize) -> (String, bool, bool) {
    let mut words = vec![HARMLESS[n % HARMLESS.len()], HARMLESS[n / 7 % HARMLESS.len()]];
    let (is_listed, is_later) = (n.is_multiple_of(11), n.is_multiple_of(13));
    if is_listed {
        words.push(LISTED[n / 11 % LISTED.len()]);
    }
    if is_later {
        words.insert(n % words.len(), LATER);
    }
    let content = json!({ "content": words.join(" ") }).to_string();
    let body = json!({ "sendID": format!("u{}", n % 97), "groupID": "g9", "contentType": 101, "clientMsgID": n.to_string(),
        "content": content });
    (body.to_string(), is_listed, is_later)
}

/// What kept callbacks come to in another host.
#[derive(Default)]
struct Replayed {
    callbacks: usize,
    /// Those that differ in anything that can be seen.
    differ: BTreeSet<String>,
    /// Those that differ in the verdict.
    verdicts: BTreeSet<String>,
    fuel: usize,
}

fn replay(kept: &TestHost, host: &TestHost) -> Replayed {
    let mut replayed = Replayed::default();
    let mut reader = kept.journal();
    let mut after = None;
    loop {
        let page = Page { after, limit: 1000, newest_first: false };
        let listed = reader.decisions(&DecisionFilter::default(), page).unwrap();
        let Some(last) = listed.last() else { return replayed };
        after = Some(last.id.0);
        for DecisionId(id) in listed.iter().map(|decision| decision.id) {
            let found = reader.decision(DecisionId(id)).unwrap();
            let document = Document::from_json(&found.decision.document).unwrap();
            let body = found.decision.body.unwrap();
            let before = Outcome::of_document(&document).unwrap();
            let head = document.head.clone().unwrap();
            let facts = document.facts.iter().map(|fact| fact.found()).collect();
            let case = Case { platform: document.platform.clone(), head, body: body.clone(), facts, kept: None };
            let difference = before.differs(&host.host().replay(&case).unwrap());
            replayed.callbacks += 1;
            replayed.fuel += usize::from(difference.fuel);
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let number = body["clientMsgID"].as_str().unwrap().to_owned();
            if difference.verdict {
                replayed.verdicts.insert(number.clone());
            }
            if difference.is_visible() {
                replayed.differ.insert(number);
            }
        }
    }
}

async fn run(callbacks: usize) {
    let host = filter(&LISTED).start_with_journal().await;
    // What has the later word is found in more than one rule, or in one instead of none.
    let (mut found, mut denied) = (BTreeSet::new(), BTreeSet::new());
    for n in 0..callbacks {
        let (body, is_listed, is_later) = message(n);
        host.post(&format!("/openim/{SEND}"), body).await;
        if is_later {
            found.insert(n.to_string());
        }
        if is_later && !is_listed {
            denied.insert(n.to_string());
        }
        // None of them is dropped because too many are on their way.
        if n % 500 == 0 {
            host.host().settle_journal().await;
        }
    }
    host.host().settle_journal().await;
    assert_eq!(host.host().journal_numbers().decisions, callbacks as u64);
    assert_eq!(host.metric("callgate_plugin_faults_total", &["plugin=\"filter-messages\""]), 0.0);

    let Replayed { callbacks: replayed, differ, fuel, .. } = replay(&host, &filter(&LISTED).start());
    println!("same build: {replayed} replayed, {} differ, {fuel} differ in fuel", differ.len());
    assert_eq!((replayed, differ.len(), fuel), (callbacks, 0, 0));

    let words: Vec<&str> = LISTED.into_iter().chain([LATER]).collect();
    let Replayed { callbacks: replayed, differ, verdicts, .. } = replay(&host, &filter(&words).start());
    let (all, expected) = (verdicts.len(), denied.len());
    println!(
        "one more word: {replayed} replayed, {all} verdicts differ, {expected} were expected; {} differ",
        differ.len()
    );
    assert_eq!(verdicts, denied);
    assert_eq!(differ, found);
}

#[tokio::test]
async fn replay_of_thousands_differs_in_nothing_or_exactly_in_what_was_changed() {
    run(2000).await;
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn replay_of_100_000_differs_in_nothing_or_exactly_in_what_was_changed() {
    run(100_000).await;
}
