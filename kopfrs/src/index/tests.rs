//! What an index holds after objects have come, changed and gone.

use super::*;

fn uid(text: &str) -> Arc<str> {
    text.into()
}

/// All that is there, in the order of the keys.
fn content(index: &Index<&'static str, u32>) -> Vec<(&'static str, Vec<u32>)> {
    let mut content: Vec<_> = index
        .iter()
        .map(|(key, store)| (key, store.to_vec()))
        .collect();
    content.sort_unstable();
    content
}

#[test]
fn the_values_of_an_object_are_replaced_as_a_whole() {
    let index = Index::default();
    index.replace(&uid("a"), vec![("x", 1), ("y", 2)]);
    index.replace(&uid("b"), vec![("x", 3)]);
    assert_eq!(content(&index), [("x", vec![1, 3]), ("y", vec![2])]);
    index.replace(&uid("a"), vec![("x", 4), ("z", 5)]);
    assert_eq!(content(&index), [("x", vec![4, 3]), ("z", vec![5])]);
    index.replace(&uid("a"), Vec::new());
    assert_eq!(content(&index), [("x", vec![3])]);
}

#[test]
fn an_object_may_have_several_values_of_one_key() {
    let index = Index::default();
    index.replace(&uid("a"), vec![("x", 1), ("y", 9), ("x", 2)]);
    index.replace(&uid("b"), vec![("x", 3)]);
    assert_eq!(content(&index), [("x", vec![1, 2, 3]), ("y", vec![9])]);
    index.replace(&uid("a"), vec![("x", 7)]);
    assert_eq!(content(&index), [("x", vec![7, 3])]);
}

#[test]
fn what_is_gone_leaves_nothing_behind() {
    let index = Index::default();
    index.replace(&uid("a"), vec![("x", 1)]);
    index.replace(&uid("b"), vec![("x", 2), ("y", 2)]);
    index.discard("unknown");
    index.discard("b");
    assert_eq!(content(&index), [("x", vec![1])]);
    index.discard("a");
    assert!(index.is_empty() && index.table().sources_len() == 0);
}

#[test]
fn what_was_looked_up_does_not_change_and_the_view_does() {
    let index = Index::default();
    let view = index.clone();
    index.replace(&uid("a"), vec![("x", 1)]);
    let before = view.get("x");
    index.replace(&uid("a"), vec![("x", 2)]);
    index.replace(&uid("b"), vec![("x", 3)]);
    assert_eq!(
        (before.to_vec(), view.get("x").to_vec()),
        (vec![1], vec![2, 3])
    );
    assert!(view.contains_key("x") && !view.contains_key("y"));
    assert!(before.contains(&1) && before.first() == Some(&1));
}

#[test]
fn indices_are_found_by_id_and_types() {
    let shape = IndexShape::of::<String, u32>();
    let indices = Indices::new([("pods".to_owned(), shape), ("b".to_owned(), shape)]);
    let entries = |key: &str| Box::new(vec![(key.to_owned(), 1_u32)]);
    assert_eq!(indices.replace("pods", &uid("a"), entries("k")), Ok(()));
    let pods = indices.get::<String, u32>("pods").unwrap();
    assert_eq!(pods.get("k").to_vec(), [1]);
    indices.discard("pods", "a");
    assert!(pods.is_empty());
    let wrong = indices.get::<String, String>("pods").unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "the index `pods` is an `Index<String, u32>`, not an `Index<String, String>`"
    );
    let unknown = indices.get::<String, u32>("pod").unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "there is no index `pod`; there are `b`, `pods`"
    );
    let odd = indices.replace("pods", &uid("a"), Box::new(1));
    assert!(odd.unwrap_err().contains("Index<String, u32>"));
}
