//! Whether a call that a time limit ended is the plugin's fault.

use std::time::Duration;

/// What a call used before a time limit ended it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    /// Whether it burnt all the fuel that it was given for the remaining time.
    pub(super) all_fuel: bool,
    /// CPU time that it used.
    pub(super) cpu: Duration,
    /// Wall time that it was given.
    pub(super) within: Duration,
    /// Wall time that it would have been given if it had not waited.
    pub(super) without_waiting: Duration,
}

impl Spent {
    /// Whether the call used up its time itself, instead of losing it by waiting: for its turn, for earlier plugins, or
    /// for a core. It did if it was on a CPU for at least an eighth of the time that it would have had without waiting.
    /// It also did if it burnt all its fuel, provided that waiting had reduced that fuel by an eighth at most.
    /// Otherwise a plugin that burns fuel quickly would be blamed for running out of a small rest, although its usual
    /// fuel would have been enough.
    pub(super) fn is_own_fault(self) -> bool {
        let eighth = self.without_waiting / 8;
        self.cpu >= eighth || (self.all_fuel && self.within >= self.without_waiting - eighth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_own_fault(all_fuel: bool, cpu_ms: u64, within_ms: u64) -> bool {
        let [cpu, within, without_waiting] = [cpu_ms, within_ms, 240].map(Duration::from_millis);
        Spent { all_fuel, cpu, within, without_waiting }.is_own_fault()
    }

    #[test]
    fn a_call_that_had_its_time_is_to_blame() {
        assert!(is_own_fault(false, 30, 1), "it was on a CPU for an eighth");
        assert!(is_own_fault(true, 1, 240), "it burnt all its fuel");
        assert!(is_own_fault(true, 1, 210), "it burnt nearly as much");
    }

    #[test]
    fn a_call_that_lost_its_time_by_waiting_is_not() {
        assert!(!is_own_fault(false, 29, 240), "it had no core");
        assert!(!is_own_fault(true, 29, 209), "waiting had cost it more than an eighth of its fuel");
    }
}
