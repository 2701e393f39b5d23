//! What the program has to manage, with limits that hold on a busy machine; `--nocapture` shows the numbers.

use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
};
use serde_json::json;

use super::process::serve;

/// Whether the compiler was asked for speed.
const IS_FAST: bool = !cfg!(debug_assertions);

fn map(name: String) -> ConfigMap {
    let mut map = ConfigMap {
        data: Some([("key".to_owned(), "a value of some length".repeat(10))].into()),
        ..ConfigMap::default()
    };
    map.metadata.name = Some(name);
    map
}

async fn create(maps: &Api<ConfigMap>, prefix: &str, count: usize) {
    let creations = stream::iter(0..count).map(async |index| {
        let map = map(format!("{prefix}{index}"));
        maps.create(&PostParams::default(), &map).await
    });
    let made = creations
        .buffer_unordered(32)
        .try_for_each(async |_| Ok(()));
    made.await.expect("created");
}

#[tokio::test]
async fn it_is_ready_at_once() {
    let limit = Duration::from_millis(if IS_FAST { 50 } else { 1000 });
    let mut best = Duration::MAX;
    // The best of some: what else the machine does is no delay of ours.
    for _ in 0..10 {
        let begin = Instant::now();
        let program = serve(&[]).await;
        best = best.min(begin.elapsed());
        assert!(program.signal("INT").await.status.success());
    }
    println!("ready after {best:?}");
    assert!(best < limit, "ready after {best:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn many_objects_are_made_quickly_and_kept_in_little_memory() {
    let (count, limit) = if IS_FAST {
        (10_000, Duration::from_secs(30))
    } else {
        (1_000, Duration::from_secs(60))
    };
    let program = serve(&[]).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(program.client().await);
    // Connections and caches are no objects.
    let earlier = 200;
    create(&maps, "earlier", earlier).await;
    let before = resident(program.id());
    let begin = Instant::now();
    create(&maps, "m", count).await;
    let took = begin.elapsed();
    let bytes = resident(program.id()).saturating_sub(before) / count;
    println!("{count} objects made in {took:?}, {bytes} bytes of memory each");
    assert!(took < limit, "{count} objects took {took:?}");
    assert!(
        bytes < 20_480,
        "{bytes} bytes each, with what the journal remembers"
    );
    let begin = Instant::now();
    let all = maps.list(&ListParams::default()).await.expect("a list");
    println!("listed in {:?}", begin.elapsed());
    assert_eq!(all.items.len(), count + earlier);
    assert!(program.signal("INT").await.status.success());
}

/// The bytes of a process that are in memory.
#[cfg(target_os = "linux")]
fn resident(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    1024 * kilobytes
        .and_then(|text| text.parse::<usize>().ok())
        .expect("a number")
}

#[tokio::test]
async fn a_hundred_watchers_see_every_event_in_order_and_once() {
    let (objects, rounds) = if IS_FAST { (200, 5) } else { (50, 3) };
    let program = serve(&[]).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(program.client().await);
    let start = maps.list(&ListParams::default()).await.expect("a list");
    let from = start.metadata.resource_version.expect("a version");
    let total = objects * (rounds + 1);
    let watch = async || {
        let events = maps
            .watch(&WatchParams::default(), &from)
            .await
            .expect("a watch");
        let seen: Vec<WatchEvent<ConfigMap>> =
            events.take(total).try_collect().await.expect("events");
        seen.iter().map(told).collect::<Vec<_>>()
    };
    let watchers: Vec<_> = (0..100).map(|_| watch()).collect();
    let write = async {
        create(&maps, "m", objects).await;
        for round in 0..rounds {
            for index in 0..objects {
                let patch = Patch::Merge(json!({"data": {"round": round.to_string()}}));
                let name = format!("m{index}");
                maps.patch(&name, &PatchParams::default(), &patch)
                    .await
                    .expect("patched");
            }
        }
    };
    let begin = Instant::now();
    let (seen, ()) = tokio::join!(futures::future::join_all(watchers), write);
    println!(
        "100 watchers saw {total} events each in {:?}",
        begin.elapsed()
    );
    let first = &seen[0];
    assert_eq!(first.len(), total);
    assert!(
        first.is_sorted_by(|(one, _), (next, _)| one < next),
        "in order, and once"
    );
    for index in 0..objects {
        let name = format!("m{index}");
        let events = first.iter().filter(|(_, told)| told[1..] == name);
        let events: String = events.map(|(_, told)| &told[..1]).collect();
        assert_eq!(events, format!("+{}", "~".repeat(rounds)), "{name}");
    }
    assert!(seen.iter().all(|other| other == first), "all see the same");
    assert!(program.signal("INT").await.status.success());
}

/// The version of an event, and what it tells.
fn told(event: &WatchEvent<ConfigMap>) -> (u64, String) {
    let (sign, map) = match event {
        WatchEvent::Added(map) => ('+', map),
        WatchEvent::Modified(map) => ('~', map),
        other => panic!("{other:?}"),
    };
    let version = map.resource_version().expect("a version");
    (
        version.parse().expect("a number"),
        format!("{sign}{}", map.name_any()),
    )
}
