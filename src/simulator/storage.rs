//! Stored resources: cached contents and files. Each belongs to one key; to all other keys it does not exist.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::failure::{Failure, failure, invalid};
use super::http::value_of;

/// A stored resource and the key it belongs to.
#[derive(Clone, Debug)]
struct Kept {
    key: String,
    document: Value,
}

/// All resources by name: `cachedContents/x`, `files/x`.
#[derive(Debug, Default)]
pub struct Storage(Mutex<BTreeMap<String, Kept>>);

impl Storage {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a document under a new name of this kind, and returns it with that name.
    pub fn put(&self, kind: &str, key: &str, mut document: Value) -> Value {
        let mut kept = self.kept();
        let named = |number| format!("{kind}/standin{number:06}");
        let name = (kept.len() + 1..).map(named).find(|name| !kept.contains_key(name)).unwrap_or_default();
        let now = Timestamp::now().to_string();
        document["name"] = json!(name);
        document["createTime"] = json!(now);
        document["updateTime"] = json!(now);
        kept.insert(name, Kept { key: key.to_owned(), document: document.clone() });
        document
    }

    /// Returns the resource with this name.
    pub fn get(&self, name: &str, key: &str) -> Result<Value, Failure> {
        let kept = self.kept();
        let found = kept.get(name).filter(|kept| kept.key == key);
        found.map(|kept| kept.document.clone()).ok_or_else(|| forbidden(name))
    }

    /// Replaces the resource.
    pub fn replace(&self, name: &str, key: &str, mut document: Value) -> Result<Value, Failure> {
        document["updateTime"] = json!(Timestamp::now().to_string());
        let mut kept = self.kept();
        let found = kept.get_mut(name).filter(|kept| kept.key == key).ok_or_else(|| forbidden(name))?;
        found.document = document.clone();
        Ok(document)
    }

    /// Deletes the resource.
    pub fn remove(&self, name: &str, key: &str) -> Result<(), Failure> {
        self.get(name, key)?;
        self.kept().remove(name);
        Ok(())
    }

    /// Returns a page of this key's resources of a kind.
    pub fn list(&self, kind: &str, key: &str, query: Option<&str>, largest: usize) -> Result<Value, Failure> {
        let size = value_of(query, "pageSize").map_or(Ok(10), |size| size.parse::<usize>());
        let size = size.map_err(|_| invalid("Invalid value at 'page_size' (TYPE_INT32)"))?.clamp(1, largest);
        let start: usize = value_of(query, "pageToken").and_then(|token| token.parse().ok()).unwrap_or(0);
        let kept = self.kept();
        let start_of = format!("{kind}/");
        let mine = kept.iter().filter(|(name, kept)| name.starts_with(&start_of) && kept.key == key);
        let mine: Vec<&Value> = mine.map(|(_, kept)| &kept.document).collect();
        // Google omits empty lists.
        if mine.is_empty() {
            return Ok(json!({}));
        }
        let page: Vec<&&Value> = mine.iter().skip(start).take(size).collect();
        let mut answer = json!({ kind: page });
        if start + size < mine.len() {
            answer["nextPageToken"] = json!((start + size).to_string());
        }
        Ok(answer)
    }

    /// Checks the resources that a `generateContent` refers to: its cached content, which must be for the same model,
    /// and its files.
    pub fn check(&self, model: &str, key: &str, body: &Value) -> Result<(), Failure> {
        if let Some(name) = body["cachedContent"].as_str() {
            let cached = self.get(name, key)?;
            let (asked, of) = (format!("models/{model}"), cached["model"].as_str().unwrap_or_default());
            if asked != of {
                return Err(invalid(format!(
                    "Model used by GenerateContent request ({asked}) and CachedContent ({of}) has to be the same."
                )));
            }
        }
        let contents = body["contents"].as_array().into_iter().flatten();
        let parts = contents.flat_map(|content| content["parts"].as_array().into_iter().flatten());
        for uri in parts.filter_map(|part| part["fileData"]["fileUri"].as_str()) {
            if let Some(name) = uri.strip_prefix("https://generativelanguage.googleapis.com/v1beta/") {
                self.get(name, key)?;
            }
        }
        Ok(())
    }
}

/// Returns the expiry time of something that is kept for this many seconds.
pub fn ends_in(seconds: i64) -> String {
    (Timestamp::now() + SignedDuration::from_secs(seconds)).to_string()
}

fn forbidden(name: &str) -> Failure {
    let message = match name.strip_prefix("files/") {
        Some(id) => format!("You do not have permission to access the File {id} or it may not exist."),
        None => "CachedContent not found (or permission denied)".to_owned(),
    };
    failure(403, message, Vec::new())
}
