//! Model names allowed as metric labels. Clients choose names, and a label occupies memory forever, so only names that
//! the configuration contains or that Google has answered to are allowed, up to a limit.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

/// Maximum number of names: more than Google has models.
const MOST: usize = 200;

/// The names allowed as labels.
#[derive(Debug, Default)]
pub struct ModelLabels(RwLock<BTreeSet<String>>);

impl ModelLabels {
    /// Adds the name of an existing model.
    pub fn learn(&self, model: &str) {
        if self.knows(model) {
            return;
        }
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if names.len() < MOST {
            names.insert(model.to_owned());
        }
    }

    /// The label for a name: the name itself if it is known, else `other`.
    pub fn label<'m>(&self, model: &'m str) -> &'m str {
        if self.knows(model) { model } else { "other" }
    }

    /// All known names.
    pub fn all(&self) -> Vec<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn knows(&self, model: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_names_is_one_label() {
        let labels = ModelLabels::default();
        labels.learn("gemini-2.5-flash");
        assert_eq!(labels.label("gemini-2.5-flash"), "gemini-2.5-flash");
        assert_eq!(labels.label("gemini-9-hostile"), "other");
        (0..10_000).for_each(|number| labels.learn(&format!("m{number}")));
        assert_eq!(labels.label("m9999"), "other");
    }
}
