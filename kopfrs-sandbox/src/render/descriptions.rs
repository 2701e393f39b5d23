//! What is said about the columns of built-in kinds, as `columns.txt` has it: a line for a column, `*` for any kind.

use std::sync::OnceLock;

/// A column of a kind, and what is said about it.
type Described = (&'static str, &'static str, String);

/// The description of a column; empty if there is none.
pub(super) fn of(kind: &str, column: &str) -> &'static str {
    static TABLE: OnceLock<Vec<Described>> = OnceLock::new();
    let table: &'static Vec<Described> = TABLE.get_or_init(|| {
        let lines = include_str!("columns.txt").lines();
        lines.filter_map(parsed).collect()
    });
    let found = table
        .iter()
        .find(|(of, name, _)| (*of == kind || *of == "*") && *name == column);
    found.map_or("", |(_, _, description)| description)
}

fn parsed(line: &'static str) -> Option<Described> {
    let mut parts = line.split('\t');
    let (kind, column) = (parts.next()?, parts.next()?);
    Some((kind, column, serde_json::from_str(parts.next()?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{registry::Registry, render::columns};

    #[test]
    fn every_column_of_a_built_in_kind_is_described() {
        let kinds = Registry::new().kinds();
        let with_tables = kinds
            .resources()
            .filter(|kind| kind.verbs.contains(&"list"));
        for kind in with_tables {
            for column in columns::of(kind) {
                let definition = column.definition();
                assert_ne!(definition["description"], "", "{} {definition}", kind.kind);
            }
        }
    }

    #[test]
    fn every_line_is_understood() {
        for line in include_str!("columns.txt").lines() {
            assert!(parsed(line).is_some(), "{line}");
        }
    }
}
