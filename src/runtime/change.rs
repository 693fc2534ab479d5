//! The differences between two snapshots.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Snapshot;
use crate::secret::Digest;

/// One setting or plugin file that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The dotted path of the setting, or the path of the file.
    pub path: String,
    /// The old value, with secrets masked; none if it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The new value, with secrets masked; none if it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, before, after } = self;
        match (before, after) {
            (Some(before), Some(after)) => write!(f, "{path}: {before} -> {after}"),
            (None, Some(after)) => write!(f, "{path}: new, {after}"),
            (Some(before), None) => write!(f, "{path}: removed, was {before}"),
            (None, None) => f.write_str(path),
        }
    }
}

/// The settings and files that differ between two snapshots, sorted by path. Empty when only comments differ.
pub fn changes(before: &Snapshot, after: &Snapshot) -> Vec<Change> {
    between(&mut picture(before), picture(after))
}

fn between(before: &mut BTreeMap<String, Value>, after: BTreeMap<String, Value>) -> Vec<Change> {
    let mut changes = Vec::new();
    for (path, after) in after {
        let before = before.remove(&path);
        if before.as_ref() != Some(&after) {
            changes.push(Change { path, before, after: Some(after) });
        }
    }
    let gone = std::mem::take(before).into_iter();
    changes.extend(gone.map(|(path, before)| Change { path, before: Some(before), after: None }));
    changes.sort_by(|one, other| one.path.cmp(&other.path));
    changes
}

/// The settings, and digests of the files that were read besides the configuration files.
fn picture(snapshot: &Snapshot) -> BTreeMap<String, Value> {
    let mut picture = snapshot.config.picture();
    if let Some(certificate) = &snapshot.certificate {
        picture.insert("server.tls: the certificate".to_owned(), certificate.to_string().into());
    }
    let config: Vec<&Path> = snapshot.config.file.as_deref().into_iter().chain(snapshot.config.included()).collect();
    for (path, text) in snapshot.reading.kept().files {
        if let Some(text) = text.filter(|_| !config.contains(&path.as_path())) {
            picture.insert(path.display().to_string(), format!("file {}", Digest::of(&text).hex(4)).into());
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_ways_and_in_order() {
        let map = |pairs: &[(&str, Value)]| pairs.iter().map(|(path, value)| ((*path).into(), value.clone())).collect();
        let mut before: BTreeMap<String, Value> = map(&[("a", json!(1)), ("c", json!("x")), ("d", json!(true))]);
        let after = map(&[("a", json!(2)), ("b", json!([])), ("d", json!(true))]);
        let told: Vec<String> = between(&mut before, after).iter().map(Change::to_string).collect();
        assert_eq!(told, ["a: 1 -> 2", "b: new, []", "c: removed, was \"x\""]);
    }
}
