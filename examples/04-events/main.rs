//! Kubernetes Events about an object: what people see with `kubectl describe`.

use kopfrs::api::Severity;
use kopfrs::prelude::*;

#[on::create("kopfexamples")]
#[expect(clippy::needless_pass_by_value, reason = "handlers get their own")]
fn create_fn(body: &Body, events: Events) {
    // Whatever it is.
    events.event(body, Severity::Normal, "SomeReason", "Some message");

    // What it usually is.
    events.info(body, "SomeInfo", "Some information");
    events.warn(body, "SomeWarning", "Some warning");
    if let Err(error) = "some text".parse::<u32>() {
        events.exception(body, "SomeError", "Some failure:", &error);
    }
}

kopfrs::main!();

#[cfg(test)]
mod tests {
    use kopfrs::api::Recorder;

    use super::*;

    #[tokio::test]
    async fn four_things_are_told() {
        let recorder = Recorder::new();
        let body = json!({
            "apiVersion": "kopf.dev/v1", "kind": "KopfExample", "metadata": {"name": "a", "namespace": "b"},
        });
        create_fn(&Body::new(body), Events::of(&recorder.actions()));
        let notes = recorder.notes().into_iter();
        let reasons: Vec<_> = notes.map(|(_, note)| note.reason).collect();
        let expected = ["SomeReason", "SomeInfo", "SomeWarning", "SomeError"];
        assert_eq!(reasons, expected);
    }
}
