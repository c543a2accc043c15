//! Which callbacks a candidate answers, and when it falls back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use callgate_catalogue::catalogue::Protocol;
use callgate_dialects::Callback;
use callgate_sandbox::sha256;
use tokio::time::Instant;

use crate::settings::FallBack;

/// Which callbacks one candidate answers.
#[derive(Debug)]
pub(crate) struct Canary {
    /// The name of the candidate: other users are the first for another one.
    name: String,
    percent: u8,
    limits: FallBack,
    is_fallen_back: AtomicBool,
    window: Mutex<Window>,
}

/// The callbacks that it has answered in the current window.
#[derive(Debug, Default)]
struct Window {
    began: Option<Instant>,
    callbacks: u64,
    faults: u64,
    /// When it fell back, and what it had done until then.
    fallen: Option<Fallen>,
}

/// A candidate has fallen back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fallen {
    /// When that was, in milliseconds since 1970-01-01 UTC.
    pub(crate) at_unix_ms: u64,
    /// Callbacks in the window that it had answered.
    pub(crate) callbacks: u64,
    /// Those in which a plugin of the candidate failed.
    pub(crate) faults: u64,
}

impl Canary {
    pub(crate) fn new(name: &str, percent: u8, limits: FallBack) -> Self {
        Self {
            name: name.to_owned(),
            percent,
            limits,
            is_fallen_back: AtomicBool::new(false),
            window: Mutex::default(),
        }
    }

    /// Whether everything that a canary depends on is the same.
    pub(crate) fn is(&self, percent: u8, limits: FallBack) -> bool {
        self.percent == percent && self.limits == limits
    }

    pub(crate) fn percent(&self) -> u8 {
        self.percent
    }

    /// Whether the candidate answers this callback.
    pub(crate) fn answers(&self, callback: &Callback, protocol: &Protocol) -> bool {
        self.percent > 0
            && !self.is_fallen_back.load(Ordering::Relaxed)
            && (self.percent >= 100 || share(&self.name, callback, protocol) < u32::from(self.percent) * 100)
    }

    /// Counts a callback that the candidate has answered, with or without a fault. If it falls back now, `now_unix_ms`
    /// is called and the details are returned.
    pub(crate) fn answered(&self, is_fault: bool, now_unix_ms: impl FnOnce() -> u64) -> Option<Fallen> {
        let mut window = self.lock();
        let now = Instant::now();
        if window.began.is_none_or(|began| now.saturating_duration_since(began) >= self.limits.window) {
            *window = Window { began: Some(now), fallen: window.fallen, ..Window::default() };
        }
        window.callbacks += 1;
        window.faults += u64::from(is_fault);
        let Window { callbacks, faults, .. } = *window;
        let of = callbacks.max(self.limits.callbacks_min.into());
        if faults * 1000 <= u64::from(self.limits.faults_per_thousand_max) * of || window.fallen.is_some() {
            return None;
        }
        let fallen = Fallen { at_unix_ms: now_unix_ms(), callbacks, faults };
        window.fallen = Some(fallen);
        self.is_fallen_back.store(true, Ordering::Relaxed);
        Some(fallen)
    }

    /// Whether it has fallen back, since when and why.
    pub(crate) fn fallen(&self) -> Option<Fallen> {
        self.lock().fallen
    }

    /// Lets it answer again; false if it had not fallen back.
    pub(crate) fn resume(&self) -> bool {
        let mut window = self.lock();
        let had_fallen = std::mem::take(&mut *window).fallen.is_some();
        // Under the lock: a candidate that falls back again at this moment stays fallen back.
        self.is_fallen_back.store(false, Ordering::Relaxed);
        had_fallen
    }

    fn lock(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where in 0 to 9999 the callback's user is, for this candidate: the same on each host and after each start.
///
/// It is computed from the first four bytes of the SHA-256 of the candidate's name, a zero byte, and the ID of the
/// acting user. If the request names no acting user, the user or group that it is about is used, or else its body.
fn share(name: &str, callback: &Callback, protocol: &Protocol) -> u32 {
    let named = callback.command().map(|command| protocol.people.named(command, callback.body())).unwrap_or_default();
    let key = match (named.actor.as_str(), named.target.as_str()) {
        ("", "") => callback.body(),
        ("", target) => target,
        (actor, _) => actor,
    };
    let digest = sha256([name.as_bytes(), b"\0", key.as_bytes()].concat().as_slice());
    let number = digest.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default();
    number % 10_000
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use callgate_dialects::table::CHAT_SERVERS;

    use super::*;

    fn limits(faults_per_thousand_max: u32, callbacks_min: u32) -> FallBack {
        FallBack { faults_per_thousand_max, callbacks_min, window: Duration::from_secs(60) }
    }

    fn canary(percent: u8, faults_per_thousand_max: u32, callbacks_min: u32) -> Canary {
        Canary::new("words-2", percent, limits(faults_per_thousand_max, callbacks_min))
    }

    fn answers(canary: &Canary, body: &str) -> bool {
        let openim = CHAT_SERVERS.iter().find(|server| server.protocol().name == "openim").unwrap();
        let command = openim.commands().find("callbackBeforeSendSingleMsgCommand").unwrap();
        canary.answers(&Callback::local(command, body.to_owned()).unwrap(), openim.protocol())
    }

    /// How many of 10 000 users are on the candidate's side.
    fn users(canary: &Canary) -> usize {
        (0..10_000).filter(|user| answers(canary, &format!(r#"{{"sendID":"u{user}","content":"x"}}"#))).count()
    }

    #[test]
    fn a_part_of_the_users_is_on_the_side_of_the_candidate_and_stays_there() {
        assert_eq!(users(&canary(0, 10, 100)), 0);
        assert_eq!(users(&canary(100, 10, 100)), 10_000);
        let few = users(&canary(1, 10, 100));
        assert!((60..=140).contains(&few), "{few}");
        let some = users(&canary(30, 10, 100));
        assert!((2800..=3200).contains(&some), "{some}");
        for user in 0..1000 {
            let said = |text: &str, to: &str| format!(r#"{{"sendID":"u{user}","recvID":"{to}","content":"{text}"}}"#);
            let is_in = answers(&canary(30, 10, 100), &said("a", "x"));
            assert_eq!(answers(&canary(30, 10, 100), &said("b", "y")), is_in);
            // Selected users stay selected when the percentage grows.
            assert!(!is_in || answers(&canary(31, 10, 100), &said("c", "z")));
        }
    }

    #[test]
    fn the_side_is_the_same_on_every_host() {
        // SHA-256 of "words-2", a zero byte and "mei", and of "otto": as `printf 'words-2\0mei' | sha256sum` says.
        let at = |user: &str| {
            let digest = sha256(format!("words-2\0{user}").as_bytes());
            u32::from_str_radix(&digest[..8], 16).unwrap() % 10_000
        };
        for user in ["mei", "otto"] {
            let needed = u8::try_from(at(user) / 100 + 1).unwrap();
            let body = format!(r#"{{"sendID":"{user}"}}"#);
            assert!(answers(&canary(needed, 10, 100), &body));
            assert!(!answers(&canary(needed - 1, 10, 100), &body));
        }
        // No user is named: the same callback is always on the same side.
        let unnamed = (0..1000).filter(|n| answers(&canary(50, 10, 100), &format!(r#"{{"content":"{n}"}}"#))).count();
        assert!((400..=600).contains(&unnamed), "{unnamed}");
    }

    /// After how many faults in a row it falls back.
    fn faults_until_fallen(canary: &Canary) -> Option<u64> {
        (1..=10_000).find(|_| canary.answered(true, || 7).is_some())
    }

    #[tokio::test(start_paused = true)]
    async fn it_falls_back_when_faults_pass_their_maximum_and_not_before() {
        assert_eq!(faults_until_fallen(&canary(1, 10, 100)), Some(2), "one of a hundred is the maximum");
        assert_eq!(faults_until_fallen(&canary(1, 0, 100)), Some(1));
        assert_eq!(faults_until_fallen(&canary(1, 1000, 1)), None);
        assert_eq!(faults_until_fallen(&canary(1, 10, 1)), Some(1));
        let canary = canary(100, 10, 100);
        (0..299).for_each(|_| assert_eq!(canary.answered(false, || 7), None));
        (0..3).for_each(|_| assert_eq!(canary.answered(true, || 7), None));
        let fallen = Fallen { at_unix_ms: 7, callbacks: 303, faults: 4 };
        assert_eq!(canary.answered(true, || 7), Some(fallen));
        assert!(!answers(&canary, "{}"));
        // Reported once.
        assert_eq!(canary.answered(true, || 8), None);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(canary.answered(true, || 9), None);
        assert_eq!(canary.fallen(), Some(fallen));
        assert!(canary.resume() && !canary.resume());
        assert!(answers(&canary, "{}"));
        assert_eq!(canary.fallen(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn faults_of_the_last_window_are_forgotten() {
        let canary = canary(1, 10, 100);
        assert_eq!(canary.answered(true, || 7), None);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(canary.answered(true, || 7), None);
        assert!(canary.answered(true, || 7).is_some());
    }
}
