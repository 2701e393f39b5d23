//! The objects of one kind, as a test makes, changes and awaits them.

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;

use futures::future::LocalBoxFuture;
use k8s_openapi::ClusterResourceScope;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::cluster::Cluster;
use super::diagnosis::About;
use super::manifest;
use super::waiting::Waiting;
use crate::resource::Resource;

/// Types of objects: those of `k8s_openapi`, and those that `#[derive(CustomResource)]` makes.
pub trait Object:
    kube::Resource<DynamicType = (), Scope: 'static> + Serialize + DeserializeOwned
{
}

impl<K: kube::Resource<DynamicType = (), Scope: 'static> + Serialize + DeserializeOwned> Object
    for K
{
}

/// The objects of one kind in one namespace: typed ones from [`Cluster::objects`], JSON from [`Cluster::kind`].
///
/// # Examples
/// ```
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kopfrs::testing::Cluster;
/// use serde_json::json;
///
/// #[kopfrs::test]
/// async fn maps_come_change_and_go(cluster: Cluster) {
///     let maps = cluster.objects::<ConfigMap>();
///     maps.create_from("{metadata: {name: a}, data: {x: '1'}}").await;
///     let map = maps.merge("a", json!({"data": {"x": "2"}})).await;
///     assert_eq!(map.data.unwrap()["x"], "2");
///     maps.delete("a").await;
///     maps.until_gone("a").await;
///     assert!(maps.list().await.iter().all(|map| map.metadata.name.as_deref() != Some("a")));
/// }
/// # maps_come_change_and_go();
/// ```
pub struct Objects<K> {
    cluster: Cluster,
    resource: Resource,
    namespace: Option<String>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Object> Objects<K> {
    pub(super) fn of_type(cluster: &Cluster) -> Self {
        let resource = Resource {
            group: K::group(&()).into_owned(),
            version: K::version(&()).into_owned(),
            plural: K::plural(&()).into_owned(),
            kind: K::kind(&()).into_owned(),
            namespaced: TypeId::of::<K::Scope>() != TypeId::of::<ClusterResourceScope>(),
            ..Resource::default()
        };
        Self::new(cluster, resource)
    }
}

impl Objects<Value> {
    pub(super) fn of_resource(cluster: &Cluster, resource: Resource) -> Self {
        Self::new(cluster, resource)
    }
}

impl<K> Objects<K> {
    fn new(cluster: &Cluster, resource: Resource) -> Self {
        let namespace = resource.namespaced.then(|| cluster.namespace().to_owned());
        cluster.leftovers().kind(&resource);
        Self {
            cluster: cluster.clone(),
            resource,
            namespace,
            kind: PhantomData,
        }
    }

    /// The same in another namespace.
    pub fn in_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = self.resource.namespaced.then(|| namespace.into());
        self
    }

    fn path(&self, name: Option<&str>) -> String {
        self.resource.path(self.namespace.as_deref(), name)
    }

    /// The path of an object or of its endpoint for the status.
    fn path_of(&self, name: &str, subresource: &str) -> String {
        format!("{}{subresource}", self.path(Some(name)))
    }

    fn name_of(&self, name: &str) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {namespace}/{name}", self.resource),
            None => format!("{} {name}", self.resource),
        }
    }

    fn about(&self, name: &str) -> About {
        About::default().object(&self.resource, self.path(Some(name)), name)
    }

    /// Ends the test when a request has failed.
    fn done<T>(&self, what: &str, name: &str, result: Result<T, kube::Error>) -> T {
        result.unwrap_or_else(|error| panic!("{} cannot be {what}: {error}", self.name_of(name)))
    }
}

impl<K: Serialize + DeserializeOwned> Objects<K> {
    fn typed(&self, name: &str, object: Value) -> K {
        serde_json::from_value(object)
            .unwrap_or_else(|error| panic!("{} is not of its type: {error}", self.name_of(name)))
    }

    /// Creates an object; gives what the server has stored.
    pub async fn create(&self, object: &K) -> K {
        let object = serde_json::to_value(object);
        let object =
            object.unwrap_or_else(|error| panic!("the object cannot be written as JSON: {error}"));
        self.create_value(object).await
    }

    /// Creates an object of a YAML text, in the namespace of these objects; gives what the server has stored.
    pub async fn create_from(&self, yaml: &str) -> K {
        self.create_value(manifest::one(yaml)).await
    }

    async fn create_value(&self, mut object: Value) -> K {
        object["apiVersion"] = self.resource.api_version().into();
        object["kind"] = self.resource.kind.clone().into();
        if let Some(namespace) = &self.namespace {
            object["metadata"]["namespace"] = namespace.clone().into();
        }
        let meta = &object["metadata"];
        let name = meta["name"].as_str().or(meta["generateName"].as_str());
        let name = name.unwrap_or_default().to_owned();
        let created = self.cluster.rest().post(&self.path(None), &object).await;
        let created = self.done("created", &name, created);
        self.cluster.leftovers().object(&self.resource, &created);
        self.typed(&name, created)
    }

    /// Reads an object; `None` if there is none.
    pub async fn find(&self, name: &str) -> Option<K> {
        let found = self.cluster.rest().get(&self.path(Some(name))).await;
        let found = self.done("read", name, found)?;
        Some(self.typed(name, found))
    }

    /// Reads an object that is there.
    ///
    /// # Panics
    /// If it is not.
    pub async fn get(&self, name: &str) -> K {
        let found = self.find(name).await;
        found.unwrap_or_else(|| panic!("{} is not there", self.name_of(name)))
    }

    /// Reads all of them.
    pub async fn list(&self) -> Vec<K> {
        let list = self.cluster.rest().get(&self.path(None)).await;
        let mut list = self.done("listed", "*", list).unwrap_or_default();
        let items = list["items"]
            .as_array_mut()
            .map(std::mem::take)
            .unwrap_or_default();
        let typed = items.into_iter().map(|mut item| {
            // Items of lists do not say what they are.
            item["apiVersion"] = self.resource.api_version().into();
            item["kind"] = self.resource.kind.clone().into();
            self.typed("*", item)
        });
        typed.collect()
    }

    /// Merges something into an object, as `kubectl patch --type merge` does.
    pub async fn merge(&self, name: &str, patch: Value) -> K {
        self.merge_at(name, "", patch).await
    }

    /// Merges something into an object by the endpoint of its status: `{"status": …}`.
    pub async fn merge_status(&self, name: &str, patch: Value) -> K {
        self.merge_at(name, "/status", patch).await
    }

    async fn merge_at(&self, name: &str, subresource: &str, patch: Value) -> K {
        let path = self.path_of(name, subresource);
        let merged = self.cluster.rest().merge(&path, &patch).await;
        self.typed(name, self.done("patched", name, merged))
    }

    /// Asks for the deletion of an object. It goes when its finalizers are gone: see [`Objects::until_gone`].
    pub async fn delete(&self, name: &str) {
        let deleted = self.cluster.rest().delete(&self.path(Some(name))).await;
        let was_there = self.done("deleted", name, deleted);
        assert!(
            was_there,
            "{} cannot be deleted: it is not there",
            self.name_of(name)
        );
    }

    /// Waits until an object is as it should be; gives it.
    pub fn until<'a>(&self, name: &str, is_so: impl Fn(&K) -> bool + Clone + 'a) -> Waiting<'a, K>
    where
        K: 'a,
    {
        let what = format!("{} to be as it should", self.name_of(name));
        let look = self.look(name, move |found: Option<K>| {
            found.filter(|object| is_so(object))
        });
        Waiting::new(&self.cluster, what, look).about(self.about(name))
    }

    /// Waits until an object is there; gives it.
    pub fn until_there<'a>(&self, name: &str) -> Waiting<'a, K>
    where
        K: 'a,
    {
        let what = format!("{} to come", self.name_of(name));
        Waiting::new(&self.cluster, what, self.look(name, |found| found)).about(self.about(name))
    }

    /// Waits until an object is gone.
    pub fn until_gone<'a>(&self, name: &str) -> Waiting<'a, ()>
    where
        K: 'a,
    {
        let what = format!("the end of {}", self.name_of(name));
        let look = self.look(name, |found: Option<K>| found.is_none().then_some(()));
        Waiting::new(&self.cluster, what, look).about(self.about(name))
    }

    fn look<'a, T>(
        &self,
        name: &str,
        judge: impl Fn(Option<K>) -> Option<T> + Clone + 'a,
    ) -> impl FnMut() -> LocalBoxFuture<'a, Option<T>> + 'a
    where
        K: 'a,
    {
        let (objects, name) = (self.clone(), name.to_owned());
        move || {
            let (objects, name, judge) = (objects.clone(), name.clone(), judge.clone());
            Box::pin(async move { judge(objects.find(&name).await) })
        }
    }
}

impl<K> Clone for Objects<K> {
    fn clone(&self) -> Self {
        Self {
            cluster: self.cluster.clone(),
            resource: self.resource.clone(),
            namespace: self.namespace.clone(),
            kind: PhantomData,
        }
    }
}

impl<K> fmt::Debug for Objects<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects")
            .field("resource", &self.resource.to_string())
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
