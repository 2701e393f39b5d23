//! `validate`: all that is wrong, of all files, at once.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::command::{ValidateOptions, lines};
use super::judge::{Judge, Objection};
use super::mistake::{Findings, Mistake, Mistakes};
use super::project::Reading;

const API: &str = "apiextensions.k8s.io/v1";

/// Looks at all files.
///
/// # Errors
/// If something is wrong in any of them.
pub(super) async fn validate(options: &ValidateOptions) -> Result<(), String> {
    let judge = Judge::new();
    let mut mistakes = Mistakes::default();
    let is_asked = options.controller.is_some() || options.resource.is_some();
    if is_asked || options.definitions.is_empty() {
        match project(options, &judge).await? {
            Ok(name) => println!("{name}: nothing is wrong"),
            Err(found) => mistakes.0.extend(found.0),
        }
    }
    for file in &options.definitions {
        let findings = definitions(file, &judge).await?;
        warn(&findings.warnings);
        mistakes.0.extend(findings.mistakes.0);
    }
    mistakes.or(()).map_err(|mistakes| lines(&mistakes))
}

fn warn<'a>(warnings: impl IntoIterator<Item = &'a Mistake>) {
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
}

/// Looks at the two files; gives the name of the definition.
async fn project(
    options: &ValidateOptions,
    judge: &Judge,
) -> Result<Result<String, Mistakes>, String> {
    let controller = options.controller.as_deref();
    let resource = options.resource.as_deref();
    let reading = Reading::of_files(
        controller.unwrap_or(Path::new("controller.json")),
        resource.unwrap_or(Path::new("resource.json")),
    );
    let reading = match reading {
        Ok(reading) => reading.judged(judge).await?,
        Err(mistakes) => return Ok(Err(mistakes)),
    };
    warn(reading.warnings());
    let project = reading.into_project();
    Ok(project.map(|project| {
        project
            .definition()
            .metadata
            .name
            .clone()
            .unwrap_or_default()
    }))
}

/// Looks at all definitions of a file.
async fn definitions(file: &Path, judge: &Judge) -> Result<Findings, String> {
    let shown = file.display().to_string();
    let mut findings = Findings::of(&shown);
    let documents = match read(file) {
        Ok(documents) => documents,
        Err(problem) => {
            findings.mistake("$", problem);
            return Ok(findings);
        }
    };
    let mut count = 0;
    for (index, document) in documents.iter().enumerate() {
        let is_list = document["items"].is_array()
            && document["kind"]
                .as_str()
                .is_some_and(|kind| kind.ends_with("List"));
        let one = std::slice::from_ref(document);
        let objects = document["items"]
            .as_array()
            .filter(|_| is_list)
            .map_or(one, Vec::as_slice);
        for object in objects
            .iter()
            .filter(|object| object["kind"] == "CustomResourceDefinition")
        {
            count += 1;
            definition(object, index + 1, judge, &mut findings).await?;
        }
    }
    if count == 0 {
        let problem = "there is no CustomResourceDefinition in it: name a file that has some";
        findings.warning("$", problem);
    }
    Ok(findings)
}

async fn definition(
    object: &Value,
    number: usize,
    judge: &Judge,
    findings: &mut Findings,
) -> Result<(), String> {
    let name = object["metadata"]["name"]
        .as_str()
        .unwrap_or("without a name");
    let place = |field: &str| format!("document {number} ({name}): $.{field}");
    let version = &object["apiVersion"];
    if version != API {
        let problem =
            format!("{version} is not served: write {API}, and the schema into spec.versions");
        findings.mistake(place("apiVersion"), problem);
        return Ok(());
    }
    let verdict = judge.ask(object).await?;
    if verdict.refused.is_empty() {
        println!("{}: {name}: nothing is wrong", findings.file());
    }
    for Objection { field, message } in verdict.refused {
        findings.mistake(
            place(&field),
            format!("{message}; an API server refuses it: mend it there"),
        );
    }
    for Objection { field, message } in verdict.doubted {
        findings.warning(
            place(&field),
            format!("{message}; leave it out, it is dropped"),
        );
    }
    Ok(())
}

fn read(file: &Path) -> Result<Vec<Value>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("it cannot be read: {error}"))?;
    serde_saphyr::from_multiple(&text)
        .map_err(|error| format!("it is no YAML: {error}; mend it there"))
}
