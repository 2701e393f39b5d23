//! The attributes under their names for users, with their documentation.

#[doc = include_str!("docs/startup.md")]
pub use kopfrs_macros::on_startup as startup;

#[doc = include_str!("docs/cleanup.md")]
pub use kopfrs_macros::on_cleanup as cleanup;

#[doc = include_str!("docs/login.md")]
pub use kopfrs_macros::on_login as login;

#[doc = include_str!("docs/create.md")]
pub use kopfrs_macros::on_create as create;

#[doc = include_str!("docs/update.md")]
pub use kopfrs_macros::on_update as update;

#[doc = include_str!("docs/delete.md")]
pub use kopfrs_macros::on_delete as delete;

#[doc = include_str!("docs/resume.md")]
pub use kopfrs_macros::on_resume as resume;

#[doc = include_str!("docs/verify.md")]
pub use kopfrs_macros::on_verify as verify;

#[doc = include_str!("docs/complete.md")]
pub use kopfrs_macros::on_complete as complete;

#[doc = include_str!("docs/reconcile.md")]
pub use kopfrs_macros::on_reconcile as reconcile;

#[doc = include_str!("docs/field.md")]
pub use kopfrs_macros::on_field as field;

#[doc = include_str!("docs/daemon.md")]
pub use kopfrs_macros::on_daemon as daemon;

#[doc = include_str!("docs/timer.md")]
pub use kopfrs_macros::on_timer as timer;

#[doc = include_str!("docs/validate.md")]
pub use kopfrs_macros::on_validate as validate;

#[doc = include_str!("docs/mutate.md")]
pub use kopfrs_macros::on_mutate as mutate;

#[doc = include_str!("docs/convert.md")]
pub use kopfrs_macros::on_convert as convert;

#[doc = include_str!("docs/event.md")]
pub use kopfrs_macros::on_event as event;

#[doc = include_str!("docs/index.md")]
pub use kopfrs_macros::on_index as index;
