//! See `kopfrs_sandbox::fuzzing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| kopfrs_sandbox::fuzzing::requests(input));
