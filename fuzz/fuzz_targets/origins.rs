//! The entry point of cargo-fuzz for the target `origins`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    fuzz::run("origins", input);
});
