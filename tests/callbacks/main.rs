//! Callgate from outside, one subject a file.

mod faults;
