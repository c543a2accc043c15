//! The value of the fact: whether and until when a user is banned.

use plugin_sdk::Error;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A ban.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ban {
    /// Until when, in milliseconds since 1970-01-01 UTC; `None`: until the source says otherwise.
    pub(crate) until_unix_ms: Option<u64>,
    /// Why, for the user; empty: not given.
    pub(crate) reason: String,
}

/// Numbers below this, the year 2001, are not an end: no source would still store such a ban.
const SECONDS_MIN: f64 = 1e9;
/// Numbers from here on are milliseconds: as seconds, this is the year 5138.
const MILLISECONDS_MIN: f64 = 1e11;

impl Ban {
    /// Reads the value of the fact; `None`: the user is not banned.
    ///
    /// # Errors
    /// If it is not one of the forms that the comment at the top of the crate lists.
    pub(crate) fn read(value: &Value) -> Result<Option<Self>, Error> {
        match value {
            Value::Null | Value::Bool(false) => Ok(None),
            Value::Bool(true) => Ok(Some(Self::default())),
            Value::Number(number) => Ok(match number.as_f64().unwrap_or(0.0) {
                0.0 => None,
                number if number < SECONDS_MIN => Some(Self::default()),
                _ => Some(Self { until_unix_ms: Some(moment(value)?), reason: String::new() }),
            }),
            Value::String(text) => Self::read_text(text.trim()),
            Value::Object(members) => {
                let until = members.get("until").filter(|until| !until.is_null());
                let reason = match members.get("reason") {
                    None | Some(Value::Null) => String::new(),
                    Some(Value::String(reason)) => reason.clone(),
                    Some(_) => return Err("the ban's `reason` is no text".into()),
                };
                Ok(Some(Self { until_unix_ms: until.map(moment).transpose()?, reason }))
            }
            Value::Array(_) => Err("the fact `ban` is a list: it must be true, a text or an object".into()),
        }
    }

    /// Sources of texts have the same forms: a file of comma-separated values, or a key of Redis.
    fn read_text(text: &str) -> Result<Option<Self>, Error> {
        match text {
            "false" | "0" => Ok(None),
            "" | "true" | "1" => Ok(Some(Self::default())),
            _ if text.starts_with('{') => match serde_json::from_str(text) {
                Ok(value) => Self::read(&value),
                Err(_) => Ok(Some(Self { until_unix_ms: None, reason: text.to_owned() })),
            },
            // A CSV column may contain only the end.
            _ => Ok(Some(match moment(&Value::from(text)).ok().filter(|ms| *ms as f64 >= SECONDS_MIN * 1000.0) {
                Some(until) => Self { until_unix_ms: Some(until), reason: String::new() },
                None => Self { until_unix_ms: None, reason: text.to_owned() },
            })),
        }
    }

    /// Whether it is in force at this time.
    pub(crate) fn holds_at(&self, unix_ms: u64) -> bool {
        self.until_unix_ms.is_none_or(|until| unix_ms < until)
    }

    /// The end, as users read it: `2026-11-26 08:10 UTC`. `None` if there is none, or it is not a valid date.
    pub(crate) fn end(&self) -> Option<String> {
        let seconds = i64::try_from(self.until_unix_ms? / 1000).ok()?;
        let at = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        Some(format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", at.hour(), at.minute()))
    }
}

/// A moment: seconds, or from 100 000 000 000 on milliseconds, since 1970-01-01 UTC, as a number or a text; or RFC
/// 3339.
fn moment(value: &Value) -> Result<u64, Error> {
    let wrong =
        || Error::new("the ban's `until` is no time: write Unix seconds, or RFC 3339, such as 2026-12-31T23:59:00Z");
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse::<f64>().ok(),
        _ => return Err(wrong()),
    };
    match (number, value) {
        (Some(number), _) if number.is_finite() => {
            let ms = if number < MILLISECONDS_MIN { number * 1000.0 } else { number };
            // A time before 1970 is over, and a time beyond the range never ends.
            Ok(ms as u64)
        }
        (None, Value::String(text)) => {
            let at = OffsetDateTime::parse(text.trim(), &Rfc3339).map_err(|_| wrong())?;
            Ok(u64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0))
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn until(value: Value) -> Result<Option<u64>, String> {
        match Ban::read(&json!({ "until": value })) {
            Ok(ban) => Ok(ban.expect("an object is a ban").until_unix_ms),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn an_end_is_in_seconds_milliseconds_or_rfc_3339() {
        for value in [
            json!(1_795_680_600),
            json!(1_795_680_600.0),
            json!(1_795_680_600_000_u64),
            json!("1795680600"),
            json!("2026-11-26T08:10:00Z"),
            json!(" 2026-11-26T09:10:00+01:00 "),
        ] {
            assert_eq!(until(value.clone()), Ok(Some(1_795_680_600_000)), "{value}");
        }
        assert_eq!(until(json!(1.5)), Ok(Some(1500)));
        assert_eq!(until(json!(-5)), Ok(Some(0)));
        assert_eq!(until(json!("1969-12-31T23:59:59Z")), Ok(Some(0)));
        assert_eq!(until(json!(null)), Ok(None));
        assert_eq!(until(json!(1e300)), Ok(Some(u64::MAX)));
        for value in
            [json!("tomorrow"), json!("2026-11-26"), json!(true), json!([]), json!("NaN"), json!("inf"), json!("")]
        {
            assert!(until(value.clone()).unwrap_err().starts_with("the ban's `until` is no time"), "{value}");
        }
    }

    #[test]
    fn a_ban_has_many_forms() {
        let reason = |reason: &str| Some(Ban { until_unix_ms: None, reason: reason.to_owned() });
        for (value, ban) in [
            (json!(true), reason("")),
            (json!(1), reason("")),
            (json!({}), reason("")),
            (json!(""), reason("")),
            (json!("true"), reason("")),
            (json!("Spam"), reason("Spam")),
            (json!({ "reason": "Spam", "by": "mei" }), reason("Spam")),
            (json!("{\"reason\":\"Spam\"}"), reason("Spam")),
            (json!("{not JSON"), reason("{not JSON")),
            (json!(1_795_680_600), Some(Ban { until_unix_ms: Some(1_795_680_600_000), reason: String::new() })),
            (json!("1795680600"), Some(Ban { until_unix_ms: Some(1_795_680_600_000), reason: String::new() })),
            (
                json!("2026-11-26T08:10:00Z"),
                Some(Ban { until_unix_ms: Some(1_795_680_600_000), reason: String::new() }),
            ),
            (json!("12 insults"), reason("12 insults")),
            (json!("12"), reason("12")),
            // A count, not an end.
            (json!(12), reason("")),
            (json!(-1), reason("")),
            (json!(false), None),
            (json!(0), None),
            (json!("0"), None),
            (json!("false"), None),
            (json!(null), None),
        ] {
            assert_eq!(Ban::read(&value).unwrap(), ban, "{value}");
        }
        assert!(Ban::read(&json!([])).is_err() && Ban::read(&json!({ "reason": 7 })).is_err());
    }

    #[test]
    fn a_ban_holds_until_its_end() {
        let ban = Ban { until_unix_ms: Some(1000), reason: String::new() };
        assert!(ban.holds_at(999) && !ban.holds_at(1000));
        assert!(Ban::default().holds_at(u64::MAX));
        assert_eq!(ban.end().unwrap(), "1970-01-01 00:00 UTC");
        assert_eq!(Ban { until_unix_ms: Some(u64::MAX), ..ban }.end(), None);
    }
}
