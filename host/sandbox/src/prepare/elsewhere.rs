//! Systems without Unix's limits for processes: only the parent's timeout ends the child.

use crate::limits::LoadingLimits;

pub(super) fn give_way() {}

pub(super) fn limit(_: &LoadingLimits) {}
