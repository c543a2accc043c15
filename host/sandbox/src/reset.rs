//! The result of a reset.

/// The state of an instance's memory after a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reset {
    /// It equals the snapshot.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "elsewhere nothing is restored"))]
    Done,
    /// It must not be reused because of what calls did to it: it has grown, or more of it was touched than is restored.
    Spoiled,
    /// It must not be reused because its contents are unknown; or should not be, because a new one is cheaper.
    Unfit,
}
