#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| recant_wire::fuzzing::policy(input));
