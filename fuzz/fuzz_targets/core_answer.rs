//! The entry point of cargo-fuzz for the target `core_answer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    fuzz::run("core_answer", input);
});
