//! Settings of `[store]`.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::redis;
use crate::environment::{Environment, SecretRef};
use crate::problem::{Problem, Problems};
use crate::secret::Secret;

/// State that survives a restart, and state that replicas share. Any change here needs a restart.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// The directory for state that survives a restart: cooldowns of keys, and what the keys have used. Empty: nothing
    /// is stored on disk. If the directory cannot be written to, or another process uses it, this is logged and all
    /// state stays in memory.
    pub dir: PathBuf,
    /// How many days the usage of keys is kept.
    pub keep_days: u16,
    /// A Redis (7 or newer) or Valkey that replicas share: `redis://`, `rediss://` or `redis+unix://`, with user and
    /// password if needed. A variable that is not set means none. Redis is advisory: while it is unavailable, each
    /// replica works on its own.
    pub redis: Option<SecretRef>,
    /// The longest a request ever waits for Redis.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub redis_timeout: Duration,
    /// Prefix of all names in Redis. Replicas that share state need the same prefix.
    pub redis_prefix: String,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            dir: "data".into(),
            keep_days: 35,
            redis: Some(SecretRef::Env("DATABASE_REDIS_URL".into())),
            redis_timeout: Duration::from_millis(20),
            redis_prefix: "gemini-adapter".into(),
        }
    }
}

impl StoreSettings {
    /// Validates what can be validated without contacting anything.
    pub fn check(&self, environment: &Environment, problems: &mut Problems) {
        if !(1..=400).contains(&self.keep_days) {
            problems.push(Problem::error("must be between 1 and 400").at("store.keep_days"));
        }
        if self.redis_timeout.is_zero() || self.redis_timeout > Duration::from_secs(10) {
            problems.push(Problem::error("must be between 1ms and 10s").at("store.redis_timeout"));
        }
        let odd = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if self.redis_prefix.is_empty() || self.redis_prefix.contains(odd) {
            let hint = "write letters, digits, `-`, `_` and `.` only";
            problems.push(Problem::error("is not a valid prefix").at("store.redis_prefix").hint(hint));
        }
        match self.redis_url(environment) {
            Ok(Some(url)) if !redis::is_url(&url) => {
                let hint =
                    "write `redis://HOST:PORT/NUMBER`, `rediss://…` or `redis+unix:///PATH`, or a reference to it";
                problems.push(Problem::error("is not a Redis address").at("store.redis").hint(hint));
            }
            Ok(_) => {}
            Err(why) => problems.push(Problem::error(why).at("store.redis")),
        }
    }

    /// The address of Redis, if one is configured.
    ///
    /// # Errors
    /// A message, without the path of the setting, if a referenced file cannot be read.
    pub fn redis_url(&self, environment: &Environment) -> Result<Option<Secret>, String> {
        let Some(reference) = &self.redis else { return Ok(None) };
        let found = reference.resolve(environment)?;
        Ok(found.into_iter().next().filter(|url| !url.expose().is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_and_never_shown() {
        for (url, good) in [
            ("redis://canary@127.0.0.1:6379/1", true),
            ("redis+unix:///run/redis.sock", true),
            ("rediss://user:canary@redis.internal", true),
            ("", true),
            ("canary@127.0.0.1", false),
            ("https://canary@127.0.0.1", false),
        ] {
            let environment = Environment::from_pairs([("DATABASE_REDIS_URL".into(), url.into())]);
            let mut problems = Problems::new();
            StoreSettings::default().check(&environment, &mut problems);
            assert_eq!(problems.is_empty(), good, "{url}: {problems}");
            assert!(!problems.to_string().contains("canary"));
        }
    }

    #[test]
    fn ranges_are_checked() {
        let mut problems = Problems::new();
        let wrong = StoreSettings {
            keep_days: 0,
            redis_timeout: Duration::ZERO,
            redis_prefix: "a b".into(),
            ..StoreSettings::default()
        };
        wrong.check(&Environment::default(), &mut problems);
        assert_eq!(problems.len(), 3, "{problems}");
    }
}
