//! Whose fault it is that a call was ended by time.

use std::time::Duration;

/// What a call has used that was ended by time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    /// Whether it burnt all the fuel that fitted into the time that was left.
    pub(super) all_fuel: bool,
    /// For how long it was on a CPU.
    pub(super) cpu: Duration,
    /// Wall time that it was given.
    pub(super) within: Duration,
    /// Wall time that it would have been given without waiting.
    pub(super) without_waiting: Duration,
}

impl Spent {
    /// Whether it has used its time itself, and not lost it by waiting: for its turn, for the plugins before it, or for a
    /// core. It has if it was on a CPU for an eighth of what it would have had without waiting. Or if it burnt all its fuel,
    /// of which waiting had taken an eighth at most: a plugin that burns fuel quickly may run out of what is left in next
    /// to no time, and would have ended with what it usually has.
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
