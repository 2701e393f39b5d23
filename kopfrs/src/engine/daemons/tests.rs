//! Daemons on an object that is not there: how they are called, and how they end.
