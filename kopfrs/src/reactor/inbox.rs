//! What has come for an object that is not being looked at: of several states only the newest counts,
//! and a deletion is never lost.

use super::snapshot::Version;
use crate::cause::EventType;

/// What waits for an object's worker.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// The type of the first unseen event, and the newest body.
    pub(crate) live: Option<(EventType, Box<str>)>,
    /// The version of that body, if versions can be compared.
    pub(crate) version: Option<Version>,
    /// The last body of an object that is gone.
    pub(crate) deleted: Option<Box<str>>,
    /// What has come was indexed already.
    pub(crate) is_indexed: bool,
    /// Something has happened to an object that this one depends on.
    pub(crate) is_woken: bool,
    /// What goes along with the object has ended, or may begin again.
    pub(crate) is_roused: bool,
}

impl Inbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.live.is_none() && self.deleted.is_none() && !self.is_woken && !self.is_roused
    }

    pub(crate) fn add(&mut self, event_type: EventType, version: Option<Version>, text: Box<str>) {
        match (event_type, self.live.take()) {
            (EventType::Deleted, live) => {
                self.live = live;
                self.deleted = Some(text);
            }
            // A listing may come from a server that is behind.
            (_, Some(newer)) if is_older(version, self.version) => self.live = Some(newer),
            (event_type, live) => {
                let first = live.map_or(event_type, |(first, _)| first);
                self.live = Some((first, text));
                self.version = version;
                self.is_indexed = false;
            }
        }
    }

    /// Adds what has come since.
    pub(crate) fn follow(&mut self, newer: Self) {
        if let Some((event_type, text)) = newer.live {
            self.add(event_type, newer.version, text);
        }
        if let Some(text) = newer.deleted {
            self.add(EventType::Deleted, None, text);
        }
        self.is_woken |= newer.is_woken;
        self.is_roused |= newer.is_roused;
    }

    /// Drops what tells nothing new.
    pub(crate) fn drop_live(&mut self) {
        (self.live, self.version) = (None, None);
    }

    /// The object is not there any more. A last body that was told is better than a made one.
    pub(crate) fn vanish(&mut self, made: impl FnOnce() -> Box<str>) {
        self.deleted.get_or_insert_with(made);
    }
}

/// Whether a version is known to be older than another.
pub(crate) fn is_older(version: Option<Version>, than: Option<Version>) -> bool {
    matches!((version, than), (Some(version), Some(than)) if version < than)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_body_wins_the_first_type_stays_and_deletions_are_kept() {
        let mut inbox = Inbox::default();
        inbox.add(EventType::Added, Version::parse("1"), "1".into());
        inbox.add(EventType::Modified, Version::parse("2"), "2".into());
        inbox.add(EventType::Modified, Version::parse("1"), "1".into());
        assert_eq!(inbox.live, Some((EventType::Added, "2".into())));
        assert_eq!(inbox.version, Version::parse("2"));
        inbox.add(EventType::Deleted, Version::parse("3"), "3".into());
        assert_eq!(inbox.live, Some((EventType::Added, "2".into())));
        assert_eq!(inbox.deleted.as_deref(), Some("3"));
    }

    #[test]
    fn what_has_come_since_is_not_indexed_yet() {
        let mut inbox = Inbox::default();
        inbox.add(EventType::Listed, Version::parse("1"), "1".into());
        inbox.is_indexed = true;
        inbox.follow(Inbox::default());
        assert!(inbox.is_indexed);
        let mut newer = Inbox::default();
        newer.add(EventType::Modified, Version::parse("2"), "2".into());
        newer.is_woken = true;
        inbox.follow(newer);
        assert_eq!(inbox.live, Some((EventType::Listed, "2".into())));
        assert!(!inbox.is_indexed && inbox.is_woken && inbox.deleted.is_none());
    }

    #[test]
    fn the_last_body_that_was_told_is_kept_when_a_listing_misses_the_object() {
        let mut inbox = Inbox::default();
        inbox.vanish(|| "made".into());
        assert_eq!(inbox.deleted.as_deref(), Some("made"));
        inbox.add(EventType::Deleted, None, "told".into());
        inbox.vanish(|| "made".into());
        assert_eq!(inbox.deleted.as_deref(), Some("told"));
    }
}
