//! `metric(name, label, by)`: one counter for all plugins, labelled with the plugin, the name and one label. A series
//! uses memory for the lifetime of the process and labels may come from clients, so the number of series per plugin
//! is limited; the rest is counted as `other`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rhai::{Engine, EvalAltResult, ImmutableString as Text};

use crate::plugin::sandbox::current_plugin;
use crate::telemetry::plugin_counted;

/// Maximum number of series of one plugin.
const MOST: usize = 100;
/// Maximum length of a name and of a label, in bytes.
const LONGEST: usize = 64;

type Series = BTreeSet<(String, String)>;

static SERIES: LazyLock<Mutex<BTreeMap<Arc<str>, Series>>> = LazyLock::new(Mutex::default);

/// Registers the function with the engine.
pub fn register(engine: &mut Engine) {
    engine
        .register_fn("metric", |name: Text| metric(&name, "", 1))
        .register_fn("metric", |name: Text, label: Text| metric(&name, &label, 1))
        .register_fn("metric", |name: Text, label: Text, by: i64| metric(&name, &label, by));
}

fn metric(name: &str, label: &str, by: i64) -> Result<(), Box<EvalAltResult>> {
    let by = u64::try_from(by).map_err(|_| "metric: a counter cannot decrease")?;
    if name.is_empty() || name.len() > LONGEST || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        return Err(format!("metric: a name has letters, digits and `_`, at most {LONGEST}").into());
    }
    let plugin = current_plugin();
    let (name, label) = admitted(&plugin, name, label);
    plugin_counted(&plugin, &name, &label, by);
    Ok(())
}

fn admitted(plugin: &Arc<str>, name: &str, label: &str) -> (String, String) {
    let mut all = SERIES.lock().unwrap_or_else(PoisonError::into_inner);
    let series = all.entry(plugin.clone()).or_default();
    let wanted = (name.to_owned(), label.to_owned());
    let fits = series.contains(&wanted) || (series.len() < MOST && label.len() <= LONGEST);
    if !fits {
        return ("other".to_owned(), "other".to_owned());
    }
    series.insert(wanted.clone());
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_labels_is_one_series() {
        let plugin: Arc<str> = "flood".into();
        let other = ("other".to_owned(), "other".to_owned());
        for number in 0..MOST {
            assert_ne!(admitted(&plugin, "n", &number.to_string()), other);
        }
        assert_eq!(admitted(&plugin, "n", "one more"), other);
        assert_eq!(admitted(&plugin, "n", "7").1, "7");
        assert_ne!(admitted(&"another".into(), "n", "one more"), other);
    }
}
