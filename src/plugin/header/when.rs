//! Which requests a plugin concerns.

use serde::Deserialize;
use wildmatch::WildMatch;

/// Globs; a list that is empty concerns all.
#[derive(Debug, Default)]
pub struct When {
    models: Vec<WildMatch>,
    paths: Vec<WildMatch>,
    clients: Vec<WildMatch>,
    apis: Vec<WildMatch>,
}

/// As it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawWhen {
    models: Vec<String>,
    paths: Vec<String>,
    clients: Vec<String>,
    apis: Vec<String>,
}

impl When {
    /// Ready to match.
    pub fn of(raw: RawWhen) -> Self {
        let globs = |texts: Vec<String>| texts.iter().map(|text| WildMatch::new(text)).collect();
        Self { models: globs(raw.models), paths: globs(raw.paths), clients: globs(raw.clients), apis: globs(raw.apis) }
    }

    /// Whether a request is among them. Either name of the model will do: the client's or Google's.
    pub fn concerns(&self, models: &[&str], path: &str, client: &str, api: &str) -> bool {
        let any = |globs: &[WildMatch], texts: &[&str]| {
            globs.is_empty() || globs.iter().any(|glob| texts.iter().any(|text| glob.matches(text)))
        };
        any(&self.models, models)
            && any(&self.paths, &[path])
            && any(&self.clients, &[client])
            && any(&self.apis, &[api])
    }

    /// Whether it asks about models.
    pub fn needs_model(&self) -> bool {
        !self.models.is_empty()
    }
}
