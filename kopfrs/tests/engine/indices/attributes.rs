//! Indices that are declared by attributes: whatever functions return, and whoever takes them.

#![allow(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    clippy::unused_async,
    clippy::used_underscore_binding,
    reason = "functions are declared for their signatures"
)]

use std::sync::Mutex;

use k8s_openapi::api::core::v1::ConfigMap;
use kopfrs::index::IndexShape;
use kopfrs::prelude::*;

use super::create_map;
use crate::bench::{Bench, Demo, Status};

/// What the handlers of the operator below have seen.
static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn see(text: String) {
    SEEN.lock().unwrap().push(text);
}

mod operator {
    use std::collections::{BTreeMap, HashMap};

    use k8s_openapi::api::core::v1::ConfigMap;
    use kopfrs::cause::IndexingCause;
    use kopfrs::prelude::*;

    use super::see;
    use crate::bench::Demo;

    /// No value of serde's, and no key that is a text.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct Length(pub(super) usize);

    #[on::index(ConfigMap, labels(role = PRESENT))]
    fn hashed(name: &str, labels: BTreeMap<String, String>) -> HashMap<String, String> {
        HashMap::from([(labels["role"].clone(), name.to_owned())])
    }

    #[on::index(ConfigMap, id = "sorted")]
    async fn named_otherwise(
        namespace: &str,
        name: &str,
    ) -> Result<BTreeMap<(String, String), Length>> {
        let length = Length(name.len());
        Ok(BTreeMap::from([(
            (namespace.to_owned(), name.to_owned()),
            length,
        )]))
    }

    #[on::index(ConfigMap)]
    #[on::index(Demo)]
    fn pairs(name: &str) -> Vec<(Length, String)> {
        vec![(Length(name.len()), name.to_owned())]
    }

    #[on::index(ConfigMap, field = "data.value")]
    fn maybe(name: &str) -> Result<Option<Indexed<&'static str, String>>, std::io::Error> {
        Ok((name == "a").then(|| Indexed::new().entry("is", name.to_owned())))
    }

    #[on::index(ConfigMap)]
    fn plain(body: &Body, retry: u32, cause: &IndexingCause) -> String {
        format!("{}{retry}{}", body.name(), cause.body.name().len())
    }

    #[on::index(ConfigMap)]
    fn lists(name: &str) -> Vec<String> {
        vec![name.to_owned()]
    }

    #[on::index(ConfigMap, retries = 2, errors = permanent)]
    async fn fallible(name: &str) -> Result<Length, String> {
        if name == "a" {
            Ok(Length(1))
        } else {
            Err("not a".to_owned())
        }
    }

    #[on::index(ConfigMap)]
    fn optional(name: &str) -> Option<Arc<Length>> {
        (name == "a").then(|| Arc::new(Length(7)))
    }

    #[on::index(ConfigMap)]
    async fn both(name: &str) -> Result<Option<u8>> {
        Ok((name == "a").then_some(3))
    }

    /// Takes all of them, next to arguments of its own.
    #[on::create(Demo)]
    #[expect(clippy::too_many_arguments, reason = "it takes whatever there is")]
    async fn create(
        name: &str,
        hashed: Index<String, String>,
        sorted: &Index<(String, String), Length>,
        pairs: Index<Length, String>,
        maybe: Index<&'static str, String>,
        plain: &Index<(), String>,
        lists: Index<(), Vec<String>>,
        optional: Index<(), Arc<Length>>,
    ) {
        see(format!("{name} {:?}", hashed.get("x").to_vec()));
        see(format!("{sorted:?}"));
        see(format!(
            "{:?} {:?}",
            pairs.get(&Length(1)).to_vec(),
            pairs.get(&Length(4))
        ));
        see(format!("{maybe:?} {plain:?} {lists:?} {optional:?}"));
    }

    #[on::event(Demo)]
    fn event(r#type: EventType, fallible: Index<(), Length>, _both: Index<(), u8>) {
        see(format!("{type} {fallible:?} {_both:?}"));
    }

    /// The name of an index goes before that of an argument.
    #[on::index(ConfigMap, id = "spec")]
    fn of_a_known_name(name: &str) -> [(String, u64); 1] {
        [(name.to_owned(), 1)]
    }

    #[on::cleanup]
    fn cleanup(spec: Index<String, u64>) {
        see(format!("cleanup {spec:?}"));
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_a_function_returns_is_looked_up_by_whoever_names_it() {
    let bench = Bench::new(Status::Open).await;
    create_map(&bench, "a", Some("x"), "1").await;
    bench.create("demo", json!({"size": 1})).await;
    // The root certificate is a config map, too.
    let registry = Registry::module(concat!(module_path!(), "::operator"));
    assert_eq!((registry.indexing().len(), registry.len()), (11, 14));
    let running = bench.start(registry).await;
    bench
        .until("the call", || async { SEEN.lock().unwrap().len() >= 5 })
        .await;
    running.stop().await;
    let seen = SEEN.lock().unwrap().clone();
    let has = |text: &str| {
        assert!(
            seen.iter().any(|line| line.contains(text)),
            "{text}: {seen:#?}"
        );
    };
    has("demo [\"a\"]");
    has("(\"default\", \"a\"): [Length(1)]");
    has("[\"a\"] [\"demo\"]");
    has("{\"is\": [\"a\"]}");
    has("a01");
    has("[[\"a\"]");
    has("{(): [Length(7)]}");
    has("LISTED {(): [Length(1)]} {(): [3]}");
    has("cleanup {\"a\": [1]");
}

#[test]
fn the_types_of_an_index_are_known_from_its_function() {
    let registry = Registry::module(concat!(module_path!(), "::operator"));
    let shapes: Vec<_> = registry
        .indexing()
        .iter()
        .map(|handler| (handler.id.clone(), handler.rule.shape.unwrap().to_string()))
        .collect();
    let expected = [
        ("hashed", "Index<String, String>"),
        ("sorted", "Index<(String, String), Length>"),
        ("pairs", "Index<Length, String>"),
        ("pairs", "Index<Length, String>"),
        ("maybe", "Index<&str, String>"),
        ("plain", "Index<(), String>"),
        ("lists", "Index<(), Vec<String>>"),
        ("fallible", "Index<(), Length>"),
        ("optional", "Index<(), Arc<Length>>"),
        ("both", "Index<(), u8>"),
        ("spec", "Index<String, u64>"),
    ];
    assert_eq!(
        shapes,
        expected.map(|(id, shape)| (id.to_owned(), shape.to_owned()))
    );
    assert_eq!(registry.check_indices(), Ok(()));
    let taken: Vec<_> = registry
        .changing()
        .iter()
        .flat_map(|h| &h.indices)
        .collect();
    assert_eq!(taken.len(), 7);
    assert_eq!(
        (&*taken[1].id, taken[1].shape),
        (
            "sorted",
            IndexShape::of::<(String, String), operator::Length>()
        )
    );
}

mod mistaken {
    use super::{ConfigMap, Demo, Index, on};

    #[on::index(ConfigMap)]
    fn names(name: &str) -> String {
        name.to_owned()
    }

    #[on::update(Demo)]
    fn update(names: Index<String, String>) -> usize {
        names.len()
    }
}

#[test]
fn an_index_of_other_types_is_refused_before_the_operator_starts() {
    let registry = Registry::module(concat!(module_path!(), "::mistaken"));
    let error = Operator::builder().registry(registry).build().unwrap_err();
    let text = error.to_string();
    for part in [
        "`update`",
        "`names`",
        "Index<String, String>",
        "Index<(), String>",
        "attributes.rs",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
