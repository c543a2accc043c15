//! What must hold for long and under load. Each subject has a short run, which is one of the usual tests, and a full one:
//! `cargo test --workspace --test endurance -- --ignored SUBJECT --nocapture`. Each prints its figures.

mod reload;
