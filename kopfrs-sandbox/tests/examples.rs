//! The examples do what they say.

#[path = "../examples/controller.rs"]
mod controller;
#[path = "../examples/over_tls.rs"]
mod over_tls;

#[test]
fn the_controller_is_tested_in_no_time() {
    controller::main().expect("what the example asserts");
}

#[test]
fn the_server_is_reached_over_tls() {
    over_tls::main().expect("what the example asserts");
}
