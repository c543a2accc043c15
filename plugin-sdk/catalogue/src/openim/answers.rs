//! What OpenIM's answers can express.

use crate::command::{Answers, Codes};

impl Answers {
    /// OpenIM, all before-callbacks. The server checks no range; 5000 to 9999 is free of its own codes.
    pub const OPENIM_BEFORE: Self =
        Self { deny: Some(Codes { fallback: 5000, first: 5000, last: 9999 }), ..Self::AFTER };
}
