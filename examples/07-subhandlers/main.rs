//! One sub-handler for each item of a list in the object: each is retried, and has a result, by itself.

use kopfrs::prelude::*;

#[on::create("kopfexamples")]
fn create_fn(spec: &Value, subs: &Subhandlers) {
    for item in spec["items"].as_array().into_iter().flatten() {
        let item = item.as_str().unwrap_or_default().to_owned();
        subs.register(format!("item-{item}"))
            .retries(3)
            .run(async move |attempt: Attempt| {
                info!("handling item {item}, attempt {}", attempt.retry);
                json!({ "item": item })
            });
    }
}

kopfrs::main!();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_has_a_sub_handler() {
        let subs = Subhandlers::default();
        create_fn(&json!({ "items": ["a", "b"] }), &subs);
        assert_eq!(subs.ids(), ["item-a", "item-b"]);
    }
}
