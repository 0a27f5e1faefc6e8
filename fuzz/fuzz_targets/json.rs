//! The entry point of cargo-fuzz for the target `json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    fuzz::run("json", input);
});
