//! Kinds of objects: how users name them, and what the API says of them.

mod kind;
mod selector;

pub use self::kind::Resource;
pub use self::selector::{Selector, SelectorError};
