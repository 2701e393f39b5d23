//! Four ways to fail: for good, for now, too often, and for good whatever the error.

use std::io;

use kopfrs::prelude::*;

#[on::create("kopfexamples")]
fn instant_failure() -> Result<(), PermanentError> {
    Err(PermanentError::new("fail once and for all"))
}

#[on::create("kopfexamples")]
fn eventual_success(retry: u32) -> Result<(), TemporaryError> {
    if retry < 3 {
        return Err(TemporaryError::after_secs("expected to recover", 1));
    }
    Ok(())
}

#[on::create("kopfexamples", retries = 3, backoff = 1)]
fn eventual_failure() -> Result {
    Err(io::Error::other("never going to work").into())
}

#[on::create("kopfexamples", errors = permanent)]
fn instant_failure_of_any_error() -> Result {
    Err(io::Error::other("not even tried again").into())
}

kopfrs::main!();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fourth_attempt_succeeds() {
        let attempts: Vec<_> = (0..4)
            .map(|retry| eventual_success(retry).is_ok())
            .collect();
        assert_eq!(attempts, [false, false, false, true]);
    }

    #[test]
    fn errors_keep_their_messages() {
        let error = eventual_failure().unwrap_err();
        assert_eq!(error.message(), "never going to work");
    }
}
