//! How deep a CEL expression is, told from its text.
//!
//! The parser and everything after it recurses: what is too deep must not get there. A real server refuses such
//! expressions, too. Asked before anything is compiled.

use std::thread;

/// How deep an expression may be.
pub(super) const LIMIT: usize = 200;
/// How deep an expression may be for the stack of any thread.
const SHALLOW: usize = 16;
/// What is enough for the deepest, also where nothing is optimised.
const STACK: usize = 64 * 1024 * 1024;

/// Operators by how tightly they bind, the loosest first; of two of a class the left one is below the right one.
const CLASSES: [&[&str]; 7] = [
    &["?", ":"],
    &["||"],
    &["&&"],
    &["==", "!=", "<=", ">=", "<", ">", "in"],
    &["+", "-"],
    &["*", "/", "%"],
    &["."],
];

/// What has been read between two brackets.
#[derive(Default)]
struct Level {
    /// Operators of each class since the last looser one: each is a node above the next.
    chains: [usize; CLASSES.len()],
    /// Signs before an operand.
    unary: usize,
}

impl Level {
    fn depth(&self) -> usize {
        1 + self.unary + self.chains.iter().sum::<usize>()
    }

    fn operator(&mut self, class: usize) {
        self.chains[class] += 1;
        self.chains[class + 1..].fill(0);
    }
}

/// Works on expressions of some depth where the stack is deep enough for them.
pub(super) fn on_stack_for<T: Send>(depth: usize, work: impl FnOnce() -> T + Send) -> T {
    if depth <= SHALLOW {
        return work();
    }
    thread::scope(|scope| {
        let worker = thread::Builder::new().stack_size(STACK);
        let worker = worker.spawn_scoped(scope, work);
        let worker = worker.expect("threads can be started, as the runtime has shown");
        match worker.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// How deep an expression is; beyond the limit it is not counted on.
pub(super) fn depth(expression: &str) -> usize {
    let mut levels = vec![Level::default()];
    let mut deepest = 0;
    // Whether a value has just ended: a sign after it is an operator, one after an operator is not.
    let mut after_value = false;
    for token in tokens(expression) {
        let Some(level) = levels.last_mut() else {
            break;
        };
        let class = CLASSES.iter().position(|class| class.contains(&token));
        match token {
            "(" | "[" | "{" => {
                // What is called or indexed is below the call.
                level.chains[CLASSES.len() - 1] += usize::from(after_value);
                levels.push(Level::default());
                after_value = false;
            }
            ")" | "]" | "}" => {
                if levels.len() > 1 {
                    levels.pop();
                }
                after_value = true;
            }
            "," => {
                *level = Level::default();
                after_value = false;
            }
            "!" => level.unary += 1,
            "-" if !after_value => level.unary += 1,
            _ => {
                if let Some(class) = class {
                    level.operator(class);
                }
                let is_member = token == ".";
                level.unary *= usize::from(is_member || class.is_none());
                after_value = class.is_none();
            }
        }
        let depth: usize = levels.iter().map(Level::depth).sum();
        deepest = deepest.max(depth);
        if deepest > LIMIT {
            break;
        }
    }
    deepest
}

/// Names, numbers and texts as one token each, and signs.
fn tokens(expression: &str) -> impl Iterator<Item = &str> {
    let mut rest = expression;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let length = length(rest)?;
        let (token, after) = rest.split_at(length);
        rest = after;
        Some(token)
    })
}

/// The length of the token that a text begins with.
fn length(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    if first == '"' || first == '\'' {
        return Some(quoted(text, first));
    }
    if first.is_alphanumeric() || first == '_' {
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
        return Some(end.unwrap_or(text.len()));
    }
    let double = ["||", "&&", "==", "!=", "<=", ">="];
    if double.iter().any(|sign| text.starts_with(sign)) {
        return Some(2);
    }
    Some(first.len_utf8())
}

/// The length of a quoted text; one that does not end goes to the end.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_what_is_in_one_another() {
        let chain = |part: &str, times: usize| format!("1{}", part.repeat(times));
        for (expression, expected) in [
            (chain(" + 1", 100), false),
            (chain(" + 1", 300), true),
            (chain(" + 2 * 3 - 1 == 7 && a.b.c", 100), false),
            (chain(".a", 300), true),
            (chain("[0]", 300), true),
            (chain(" ? 2 : 3", 150), true),
            ("!".repeat(300) + "a", true),
            ("-".repeat(300) + "1", true),
            ("[".repeat(300), true),
            (format!("[{}]", "-1, ".repeat(1000)), false),
            (format!("[{}]", "a.b(1), ".repeat(1000)), false),
            (format!("a == '{}'", "(".repeat(1000)), false),
            (format!("a == \"{}\"", r"\(".repeat(1000)), false),
            (")".repeat(1000), false),
            (String::new(), false),
            ("a == 'not ended".to_owned(), false),
        ] {
            assert_eq!(depth(&expression) > LIMIT, expected, "{expression:.40}");
        }
    }
}
