//! The table of claims on persistent volumes.

use serde_json::{Value, json};

use super::columns::{Column, string};
use crate::object::text;

pub(super) fn columns() -> Vec<Column<'static>> {
    vec![
        string("Status", |value, _| value["status"]["phase"].clone()),
        string("Volume", |value, _| json!(volume(value))),
        string("Capacity", |value, _| {
            let capacity = text(value, &["status", "capacity", "storage"]);
            json!(
                capacity
                    .filter(|_| !volume(value).is_empty())
                    .unwrap_or_default()
            )
        }),
        string("Access Modes", |value, _| json!(access_modes(value))),
        string("StorageClass", |value, _| {
            json!(text(value, &["spec", "storageClassName"]).unwrap_or_default())
        }),
        string("VolumeAttributesClass", |value, _| {
            json!(text(value, &["spec", "volumeAttributesClassName"]).unwrap_or("<unset>"))
        }),
    ]
}

fn volume(value: &Value) -> &str {
    text(value, &["spec", "volumeName"]).unwrap_or_default()
}

fn access_modes(value: &Value) -> String {
    const SHORT: [(&str, &str); 4] = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    if volume(value).is_empty() {
        return String::new();
    }
    let modes = value["status"]["accessModes"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let given = SHORT
        .into_iter()
        .filter(|(mode, _)| modes.iter().any(|one| one == mode));
    given.map(|(_, short)| short).collect::<Vec<_>>().join(",")
}
