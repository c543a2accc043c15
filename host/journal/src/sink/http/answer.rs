//! What an answer of a receiver means.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The receiver has the record.
    Delivered,
    /// The receiver accepts nothing at the moment: the whole sink waits, at least this long.
    Slow(String, Duration),
    /// The receiver refuses this record: its key waits, at least this long; other keys continue.
    Refused(String, Duration),
    /// The receiver wants no records any more.
    Gone(String),
}

/// Maximum time that a receiver can ask for with `Retry-After`; more is taken as that.
pub(super) const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// What a status means.
pub(super) fn outcome(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Outcome {
    let after = headers.get(header::RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?, now));
    let after = after.unwrap_or_default().min(RETRY_AFTER_MAX);
    let why = format!("the receiver answers {}", status.as_u16());
    match status.as_u16() {
        200..=299 => Outcome::Delivered,
        300..=399 => {
            let why = format!("{why}: redirects are not followed; set `url` to the receiver's new address");
            Outcome::Slow(why, after)
        }
        410 => Outcome::Gone(why),
        401 | 403 => Outcome::Slow(format!("{why}: compare `secrets` with the receiver's"), after),
        404 | 405 => Outcome::Slow(format!("{why}: check `url`"), after),
        408 | 425 | 429 | 502..=504 => Outcome::Slow(why, after),
        _ => Outcome::Refused(why, after),
    }
}

/// The value of `Retry-After`: seconds, or a date.
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits that overflow the number are longer than the maximum anyway.
        return Some(value.parse().map_or(RETRY_AFTER_MAX, Duration::from_secs)).filter(|_| !value.is_empty());
    }
    Some(httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_is_one_of_four_outcomes() {
        let of = |status: u16| outcome(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), SystemTime::now());
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(of(status), Outcome::Delivered, "{status}");
        }
        for status in [301, 302, 307, 308, 401, 403, 404, 405, 408, 425, 429, 502, 503, 504] {
            assert!(matches!(of(status), Outcome::Slow(..)), "{status}");
        }
        for status in [400, 409, 413, 422, 500, 501, 505, 599] {
            assert!(matches!(of(status), Outcome::Refused(..)), "{status}");
        }
        assert!(matches!(of(410), Outcome::Gone(..)));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_bounded() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let after = |value: &str| {
            let headers = [(header::RETRY_AFTER, value.parse().unwrap())].into_iter().collect();
            match outcome(StatusCode::SERVICE_UNAVAILABLE, &headers, now) {
                Outcome::Slow(_, after) => after.as_secs(),
                other => panic!("{other:?}"),
            }
        };
        for (value, seconds) in [
            ("0", 0),
            ("7", 7),
            (" 7 ", 7),
            ("3600", 3600),
            ("3601", 3600),
            ("99999999999999999999999", 3600),
            ("-1", 0),
            ("soon", 0),
            ("", 0),
            ("Tue, 14 Nov 2023 22:13:50 GMT", 30),
            ("Tue, 14 Nov 2023 22:13:10 GMT", 0),
            ("Fri, 14 Nov 2053 22:13:10 GMT", 3600),
        ] {
            assert_eq!(after(value), seconds, "{value}");
        }
    }
}
