//! The entry point of cargo-fuzz for the target `event_stream`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    fuzz::run("event_stream", input);
});
