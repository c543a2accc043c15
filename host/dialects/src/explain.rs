//! How the real chat server reads an answer: the reading side of the dialects.
//!
//! `callgate explain` prints it, and the tests check every answer that this host can write against it. Because it is
//! the test oracle for the dialects, it shares only the catalogue with them, and no helpers.

/// What happens to the operation and to each member of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What happens to the operation.
    pub outcome: Outcome,
    /// Members that change the operation.
    pub applied: Vec<Applied>,
    /// Members that change nothing, and why.
    pub without_effect: Vec<(String, String)>,
    /// Why, step by step.
    pub reasons: Vec<Reason>,
}

/// What happens to the operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It continues.
    GoesOn,
    /// It is stopped.
    Denied {
        /// The code that its caller sees.
        code: i64,
        /// The text that its user reads.
        message: String,
        /// The detail, where the platform has one.
        detail: String,
    },
    /// It is stopped, and its caller sees success.
    Dropped,
    /// It was done before the answer arrived; the answer changes nothing.
    AlreadyDone,
    /// The answer has an unintended effect: the operation fails, or continues although the answer does not say so.
    Broken {
        /// What its caller sees.
        caller_sees: String,
    },
}

/// A member that changes the operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Its name in the answer.
    pub name: String,
    /// The value that the request shows, as JSON; `None` where it shows none.
    pub from: Option<String>,
    /// The new value, as JSON.
    pub to: String,
}

/// One step of the reasoning, and its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What happens.
    pub text: String,
    /// The place in the server's source, or the page of its documentation.
    pub source: &'static str,
}

/// An explanation under construction.
pub(crate) struct Reader {
    pub(crate) explanation: Explanation,
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self {
            explanation: Explanation {
                outcome: Outcome::GoesOn,
                applied: Vec::new(),
                without_effect: Vec::new(),
                reasons: Vec::new(),
            },
        }
    }

    pub(crate) fn reason(&mut self, text: impl Into<String>, source: &'static str) {
        self.explanation.reasons.push(Reason { text: text.into(), source });
    }

    pub(crate) fn without_effect(&mut self, name: &str, why: impl Into<String>) {
        self.explanation.without_effect.push((name.to_owned(), why.into()));
    }

    pub(crate) fn applied(&mut self, name: &str, from: Option<&str>, to: &str) {
        self.explanation.applied.push(Applied {
            name: name.to_owned(),
            from: from.map(str::to_owned),
            to: to.to_owned(),
        });
    }

    pub(crate) fn broken(mut self, caller_sees: impl Into<String>) -> Explanation {
        self.explanation.outcome = Outcome::Broken { caller_sees: caller_sees.into() };
        // An operation that fails is not changed.
        self.explanation.applied.clear();
        self.explanation
    }

    pub(crate) fn finish(mut self, outcome: Outcome) -> Explanation {
        self.explanation.outcome = outcome;
        self.explanation
    }
}
