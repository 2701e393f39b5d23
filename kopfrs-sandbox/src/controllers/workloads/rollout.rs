//! The arithmetic of rollouts. Pure: numbers in, numbers out.

use serde_json::Value;

use super::count;

/// What a Deployment allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) replicas: i64,
    /// How many Pods more than that there may be during a rollout.
    pub(super) surge: i64,
    /// How many Pods fewer may be available.
    pub(super) unavailable: i64,
    pub(super) is_rolling: bool,
}

impl Limits {
    pub(super) fn of(deployment: &Value) -> Self {
        let replicas = count(deployment, ["spec", "replicas"]);
        let strategy = &deployment["spec"]["strategy"];
        if strategy["type"] == "Recreate" {
            return Self {
                replicas,
                surge: 0,
                unavailable: 0,
                is_rolling: false,
            };
        }
        let rolling = &strategy["rollingUpdate"];
        let surge = share(&rolling["maxSurge"], replicas, Round::Up);
        let unavailable = share(&rolling["maxUnavailable"], replicas, Round::Down);
        // With neither, nothing could ever move.
        let unavailable = if surge == 0 {
            unavailable.max(1)
        } else {
            unavailable
        };
        Self {
            replicas,
            surge,
            unavailable: unavailable.min(replicas),
            is_rolling: true,
        }
    }

    pub(super) fn total(self) -> i64 {
        self.replicas + self.surge
    }

    /// How large the new set may be when all sets together want `total` Pods.
    pub(super) fn grown(self, new: i64, total: i64) -> i64 {
        if !self.is_rolling {
            return self.replicas;
        }
        let room = (self.total() - total).max(0);
        new + room.min(self.replicas - new).max(0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    Up,
    Down,
}

/// A number, or a percentage of the replicas.
fn share(value: &Value, replicas: i64, round: Round) -> i64 {
    if let Some(number) = value.as_i64() {
        return number;
    }
    let percent = value.as_str().and_then(|text| text.strip_suffix('%'));
    let percent: i64 = percent.and_then(|text| text.parse().ok()).unwrap_or(25);
    match round {
        Round::Up => (replicas * percent + 99) / 100,
        Round::Down => replicas * percent / 100,
    }
}

/// A set as the arithmetic sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) wanted: i64,
    pub(super) available: i64,
}

/// The sizes of the old sets (oldest first) after a step of a rolling update.
pub(super) fn shrunk(limits: Limits, new: Size, old: &[Size]) -> Vec<i64> {
    let mut wanted: Vec<i64> = old.iter().map(|size| size.wanted).collect();
    let minimum = limits.replicas - limits.unavailable;
    let total: i64 = wanted.iter().sum::<i64>() + new.wanted;
    let mut spare = total - minimum - (new.wanted - new.available);
    if spare <= 0 {
        return wanted;
    }
    // Pods that are not available are missed by nobody.
    for (wanted, size) in wanted.iter_mut().zip(old) {
        let idle = (*wanted - size.available).clamp(0, spare);
        *wanted -= idle;
        spare -= idle;
    }
    let available: i64 = old.iter().map(|size| size.available).sum::<i64>() + new.available;
    let mut surplus = available - minimum;
    for wanted in &mut wanted {
        let less = (*wanted).min(surplus.max(0));
        *wanted -= less;
        surplus -= less;
    }
    wanted
}

/// The sizes of sets that share what a Deployment grew or shrank by; `before` is what they could be at most before.
pub(super) fn shared(limits: Limits, sizes: &[(i64, i64)]) -> Vec<i64> {
    let allowed = if limits.replicas > 0 {
        limits.total()
    } else {
        0
    };
    let change = allowed - sizes.iter().map(|(wanted, _)| wanted).sum::<i64>();
    let mut added = 0;
    let mut result: Vec<i64> = sizes
        .iter()
        .map(|&(wanted, before)| {
            let part = fraction(limits, wanted, before);
            let left = change - added;
            let part = match change {
                0 => 0,
                1.. => part.min(left),
                _ => part.max(left),
            };
            added += part;
            wanted + part
        })
        .collect();
    if let Some(largest) = result.first_mut() {
        *largest = (*largest + change - added).max(0);
    }
    result
}

fn fraction(limits: Limits, wanted: i64, before: i64) -> i64 {
    if limits.replicas == 0 {
        return -wanted;
    }
    if before == 0 {
        return 0;
    }
    // Rounded half up, as sizes are never negative.
    (2 * wanted * limits.total() + before) / (2 * before) - wanted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn limits(replicas: i64, surge: &Value, unavailable: &Value) -> Limits {
        Limits::of(&json!({"spec": {"replicas": replicas, "strategy": {
            "type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable},
        }}}))
    }

    fn size(wanted: i64, available: i64) -> Size {
        Size { wanted, available }
    }

    #[test]
    fn percentages_round_so_that_rollouts_move() {
        let usual = limits(3, &json!("25%"), &json!("25%"));
        assert_eq!((usual.surge, usual.unavailable), (1, 0));
        let stuck = limits(3, &json!(0), &json!("10%"));
        assert_eq!((stuck.surge, stuck.unavailable), (0, 1));
        let none = limits(0, &json!(1), &json!(1));
        assert_eq!(none.unavailable, 0);
    }

    #[test]
    fn new_sets_grow_into_the_room_there_is() {
        let usual = limits(4, &json!("25%"), &json!("25%"));
        assert_eq!(usual.grown(0, 4), 1);
        assert_eq!(usual.grown(1, 5), 1);
        assert_eq!(usual.grown(1, 4), 2);
        assert_eq!(usual.grown(4, 4), 4);
    }

    #[test]
    fn old_sets_shrink_as_new_pods_become_available() {
        let usual = limits(4, &json!(1), &json!(1));
        // Nothing is available: what is old and idle may go as far as the minimum lets it.
        assert_eq!(shrunk(usual, size(1, 0), &[size(4, 0)]), [3]);
        assert_eq!(shrunk(usual, size(1, 0), &[size(4, 4)]), [3]);
        assert_eq!(shrunk(usual, size(2, 2), &[size(3, 3)]), [1]);
        assert_eq!(shrunk(usual, size(4, 4), &[size(1, 1)]), [0]);
        assert_eq!(shrunk(usual, size(1, 0), &[size(2, 2), size(1, 1)]), [2, 1]);
    }

    #[test]
    fn sets_share_what_changes() {
        let grown = limits(10, &json!(0), &json!(1));
        assert_eq!(shared(grown, &[(3, 5), (2, 5)]), [6, 4]);
        let gone = limits(0, &json!(0), &json!(1));
        assert_eq!(shared(gone, &[(3, 5), (2, 5)]), [0, 0]);
    }
}
