//! Programs in Pods: what they are made of, and what is understood of them.

use k8s_openapi::api::core::v1::{Namespace, Pod as PodObject, Secret};
use kopfrs::exec::Pod;
use kopfrs::lifecycle::{Applied, Operation, Verified};
use kopfrs::prelude::*;
use kopfrs::testing::Cluster;

use crate::subject::{PASSWORD, call_for, exit, make_site, only_pod, start};

#[kopfrs::test]
async fn the_exit_code_of_the_pod_is_the_outcome(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let running = start(
        Pod::new("manager:1"),
        call_for(&cluster, Operation::Create, &site),
    );
    let pod = only_pod(&cluster).await.name_any();
    exit(&cluster, &pod, 201, "{\"id\": 17}\n").await;
    let report = running.report().await;
    assert_eq!(
        (report.outcome, report.payload),
        (Applied::Succeeded.into(), Some(json!({"id": 17})))
    );
    cluster.objects::<PodObject>().until_gone(&pod).await;
    cluster.objects::<Secret>().until_gone(&pod).await;

    // The next one has a name of its own, and its failure is quoted.
    let running = start(
        Pod::new("manager:1"),
        call_for(&cluster, Operation::Verify, &site),
    );
    let pod = only_pod(&cluster).await.name_any();
    exit(&cluster, &pod, 213, &format!("{PASSWORD} was refused")).await;
    assert_eq!(running.failure().await, "*** was refused");
    cluster.objects::<PodObject>().until_gone(&pod).await;
}

#[kopfrs::test]
async fn an_end_that_means_nothing_names_the_program_and_what_is_known(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let running = start(
        Pod::new("manager:1"),
        call_for(&cluster, Operation::Delete, &site),
    );
    let pod = only_pod(&cluster).await.name_any();
    let state = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
    crate::subject::say(&cluster, &pod, "Failed", state).await;
    let message = running.failure().await;
    let program = format!(
        "manager:1 in Pod {}/{pod} has exited with 137",
        cluster.namespace()
    );
    assert!(message.starts_with(&program), "{message}");
    assert!(
        message.contains("signal 9") && message.ends_with("224 (missing) (OOMKilled)"),
        "{message}"
    );
}

#[kopfrs::test]
async fn the_pod_is_as_configured(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let manager = Pod::new("registry.example.com/manager:1")
        .command(["/manager"])
        .args(["--fast"])
        .env("COLOUR", "blue")
        .image_pull_policy("Always")
        .image_pull_secret("registry")
        .limit("memory", "256Mi")
        .request("cpu", "100m")
        .service_account("builder")
        .deadline(Duration::from_secs(90))
        .customize(|pod| pod.priority_class_name = None);
    let call = call_for(&cluster, Operation::Update, &site).attempt(2);
    let running = start(manager, call.clone());
    let pod = serde_json::to_value(only_pod(&cluster).await).unwrap();

    let uid = site.metadata.uid.clone().unwrap();
    let name = format!("web-{}-update-2", &uid[..8]);
    let meta = &pod["metadata"];
    assert_eq!(meta["name"], name);
    let owner = json!({
        "apiVersion": "exec.example.com/v1", "kind": "Site", "name": "web", "uid": uid,
        "controller": true, "blockOwnerDeletion": true,
    });
    assert_eq!(meta["ownerReferences"], json!([owner]));
    assert_eq!(meta["labels"]["exec.kopfrs.dev/uid"], uid);
    assert_eq!(meta["labels"]["exec.kopfrs.dev/operation"], "update");

    let spec = &pod["spec"];
    assert_eq!(spec["restartPolicy"], "Never");
    assert_eq!(spec["activeDeadlineSeconds"], 90);
    assert_eq!(spec["serviceAccountName"], "builder");
    assert_eq!(spec["imagePullSecrets"], json!([{"name": "registry"}]));
    assert_eq!(spec["containers"].as_array().unwrap().len(), 1);
    let container = &spec["containers"][0];
    assert_eq!(container["image"], "registry.example.com/manager:1");
    assert_eq!(container["imagePullPolicy"], "Always");
    assert_eq!(container["command"], json!(["/manager"]));
    assert_eq!(container["args"], json!(["--fast", "--type", "update"]));
    assert_eq!(
        container["terminationMessagePolicy"],
        "FallbackToLogsOnError"
    );
    assert_eq!(container["resources"]["limits"], json!({"memory": "256Mi"}));
    assert_eq!(container["resources"]["requests"]["cpu"], "100m");
    let env = json!([
        {"name": "COLOUR", "value": "blue"},
        {"name": "KOPFRS_INPUT", "value": "/var/run/kopfrs/input.json"},
    ]);
    assert_eq!(container["env"], env);
    let mount = &container["volumeMounts"][0];
    assert_eq!(
        (&mount["mountPath"], &mount["readOnly"]),
        (&json!("/var/run/kopfrs"), &json!(true))
    );
    assert_eq!(spec["volumes"][0]["secret"]["secretName"], name);
    running.drop_it().await;
}

#[kopfrs::test]
async fn the_input_is_in_a_secret_and_nowhere_else(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let call = call_for(&cluster, Operation::Create, &site);
    let running = start(Pod::new("manager:1"), call.clone());
    let pod = only_pod(&cluster).await;
    assert!(!serde_json::to_string(&pod).unwrap().contains(PASSWORD));
    let secret = cluster
        .objects::<Secret>()
        .until_there(&pod.name_any())
        .await;
    let data = secret.data.as_ref().unwrap();
    let input: Value = serde_json::from_slice(&data["input.json"].0).unwrap();
    assert_eq!(input, call.document());
    assert_eq!(input["object"]["spec"]["password"], PASSWORD);
    // It goes when the Pod goes, whoever removes that.
    let owner = &secret.owner_references()[0];
    assert_eq!(
        (&*owner.kind, &owner.uid),
        ("Pod", pod.metadata.uid.as_ref().unwrap())
    );
    running.drop_it().await;
}

#[kopfrs::test]
async fn arguments_are_made_of_the_object_where_that_is_asked_for(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let manager = Pod::new("manager:1")
        .arguments_template("--type {type} --spec {spec}")
        .unwrap();
    let running = start(manager, call_for(&cluster, Operation::Create, &site));
    let pod = serde_json::to_value(only_pod(&cluster).await).unwrap();
    let args = &pod["spec"]["containers"][0]["args"];
    assert_eq!(
        (&args[0], &args[1], &args[2]),
        (&json!("--type"), &json!("create"), &json!("--spec"))
    );
    let spec: Value = serde_json::from_str(args[3].as_str().unwrap()).unwrap();
    assert_eq!(spec, serde_json::to_value(&site.spec).unwrap());
    running.drop_it().await;
}

#[kopfrs::test]
async fn what_was_run_is_kept_until_the_next_run_if_asked_for(cluster: Cluster) {
    let site = make_site(&cluster, "web").await;
    let manager = Pod::new("manager:1").keep(true);
    let running = start(
        manager.clone(),
        call_for(&cluster, Operation::Verify, &site),
    );
    let first = only_pod(&cluster).await;
    exit(&cluster, &first.name_any(), 211, "").await;
    assert_eq!(running.report().await.outcome, Verified::Ready.into());
    assert_eq!(only_pod(&cluster).await.metadata.uid, first.metadata.uid);

    let running = start(manager, call_for(&cluster, Operation::Verify, &site));
    let is_another = |pod: &PodObject| pod.metadata.uid != first.metadata.uid;
    let pods = cluster.objects::<PodObject>();
    let second = pods.until(&first.name_any(), is_another).await;
    exit(&cluster, &second.name_any(), 214, "").await;
    assert_eq!(running.report().await.outcome, Verified::Missing.into());
}

#[kopfrs::test]
async fn kinds_without_namespaces_say_where_their_pods_are(cluster: Cluster) {
    let actions = kopfrs::api::Actions::new(cluster.client());
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some(cluster.namespace().to_owned());
    actions.get(&mut namespace).await.unwrap();
    let call = |of: Option<&str>| {
        let mut object =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": namespace.metadata});
        object["metadata"]["namespace"] = of.into();
        let body = kopfrs::object::Body::new(object);
        kopfrs::exec::Call::new(Operation::Create, body).actions(actions.clone())
    };
    let message = start(Pod::new("m"), call(None)).failure().await;
    assert!(
        message.contains("it is in no namespace: say with `.namespace(…)`"),
        "{message}"
    );
    let elsewhere = Pod::new("m").namespace("elsewhere");
    let message = start(elsewhere, call(Some("here"))).failure().await;
    assert!(
        message.contains("in its own namespace here, not in elsewhere"),
        "{message}"
    );

    let running = start(Pod::new("m").namespace(cluster.namespace()), call(None));
    let pod = only_pod(&cluster).await;
    assert_eq!(pod.owner_references()[0].kind, "Namespace");
    assert!(pod.name_any().ends_with("-create-0"));
    running.drop_it().await;
}
