//! A key and its id.

use std::fmt;
use std::sync::Arc;

use crate::glob::Glob;
use serde::{Serialize, Serializer};

use super::settings::LimitsSettings;
use crate::model::ModelName;
use crate::secret::Secret;

/// Identifies a key in logs, statistics and stored state: the first 12 hex digits of its digest. Stable across
/// restarts, and not a prefix of the key itself.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// Derives the id of a key.
    pub fn of(secret: &Secret) -> Self {
        Self(secret.digest().hex(6).into())
    }

    /// Restores an id from stored or shared state.
    pub(super) fn known(id: &str) -> Self {
        Self(id.into())
    }

    /// The 12 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// A configured key, resolved and ready to be used.
#[derive(Clone, Debug)]
pub struct Key {
    pub(super) id: KeyId,
    pub(super) secret: Secret,
    pub(super) name: Option<String>,
    pub(super) project: Option<String>,
    /// The quota group: the project, or the key alone if it names no project.
    pub(super) group: Arc<str>,
    pub(super) weight: u32,
    pub(super) models: Vec<Glob>,
    pub(super) deny: Vec<Glob>,
    pub(super) limits: LimitsSettings,
    /// The ids of all keys in its quota group, including its own.
    pub(super) group_keys: Arc<[KeyId]>,
}

impl Key {
    /// Its id.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The API key itself, as sent to Google.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The display name, if configured.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The Google project it is configured to belong to.
    pub fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// The ids of all keys in its quota group, including its own.
    pub fn group(&self) -> &[KeyId] {
        &self.group_keys
    }

    /// Whether its `models` and `deny` globs allow it to serve this model.
    pub fn may_serve(&self, model: &ModelName) -> bool {
        let names = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(model.as_str()));
        (self.models.is_empty() || names(&self.models)) && !names(&self.deny)
    }
}
