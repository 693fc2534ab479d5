//! Settings of `[store]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::redis::check_address;
use crate::environment::{Environment, SecretRef};
use crate::problem::{Problem, Problems};
use crate::secret::Secret;

/// What outlives a restart. Any change of it needs a restart.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// The folder for what outlives a restart: how keys rest, and what they have used. Empty: nothing is kept on disk. A folder
    /// that cannot be written to, or that another process uses, is said in the log, and all goes on in memory.
    pub dir: PathBuf,
    /// Redis (7 or later) or Valkey, through which replicas share how keys rest and what they have used: `redis://`, `rediss://` or
    /// `unix://`, best as `env:NAME`, since it may hold a password. While it is away each replica goes on with what it knows. Left
    /// out: nothing is shared.
    pub redis: Option<SecretRef>,
    /// For how many days what keys have used is kept.
    pub keep_days: u16,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { dir: "data".into(), redis: None, keep_days: 35 }
    }
}

impl StoreSettings {
    /// Checks what can be checked without reaching out to anything.
    pub fn check(&self, problems: &mut Problems) {
        if !(1..=400).contains(&self.keep_days) {
            problems.push(Problem::error("must be between 1 and 400").at("store.keep_days"));
        }
    }

    /// The address of Redis, if there is to be one; problems are at `store.redis`.
    pub fn shared(&self, environment: &Environment, problems: &mut Problems) -> Option<Secret> {
        let reference = self.redis.as_ref()?;
        let found = match reference.resolve(environment) {
            Ok(urls) => match urls.as_slice() {
                [url] => check_address(url).map(|()| url.clone()),
                _ => Err(format!("`{}` does not lead to one address", reference.masked())),
            },
            Err(why) => Err(why),
        };
        found
            .map_err(|why| {
                let hint = "write `redis://HOST:6379`, `rediss://USER:PASSWORD@HOST:6380/0` or `unix:///PATH`, or leave it out";
                problems.push(Problem::error(why).at("store.redis").hint(hint));
            })
            .ok()
    }
}
