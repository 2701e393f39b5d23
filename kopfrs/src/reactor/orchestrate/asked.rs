//! What reviews and conversions are about: followed by others, and watched by nobody.

#[cfg(feature = "admission")]
use std::sync::Arc;

use super::Orchestra;
#[cfg(feature = "admission")]
use super::is_defined;
use crate::registry::RegistryError;
#[cfg(feature = "admission")]
use crate::resource::Resource;
use crate::resource::Selector;

impl Orchestra<'_> {
    /// What reviews and conversions are about: nobody watches it, but what is wrong with it is told as with all that is
    /// watched. Gives whether each selector that asks for one kind means some.
    pub(super) fn check_asked(&self) -> Result<bool, RegistryError> {
        let (meant, is_complete) = self.meant(self.asked());
        for (_, selectors) in &meant {
            self.registry
                .check_reviews(|selector| selectors.contains(selector))?;
        }
        Ok(is_complete)
    }

    /// What handlers that the API server asks are for.
    fn asked(&self) -> impl Iterator<Item = &Selector> {
        let reviews = self.registry.admission().iter();
        let reviews = reviews.filter_map(|handler| handler.selector.as_ref());
        let conversions = self.registry.conversions().iter();
        reviews.chain(conversions.filter_map(|handler| handler.selector.as_ref()))
    }

    /// What handlers are asked about, and the API no longer tells of. As long as it is not known to be gone, they are
    /// asked on: nobody would be told that they are not.
    #[cfg(feature = "admission")]
    pub(super) async fn missed(&self) -> Vec<Resource> {
        let told = self.context.insights.borrow().clone();
        let told = told.map(|told| told.resources).unwrap_or_default();
        let is_missed = |known: &&Resource| {
            let name = known.to_string();
            let mut resources = self.discovery.resources.iter();
            self.asked().any(|selector| selector.matches(known))
                && !resources.any(|resource| resource.to_string() == name)
        };
        let mut missed = Vec::new();
        for resource in told.iter().filter(is_missed) {
            let is_defined = is_defined(&self.context.connection, resource).await;
            if is_defined.unwrap_or(true) {
                missed.push(resource.clone());
            }
        }
        missed
    }

    /// Tells aspects that follow the cluster what there is.
    #[cfg(feature = "admission")]
    pub(super) fn tell(&self) {
        if self.context.insights.receiver_count() == 0 {
            return;
        }
        let resources = self.discovery.resources.iter().chain(&self.kept);
        let resources: Arc<[Resource]> = resources.cloned().collect();
        let namespaces = self.namespaces.borrow().clone();
        self.context.insights.send_if_modified(|insights| {
            let is_known = insights.as_ref().is_some_and(|known| {
                known.resources == resources
                    && known.namespaces == namespaces
                    && known.changes == self.changes
            });
            if !is_known {
                *insights = Some(crate::engine::insights::Insights {
                    resources,
                    namespaces,
                    changes: self.changes,
                });
            }
            !is_known
        });
    }
}
