//! Which of the kinds that the API serves handlers are for.

use tracing::warn;

use super::Orchestra;
use crate::resource::{Resource, Selector};

impl Orchestra<'_> {
    /// The resources that handlers of objects ask for, each with the selectors that mean it; and whether each selector
    /// that asks for one kind means some.
    pub(super) fn wanted(&self) -> (Vec<(Resource, Vec<Selector>)>, bool) {
        let (mut wanted, is_complete) = self.meant(self.context.handlers.selectors());
        wanted.retain(|(resource, _)| self.is_usable(resource));
        (wanted, is_complete)
    }

    /// The resources that some selectors mean, and whether each that asks for one kind means some.
    pub(super) fn meant<'a>(
        &self,
        all: impl Iterator<Item = &'a Selector>,
    ) -> (Vec<(Resource, Vec<Selector>)>, bool) {
        let resources = &self.discovery.resources;
        let mut is_complete = true;
        let mut meant: Vec<(Resource, Vec<Selector>)> = Vec::new();
        let mut selectors: Vec<&Selector> = Vec::new();
        for selector in all {
            if !selectors.contains(&selector) {
                selectors.push(selector);
            }
        }
        for selector in selectors {
            let selected = selector.select(resources).unwrap_or_else(|candidates| {
                let names: Vec<_> = candidates.iter().map(ToString::to_string).collect();
                self.say_once(&format!(
                    "{selector} is ambiguous and selects nothing: name the group of one of {}",
                    names.join(", ")
                ));
                Vec::new()
            });
            if selected.is_empty() && selector.is_specific() {
                is_complete = false;
                self.say_once(&format!(
                    "{selector} is not served by the API; waiting for it to be installed"
                ));
            }
            for resource in selected {
                match meant.iter_mut().find(|(known, _)| known == resource) {
                    Some((_, known)) => known.push(selector.clone()),
                    None => meant.push((resource.clone(), vec![selector.clone()])),
                }
            }
        }
        (meant, is_complete)
    }

    fn is_usable(&self, resource: &Resource) -> bool {
        let missing: Vec<_> = ["list", "watch"]
            .into_iter()
            .filter(|verb| !resource.has_verb(verb))
            .collect();
        if !missing.is_empty() {
            self.say_once(&format!(
                "{resource} is not served: the API does not offer {} on it",
                missing.join(", ")
            ));
        }
        missing.is_empty()
    }

    fn say_once(&self, text: &str) {
        if self.context.is_news(text.to_owned()) {
            warn!("{text}");
        }
    }
}
