//! Prices of models: the operator's settings first, then the built-in table, `prices.toml`.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::glob::{Glob, is_pattern};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::problem::{Problem, Problems};

/// A prompt of more tokens than this is a long one.
const LONG: u64 = 200_000;
/// Billionths of a dollar per token, at one dollar per million tokens.
const NANO_A_TOKEN: f64 = 1000.0;

/// The price of a model, in US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Prompt tokens.
    pub input: f64,
    /// Answer tokens, including thoughts.
    pub output: f64,
    /// Prompt tokens that come from Gemini's cache. Left out: same as `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<f64>,
    /// Prompt tokens, if the prompt has more than 200,000 of them. Left out: same as `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_input: Option<f64>,
    /// Tokens of answers to such prompts. Left out: same as `output`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_output: Option<f64>,
}

impl Price {
    /// The cost of an answer, in billionths of a dollar. `cached` is how many of the prompt's tokens came from a cache.
    pub fn of(&self, prompt: u64, cached: u64, completion: u64) -> u64 {
        let long = prompt > LONG;
        let input = self.long_input.filter(|_| long).unwrap_or(self.input);
        let output = self.long_output.filter(|_| long).unwrap_or(self.output);
        // For long prompts, cached tokens cost more in proportion.
        let proportion = if self.input > 0.0 { input / self.input } else { 1.0 };
        let cheap = self.cached.map_or(input, |cached| cached * proportion);
        let cached = cached.min(prompt);
        let dollars = (prompt - cached) as f64 * input + cached as f64 * cheap + completion as f64 * output;
        (dollars * NANO_A_TOKEN).round() as u64
    }

    fn check(&self, place: &str, problems: &mut Problems) {
        let all = [
            ("input", Some(self.input)),
            ("output", Some(self.output)),
            ("cached", self.cached),
            ("long_input", self.long_input),
            ("long_output", self.long_output),
        ];
        for (field, price) in all {
            if price.is_some_and(|price| !(0.0..=1e6).contains(&price)) {
                let hint = "write US dollars for a million tokens: `0.3`";
                problems.push(Problem::error("is not a price").at(format!("{place}.{field}")).hint(hint));
            }
        }
    }
}

/// Prices by glob, exact names first, then the longest glob.
#[derive(Debug)]
pub struct Prices(Vec<(Glob, Price)>);

impl Prices {
    /// Validates the settings; problems are reported at `models.prices…`.
    pub fn prepare(settings: &BTreeMap<String, Price>, problems: &mut Problems) -> Self {
        for (glob, price) in settings {
            price.check(&format!("models.prices.\"{glob}\""), problems);
        }
        Self::of(settings)
    }

    fn of(prices: &BTreeMap<String, Price>) -> Self {
        let mut sorted: Vec<_> = prices.iter().collect();
        sorted.sort_by_key(|(glob, _)| (is_pattern(glob), Reverse(glob.len())));
        Self(sorted.into_iter().map(|(glob, price)| (Glob::new(glob), *price)).collect())
    }

    /// The price of a model; None if it is unknown.
    pub fn find(&self, model: &str) -> Option<Price> {
        let known = |prices: &Self| prices.0.iter().find(|(glob, _)| glob.matches(model)).map(|(_, price)| *price);
        known(self).or_else(|| known(&BUILT_IN))
    }
}

#[expect(clippy::expect_used, reason = "a test reads the built-in table")]
static TABLE: LazyLock<Table> =
    LazyLock::new(|| toml::from_str(include_str!("prices.toml")).expect("the built-in table is read by a test"));

static BUILT_IN: LazyLock<Prices> = LazyLock::new(|| Prices::of(&TABLE.prices));

/// The built-in table.
#[derive(Deserialize)]
struct Table {
    as_of: Date,
    #[serde(flatten)]
    prices: BTreeMap<String, Price>,
}

/// When the prices of the built-in table were looked up.
pub fn as_of() -> Date {
    TABLE.as_of
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_cost_what_the_table_says() {
        let prices = Prices::prepare(&BTreeMap::new(), &mut Problems::new());
        for (model, tokens, dollars) in [
            ("gemini-2.5-pro", (100_000, 0, 50_000), 0.625),
            ("gemini-2.5-pro", (300_000, 0, 10_000), 0.9),
            ("gemini-2.5-flash", (1_000_000, 500_000, 0), 0.165),
            ("gemini-3-flash-preview", (0, 0, 1_000_000), 3.0),
        ] {
            let (prompt, cached, completion) = tokens;
            let cost = prices.find(model).unwrap().of(prompt, cached, completion);
            assert!((cost as f64 / 1e9 - dollars).abs() < 1e-6, "{model}: {cost}");
        }
        assert_eq!(prices.find("gemini-2.5-flash-image"), None);
    }

    #[test]
    fn the_table_has_its_date() {
        assert!(as_of() >= jiff::civil::date(2026, 11, 25));
    }

    #[test]
    fn the_operators_word_comes_first() {
        let own = |price: f64| Price { input: price, output: price, cached: None, long_input: None, long_output: None };
        let settings = BTreeMap::from([("gemini-*".to_owned(), own(1.0)), ("gemini-2.5-*".to_owned(), own(2.0))]);
        let prices = Prices::prepare(&settings, &mut Problems::new());
        assert_eq!(prices.find("gemini-2.5-pro").map(|price| price.input), Some(2.0));
        assert_eq!(prices.find("gemini-9").map(|price| price.of(1, 1, 1)), Some(2000));
        let free = Price { input: 0.0, output: 1.0, cached: Some(0.0), long_input: None, long_output: None };
        assert_eq!(free.of(LONG + 1, 10, 5), 5000, "a price of nothing leaves the others as they are");
        let mut problems = Problems::new();
        Prices::prepare(&BTreeMap::from([("x".to_owned(), own(-1.0))]), &mut problems);
        assert_eq!(problems.len(), 2);
    }
}
