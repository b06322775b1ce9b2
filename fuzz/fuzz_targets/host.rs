#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| recant_core::fuzzing::host(input));
