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

    /// Adds a number that expires at this time.
    pub(super) fn add(&mut self, until: u64, number: i64, moments_max: usize) {
        // Nearly always appended at the end. The exceptions: updates with a `ttl_ms`, and a clock that was set back.
        let at = self.moments.iter().rposition(|(known, _)| *known <= until).map_or(0, |at| at + 1);
        let last = at.checked_sub(1).and_then(|last| self.moments.get_mut(last));
        if let Some((_, sum)) = last.filter(|(known, _)| *known == until) {
            let before = i128::from(*sum);
            *sum = sum.saturating_add(number);
            self.total += i128::from(*sum) - before;
            return;
        }
        self.moments.insert(at, (until, number));
        self.total += i128::from(number);
        if self.moments.len() > moments_max
            && let Some((_, oldest)) = self.moments.pop_front()
            && let Some((_, next)) = self.moments.front_mut()
        {
            let before = i128::from(*next);
            *next = next.saturating_add(oldest);
            self.total += i128::from(*next) - before - i128::from(oldest);
        }
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
