//! All webhooks as one write sees them.

use serde_json::{Value, json};

use super::{
    caller::Caller,
    hook::{self, Phase},
    mutating, selection, validating,
};
use crate::{
    cluster::Cluster,
    error::ApiError,
    object::meta,
    verbs::{Target, WriteOptions, delete::DeleteOptions},
};

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
}

/// The webhooks of one write, and what they are told besides the object.
#[derive(Debug)]
pub(crate) struct Chain<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) caller: &'a Caller,
    pub(super) target: &'a Target,
    pub(super) subresource: &'a str,
    pub(super) dry_run: bool,
    /// The options as the client gave them.
    given: &'a Value,
    /// Whether the object is one of a collection: requests about those have no name.
    is_collective: bool,
}

/// One thing that webhooks are asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) operation: Operation,
    pub(super) object: Option<&'a Value>,
    pub(super) old: Option<&'a Value>,
}

impl Operation {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }

    fn options(self) -> &'static str {
        match self {
            Self::Create => "CreateOptions",
            Self::Update => "UpdateOptions",
            Self::Delete => "DeleteOptions",
        }
    }
}

impl<'a> Chain<'a> {
    /// `None` when nobody is to be asked: there are no webhooks, or the server writes for itself.
    pub(crate) fn of_write(
        cluster: &'a Cluster,
        target: &'a Target,
        options: &'a WriteOptions,
    ) -> Option<Self> {
        let caller = options.caller.as_ref()?;
        let chain = Self {
            cluster,
            caller,
            target,
            subresource: &options.subresource,
            dry_run: options.dry_run,
            given: &options.given,
            is_collective: false,
        };
        chain.if_any()
    }

    /// The same for a deletion.
    pub(crate) fn of_deletion(
        cluster: &'a Cluster,
        target: &'a Target,
        options: &'a DeleteOptions,
    ) -> Option<Self> {
        let caller = options.caller.as_ref()?;
        let chain = Self {
            cluster,
            caller,
            target,
            subresource: "",
            dry_run: options.dry_run,
            given: &options.given,
            is_collective: options.is_collective,
        };
        chain.if_any()
    }

    fn if_any(self) -> Option<Self> {
        let nobody = selection::is_exempt(&self.target.kind) || hook::none(self.cluster);
        (!nobody).then_some(self)
    }

    /// Asks mutating webhooks; gives the object they made, if they changed it. Objects carry `apiVersion` and `kind`.
    pub(crate) async fn mutate(
        &self,
        operation: Operation,
        object: Option<&Value>,
        old: Option<&Value>,
    ) -> Result<Option<Value>, ApiError> {
        let hooks = hook::all(self.cluster, Phase::Mutating);
        let question = Question {
            operation,
            object,
            old,
        };
        mutating::ask(self, &hooks, &question).await
    }

    /// Asks validating webhooks.
    pub(crate) async fn validate(
        &self,
        operation: Operation,
        object: Option<&Value>,
        old: Option<&Value>,
    ) -> Result<(), ApiError> {
        let hooks = hook::all(self.cluster, Phase::Validating);
        let question = Question {
            operation,
            object,
            old,
        };
        validating::ask(self, &hooks, &question).await
    }

    /// The name in the request: the path's, or that of an object that is created. A name that is yet to be generated is
    /// none.
    pub(super) fn name<'q>(&'q self, question: &Question<'q>) -> &'q str {
        let of_object = || question.object.map_or("", |object| meta(object, "name"));
        match question.operation {
            _ if self.is_collective => "",
            Operation::Create if self.target.name.is_empty() => of_object(),
            Operation::Create | Operation::Update | Operation::Delete => &self.target.name,
        }
    }

    /// The namespace in the request; that of a namespace is itself.
    pub(super) fn namespace<'q>(&'q self, question: &Question<'q>) -> &'q str {
        let kind = &self.target.kind;
        if kind.plural == "namespaces" && kind.group.is_empty() {
            self.name(question)
        } else {
            &self.target.namespace
        }
    }

    /// Whether what is written is of another kind than the resource: a Scale.
    pub(super) fn is_foreign(&self) -> bool {
        let subresource = self.target.kind.subresource(self.subresource);
        subresource.is_some_and(|subresource| subresource.foreign.is_some())
    }

    pub(super) fn options(&self, question: &Question<'_>) -> Value {
        let mut options = json!({
            "kind": question.operation.options(), "apiVersion": "meta.k8s.io/v1",
        });
        for (name, value) in self.given.as_object().into_iter().flatten() {
            options[name] = value.clone();
        }
        options
    }
}
