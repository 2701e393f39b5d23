//! The attributes of kopfrs.
