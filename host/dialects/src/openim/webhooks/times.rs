//! How long the server waits.

use std::time::Duration;

/// Seconds after which the server gives up, whatever the file says: the timeout of its HTTP client
/// (openimsdk/tools v0.0.50-alpha.117 `utils/httputil/http_client.go:37,52,86`).
const TIMEOUT_S_MAX: u64 = 15;

/// The time that an answer needs at least between the host's deadline and the server's timeout: connection, round trip,
/// and the waiting for one of the 100 connections that the server opens.
pub(super) const ROUND_TRIP: Duration = Duration::from_millis(500);

/// The timeout that fits, in seconds.
pub(super) fn timeout_s(answer_within: Duration) -> u64 {
    let wanted = answer_within + ROUND_TRIP;
    (wanted.as_secs() + u64::from(wanted.subsec_nanos() > 0)).min(TIMEOUT_S_MAX)
}

/// How long the server waits with this timeout, in seconds.
pub(super) fn waits_s(timeout_s: i64) -> u64 {
    match u64::try_from(timeout_s) {
        Ok(0) | Err(_) => TIMEOUT_S_MAX,
        Ok(timeout_s) => timeout_s.min(TIMEOUT_S_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeout_leaves_room_for_the_round_trip() {
        let seconds = |ms| timeout_s(Duration::from_millis(ms));
        assert_eq!([1, 500, 501, 1000, 4500, 4501, 14_500, 15_000].map(seconds), [1, 1, 2, 2, 5, 6, 15, 15]);
        assert_eq!([-1, 0, 5, 15, 60].map(waits_s), [15, 15, 5, 15, 15]);
    }
}
