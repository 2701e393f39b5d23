//! Credential plugins: programs that a kubeconfig names under `exec`, as `aws eks get-token` is.
//!
//! kube runs them, too, but several times for one client, blocks meanwhile, and never renews the
//! certificates that they give. Here a plugin runs once a login, apart from the runtime's threads, and
//! what it gives is credentials like others, with an end of their own.

use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::jiff::Timestamp;
use kube::Config;
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::credentials::LoginError;

/// What a plugin prints: <https://kubernetes.io/docs/reference/access-authn-authz/authentication/>.
#[derive(Deserialize)]
struct Printed {
    status: Option<Given>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    expiration_timestamp: Option<Timestamp>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Puts what the plugin gives in its place; tells until when that is good.
pub(super) async fn resolve(config: &mut Config) -> Result<Option<Timestamp>, LoginError> {
    let Some(exec) = wanted(&config.auth_info).cloned() else {
        return Ok(None);
    };
    let command = exec.command.clone().unwrap_or_default();
    let hint = exec.install_hint.clone();
    let failed = |message: String| LoginError::Plugin {
        message: match &hint {
            Some(hint) => format!("{message} ({})", hint.trim()),
            None => message,
        },
        command: command.clone(),
    };
    let output = tokio::task::spawn_blocking(move || run(&exec)).await;
    let output = output
        .map_err(|error| failed(error.to_string()))?
        .map_err(&failed)?;
    let given = read(&output).map_err(&failed)?;
    let expiry = given.expiration_timestamp;
    config.auth_info = filled(&config.auth_info, given).map_err(failed)?;
    Ok(expiry)
}

/// The plugin, if nothing comes before it: the order is that of kube.
fn wanted(auth: &AuthInfo) -> Option<&ExecConfig> {
    let is_known = auth.auth_provider.is_some()
        || (auth.username.is_some() && auth.password.is_some())
        || auth.token.is_some()
        || auth.token_file.is_some();
    auth.exec.as_ref().filter(|_| !is_known)
}

fn run(exec: &ExecConfig) -> Result<Output, String> {
    let command = exec.command.as_ref().ok_or("it has no command")?;
    let is_interactive = exec.interactive_mode != Some(ExecInteractiveMode::Never);
    let mut spec = json!({ "interactive": is_interactive });
    if exec.provide_cluster_info {
        let cluster = exec.cluster.as_ref().ok_or("the cluster is not known")?;
        spec["cluster"] = serde_json::to_value(cluster).map_err(|error| error.to_string())?;
    }
    let asked = json!({ "apiVersion": exec.api_version, "kind": "ExecCredential", "spec": spec });
    let mut process = Command::new(command);
    process
        .args(exec.args.iter().flatten())
        .env("KUBERNETES_EXEC_INFO", asked.to_string());
    for variable in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            process.env(name, value);
        }
    }
    for name in exec.drop_env.iter().flatten() {
        process.env_remove(name);
    }
    if is_interactive {
        process.stdin(Stdio::inherit()).stderr(Stdio::inherit());
    } else {
        process.stdin(Stdio::null());
    }
    process.output().map_err(|error| error.to_string())
}

fn read(output: &Output) -> Result<Given, String> {
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {}", output.status, said.trim()));
    }
    // JSON by the rules; but kubectl takes YAML, so there are plugins that print it.
    let printed: Printed = serde_saphyr::from_slice(&output.stdout)
        .map_err(|error| format!("it has printed no ExecCredential: {error}"))?;
    printed
        .status
        .ok_or_else(|| "its ExecCredential has no status".to_owned())
}

/// The same, with what the plugin gave instead of the plugin. The secrets go by way of their
/// serialised form, as a kubeconfig has them.
fn filled(auth: &AuthInfo, given: Given) -> Result<AuthInfo, String> {
    let mut value = serde_json::to_value(auth).map_err(|error| error.to_string())?;
    let fields = value
        .as_object_mut()
        .ok_or("the user of the kubeconfig is no object")?;
    fields.remove("exec");
    if let (Some(certificate), Some(key)) = (&given.client_certificate_data, &given.client_key_data)
    {
        let encoded = |pem: &str| Value::from(STANDARD.encode(pem));
        fields.insert("client-certificate-data".into(), encoded(certificate));
        fields.insert("client-key-data".into(), encoded(key));
    } else if given.token.is_none() {
        return Err("it has given neither a token nor a certificate with its key".to_owned());
    }
    if let Some(token) = given.token {
        fields.insert("token".into(), token.into());
    }
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(script: &str) -> Config {
        let mut config = Config::new("https://10.0.0.1".parse().unwrap());
        config.auth_info = serde_json::from_value(json!({
            "as": "somebody",
            "exec": {
                "apiVersion": "client.authentication.k8s.io/v1",
                "command": "sh",
                "args": ["-c", script],
                "env": [{"name": "MARK", "value": "of the kubeconfig"}],
                "interactiveMode": "Never",
                "installHint": "get a shell",
            },
        }))
        .unwrap();
        config
    }

    fn auth(config: &Config) -> Value {
        serde_json::to_value(&config.auth_info).unwrap()
    }

    #[tokio::test]
    async fn a_token_of_a_plugin_has_its_end() {
        let mut config = plugin(
            r#"printf '{"status": {"token": "%s", "expirationTimestamp": "2030-01-01T00:00:00Z"}}' "$MARK""#,
        );
        let expiry = resolve(&mut config).await.unwrap();
        assert_eq!(expiry, Some("2030-01-01T00:00:00Z".parse().unwrap()));
        let auth = auth(&config);
        assert_eq!(auth["token"], "of the kubeconfig");
        assert_eq!(auth["as"], "somebody");
        assert!(config.auth_info.exec.is_none());
    }

    #[tokio::test]
    async fn a_certificate_of_a_plugin_has_its_end_too() {
        let mut config = plugin(
            r#"echo '{"status": {"clientCertificateData": "CERT", "clientKeyData": "KEY",
                "expirationTimestamp": "2030-01-01T00:00:00Z"}}'"#,
        );
        let expiry = resolve(&mut config).await.unwrap();
        assert_eq!(expiry, Some("2030-01-01T00:00:00Z".parse().unwrap()));
        let auth = auth(&config);
        assert_eq!(auth["client-certificate-data"], STANDARD.encode("CERT"));
        assert_eq!(auth["client-key-data"], STANDARD.encode("KEY"));
    }

    #[tokio::test]
    async fn a_plugin_that_fails_says_why_and_how_to_get_it() {
        for (script, why) in [
            ("echo no such profile >&2; exit 3", "no such profile"),
            ("echo nonsense", "no ExecCredential"),
            ("echo '{}'", "no status"),
            (r#"echo '{"status": {}}'"#, "neither a token"),
        ] {
            let error = resolve(&mut plugin(script)).await.unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert!(error.contains("get a shell"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_token_comes_before_a_plugin() {
        let mut config = plugin("exit 1");
        let mut auth = auth(&config);
        auth["token"] = "given".into();
        config.auth_info = serde_json::from_value(auth).unwrap();
        assert_eq!(resolve(&mut config).await.unwrap(), None);
    }
}
