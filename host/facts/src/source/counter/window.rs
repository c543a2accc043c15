//! A sliding window: what was counted, and until when each part of it counts.

use std::collections::VecDeque;

/// The window of one key.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    /// Expiry times, in milliseconds since 1970-01-01 UTC, with the numbers that expire then; in ascending order.
    moments: VecDeque<(u64, i64)>,
    /// The sum of these numbers. Wider than they are, so that the sum of any number of them is exact.
    total: i128,
}

impl Window {
    /// The count at this moment.
    pub(super) fn count(&mut self, now_ms: u64) -> i64 {
        self.forget(now_ms);
        i64::try_from(self.total).unwrap_or(if self.total < 0 { i64::MIN } else { i64::MAX })
    }

    /// Whether nothing is counted.
    pub(super) fn is_empty(&self) -> bool {
        self.moments.is_empty()
    }

    /// Removes what has expired, and returns most of the memory that this frees.
    pub(super) fn shrink(&mut self, now_ms: u64) {
        self.forget(now_ms);
        self.moments.shrink_to(self.moments.len() * 2);
    }

    /// What its list takes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.moments.capacity() * size_of::<(u64, i64)>()
    }

    /// Removes what has expired.
    pub(super) fn forget(&mut self, now_ms: u64) {
        while let Some((until, number)) = self.moments.front() {
            if *until > now_ms {
                break;
            }
            self.total -= i128::from(*number);
            self.moments.pop_front();
        }
    }

    /// Adds a number that expires at this time. With too many expiry times, all are rounded up, so that they become
    /// fewer.
    pub(super) fn add(&mut self, now_ms: u64, until: u64, number: i64, moments_max: usize) {
        self.forget(now_ms);
        // Nearly always appended at the end. The exceptions: updates with a `ttl_ms`, and a clock that was set back.
        let at = self.moments.iter().rposition(|(known, _)| *known <= until).map_or(0, |at| at + 1);
        let last = at.checked_sub(1).and_then(|last| self.moments.get_mut(last));
        match last.filter(|(known, _)| *known == until) {
            Some((_, sum)) => {
                let before = i128::from(*sum);
                *sum = sum.saturating_add(number);
                self.total += i128::from(*sum) - before;
            }
            None => {
                self.moments.insert(at, (until, number));
                self.total += i128::from(number);
            }
        }
        if self.moments.len() > moments_max {
            self.round_up(now_ms, moments_max);
        }
    }

    /// Rounds all expiry times up to multiples of a power of two: none comes too early, and none ever comes later than
    /// that power after its own, however often this is repeated, because the multiples of a larger power are multiples
    /// of the smaller one. The power is at most four `moments_max`-ths of the longest time that is left, which rounding
    /// makes a little longer: in all, 4 / (`moments_max` - 4) of the longest time that was asked for.
    fn round_up(&mut self, now_ms: u64, moments_max: usize) {
        let longest = self.moments.back().map_or(0, |(until, _)| until.saturating_sub(now_ms));
        let step = longest.saturating_mul(2).div_ceil(moments_max.max(1) as u64);
        let step = step.max(1).checked_next_power_of_two().unwrap_or(1 << 63);
        let mut rounded: VecDeque<(u64, i64)> = VecDeque::new();
        for (until, number) in &self.moments {
            let until = until.checked_next_multiple_of(step).unwrap_or(u64::MAX);
            match rounded.back_mut() {
                Some((last, sum)) if *last == until => *sum = sum.saturating_add(*number),
                _ => rounded.push_back((until, *number)),
            }
        }
        self.total = rounded.iter().map(|(_, number)| i128::from(*number)).sum();
        self.moments = rounded;
    }

    /// Appends it: the lengths of the key and of the list, the key, and the list; numbers little-endian.
    pub(super) fn write(&self, key: &str, to: &mut Vec<u8>) {
        let len = |len: usize| u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
        to.extend(len(key.len()));
        to.extend(len(self.moments.len()));
        to.extend(key.as_bytes());
        for (until, number) in &self.moments {
            to.extend(until.to_le_bytes());
            to.extend(number.to_le_bytes());
        }
    }

    /// Reads what [`Window::write`] appended; `None` at the end, or where it is damaged.
    pub(super) fn read<'a>(from: &mut &'a [u8]) -> Option<(&'a str, Self)> {
        let mut take = |len: usize| {
            let (taken, rest) = from.split_at_checked(len)?;
            *from = rest;
            Some(taken)
        };
        let mut len = || Some(u32::from_le_bytes(*take(4)?.first_chunk()?) as usize);
        let (key, moments) = (len()?, len()?);
        let key = std::str::from_utf8(take(key)?).ok()?;
        let mut window = Self::default();
        for _ in 0..moments {
            let until = u64::from_le_bytes(*take(8)?.first_chunk()?);
            let number = i64::from_le_bytes(*take(8)?.first_chunk()?);
            window.total += i128::from(number);
            window.moments.push_back((until, number));
        }
        Some((key, window))
    }
}
