//! Entries that wait, in lanes: one for each platform and key. A million of them are held in few bytes each.

use std::collections::{HashMap, VecDeque};

use crate::entry::EntryId;
use crate::store::Waiting;

/// The lanes.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: HashMap<i64, Lane>,
    nodes: Vec<Node>,
    /// The first of the nodes that are free, which are linked as a lane is.
    free: Option<u32>,
    /// Lanes whose first entry can be worked on.
    ready: VecDeque<i64>,
}

/// A lane is there as long as it has entries. Its first one is ready, worked on or parked.
#[derive(Debug)]
struct Lane {
    first: u32,
    last: u32,
    is_parked: bool,
}

#[derive(Debug)]
struct Node {
    id: i64,
    next: u32,
    /// When it was received, in seconds since 1970.
    received_s: u32,
}

/// No node.
const NONE: u32 = u32::MAX;

impl Lanes {
    /// Adds an entry at the end of its lane.
    pub(super) fn push(&mut self, entry: Waiting) {
        let received_s = u32::try_from(entry.received_unix_ms / 1000).unwrap_or(0);
        let node = self.new_node(Node { id: entry.id.0, next: NONE, received_s });
        match self.lanes.get_mut(&entry.lane) {
            Some(lane) => {
                let last = std::mem::replace(&mut lane.last, node);
                if let Some(last) = self.nodes.get_mut(last as usize) {
                    last.next = node;
                }
            }
            None => {
                self.lanes.insert(entry.lane, Lane { first: node, last: node, is_parked: false });
                self.ready.push_back(entry.lane);
            }
        }
    }

    fn new_node(&mut self, new: Node) -> u32 {
        let Some(free) = self.free else {
            self.nodes.push(new);
            return u32::try_from(self.nodes.len() - 1).unwrap_or(NONE);
        };
        if let Some(node) = self.nodes.get_mut(free as usize) {
            self.free = Some(node.next).filter(|next| *next != NONE);
            *node = new;
        }
        free
    }

    /// The first entry of a lane that is ready, with the lane. The lane is not ready any more.
    pub(super) fn next(&mut self) -> Option<(EntryId, i64)> {
        loop {
            let number = self.ready.pop_front()?;
            let first = self.lanes.get(&number).and_then(|lane| self.nodes.get(lane.first as usize));
            if let Some(node) = first {
                return Some((EntryId(node.id), number));
            }
        }
    }

    /// Removes the first entry of a lane, which is not ready; the next one makes it ready.
    pub(super) fn advance(&mut self, number: i64) {
        let Some(lane) = self.lanes.get_mut(&number) else { return };
        let first = lane.first;
        let Some(node) = self.nodes.get_mut(first as usize) else { return };
        let next = std::mem::replace(&mut node.next, self.free.unwrap_or(NONE));
        self.free = Some(first);
        if next == NONE {
            self.lanes.remove(&number);
            self.shrink();
        } else {
            lane.first = next;
            self.ready.push_back(number);
        }
    }

    /// How many lanes there are.
    pub(super) fn count(&self) -> usize {
        self.lanes.len()
    }

    /// When the oldest entry was received, to the second, in milliseconds since 1970.
    pub(super) fn oldest_unix_ms(&self) -> Option<i64> {
        let firsts = self.lanes.values().filter_map(|lane| self.nodes.get(lane.first as usize));
        firsts.map(|node| i64::from(node.received_s) * 1000).min()
    }

    /// Gives back memory after a backlog.
    fn shrink(&mut self) {
        if self.lanes.is_empty() && self.nodes.len() > KEPT_MAX {
            *self = Self::default();
        }
    }

    /// Has a lane wait, which is not ready.
    pub(super) fn park(&mut self, number: i64) {
        if let Some(lane) = self.lanes.get_mut(&number) {
            lane.is_parked = true;
        }
    }

    /// Makes a lane that waits ready again.
    pub(super) fn unpark(&mut self, number: i64) {
        if let Some(lane) = self.lanes.get_mut(&number).filter(|lane| lane.is_parked) {
            lane.is_parked = false;
            self.ready.push_back(number);
        }
    }
}

/// Nodes that stay allocated when nothing waits.
const KEPT_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: i64, lane: i64) -> Waiting {
        Waiting { id: EntryId(id), lane, due_unix_ms: 0, received_unix_ms: 0, attempts: 0 }
    }

    fn next(lanes: &mut Lanes) -> Option<i64> {
        lanes.next().map(|(id, _)| id.0)
    }

    #[test]
    fn lanes_are_worked_off_in_order_and_beside_each_other() {
        let mut lanes = Lanes::default();
        for (id, lane) in [(1, 7), (2, 7), (3, 8), (4, 7)] {
            lanes.push(entry(id, lane));
        }
        assert_eq!([next(&mut lanes), next(&mut lanes), next(&mut lanes)], [Some(1), Some(3), None]);
        lanes.advance(7);
        assert_eq!([next(&mut lanes), next(&mut lanes)], [Some(2), None]);
        lanes.advance(8);
        lanes.push(entry(5, 8));
        assert_eq!([next(&mut lanes), next(&mut lanes)], [Some(5), None]);
        lanes.advance(7);
        assert_eq!(next(&mut lanes), Some(4));
        lanes.advance(7);
        lanes.advance(8);
        assert!(lanes.lanes.is_empty());
        assert_eq!(lanes.nodes.len(), 4, "nodes are used again");
    }

    #[test]
    fn a_parked_lane_waits_with_everything_in_it() {
        let mut lanes = Lanes::default();
        lanes.push(entry(1, 7));
        assert_eq!(next(&mut lanes), Some(1));
        lanes.park(7);
        lanes.push(entry(2, 7));
        lanes.push(entry(3, 8));
        assert_eq!([next(&mut lanes), next(&mut lanes)], [Some(3), None]);
        lanes.unpark(7);
        lanes.unpark(7);
        assert_eq!([next(&mut lanes), next(&mut lanes)], [Some(1), None], "once");
    }
}
