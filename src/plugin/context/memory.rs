//! `ctx.state`: values that a plugin keeps between requests, for a limited time. The state is bounded, separate for
//! each plugin, and best effort: a full table drops entries.

use std::sync::Arc;
use std::time::Duration;

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString as Text};

use super::{Answer, dynamic, json};
use crate::store::Table;

/// Maximum length of an entry's name, in bytes.
const LONGEST_NAME: usize = 256;
/// How long an entry is kept by default, and at most.
const KEPT: Duration = Duration::from_secs(3600);
const LONGEST_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// The state of one plugin.
#[derive(Clone, Debug)]
pub struct State {
    plugin: Arc<str>,
    table: Arc<Table>,
}

impl State {
    /// Returns this plugin's part of `table`.
    pub fn new(plugin: Arc<str>, table: Arc<Table>) -> Self {
        Self { plugin, table }
    }

    fn row(&self, name: &str) -> Answer<String> {
        if name.len() > LONGEST_NAME {
            return Err(
                format!("state: a name has at most {LONGEST_NAME} bytes; `hash(name)` makes a short one").into()
            );
        }
        Ok(format!("{}/{name}", self.plugin))
    }

    fn get(&self, name: &str) -> Answer<Dynamic> {
        let value = self.table.get(&self.row(name)?);
        value.and_then(|bytes| serde_json::from_slice(&bytes).ok()).map_or(Ok(Dynamic::UNIT), |value| dynamic(&value))
    }

    fn set(&self, name: &str, value: &Dynamic, kept: Duration) -> Answer<()> {
        self.table.put_for(&self.row(name)?, json(value)?.to_string().into(), kept);
        Ok(())
    }

    fn increase(&self, name: &str, by: i64, kept: Duration) -> Answer<i64> {
        Ok(self.table.add(&self.row(name)?, by, kept))
    }
}

fn seconds(seconds: i64) -> Result<Duration, Box<EvalAltResult>> {
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0);
    let kept = seconds.map(Duration::from_secs).ok_or("state: a value is stored for at least 1 second")?;
    Ok(kept.min(LONGEST_KEPT))
}

/// Registers the handle with the engine.
pub fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<State>("State")
        .register_fn("get", |state: &mut State, name: Text| state.get(&name))
        .register_fn("set", |state: &mut State, name: Text, value: Dynamic| state.set(&name, &value, KEPT))
        .register_fn("set", |state: &mut State, name: Text, value: Dynamic, kept: i64| {
            state.set(&name, &value, seconds(kept)?)
        })
        .register_fn("incr", |state: &mut State, name: Text, by: i64| state.increase(&name, by, KEPT))
        .register_fn("incr", |state: &mut State, name: Text, by: i64, kept: i64| {
            state.increase(&name, by, seconds(kept)?)
        })
        .register_fn("remove", |state: &mut State, name: Text| {
            state.table.remove(&state.row(&name)?);
            Answer::Ok(())
        });
}
