//! Holds an answer against the reading side: what the real chat server makes of it must be what the plugin meant.

use callgate::settings::Platform;
use callgate_dialects::explain::{Applied, Explanation, Outcome};
use callgate_dialects::{Callback, Decision, OnFault, Response, Trouble, admit};
use plugin_sdk::catalogue::{Command, Kind};
use plugin_sdk::wire::{Phase, Reply, UserResult};
use serde_json::{Value, json};

/// Takes a plugin's reply to a request the way that the host takes it, and panics if the chat server would misread the
/// answer. The request is a JSON object; the reply may be any bytes.
pub fn hold(platform: &Platform, command: &'static Command, request: &str, reply: &[u8], on_fault: OnFault) {
    let decision = decision(platform, command, request, reply)
        .unwrap_or_else(|| Decision::without_verdict(Trouble::Unchecked, on_fault, command));
    let callback = Callback::local(command, request.to_owned()).expect("the request is an object");
    let answer = platform.dialect.render(&callback, &decision);
    let explanation = platform.server.explain(command, request, answer.status.as_u16(), &answer.body);
    let case = Case { command, request, reply, decision: &decision, answer: &answer, explanation: &explanation };
    case.judge();
}

/// What the reply says, if it can be understood.
fn decision(platform: &Platform, command: &Command, request: &str, reply: &[u8]) -> Option<Decision> {
    let reply: Reply<'_> = serde_json::from_str(std::str::from_utf8(reply).ok()?).ok()?;
    admit(platform.server, command, request, &reply).ok().map(|(decision, _)| decision)
}

/// One decision on its way to the chat server, and what becomes of it there.
struct Case<'c> {
    command: &'static Command,
    request: &'c str,
    reply: &'c [u8],
    decision: &'c Decision,
    answer: &'c Response,
    explanation: &'c Explanation,
}

impl Case<'_> {
    fn judge(&self) {
        let Self { command, decision, explanation, .. } = self;
        // Changes of members go by their IDs: the server skips those who do not join.
        let is_lost = |name: &str| name != MEMBERS && !matches!(decision, Decision::RefuseSome(_));
        let all_count = !explanation.without_effect.iter().any(|(name, _)| is_lost(name));
        self.expect(all_count, "all of the answer has an effect");
        if command.phase == Phase::After {
            return self.expect(explanation.outcome == Outcome::AlreadyDone, "nothing happens after the fact");
        }
        let goes_on = explanation.outcome == Outcome::GoesOn;
        match decision {
            Decision::Allow => {
                let is_nothing = |applied: &Applied| applied.name == "RspData" && applied.to == "\"\"";
                self.expect(goes_on && explanation.applied.iter().all(is_nothing), "it goes on, unchanged");
            }
            Decision::Deny(denial) => {
                let is_denied = matches!(&explanation.outcome, Outcome::Denied { code, message, .. }
                    if *code == i64::from(denial.code) && *message == denial.message);
                self.expect(is_denied || self.asks_for_nobody(), "it is denied, with this code and message");
            }
            Decision::Modify(_) => {
                self.expect(goes_on, "it goes on");
                self.judge_changes();
            }
            Decision::Drop => self.expect(explanation.outcome == Outcome::Dropped, "it is dropped"),
            Decision::RefuseSome(users) => {
                let are_refused = |name: &&str| self.applied(name) == Some(json!(users));
                self.expect(goes_on && command.answers.refused.iter().all(are_refused), "it goes on without them");
            }
            Decision::PerUser(results) => self.judge_results(results),
            Decision::Reply(text) => self.expect(self.applied("RspData") == Some(json!(text)), "the text is handed on"),
        }
    }

    /// What is applied was asked for, and what was asked for is applied or there already.
    fn judge_changes(&self) {
        let Decision::Modify(changes) = self.decision else { return };
        let request = value(self.request);
        for applied in &self.explanation.applied {
            let is_wanted = changes.get(&applied.name).is_some_and(|wanted| {
                let effective = effective(&applied.name, value(wanted.as_str()), &request);
                is_same(&effective, &applied.to)
            });
            self.expect(is_wanted, &format!("`{}` was asked for", applied.name));
        }
        for (name, wanted) in changes.iter() {
            let wanted = value(wanted.as_str());
            if name == MEMBERS && effective(name, wanted.clone(), &request) == json!([]) {
                continue;
            }
            let is_shown = self.command.change(name).is_some_and(|change| {
                let mut shown = change.shown_as.into_iter().flat_map(|shown| readings(&request, shown));
                shown.any(|shown| is_alike(change.kind, shown, &wanted) || shown["value"] == wanted)
            });
            self.expect(self.applied(name).is_some() || is_shown, &format!("`{name}` is changed"));
        }
    }

    /// Those who are asked about and whose first result refuses are refused, and nobody else.
    fn judge_results(&self, results: &[UserResult]) {
        let request = value(self.request);
        let (list, user) = self.command.answers.per_user.expect("the command has a result for each user");
        let items = request[list].as_array().map(Vec::as_slice).unwrap_or_default();
        let asked: Vec<&str> = items.iter().filter_map(|item| item[user].as_str()).collect();
        let is_refused = |name: &&&str| results.iter().find(|it| it.user == **name).is_some_and(|it| it.code != 0);
        let refused: Vec<Value> = asked.iter().filter(is_refused).map(|name| json!(name)).collect();
        let applied = self.explanation.applied.iter().filter(|applied| applied.name == "ResultItem");
        let applied: Vec<Value> = applied.map(|applied| value(&applied.to)).collect();
        self.expect(applied == refused, "each user has the result of the plugin");
        let is_denied = matches!(self.explanation.outcome, Outcome::Denied { .. });
        let all = !asked.is_empty() && refused.len() == asked.len();
        self.expect(is_denied == all && (all || self.explanation.outcome == Outcome::GoesOn), "the rest goes on");
    }

    fn applied(&self, name: &str) -> Option<Value> {
        let applied = self.explanation.applied.iter().find(|applied| applied.name == name)?;
        Some(value(&applied.to))
    }

    /// Whether each user needs a result, and the request does not tell who they are: then nobody can be refused.
    fn asks_for_nobody(&self) -> bool {
        let Some((list, user)) = self.command.answers.per_user else { return false };
        let request = value(self.request);
        let users = request[list].as_array().map(Vec::as_slice).unwrap_or_default();
        users.is_empty() || users.iter().any(|item| !item[user].is_string())
    }

    fn expect(&self, is_right: bool, what: &str) {
        let Self { command, request, decision, explanation, .. } = self;
        let [reply, answer] = [self.reply, &self.answer.body].map(String::from_utf8_lossy);
        let name = command.name;
        assert!(
            is_right,
            "{name}: {what}\nrequest {request}\nreply {reply}\n{decision:?}\nanswer {answer}\n{explanation:#?}"
        );
    }
}

/// The change of OpenIM that lists members who join.
const MEMBERS: &str = "memberCallbackList";

/// What a change comes to: of the list of members, what changes for each one who joins.
fn effective(name: &str, change: Value, request: &Value) -> Value {
    if name != MEMBERS || !change.is_array() {
        return change;
    }
    let joining = request["memberList"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut changed: Vec<serde_json::Map<String, Value>> = Vec::new();
    for element in change.as_array().into_iter().flatten().filter_map(Value::as_object) {
        let is_same = |other: &Value| *other == element["userID"];
        let set =
            element.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), value.clone()));
        if let Some(known) = changed.iter_mut().find(|known| is_same(&known["userID"])) {
            known.extend(set);
        } else if joining.iter().any(|member| is_same(&member["userID"])) {
            changed.push(set.collect());
        }
    }
    for set in &mut changed {
        let shown = joining.iter().rev().find(|member| member["userID"] == set["userID"]).map(|member| &member["ex"]);
        set.retain(|name, value| name != "ex" || Some(&*value) != shown);
    }
    changed.into_iter().filter(|set| set.len() > 1).map(Value::Object).collect()
}

/// Whether a value is shown as it was written, or as serde_json writes it. A number of very many digits is rounded
/// then, and rounded once more when it is read again.
fn is_same(written: &Value, shown: &str) -> bool {
    let once = written.to_string();
    *written == value(shown) || once.as_str() == shown
}

/// Whether both are the same to a server that knows the members of this kind: others are skipped, and what is missing
/// is blank.
fn is_alike(kind: Kind, one: &Value, other: &Value) -> bool {
    let is_blank = |value: &Value| [Value::Null, json!(""), json!(0), json!(false)].contains(value);
    match (kind, one, other) {
        (Kind::Optional(kind), _, _) => is_alike(*kind, one, other),
        (Kind::List(kind), Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_alike(*kind, one, other))
        }
        (Kind::Object(members) | Kind::Open(members), Value::Object(_), Value::Object(_)) => {
            members.iter().all(|member| {
                let readings = |of| match readings(of, member.name).collect::<Vec<_>>() {
                    none if none.is_empty() => vec![&Value::Null],
                    some => some,
                };
                let (one, other) = (readings(one), readings(other));
                one.iter().any(|one| other.iter().any(|other| is_alike(member.kind, one, other)))
            })
        }
        _ => one == other || is_blank(one) && is_blank(other),
    }
}

/// The members that a server in Go may read under this name: it ignores the case of letters. Of several it reads the
/// last one that was written, which can no longer be told here.
fn readings<'v>(object: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    // Two signs have letters of ASCII as their lower case in Go.
    let fold = |text: &str| text.replace('\u{17f}', "s").replace('\u{212a}', "k").to_lowercase();
    let name = fold(name);
    object.as_object().into_iter().flatten().filter(move |(other, _)| fold(other) == name).map(|(_, value)| value)
}

fn value(json: &str) -> Value {
    let mut value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
    without_negative_zeros(&mut value);
    value
}

/// serde_json reads -0 as a fraction; to readers of integers it is 0.
fn without_negative_zeros(value: &mut Value) {
    match value {
        Value::Number(number) if number.as_f64().is_some_and(|number| number == 0.0 && number.is_sign_negative()) => {
            *value = json!(0);
        }
        Value::Array(elements) => elements.iter_mut().for_each(without_negative_zeros),
        Value::Object(members) => members.values_mut().for_each(without_negative_zeros),
        _ => {}
    }
}
