//! Whoever comes from Kopf finds every name of it: its public names, decorators, arguments and options.

/// What `kopf` exports.
const EXPORTS: &[&str] = &[
    "ABSENT",
    "AdmissionError",
    "AiohttpSession",
    "Annotations",
    "AnnotationsDiffBaseStorage",
    "AnnotationsProgressStorage",
    "AsyncDaemonStopperChecker",
    "Body",
    "BodyEssence",
    "ConnectionInfo",
    "DaemonStopped",
    "DaemonStoppingReason",
    "Diff",
    "DiffBaseStorage",
    "DiffItem",
    "DiffOperation",
    "EVERYTHING",
    "ErrorsMode",
    "FieldPath",
    "FieldSpec",
    "HandlerId",
    "HandlerRetriesError",
    "HandlerTimeoutError",
    "Headers",
    "Index",
    "Labels",
    "LocalObjectLogger",
    "LogFormat",
    "Logger",
    "LoginError",
    "Memo",
    "Meta",
    "MultiDiffBaseStorage",
    "MultiProgressStorage",
    "ObjectLogger",
    "ObjectReference",
    "Operation",
    "OperatorRegistry",
    "OperatorSettings",
    "OwnerReference",
    "PRESENT",
    "Patch",
    "PatchFn",
    "PermanentError",
    "ProgressRecord",
    "ProgressStorage",
    "RawBody",
    "RawEvent",
    "RawEventType",
    "Reason",
    "Resource",
    "SSLPeer",
    "SmartProgressStorage",
    "Spec",
    "Status",
    "StatusDiffBaseStorage",
    "StatusProgressStorage",
    "Store",
    "SyncDaemonStopperChecker",
    "TemporaryError",
    "UserInfo",
    "WebhookAutoServer",
    "WebhookAutoTunnel",
    "WebhookClientConfig",
    "WebhookClientConfigService",
    "WebhookDockerDesktopServer",
    "WebhookFn",
    "WebhookK3dServer",
    "WebhookMinikubeServer",
    "WebhookNgrokTunnel",
    "WebhookServer",
    "WebhookServerProtocol",
    "adopt",
    "all_",
    "any_",
    "append_owner_reference",
    "build_object_reference",
    "build_owner_reference",
    "configure",
    "daemon",
    "event",
    "exception",
    "execute",
    "get_default_lifecycle",
    "get_default_registry",
    "index",
    "info",
    "label",
    "lifecycles",
    "login_via_async_client",
    "login_via_client",
    "login_via_pykube",
    "login_with_kubeconfig",
    "login_with_service_account",
    "none_",
    "not_",
    "operator",
    "register",
    "remove_owner_reference",
    "run",
    "run_tasks",
    "set_default_lifecycle",
    "set_default_registry",
    "spawn_tasks",
    "subhandler",
    "timer",
    "warn",
];

/// What `kopf.on` exports.
const DECORATORS: &[&str] = &[
    "cleanup",
    "create",
    "daemon",
    "delete",
    "event",
    "field",
    "index",
    "login",
    "mutate",
    "probe",
    "register",
    "resume",
    "startup",
    "subhandler",
    "timer",
    "update",
    "validate",
];

/// What handlers are called with.
const ARGUMENTS: &[&str] = &[
    "annotations",
    "body",
    "diff",
    "dryrun",
    "event",
    "headers",
    "labels",
    "logger",
    "memo",
    "meta",
    "name",
    "namespace",
    "new",
    "old",
    "operation",
    "param",
    "patch",
    "reason",
    "resource",
    "retry",
    "runtime",
    "settings",
    "spec",
    "sslpeer",
    "started",
    "status",
    "stopped",
    "subresource",
    "type",
    "uid",
    "userinfo",
    "warnings",
    "activity",
];

/// What decorators take.
const OPTIONS: &[&str] = &[
    "id",
    "param",
    "errors",
    "timeout",
    "retries",
    "backoff",
    "registry",
    "labels",
    "annotations",
    "when",
    "field",
    "value",
    "old",
    "new",
    "operations",
    "subresource",
    "persistent",
    "side_effects",
    "ignore_failures",
    "deleted",
    "optional",
    "initial_delay",
    "cancellation_backoff",
    "cancellation_timeout",
    "cancellation_polling",
    "interval",
    "sharp",
    "idle",
];

/// The texts in backticks in the first cells of the tables of a section.
fn named(section: &str) -> Vec<&'static str> {
    let page = include_str!("coming-from-kopf.md");
    let start = page
        .find(section)
        .unwrap_or_else(|| panic!("no section {section}"));
    let rows = page[start..].lines().filter(|line| line.starts_with("| "));
    rows.flat_map(|row| {
        row.split('|')
            .nth(1)
            .unwrap_or_default()
            .split('`')
            .skip(1)
            .step_by(2)
    })
    .collect()
}

fn missing<'a>(
    names: &[&'a str],
    found: &[&str],
    as_written: impl Fn(&str) -> String,
) -> Vec<&'a str> {
    let is_missing = |name: &&&str| !found.contains(&as_written(name).as_str());
    names.iter().filter(is_missing).copied().collect()
}

#[test]
fn every_name_of_kopf_has_a_row() {
    let none: Vec<&str> = Vec::new();
    let all = named("## Every name");
    assert_eq!(missing(EXPORTS, &all, |name| format!("kopf.{name}")), none);
    assert_eq!(
        missing(DECORATORS, &all, |name| format!("kopf.on.{name}")),
        none
    );
    assert_eq!(
        missing(ARGUMENTS, &named("### Arguments"), str::to_owned),
        none
    );
    assert_eq!(missing(OPTIONS, &named("### Options"), str::to_owned), none);
}
