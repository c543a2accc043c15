//! The verdicts of an event as methods.

/// The verdicts that an event's answer can carry, as methods; a verdict that the chat server does not support for a
/// command has no method.
macro_rules! verdicts {
    (AFTER) => {};
    (GROUP_SEND) => {
        $crate::macros::verdicts::verdicts!(@deny);
        $crate::macros::verdicts::verdicts!(@drop);
    };
    (OFFICIAL_SEND) => {
        $crate::macros::verdicts::verdicts!(@deny);
        $crate::macros::verdicts::verdicts!(@drop);
    };
    (GROUP_INVITE) => {
        $crate::macros::verdicts::verdicts!(@deny);
        $crate::macros::verdicts::verdicts!(@refuse);
    };
    (OFFICIAL_SUBSCRIBE) => {
        $crate::macros::verdicts::verdicts!(@deny);
        $crate::macros::verdicts::verdicts!(@refuse);
    };
    (FRIEND_ADD) => {
        $crate::macros::verdicts::verdicts!(@deny);
        $crate::macros::verdicts::verdicts!(@per_user);
    };
    (FRIEND_RESPONSE) => {
        $crate::macros::verdicts::verdicts!(@deny);
        $crate::macros::verdicts::verdicts!(@per_user);
    };
    (CHATBOT) => {
        $crate::macros::verdicts::verdicts!(@deny);

        /// Sends `text` back to the client that sent the signal.
        #[must_use]
        pub fn reply(&self, text: impl Into<String>) -> $crate::verdict::Verdict {
            $crate::verdict::Verdict::Reply(text.into())
        }
    };
    (@deny) => {
        /// Stops the operation. The user may see `message`; the host replaces a code outside the range that the chat
        /// server passes on. `with_detail` adds a text for the developers of the app.
        #[must_use]
        pub fn deny(&self, code: i32, message: impl Into<String>) -> $crate::verdict::Verdict {
            $crate::verdict::Verdict::deny(code, message)
        }
    };
    (@drop) => {
        /// Stops the operation and lets its caller believe that it succeeded.
        #[must_use]
        pub fn drop_silently(&self) -> $crate::verdict::Verdict {
            $crate::verdict::Verdict::Drop
        }
    };
    (@refuse) => {
        /// Lets the operation continue without these users.
        #[must_use]
        pub fn refuse_some<T: Into<String>>(&self, users: impl IntoIterator<Item = T>) -> $crate::verdict::Verdict {
            $crate::verdict::Verdict::RefuseSome(users.into_iter().map(Into::into).collect())
        }
    };
    (@per_user) => {
        /// Gives a result for each user; users without one are allowed.
        #[must_use]
        pub fn per_user(&self, results: impl IntoIterator<Item = $crate::wire::UserResult>) -> $crate::verdict::Verdict {
            $crate::verdict::Verdict::PerUser(results.into_iter().collect())
        }
    };
    // All others can only be denied.
    ($answers:ident) => {
        $crate::macros::verdicts::verdicts!(@deny);
    };
}

pub(crate) use verdicts;
