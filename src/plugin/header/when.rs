//! Which requests a plugin applies to.

use crate::glob::Glob;
use serde::Deserialize;

/// Globs per property. An empty list matches everything.
#[derive(Debug, Default)]
pub struct When {
    models: Vec<Glob>,
    paths: Vec<Glob>,
    clients: Vec<Glob>,
    apis: Vec<Glob>,
}

/// The same, as written in the header.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawWhen {
    models: Vec<String>,
    paths: Vec<String>,
    clients: Vec<String>,
    apis: Vec<String>,
}

impl When {
    /// Compiles the globs.
    pub fn of(raw: RawWhen) -> Self {
        let globs = |texts: Vec<String>| texts.iter().map(|text| Glob::new(text)).collect();
        Self { models: globs(raw.models), paths: globs(raw.paths), clients: globs(raw.clients), apis: globs(raw.apis) }
    }

    /// Returns whether a request matches. For models, either the client's name or Google's name can match.
    pub fn concerns(&self, models: &[&str], path: &str, client: &str, api: &str) -> bool {
        let any = |globs: &[Glob], texts: &[&str]| {
            globs.is_empty() || globs.iter().any(|glob| texts.iter().any(|text| glob.matches(text)))
        };
        any(&self.models, models)
            && any(&self.paths, &[path])
            && any(&self.clients, &[client])
            && any(&self.apis, &[api])
    }

    /// Returns whether every request matches.
    pub fn is_everything(&self) -> bool {
        [&self.models, &self.paths, &self.clients, &self.apis].iter().all(|globs| globs.is_empty())
    }

    /// Returns whether it filters by model.
    pub fn needs_model(&self) -> bool {
        !self.models.is_empty()
    }
}
