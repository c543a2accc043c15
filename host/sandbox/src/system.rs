//! What a system may forbid, told from the words of an error: wasmtime has no types for these.

/// What to do where the system does not let compiled code be run.
pub(crate) const NOT_EXECUTABLE: &str = "this system forbids memory that was written to be executed, which compiled plugins \
                                         need: remove MemoryDenyWriteExecute= from the systemd unit, or what else forbids \
                                         it (SELinux: execmem)";

/// Whether an error says that compiled code could not be made executable.
pub(crate) fn is_not_executable(words: &str) -> bool {
    words.contains("make memory executable")
}

/// Whether an error says that memory could not be reserved.
pub(crate) fn is_out_of_space(words: &str) -> bool {
    words.contains("Cannot allocate memory") || words.contains("os error 12")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_wasmtime_are_known() {
        // As seen under MemoryDenyWriteExecute= and `ulimit -v`.
        let written =
            "unable to make memory executable: failed to make memory executable: Permission denied (os error 13)";
        assert!(is_not_executable(written) && !is_out_of_space(written));
        let reserved = "failed to create memory pool mapping: mmap failed to reserve 0x308000000 bytes: Cannot allocate memory (os error 12)";
        assert!(is_out_of_space(reserved) && !is_not_executable(reserved));
    }
}
