//! Handlers that are asked before anything is stored: four that may refuse, and one that changes objects.

use kopfrs::prelude::*;
use kopfrs::settings::WebhookServer;

/// The last server that is set counts. The others show what there is.
#[on::startup]
fn config(settings: &SettingsHandle) {
    let servers = [
        // Here, for an API server on the same host, with a certificate that is made at the start.
        WebhookServer::new(),
        // Here, for an API server in a container or a virtual machine.
        WebhookServer::k3d(),
        WebhookServer::minikube(),
        WebhookServer::docker_desktop(),
        // In the cluster, behind a Service, with certificates that all replicas share.
        WebhookServer::new()
            .service("default", "admission")
            .secret("default", "admission-webhooks"),
        // Wherever the API server is, as far as its certificate tells.
        WebhookServer::auto(),
    ];
    settings.update(|settings| {
        settings.admission.server = servers.last().cloned();
        settings.admission.managed = Some("auto.kopf.dev".to_owned());
    });
}

/// Who is it that asks? The API server, which need not prove that, and may be warned all the same.
#[on::validate("kopfexamples")]
fn authhook(headers: &Headers, sslpeer: &SslPeer, warnings: &Warnings) {
    match sslpeer.common_name() {
        Some(name) => info!("asked by {name}"),
        None => warnings.push("the caller has not shown a certificate"),
    }
    if headers.get("user-agent").is_none() {
        warnings.push("the caller has not said which program it is");
    }
}

/// Dry runs may do whatever they like.
#[on::validate("kopfexamples")]
fn validate1(spec: &Value, dryrun: bool) -> Result<(), AdmissionError> {
    if !dryrun && spec["field"] == "wrong" {
        return Err(AdmissionError::new("this is the wrong field: change it"));
    }
    Ok(())
}

#[on::validate("kopfexamples", field = "spec.field", value = "not-allowed")]
fn validate2() -> Result<(), AdmissionError> {
    Err(AdmissionError::new("this value is not allowed").code(555))
}

/// The object itself, its status, and whatever else it may have.
#[on::validate("kopfexamples", subresource = "*")]
fn validate3(operation: Operation, subresource: Option<&str>) {
    info!(
        "{operation} of {}",
        subresource.unwrap_or("the object itself")
    );
}

#[on::mutate("kopfexamples", labels(somelabel = "somevalue"))]
fn mutate1(patch: &Patch) {
    patch.spec(json!({"injected": 123}));
}

kopfrs::main!();
