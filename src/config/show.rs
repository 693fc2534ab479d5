//! The settings in displayable form: secrets are masked, and each setting has its source.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use super::path::{Step, dotted};
use super::{Config, Settings};
use crate::environment::{Environment, SecretRef};
use crate::problem::Source;
use crate::secret::{Digest, MASK, Redaction, Secret};

/// One setting and its source.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// Its dotted path.
    pub path: String,
    /// Its value; secrets are masked.
    pub value: Value,
    /// Where it was set; None if it has its default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

impl Config {
    /// Returns the settings as one document.
    pub fn resolved(&self) -> Value {
        let mut shown = serde_json::to_value(&self.settings).unwrap_or_default();
        if let Some(plugins) = shown.pointer_mut("/plugins/settings") {
            mask(plugins, false, &|_| MASK.to_owned());
        }
        shown
    }

    /// Returns every setting by its path. Secrets are replaced by digests, so two results differ if the secrets do.
    pub fn picture(&self) -> BTreeMap<String, Value> {
        let mut shown = serde_json::to_value(&self.settings).unwrap_or_default();
        if let Some(plugins) = shown.pointer_mut("/plugins/settings") {
            mask(plugins, false, &|text| veil(&Secret::new(text)));
        }
        for (path, secret) in self.settings.secrets() {
            if let Some(place) = at(&mut shown, &path) {
                *place = described(secret, &self.environment).into();
            }
        }
        let mut picture = BTreeMap::new();
        flatten(&shown, &mut Vec::new(), &mut picture);
        picture
    }

    /// Returns the digests of all secrets, to recognise them by.
    pub fn secret_digests(&self) -> HashSet<Digest> {
        self.secrets_in_use().iter().map(Secret::digest).collect()
    }

    /// Returns a redaction that masks every secret in a text, and the password of every secret that is a URL.
    pub fn redaction(&self) -> Redaction {
        let mut secrets = self.secrets_in_use();
        let urls = secrets.iter().filter_map(|secret| url::Url::parse(secret.expose()).ok());
        let passwords: Vec<Secret> = urls.filter_map(|url| url.password().map(Secret::new)).collect();
        secrets.extend(passwords);
        Redaction::of(&secrets)
    }

    fn secrets_in_use(&self) -> Vec<Secret> {
        let referred =
            self.settings.secrets().flat_map(|(_, secret)| secret.resolve(&self.environment).unwrap_or_default());
        let mut secrets: Vec<Secret> = referred.collect();
        // Literal secrets in plugin settings are recognised by the names of the settings.
        let named = std::cell::RefCell::new(Vec::new());
        let mut plugins = serde_json::to_value(&self.settings.plugins.settings).unwrap_or_default();
        mask(&mut plugins, false, &|text| {
            named.borrow_mut().push(Secret::new(text));
            String::new()
        });
        secrets.extend(named.into_inner());
        secrets
    }

    /// Returns every setting with its source.
    pub fn shown(&self) -> Vec<Shown> {
        let shown = |(path, value): (String, Value)| Shown { source: self.source_of(&path), path, value };
        self.picture().into_iter().map(shown).collect()
    }
}

impl Settings {
    /// Returns every secret reference with its path.
    pub(super) fn secrets(&self) -> impl Iterator<Item = (Vec<Step>, &SecretRef)> {
        let key = |name: &str| Step::Key(name.to_owned());
        let auth = move |list: &str, index: usize| vec![key("auth"), key(list), Step::Index(index)];
        let clients = self.auth.client_keys.iter().enumerate();
        let clients = clients.map(move |(index, client)| {
            let mut path = auth("client_keys", index);
            path.push(key("key"));
            (path, &client.key)
        });
        let named = self.clients.iter().enumerate();
        let named =
            named.map(move |(index, client)| (vec![key("clients"), Step::Index(index), key("key")], &client.key));
        let admins = self.auth.admin_keys.iter().enumerate().map(move |(index, key)| (auth("admin_keys", index), key));
        let metrics = self.auth.metrics_keys.iter().enumerate();
        let metrics = metrics.map(move |(index, key)| (auth("metrics_keys", index), key));
        let pools = self.pools.iter().flat_map(move |(name, pool)| {
            let place = move |index, field| vec![key("pools"), key(name), key("keys"), Step::Index(index), key(field)];
            pool.keys.iter().enumerate().flat_map(move |(index, key)| {
                let proxy = key.proxy.iter().map(move |proxy| (place(index, "proxy"), proxy));
                std::iter::once((place(index, "key"), &key.key)).chain(proxy)
            })
        });
        let proxy = self.upstream.proxy.iter().map(move |proxy| (vec![key("upstream"), key("proxy")], proxy));
        let redis = self.store.redis.iter().map(move |redis| (vec![key("store"), key("redis")], redis));
        clients.chain(named).chain(admins).chain(metrics).chain(pools).chain(proxy).chain(redis)
    }
}

/// Describes a reference, with a digest of the secrets it resolves to.
fn described(secret: &SecretRef, environment: &Environment) -> String {
    let found = secret.resolve(environment).unwrap_or_default();
    match (secret, found.as_slice()) {
        (SecretRef::Literal(text), _) => veil(text),
        (_, []) => format!("{} [nothing]", secret.masked()),
        (_, [one]) => format!("{} {}", secret.masked(), veil(one)),
        (_, several) => {
            let all: Vec<String> = several.iter().map(|secret| secret.digest().hex(32)).collect();
            let digest = Digest::of(&all.join(" ")).hex(4);
            format!("{} [{} secrets {digest}]", secret.masked(), several.len())
        }
    }
}

/// Returns a mask with a short digest that tells secrets apart.
fn veil(secret: &Secret) -> String {
    format!("[secret {}]", secret.digest().hex(4))
}

/// Masks secrets in plugin settings. Their names are up to the plugins, so everything under a name that sounds like a
/// secret is masked.
fn mask(value: &mut Value, secret: bool, veil: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) if secret => *text = veil(text),
        Value::Object(map) => {
            for (name, value) in map {
                mask(value, secret || names_a_secret(name), veil);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, secret, veil)),
        _ => {}
    }
}

/// Returns whether a plugin setting of this name is treated as a secret.
fn names_a_secret(name: &str) -> bool {
    const SECRET: &[&str] = &["key", "token", "secret", "password", "credential"];
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|word| name.contains(word))
}

fn at<'v>(value: &'v mut Value, path: &[Step]) -> Option<&'v mut Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Key(name) => value.get_mut(name),
        Step::Index(index) => value.get_mut(index),
    })
}

/// Flattens a document to plain values by path. Nulls are omitted; empty tables and lists are kept.
fn flatten(value: &Value, path: &mut Vec<Step>, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Null => {}
        Value::Object(map) if !map.is_empty() => {
            for (name, value) in map {
                path.push(Step::Key(name.clone()));
                flatten(value, path, into);
                path.pop();
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                path.push(Step::Index(index));
                flatten(value, path, into);
                path.pop();
            }
        }
        plain => {
            into.insert(dotted(path), plain.clone());
        }
    }
}
