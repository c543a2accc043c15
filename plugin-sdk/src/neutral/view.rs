//! What the parts of the view have in common.

use callgate_catalogue::neutral::Row;

use crate::callback::Callback;
use crate::catalogue::Change;
use crate::object::{FieldError, Object, Text};
use crate::verdict::{Changes, Json, Verdict};

/// A callback as part of the view: its row, and its body.
#[derive(Debug)]
pub(super) struct View<'a, N: 'static> {
    pub(super) row: &'static Row<N>,
    pub(super) body: Object<'a>,
}

impl<N> Clone for View<'_, N> {
    fn clone(&self) -> Self {
        Self { row: self.row, body: self.body.clone() }
    }
}

impl<'a, N> View<'a, N> {
    pub(super) fn of(table: &'static [&'static [Row<N>]], callback: &Callback<'a>) -> Result<Option<Self>, FieldError> {
        let is_it =
            |row: &&Row<N>| row.command.name == callback.command() && row.command.protocol == callback.platform();
        match table.iter().copied().flatten().find(is_it) {
            Some(row) => Ok(Some(Self { row, body: Object::parse(row.command.name, callback.body())? })),
            None => {
                callback.miss();
                Ok(None)
            }
        }
    }

    /// A denial with the app's code number `nth`, counted from the first of the range that the platform hands to its
    /// clients. Beyond the range it is the last.
    pub(super) fn deny(&self, nth: u16, message: impl Into<String>) -> Verdict {
        let codes = self.row.command.answers.deny;
        let code = codes.map(|codes| (codes.first + i32::from(nth)).min(codes.last));
        Verdict::Deny { code, message: message.into(), detail: String::new() }
    }

    /// The changes that are there; `None` if the command knows none of their names. OpenIM crashes over some values
    /// that the operation itself does not have: those are left out.
    pub(super) fn modify<const T: usize>(&self, texts: [(Option<&'static str>, Option<&str>); T]) -> Option<Verdict> {
        let is_settable = |name: &str| self.row.command.change(name).is_some_and(Change::is_settable);
        if !texts.iter().any(|(name, _)| name.is_some_and(is_settable)) {
            return None;
        }
        let mut changes = Changes::default();
        for (name, text) in texts {
            if let (Some(name), Some(text)) = (name.filter(|name| self.body.has(name)), text) {
                changes.set(name, Json::infallible(text));
            }
        }
        Some(if changes.is_empty() { Verdict::Allow } else { Verdict::Modify(changes) })
    }

    /// The text of a member; `None` if the platform has none here, or it is missing or null.
    pub(super) fn optional(&self, name: Option<&'static str>) -> Result<Option<Text<'a>>, FieldError> {
        name.map_or(Ok(None), |name| self.body.read(name))
    }
}

/// What every part of the view can do.
macro_rules! part {
    ($table:ident) => {
        /// The callback in this part of the view; `None` if it is about something else.
        ///
        /// # Errors
        /// If the body is not a JSON object.
        pub fn of(callback: &$crate::callback::Callback<'a>) -> Result<Option<Self>, $crate::object::FieldError> {
            Ok(View::of(callgate_catalogue::tables::$table, callback)?.map(Self))
        }

        /// The platform's own entry for the command.
        #[must_use]
        pub fn command(&self) -> &'static $crate::catalogue::Command {
            self.0.row.command
        }

        /// Stops the operation. `nth` counts the app's own codes from 0: OpenIM's begin at 5000, Tencent's at 120001
        /// (one-to-one) or 10100 (groups). `message` is what the user may read.
        #[must_use]
        pub fn deny(&self, nth: u16, message: impl Into<String>) -> $crate::verdict::Verdict {
            self.0.deny(nth, message)
        }
    };
}
