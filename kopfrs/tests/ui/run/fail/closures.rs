#![allow(unused)]

use k8s_openapi::api::core::v1::Pod;
use kopfrs::prelude::*;

struct Mine;

fn main() {
    let _ = on::create::<Pod>().run(async |name: String| {});
    let _ = on::create::<Pod>().run(|body: Body| {});
    let _ = on::create::<Pod>().run(async |body: Body| Mine);
    let _ = on::event::<Pod>().run(async |diff: Diff| {});
    let _ = on::create::<Pod>().run_blocking(|instant: std::time::Instant| {});
    let _ = on::event::<Pod>().retries(5);
    let _ = on::create::<Pod>().old(5);
    let _ = on::field::<Pod>().run(async || {});
    let _ = on::create::<Pod>().label("app", 5);
}
