//! What strangers send: nothing of it may hang the server, take it down, or fill its memory, and each gets the answer
//! that a real server gives.

mod bodies;
mod definitions;
mod http2;
mod many;
mod patches;
mod paths;
mod queries;
mod subject;
mod wire;
