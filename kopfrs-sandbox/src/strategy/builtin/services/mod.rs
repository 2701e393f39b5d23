//! Services: defaults and addresses. Nothing routes to the addresses, they only have to look like some.

use serde_json::{Value, json};

use crate::object::{Fields, child_mut, fields_mut, text};

mod validation;

pub(super) use self::validation::{validate_service, validate_service_update};

const AFFINITY_SECONDS: u32 = 10_800;

pub(super) fn service_defaults(value: &mut Value) {
    fields_mut(value)
        .entry("status")
        .or_insert_with(|| json!({"loadBalancer": {}}));
    let address = cluster_address(value);
    let spec = child_mut(value, "spec");
    default(spec, "type", json!("ClusterIP"));
    default(spec, "sessionAffinity", json!("None"));
    if spec["sessionAffinity"] == "ClientIP" {
        let affinity = json!({"clientIP": {"timeoutSeconds": AFFINITY_SECONDS}});
        default(spec, "sessionAffinityConfig", affinity);
    }
    for port in ports_mut(spec) {
        default(port, "protocol", json!("TCP"));
        let number = port.get("port").cloned().unwrap_or_default();
        default(port, "targetPort", number);
    }
    if spec["type"] == "ExternalName" {
        return;
    }
    address_defaults(spec, address);
    default(spec, "internalTrafficPolicy", json!("Cluster"));
    if spec["type"] == "NodePort" || spec["type"] == "LoadBalancer" {
        default(spec, "externalTrafficPolicy", json!("Cluster"));
        for (index, port) in ports_mut(spec).enumerate() {
            default(port, "nodePort", json!(30_000 + index));
        }
        if spec["type"] == "LoadBalancer" {
            default(spec, "allocateLoadBalancerNodePorts", json!(true));
        }
    }
}

fn default(fields: &mut Fields, name: &str, value: Value) {
    fields.entry(name).or_insert(value);
}

fn ports_mut(spec: &mut Fields) -> impl Iterator<Item = &mut Fields> {
    let ports = spec.get_mut("ports").and_then(Value::as_array_mut);
    ports.into_iter().flatten().filter_map(Value::as_object_mut)
}

fn address_defaults(spec: &mut Fields, address: String) {
    let given = spec.get("clusterIP").and_then(Value::as_str);
    let ip = given
        .filter(|ip| !ip.is_empty())
        .map_or(address, str::to_owned);
    spec.insert("clusterIPs".to_owned(), json!([ip]));
    spec.insert("clusterIP".to_owned(), json!(ip));
    let selects = spec.get("selector").and_then(Value::as_object);
    let selects = selects.is_some_and(|selector| !selector.is_empty());
    // Nobody says which addresses a headless service without a selector will have.
    let both = ip == "None" && !selects && !spec.contains_key("ipFamilies");
    let (families, policy) = if both && spec.get("ipFamilyPolicy").is_none() {
        (json!(["IPv4", "IPv6"]), "RequireDualStack")
    } else {
        (json!(["IPv4"]), "SingleStack")
    };
    default(spec, "ipFamilies", families);
    default(spec, "ipFamilyPolicy", json!(policy));
}

/// A stable address made from the name: nothing routes to it, it only has to look like one.
fn cluster_address(value: &Value) -> String {
    let key = crate::object::key_of(value);
    let hash = key.bytes().fold(2_166_136_261_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    });
    format!("10.96.{}.{}", hash >> 8 & 0xff, (hash & 0xff).clamp(1, 254))
}

/// An update that leaves the addresses out, or empties them, keeps them; one to another type drops what that type has not.
pub(super) fn keep_service_addresses(new: &mut Value, old: &Value) {
    drop_other_types_fields(new, old);
    let Some(kept) = text(old, &["spec", "clusterIP"]).filter(|ip| !ip.is_empty()) else {
        return;
    };
    let spec = child_mut(new, "spec");
    if spec.get("type").and_then(Value::as_str) != Some("ExternalName")
        && spec
            .get("clusterIP")
            .and_then(Value::as_str)
            .is_none_or(str::is_empty)
    {
        spec.insert("clusterIP".to_owned(), json!(kept));
    }
}

/// Only what the client left as it was: what it sets itself is validated.
fn drop_other_types_fields(new: &mut Value, old: &Value) {
    let (before, spec) = (&old["spec"], child_mut(new, "spec"));
    let kind = spec
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or("ClusterIP")
        .to_owned();
    if before["type"] == kind.as_str() {
        return;
    }
    let mut foreign: Vec<&str> = Vec::new();
    if kind == "ExternalName" {
        foreign.extend([
            "clusterIP",
            "clusterIPs",
            "ipFamilies",
            "ipFamilyPolicy",
            "internalTrafficPolicy",
        ]);
    } else {
        foreign.push("externalName");
    }
    if kind == "ExternalName" || kind == "ClusterIP" {
        foreign.extend(["externalTrafficPolicy", "healthCheckNodePort"]);
        for (index, port) in ports_mut(spec).enumerate() {
            if port.get("nodePort") == before["ports"][index].get("nodePort") {
                port.remove("nodePort");
            }
        }
    }
    if kind != "LoadBalancer" {
        foreign.extend(["allocateLoadBalancerNodePorts", "loadBalancerClass"]);
    }
    for name in foreign {
        if spec.get(name) == before.get(name) {
            spec.remove(name);
        }
    }
}
