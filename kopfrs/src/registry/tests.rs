use k8s_openapi::api::core::v1::{ConfigMap, Pod};

use crate::prelude::*;
use crate::registry::RegistryError;

mod declared {
    use super::*;

    #[on::create(Pod)]
    pub(super) fn zebra() {}

    #[on::resume(Pod)]
    #[on::create(Pod)]
    pub(super) fn mule() {}

    pub(super) mod inner {
        use super::*;

        #[on::create(Pod)]
        pub(in super::super) fn ant() {}
    }

    #[on::startup]
    fn start() {}

    pub(super) fn registry() -> Registry {
        Registry::module(module_path!())
    }
}

#[test]
fn handlers_come_in_the_order_of_the_source() {
    let registry = declared::registry();
    let ids: Vec<_> = registry
        .changing()
        .iter()
        .map(|handler| &*handler.id)
        .collect();
    assert_eq!(ids, ["zebra", "mule", "mule", "ant"]);
    assert_eq!((registry.len(), registry.activities().len()), (5, 1));
    let inner = concat!(module_path!(), "::declared::inner");
    assert_eq!(Registry::module(inner).len(), 1);
    assert!(Registry::module(concat!(module_path!(), "::decl")).is_empty());
    assert!(Registry::collect().len() > registry.len());
}

#[test]
fn a_function_under_several_attributes_is_called_once() {
    let registry = declared::registry();
    let selected = registry.changing().select(|handler| handler.id == "mule");
    assert_eq!(selected.len(), 1);
    assert!(selected[0].rule.initial, "the first one counts");
    assert!(registry.check_resource(|_| true).is_ok() && registry.check_activities().is_ok());
}

#[test]
fn two_functions_with_one_id_are_refused_where_they_meet() {
    let registry = Registry::new()
        .add(on::create::<Pod>().id("same").run(async || ()))
        .add(on::delete::<ConfigMap>().id("same").run(async || ()));
    let (pods, maps) = (Selector::of::<Pod>(), Selector::of::<ConfigMap>());
    assert!(
        registry
            .check_resource(|selector| *selector == pods)
            .is_ok()
    );
    assert!(
        registry
            .check_resource(|selector| *selector == maps)
            .is_ok()
    );
    let error = registry.check_resource(|_| true).unwrap_err();
    let RegistryError::Conflict { id, first, second } = &error else {
        panic!("{error}");
    };
    assert_eq!((&**id, first.line + 1), ("same", second.line));
    let text = error.to_string();
    assert!(
        text.contains(&first.to_string()) && text.contains(&second.to_string()),
        "{text}"
    );
    let activities = Registry::new()
        .add(on::startup().id("same").run(async || ()))
        .add(on::cleanup().id("same").run(async || ()));
    assert!(activities.check_activities().is_ok());
    let activities = activities.add(on::startup().id("same").run(async || ()));
    assert!(activities.check_activities().is_err());
}

#[test]
fn no_handlers_are_explained() {
    let error = Registry::new().ensure_not_empty().unwrap_err();
    assert!(error.to_string().contains("use my_handlers as _;"));
    assert!(declared::registry().ensure_not_empty().is_ok());
}
