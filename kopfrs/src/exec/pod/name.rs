//! What the objects of a run are called and marked with.

use crate::exec::Call;
use crate::object::digest;

/// The longest name of a Job, and the longest value of a label.
const LIMIT: usize = 63;

/// The object that the program is run for, by its uid.
pub(super) const UID: &str = "exec.kopfrs.dev/uid";
/// What the program is to do.
pub(super) const OPERATION: &str = "exec.kopfrs.dev/operation";
/// The run that something belongs to, by its name.
pub(super) const RUN: &str = "exec.kopfrs.dev/run";
/// How it is run: `pod` or `job`.
pub(super) const BY: &str = "exec.kopfrs.dev/by";
/// An annotation with the fingerprint of what the program is to do.
pub(super) const INPUT: &str = "exec.kopfrs.dev/input";
/// An annotation of runs that are kept though their outcome is known.
pub(super) const READ: &str = "exec.kopfrs.dev/read";

/// The name of the Pod or Job, and of its input: the same for each attempt at the same operation.
pub(super) fn name(call: &Call) -> String {
    let object = call.object();
    let name = object.name().replace('.', "-");
    let uid: String = object.uid().chars().take(8).collect();
    let rest = format!("{uid}-{}-{}", call.operation(), call.attempts());
    let whole = format!("{name}-{rest}");
    if whole.len() <= LIMIT {
        return whole;
    }
    // The uid tells objects apart whose names begin alike, and the hash those whose uids do, too.
    let hash = digest(&serde_json::json!([object.name(), object.uid()]));
    let rest = format!("{}-{rest}", &hash[..8]);
    let room = LIMIT.saturating_sub(rest.len() + 1);
    // Names of objects are ASCII.
    let begin: String = name.chars().take(room).collect();
    format!("{}-{rest}", begin.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lifecycle::Operation;
    use crate::object::Body;

    fn of(object: &str, attempt: u32) -> String {
        let object =
            json!({"metadata": {"name": object, "uid": "0a1b2c3d-4e5f-6789-abcd-ef0123456789"}});
        name(&Call::new(Operation::Create, Body::new(object)).attempt(attempt))
    }

    #[test]
    fn names_tell_the_object_the_operation_and_the_attempt() {
        assert_eq!(of("web", 0), "web-0a1b2c3d-create-0");
        assert_eq!(
            of("web.example.com", 12),
            "web-example-com-0a1b2c3d-create-12"
        );
    }

    #[test]
    fn long_names_are_cut_and_still_tell_objects_apart() {
        let long = "a".repeat(253);
        let (one, other) = (of(&long, 0), of(&format!("{}b", &long[1..]), 0));
        assert_eq!((one.len(), other.len()), (63, 63));
        assert_ne!(one, other);
        assert!(one.ends_with("-0a1b2c3d-create-0"), "{one}");
        let dashed = of(&"a-".repeat(60), u32::MAX);
        assert!(dashed.len() <= 63 && !dashed.contains("--"), "{dashed}");
        assert_eq!(
            of(&"a".repeat(63 - 18), 0),
            format!("{}-0a1b2c3d-create-0", "a".repeat(45))
        );
    }
}
