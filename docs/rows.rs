//! The guide names tests as proofs: they must be there.

use std::fs;
use std::path::Path;

fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            sources(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&fs::read_to_string(&path).expect("a text"));
        }
    }
}

#[test]
fn every_test_that_is_named_as_a_proof_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut all = String::new();
    for folder in [
        "kopfrs/tests",
        "kopfrs/src",
        "tests/tests",
        "examples/tests",
    ] {
        sources(&root.join(folder), &mut all);
    }
    let page = include_str!("other-systems.md");
    let rows = page.lines().filter(|line| {
        let number = line.trim_start_matches('|').trim_start();
        number.starts_with(|c: char| c.is_ascii_digit())
    });
    let mut numbers = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        numbers.push(cells[0].trim().parse::<u32>().expect("a number"));
        let names: Vec<&str> = cells[2].split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{row}");
        for name in names {
            assert!(
                all.contains(&format!("fn {name}(")),
                "there is no test {name}"
            );
        }
    }
    assert!(numbers.is_sorted() && numbers.len() > 50, "{numbers:?}");
}

#[test]
fn every_variable_of_the_environment_that_is_named_sets_something() {
    let page = include_str!("settings.md");
    let is_of_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let words = page.split(|c| !is_of_name(c));
    let named: Vec<&str> = words.filter(|word| word.starts_with("KOPFRS_")).collect();
    let known = std::cell::RefCell::new(Vec::new());
    let asked = kopfrs::settings::Settings::default().overridden_by(|name| {
        known.borrow_mut().push(name.to_owned());
        None
    });
    asked.expect("nothing is said");
    let known = known.into_inner();
    let unknown: Vec<_> = named
        .iter()
        .filter(|name| !known.iter().any(|k| k == *name))
        .collect();
    assert!(
        named.len() > 30 && unknown.is_empty(),
        "there are no such settings: {unknown:?}"
    );
}
