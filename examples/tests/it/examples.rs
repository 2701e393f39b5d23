//! The examples themselves. Their functions `main` have nothing to do here.

#![allow(dead_code, reason = "in a test, nobody runs the programs")]

#[path = "../../01-minimal/main.rs"]
mod minimal;

#[path = "../../02-children/main.rs"]
mod children;

#[path = "../../03-exceptions/main.rs"]
mod exceptions;

#[path = "../../04-events/main.rs"]
mod posted_events;

#[path = "../../05-handlers/main.rs"]
mod handlers;

#[path = "../../06-peering/main.rs"]
mod peering;

#[path = "../../07-subhandlers/main.rs"]
mod subhandlers;

#[path = "../../08-events/main.rs"]
mod events;

#[path = "../../09-testing/main.rs"]
mod testing;

#[path = "../../10-builtins/main.rs"]
mod builtins;

#[path = "../../11-filtering-handlers/main.rs"]
mod filtering_handlers;

#[path = "../../12-embedded/main.rs"]
mod embedded;

#[path = "../../13-hooks/main.rs"]
mod hooks;

#[path = "../../14-daemons/main.rs"]
mod daemons;

#[path = "../../15-timers/main.rs"]
mod timers;

#[path = "../../17-admission/main.rs"]
mod admission;

#[path = "../../16-indexing/main.rs"]
mod indexing;

#[path = "../../99-all-at-once/main.rs"]
mod all_at_once;

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
