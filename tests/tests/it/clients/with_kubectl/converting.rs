//! Objects of a kind whose versions an operator converts.

use kopfrs::Registry;

use super::*;
use crate::conversion::Meters;

#[kopfrs::test(wire)]
async fn objects_are_got_and_applied_in_every_version(cluster: Cluster) {
    let Some(kubectl) = &Kubectl::of(&cluster) else {
        return;
    };
    let meters = Meters::define(&cluster).await;
    let operator = meters.convert(Registry::new()).await;
    let group = &meters.group;
    let manifest = |version: &str, value| meters.object(version, "a", value).to_string();
    let applied = kubectl
        .ok_with("apply -f -", &manifest("v1alpha1", 3))
        .await;
    assert_eq!(applied, format!("meter.{group}/a created\n"));
    let shown = async |version: &str, field: &str| {
        let line = format!("get meters.{version}.{group} a -o jsonpath={{.spec.{field}}}");
        kubectl.ok(&line).await
    };
    assert_eq!(shown("v1", "size").await, "3");
    assert_eq!(shown("v1beta1", "amount").await, "3");
    kubectl.ok_with("apply -f -", &manifest("v1", 4)).await;
    assert_eq!(shown("v1alpha1", "count").await, "4");
    kubectl
        .ok_with(
            "apply --server-side --force-conflicts -f -",
            &manifest("v1beta1", 5),
        )
        .await;
    assert_eq!(shown("v1", "size").await, "5");
    operator.stop().await;
    let refused = kubectl
        .refused(&format!("get meters.v1alpha1.{group} a"))
        .await;
    assert!(
        refused.contains(&format!(
            "conversion webhook for {group}/v1, Kind=Meter failed"
        )),
        "{refused}"
    );
    assert_eq!(shown("v1", "size").await, "5");
    meters.remove().await;
}
