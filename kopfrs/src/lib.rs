//! kopfrs
