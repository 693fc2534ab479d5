//! One immutable view of the whole configuration, and how it is built. Everything that can fail does so here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use http::HeaderValue;
use jiff::Timestamp;

use super::Certificate;
use crate::clients::Clients;
use crate::config::{self, Config, Loaded, Sources, excerpt};
use crate::keys::{KeyPool, Ledger};
use crate::media::Media;
use crate::models::Models;
use crate::plugin::Plugins;
use crate::problem::{Problem, Problems};
use crate::reading::Reading;
use crate::secret::{Digest, Redaction};
use crate::upstream::Upstream;

/// One immutable view of the whole configuration. A request takes one on arrival and uses it to the end.
#[derive(Debug)]
pub struct Snapshot {
    /// Generation number; counts accepted configurations.
    pub generation: u64,
    /// A hash that changes with any part of the configuration: 12 hex digits.
    pub hash: String,
    /// When it was built.
    pub loaded_at: Timestamp,
    /// The settings.
    pub config: Config,
    /// Client authentication and limits.
    pub clients: Clients,
    /// Aliases and model names.
    pub models: Models,
    /// The key pools, by name.
    pub pools: BTreeMap<String, Arc<KeyPool>>,
    /// The plugins.
    pub plugins: Plugins,
    /// The client of the Gemini API.
    pub upstream: Upstream,
    /// Fetches files that requests refer to by URL.
    pub media: Media,
    /// The listener's certificate; None for plain HTTP.
    pub certificate: Option<Certificate>,
    /// The files it was read from.
    pub reading: Reading,
    /// Problems that did not prevent it but deserve attention.
    pub warnings: Problems,
    pub(super) redaction: OnceLock<Redaction>,
    pub(super) version_header: OnceLock<Option<HeaderValue>>,
}

impl Snapshot {
    /// The version, as used in response headers: `12-3fa9c2d41e07`.
    pub fn version(&self) -> String {
        format!("{}-{}", self.generation, self.hash)
    }

    /// The version as a header. Made when first used, because it depends on the generation, which is set last.
    pub fn version_header(&self) -> Option<HeaderValue> {
        self.version_header.get_or_init(|| HeaderValue::try_from(self.version()).ok()).clone()
    }

    /// Whether [`Self::redaction`] has been built. For a thousand keys, building it takes too long for a thread that
    /// serves requests.
    pub fn has_redaction(&self) -> bool {
        self.redaction.get().is_some()
    }

    /// Masks every configured secret in text that clients or Google wrote. Built on first use.
    pub fn redaction(&self) -> &Redaction {
        self.redaction.get_or_init(|| self.config.redaction())
    }
}

/// Reads, checks and builds the configuration. This one function is behind startup, `check`, the watcher, SIGHUP and
/// the admin's reload. It changes nothing: pools read from the ledger, and write to it only once they serve.
///
/// # Errors
/// All problems, if any of them is an error.
pub fn prepare(sources: &Sources, reading: &Reading, ledger: &Ledger) -> Result<Snapshot, Problems> {
    let mut prepared = build(sources, reading, ledger);
    let (Ok(Snapshot { warnings: problems, .. }) | Err(problems)) = &mut prepared;
    excerpt::add(problems, reading);
    prepared
}

fn build(sources: &Sources, reading: &Reading, ledger: &Ledger) -> Result<Snapshot, Problems> {
    let mut loaded = config::load(sources, reading)?;
    let mut problems = Problems::new();
    let config = &loaded.config;
    let settings = &config.settings;
    let environment = &config.environment;
    let loopback = settings.server.listen.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback());
    let clients = Clients::prepare(
        (&settings.auth, &settings.clients, &settings.rate_limit),
        environment,
        loopback,
        &mut problems,
    );
    let names = settings.pools.keys().map(String::as_str).collect();
    let models = Models::prepare(&settings.models, &names, &mut problems);
    let mut pools = BTreeMap::new();
    for (name, pool) in &settings.pools {
        if let Some(pool) = KeyPool::prepare(name, pool, &settings.cooldown, environment, ledger, &mut problems) {
            pools.insert(name.clone(), Arc::new(pool));
        }
    }
    let own_proxies = settings.pools.iter().flat_map(|(name, pool)| pool.own_proxies(name));
    let upstream = Upstream::prepare(&settings.upstream, own_proxies, environment, &mut problems);
    let media = Media::prepare(&settings.media, &mut problems);
    settings.store.check(environment, &mut problems);
    let now = Timestamp::now();
    let tls = settings.server.tls.as_ref();
    let certificate = tls.and_then(|tls| Certificate::prepare(tls, reading, now, &mut problems));
    let plugins = Plugins::load(&settings.plugins, reading, &mut problems);
    for (name, place) in Clients::chosen_plugins(&settings.clients) {
        if !plugins.list().iter().any(|plugin| plugin.name == name) {
            let hint = "`gemini-adapter plugin list` shows those that are live";
            problems.push(Problem::error(format!("there is no plugin `{name}`")).at(place).hint(hint));
        }
    }
    loaded.found(problems);
    let Loaded { config, mut problems, .. } = loaded;
    config.locate(&mut problems);
    problems.sort();
    let built = upstream.zip(media).filter(|_| !problems.has_errors());
    let Some((upstream, media)) = built else { return Err(problems) };
    let shown = certificate.as_ref().map(|certificate| certificate.sha256.as_str()).unwrap_or_default();
    let hash = Digest::of(&format!("{} {}{shown}", config.hash, plugins.fingerprint())).hex(6);
    Ok(Snapshot {
        generation: 0,
        hash,
        loaded_at: now,
        clients,
        models,
        pools,
        plugins,
        upstream,
        media,
        certificate,
        reading: reading.clone(),
        warnings: problems,
        redaction: OnceLock::new(),
        version_header: OnceLock::new(),
        config,
    })
}
