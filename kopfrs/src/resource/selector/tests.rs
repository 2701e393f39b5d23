//! Which kinds selectors mean.

use super::*;

fn resource(group: &str, version: &str, preferred: bool) -> Resource {
    Resource {
        group: group.into(),
        version: version.into(),
        plural: "demos".into(),
        kind: "Demo".into(),
        singular: "demo".into(),
        short_names: vec!["d".into()],
        categories: vec!["all".into()],
        preferred,
        ..Resource::default()
    }
}

#[test]
fn a_kind_is_found_by_each_of_its_names() {
    let demo = resource("devoops.io", "v1", true);
    let rows = [
        (Selector::name("demos"), true),
        (Selector::name("demo"), true),
        (Selector::name("Demo"), true),
        (Selector::name("d"), true),
        (Selector::name("demos.v1.devoops.io"), true),
        (Selector::name("d.devoops.io"), true),
        (Selector::name("demos.v1"), false),
        (Selector::name("demos.v2.devoops.io"), false),
        (Selector::name("DEMO"), false),
        (Selector::kind("Demo"), true),
        (Selector::kind("demos"), false),
        (Selector::plural("demos"), true),
        (Selector::singular("demo"), true),
        (Selector::shortcut("d"), true),
        (Selector::shortcut("demo"), false),
        (Selector::category("all"), true),
        (Selector::group_name("devoops.io", "d"), true),
        (Selector::group_name("devoops.io/v1", "d"), true),
        (Selector::group_name("v1", "d"), false),
        (Selector::full("devoops.io", "v1", "demos"), true),
        (Ok(Selector::everything()), true),
        (
            Selector::kind("Demo").map(|s| s.with_group("devoops.io")),
            true,
        ),
        (Selector::kind("Demo").map(|s| s.with_group("")), false),
        (
            Selector::category("all").map(|s| s.with_version("v2")),
            false,
        ),
        (Ok(Selector::everything().with_group("devoops.io")), true),
        (Ok(Selector::everything().with_group("other.io")), false),
    ];
    for (selector, expected) in rows {
        let selector = selector.unwrap();
        assert_eq!(selector.matches(&demo), expected, "{selector}");
    }
    assert!(Selector::name("").is_err() && Selector::name("a..b").is_err());
}

#[test]
fn versions_are_recognised() {
    for (text, expected) in [
        ("v1", true),
        ("v1beta2", true),
        ("v2alpha1", true),
        ("v", false),
        ("vm", false),
        ("v1x", false),
        ("v1beta", false),
    ] {
        assert_eq!(is_version(text), expected, "{text}");
    }
}

#[test]
fn without_a_version_the_preferred_one_counts() {
    let (old, new) = (resource("x.io", "v1", false), resource("x.io", "v2", true));
    let selected = Selector::name("demos")
        .unwrap()
        .select([&old, &new])
        .unwrap();
    assert_eq!(selected, [&new]);
    assert_eq!(
        Selector::name("demos.v1.x.io")
            .unwrap()
            .select([&old, &new])
            .unwrap(),
        [&old]
    );
}

#[test]
fn the_core_group_wins_and_other_ambiguities_are_refused() {
    let (core, x, y) = (
        resource("", "v1", true),
        resource("x.io", "v1", true),
        resource("y.io", "v1", true),
    );
    let selector = Selector::name("demos").unwrap();
    assert_eq!(selector.select([&x, &core]).unwrap(), [&core]);
    assert_eq!(selector.select([&x, &y]).unwrap_err(), [&x, &y]);
    assert_eq!(
        Selector::category("all")
            .unwrap()
            .select([&x, &y])
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_dotted_name_is_refused_where_it_would_match_nothing() {
    for by in [Selector::plural, Selector::kind, Selector::category] {
        let error = by("demos.v1.x.io").unwrap_err().to_string();
        assert!(error.contains("demos.v1.x.io"), "{error}");
        assert!(error.contains("Selector::name"), "{error}");
    }
}
