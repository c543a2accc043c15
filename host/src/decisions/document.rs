//! The document of a decision, stored as JSON: the request, what each plugin replied, and the answer.

use bytes::Bytes;
use callgate_catalogue::catalogue::Named;
use callgate_catalogue::line::one_line;
use callgate_catalogue::wire::Why;
use callgate_dialects::{Decision, KeptHead};
use callgate_facts::Answer;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::decided::{Decided, PAYLOAD_BYTES_MAX, Policy, RefusedRequest};
use super::redact::Redaction;
use crate::chain::{Found, Step};

/// A decision and why it was made.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Document {
    /// When the callback arrived, in milliseconds since 1970-01-01 UTC.
    pub arrived_unix_ms: u64,
    /// The platform's name in the settings.
    pub platform: String,
    /// The kind of its chat server.
    pub kind: String,
    /// The command; empty if the request was refused before it was known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub command: String,
    /// The chat server's tracing ID, or the one that was made here.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub operation_id: String,
    /// The generation of settings and plugins that decided.
    pub generation: u64,
    /// Who acted, as `log_users` says.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub actor: String,
    /// On whom or what, as `log_users` says.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// The decision: one of [`Decision::NAMES`], or `refused` for a request that was not accepted.
    pub verdict: String,
    /// The code of a denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// The text that the user sees.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The detail for the app's developers: usually the rule.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Whose word the decision is: a plugin, `on_fault:` and a plugin, or `on_overload`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub decided_by: String,
    /// The name of the first fault.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fault: String,
    /// Why the request was refused: the name, and the sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<(String, String)>,
    /// The answer's HTTP status.
    pub status: u16,
    /// From the request's head to the decision, in microseconds.
    pub took_us: u64,
    /// The calls that were made, in order.
    pub plugins: Vec<Call>,
    /// The facts that plugins needed; without keys and texts unless payloads are stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<StoredFact>,
    /// How many records the plugins returned.
    pub records: usize,
    /// The length of the body, in bytes.
    pub body_bytes: usize,
    /// Whether something was taken out of body and answer: then it cannot be replayed exactly.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_redacted: bool,
    /// What plugins received besides the body, if payloads are stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<KeptHead>,
    /// The beginning of a body that is not JSON, if payloads are stored.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub body_text: String,
    /// The answer, if payloads are stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Box<RawValue>>,
    /// The records, if payloads are stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept_records: Vec<Box<RawValue>>,
}

/// One call of a plugin.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Call {
    /// Its name in the settings.
    pub name: String,
    /// The SHA-256 of its module.
    pub sha256: String,
    /// Its verdict; empty after a fault.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub verdict: String,
    /// How it failed: the name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fault: String,
    /// How it failed, in a sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fault_text: String,
    /// Fuel burnt.
    pub fuel: u64,
    /// How long the call took, in microseconds.
    pub took_us: u64,
    /// What it asked for and the chat server cannot do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<String>,
    /// What it logged, if payloads are stored: level and text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<(String, String)>,
}

/// A fact as it was when a callback was decided.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StoredFact {
    /// Its name in the settings.
    pub fact: String,
    /// The key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The value; `None`: there was none, or values are not stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Box<RawValue>>,
    /// Why there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// Its age, in milliseconds.
    pub age_ms: u64,
}

impl StoredFact {
    /// With key and value.
    pub(crate) fn exactly(found: &Found) -> Self {
        Self::of(found, &mut Redaction::new(&[]))
    }

    /// Without the key and texts, which may be personal data.
    fn without_texts(found: &Found) -> Self {
        let mut fact = Self::exactly(found);
        fact.key = String::new();
        fact.value = fact.value.filter(|value| !value.get().contains(['"', '[', '{']));
        fact
    }

    fn of(found: &Found, redaction: &mut Redaction<'_>) -> Self {
        let Answer { value, age_ms } = &found.answer;
        Self {
            fact: found.fact.clone(),
            key: redaction.text(&found.key),
            value: value.as_ref().ok().and_then(|value| redaction.json(value)),
            why: value.as_ref().err().copied(),
            age_ms: *age_ms,
        }
    }

    /// With key and value.
    #[must_use]
    pub fn found(&self) -> Found {
        let value = match (&self.value, self.why) {
            (Some(value), _) => Ok(value.get().into()),
            (None, why) => Err(why.unwrap_or(Why::Absent)),
        };
        Found::stored(self.fact.clone(), self.key.clone(), Answer { value, age_ms: self.age_ms })
    }
}

/// The verdict of a request that was not accepted.
pub const REFUSED: &str = "refused";

/// Maximum length of the beginning of a body that is no JSON, in bytes.
const BODY_TEXT_BYTES_MAX: usize = 512;

impl Document {
    /// The document of a decision about a callback, and the body that is stored with it.
    pub(crate) fn of(decided: &Decided, people: &Named, policy: &Policy) -> (Self, Option<Bytes>) {
        let Decided { callback, run, response, .. } = decided;
        let mut redaction = Redaction::new(&policy.redact);
        // A replay needs both.
        let payload_bytes = callback.body().len() + run.facts.iter().map(|known| known.bytes()).sum::<usize>();
        let keeps_payload = policy.payloads && payload_bytes <= PAYLOAD_BYTES_MAX;
        // First, because it finds out which texts must not be shown elsewhere.
        let body = match keeps_payload {
            true if policy.redact.is_empty() => Some(callback.body_bytes()),
            true => redaction.json(callback.body()).map(|body| Bytes::from(String::from(Box::<str>::from(body)))),
            false => {
                redaction.note_in(callback.body());
                None
            }
        };
        let answer = if keeps_payload {
            std::str::from_utf8(&response.body).ok().and_then(|answer| redaction.json(answer))
        } else {
            None
        };
        let kept_records = match keeps_payload {
            true => decided.records.iter().filter_map(|record| redaction.json(&record.data)).collect(),
            false => Vec::new(),
        };
        let facts = match keeps_payload {
            true => run
                .facts
                .iter()
                .flat_map(|known| known.found())
                .map(|fact| StoredFact::of(fact, &mut redaction))
                .collect(),
            false => run.facts.iter().flat_map(|known| known.found()).map(StoredFact::without_texts).collect(),
        };
        let (code, message, detail) = match &run.decision {
            Decision::Deny(denial) => (Some(denial.code), denial.message.as_str(), denial.detail.as_str()),
            _ => (None, "", ""),
        };
        let fault = run.steps.iter().find_map(|step| step.fault.as_ref()).or(run.fault.as_ref());
        let document = Self {
            arrived_unix_ms: callback.arrived_unix_ms(),
            platform: decided.platform.clone(),
            kind: decided.protocol.name.to_owned(),
            command: one_line(callback.name()),
            operation_id: one_line(&decided.operation_id),
            generation: decided.generation,
            actor: people.actor.clone(),
            target: people.target.clone(),
            verdict: run.decision.name().to_owned(),
            code,
            message: redaction.text(message),
            detail: redaction.text(detail),
            decided_by: run.decided_by.clone(),
            fault: fault.map(|fault| fault.name().to_owned()).unwrap_or_default(),
            refusal: None,
            status: response.status.as_u16(),
            took_us: micros(decided.took),
            plugins: run.steps.iter().map(|step| Call::of(step, decided, policy, &redaction)).collect(),
            facts,
            records: decided.records.len(),
            body_bytes: callback.body().len(),
            is_redacted: redaction.has_changed(),
            head: body.is_some().then(|| callback.kept_head()),
            body_text: String::new(),
            answer,
            kept_records,
        };
        (document, body)
    }

    /// The document of a request that was refused after its sender had been recognised.
    pub(crate) fn of_refusal(refused: &RefusedRequest, policy: &Policy) -> Self {
        let body = &refused.body;
        // A body that cannot be parsed cannot be redacted either.
        let shows = policy.payloads && policy.redact.is_empty();
        let beginning = body.get(..body.len().min(BODY_TEXT_BYTES_MAX)).unwrap_or_default();
        Self {
            arrived_unix_ms: refused.at_unix_ms,
            platform: refused.platform.clone(),
            kind: refused.kind.to_owned(),
            generation: refused.generation,
            verdict: REFUSED.to_owned(),
            refusal: Some((refused.refusal.name().to_owned(), refused.refusal.to_string())),
            status: refused.status,
            body_bytes: body.len(),
            body_text: if shows { String::from_utf8_lossy(beginning).into_owned() } else { String::new() },
            ..Self::default()
        }
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        // Its maps have texts as keys, and its raw values are JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what [`Document::to_json`] wrote, also by an older or newer host.
    ///
    /// # Errors
    /// If it is not the document of a decision.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The fuel of all calls.
    pub fn fuel(&self) -> u64 {
        self.plugins.iter().map(|call| call.fuel).sum()
    }
}

impl Call {
    fn of(step: &Step, decided: &Decided, policy: &Policy, redaction: &Redaction<'_>) -> Self {
        let verdict = step.verdict.and_then(|index| Decision::NAMES.get(index).copied()).unwrap_or_default();
        let adjustments = step.adjustments.iter().map(|adjustment| match decided.callback.command() {
            Some(command) if !policy.payloads => adjustment.without_texts(command),
            _ => redaction.text(&adjustment.to_string()),
        });
        let fault_text = step.fault.as_ref().map(|fault| match policy.payloads {
            true => redaction.text(&fault.to_string()),
            false => fault.without_texts(),
        });
        let log = step.log.iter().filter(|_| policy.payloads);
        Self {
            name: step.link.name().to_string(),
            sha256: step.link.author().sha256.to_string(),
            verdict: verdict.to_owned(),
            fault: step.fault.as_ref().map(|fault| fault.name().to_owned()).unwrap_or_default(),
            fault_text: fault_text.unwrap_or_default(),
            fuel: step.usage.fuel.0,
            took_us: micros(step.took),
            adjustments: adjustments.collect(),
            log: log.map(|(level, text)| (level.name().to_owned(), redaction.text(text))).collect(),
        }
    }
}

fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
