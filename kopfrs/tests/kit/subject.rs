//! What the tests of the kit look at: a kind, and handlers of it.

use kopfrs::cause::ChangingCause;
use kopfrs::prelude::*;
use kopfrs::testing::Test;

#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(group = "kit.example.com", version = "v1", kind = "Gauge", namespaced)]
#[kube(status = "GaugeStatus")]
pub(crate) struct GaugeSpec {
    pub(crate) size: u32,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub(crate) struct GaugeStatus {
    pub(crate) size: u32,
}

pub(crate) fn gauge(name: &str, size: u32) -> Gauge {
    Gauge::new(name, GaugeSpec { size })
}

/// Shows the size in the status, at creation and at updates.
pub(crate) fn showing() -> Registry {
    let show = |call: Arc<Invocation<ChangingCause>>| {
        let size = call.cause.body.spec()["size"].clone();
        info!("the size is {size}");
        call.cause.patch.status(json!({ "size": size }));
        std::future::ready(())
    };
    Registry::new()
        .add(on::create::<Gauge>().id("create").run(show))
        .add(on::update::<Gauge>().id("update").run(show))
        .add(on::delete::<Gauge>().id("delete").run(async || {}))
}

/// Fails at each creation, and is tried again a minute later.
pub(crate) fn failing() -> Registry {
    let fail = async || Err::<(), _>(TemporaryError::after_secs("not today", 60));
    Registry::new().add(on::create::<Gauge>().id("fail").run(fail))
}

/// What a test has panicked with.
pub(crate) fn failure_of<T>(
    test: Test,
    run: impl AsyncFnOnce(kopfrs::testing::Cluster) -> T,
) -> String {
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test.run(run)));
    let panic = ended.err().expect("the test fails");
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .expect("it says why")
}
