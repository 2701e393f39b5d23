//! The part of JSONPath that printer columns use: members, indices, `[*]` and filters by equality.

use serde_json::Value;

#[derive(Debug, PartialEq)]
enum Step {
    Member(String),
    Index(i64),
    All,
    /// `[?(@.path==value)]`
    Equal(Vec<Step>, Value),
}

/// The first value a path leads to.
pub(super) fn first<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    walk(value, &parse(path)?)
}

fn walk<'a>(value: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    let Some((step, rest)) = steps.split_first() else {
        return Some(value);
    };
    match step {
        Step::Member(name) => walk(value.get(name)?, rest),
        Step::Index(index) => {
            let items = value.as_array()?;
            let length = i64::try_from(items.len()).ok()?;
            let at = if *index < 0 { length + index } else { *index };
            walk(items.get(usize::try_from(at).ok()?)?, rest)
        }
        Step::All => match value {
            Value::Array(items) => items.iter().find_map(|item| walk(item, rest)),
            Value::Object(fields) => fields.values().find_map(|item| walk(item, rest)),
            _ => None,
        },
        Step::Equal(path, wanted) => {
            let matching = value
                .as_array()?
                .iter()
                .filter(|item| walk(item, path) == Some(wanted));
            matching.into_iter().find_map(|item| walk(item, rest))
        }
    }
}

fn parse(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path
        .trim()
        .trim_start_matches('{')
        .trim_end_matches('}')
        .trim_start_matches('$');
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (inside, after) = split_bracket(inside)?;
            steps.push(bracket(inside)?);
            rest = after;
        } else {
            rest = rest.strip_prefix('.').unwrap_or(rest);
            let (name, after) = member(rest);
            match name.as_str() {
                "" => {}
                "*" => steps.push(Step::All),
                _ => steps.push(Step::Member(name)),
            }
            rest = after;
        }
    }
    Some(steps)
}

/// A member name up to the next step; `\.` is a dot in the name.
fn member(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => name.extend(chars.next().map(|(_, c)| c)),
            '.' | '[' => return (name, &text[at..]),
            _ => name.push(c),
        }
    }
    (name, "")
}

/// Splits at the bracket that closes, not at one in quotes.
fn split_bracket(text: &str) -> Option<(&str, &str)> {
    let (mut quote, mut depth) = (None, 0);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '[') => depth += 1,
            (None, ']') if depth > 0 => depth -= 1,
            (None, ']') => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

fn bracket(inside: &str) -> Option<Step> {
    let inside = inside.trim();
    if inside == "*" {
        return Some(Step::All);
    }
    if let Some(filter) = inside
        .strip_prefix("?(")
        .and_then(|filter| filter.strip_suffix(')'))
    {
        let (path, wanted) = filter.split_once("==")?;
        return Some(Step::Equal(
            parse(path.trim().trim_start_matches('@'))?,
            literal(wanted.trim())?,
        ));
    }
    if let Some(name) = unquote(inside) {
        return Some(Step::Member(name));
    }
    inside.parse().ok().map(Step::Index)
}

fn unquote(text: &str) -> Option<String> {
    ['"', '\''].into_iter().find_map(|quote| {
        text.strip_prefix(quote)?
            .strip_suffix(quote)
            .map(str::to_owned)
    })
}

fn literal(text: &str) -> Option<Value> {
    unquote(text)
        .map(Value::String)
        .or_else(|| serde_json::from_str(text).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_find_their_values() {
        let value = json!({
            "spec": {"s": "x", "l": ["a", "b"], "dotted.name": 1},
            "status": {"conditions": [{"type": "Other", "status": "False"}, {"type": "Ready", "status": "True"}]},
        });
        let rows = [
            (".spec.s", Some(json!("x"))),
            (".spec.l[0]", Some(json!("a"))),
            (".spec.l[-1]", Some(json!("b"))),
            (".spec.l[*]", Some(json!("a"))),
            (".spec.none.deep", None),
            (".spec.dotted\\.name", Some(json!(1))),
            (".spec['dotted.name']", Some(json!(1))),
            (
                ".status.conditions[?(@.type==\"Ready\")].status",
                Some(json!("True")),
            ),
            (".status.conditions[?(@.type=='Nope')].status", None),
        ];
        for (path, expected) in rows {
            assert_eq!(first(&value, path), expected.as_ref(), "{path}");
        }
    }
}
