//! What is wrong with a Service.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::{
    error::FieldError,
    strategy::{
        field::{Field, Names},
        names,
    },
};

const LONGEST_AFFINITY: i64 = 86_400;
const NODE_PORTS: std::ops::RangeInclusive<i64> = 30_000..=32_767;

pub(in crate::strategy::builtin) fn validate_service(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let spec = Field::root(value, "spec");
    let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    errors.extend(spec.member("type").one_of(&types));
    validate_ports(&spec, &mut errors);
    validate_affinity(&spec, &mut errors);
    spec.member("selector").labels(&mut errors);
    for address in spec.member("externalIPs").items() {
        errors.extend(not_an_address(&address));
    }
    validate_addresses(&spec, &mut errors);
    validate_policies(&spec, &mut errors);
    validate_ranges(&spec, &mut errors);
    errors
}

fn is_type(spec: &Field<'_>, name: &str) -> bool {
    spec.member("type").text() == name
}

fn is_headless(spec: &Field<'_>) -> bool {
    spec.member("clusterIP").text() == "None"
}

fn validate_ports(spec: &Field<'_>, errors: &mut Vec<FieldError>) {
    let ports = spec.member("ports");
    if ports.is_empty() && !is_headless(spec) && !is_type(spec, "ExternalName") {
        errors.push(ports.required(""));
    }
    let needs_name = ports.items().count() > 1;
    let mut names = Names::default();
    let mut seen = Vec::new();
    for port in ports.items() {
        let name = port.member("name");
        if !name.text().is_empty() {
            errors.extend(name.name(names::label));
            errors.extend(names.note(&name));
        } else if needs_name {
            errors.push(name.required(""));
        }
        validate_port(&port, spec, errors);
        let identity = (&port.value["protocol"], &port.value["port"]);
        if seen.contains(&identity) {
            let (protocol, number) = identity;
            let shown = format!(
                "{{\"Name\":\"\",\"Protocol\":{protocol},\"AppProtocol\":null,\"Port\":{number},\"TargetPort\":0,\"NodePort\":0}}"
            );
            let message = format!("Duplicate value: {shown}");
            errors.push(FieldError::new(
                "FieldValueDuplicate",
                port.path.as_str(),
                message,
            ));
        }
        seen.push(identity);
    }
}

fn validate_port(port: &Field<'_>, spec: &Field<'_>, errors: &mut Vec<FieldError>) {
    let number = port.member("port");
    if number.is_null() {
        errors.push(number.invalid_as(&json!(0), "must be between 1 and 65535, inclusive"));
    }
    errors.extend(number.within(1, 65_535));
    errors.extend(port.member("protocol").one_of(&["SCTP", "TCP", "UDP"]));
    if !number.is_null() {
        errors.extend(port.member("targetPort").port());
    }
    let protocol = port.member("appProtocol");
    if !protocol.is_null() {
        errors.extend(protocol.name(names::qualified_name));
    }
    let node = port.member("nodePort");
    let Some(given) = node.value.as_i64().filter(|number| *number != 0) else {
        return;
    };
    if is_type(spec, "ClusterIP") {
        errors.push(node.forbidden("may not be used when `type` is 'ClusterIP'"));
    } else if !NODE_PORTS.contains(&given) && !is_type(spec, "ExternalName") {
        let why =
            "provided port is not in the valid range. The range of valid ports is 30000-32767";
        errors.push(node.invalid(why));
    }
}

fn validate_affinity(spec: &Field<'_>, errors: &mut Vec<FieldError>) {
    let affinity = spec.member("sessionAffinity");
    errors.extend(affinity.one_of(&["ClientIP", "None"]));
    let config = spec.member("sessionAffinityConfig");
    if affinity.text() == "None" && !config.is_null() {
        let why = "must not be set when session affinity is None";
        errors.push(config.forbidden(why));
        return;
    }
    let seconds = config.member("clientIP").member("timeoutSeconds");
    let wrong = |seconds: i64| !(1..=LONGEST_AFFINITY).contains(&seconds);
    if seconds.value.as_i64().is_some_and(wrong) {
        let why = format!("must be greater than 0 and less than {LONGEST_AFFINITY}");
        errors.push(seconds.invalid(&why));
    }
}

fn not_an_address(field: &Field<'_>) -> Option<FieldError> {
    let why = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
    let is_address = field.text().parse::<IpAddr>().is_ok();
    (!is_address).then(|| field.invalid(why))
}

fn validate_addresses(spec: &Field<'_>, errors: &mut Vec<FieldError>) {
    let ip = spec.member("clusterIP");
    let all = spec.member("clusterIPs");
    if is_type(spec, "ExternalName") {
        validate_external_name(spec, errors);
        return;
    }
    let kind = spec.member("type").text();
    let first = |why: &str| FieldError::invalid(format!("{}[0]", all.path), ip.value, why);
    match ip.text() {
        "" => {}
        "None" if kind == "ClusterIP" => {}
        "None" => errors.push(first(&format!(
            "may not be set to 'None' for {kind} services"
        ))),
        text => match text.parse::<IpAddr>() {
            Err(_) => {
                errors.push(first(
                    "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
                ));
            }
            Ok(address) if !is_in_range(address) => {
                let range = "The range of valid IPs is 10.96.0.0/16";
                let why = format!(
                    "failed to allocate IP {text}: the provided IP ({text}) is not in the valid range. {range}"
                );
                errors.push(all.invalid_as(&json!([text]), &why));
            }
            Ok(_) => {}
        },
    }
    validate_families(spec, errors);
}

fn is_in_range(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.octets()[..2] == [10, 96])
}

fn validate_external_name(spec: &Field<'_>, errors: &mut Vec<FieldError>) {
    let name = spec.member("externalName");
    let wrong = names::subdomain(name.text().strip_suffix('.').unwrap_or(name.text()));
    if name.text().is_empty() {
        errors.push(name.required(""));
    } else {
        errors.extend(wrong.iter().map(|why| name.invalid(why)));
    }
    let addresses = ["clusterIP", "clusterIPs"].map(|name| spec.member(name));
    if addresses
        .iter()
        .any(|one| !one.text().is_empty() || !one.is_empty())
    {
        let why = "may not be set for ExternalName services";
        errors.push(addresses[1].forbidden(why));
    }
    for name in ["ipFamilies", "ipFamilyPolicy"] {
        let field = spec.member(name);
        if !field.is_null() {
            errors.push(field.forbidden("may not be set for ExternalName services"));
        }
    }
}

fn validate_families(spec: &Field<'_>, errors: &mut Vec<FieldError>) {
    let policy = spec.member("ipFamilyPolicy");
    let policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
    errors.extend(policy.one_of(&policies));
    let selector = spec.member("selector");
    let selects = selector
        .value
        .as_object()
        .is_some_and(|labels| !labels.is_empty());
    // What has no addresses of its own may be announced in families that the cluster has not.
    if is_headless(spec) && !selects {
        return;
    }
    if policy.text() == "RequireDualStack" {
        let why = "this cluster is not configured for dual-stack services";
        errors.push(policy.invalid(why));
    }
    for family in spec.member("ipFamilies").items() {
        match family.text() {
            "IPv4" => {}
            "IPv6" => errors.push(family.invalid("not configured on this cluster")),
            _ => errors.extend(family.one_of(&["IPv4", "IPv6"])),
        }
    }
}

fn validate_policies(spec: &Field<'_>, errors: &mut Vec<FieldError>) {
    let policies = ["Cluster", "Local"];
    errors.extend(spec.member("internalTrafficPolicy").one_of(&policies));
    let policy = spec.member("externalTrafficPolicy");
    let is_external = is_type(spec, "NodePort") || is_type(spec, "LoadBalancer");
    let is_external = is_external || !spec.member("externalIPs").is_empty();
    if is_external {
        errors.extend(policy.one_of(&policies));
    } else if !policy.text().is_empty() {
        errors.push(policy.invalid("may only be set for externally-accessible services"));
    }
}

fn validate_ranges(spec: &Field<'_>, errors: &mut Vec<FieldError>) {
    let ranges = spec.member("loadBalancerSourceRanges");
    if ranges.is_empty() {
        return;
    }
    let path = format!("{}.LoadBalancerSourceRanges", spec.path);
    if !is_type(spec, "LoadBalancer") {
        errors.push(FieldError::forbidden(
            path,
            "may only be used when `type` is 'LoadBalancer'",
        ));
        return;
    }
    for (index, range) in ranges.items().enumerate() {
        let parts = range.text().trim().split_once('/');
        let is_range = parts.is_some_and(|(address, bits)| {
            let most = address
                .parse::<IpAddr>()
                .map(|ip| if ip.is_ipv4() { 32 } else { 128 });
            most.is_ok_and(|most| bits.parse::<u8>().is_ok_and(|bits| bits <= most))
        });
        if !is_range {
            let why = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
            errors.push(FieldError::invalid(
                format!("{path}[{index}]"),
                range.value,
                why,
            ));
        }
    }
}

/// The first address of a Service is for life, while it has one.
pub(in crate::strategy::builtin) fn validate_service_update(
    new: &Value,
    old: &Value,
) -> Vec<FieldError> {
    let (after, before) = (&new["spec"], &old["spec"]);
    let given = |spec: &Value| {
        let ip = spec["clusterIP"].as_str().unwrap_or_default();
        (spec["type"] != "ExternalName" && !ip.is_empty()).then(|| ip.to_owned())
    };
    match (given(after), given(before)) {
        (Some(ip), Some(kept)) if ip != kept => {
            let why = "may not change once set";
            vec![FieldError::invalid("spec.clusterIPs[0]", &json!([ip]), why)]
        }
        _ => Vec::new(),
    }
}
