//! kopfrs-sandbox
