//! Which requests: the one language of faults and of questions to the journal.

use std::{fmt, sync::Arc};

use serde_json::Value;

use super::Request;
use crate::http::query::Query;

type Predicate = Arc<dyn Fn(&Request) -> bool + Send + Sync>;

/// Selects requests: those that a [`Rule`](crate::fault::Rule) is for, or that a [`Journal`](crate::Journal) is asked
/// about. Everything that is asked for must hold.
///
/// # Examples
///
/// ```
/// use kopfrs_sandbox::On;
/// use serde_json::json;
///
/// let statuses = On::verb("patch").resource("demos").subresource("status");
/// let one = On::writes().namespace("shop").name("prices");
/// let kubectl = On::any().user_agent("kubectl/");
/// let growing = On::verb("patch").user("alice").body(json!({"spec": {"size": 3}}));
/// assert_eq!(statuses.to_string(), "patch of demos/status");
/// # drop((one, kubectl, growing));
/// ```
#[derive(Clone, Default)]
pub struct On {
    verbs: Option<Vec<String>>,
    group: Option<String>,
    resource: Option<String>,
    subresource: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    user_agent: Option<String>,
    user: Option<String>,
    body: Option<Value>,
    is_cached: bool,
    predicate: Option<Predicate>,
}

/// The verbs that ask for objects.
const READS: [&str; 3] = ["get", "list", "watch"];
/// The verbs that change something.
const WRITES: [&str; 5] = ["create", "update", "patch", "delete", "deletecollection"];

impl On {
    /// All requests, those for discovery included.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests of one verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub fn verb(verb: &str) -> Self {
        Self::verbs([verb])
    }

    /// Requests of one of some verbs.
    pub fn verbs<'a>(verbs: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            verbs: Some(verbs.into_iter().map(str::to_owned).collect()),
            ..Self::default()
        }
    }

    /// Requests for objects: `get`, `list` and `watch`.
    pub fn reads() -> Self {
        Self::verbs(READS)
    }

    /// Requests that create, change or delete.
    pub fn writes() -> Self {
        Self::verbs(WRITES)
    }

    /// Only of an API group; the core group is the empty one.
    pub fn group(mut self, group: &str) -> Self {
        self.group = Some(group.to_owned());
        self
    }

    /// Only about a resource, named by its plural.
    pub fn resource(mut self, plural: &str) -> Self {
        self.resource = Some(plural.to_owned());
        self
    }

    /// Only about a subresource; the empty one is the object itself. Unless asked for, both are meant.
    pub fn subresource(mut self, subresource: &str) -> Self {
        self.subresource = Some(subresource.to_owned());
        self
    }

    /// Only in a namespace; the empty one stands for requests about all namespaces or none.
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// Only about an object of this name; of creates it is the name in the body.
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Only from clients whose `User-Agent` contains this.
    pub fn user_agent(mut self, part: &str) -> Self {
        self.user_agent = Some(part.to_owned());
        self
    }

    /// Only of a user, by the full name: `system:serviceaccount:shop:clerk`. Whom they act for does not matter.
    pub fn user(mut self, name: &str) -> Self {
        self.user = Some(name.to_owned());
        self
    }

    /// Only with a body that contains this: all its fields, and each array whole. Bodies are read as JSON or YAML.
    ///
    /// # Examples
    ///
    /// ```
    /// use kopfrs_sandbox::On;
    /// use serde_json::json;
    ///
    /// let labelled = On::writes().body(json!({"metadata": {"labels": {"shop": "open"}}}));
    /// # drop(labelled);
    /// ```
    pub fn body(mut self, part: Value) -> Self {
        self.body = Some(part);
        self
    }

    /// Only reads that a real server may answer from its cache: those that name a `resourceVersion`, be it `0`.
    pub fn cached(mut self) -> Self {
        self.is_cached = true;
        self
    }

    /// Only if a condition holds. It is asked last, and a condition that was given before is replaced.
    pub fn when(mut self, condition: impl Fn(&Request) -> bool + Send + Sync + 'static) -> Self {
        self.predicate = Some(Arc::new(condition));
        self
    }

    pub(crate) fn matches(&self, request: &Request) -> bool {
        self.matches_path(request) && self.matches_sender(request) && self.matches_content(request)
    }

    fn matches_path(&self, request: &Request) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        let verbs = self.verbs.as_ref();
        verbs.is_none_or(|verbs| verbs.iter().any(|verb| verb == request.verb()))
            && is(&self.group, request.group())
            && is(&self.resource, request.resource())
            && is(&self.subresource, request.subresource())
            && is(&self.namespace, request.namespace())
    }

    fn matches_sender(&self, request: &Request) -> bool {
        let (agent, user) = (self.user_agent.as_ref(), self.user.as_ref());
        agent.is_none_or(|part| request.user_agent().contains(part))
            && user.is_none_or(|name| request.user() == name)
    }

    /// What takes longer to find out.
    fn matches_content(&self, request: &Request) -> bool {
        let (name, body) = (self.name.as_ref(), self.body.as_ref());
        name.is_none_or(|name| request.object_name().as_ref() == Some(name))
            && (!self.is_cached || names_version(request))
            && body.is_none_or(|part| request.body().is_some_and(|whole| contains(&whole, part)))
            && self
                .predicate
                .as_ref()
                .is_none_or(|condition| condition(request))
    }
}

fn names_version(request: &Request) -> bool {
    let query = Query::parse(request.query());
    READS.contains(&request.verb()) && !query.text("resourceVersion").is_empty()
}

/// Whether a value has all that a part has.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part.iter().all(|(key, part)| {
            let found = whole.get(key);
            found.is_some_and(|whole| contains(whole, part))
        }),
        (whole, part) => whole == part,
    }
}

/// In words, for messages: `patch of demos/status in shop named "prices"`.
impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verbs {
            Some(verbs) => f.write_str(&verbs.join("/"))?,
            None => f.write_str("any request")?,
        }
        let subresource = self.subresource.as_deref().filter(|name| !name.is_empty());
        match (&self.resource, subresource) {
            (Some(resource), Some(subresource)) => write!(f, " of {resource}/{subresource}")?,
            (Some(resource), None) => write!(f, " of {resource}")?,
            (None, Some(subresource)) => write!(f, " of any {subresource}")?,
            (None, None) => {}
        }
        let parts = [
            ("in the group", &self.group),
            ("in", &self.namespace),
            ("named", &self.name),
            ("by", &self.user),
            ("from", &self.user_agent),
        ];
        for (word, value) in parts {
            if let Some(value) = value {
                write!(f, " {word} {value:?}")?;
            }
        }
        if self.is_cached {
            f.write_str(" with a resourceVersion")?;
        }
        if let Some(body) = &self.body {
            write!(f, " whose body has {body}")?;
        }
        if self.predicate.is_some() {
            f.write_str(" that a condition holds for")?;
        }
        Ok(())
    }
}

impl fmt::Debug for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "On({self})")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_is_contained_if_all_its_fields_are() {
        let whole = json!({"a": {"b": 1, "c": [1, 2]}, "d": null});
        for (part, expected) in [
            (json!({}), true),
            (json!({"a": {"b": 1}}), true),
            (json!({"a": {"c": [1, 2]}, "d": null}), true),
            (json!({"a": {"c": [1]}}), false),
            (json!({"a": {"b": 2}}), false),
            (json!({"e": null}), false),
        ] {
            assert_eq!(contains(&whole, &part), expected, "{part}");
        }
    }

    #[test]
    fn a_selection_says_in_words_what_it_selects() {
        let on = On::verbs(["get", "list"])
            .resource("demos")
            .namespace("shop");
        assert_eq!(on.to_string(), "get/list of demos in \"shop\"");
        assert_eq!(On::any().user("bob").to_string(), "any request by \"bob\"");
    }
}
