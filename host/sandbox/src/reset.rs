//! How a reset ends.

/// What became of an instance's memory after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reset {
    /// It is as the snapshot has it.
    Done,
    /// It must not be used any more because of what calls did to it: it has grown, or more of it was touched than is put
    /// back.
    Spoiled,
    /// It must not be used any more because its contents are not known; or it should not, because a new one is cheaper.
    Unfit,
}
