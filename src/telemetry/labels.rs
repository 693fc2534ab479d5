//! Which names of models may be labels. Clients choose names, and a label costs memory for ever; so only names that a
//! configuration holds, or that Google has answered to, and of those so many.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

/// More models than Google has.
const MOST: usize = 200;

/// The names that may be labels.
#[derive(Debug, Default)]
pub struct ModelLabels(RwLock<BTreeSet<String>>);

impl ModelLabels {
    /// This name is a model's.
    pub fn learn(&self, model: &str) {
        if self.knows(model) {
            return;
        }
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if names.len() < MOST {
            names.insert(model.to_owned());
        }
    }

    /// The name as a label: itself when it is known, else `other`.
    pub fn label<'m>(&self, model: &'m str) -> &'m str {
        if self.knows(model) { model } else { "other" }
    }

    /// All of them.
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
