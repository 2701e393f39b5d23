//! Pods and Jobs as what runs a program.

use k8s_openapi::api::batch::v1::{Job as JobObject, JobSpec};
use k8s_openapi::api::core::v1::{Pod as PodObject, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::ResourceExt as _;

use super::container::Options;
use super::name::RUN;
use super::site::Site;
use super::state::{State, of_pod, stated};
use crate::api::Object;
use crate::handler::Result;

/// A kind of objects that run a program once.
pub(super) trait Workload:
    Object
    + kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
    + Clone
    + Default
    + std::fmt::Debug
    + Send
    + Sync
    + 'static
{
    /// As labels and people call it.
    const BY: &'static str;
    const KIND: &'static str;
    /// Its program is in Pods that somebody else makes of it.
    const HAS_PODS: bool;

    /// The object to be created.
    fn make(options: &Options, site: &Site<'_>) -> Result<Self>;

    /// How its program is.
    fn state(&self, pods: &[&PodObject]) -> State;

    /// The reference that makes others go with it.
    fn reference(&self) -> OwnerReference {
        OwnerReference {
            api_version: Self::api_version(&()).into_owned(),
            kind: Self::KIND.to_owned(),
            name: self.name_any(),
            uid: self.uid().unwrap_or_default(),
            controller: Some(true),
            block_owner_deletion: None,
        }
    }
}

impl Workload for PodObject {
    const BY: &'static str = "pod";
    const KIND: &'static str = "Pod";
    const HAS_PODS: bool = false;

    fn make(options: &Options, site: &Site<'_>) -> Result<Self> {
        let mut spec = options.pod_spec(site.call, &site.name)?;
        spec.active_deadline_seconds = Some(options.deadline_in_seconds());
        Ok(Self {
            metadata: site.meta()?,
            spec: Some(spec),
            status: None,
        })
    }

    fn state(&self, _: &[&PodObject]) -> State {
        of_pod(self)
    }
}

/// How long a Job stays that nobody has read the outcome of: its operator is gone, or somebody keeps it.
const LEFTOVERS: i32 = 24 * 60 * 60;

impl Workload for JobObject {
    const BY: &'static str = "job";
    const KIND: &'static str = "Job";
    const HAS_PODS: bool = true;

    fn make(options: &Options, site: &Site<'_>) -> Result<Self> {
        let template = PodTemplateSpec {
            metadata: Some(ObjectMeta {
                labels: Some(site.labels()),
                annotations: Some(site.annotations()),
                ..ObjectMeta::default()
            }),
            spec: Some(options.pod_spec(site.call, &site.name)?),
        };
        Ok(Self {
            metadata: site.meta()?,
            spec: Some(JobSpec {
                // Who tries again is the operator: a Pod that is replaced would be an attempt that nobody has asked for.
                backoff_limit: Some(0),
                active_deadline_seconds: Some(options.deadline_in_seconds()),
                ttl_seconds_after_finished: Some(LEFTOVERS),
                template,
                ..JobSpec::default()
            }),
            status: None,
        })
    }

    fn state(&self, pods: &[&PodObject]) -> State {
        let own = |pod: &&&PodObject| {
            let is_marked = pod.labels().get(RUN) == self.metadata.name.as_ref();
            let mut owners = pod.owner_references().iter();
            is_marked && owners.any(|owner| Some(&owner.uid) == self.metadata.uid.as_ref())
        };
        let mut states: Vec<State> = pods.iter().filter(own).map(|pod| of_pod(pod)).collect();
        if let Some(ended) = states
            .iter()
            .position(|state| matches!(state, State::Ended(_)))
        {
            return states.swap_remove(ended);
        }
        if let Some(failure) = failure(self) {
            // Its Pod tells more, but that may not have reached us yet.
            let has_last_word =
                failure.starts_with("DeadlineExceeded") || states.iter().any(State::is_over);
            return match states.into_iter().find(State::is_over) {
                Some(State::Lost(reason)) => State::Lost(format!("{reason}; {failure}")),
                _ if has_last_word => State::Lost(failure),
                _ => State::Trouble(format!("{failure}; nothing is known of its Pod")),
            };
        }
        states.pop().unwrap_or(State::Waiting(None))
    }
}

/// Why a Job has failed, if it has.
fn failure(job: &JobObject) -> Option<String> {
    let conditions = job.status.as_ref()?.conditions.iter().flatten();
    let mut failed =
        conditions.filter(|condition| condition.type_ == "Failed" && condition.status == "True");
    let failed = failed.next()?;
    let stated = stated(failed.reason.as_deref(), failed.message.as_deref());
    Some(stated.unwrap_or_else(|| "the Job has failed".to_owned()))
}
