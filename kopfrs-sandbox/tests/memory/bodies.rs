//! Bodies that grow when they are read.

use http::Method;

use crate::{
    MEGABYTE, Meter,
    subject::{Answer, MAPS, get, sandbox, write},
};

/// Sends a body; gives the code, and what it took at the most.
async fn peak(content_type: &str, body: String) -> (u16, Option<u64>) {
    let meter = Meter::start().await;
    let sandbox = sandbox().await;
    let client = sandbox.client();
    let Answer(code, _) = write(&client, (Method::POST, MAPS), content_type, body).await;
    assert_eq!(get(&client, "/readyz").await, Answer(200, "ok".to_owned()));
    (code, meter.peak())
}

fn check(peak: Option<u64>) {
    if let Some(peak) = peak {
        println!("{peak} bytes at the most");
        assert!(peak < 200 * MEGABYTE, "{peak} bytes");
    }
}

#[tokio::test]
async fn aliases_of_yaml_that_multiply_are_refused() {
    let levels = (1..9).map(|level| {
        let below = format!("*a{}, ", level - 1).repeat(9);
        format!("a{level}: &a{level} [{below}]\n")
    });
    let levels: Vec<String> = levels.collect();
    let bomb = format!("a0: &a0 [x, x, x, x, x, x, x, x, x]\n{}", levels.concat());
    let (code, peak) = peak("application/yaml", bomb).await;
    assert_eq!(code, 400);
    check(peak);
}

/// A long name, and below it many fields that come twice: each would be named with all that is above it.
#[tokio::test]
async fn fields_that_come_twice_are_not_all_named() {
    let long = "n".repeat(100_000);
    let twice = r#""a":1,"#.repeat(50_000);
    let body = format!(r#"{{"metadata":{{"name":"twice"}},"{long}":{{{twice}"a":1}}}}"#);
    let (code, peak) = peak("application/json", body).await;
    assert_eq!(code, 201);
    check(peak);
}
