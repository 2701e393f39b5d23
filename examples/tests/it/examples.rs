//! The examples themselves. Their functions `main` have nothing to do here.

#![allow(dead_code, reason = "in a test, nobody runs the programs")]

#[path = "../../01-minimal/main.rs"]
mod minimal;

#[path = "../../02-children/main.rs"]
mod children;

#[path = "../../03-exceptions/main.rs"]
mod exceptions;

#[path = "../../05-handlers/main.rs"]
mod handlers;

#[path = "../../07-subhandlers/main.rs"]
mod subhandlers;

#[path = "../../08-events/main.rs"]
mod events;

#[path = "../../10-builtins/main.rs"]
mod builtins;

#[path = "../../11-filtering-handlers/main.rs"]
mod filtering_handlers;

#[path = "../../13-hooks/main.rs"]
mod hooks;

#[path = "../../14-daemons/main.rs"]
mod daemons;

#[path = "../../15-timers/main.rs"]
mod timers;

#[path = "../../16-indexing/main.rs"]
mod indexing;

#[path = "../../configmap-story/main.rs"]
mod configmap_story;

#[path = "../../devoops/main.rs"]
mod devoops;

#[path = "../../external-store"]
pub(super) mod external_store {
    pub(crate) mod operator;
    pub(crate) mod store;
}

#[path = "../../kuberator-basic/main.rs"]
mod kuberator_basic;

#[path = "../../kuberator-errors/main.rs"]
mod kuberator_errors;

#[path = "../../kuberator-status/main.rs"]
mod kuberator_status;
