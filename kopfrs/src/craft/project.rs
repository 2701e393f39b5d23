//! Both files together: a kind, and its operator.

use std::fs;
use std::path::Path;
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;

use super::controller::Controller;
use super::definition::definition;
use super::judge::{Judge, Objection};
use super::mistake::{Findings, Mistake, Mistakes, member};
use super::resource;
use crate::exec::{Call, Runner};
use crate::on;
use crate::registry::Registry;
use crate::resource::Selector;

/// How often CRAFT looks at what is on its way.
const POLL: Duration = Duration::from_secs(15);

/// An operator as CRAFT has it: what is in `controller.json` and in `resource.json`.
///
/// # Examples
/// ```
/// use kopfrs::craft::Project;
/// use kopfrs::exec::Pod;
///
/// let controller = r#"{"group": "blog", "resource": "Site", "domain": "example.com", "version": "v1", "namespace": "craft"}"#;
/// let resource = r#"{"type": "object", "properties": {"replicas": {"type": "integer", "minimum": 1}}}"#;
/// let project = Project::parse(controller, resource)?;
/// assert_eq!(project.definition().metadata.name.as_deref(), Some("sites.blog.example.com"));
/// let registry = project.handlers(Pod::new("registry.example.com/manager:1.0"));
/// assert_eq!(registry.changing().len(), 4);
/// # Ok::<(), kopfrs::craft::Mistakes>(())
/// ```
#[derive(Clone, Debug)]
pub struct Project {
    controller: Controller,
    selector: Selector,
    definition: CustomResourceDefinition,
    /// The same as it was written: numbers are as the file has them.
    manifest: Value,
}

/// What was read, right or wrong.
pub(super) struct Reading {
    controller: Controller,
    definition: Value,
    about_controller: Findings,
    about_resource: Findings,
}

impl Project {
    /// Takes what the files say. What definitions may say is judged by the API; see [`read`](Self::read).
    ///
    /// # Errors
    /// If something is wrong in them.
    pub fn parse(controller: &str, resource: &str) -> Result<Self, Mistakes> {
        let controller = ("controller.json", controller);
        Reading::parse(controller, ("resource.json", resource)).into_project()
    }

    /// Reads both files.
    ///
    /// # Errors
    /// If they cannot be read, or something is wrong in them.
    ///
    /// # Examples
    /// ```
    /// use kopfrs::craft::Project;
    ///
    /// let mistakes = Project::read("nowhere/controller.json", "nowhere/resource.json").unwrap_err();
    /// assert!(mistakes.to_string().contains("kopfrs init"));
    /// ```
    pub fn read(
        controller: impl AsRef<Path>,
        resource: impl AsRef<Path>,
    ) -> Result<Self, Mistakes> {
        Reading::of_files(controller.as_ref(), resource.as_ref())?.into_project()
    }

    /// The definition of the kind.
    pub fn definition(&self) -> &CustomResourceDefinition {
        &self.definition
    }

    /// The handlers of the kind, which leave everything to a runner. `runOnce` and `reconcileFreq` say how often it
    /// verifies what is there.
    pub fn handlers(&self, runner: impl Runner + 'static) -> Registry {
        let runner = std::sync::Arc::new(runner);
        let run = move |call: Call| {
            let runner = runner.clone();
            async move { runner.run(&call).await }
        };
        let controller = &self.controller;
        let selector = || self.selector.clone();
        let verify = on::verify_of(selector()).id("verify").poll(POLL);
        let verify = verify
            .once(controller.is_once())
            .resync(controller.resync());
        Registry::new()
            .add(on::create_of(selector()).id("create").run(run.clone()))
            .add(on::update_of(selector()).id("update").run(run.clone()))
            .add(verify.run(run.clone()))
            .add(on::delete_of(selector()).id("delete").run(run))
    }

    pub(super) fn manifest(&self) -> &Value {
        &self.manifest
    }

    pub(super) fn controller(&self) -> &Controller {
        &self.controller
    }
}

impl Reading {
    /// # Errors
    /// If one of the files cannot be read.
    pub(super) fn of_files(controller: &Path, resource: &Path) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let mut text_of = |path: &Path| {
            let read = fs::read_to_string(path);
            read.unwrap_or_else(|error| {
                mistakes.0.push(Mistake {
                    file: path.display().to_string(),
                    path: "$".to_owned(),
                    problem: format!(
                        "it cannot be read: {error}; `kopfrs init` writes a first one"
                    ),
                });
                String::new()
            })
        };
        let texts = (text_of(controller), text_of(resource));
        mistakes.or(())?;
        let (controller, resource) = (
            controller.display().to_string(),
            resource.display().to_string(),
        );
        Ok(Self::parse((&controller, &texts.0), (&resource, &texts.1)))
    }

    /// Of a name and a text each.
    pub(super) fn parse(controller: (&str, &str), resource: (&str, &str)) -> Self {
        let mut about_controller = Findings::of(controller.0);
        let mut about_resource = Findings::of(resource.0);
        let controller = Controller::read(controller.1, &mut about_controller);
        let schema = resource::read(resource.1, &mut about_resource);
        Self {
            definition: definition(&controller, &schema),
            controller,
            about_controller,
            about_resource,
        }
    }

    /// Asks an API server about the definition, too.
    ///
    /// # Errors
    /// If it gives no answer.
    pub(super) async fn judged(mut self, judge: &Judge) -> Result<Self, String> {
        let is_named = self.about_controller.mistakes.0.is_empty();
        let is_read = !self.definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"].is_null();
        let had_mistakes = !self.about_resource.mistakes.0.is_empty();
        if !is_read {
            return Ok(self);
        }
        for Objection { field, message } in judge.ask(&self.definition).await?.refused {
            match path_in_spec(&field) {
                // What was left out for a mistake is missed now.
                Some(path) if had_mistakes && self.about_resource.has(&path) => {}
                Some(path) => {
                    let problem = format!("{message}; {}", advice(&field));
                    self.about_resource.mistake(path, problem);
                }
                None if is_named => {
                    let problem = format!(
                        "the definition made of it is refused at {field}: {message}; choose other names"
                    );
                    self.about_controller.mistake("$", problem);
                }
                None => {}
            }
        }
        Ok(self)
    }

    pub(super) fn warnings(&self) -> impl Iterator<Item = &Mistake> {
        let both = [&self.about_controller, &self.about_resource];
        both.into_iter().flat_map(|findings| &findings.warnings)
    }

    /// # Errors
    /// If there are mistakes.
    pub(super) fn into_project(self) -> Result<Project, Mistakes> {
        let mut mistakes = self.about_controller.mistakes;
        mistakes.0.extend(self.about_resource.mistakes.0);
        mistakes.or(())?;
        let refused = |file: &str, why: &dyn std::fmt::Display| {
            Mistakes(vec![Mistake {
                file: file.to_owned(),
                path: "$".to_owned(),
                problem: format!(
                    "no definition can be made of it: {why}; write it as definitions have it"
                ),
            }])
        };
        let definition = serde_json::from_value(self.definition.clone())
            .map_err(|error| refused("resource.json", &error))?;
        let selector = Selector::plural(&self.controller.plural())
            .map_err(|error| refused("controller.json", &error))?
            .with_group(self.controller.group())
            .with_version(self.controller.version());
        Ok(Project {
            controller: self.controller,
            selector,
            definition,
            manifest: self.definition,
        })
    }
}

/// Where in `resource.json` a field of the definition comes from: `….properties[spec].properties[size].type` from
/// `$.properties.size.type`.
fn path_in_spec(field: &str) -> Option<String> {
    let (_, below) = field.split_once("openAPIV3Schema.properties[spec]")?;
    let mut path = "$".to_owned();
    let mut rest = below;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (key, after) = inside.split_once(']')?;
            match key.parse::<usize>() {
                Ok(index) => path = format!("{path}[{index}]"),
                Err(_) => path = member(&path, key),
            }
            rest = after;
        } else {
            let plain = rest.strip_prefix('.').unwrap_or(rest);
            let end = plain.find(['.', '[']).unwrap_or(plain.len());
            let (name, after) = plain.split_at(end);
            if !name.is_empty() {
                path = member(&path, name);
            }
            rest = after;
            if name.is_empty() && !rest.starts_with('[') {
                return Some(path);
            }
        }
    }
    Some(path)
}

/// What to do about it, where the words of the server do not say so.
fn advice(field: &str) -> &'static str {
    match field.rsplit('.').next().unwrap_or_default() {
        "type" => "say which type it has: \"type\": \"string\", say",
        "$ref" => "write the schema out where it is used",
        "uniqueItems" => "write \"x-kubernetes-list-type\": \"set\" instead",
        "additionalProperties" => "have either properties or additionalProperties",
        "pattern" => "mend the expression: there is no looking around in those of Go",
        "default" => "make the default one that the schema allows",
        _ => "the schemas of definitions have to be structural: mend or leave it out",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_definitions_are_found_in_the_file() {
        let root = "spec.validation.openAPIV3Schema";
        for (field, path) in [
            (format!("{root}.properties[spec]"), Some("$")),
            (format!("{root}.properties[spec].type"), Some("$.type")),
            (
                format!("{root}.properties[spec].properties[a b].items.anyOf[1].pattern"),
                Some("$.properties[\"a b\"].items.anyOf[1].pattern"),
            ),
            (
                format!("{root}.properties[spec].required[0]"),
                Some("$.required[0]"),
            ),
            ("spec.names.plural".to_owned(), None),
        ] {
            assert_eq!(path_in_spec(&field).as_deref(), path, "{field}");
        }
    }
}
