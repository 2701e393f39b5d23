//! All places of state, by the same rules.

use serde_json::{Value, json};

use super::*;
use crate::cause::Reason;
use crate::object::merge;

fn storage(place: Place) -> Storage {
    let ids = vec!["c1".to_owned()];
    Storage {
        prefix: "kopfrs.dev".into(),
        place,
        keep: Keep::Essence,
        tracked: Vec::new(),
        ids,
        owner_suffix: false,
    }
}

fn state() -> Stored {
    let record = Record::new(Reason::Create, "2020-01-02T03:04:05Z".parse().unwrap());
    Stored {
        owner: String::new(),
        baseline: Some(Baseline::Essence(Arc::new(json!({"spec": {"a": 1}})))),
        begun: Some(Baseline::Digest("d".into())),
        tracked: Vec::new(),
        progress: Progress::from([("c1".to_owned(), record)]),
    }
}

fn object() -> Value {
    json!({"metadata": {"name": "x", "uid": "u"}, "spec": {"a": 1}})
}

#[test]
fn what_is_written_is_found_and_is_no_part_of_the_body() {
    for place in [Place::Annotations, Place::Status] {
        let storage = storage(place);
        let mut body = object();
        let found = storage.take(&mut body);
        assert_eq!(found.stored, Stored::default());
        assert_eq!(body, object());
        merge::apply(&mut body, &storage.patch(&found, &state()));
        assert_ne!(body, object());
        let found = storage.take(&mut body);
        assert_eq!(found.stored, state(), "{place:?}");
        assert_eq!(body, object(), "{place:?}");
        assert_eq!(storage.patch(&found, &state()), Value::Null);
    }
}

#[test]
fn state_moves_from_place_to_place_and_leaves_nothing_behind() {
    for (from, to) in [
        (Place::Annotations, Place::Status),
        (Place::Status, Place::Annotations),
        (Place::Status, Place::Kopf),
    ] {
        let (from, to) = (storage(from), storage(to));
        let mut body = object();
        let found = from.take(&mut body.clone());
        merge::apply(&mut body, &from.patch(&found, &state()));
        let mut moved = body.clone();
        let found = to.take(&mut body);
        assert_eq!(found.stored, state(), "{from:?} {to:?}");
        merge::apply(&mut moved, &to.patch(&found, &state()));
        assert_eq!(to.take(&mut moved.clone()).stored, state());
        let found = to.take(&mut moved);
        let left = match from.place {
            Place::Status => found.in_status,
            Place::Annotations | Place::Kopf => found.in_annotations,
        };
        assert_eq!(left, Stored::default(), "{from:?} {to:?}");
    }
}

#[test]
fn purging_leaves_nothing() {
    for place in [Place::Annotations, Place::Status] {
        let storage = storage(place);
        let mut body = object();
        merge::apply(&mut body, &storage.patch(&Found::default(), &state()));
        let found = storage.take(&mut body.clone());
        merge::apply(&mut body, &storage.patch(&found, &Stored::default()));
        storage.take(&mut body);
        let text = body.to_string();
        assert!(!text.contains("kopfrs.dev"), "{place:?}: {text}");
    }
}

#[test]
fn a_field_of_the_users_own_called_handling_is_left_alone() {
    let storage = storage(Place::Annotations);
    let mut body = json!({"metadata": {}, "status": {"handling": {"speed": 3}}});
    storage.take(&mut body);
    assert_eq!(body["status"]["handling"]["speed"], 3);
}

#[test]
fn the_state_of_another_object_is_not_taken_for_ones_own() {
    for place in [Place::Annotations, Place::Status] {
        let storage = storage(place);
        let mut original = json!({"metadata": {"name": "x", "uid": "1"}, "spec": {"a": 1}});
        let found = storage.take(&mut original.clone());
        merge::apply(&mut original, &storage.patch(&found, &state()));
        assert_eq!(storage.take(&mut original.clone()).stored, state());
        let mut copy = original.clone();
        copy["metadata"]["uid"] = json!("2");
        let found = storage.take(&mut copy.clone());
        assert_eq!(found.stored, Stored::default(), "{place:?}");
        merge::apply(&mut copy, &storage.patch(&found, &state()));
        assert_eq!(storage.take(&mut copy).stored, state(), "{place:?}");
    }
}
