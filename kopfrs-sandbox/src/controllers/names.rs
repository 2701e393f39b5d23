//! The names of definitions: which of them are taken, and which are accepted.

use serde_json::{Value, json};

/// A name that somebody else has.
#[derive(Debug)]
pub(super) struct Conflict {
    /// The field of the names.
    field: &'static str,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// What each field is told as, in the order they are looked at. The last conflict is the one that is told.
const FIELDS: [(&str, &str); 5] = [
    ("plural", "PluralConflict"),
    ("singular", "SingularConflict"),
    ("shortNames", "ShortNamesConflict"),
    ("kind", "KindConflict"),
    ("listKind", "ListKindConflict"),
];

/// The names that are taken by others: as resources, or as kinds.
pub(super) fn conflicts(
    names: &Value,
    is_resource: impl Fn(&str) -> bool,
    is_kind: impl Fn(&str) -> bool,
) -> Vec<Conflict> {
    let conflict = |(field, reason): &(&'static str, &'static str)| {
        let given: Vec<&str> = match &names[*field] {
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        };
        let is_taken = |name: &&&str| match *field {
            "kind" | "listKind" => is_kind(name),
            _ => is_resource(name),
        };
        let taken: Vec<String> = given
            .iter()
            .filter(is_taken)
            .map(|name| format!("{name:?} is already in use"))
            .collect();
        let message = match &taken[..] {
            [] => return None,
            [one] => one.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        Some(Conflict {
            field,
            reason,
            message,
        })
    };
    FIELDS.iter().filter_map(conflict).collect()
}

/// The names that a definition has: what it asks for, and what it had before where others have that.
pub(super) fn accepted(definition: &Value, conflicts: &[Conflict]) -> Value {
    let mut names = definition["spec"]["names"].clone();
    let before = &definition["status"]["acceptedNames"];
    for Conflict { field, .. } in conflicts {
        let kept = before.get(*field).cloned();
        let is_always_there = matches!(*field, "plural" | "kind");
        let kept = kept.or_else(|| is_always_there.then(|| json!("")));
        if let Some(fields) = names.as_object_mut() {
            match kept {
                Some(kept) => fields.insert((*field).to_owned(), kept),
                None => fields.remove(*field),
            };
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_not_accepted_and_the_rest_is() {
        let names = json!({"plural": "bars", "kind": "Bar", "listKind": "WidgetList", "shortNames": ["w", "x"]});
        let found = conflicts(&names, |name| name == "w", |name| name == "WidgetList");
        let reasons: Vec<&str> = found.iter().map(|one| one.reason).collect();
        assert_eq!(reasons, ["ShortNamesConflict", "ListKindConflict"]);
        assert_eq!(found[1].message, "\"WidgetList\" is already in use");
        let definition = json!({"spec": {"names": names}, "status": {}});
        let accepted = accepted(&definition, &found);
        assert_eq!(accepted, json!({"plural": "bars", "kind": "Bar"}));
    }
}
