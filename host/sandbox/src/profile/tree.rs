//! Accounts for fuel, per function and per call path.

use std::collections::HashMap;

/// Deepest stack that is distinguished, in frames; everything deeper is merged into one more frame. Deeper stacks are
/// recursion, and a flamegraph of them is unreadable.
pub const STACK_FRAMES_MAX: usize = 256;

/// Maximum number of stacks that are distinguished; beyond it, new callees of a function are merged into one frame. The
/// shipped plugins have some hundreds. This limits memory to some tens of MiB: recursion can create as many stacks as
/// there is fuel.
pub const STACKS_MAX: usize = 200_000;

/// wasmtime's charge for entering a function, before any of its instructions: attributed to the callee, though it is
/// burnt before the hook.
const BEGIN_FUEL: u64 = 1;

/// What one function burnt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) calls: u64,
    pub(crate) own: u64,
    pub(crate) total: u64,
    /// How many of its calls are running.
    running: u64,
    /// What was burnt when the first of them began.
    began_at: u64,
}

/// A call path.
#[derive(Debug)]
struct Node {
    parent: Option<usize>,
    /// `None`: any function, beyond the bounds.
    function: Option<u32>,
    frames: usize,
    own: u64,
}

/// The fuel attributed.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    counts: HashMap<u32, Count>,
    nodes: Vec<Node>,
    children: HashMap<(Option<usize>, Option<u32>), usize>,
    /// Functions that are running, with their nodes.
    running: Vec<(u32, usize)>,
    /// What this call had burnt at the last reading.
    burnt: u64,
    /// How much of it is attributed at most.
    burnt_max: u64,
    /// What earlier calls burnt.
    before: u64,
}

impl Tree {
    /// Starts a call. At most `burnt_max` of its fuel is attributed.
    pub(crate) fn begin(&mut self, burnt_max: u64) {
        self.burnt_max = burnt_max;
    }

    /// A function has been entered, when `burnt` units had been burnt, including the charge for entering it.
    pub(crate) fn enter(&mut self, function: u32, burnt: u64) {
        if !self.running.is_empty() {
            self.burn(burnt.saturating_sub(BEGIN_FUEL));
        }
        let (began_at, is_counted) = (self.burnt, burnt <= self.burnt_max);
        let count = self.count(function);
        count.calls += u64::from(is_counted);
        count.running += 1;
        if count.running == 1 {
            count.began_at = began_at;
        }
        let node = self.node(function);
        self.running.push((function, node));
        self.burn(burnt);
    }

    /// The function entered last has ended.
    pub(crate) fn leave(&mut self, burnt: u64) {
        self.burn(burnt);
        let Some((function, _)) = self.running.pop() else { return };
        let burnt = self.burnt;
        let count = self.count(function);
        count.running = count.running.saturating_sub(1);
        if count.running == 0 {
            count.total += burnt.saturating_sub(count.began_at);
        }
    }

    /// The call has ended, and all functions with it.
    pub(crate) fn end(&mut self, burnt: u64) {
        self.burn(burnt);
        while !self.running.is_empty() {
            self.leave(burnt);
        }
        self.before += std::mem::take(&mut self.burnt);
    }

    /// All fuel burnt.
    pub(crate) fn fuel(&self) -> u64 {
        self.before + self.burnt
    }

    /// The functions that were called, in no order.
    pub(crate) fn functions(&self) -> impl Iterator<Item = (u32, Count)> {
        self.counts.iter().map(|(function, count)| (*function, *count)).filter(|(_, count)| count.calls > 0)
    }

    /// The functions of each stack, outermost first, and what the last of them burnt there; `None` represents those
    /// beyond the bounds. Stacks that burnt nothing of their own are left out.
    pub(crate) fn stacks(&self) -> Vec<(Vec<Option<u32>>, u64)> {
        let burning = self.nodes.iter().filter(|node| node.own > 0);
        let stack = |node: &Node| {
            let above = |node: &&Node| node.parent.and_then(|parent| self.nodes.get(parent));
            let mut frames: Vec<_> = std::iter::successors(Some(node), above).map(|node| node.function).collect();
            frames.reverse();
            (frames, node.own)
        };
        burning.map(stack).collect()
    }

    /// Attributes the fuel burnt since the last reading to the running function.
    fn burn(&mut self, burnt: u64) {
        let fuel = burnt.min(self.burnt_max).saturating_sub(self.burnt);
        self.burnt += fuel;
        if let Some((function, node)) = self.running.last().copied() {
            self.count(function).own += fuel;
            if let Some(node) = self.nodes.get_mut(node) {
                node.own += fuel;
            }
        }
    }

    fn count(&mut self, function: u32) -> &mut Count {
        self.counts.entry(function).or_default()
    }

    /// The node for calling `function` from the current position.
    fn node(&mut self, function: u32) -> usize {
        let parent = self.running.last().map(|(_, node)| *node);
        let (above, frames) = match parent.and_then(|parent| self.nodes.get(parent)) {
            // Beyond the bounds, everything is merged.
            Some(Node { function: None, .. }) => return parent.unwrap_or_default(),
            Some(node) => (parent, node.frames),
            None => (None, 0),
        };
        if let Some(known) = self.children.get(&(above, Some(function))) {
            return *known;
        }
        let is_bounded = frames < STACK_FRAMES_MAX && self.nodes.len() < STACKS_MAX;
        let function = is_bounded.then_some(function);
        let nodes = &mut self.nodes;
        *self.children.entry((above, function)).or_insert_with(|| {
            nodes.push(Node { parent: above, function, frames: frames + 1, own: 0 });
            nodes.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_beyond_the_bounds_is_one_frame() {
        let mut tree = Tree::default();
        let functions = u32::try_from(STACKS_MAX).unwrap() + 10;
        tree.begin(u64::MAX);
        for function in 0..functions {
            // Each burns 1 on entry and 4 more.
            tree.enter(function, u64::from(function) * 5 + 1);
            tree.leave(u64::from(function) * 5 + 5);
        }
        tree.end(u64::from(functions) * 5);
        assert_eq!(tree.fuel(), u64::from(functions) * 5);
        assert_eq!(tree.functions().map(|(_, count)| count.own).sum::<u64>(), tree.fuel());
        let stacks = tree.stacks();
        assert_eq!(stacks.len(), STACKS_MAX + 1);
        assert_eq!(stacks.last().unwrap(), &(vec![None], 50));
    }

    #[test]
    fn several_calls_add_up_and_recursion_counts_once() {
        let mut tree = Tree::default();
        for _ in 0..2 {
            tree.begin(7);
            tree.enter(0, 1);
            tree.enter(1, 4);
            tree.enter(0, 6);
            // Beyond what is attributed, and never left: the call traps.
            tree.enter(2, 9);
            tree.end(12);
        }
        let mut functions: Vec<_> =
            tree.functions().map(|(at, count)| (at, count.calls, count.own, count.total)).collect();
        functions.sort_unstable();
        assert_eq!(functions, [(0, 4, 10, 14), (1, 2, 4, 8)]);
        assert_eq!(tree.fuel(), 14);
        let stacks = [(vec![Some(0)], 6), (vec![Some(0), Some(1)], 4), (vec![Some(0), Some(1), Some(0)], 4)];
        assert_eq!(tree.stacks(), stacks);
    }
}
