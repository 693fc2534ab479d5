//! What has changed since it was last sent. Of each breaker only the last word counts, and what was used adds up: so a flood of
//! requests is a handful of rows.

use std::collections::HashMap;

use jiff::civil::Date;

use crate::store::{Scope, Standing, Used};

/// Rows of each kind that wait. There are fewer; clients that make up names of models while the server is away must not fill the
/// memory.
const MOST: usize = 10_000;

/// Changes that wait.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// How breakers stand.
    pub standings: HashMap<Scope, Standing>,
    /// What was used, by key, model and day.
    pub used: HashMap<(String, String, Date), Used>,
}

impl Changes {
    /// A breaker has changed.
    pub fn stands(&mut self, standing: &Standing) {
        if self.standings.len() < MOST || self.standings.contains_key(&standing.scope) {
            self.standings.insert(standing.scope.clone(), standing.clone());
        }
    }

    /// Something was used.
    pub fn used(&mut self, used: &Used) {
        let row = (used.key.clone(), used.model.clone(), used.day);
        if let Some(known) = self.used.get_mut(&row) {
            known.add(used);
        } else if self.used.len() < MOST {
            self.used.insert(row, used.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(requests: u64) -> Used {
        let day = "2026-11-24".parse().unwrap();
        let (key, model) = ("aaaaaaaaaaaa".to_owned(), "gemini-flash-latest".to_owned());
        Used { key, model, day, requests, failures: 0, prompt_tokens: 10 * requests, completion_tokens: 0 }
    }

    #[test]
    fn what_was_used_adds_up() {
        let mut changes = Changes::default();
        changes.used(&used(1));
        changes.used(&used(2));
        assert_eq!(changes.used.into_values().collect::<Vec<_>>(), [used(3)]);
    }

    #[test]
    fn a_server_that_is_away_does_not_fill_the_memory() {
        let mut changes = Changes::default();
        (0..2 * MOST).for_each(|number| changes.used(&Used { model: format!("model-{number}"), ..used(1) }));
        assert_eq!(changes.used.len(), MOST);
    }
}
