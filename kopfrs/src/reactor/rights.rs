//! What to add to the operator's role when the API says that it may not do something.

use crate::resource::Resource;

/// The rule that grants verbs on a kind, as it stands in a role.
pub(super) fn rule(resource: &Resource, with_status: bool, verbs: &[&str]) -> String {
    let group = match &*resource.group {
        "" => "\"\"",
        group => group,
    };
    let plural = &resource.plural;
    let status = if with_status && resource.has_subresource("status") {
        format!(", {plural}/status")
    } else {
        String::new()
    };
    format!(
        "{{apiGroups: [{group}], resources: [{plural}{status}], verbs: [{}]}}",
        verbs.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_can_be_pasted_into_a_role() {
        let demos = Resource {
            group: "example.com".into(),
            plural: "demos".into(),
            subresources: vec!["status".into()],
            ..Resource::default()
        };
        assert_eq!(
            rule(&demos, true, &["patch"]),
            "{apiGroups: [example.com], resources: [demos, demos/status], verbs: [patch]}"
        );
        let pods = Resource {
            plural: "pods".into(),
            ..Resource::default()
        };
        assert_eq!(
            rule(&pods, true, &["list", "watch"]),
            r#"{apiGroups: [""], resources: [pods], verbs: [list, watch]}"#
        );
    }
}
