//! The annotation that `kubectl apply` remembers its configuration in, for those who change over to server-side apply.
//!
//! While the annotation is there, kubectl owns what is in it and still holds, whoever the books name; and what it applies
//! now is noted in it, so that an older kubectl can go on.

use serde_json::Value;

use super::{fields::FieldSet, managers::Writer, shape::Shape, walk};
use crate::{object::metadata_mut, registry::Kind};

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The one manager that this is about.
const MANAGER: &str = "kubectl";
/// What annotations may hold together; a configuration that does not fit is not noted.
const LIMIT: usize = 256 * 1024;

fn is_meant(writer: Writer<'_>) -> bool {
    writer.manager == MANAGER && writer.subresource.is_empty()
}

/// The fields that the manager has applied before it came to server-side apply, as far as nobody has changed them since.
pub(super) fn own(live: &Value, writer: Writer<'_>, shape: Shape<'_>) -> FieldSet {
    let text = live["metadata"]["annotations"][ANNOTATION].as_str();
    let Some(Ok(mut applied)) = text
        .filter(|_| is_meant(writer))
        .map(serde_json::from_str::<Value>)
    else {
        return FieldSet::default();
    };
    if let Some(fields) = applied.as_object_mut() {
        fields.remove("apiVersion");
        fields.remove("kind");
    }
    let changes = walk::compare(&applied, live, shape);
    let fields = walk::fields(&applied, shape);
    fields.minus(&changes.modified).minus(&changes.removed)
}

/// Notes in the annotation, where it is, what is applied.
pub(super) fn note(kind: &Kind, object: &mut Value, writer: Writer<'_>, config: &Value) {
    let noted = &object["metadata"]["annotations"][ANNOTATION];
    if !is_meant(writer) || noted.is_null() {
        return;
    }
    let mut config = kind.typed(config);
    let annotations = config["metadata"].get_mut("annotations");
    if let Some(annotations) = annotations.and_then(Value::as_object_mut) {
        annotations.remove(ANNOTATION);
    }
    let text = format!("{config}\n");
    let annotations = metadata_mut(object).get_mut("annotations");
    if text.len() <= LIMIT
        && let Some(annotations) = annotations.and_then(Value::as_object_mut)
    {
        annotations.insert(ANNOTATION.to_owned(), text.into());
    }
}
