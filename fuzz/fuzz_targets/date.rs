#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| recant_cli::fuzzing::date(input));
