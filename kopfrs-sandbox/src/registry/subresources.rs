//! The subresources of built-in kinds.

use super::kind::Subresource;

const CREATE: &[&str] = &["create"];
pub(super) const READ_WRITE: &[&str] = &["get", "patch", "update"];

pub(super) const STATUS: Subresource = Subresource {
    name: "status",
    verbs: READ_WRITE,
    foreign: None,
};
pub(super) const SCALE: Subresource = Subresource {
    name: "scale",
    verbs: READ_WRITE,
    foreign: Some(("autoscaling", "v1", "Scale")),
};
pub(super) const FINALIZE: Subresource = Subresource {
    name: "finalize",
    verbs: &["update"],
    foreign: None,
};
pub(super) const TOKEN: Subresource = Subresource {
    name: "token",
    verbs: CREATE,
    foreign: Some(("authentication.k8s.io", "v1", "TokenRequest")),
};
pub(super) const EVICTION: Subresource = Subresource {
    name: "eviction",
    verbs: CREATE,
    foreign: Some(("policy", "v1", "Eviction")),
};
pub(super) const BINDING: Subresource = Subresource {
    name: "binding",
    verbs: CREATE,
    foreign: Some(("", "v1", "Binding")),
};
pub(super) const LOG: Subresource = Subresource {
    name: "log",
    verbs: &["get"],
    foreign: None,
};

pub(super) const NONE: &[Subresource] = &[];
/// Most of these need a kubelet: they are listed, and answer that they are not implemented.
pub(super) const PODS: &[Subresource] = &[
    Subresource {
        name: "attach",
        verbs: &["create", "get"],
        foreign: Some(("", "v1", "PodAttachOptions")),
    },
    BINDING,
    Subresource {
        name: "ephemeralcontainers",
        verbs: READ_WRITE,
        foreign: None,
    },
    EVICTION,
    Subresource {
        name: "exec",
        verbs: &["create", "get"],
        foreign: Some(("", "v1", "PodExecOptions")),
    },
    LOG,
    Subresource {
        name: "portforward",
        verbs: &["create", "get"],
        foreign: Some(("", "v1", "PodPortForwardOptions")),
    },
    Subresource {
        name: "proxy",
        verbs: &["create", "delete", "get", "patch", "update"],
        foreign: Some(("", "v1", "PodProxyOptions")),
    },
    Subresource {
        name: "resize",
        verbs: READ_WRITE,
        foreign: None,
    },
    STATUS,
];
pub(super) const WORKLOAD: &[Subresource] = &[SCALE, STATUS];
