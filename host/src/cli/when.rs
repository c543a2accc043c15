//! Times as operators write and read them: in the time zone of this system.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

/// Reads a moment: how long ago (`90s`, `15m`, `1h`, `2d`, `1w`), a time of today (`14:03`), a date, or both, in the
/// local time zone unless it has one (`2026-11-26T14:03:00Z`). Returns milliseconds since 1970.
///
/// # Errors
/// What it should look like.
pub(super) fn parse(text: &str, now_unix_ms: i64, zone: &TimeZone) -> Result<i64, String> {
    let now = timestamp(now_unix_ms).to_zoned(zone.clone());
    let text = text.trim();
    let moment = ago(text, &now).or_else(|| text.parse::<Timestamp>().ok()).or_else(|| local(text, &now)).ok_or(
        "write how long ago, such as 90s, 15m, 1h or 2d; or a time such as 14:03, 2026-11-26 or 2026-11-26T14:03:00Z",
    )?;
    Ok(moment.as_millisecond())
}

fn ago(text: &str, now: &Zoned) -> Option<Timestamp> {
    let (number, unit) = text.split_at_checked(text.find(|c: char| !c.is_ascii_digit())?)?;
    let number: i64 = number.parse().ok()?;
    let span = match unit.trim() {
        "s" => Span::new().try_seconds(number),
        "m" | "min" => Span::new().try_minutes(number),
        "h" => Span::new().try_hours(number),
        // Days of the calendar: the day on which the clocks change has 23 or 25 hours.
        "d" => Span::new().try_days(number),
        "w" => Span::new().try_weeks(number),
        _ => return None,
    };
    Some(now.checked_sub(span.ok()?).ok()?.timestamp())
}

/// A date, a time, or both, without a time zone.
fn local(text: &str, now: &Zoned) -> Option<Timestamp> {
    let both = text.contains(['T', 't', ' ']) && text.contains(':');
    let civil = if both {
        text.parse::<DateTime>().ok()?
    } else if text.contains(':') {
        now.date().to_datetime(text.parse::<Time>().ok()?)
    } else {
        text.parse::<Date>().ok()?.to_datetime(Time::midnight())
    };
    Some(civil.to_zoned(now.time_zone().clone()).ok()?.timestamp())
}

fn timestamp(unix_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(unix_ms).unwrap_or(if unix_ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// `2026-11-26 14:03:22`, in this time zone; of today, only the time.
pub(super) fn show(unix_ms: i64, now_unix_ms: i64, zone: &TimeZone) -> String {
    let (then, now) = (timestamp(unix_ms).to_zoned(zone.clone()), timestamp(now_unix_ms).to_zoned(zone.clone()));
    let time = format!("{:02}:{:02}:{:02}", then.hour(), then.minute(), then.second());
    match then.date() == now.date() {
        true => time,
        false => format!("{} {time}", then.date()),
    }
}

/// `2026-11-26 14:03:22`, in UTC.
pub(super) fn utc(unix_ms: i64) -> String {
    timestamp(unix_ms).strftime("%F %T").to_string()
}

/// As RFC 3339 in UTC, for programs.
pub(super) fn rfc3339(unix_ms: i64) -> String {
    timestamp(unix_ms).to_string()
}

/// `3 s`, `5 min`, `2 h`, `4 d`: how long something has taken, or how old it is.
pub(super) fn span(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-03-29 12:00 in Berlin, on the day on which the clocks went forward.
    const NOW: i64 = 1_774_778_400_000;

    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn at(text: &str) -> String {
        parse(text, NOW, &berlin()).map_or_else(|error| error, rfc3339)
    }

    #[test]
    fn moments_are_read_in_the_local_time_zone() {
        assert_eq!(rfc3339(NOW), "2026-03-29T10:00:00Z");
        assert_eq!(at("90s"), "2026-03-29T09:58:30Z");
        assert_eq!(at("1h"), "2026-03-29T09:00:00Z");
        assert_eq!(at("1d"), "2026-03-28T11:00:00Z", "noon of the day before, 23 hours ago");
        assert_eq!(at("01:30"), "2026-03-29T00:30:00Z");
        assert_eq!(at("2026-03-28"), "2026-03-27T23:00:00Z");
        assert_eq!(at("2026-03-29 12:00"), "2026-03-29T10:00:00Z");
        assert_eq!(at("2026-03-29T12:00:00"), "2026-03-29T10:00:00Z");
        assert_eq!(at("2026-03-29T12:00:00Z"), "2026-03-29T12:00:00Z");
        assert_eq!(at("2026-03-29T12:00:00+08:00"), "2026-03-29T04:00:00Z");
    }

    #[test]
    fn what_is_no_moment_is_answered_with_what_is_one() {
        for text in
            ["", "yesterday", "1", "h", "1y", "99999999999999999999s", "99999999999d", "25:00", "2026-13-01", "ä"]
        {
            assert!(at(text).starts_with("write how long ago"), "{text}: {}", at(text));
        }
    }

    #[test]
    fn times_of_today_are_short_and_never_ahead() {
        assert_eq!(show(NOW, NOW, &berlin()), "12:00:00");
        assert_eq!(show(NOW + 999, NOW, &berlin()), "12:00:00");
        assert_eq!(utc(NOW - 86_400_000), "2026-03-28 10:00:00");
        assert_eq!(show(NOW - 86_400_000, NOW, &berlin()), "2026-03-28 11:00:00");
        assert_eq!(
            [span(-5), span(5000), span(600_000), span(7_200_000), span(400_000_000)],
            ["0 s", "5 s", "10 min", "2 h", "4 d"]
        );
    }
}
