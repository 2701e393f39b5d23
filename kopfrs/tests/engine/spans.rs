//! In which spans handlers run: whoever collects traces sees what belongs together.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use kopfrs::prelude::*;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::bench::{Bench, Demo, Status};

/// What a span says of itself: its name, and its fields.
struct Said(String);

/// A message, and the spans around it, from the outermost on.
type Logged = (String, Vec<String>);

/// All messages.
#[derive(Clone, Default)]
struct Tree(Arc<Mutex<Vec<Logged>>>);

struct Texts(String);

impl Visit for Texts {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        let _ = write!(self.0, "{}={value:?}", field.name());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Tree {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut texts = Texts(attributes.metadata().name().to_owned());
        attributes.record(&mut texts);
        let span = context.span(id).expect("a new span is there");
        span.extensions_mut().insert(Said(texts.0));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut texts = Texts(String::new());
        event.record(&mut texts);
        let spans = context.event_scope(event).into_iter();
        let spans = spans.flat_map(tracing_subscriber::registry::Scope::from_root);
        let said =
            spans.filter_map(|span| span.extensions().get::<Said>().map(|said| said.0.clone()));
        self.0.lock().unwrap().push((texts.0, said.collect()));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_logs_names_its_object() {
    let tree = Tree::default();
    let _guard = crate::logs::listen(tracing_subscriber::registry().with(tree.clone()));
    let bench = Bench::new(Status::Open).await;
    let create = on::create::<Demo>()
        .id("greet")
        .run(async || info!("hello from inside"));
    let running = bench.start(Registry::new().add(create)).await;
    bench.create("a", json!({"size": 1})).await;
    bench.until_handled("a").await;
    running.stop().await;
    // Whoever is asked says something, too.
    let object = bench.get("a").await.expect("nobody deletes it");
    let events = tree.0.lock().unwrap();
    let (_, spans) = events
        .iter()
        .find(|(message, _)| message.contains("hello from inside"))
        .expect("the handler has logged");
    let last: Vec<&str> = spans.iter().rev().take(2).map(String::as_str).collect();
    let uid = &object["metadata"]["uid"];
    let around =
        format!("object object=default/a api_version=\"example.com/v1\" kind=\"Demo\" uid={uid}");
    assert_eq!(last, ["handler handler=greet", &*around]);
}
