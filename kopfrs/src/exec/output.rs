//! What a program has printed, as payload of its outcome or as the message of its failure. Pure.

use serde_json::Value;

use super::code::{CodeError, Exit, decode};
use crate::handler::{ErrorKind, HandlerError};
use crate::lifecycle::{Operation, Report};
use crate::object::Mask;

/// The end of what was printed.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    pub(super) content: String,
    /// There was more before it.
    pub(super) is_cut: bool,
}

/// A program that has ended.
#[derive(Debug)]
pub(super) struct Ended<'a> {
    /// The program, as people know it.
    pub(super) program: &'a str,
    pub(super) operation: Operation,
    pub(super) exit: Exit,
    /// What else is known of its end: `OOMKilled`.
    pub(super) reason: Option<&'a str>,
    /// Where results are printed, and where complaints are.
    pub(super) results: &'a Text,
    pub(super) complaints: &'a Text,
}

impl Text {
    /// The text without secrets.
    pub(super) fn masked(&self, mask: &Mask) -> String {
        let text = self.content.trim();
        if self.is_cut {
            format!("…{}", mask.apply_to_rest(text))
        } else {
            mask.apply(text)
        }
    }

    fn is_empty(&self) -> bool {
        self.content.trim().is_empty()
    }

    /// As JSON if it is some, as text if not.
    fn payload(&self, mask: &Mask) -> Option<Value> {
        if self.is_empty() {
            return None;
        }
        // The end of a number or a word looks like a shorter one; that of a list or a mapping does not look like one.
        let is_whole = !self.is_cut || self.content.trim_start().starts_with(['{', '[']);
        let parsed = is_whole.then(|| serde_json::from_str::<Value>(&self.content));
        let parsed = parsed.and_then(Result::ok);
        match parsed {
            Some(Value::Null) => None,
            Some(value) => Some(mask.apply_to_value(value)),
            None => Some(Value::String(self.masked(mask))),
        }
    }
}

impl Ended<'_> {
    /// What came of it.
    pub(super) fn conclude(&self, mask: &Mask) -> Result<Report, HandlerError> {
        match decode(self.program, self.operation, self.exit) {
            Ok(verdict) => Ok(Report {
                payload: self.results.payload(mask),
                ..Report::new(verdict)
            }),
            Err(error) => {
                let words = self.last_words(mask);
                let message = match (&error, words.is_empty()) {
                    (CodeError::Failed { .. }, false) => words,
                    _ => self.explained(&error, &words),
                };
                Err(HandlerError::new(ErrorKind::Arbitrary, message).with_source(Box::new(error)))
            }
        }
    }

    /// What it has complained about.
    pub(super) fn last_words(&self, mask: &Mask) -> String {
        if self.complaints.is_empty() {
            self.results.masked(mask)
        } else {
            self.complaints.masked(mask)
        }
    }

    fn explained(&self, error: &CodeError, words: &str) -> String {
        let reason = self
            .reason
            .filter(|reason| !matches!(*reason, "" | "Error" | "Completed"));
        let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
        let words = match words {
            "" => String::new(),
            words => format!("; its last words: {words}"),
        };
        format!("{error}{reason}{words}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lifecycle::Applied;
    use crate::object::Secrets;

    fn text(content: &str) -> Text {
        Text {
            content: content.to_owned(),
            is_cut: false,
        }
    }

    fn conclude(code: i32, results: &Text, complaints: &Text) -> Result<Report, String> {
        let ended = Ended {
            program: "m",
            operation: Operation::Create,
            exit: Exit::Code(code),
            reason: None,
            results,
            complaints,
        };
        let mask = Secrets::default().mask(&json!({"password": "correct horse"}));
        ended
            .conclude(&mask)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn results_are_the_payload_and_json_where_they_are_json() {
        for (printed, payload) in [
            ("", None),
            (" \n", None),
            ("null", None),
            ("{\"id\": 7}\n", Some(json!({"id": 7}))),
            ("made it\n", Some(json!("made it"))),
            ("{\"p\": \"correct horse\"}", Some(json!({"p": "***"}))),
            ("by correct horse", Some(json!("by ***"))),
        ] {
            let report = conclude(201, &text(printed), &text("noise")).unwrap();
            assert_eq!(report.payload, payload, "{printed}");
            assert_eq!(report.outcome, Applied::Succeeded.into());
        }
        let cut = Text {
            content: "17".to_owned(),
            is_cut: true,
        };
        assert_eq!(
            conclude(202, &cut, &text("")).unwrap().payload,
            Some(json!("…17"))
        );
    }

    #[test]
    fn complaints_are_the_message() {
        let message = |code, results: &str, complaints: &str| {
            conclude(code, &text(results), &text(complaints)).unwrap_err()
        };
        assert_eq!(
            message(203, "x", "disk full of correct horse\n"),
            "disk full of ***"
        );
        assert_eq!(message(203, "only this", ""), "only this");
        assert!(message(203, "", " ").contains("does not say why"));
        assert!(message(7, "", "oops").ends_with("or 203 (error); its last words: oops"));
        assert!(message(0, "", "").ends_with("or 203 (error)"));
    }
}
