use serde_json::json;

use super::*;

fn object(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

#[test]
fn a_cursor_sees_every_event_in_order_and_once() {
    let store = Store::new(10);
    let mut cursor = store.cursor("things", None);
    let a = store
        .create("things", "a".into(), Form::default(), object("a"))
        .expect("new");
    let a = store
        .replace("things", "a", a.revision, Form::default(), object("a"))
        .expect("current");
    store.remove("things", "a", a.revision).expect("current");
    let Ok(Read::Events(events)) = store.read(&mut cursor, 10) else {
        panic!("no events")
    };
    let seen: Vec<Change> = events.iter().map(|event| event.change).collect();
    assert_eq!(seen, [Change::Added, Change::Modified, Change::Deleted]);
    assert!(matches!(store.read(&mut cursor, 10), Ok(Read::Events(none)) if none.is_empty()));
}

#[test]
fn what_fell_out_of_the_window_is_compacted() {
    let store = Store::new(2);
    let mut cursor = store.cursor("things", None);
    for name in ["a", "b", "c"] {
        store
            .create("things", name.into(), Form::default(), object(name))
            .expect("new");
    }
    assert!(matches!(store.read(&mut cursor, 10), Err(Compacted { .. })));
}

#[test]
fn a_closed_table_ends_its_readers_after_the_last_event() {
    let store = Store::new(10);
    let mut cursor = store.cursor("things", None);
    store
        .create("things", "a".into(), Form::default(), object("a"))
        .expect("new");
    store.close("things");
    store
        .create("things", "b".into(), Form::default(), object("b"))
        .expect("a second life");
    assert!(matches!(store.read(&mut cursor, 10), Ok(Read::Events(events)) if events.len() == 1));
    assert!(matches!(store.read(&mut cursor, 10), Ok(Read::Ended)));
}

#[test]
fn writes_expect_the_revision_they_saw() {
    let store = Store::new(10);
    let a = store
        .create("things", "a".into(), Form::default(), object("a"))
        .expect("new");
    store
        .replace("things", "a", a.revision, Form::default(), object("a"))
        .expect("current");
    assert!(
        store
            .replace("things", "a", a.revision, Form::default(), object("a"))
            .is_err()
    );
    assert!(store.remove("things", "a", a.revision).is_err());
    assert!(
        store
            .create("things", "a".into(), Form::default(), object("a"))
            .is_err()
    );
}
