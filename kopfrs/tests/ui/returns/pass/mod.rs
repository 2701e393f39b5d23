//! Returned values that are fine.

use std::error::Error;

use k8s_openapi::api::core::v1::Pod;
use kopfrs::api::Credentials;
use kopfrs::prelude::*;

pub(crate) const COUNT: usize = 14;

#[derive(Serialize)]
struct Report {
    pods: u32,
}

#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("broken")
    }
}

impl Error for Broken {}

// An error that could be stored, too: it is an error nevertheless.
#[derive(Debug, Serialize)]
struct Storable;

impl std::fmt::Display for Storable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("storable")
    }
}

impl Error for Storable {}

#[on::create(Pod)]
fn nothing() {}
#[on::create(Pod)]
fn maybe_nothing() -> Option<()> {
    None
}
#[on::create(Pod)]
fn value() -> Value {
    Value::Null
}
#[on::create(Pod)]
fn report() -> Report {
    Report { pods: 1 }
}
#[on::event(Pod)]
async fn maybe_report() -> Option<Report> {
    None
}
#[on::create(Pod)]
async fn text() -> Result<&'static str> {
    let _: u8 = "1".parse()?;
    let _: () = Err(TemporaryError::after_secs("later", 1))?;
    Ok("text")
}
#[on::create(Pod)]
async fn own_error() -> std::result::Result<Report, Broken> {
    Err(Broken)
}
#[on::create(Pod)]
async fn storable_error() -> std::result::Result<Report, Storable> {
    Err(Storable)
}
#[on::create(Pod)]
async fn boxed() -> Result<(), Box<dyn Error + Send + Sync>> {
    Err(Box::new(Broken))
}
#[on::create(Pod)]
async fn either(name: &str) -> Result<Option<Report>> {
    Err(PermanentError::new(name))?;
    Err("text")?;
    Ok(None)
}
#[on::startup]
fn state() -> State<u8> {
    State(5)
}
#[on::startup]
fn states() -> Result<(State<u16>, State<u32>)> {
    Ok((State(5), State(6)))
}
#[on::login]
async fn credentials() -> Result<Option<Credentials>> {
    Ok(None)
}
#[on::cleanup]
async fn cleanup() -> Result {
    Ok(())
}
