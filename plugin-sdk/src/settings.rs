//! Settings that many plugins have, so that operators write them the same way everywhere.
//!
//! ```
//! use plugin_sdk::settings::{OnUnknown, Users};
//! use serde::Deserialize;
//! use serde_json::json;
//!
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields, default)]
//! struct Settings {
//!     exempt: Users,
//!     on_unknown: OnUnknown,
//! }
//!
//! impl Default for Settings {
//!     fn default() -> Self {
//!         Self { exempt: Users::default(), on_unknown: OnUnknown::Allow }
//!     }
//! }
//!
//! let settings: Settings = serde_json::from_value(json!({ "exempt": ["admin"], "on_unknown": "deny" }))?;
//! assert!(settings.exempt.contains("admin"));
//! assert_eq!(settings.on_unknown, OnUnknown::Deny);
//! # Ok::<(), plugin_sdk::Error>(())
//! ```

use std::collections::BTreeSet;

use serde::Deserialize;

/// What happens when a fact is not known because its source is late, failed or is not configured: `"allow"`, `"deny"`
/// or `"fault"`. There is no default: whether a plugin that knows nothing allows or denies is its own decision.
///
/// ```
/// use plugin_sdk::facts::Why;
/// use plugin_sdk::settings::OnUnknown;
/// use plugin_sdk::{Callback, Error};
///
/// fn is_banned(callback: &Callback<'_>, user: &str, on_unknown: OnUnknown) -> Result<bool, Error> {
///     match (callback.fact::<bool>("ban", user)?.value(), on_unknown) {
///         (Ok(is_banned), _) => Ok(is_banned),
///         // The source has been asked, and knows nothing of this user.
///         (Err(Why::Absent), _) => Ok(false),
///         (Err(_), OnUnknown::Allow) => Ok(false),
///         (Err(_), OnUnknown::Deny) => Ok(true),
///         (Err(why), OnUnknown::Fault) => Err(format!("the fact `ban` is not known: {}", why.name()).into()),
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// The user may do it.
    Allow,
    /// The user may not do it.
    Deny,
    /// The plugin cannot decide: it returns an error, and `on_fault` in the host's settings decides.
    Fault,
}

/// User IDs: a list, or one text with an ID on each line. They are compared byte for byte.
///
/// An ID in a list is taken as it is. Lines are trimmed. Empty IDs and lines are ignored, and so is a byte order mark
/// at the beginning of the text.
///
/// ```
/// use plugin_sdk::settings::Users;
/// use serde_json::json;
///
/// let list: Users = serde_json::from_value(json!(["u1", "u 2", ""]))?;
/// let lines: Users = serde_json::from_value(json!("u1\n  u 2\r\n\n"))?;
/// assert_eq!(list, lines);
/// assert!(lines.contains("u 2"));
/// assert!(!lines.contains("U1"));
/// assert!(!lines.contains(""));
/// # Ok::<(), plugin_sdk::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "written::Users")]
pub struct Users(BTreeSet<String>);

impl Users {
    /// Whether this user is one of them.
    #[must_use]
    pub fn contains(&self, user: &str) -> bool {
        self.0.contains(user)
    }
}

impl From<written::Users> for Users {
    fn from(written: written::Users) -> Self {
        let users = match written {
            written::Users::List(users) => users,
            written::Users::Lines(lines) => {
                lines.trim_start_matches('\u{feff}').lines().map(str::trim).map(str::to_owned).collect()
            }
        };
        Self(users.into_iter().filter(|user| !user.is_empty()).collect())
    }
}

/// Settings as they are written.
mod written {
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(untagged, expecting = "must be a list of user IDs, or one text with an ID on each line")]
    pub(super) enum Users {
        List(Vec<String>),
        Lines(String),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn users(written: Value) -> Result<Vec<String>, String> {
        match serde_json::from_value::<Users>(written) {
            Ok(Users(users)) => Ok(users.into_iter().collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn users_are_a_list_or_lines() {
        let expected = |users: &[&str]| Ok(users.iter().map(|user| (*user).to_owned()).collect());
        assert_eq!(users(json!([])), expected(&[]));
        assert_eq!(users(json!("")), expected(&[]));
        assert_eq!(users(json!(["u2", "", "u1", "u2"])), expected(&["u1", "u2"]));
        assert_eq!(users(json!("u2\n\r\n \t\n  u1 \r\nu2")), expected(&["u1", "u2"]));
        assert_eq!(users(json!("\u{feff}u1\nu2")), expected(&["u1", "u2"]));
        // Only lines are trimmed.
        assert_eq!(users(json!([" u1", " "])), expected(&[" ", " u1"]));
        for wrong in [json!(7), json!(null), json!({ "u1": true }), json!(["u1", 7])] {
            let error = users(wrong.clone()).unwrap_err();
            assert_eq!(error, "must be a list of user IDs, or one text with an ID on each line", "{wrong}");
        }
    }

    #[test]
    fn what_happens_when_nothing_is_known_has_three_names() {
        let read = |name: &str| serde_json::from_value::<OnUnknown>(json!(name)).map_err(|error| error.to_string());
        assert_eq!(["allow", "deny", "fault"].map(read), [OnUnknown::Allow, OnUnknown::Deny, OnUnknown::Fault].map(Ok));
        let error = "unknown variant `maybe`, expected one of `allow`, `deny`, `fault`";
        assert_eq!(read("maybe"), Err(error.to_owned()));
    }
}
