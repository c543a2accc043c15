#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::nets::reply::cast(bytes));
