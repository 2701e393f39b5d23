//! Programs in containers on the cluster.

mod container;
mod follow;
mod name;
mod plan;
mod run;
mod site;
mod state;
mod workload;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::batch::v1::Job as JobObject;
use k8s_openapi::api::core::v1::{Pod as PodObject, PodSpec};
use serde_json::Value;

use self::container::Options;
use self::run::run;
use self::site::Site;
use self::workload::Workload;
use super::template::{Template, TemplateError};
use super::{Call, Runner};
use crate::handler::Result;
use crate::lifecycle::Report;
use crate::object::FieldPath;

/// Runs a program in a Pod for each operation.
///
/// The Pod has one container, in the namespace of the object, and the object is its owner. It is never restarted: whether
/// an operation is tried again is for its handler to say. What the program is to do is [one JSON document](Call::document)
/// in a file that the variable `KOPFRS_INPUT` names (`/var/run/kopfrs/input.json`). The file comes from a Secret that goes
/// with the Pod, so that nothing of the object is in the arguments or the environment of a container. The program gets
/// `--type <operation>` after its own arguments.
///
/// Its exit code is the [outcome](super::code::decode). The termination message of the container, or else the end of its
/// log, becomes the payload if it succeeds, and the message if it fails; secrets of the spec are taken out of it. Then the
/// Pod is removed.
///
/// # One program at a time
/// The Pod is named `<name>-<uid>-<operation>-<attempt>`. When the operator stops, the program goes on; the next attempt
/// at the same operation, with the same spec, finds its Pod and waits for it, so that there is one Pod in total. If
/// something else is to be done by then, since the spec has changed or the object is being deleted, the program that is at
/// work is left to end, what came of it is dropped, and the next one begins. A Pod of that name that belongs to somebody
/// else is an error.
///
/// # What goes wrong
/// An image that cannot be pulled and a container that cannot be made fail the operation after
/// [`patience`](Pod::patience); a Pod that finds no node, or a program that does not end, after
/// [`deadline`](Pod::deadline); a Pod that was evicted or deleted, at once. The message says which.
///
/// # Rights
/// The operator may `create`, `get`, `list`, `watch`, `patch` and `delete` Pods, and `create`, `get` and `delete` Secrets.
///
/// # Examples
/// ```
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kopfrs::exec::{Pod, handlers};
/// use std::time::Duration;
///
/// let manager = Pod::new("registry.example.com/manager:1.0")
///     .image_pull_secret("registry")
///     .limit("memory", "256Mi")
///     .service_account("manager")
///     .deadline(Duration::from_secs(300));
/// let registry = handlers::<ConfigMap>(manager);
/// # let _ = registry;
/// ```
#[derive(Clone, Debug)]
pub struct Pod(Options);

/// Runs a program in a Job for each operation.
///
/// All that is said of [`Pod`] holds, with a Job in between: for clusters where Jobs are what is queued, accounted for or
/// admitted. The Job does not try again (`backoffLimit` is 0), ends at the deadline, and is removed a day after its end if
/// no operator has done so before. The exit code is that of its Pod.
///
/// # Rights
/// The operator may `create`, `get`, `list`, `watch`, `patch` and `delete` Jobs, `list` and `watch` Pods, and `create`,
/// `get` and `delete` Secrets.
///
/// # Examples
/// ```
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kopfrs::exec::{Job, handlers};
///
/// let registry = handlers::<ConfigMap>(Job::new("registry.example.com/manager:1.0").request("cpu", "100m"));
/// # let _ = registry;
/// ```
#[derive(Clone, Debug)]
pub struct Job(Options);

/// One kind of runner a row: both are made of the same parts.
macro_rules! runners {
    ($($runner:ident => $object:ty;)*) => {$(
        impl $runner {
            /// A program in an image.
            pub fn new(image: impl Into<String>) -> Self {
                Self(Options::new(image.into()))
            }

            /// Sets what is executed in place of the entry point of the image.
            pub fn command(mut self, command: impl IntoIterator<Item = impl Into<String>>) -> Self {
                self.0.command = command.into_iter().map(Into::into).collect();
                self
            }

            /// Adds arguments; those that kopfrs gives come after them.
            pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
                self.0.args.extend(args.into_iter().map(Into::into));
                self
            }

            /// Gives arguments that are made of the object in place of `--type <operation>`, for programs that were written
            /// for CRAFT: `"--type {type} --spec {spec}"`. There are `{type}` (the operation), `{spec}` and `{status}` (as
            /// JSON). The template is split at spaces before the values are put in.
            ///
            /// Everybody who may read Pods can read their arguments: do not do this where specs hold secrets.
            ///
            /// # Errors
            /// If there is a placeholder of another name.
            pub fn arguments_template(mut self, template: &str) -> std::result::Result<Self, TemplateError> {
                self.0.template = Some(Template::parse(template)?);
                Ok(self)
            }

            /// Sets a variable of the environment.
            pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
                self.0.env.push((name.into(), value.into()));
                self
            }

            /// Sets when the image is pulled: `Always`, `IfNotPresent` or `Never`.
            pub fn image_pull_policy(mut self, policy: impl Into<String>) -> Self {
                self.0.pull_policy = Some(policy.into());
                self
            }

            /// Adds a Secret by which the image may be pulled, by its name.
            pub fn image_pull_secret(mut self, name: impl Into<String>) -> Self {
                self.0.pull_secrets.push(name.into());
                self
            }

            /// Sets how much of something the program may use: `("memory", "256Mi")`.
            pub fn limit(mut self, resource: impl Into<String>, quantity: impl Into<String>) -> Self {
                self.0.limits.insert(resource.into(), Value::String(quantity.into()));
                self
            }

            /// Sets how much of something is set aside for the program: `("cpu", "100m")`.
            pub fn request(mut self, resource: impl Into<String>, quantity: impl Into<String>) -> Self {
                self.0.requests.insert(resource.into(), Value::String(quantity.into()));
                self
            }

            /// Sets the account that the program talks to the API by; it is that of the namespace otherwise.
            pub fn service_account(mut self, name: impl Into<String>) -> Self {
                self.0.service_account = Some(name.into());
                self
            }

            /// Sets the namespace, for kinds that have none themselves. All others have their programs in their own.
            pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
                self.0.namespace = Some(namespace.into());
                self
            }

            /// Sets how long an operation may take; 10 minutes otherwise. A program that is found again after a restart is
            /// waited for as long as this anew, but ends at its own deadline.
            pub fn deadline(mut self, deadline: Duration) -> Self {
                self.0.deadline = deadline;
                self
            }

            /// Sets how long to wait for an image that cannot be pulled, or a container that cannot be made; a minute
            /// otherwise.
            pub fn patience(mut self, patience: Duration) -> Self {
                self.0.patience = patience;
                self
            }

            /// Keeps what was run until the next run of the same operation on the same object, for people to look at.
            pub fn keep(mut self, is_kept: bool) -> Self {
                self.0.is_kept = is_kept;
                self
            }

            /// Takes a field of the spec for secret, besides [those that tell it by their
            /// names](crate::object::Secrets).
            pub fn secret_field(mut self, field: FieldPath) -> Self {
                self.0.secrets = self.0.secrets.and_field(field);
                self
            }

            /// Changes the spec of the Pod before it is created: security contexts, tolerations, volumes, anything. The
            /// program is in the container `program`.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("use kopfrs::exec::", stringify!($runner), ";")]
            ///
            #[doc = concat!("let manager = ", stringify!($runner), "::new(\"manager:1.0\").customize(|pod| {")]
            ///     pod.priority_class_name = Some("background".to_owned());
            /// });
            /// # let _ = manager;
            /// ```
            pub fn customize(mut self, change: impl Fn(&mut PodSpec) + Send + Sync + 'static) -> Self {
                self.0.customize = Some(Arc::new(change));
                self
            }
        }

        impl Runner for $runner {
            async fn run(&self, call: &Call) -> Result<Report> {
                let site = Site::of(&self.0, call, <$object>::BY)?;
                run::<$object>(&self.0, &site).await
            }
        }
    )*};
}

runners! {
    Pod => PodObject;
    Job => JobObject;
}
