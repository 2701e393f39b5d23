#![allow(unused)]

use k8s_openapi::api::core::v1::Pod;
use kopfrs::prelude::*;

struct Mine;

#[on::create(Pod)]
fn not_serialisable() -> Mine {
    Mine
}

#[on::create(Pod)]
async fn not_serialisable_inside() -> Result<Mine> {
    Ok(Mine)
}

#[on::create(Pod)]
fn not_an_error() -> std::result::Result<(), Mine> {
    Ok(())
}

#[on::startup]
fn value_of_a_startup() -> u32 {
    5
}

#[on::cleanup]
fn state_of_a_cleanup() -> State<u32> {
    State(5)
}

#[on::login]
async fn text_of_a_login() -> Result<String> {
    Ok(String::new())
}

#[on::create(Pod)]
async fn not_send(name: &str) {
    let shared = std::rc::Rc::new(5);
    async {}.await;
    drop(shared);
}

fn main() {}
