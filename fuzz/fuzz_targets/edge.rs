//! The entry point of cargo-fuzz for the target `edge`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    fuzz::run("edge", input);
});
