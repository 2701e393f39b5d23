//! `handlers`: what the program declares, and where.

use crate::handler::{Family, Handler};
use crate::registry::Registry;

struct Row {
    kind: String,
    id: String,
    selector: String,
    location: String,
}

/// Prints all handlers as a table.
pub(super) fn list(registry: &Registry) {
    let rows = rows(registry);
    if let Err(error) = registry.ensure_not_empty() {
        println!("{error}");
        return;
    }
    let width = |of: fn(&Row) -> &String, title: &str| {
        rows.iter()
            .map(|row| of(row).chars().count())
            .max()
            .unwrap_or(0)
            .max(title.len())
    };
    let (kind, id, selector) = (
        width(|r| &r.kind, "KIND"),
        width(|r| &r.id, "ID"),
        width(|r| &r.selector, "FOR"),
    );
    println!(
        "{:kind$}  {:id$}  {:selector$}  DECLARED AT",
        "KIND", "ID", "FOR"
    );
    for row in &rows {
        println!(
            "{:kind$}  {:id$}  {:selector$}  {}",
            row.kind, row.id, row.selector, row.location
        );
    }
}

/// One line for the log: `3 handlers: create_pod (create), update, delete`.
pub(super) fn summary(registry: &Registry) -> String {
    let rows = rows(registry);
    let named = |row: &Row| {
        if row.id == row.kind {
            row.id.clone()
        } else {
            format!("{} ({})", row.id, row.kind)
        }
    };
    let names: Vec<String> = rows.iter().map(named).collect();
    let handlers = if names.len() == 1 {
        "handler"
    } else {
        "handlers"
    };
    format!("{} {handlers}: {}", names.len(), names.join(", "))
}

fn rows(registry: &Registry) -> Vec<Row> {
    let activities = registry
        .activities()
        .iter()
        .map(|h| row(h, h.rule.to_string()));
    let indexing = registry
        .indexing()
        .iter()
        .map(|h| row(h, "index".to_owned()));
    let watching = registry
        .watching()
        .iter()
        .map(|h| row(h, "event".to_owned()));
    let changing = registry
        .changing()
        .iter()
        .map(|h| row(h, h.rule.to_string()));
    let spawning = registry
        .spawning()
        .iter()
        .map(|h| row(h, h.rule.to_string()));
    let admission = registry
        .admission()
        .iter()
        .map(|h| row(h, h.rule.to_string()));
    let conversions = registry
        .conversions()
        .iter()
        .map(|h| row(h, h.rule.to_string()));
    activities
        .chain(indexing)
        .chain(watching)
        .chain(changing)
        .chain(spawning)
        .chain(admission)
        .chain(conversions)
        .collect()
}

fn row<C: Family>(handler: &Handler<C>, kind: String) -> Row {
    Row {
        kind,
        id: handler.id.clone(),
        selector: handler
            .selector
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        location: handler.location.to_string(),
    }
}
