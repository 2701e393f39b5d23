//! The attributes of kopfrs: parse what the user wrote, check it, then emit a registration beside
//! the function.
//!
//! Called by the compiler only; users reach the attributes as `kopfrs::on::…`, where they are
//! documented. This crate knows names and shapes, never types: whether an argument's type fits is
//! decided by the traits of `kopfrs::extract`.

mod argument;
mod attribute;
mod errors;
mod expand;
mod function;
mod kind;
mod paths;
mod status_error;
mod suggest;
mod test;

use proc_macro::TokenStream;

/// One exported attribute per row: its name in this crate, and the kind of handlers it declares.
macro_rules! attributes {
    ($($name:ident => $kind:literal),* $(,)?) => {$(
        // Documented where users find it: at its re-export.
        #[allow(missing_docs)]
        #[proc_macro_attribute]
        pub fn $name(attribute: TokenStream, item: TokenStream) -> TokenStream {
            expand::expand(kind::find($kind), attribute.into(), &item.into()).into()
        }
    )*};
}

// Documented where users find it: at its re-export.
#[allow(missing_docs)]
#[proc_macro_attribute]
pub fn test(attribute: TokenStream, item: TokenStream) -> TokenStream {
    test::expand(attribute.into(), &item.into()).into()
}

// Documented where users find it: at its re-export.
#[allow(missing_docs)]
#[proc_macro_derive(StatusError, attributes(status_error))]
pub fn status_error(item: TokenStream) -> TokenStream {
    status_error::expand(item.into()).into()
}

attributes! {
    on_startup => "startup",
    on_cleanup => "cleanup",
    on_login => "login",
    on_create => "create",
    on_update => "update",
    on_delete => "delete",
    on_resume => "resume",
    on_verify => "verify",
    on_complete => "complete",
    on_reconcile => "reconcile",
    on_field => "field",
    on_daemon => "daemon",
    on_timer => "timer",
    on_event => "event",
    on_index => "index",
    on_validate => "validate",
    on_mutate => "mutate",
    on_convert => "convert",
}
