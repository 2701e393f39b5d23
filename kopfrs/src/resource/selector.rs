//! How handlers name the kinds they are for.

use std::fmt;

use super::Resource;

/// Names one or more kinds: by type, by any of their names, by category, or all.
///
/// Where no version is given, the version counts that the group prefers. A name that several groups
/// have means the core group's; without one there, it is ambiguous and selects nothing.
///
/// # Examples
/// ```
/// use k8s_openapi::api::core::v1::Pod;
/// use kopfrs::resource::Selector;
///
/// assert_eq!(Selector::of::<Pod>().to_string(), "pods.v1");
/// assert_eq!(Selector::name("demos.v1.devoops.io")?, Selector::full("devoops.io", "v1", "demos")?);
/// Selector::name("po")?; // plural, singular, kind or short name in any group
/// Selector::category("all")?;
/// # Ok::<(), kopfrs::resource::SelectorError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Selector {
    group: Option<String>,
    version: Option<String>,
    name: Name,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    Any(String),
    Kind(String),
    Plural(String),
    Singular(String),
    Short(String),
    Category(String),
    Everything,
}

/// Why a text does not name a kind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// An empty name, or an empty part of a dotted one.
    #[error(
        "resource {0:?} has an empty part; write a name such as \"demos\" or \"demos.v1.example.com\""
    )]
    Empty(String),
    /// A dotted name where a single name is meant.
    #[error(
        "{0:?} is a dotted name, and this asks for one name without dots; write the dotted name itself (`Selector::name` in code)"
    )]
    Dotted(String),
}

impl Selector {
    /// The kind of a type, in that type's version.
    pub fn of<K: kube::Resource<DynamicType = ()>>() -> Self {
        Self {
            group: Some(K::group(&()).into_owned()),
            version: Some(K::version(&()).into_owned()),
            name: Name::Plural(K::plural(&()).into_owned()),
        }
    }

    /// Any name of a kind, or its dotted form: `pods`, `pods.v1`, `demos.devoops.io`,
    /// `demos.v1.devoops.io`.
    pub fn name(text: &str) -> Result<Self, SelectorError> {
        let mut parts = text.split('.');
        let name = Name::Any(checked(parts.next().unwrap_or_default(), text)?);
        let rest: Vec<&str> = parts.collect();
        for part in &rest {
            checked(part, text)?;
        }
        let (version, group) = match rest.split_first() {
            Some((first, group)) if is_version(first) => (Some((*first).to_owned()), group),
            _ => (None, &rest[..]),
        };
        let group = match (group.is_empty(), &version) {
            (false, _) => Some(group.join(".")),
            (true, Some(_)) => Some(String::new()),
            (true, None) => None,
        };
        Ok(Self {
            group,
            version,
            name,
        })
    }

    /// Group, version and any name. The core group is the empty string.
    pub fn full(group: &str, version: &str, name: &str) -> Result<Self, SelectorError> {
        Ok(Self {
            group: Some(group.to_owned()),
            version: Some(checked(version, version)?),
            name: Name::Any(checked(name, name)?),
        })
    }

    /// Group and any name, in the group's preferred version. `group` may be `group/version`.
    pub fn group_name(group: &str, name: &str) -> Result<Self, SelectorError> {
        if let Some((group, version)) = group.split_once('/') {
            return Self::full(group, version, name);
        }
        if is_version(group) {
            return Self::full("", group, name);
        }
        let name = Name::Any(checked(name, name)?);
        Ok(Self {
            group: Some(group.to_owned()),
            version: None,
            name,
        })
    }

    /// The kind of this name in any group.
    pub fn kind(kind: &str) -> Result<Self, SelectorError> {
        Self::by(Name::Kind, kind)
    }

    /// The kind of this plural name in any group.
    pub fn plural(plural: &str) -> Result<Self, SelectorError> {
        Self::by(Name::Plural, plural)
    }

    /// The kind of this singular name in any group.
    pub fn singular(singular: &str) -> Result<Self, SelectorError> {
        Self::by(Name::Singular, singular)
    }

    /// The kind of this short name in any group.
    pub fn shortcut(short: &str) -> Result<Self, SelectorError> {
        Self::by(Name::Short, short)
    }

    /// All kinds of a category: `all`.
    pub fn category(category: &str) -> Result<Self, SelectorError> {
        Self::by(Name::Category, category)
    }

    /// All kinds but events.
    pub fn everything() -> Self {
        Self {
            group: None,
            version: None,
            name: Name::Everything,
        }
    }

    /// The same, but in this group only. The core group is the empty string.
    ///
    /// # Examples
    /// ```
    /// use kopfrs::resource::Selector;
    ///
    /// let selector = Selector::kind("Demo")?.with_group("devoops.io").with_version("v1");
    /// assert_eq!(selector.to_string(), "kind=Demo, version=v1, group=devoops.io");
    /// # Ok::<(), kopfrs::resource::SelectorError>(())
    /// ```
    pub fn with_group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// The same, but in this version only, whichever the group prefers.
    pub fn with_version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    fn by(name: fn(String) -> Name, text: &str) -> Result<Self, SelectorError> {
        if text.contains('.') {
            return Err(SelectorError::Dotted(text.to_owned()));
        }
        Ok(Self {
            group: None,
            version: None,
            name: name(checked(text, text)?),
        })
    }

    fn dotted(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name)?;
        let parts = [&self.version, &self.group].into_iter().flatten();
        for part in parts.filter(|part| !part.is_empty()) {
            write!(f, ".{part}")?;
        }
        Ok(())
    }

    /// Whether a resource is meant.
    pub fn matches(&self, resource: &Resource) -> bool {
        let version = match &self.version {
            Some(version) => *version == resource.version,
            None => resource.preferred,
        };
        let group = self
            .group
            .as_ref()
            .is_none_or(|group| *group == resource.group);
        group && version && self.name.matches(resource)
    }

    /// Whether one kind is meant, so that several matches are an ambiguity.
    pub fn is_specific(&self) -> bool {
        !matches!(self.name, Name::Category(_) | Name::Everything)
    }

    /// The group, if it is told. The core group is the empty string.
    #[cfg(feature = "cli")]
    pub(crate) fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// The plural name, if it is told; a name of any sort is most often the plural one.
    #[cfg(feature = "cli")]
    pub(crate) fn plural_name(&self) -> Option<&str> {
        match &self.name {
            Name::Plural(name) | Name::Any(name) => Some(name),
            Name::Kind(_)
            | Name::Singular(_)
            | Name::Short(_)
            | Name::Category(_)
            | Name::Everything => None,
        }
    }

    /// Whether the plural name is told for sure.
    #[cfg(feature = "cli")]
    pub(crate) fn has_plural(&self) -> bool {
        matches!(self.name, Name::Plural(_))
    }

    /// The resources that are meant; the core group wins over others of the same name.
    ///
    /// # Errors
    /// All candidates, if a specific name is in several groups and none of them is the core group.
    pub fn select<'a>(
        &self,
        resources: impl IntoIterator<Item = &'a Resource>,
    ) -> Result<Vec<&'a Resource>, Vec<&'a Resource>> {
        let matching: Vec<_> = resources.into_iter().filter(|r| self.matches(r)).collect();
        if !self.is_specific() || matching.len() < 2 {
            return Ok(matching);
        }
        let core: Vec<_> = matching
            .iter()
            .copied()
            .filter(|r| r.group.is_empty())
            .collect();
        if core.len() == 1 {
            Ok(core)
        } else {
            Err(matching)
        }
    }
}

impl Name {
    fn matches(&self, resource: &Resource) -> bool {
        let is_event =
            resource.plural == "events" && matches!(&*resource.group, "" | "events.k8s.io");
        match self {
            Self::Any(name) => {
                *name == resource.plural
                    || *name == resource.singular
                    || *name == resource.kind
                    || resource.short_names.contains(name)
            }
            Self::Kind(kind) => *kind == resource.kind,
            Self::Plural(plural) => *plural == resource.plural,
            Self::Singular(singular) => *singular == resource.singular,
            Self::Short(short) => resource.short_names.contains(short),
            Self::Category(category) => resource.categories.contains(category),
            Self::Everything => !is_event,
        }
    }
}

fn checked(part: &str, whole: &str) -> Result<String, SelectorError> {
    if part.is_empty() {
        Err(SelectorError::Empty(whole.to_owned()))
    } else {
        Ok(part.to_owned())
    }
}

/// Whether a text looks like a Kubernetes API version: `v1`, `v2beta3`.
fn is_version(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('v') else {
        return false;
    };
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = text.len() - 1 - rest.len();
    let stage = rest
        .strip_prefix("alpha")
        .or_else(|| rest.strip_prefix("beta"))
        .unwrap_or(rest);
    let stage_number = stage.len() < rest.len() && !stage.is_empty();
    digits > 0 && (rest.is_empty() || stage_number && stage.chars().all(|c| c.is_ascii_digit()))
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Name::Any(name) | Name::Plural(name) => return self.dotted(name, f),
            Name::Kind(name) => write!(f, "kind={name}")?,
            Name::Singular(name) => write!(f, "singular={name}")?,
            Name::Short(name) => write!(f, "shortcut={name}")?,
            Name::Category(name) => write!(f, "category={name}")?,
            Name::Everything => f.write_str("EVERYTHING")?,
        }
        if let Some(version) = &self.version {
            write!(f, ", version={version}")?;
        }
        match self.group.as_deref() {
            Some("") => f.write_str(", group=\"\""),
            Some(group) => write!(f, ", group={group}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
