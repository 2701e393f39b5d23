//! Label selectors: equality, sets, existence, comparison.

use serde_json::Value;

use crate::strategy::names::{label_value, qualified_name};

/// A conjunction of requirements; empty matches everything.
#[derive(Debug, Default, Clone)]
pub(crate) struct LabelSelector(Vec<Requirement>);

#[derive(Debug, Clone)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Exists,
    Missing,
    In(Vec<String>),
    NotIn(Vec<String>),
    Greater(i64),
    Less(i64),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// One of `! ( ) , = == != < >`.
    Sign(&'static str),
    Word(String),
    End,
}

impl Token {
    fn text(&self) -> &str {
        match self {
            Self::Sign(sign) => sign,
            Self::Word(word) => word,
            Self::End => "",
        }
    }
}

impl LabelSelector {
    /// Parses; the error is a real server's text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser {
            tokens: tokens(text),
            at: 0,
        };
        parser.selector().map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.0.is_empty() || {
            let labels = &object["metadata"]["labels"];
            self.0.iter().all(|requirement| {
                requirement.matches(labels.get(&requirement.key).and_then(Value::as_str))
            })
        }
    }
}

impl Requirement {
    fn matches(&self, label: Option<&str>) -> bool {
        let number = || label.and_then(|text| text.parse::<i64>().ok());
        match &self.test {
            Test::Exists => label.is_some(),
            Test::Missing => label.is_none(),
            Test::In(values) => {
                label.is_some_and(|label| values.iter().any(|value| value == label))
            }
            Test::NotIn(values) => {
                label.is_none_or(|label| values.iter().all(|value| value != label))
            }
            Test::Greater(limit) => number().is_some_and(|number| number > *limit),
            Test::Less(limit) => number().is_some_and(|number| number < *limit),
        }
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let signs = ["==", "!=", "=", "!", "(", ")", ",", "<", ">"];
        if rest.is_empty() {
            tokens.push(Token::End);
            return tokens;
        }
        if let Some(sign) = signs.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else {
            let end = rest
                .find(|c: char| c.is_whitespace() || "=!(),<>".contains(c))
                .unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Token {
        self.tokens.get(self.at).cloned().unwrap_or(Token::End)
    }

    fn take(&mut self) -> Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn selector(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        loop {
            match self.peek() {
                Token::End => return Ok(requirements),
                Token::Word(_) | Token::Sign("!") => {
                    let requirement = self
                        .requirement()
                        .map_err(|why| format!("unable to parse requirement: {why}"))?;
                    requirements.push(requirement);
                }
                other @ Token::Sign(_) => {
                    return Err(format!(
                        "found '{}', expected: !, identifier, or 'end of string'",
                        other.text()
                    ));
                }
            }
            match self.take() {
                Token::End => return Ok(requirements),
                Token::Sign(",") => {
                    let next = self.peek();
                    if !matches!(next, Token::Word(_) | Token::Sign("!")) {
                        return Err(format!(
                            "found '{}', expected: identifier after ','",
                            next.text()
                        ));
                    }
                }
                other => {
                    return Err(format!(
                        "found '{}', expected: ',' or 'end of string'",
                        other.text()
                    ));
                }
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let negated = self.peek() == Token::Sign("!");
        if negated {
            self.take();
        }
        let key = match self.take() {
            Token::Word(key) => key,
            other => return Err(format!("found '{}', expected: identifier", other.text())),
        };
        let wrong = qualified_name(&key);
        if !wrong.is_empty() {
            let why = wrong.join("; ");
            return Err(format!("<nil>: Invalid value: {key:?}: {why}"));
        }
        if negated {
            return Ok(Requirement {
                key,
                test: Test::Missing,
            });
        }
        let test = self.test(&key)?;
        Ok(Requirement { key, test })
    }

    fn test(&mut self, key: &str) -> Result<Test, String> {
        let operator = match self.peek() {
            Token::End | Token::Sign(",") => return Ok(Test::Exists),
            token => token,
        };
        match operator.text() {
            "=" | "==" => Ok(Test::In(vec![self.value(key)?])),
            "!=" => Ok(Test::NotIn(vec![self.value(key)?])),
            ">" => self.number(key).map(Test::Greater),
            "<" => self.number(key).map(Test::Less),
            "in" => Ok(Test::In(self.values(key)?)),
            "notin" => Ok(Test::NotIn(self.values(key)?)),
            other => Err(format!(
                "found '{other}', expected: in, notin, =, ==, !=, gt, lt"
            )),
        }
    }

    fn value(&mut self, key: &str) -> Result<String, String> {
        self.take();
        match self.peek() {
            Token::Word(value) => {
                self.take();
                check_value(key, value, 0)
            }
            Token::End | Token::Sign(",") => Ok(String::new()),
            other @ Token::Sign(_) => {
                Err(format!("found '{}', expected: identifier", other.text()))
            }
        }
    }

    fn number(&mut self, key: &str) -> Result<i64, String> {
        let text = self.value(key)?;
        let why = "for 'Gt', 'Lt' operators, the value must be an integer";
        text.parse()
            .map_err(|_| format!("values[0]: Invalid value: {text:?}: {why}"))
    }

    fn values(&mut self, key: &str) -> Result<Vec<String>, String> {
        self.take();
        let open = self.take();
        if open != Token::Sign("(") {
            return Err(format!("found '{}' expected: '('", open.text()));
        }
        let mut values = Vec::new();
        let mut current = String::new();
        loop {
            match self.take() {
                Token::Word(value) => current = check_value(key, value, values.len())?,
                Token::Sign(",") => values.push(std::mem::take(&mut current)),
                Token::Sign(")") => {
                    values.push(current);
                    return Ok(values);
                }
                other => {
                    let expected = if current.is_empty() {
                        "',', or identifier"
                    } else {
                        "',' or ')'"
                    };
                    return Err(format!("found '{}', expected: {expected}", other.text()));
                }
            }
        }
    }
}

fn check_value(key: &str, value: String, index: usize) -> Result<String, String> {
    match label_value(&value).join("; ") {
        why if why.is_empty() => Ok(value),
        why => Err(format!(
            "values[{index}][{key}]: Invalid value: {value:?}: {why}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_match_as_documented() {
        let object = json!({"metadata": {"labels": {"app": "web", "tier": "2", "none": ""}}});
        let rows = [
            ("app=web", true),
            ("app==db", false),
            ("app!=db", true),
            ("app in (web, db)", true),
            ("app notin (web)", false),
            ("other notin (x)", true),
            ("app", true),
            ("!app", false),
            ("none=", true),
            ("none in ()", true),
            ("tier>1", true),
            ("tier<2", false),
            (" app = web , tier = 2 ", true),
            ("", true),
        ];
        for (text, expected) in rows {
            assert_eq!(
                LabelSelector::parse(text).expect(text).matches(&object),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn errors_are_worded_like_a_real_servers() {
        let rows = [
            (
                "app=bad value",
                "found 'value', expected: ',' or 'end of string'",
            ),
            (
                "=x",
                "found '=', expected: !, identifier, or 'end of string'",
            ),
            (
                "app in web",
                "unable to parse requirement: found 'web' expected: '('",
            ),
            ("a=b=c", "found '=', expected: ',' or 'end of string'"),
            (
                "!!",
                "unable to parse requirement: found '!', expected: identifier",
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(LabelSelector::parse(text).expect_err(text), expected);
        }
    }
}
