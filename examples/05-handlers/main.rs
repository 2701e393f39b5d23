//! Handlers of everything that can happen to an object, some of them twice.

use kopfrs::prelude::*;

#[on::resume("kopfexamples")]
async fn resume_fn_1() {
    info!("RESUMED 1st");
}

#[on::create("kopfexamples")]
async fn create_fn_1() {
    info!("CREATED 1st");
}

#[on::resume("kopfexamples")]
async fn resume_fn_2() {
    info!("RESUMED 2nd");
}

#[on::create("kopfexamples")]
async fn create_fn_2() {
    info!("CREATED 2nd");
}

#[on::update("kopfexamples")]
async fn update_fn(old: &Value, new: &Value, diff: &Diff) {
    info!("UPDATED: {diff}");
    debug!("from {old} to {new}");
}

#[on::delete("kopfexamples")]
async fn delete_fn_1() {
    info!("DELETED 1st");
}

#[on::delete("kopfexamples")]
async fn delete_fn_2() {
    info!("DELETED 2nd");
}

#[on::field("kopfexamples", field = "spec.field")]
async fn field_fn(old: Option<String>, new: Option<String>) {
    info!("FIELD CHANGED: {old:?} -> {new:?}");
}

kopfrs::main!();

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn handlers_are_functions() {
        let (old, new) = (
            json!({ "spec": { "field": 1 } }),
            json!({ "spec": { "field": 2 } }),
        );
        update_fn(&old, &new, &Diff::of(&old, &new)).await;
        field_fn(None, Some("value".to_owned())).await;
    }
}
