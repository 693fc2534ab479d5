//! Checks of the configuration: whether it would be accepted, and what in it is likely to surprise.

use std::collections::BTreeMap;

use super::Finding;
use crate::config::{Config, Sources};
use crate::keys::Ledger;
use crate::models::prices_as_of;
use crate::problem::Severity;
use crate::reading::Reading;
use crate::runtime::prepare;

/// Age in days above which the price table may be outdated, because Google changes prices.
const OLD_PRICES: i32 = 180;

/// Reports everything that a start would report, including plugins and their tests, and variables that have no
/// effect.
pub fn configuration(sources: &Sources) -> Vec<Finding> {
    let file = sources.path().display().to_string();
    let (problems, accepted) = match prepare(sources, &Reading::default(), &Ledger::default()) {
        Ok(snapshot) => (snapshot.warnings.clone(), Some(snapshot)),
        Err(problems) => (problems, None),
    };
    let mut findings: Vec<Finding> = Vec::new();
    if let Some(snapshot) = accepted {
        let from = if snapshot.config.file.is_some() { file } else { "the built-in configuration".to_owned() };
        let pools = count(snapshot.pools.len(), "pool");
        findings.push(Finding::good("configuration", format!("{from}: {pools}, hash {}", snapshot.hash)));
        let plugins = snapshot.plugins.list();
        if !plugins.is_empty() {
            findings.push(Finding::good("plugins", format!("{}, tests passed", count(plugins.len(), "plugin"))));
        }
    }
    findings.extend(problems.iter().map(|problem| {
        let fix = problem.hint.clone().unwrap_or_else(|| "`gemini-adapter check` shows the location".to_owned());
        let mut bare = problem.clone();
        // The fix is printed separately, and excerpts are left to `check`.
        (bare.hint, bare.excerpt) = (None, None);
        match problem.severity {
            Severity::Error => Finding::bad("configuration", bare.to_string(), fix),
            Severity::Warning => Finding::warning("configuration", bare.to_string(), fix),
        }
    }));
    findings
}

/// Reports keys that appear in several pools, and keys that may share a quota.
pub fn keys(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (name, pool) in &config.settings.pools {
        let (mut count, mut unnamed) = (0, 0);
        for entry in &pool.keys {
            for key in entry.key.resolve(&config.environment).unwrap_or_default() {
                count += 1;
                unnamed += usize::from(entry.project.is_none());
                let id = key.digest().hex(16);
                match seen.insert(id, name.clone()) {
                    Some(other) if other != *name => findings.push(Finding::warning(
                        "keys",
                        format!("the pools `{other}` and `{name}` share a key: it cools down in both at once"),
                        "give each pool its own keys",
                    )),
                    _ => {}
                }
            }
        }
        if unnamed > 1 {
            findings.push(Finding::warning(
                "shared quota",
                format!("{unnamed} keys of the pool `{name}` are each assumed to belong to a separate Google project"),
                "keys of one project share its quota: give them the same `project` (docs/keys.md)",
            ));
        } else if count > 0 {
            findings.push(Finding::good("keys", format!("{count} in the pool `{name}`")));
        }
    }
    findings
}

/// Warns if no admin key is configured.
pub fn doors(config: &Config) -> Vec<Finding> {
    let keys = &config.settings.auth.admin_keys;
    if keys.iter().any(|key| key.resolve(&config.environment).is_ok_and(|keys| !keys.is_empty())) {
        return Vec::new();
    }
    let fix = "set SECURITY_ADMIN_API_KEYS for `reload`, `config` and the dashboard";
    vec![Finding::warning("admin", "no admin key: the admin endpoints are disabled", fix)]
}

/// Checks how old the prices are that budgets are computed with.
pub fn prices(config: &Config) -> Vec<Finding> {
    let settings = &config.settings;
    if settings.clients.iter().all(|client| client.monthly_usd.is_none()) {
        return Vec::new();
    }
    let (as_of, own) = (prices_as_of(), settings.models.prices.len());
    let found = format!("the built-in table is of {as_of}; {own} prices of your own");
    let today = jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date();
    let old = today.since((jiff::Unit::Day, as_of)).is_ok_and(|age| age.get_days() > OLD_PRICES);
    vec![if old {
        let fix = "compare with Google's price page, and put changed prices under `[models.prices.\"NAME\"]`";
        Finding::warning("prices", found, fix)
    } else {
        Finding::good("prices", found)
    }]
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
