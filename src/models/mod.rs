//! Names that clients use, and the Gemini models they stand for.
//! Never: a key, a request's content.

pub mod facts;
mod prices;
pub mod settings;

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::glob::{Glob, is_pattern};

use crate::model::{Model, ModelName};
use crate::problem::{Problem, Problems};
pub use prices::{Price, Prices, as_of as prices_as_of};
pub use settings::{AliasSettings, FactsSettings, ModelsSettings};

/// Prefixes of names that are passed to Google unchanged, whatever the default.
const GOOGLES: &[&str] = &["gemini-", "gemma-", "learnlm-", "imagen-", "models/", "google/", "gemini/", "tunedModels/"];

/// The model names, ready for lookup.
#[derive(Debug)]
pub struct Models {
    known: Known,
    prices: Prices,
    pool: String,
    default: Option<Target>,
    exact: Vec<(String, Target)>,
    /// Longest first.
    globs: Vec<(Glob, Target)>,
}

/// What is known about models: first the operator's settings, a longer glob before a shorter one, then the built-in
/// table.
#[derive(Debug, Default)]
struct Known(Vec<(Glob, FactsSettings)>);

impl Known {
    fn prepare(settings: &ModelsSettings, problems: &mut Problems) -> Self {
        let mut sorted: Vec<_> = settings.facts.iter().collect();
        sorted.sort_by_key(|(glob, _)| (is_pattern(glob), Reverse(glob.len())));
        for (glob, facts) in &sorted {
            if let Some(like) = facts.like.as_ref().filter(|like| ModelName::parse(like).is_none()) {
                let place = format!("models.facts.\"{glob}\".like");
                let message = format!("`{}` is not a model name", like.escape_debug());
                problems
                    .push(Problem::error(message).at(place).hint("write a name as Google lists it: `gemini-2.5-pro`"));
            }
        }
        Self(sorted.into_iter().map(|(glob, facts)| (Glob::new(glob), facts.clone())).collect())
    }

    fn model(&self, name: ModelName) -> Model {
        let own = self.0.iter().find(|(glob, _)| glob.matches(name.as_str())).map(|(_, facts)| facts);
        let like = own.and_then(|own| own.like.as_deref()).and_then(ModelName::parse);
        let built_in = facts::of(like.as_ref().unwrap_or(&name).as_str());
        Model { facts: own.map_or(built_in, |own| own.over(built_in)), name }
    }
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The pool whose keys serve it.
    pub pool: String,
    /// The model, then its fallbacks.
    pub targets: Vec<Model>,
}

#[derive(Clone, Debug)]
struct Target {
    pool: Option<String>,
    models: Vec<Model>,
}

impl Models {
    /// Validates the settings; problems are reported at `models…`.
    pub fn prepare(settings: &ModelsSettings, pools: &BTreeSet<&str>, problems: &mut Problems) -> Self {
        let pool = |name: &str, place: String, problems: &mut Problems| {
            if !pools.contains(name) {
                let known = pools.iter().copied().collect::<Vec<_>>().join("`, `");
                let message = format!("there is no pool `{name}`");
                problems.push(Problem::error(message).at(place).hint(format!("the pools are `{known}`")));
            }
        };
        pool(&settings.pool, "models.pool".into(), problems);
        let known = Known::prepare(settings, problems);
        let default = settings.default.as_ref().map(|name| Target {
            pool: None,
            models: model(name, &known, "models.default", problems).into_iter().collect(),
        });
        let mut exact = Vec::new();
        let mut globs = Vec::new();
        for (name, alias) in &settings.aliases {
            let place = format!("models.aliases.\"{name}\"");
            if let Some(own) = &alias.pool {
                pool(own, format!("{place}.pool"), problems);
            }
            let mut models: Vec<Model> = model(&alias.model, &known, &place, problems).into_iter().collect();
            for (index, fallback) in alias.fallback.iter().enumerate() {
                models.extend(model(fallback, &known, &format!("{place}.fallback[{index}]"), problems));
            }
            let target = Target { pool: alias.pool.clone(), models };
            if is_pattern(name) {
                globs.push((Glob::new(name), name.len(), target));
            } else {
                exact.push((name.clone(), target));
            }
        }
        globs.sort_by_key(|(_, length, _)| Reverse(*length));
        let globs = globs.into_iter().map(|(glob, _, target)| (glob, target)).collect();
        let prices = Prices::prepare(&settings.prices, problems);
        Self { known, prices, pool: settings.pool.clone(), default, exact, globs }
    }

    /// Where a request for this name goes; None if the name is unknown. An exact alias takes precedence over a glob, a
    /// glob over Google's own names, and those over the default.
    pub fn route(&self, asked: &str) -> Option<Route> {
        let exact = self.exact.iter().find(|(name, _)| name == asked).map(|(_, target)| target);
        // Text that cannot be a name must match neither a glob nor the default.
        let plausible = |c: char| c.is_ascii_alphanumeric() || "._-:/@+ ".contains(c);
        if exact.is_none() && (asked.len() > 200 || !asked.chars().all(plausible) || asked.contains("..")) {
            return None;
        }
        let alias = exact.or_else(|| self.globs.iter().find(|(glob, _)| glob.matches(asked)).map(|(_, target)| target));
        let target = match alias {
            Some(target) => target.clone(),
            None if GOOGLES.iter().any(|start| asked.starts_with(start)) => {
                Target { pool: None, models: vec![self.model(asked)?] }
            }
            None => self.default.clone()?,
        };
        Some(Route { pool: target.pool.unwrap_or_else(|| self.pool.clone()), targets: target.models })
    }

    /// The route for an unknown name: it has no model until something else supplies one.
    pub fn nowhere(&self) -> Route {
        Route { pool: self.pool.clone(), targets: Vec::new() }
    }

    /// A model by Google's name.
    pub fn model(&self, name: &str) -> Option<Model> {
        ModelName::parse(name).map(|name| self.known.model(name))
    }

    /// The price of a model; None if it is unknown.
    pub fn price(&self, name: &str) -> Option<Price> {
        self.prices.find(name)
    }

    /// Aliases that are exact names, and the models they stand for.
    pub fn aliases(&self) -> impl Iterator<Item = (&str, &ModelName)> {
        self.exact.iter().filter_map(|(alias, target)| Some((alias.as_str(), &target.models.first()?.name)))
    }

    /// Every model that the configuration names.
    pub fn named(&self) -> impl Iterator<Item = &ModelName> {
        let targets = self.exact.iter().map(|(_, target)| target).chain(self.globs.iter().map(|(_, target)| target));
        targets.chain(&self.default).flat_map(|target| &target.models).map(|model| &model.name)
    }
}

fn model(name: &str, known: &Known, place: &str, problems: &mut Problems) -> Option<Model> {
    match ModelName::parse(name) {
        Some(name) => Some(known.model(name)),
        None => {
            let message = "is not a model name";
            problems.push(Problem::error(message).at(place).hint("write a name as Google lists it: `gemini-2.5-pro`"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models() -> Models {
        let mut settings = ModelsSettings::default();
        settings.aliases.insert("gpt-4*".into(), AliasSettings::to("gemini-2.5-pro"));
        settings.aliases.insert("the fast one (beta)".into(), AliasSettings::to("gemini-2.5-flash"));
        let mut problems = Problems::new();
        let models = Models::prepare(&settings, &["default"].into(), &mut problems);
        assert!(problems.is_empty(), "{problems}");
        models
    }

    #[test]
    fn exact_beats_glob_and_longer_beats_shorter() {
        let models = models();
        for (asked, expected) in [
            ("gpt-4o", Some("gemini-pro-latest")),
            ("gpt-4o-mini", Some("gemini-flash-latest")),
            ("gpt-4.1", Some("gemini-2.5-pro")),
            ("gpt-5", Some("gemini-flash-latest")),
            ("gemini-2.5-flash", Some("gemini-2.5-flash")),
            ("models/gemini-2.5-flash", Some("gemini-2.5-flash")),
            ("claude-sonnet-4", Some("gemini-flash-latest")),
            ("the fast one (beta)", Some("gemini-2.5-flash")),
            ("the fast one (alpha)", None),
            ("gpt-4?key=x", None),
            ("../../x?key=", None),
            ("gemini-2.5\r\nx: y", None),
            ("models/../x", None),
            ("", Some("gemini-flash-latest")),
        ] {
            let route = models.route(asked);
            let first = route.as_ref().map(|route| route.targets[0].name.as_str());
            assert_eq!(first, expected, "{asked:?}");
        }
        assert_eq!(models.route("gpt-4o-mini").unwrap().targets.len(), 2);
    }

    #[test]
    fn the_operator_knows_better() {
        let mut settings = ModelsSettings::default();
        let like = FactsSettings { like: Some("gemini-2.5-flash".into()), ..FactsSettings::default() };
        settings.facts.insert("tunedModels/*".into(), like);
        settings.facts.insert("gemini-3*".into(), FactsSettings { output_tokens: Some(7), ..FactsSettings::default() });
        settings.facts.insert("gemini-3.8*".into(), FactsSettings { prefill: Some(true), ..FactsSettings::default() });
        let mut problems = Problems::new();
        let models = Models::prepare(&settings, &["default"].into(), &mut problems);
        assert!(problems.is_empty(), "{problems}");
        let facts = |name: &str| models.model(name).unwrap().facts;
        assert_eq!(facts("tunedModels/mine"), facts::of("gemini-2.5-flash"));
        assert_eq!(facts("gemini-3.8-flash"), crate::model::Facts { prefill: true, ..facts::of("gemini-3.8-flash") });
        assert_eq!(facts("gemini-3.1-pro-preview").output_tokens, 7);
    }

    #[test]
    fn without_a_default_unknown_names_are_none() {
        let settings = ModelsSettings { default: None, ..ModelsSettings::default() };
        let models = Models::prepare(&settings, &["default"].into(), &mut Problems::new());
        assert_eq!(models.route("claude-sonnet-4"), None);
    }

    #[test]
    fn wrong_pools_and_names_are_problems() {
        let mut settings =
            ModelsSettings { pool: "p".into(), default: Some("a b".into()), ..ModelsSettings::default() };
        settings.aliases.insert("x".into(), AliasSettings { pool: Some("q".into()), ..AliasSettings::to("../y") });
        let mut problems = Problems::new();
        Models::prepare(&settings, &["default"].into(), &mut problems);
        let places: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(places, ["models.pool", "models.default", "models.aliases.\"x\".pool", "models.aliases.\"x\""]);
    }
}
