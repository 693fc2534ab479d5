//! Hooks beside the request path: the list of models, and the log once a request is over.

use rhai::Array;
use serde_json::Value;

use super::{Cost, Session};
use crate::error::Error;
use crate::plugin::context::{Subject, dynamic, json};
use crate::plugin::hook::Hook;
use crate::telemetry::{Costs, PluginCost, RequestSummary, Tags};

impl Session {
    /// Runs the hook for the list of models before it is sent.
    ///
    /// # Errors
    /// Returns the error that a plugin sends to the client instead.
    pub fn on_models(&self, mut models: Vec<Value>) -> Result<Vec<Value>, Error> {
        for (_, script) in self.concerned(Hook::Models) {
            let listed: Array = models.iter().filter_map(|model| dynamic(model).ok()).collect();
            let view = self.view(Hook::Models, script, Subject::List(listed));
            if let Some((_, context)) = self.call(script, view)?
                && let Subject::List(edited) = &context.view().subject
            {
                let edited = edited.iter().filter_map(|model| json(model).ok());
                models = edited.filter(|model| model["id"].is_string()).collect();
            }
        }
        Ok(models)
    }

    /// Returns whether any plugin implements `on_log`.
    pub fn has_tags(&self) -> bool {
        self.loaded.scripts.iter().any(|script| script.has(Hook::Log))
    }
}

impl Session {
    /// Returns whether there are any plugins.
    pub fn has_plugins(&self) -> bool {
        !self.loaded.scripts.is_empty()
    }
}

impl Costs for Session {
    fn costs(&self) -> Vec<PluginCost> {
        let mut costs = self.memory().costs.clone();
        costs.sort_by(|one, other| (&one.plugin, one.hook).cmp(&(&other.plugin, other.hook)));
        let cost = |cost: Cost| PluginCost {
            plugin: cost.plugin.to_string(),
            hook: cost.hook.name(),
            calls: cost.calls,
            spent_ms: (cost.spent.as_secs_f64() * 1_000_000.0).round() / 1000.0,
        };
        costs.into_iter().map(cost).collect()
    }
}

impl Tags for Session {
    fn tags(&self, ended: &RequestSummary) -> serde_json::Map<String, Value> {
        let mut tags = serde_json::Map::new();
        for (_, script) in self.concerned(Hook::Log) {
            let told = serde_json::to_value(ended).ok().and_then(|ended| dynamic(&ended).ok());
            let told = told.and_then(rhai::Dynamic::try_cast).unwrap_or_default();
            // The request is over, so a rejection has no effect on it.
            let called = self.call(script, self.view(Hook::Log, script, Subject::Table(told)));
            if let Ok(Some((returned, _))) = called
                && let Some(Value::Object(more)) = json(&returned).ok()
            {
                tags.extend(more);
            }
        }
        tags
    }
}
