//! What is wrong with files, all of it at once.

use std::fmt;

use serde_json::Value;

/// Something that is wrong in a file, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file.
    pub file: String,
    /// Where in the file, as a JSON path: `$.properties.size.type`.
    pub path: String,
    /// What is wrong there, and the way out.
    pub problem: String,
}

/// All that is wrong.
///
/// # Examples
/// ```
/// use kopfrs::craft::Project;
///
/// let mistakes = Project::parse(r#"{"group": "Blog", "resource": "Site", "runOnce": 1}"#, "{}").unwrap_err();
/// let text = mistakes.to_string();
/// assert!(text.contains(r#"controller.json: $.group: "Blog" is no"#), "{text}");
/// assert!(text.contains("controller.json: $.domain: it is missing"), "{text}");
/// assert!(text.contains(r#"controller.json: $.runOnce: it is a number, and has to be a text: "runOnce": "1""#), "{text}");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistakes {
    /// What has been read, if nothing was wrong with it.
    pub(super) fn or<T>(self, read: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(read)
        } else {
            Err(self)
        }
    }
}

/// What was found out about one file.
#[derive(Debug)]
pub(super) struct Findings {
    file: String,
    pub(super) mistakes: Mistakes,
    pub(super) warnings: Vec<Mistake>,
}

impl Findings {
    pub(super) fn of(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            mistakes: Mistakes::default(),
            warnings: Vec::new(),
        }
    }

    pub(super) fn mistake(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        let mistake = self.at(path, problem);
        self.mistakes.0.push(mistake);
    }

    pub(super) fn warning(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        let warning = self.at(path, problem);
        self.warnings.push(warning);
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// Whether something is wrong at a path already.
    pub(super) fn has(&self, path: &str) -> bool {
        self.mistakes.0.iter().any(|mistake| mistake.path == path)
    }

    fn at(&self, path: impl Into<String>, problem: impl Into<String>) -> Mistake {
        Mistake {
            file: self.file.clone(),
            path: path.into(),
            problem: problem.into(),
        }
    }
}

/// A member of what a path names.
pub(super) fn member(path: &str, name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
    if !name.is_empty() && name.chars().all(is_plain) {
        format!("{path}.{name}")
    } else {
        format!("{path}[{}]", Value::from(name))
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.file, self.path, self.problem)
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}
