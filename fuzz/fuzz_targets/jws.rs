//! The entry point of cargo-fuzz for the target `jws`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    fuzz::run("jws", input);
});
