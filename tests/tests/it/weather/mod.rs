//! Operators in bad weather: other controllers that write all the time, servers that refuse, stop
//! and come back, credentials that end, rights that lack.

mod crowd;
mod logins;
mod outages;
mod refusals;
mod station;
mod streams;
