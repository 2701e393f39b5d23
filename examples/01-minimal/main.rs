//! The smallest operator: one handler of creations. What it returns goes to the status.

use kopfrs::prelude::*;

#[on::create("kopfexamples")]
fn create_fn(spec: &Value) -> Value {
    info!("And here we are! Creating: {spec}");
    json!({ "message": "hello world" }) // will be `status.create_fn`
}

kopfrs::main!();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_hello() {
        let result = create_fn(&json!({ "duration": "1m" }));
        assert_eq!(result, json!({ "message": "hello world" }));
    }
}
