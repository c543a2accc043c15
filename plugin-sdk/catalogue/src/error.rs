//! Why a plugin returns no verdict.

use std::fmt;

/// Why a plugin rejected its settings, or could not decide.
///
/// Its text goes to the host's log, never to the chat server. `?` converts any [`std::error::Error`], with its causes,
/// and `.into()` a string. It is no `std::error::Error` itself, because Rust allows only one of the two.
///
/// ```
/// # use callgate_catalogue as plugin_sdk;
/// use plugin_sdk::{Error, Object, Text};
///
/// fn level(user: &Object<'_>) -> Result<i64, Error> {
///     match user.read::<Text<'_>>("level")?.parse()? {
///         level @ 1..=9 => Ok(level),
///         level => Err(format!("`level` is {level}, and 1 to 9 are known").into()),
///     }
/// }
///
/// assert_eq!(level(&Object::parse("demo", r#"{"level":"3"}"#)?), Ok(3));
/// let missing = level(&Object::parse("demo", "{}")?).unwrap_err();
/// assert_eq!(missing.to_string(), "demo: member `level` is missing");
/// let wrong = level(&Object::parse("demo", r#"{"level":"x"}"#)?).unwrap_err();
/// assert_eq!(wrong.to_string(), "invalid digit found in string");
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    /// An error with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// Strings and errors alike become a boxed error, so one implementation covers both.
impl<E: Into<Box<dyn std::error::Error>>> From<E> for Error {
    fn from(error: E) -> Self {
        let error = error.into();
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let why = error.to_string();
            // Some errors repeat their cause.
            if !text.ends_with(&why) {
                text.push_str(": ");
                text.push_str(&why);
            }
            cause = error.source();
        }
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(std::num::ParseIntError, &'static str);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.1)
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_cause_is_told_once() {
        let cause = "x".parse::<i32>().unwrap_err();
        let told = [
            ("the level", "the level: invalid digit found in string"),
            ("no: invalid digit found in string", "no: invalid digit found in string"),
        ];
        for (text, whole) in told {
            assert_eq!(Error::from(Outer(cause.clone(), text)).to_string(), whole);
        }
        assert_eq!(Error::from("a"), Error::new(String::from("a")));
    }
}
