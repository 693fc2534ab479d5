//! A key, and the id it is known by.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use wildmatch::WildMatch;

use super::settings::LimitsSettings;
use crate::model::ModelName;
use crate::secret::Secret;

/// What a key is called everywhere: 12 hex digits of its digest. Stable over restarts, and no prefix of the key.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// The id of this key.
    pub fn of(secret: &Secret) -> Self {
        Self(secret.digest().hex(6).into())
    }

    /// An id that somebody remembered.
    pub(super) fn known(id: &str) -> Self {
        Self(id.into())
    }

    /// The 12 digits.
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

/// A key that is ready to be used.
#[derive(Clone, Debug)]
pub struct Key {
    pub(super) id: KeyId,
    pub(super) secret: Secret,
    pub(super) name: Option<String>,
    pub(super) project: Option<String>,
    /// The quota group: the project, or the key alone.
    pub(super) group: Arc<str>,
    pub(super) weight: u32,
    pub(super) models: Vec<WildMatch>,
    pub(super) deny: Vec<WildMatch>,
    pub(super) limits: LimitsSettings,
    /// The keys of its group, itself among them.
    pub(super) group_keys: Arc<[KeyId]>,
}

impl Key {
    /// What it is called.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// What Google is shown.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// What people call it.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The Google project it is said to belong to.
    pub fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// The keys of its quota group, itself among them.
    pub fn group(&self) -> &[KeyId] {
        &self.group_keys
    }

    /// Whether it may serve this model.
    pub fn may_serve(&self, model: &ModelName) -> bool {
        let names = |globs: &[WildMatch]| globs.iter().any(|glob| glob.matches(model.as_str()));
        (self.models.is_empty() || names(&self.models)) && !names(&self.deny)
    }
}
