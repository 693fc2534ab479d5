//! What was found out about the keys: as a table for people, as JSON for scripts. No key's text is in either.

use std::collections::BTreeSet;

use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use crate::keys::KeyId;
use crate::runtime::Snapshot;
use crate::secret::Secret;

/// All keys.
#[derive(Debug, Serialize)]
pub struct Report {
    /// One row a key.
    pub keys: Vec<Row>,
}

/// One key.
#[derive(Debug, Serialize)]
pub struct Row {
    /// What it is called everywhere.
    pub id: KeyId,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Pools it is in.
    pub pools: BTreeSet<String>,
    /// The project it is said to belong to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// How often one pool names it, where that is more than once.
    pub doubled: usize,
    /// Others of the same project: they add no quota.
    pub shares_quota_with: Vec<KeyId>,
    /// What Google says.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What Google says of a key.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// It is accepted.
    Good {
        /// How many models it sees.
        models: usize,
    },
    /// It is not.
    Bad {
        /// The kind of fault.
        why: &'static str,
        /// Google's words.
        message: String,
    },
    /// It could not be found out now: a quota is used up, or Google is not to be reached.
    Unknown {
        /// The kind of fault.
        why: &'static str,
        /// Google's words.
        message: String,
    },
}

impl Report {
    /// The keys of a snapshot, before anybody was asked.
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

    /// What was found out about a key.
    pub fn add(&mut self, id: &KeyId, verdict: Verdict) {
        if let Some(row) = self.keys.iter_mut().find(|row| row.id == *id) {
            row.verdict = verdict;
        }
    }

    /// How many are good.
    pub fn good(&self) -> usize {
        self.keys.iter().filter(|row| matches!(row.verdict, Verdict::Good { .. })).count()
    }

    /// How many are named more than once.
    pub fn doubled(&self) -> usize {
        self.keys.iter().filter(|row| row.doubled > 0).count()
    }

    /// Whether this key is refused.
    pub fn is_bad(&self, id: &KeyId) -> bool {
        self.keys.iter().any(|row| row.id == *id && matches!(row.verdict, Verdict::Bad { .. }))
    }

    /// For scripts.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// For people.
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
                remarks.push(format!("named {} times", row.doubled));
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

/// The beginning of Google's words: a table is no place for paragraphs.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    if line.chars().count() <= 80 { line.to_owned() } else { line.chars().take(79).chain(['…']).collect() }
}
