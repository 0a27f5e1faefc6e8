//! The entry point of cargo-fuzz for the target `http_front`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    fuzz::run("http_front", input);
});
