//! Discovery documents: what exists, in the old form and aggregated.
//!
//! Built from a snapshot of the kinds when first asked for, then kept with it.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Kind, Kinds, Origin};
use crate::object::to_json;

/// `/api`: the versions of the core group.
pub(crate) fn core_versions(address: &str) -> Value {
    json!({
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    })
}

/// `/apis`.
pub(crate) fn group_list(kinds: &Kinds) -> Bytes {
    let build = || {
        let groups: Vec<Value> = named_groups(kinds)
            .map(|(group, versions)| group_entry(group, versions))
            .collect();
        to_json(&json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
    };
    kinds.documents.group_list.get_or_init(build).clone()
}

fn named_groups(kinds: &Kinds) -> impl Iterator<Item = (&String, &Vec<String>)> {
    kinds
        .groups
        .iter()
        .filter(|(group, _)| !group.is_empty())
        .map(|(group, versions)| (group, versions))
}

fn group_entry(group: &str, versions: &[String]) -> Value {
    let entry = |version: &String| json!({"groupVersion": format!("{group}/{version}"), "version": version});
    let entries: Vec<Value> = versions.iter().map(entry).collect();
    json!({"name": group, "preferredVersion": entries.first(), "versions": entries})
}

/// `/apis/GROUP`.
pub(crate) fn group(kinds: &Kinds, group: &str) -> Option<Value> {
    let (_, versions) = named_groups(kinds).find(|(name, _)| *name == group)?;
    let mut entry = group_entry(group, versions);
    entry["kind"] = json!("APIGroup");
    entry["apiVersion"] = json!("v1");
    Some(entry)
}

/// `/api/v1` and `/apis/GROUP/VERSION`.
pub(crate) fn resources(kinds: &Kinds, group: &str, version: &str) -> Value {
    let mut resources = Vec::new();
    for kind in kinds.of_version(group, version) {
        resources.push(resource(kind));
        resources.extend(kind.subresources.iter().map(|subresource| {
            let mut entry = json!({
                "name": format!("{}/{}", kind.plural, subresource.name), "singularName": "",
                "namespaced": kind.namespaced, "kind": kind.kind, "verbs": subresource.verbs,
            });
            if let Some((group, version, kind)) = subresource.foreign {
                entry["kind"] = json!(kind);
                entry["version"] = json!(version);
                if !group.is_empty() {
                    entry["group"] = json!(group);
                }
            }
            entry
        }));
    }
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    let mut list =
        json!({"kind": "APIResourceList", "groupVersion": group_version, "resources": resources});
    // The core group's list never had it.
    if !group.is_empty() {
        list["apiVersion"] = json!("v1");
    }
    list
}

fn resource(kind: &Kind) -> Value {
    let mut entry = json!({
        "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced,
        "kind": kind.kind, "verbs": kind.verbs,
    });
    if !kind.short_names.is_empty() {
        entry["shortNames"] = json!(kind.short_names);
    }
    if !kind.categories.is_empty() {
        entry["categories"] = json!(kind.categories);
    }
    if !matches!(&kind.origin, Origin::BuiltIn(rules) if rules.is_review) {
        entry["storageVersionHash"] = json!(storage_hash(kind));
    }
    entry
}

/// Any text that differs between resources will do; clients only compare it.
fn storage_hash(kind: &Kind) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let hash = kind
        .resource
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
    STANDARD.encode(hash.to_be_bytes())
}

/// `/api` and `/apis` in one document.
pub(crate) fn aggregated(kinds: &Kinds, core: bool) -> Bytes {
    let documents = &kinds.documents;
    let cell = if core {
        &documents.aggregated_core
    } else {
        &documents.aggregated_groups
    };
    cell.get_or_init(|| build_aggregated(kinds, core)).clone()
}

fn build_aggregated(kinds: &Kinds, core: bool) -> Bytes {
    let groups = kinds
        .groups
        .iter()
        .filter(|(group, _)| group.is_empty() == core);
    let items: Vec<Value> = groups
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .iter()
                .map(|version| aggregated_version(kinds, group, version))
                .collect();
            let metadata = if group.is_empty() {
                json!({})
            } else {
                json!({"name": group})
            };
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    to_json(&json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
    }))
}

fn aggregated_version(kinds: &Kinds, group: &str, version: &str) -> Value {
    let resources: Vec<Value> = kinds
        .of_version(group, version)
        .map(|kind| aggregated_resource(kind))
        .collect();
    json!({"version": version, "resources": resources, "freshness": "Current"})
}

fn aggregated_resource(kind: &Kind) -> Value {
    // Built-in kinds leave group and version out where they are the list's own.
    let (group, version) = match &kind.origin {
        Origin::BuiltIn(_) => ("", ""),
        Origin::Custom(_) => (kind.group.as_str(), kind.version.as_str()),
    };
    let own = json!({"group": group, "version": version, "kind": kind.kind});
    let mut entry = json!({
        "resource": kind.plural, "responseKind": own, "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": kind.singular, "verbs": kind.verbs,
    });
    if !kind.short_names.is_empty() {
        entry["shortNames"] = json!(kind.short_names);
    }
    if !kind.categories.is_empty() {
        entry["categories"] = json!(kind.categories);
    }
    if !kind.subresources.is_empty() {
        let subresources = kind.subresources.iter().map(|subresource| {
            let response = subresource.foreign.map_or_else(
                || own.clone(),
                |(group, version, kind)| json!({"group": group, "version": if group.is_empty() { "" } else { version }, "kind": kind}),
            );
            json!({"subresource": subresource.name, "responseKind": response, "verbs": subresource.verbs})
        });
        entry["subresources"] = subresources.collect();
    }
    entry
}
