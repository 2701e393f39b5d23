//! How the indices are filled at the start.

use std::time::Duration;

/// How the indices are filled at the start.
///
/// # Examples
/// ```
/// use kopfrs::settings::Settings;
///
/// let mut settings = Settings::default();
/// settings.indexing.patience = None; // whatever happens, no handler sees incomplete indices
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexingSettings {
    /// At the start, handlers wait until all objects that are there are in the indices. When nothing has been added
    /// to them for so long, as a kind cannot be listed, say, handlers are called though indices are incomplete;
    /// `None`: never. 5 min.
    pub patience: Option<Duration>,
}

impl Default for IndexingSettings {
    fn default() -> Self {
        Self {
            patience: Some(Duration::from_secs(300)),
        }
    }
}
