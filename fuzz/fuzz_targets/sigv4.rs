//! The entry point of cargo-fuzz for the target `sigv4`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    fuzz::run("sigv4", input);
});
