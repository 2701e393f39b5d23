//! What events are about: one object or many.

use k8s_openapi::api::core::v1::ObjectReference;
use serde::Serialize;
use serde_json::Value;

use crate::hierarchies::via;
use crate::object::Body;

/// What can be told of: `&Body`, a reference to any typed object or to JSON, an `ObjectReference`, and
/// whatever gives these: `&` of vectors, arrays and slices, and iterators.
///
/// `M` is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "nothing can be told of `{Self}`",
    label = "not a reference to objects",
    note = "events are about `&Body`, `&K` where `K: kube::Resource + Serialize`, `&serde_json::Value`, `ObjectReference`, or what gives these: `&Vec<K>`, `list.iter()`"
)]
pub trait About<M> {
    /// Does something with a reference to each of them.
    #[doc(hidden)]
    fn each(self, act: &mut dyn FnMut(ObjectReference));
}

#[diagnostic::do_not_recommend]
impl About<via::Body> for &Body {
    fn each(self, act: &mut dyn FnMut(ObjectReference)) {
        act(reference(self.as_value()));
    }
}

#[diagnostic::do_not_recommend]
impl<K: kube::Resource + Serialize> About<via::Typed> for &K {
    fn each(self, act: &mut dyn FnMut(ObjectReference)) {
        act(reference(&serde_json::to_value(self).unwrap_or_default()));
    }
}

#[diagnostic::do_not_recommend]
impl About<via::Json> for &Value {
    fn each(self, act: &mut dyn FnMut(ObjectReference)) {
        match self {
            Value::Array(objects) => objects.iter().for_each(|object| object.each(act)),
            object => act(reference(object)),
        }
    }
}

#[diagnostic::do_not_recommend]
impl About<via::Ready> for ObjectReference {
    fn each(self, act: &mut dyn FnMut(ObjectReference)) {
        act(self);
    }
}

#[diagnostic::do_not_recommend]
impl<M, I> About<via::Many<M>> for I
where
    I: IntoIterator,
    I::Item: About<M>,
{
    fn each(self, act: &mut dyn FnMut(ObjectReference)) {
        self.into_iter().for_each(|object| object.each(act));
    }
}

/// What an object says of itself.
fn reference(object: &Value) -> ObjectReference {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let meta = &object["metadata"];
    ObjectReference {
        api_version: text(&object["apiVersion"]),
        kind: text(&object["kind"]),
        namespace: text(&meta["namespace"]),
        name: text(&meta["name"]),
        uid: text(&meta["uid"]),
        ..ObjectReference::default()
    }
}

impl From<&Body> for super::Telling {
    fn from(body: &Body) -> Self {
        Self::about(reference(body.as_value()))
    }
}
