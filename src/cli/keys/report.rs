//! The result of a key check: a table for people, JSON for scripts. Neither contains the keys themselves.

use std::collections::BTreeSet;

use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use crate::keys::KeyId;
use crate::runtime::Snapshot;
use crate::secret::Secret;

/// The results for all keys.
#[derive(Debug, Serialize)]
pub struct Report {
    /// One row for each key.
    pub keys: Vec<Row>,
}

/// The result for one key.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The id that logs and the admin API use.
    pub id: KeyId,
    /// The configured name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The pools it is in.
    pub pools: BTreeSet<String>,
    /// The project it is configured for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// How often one pool lists it, if more than once; otherwise 0.
    pub doubled: usize,
    /// Other keys of the same project, which add no quota.
    pub shares_quota_with: Vec<KeyId>,
    /// The verdict on the key.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// The verdict on a key.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// Google accepts it.
    Good {
        /// The number of models it can list.
        models: usize,
    },
    /// Google rejects it.
    Bad {
        /// The kind of fault.
        why: &'static str,
        /// Google's message.
        message: String,
    },
    /// The check was inconclusive, for instance because a quota is exhausted or Google is unreachable.
    Unknown {
        /// The kind of fault.
        why: &'static str,
        /// Google's message.
        message: String,
    },
}

impl Report {
    /// Lists the keys of a snapshot, before they are checked.
    pub fn of(snapshot: &Snapshot, configured: &[(String, Secret)]) -> Self {
        let mut keys: Vec<Row> = Vec::new();
        for (pool, key) in snapshot.pools.iter().flat_map(|(name, pool)| pool.keys().iter().map(move |key| (name, key)))
        {
            if let Some(row) = keys.iter_mut().find(|row| row.id == *key.id()) {
                row.pools.insert(pool.clone());
                continue;
            }
            let times =
                configured.iter().filter(|(name, secret)| name == pool && KeyId::of(secret) == *key.id()).count();
            keys.push(Row {
                id: key.id().clone(),
                name: key.name().map(str::to_owned),
                pools: BTreeSet::from([pool.clone()]),
                project: key.project().map(str::to_owned),
                doubled: if times > 1 { times } else { 0 },
                shares_quota_with: key.group().iter().filter(|id| *id != key.id()).cloned().collect(),
                verdict: Verdict::Unknown { why: "unknown", message: String::new() },
            });
        }
        Self { keys }
    }

    /// Sets the verdict on a key.
    pub fn add(&mut self, id: &KeyId, verdict: Verdict) {
        if let Some(row) = self.keys.iter_mut().find(|row| row.id == *id) {
            row.verdict = verdict;
        }
    }

    /// Returns the number of good keys.
    pub fn good(&self) -> usize {
        self.keys.iter().filter(|row| matches!(row.verdict, Verdict::Good { .. })).count()
    }

    /// Returns the number of keys that a pool lists more than once.
    pub fn doubled(&self) -> usize {
        self.keys.iter().filter(|row| row.doubled > 0).count()
    }

    /// Returns whether Google rejects this key.
    pub fn is_bad(&self, id: &KeyId) -> bool {
        self.keys.iter().any(|row| row.id == *id && matches!(row.verdict, Verdict::Bad { .. }))
    }

    /// Formats the report as JSON.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Formats the report as a table.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(["key", "name", "pools", "project", "verdict", "models", "remarks"]);
        for row in &self.keys {
            let (verdict, models, mut remarks) = match &row.verdict {
                Verdict::Good { models } => ("good", models.to_string(), Vec::new()),
                Verdict::Bad { why, message } => {
                    ("bad", String::new(), vec![format!("{why}: {}", first_line(message))])
                }
                Verdict::Unknown { why, message } => {
                    ("unknown", String::new(), vec![format!("{why}: {}", first_line(message))])
                }
            };
            if row.doubled > 0 {
                remarks.push(format!("listed {} times", row.doubled));
            }
            if !row.shares_quota_with.is_empty() {
                remarks.push(format!("shares quota with {} others", row.shares_quota_with.len()));
            }
            let pools = row.pools.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            table.add_row([
                row.id.to_string(),
                row.name.clone().unwrap_or_default(),
                pools,
                row.project.clone().unwrap_or_default(),
                verdict.to_owned(),
                models,
                remarks.join("; "),
            ]);
        }
        format!("{table}\n{} of {} keys are good", self.good(), self.keys.len())
    }
}

/// Shortens Google's message to fit into a table cell.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    if line.chars().count() <= 80 { line.to_owned() } else { line.chars().take(79).chain(['…']).collect() }
}
