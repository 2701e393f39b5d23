//! What may change in a Pod that is there.

use serde_json::{Value, json};

use crate::{
    error::FieldError,
    object::{child_mut, fields_mut},
    strategy::field::Field,
};

const CHANGEABLE: &str = "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
const LISTS: [&str; 2] = ["containers", "initContainers"];

pub(in crate::strategy::builtin) fn validate_update(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (after, before) = (Field::root(new, "spec"), Field::root(old, "spec"));
    for list in LISTS {
        let (after, before) = (after.member(list), before.member(list));
        if after.items().count() != before.items().count() {
            errors.push(after.forbidden("pod updates may not add or remove containers"));
            return errors;
        }
        for container in after.items() {
            let image = container.member("image");
            if image.text().is_empty() {
                errors.push(image.required(""));
            }
        }
    }
    if let Some(error) = validate_deadline(&after, &before) {
        errors.push(error);
        return errors;
    }
    validate_tolerations(&after, &before, &mut errors);
    if unchangeable(new, old) != old["spec"] {
        let why = format!("pod updates may not change fields other than {CHANGEABLE}");
        errors.push(after.forbidden(&why));
    }
    errors
}

/// A deadline only comes nearer.
fn validate_deadline(after: &Field<'_>, before: &Field<'_>) -> Option<FieldError> {
    let name = "activeDeadlineSeconds";
    let (after, before) = (after.member(name), before.member(name));
    match (after.value.as_i64(), before.value.as_i64()) {
        (Some(after_seconds), Some(seconds)) if seconds < after_seconds => {
            Some(after.invalid("must be less than or equal to previous value"))
        }
        (None, Some(_)) => {
            Some(after.invalid("must not update from a positive integer to nil value"))
        }
        _ => None,
    }
}

fn validate_tolerations(after: &Field<'_>, before: &Field<'_>, errors: &mut Vec<FieldError>) {
    let without_time = |toleration: &Value| {
        let mut toleration = toleration.clone();
        fields_mut(&mut toleration).remove("tolerationSeconds");
        toleration
    };
    let (after, before) = (after.member("tolerations"), before.member("tolerations"));
    let kept: Vec<Value> = after.items().map(|one| without_time(one.value)).collect();
    if before
        .items()
        .any(|one| !kept.contains(&without_time(one.value)))
    {
        let why = "existing toleration can not be modified except its tolerationSeconds";
        errors.push(after.forbidden(why));
    }
}

/// The new spec with what may change as it was.
fn unchangeable(new: &Value, old: &Value) -> Value {
    let mut spec = new["spec"].clone();
    let before = &old["spec"];
    for list in LISTS {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        for (index, container) in containers.into_iter().flatten().enumerate() {
            fields_mut(container).insert("image".to_owned(), before[list][index]["image"].clone());
        }
    }
    let grace = "terminationGracePeriodSeconds";
    let was_negative = before[grace].as_i64().is_some_and(|seconds| seconds < 0);
    let mut free = vec!["activeDeadlineSeconds", "tolerations", "schedulingGates"];
    if was_negative && spec[grace] == 1 {
        free.push(grace);
    }
    let mut holder = json!({"spec": spec});
    let fields = child_mut(&mut holder, "spec");
    for name in free {
        match before.get(name) {
            Some(value) => fields.insert(name.to_owned(), value.clone()),
            None => fields.remove(name),
        };
    }
    holder["spec"].take()
}
