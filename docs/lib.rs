//! The guide of kopfrs.
