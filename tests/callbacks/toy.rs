//! A chat server that the host has never heard of, registered through the same table as the others: all that it takes
//! is on this page.

use std::sync::LazyLock;
use std::time::Duration;

use callgate_dialects::explain::{Explanation, Outcome};
use callgate_dialects::{
    Callback, ChatServer, Commands, Decision, Dialect, Head, Identity, Keys, Patience, Refusal, Response, Table,
};
use harness::{Answer, Setup, guests, setup};
use http::StatusCode;
use plugin_sdk::catalogue::{Answers, Change, Codes, Command, Kind, Member, People, Protocol, Rule};
use plugin_sdk::wire::Phase;
use plugin_sdk::{Object, Text};
use serde_json::{Map, Value, json};

/// The table of a host that serves nothing else.
const TABLE: &Table = &[&Toy];

/// The chat server: its entry in the table.
#[derive(Debug)]
struct Toy;

static PROTOCOL: Protocol =
    Protocol { name: "toy", title: "Toy Chat", commands: &[&SAY], aliases: &[], people: People::NOBODY };

/// Its one command.
static SAY: Command = Command {
    name: "say",
    rust_name: "Say",
    protocol: "toy",
    phase: Phase::Before,
    family: "message",
    request: &[Member { name: "text", kind: Kind::Text }],
    changes: &[Change { name: "text", kind: Kind::Text, rule: Rule::NonNull, shown_as: Some("text"), why_not: "" }],
    echo: &[],
    answers: Answers { deny: Some(Codes { fallback: 1, first: 1, last: 9 }), ..Answers::AFTER },
    key: &[],
    batch: None,
    source: "this page",
};

static COMMANDS: LazyLock<Commands> = LazyLock::new(|| Commands::of(&PROTOCOL));

impl ChatServer for Toy {
    fn protocol(&self) -> &'static Protocol {
        &PROTOCOL
    }

    fn command_member(&self) -> &'static str {
        "ask"
    }

    fn first_command(&self) -> &'static str {
        SAY.name
    }

    fn commands(&self) -> &'static Commands {
        &COMMANDS
    }

    fn patience(&self) -> Patience {
        Patience { waits: Duration::from_secs(1), default: Duration::from_secs(1), longest: Duration::from_secs(2) }
    }

    fn keys(&self) -> &'static [&'static str] {
        &["polite"]
    }

    fn configure(&self, keys: &mut dyn Keys) -> Box<dyn Dialect> {
        Box::new(ToyDialect { is_polite: keys.flag("polite", false) })
    }

    fn how_to_authenticate(&self) -> &'static str {
        "There is no way."
    }

    fn url_shape(&self, path: &str) -> String {
        format!("POST {path} with the command in `ask`")
    }

    fn why_not(&self, _: &Command, _: &Change, json: &str) -> Option<&'static str> {
        (json == "\"rude\"").then_some("it does not say that")
    }

    fn refusal(&self, _: StatusCode, text: &str) -> Map<String, Value> {
        Map::from_iter([("go".to_owned(), json!(false)), ("because".to_owned(), json!(text))])
    }

    fn explain(&self, _: &Command, _: &str, _: u16, _: &[u8]) -> Explanation {
        let (applied, without_effect, reasons) = (Vec::new(), Vec::new(), Vec::new());
        Explanation { outcome: Outcome::GoesOn, applied, without_effect, reasons }
    }
}

/// The protocol of one platform: `{"go":true}`, or why not.
#[derive(Debug)]
struct ToyDialect {
    is_polite: bool,
}

impl ToyDialect {
    fn stop(&self, status: StatusCode, because: &str) -> Response {
        let because = if self.is_polite { format!("Sorry: {because}") } else { because.to_owned() };
        Response { status, body: json!({ "go": false, "because": because }).to_string().into_bytes() }
    }
}

impl Dialect for ToyDialect {
    fn check(&self, head: &Head) -> Result<(), Refusal> {
        if head.subpath.is_empty() { head.check_json_post() } else { Err(Refusal::NoSuchPath) }
    }

    fn identify(&self, _: &Head, body: &Object<'_>) -> Result<Identity, Refusal> {
        let name = body.read::<Text<'_>>("ask").map_err(|_| Refusal::NoCommand)?.into_owned();
        let command = COMMANDS.find(&name);
        Ok(Identity { name, command, operation_id: String::new(), client_address: String::new() })
    }

    fn render(&self, _: &Callback, decision: &Decision) -> Response {
        match decision {
            Decision::Deny(denial) => self.stop(StatusCode::OK, &denial.message),
            Decision::Modify(changes) => {
                let text = changes.get("text").map_or("", |text| text.as_str());
                Response { status: StatusCode::OK, body: format!(r#"{{"go":true,"text":{text}}}"#).into_bytes() }
            }
            _ => Response { status: StatusCode::OK, body: br#"{"go":true}"#.to_vec() },
        }
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        self.stop(refusal.status(), &refusal.to_string())
    }
}

fn toy(keys: &str) -> Setup {
    setup().chat_servers(TABLE).platform(&format!("kind = \"toy\"\n{keys}"))
}

fn says(status: u16, body: Value) -> Answer {
    Answer { status: StatusCode::from_u16(status).unwrap(), body }
}

fn ask() -> String {
    json!({ "ask": "say", "text": "hello" }).to_string()
}

#[tokio::test]
async fn its_callbacks_are_allowed_and_denied() {
    let host = toy("").plugin("denies", guests::denies_on("denies", "spam"), "*", "").start();
    assert_eq!(host.post("/toy", ask()).await, says(200, json!({ "go": true })));
    let answer = host.post("/toy", ask().replace("hello", "spam")).await;
    assert_eq!(answer, says(200, json!({ "go": false, "because": "denies found it" })));
}

#[tokio::test]
async fn what_it_has_against_a_change_counts() {
    for (text, answer) in [("kind", json!({ "go": true, "text": "kind" })), ("rude", json!({ "go": true }))] {
        let reply = json!({ "verdict": "modify", "changes": { "text": text } }).to_string();
        let host = toy("").plugin("says", guests::replies("says", &reply), "*", "").start();
        assert_eq!(host.post("/toy", ask()).await, says(200, answer));
    }
}

#[tokio::test]
async fn its_own_keys_are_read() {
    let host = toy("polite = true").plugin("denies", guests::denies_on("denies", "hello"), "*", "").start();
    let answer = host.post("/toy", ask()).await;
    assert_eq!(answer, says(200, json!({ "go": false, "because": "Sorry: denies found it" })));
}

#[tokio::test]
async fn it_is_refused_in_its_own_form_and_nobody_elses() {
    let host = toy("").start();
    let answer = host.post("/toy", "{}").await;
    let because = "there is no command: name it in the path, the query or the body";
    assert_eq!(answer, says(400, json!({ "go": false, "because": because })));
    let answer = host.post("/elsewhere", ask()).await;
    let because = "nothing is served at this path";
    assert_eq!(answer, says(404, json!({ "error": because, "go": false, "because": because })));
}

#[tokio::test]
async fn a_fault_is_answered_in_its_form() {
    let host = toy("on_fault = \"deny\"").plugin("traps", guests::text("divides-by-zero"), "*", "").start();
    let body = json!({ "ask": "say", "x": 1 });
    let answer = host.post("/toy", body.to_string()).await;
    assert_eq!(answer.body["go"], json!(false), "{answer:?}");
}
