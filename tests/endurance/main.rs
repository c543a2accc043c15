//! What must hold over many repetitions. A short version of each runs with all tests; the full one with
//! `cargo test --workspace --test endurance -- --ignored SUBJECT --nocapture`. Each prints its figures.

mod replay;
