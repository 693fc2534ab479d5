//! One immutable view of everything that is configured, and how it is built. Whatever can fail, fails here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

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

/// One immutable view of everything that is configured. A request takes one at the door and keeps it to its end.
#[derive(Debug)]
pub struct Snapshot {
    /// The how-manieth since the start, from 1.
    pub generation: u64,
    /// What changes whenever anything of it changes: 12 hex digits.
    pub hash: String,
    /// When it was built.
    pub loaded_at: Timestamp,
    /// The settings.
    pub config: Config,
    /// Who may call.
    pub clients: Clients,
    /// Names to models.
    pub models: Models,
    /// Pools by name.
    pub pools: BTreeMap<String, Arc<KeyPool>>,
    /// The plugins.
    pub plugins: Plugins,
    /// The way to Google.
    pub upstream: Upstream,
    /// What fetches files that requests name.
    pub media: Media,
    /// What the listener shows of itself; none: it speaks no TLS.
    pub certificate: Option<Certificate>,
    /// What it was made from.
    pub reading: Reading,
    /// What somebody should look at.
    pub warnings: Problems,
    pub(super) redaction: OnceLock<Redaction>,
}

impl Snapshot {
    /// Which configuration this is, for answers to bear: `12-3fa9c2d41e07`.
    pub fn version(&self) -> String {
        format!("{}-{}", self.generation, self.hash)
    }

    /// Whether [`Self::redaction`] is made. To make it, for a thousand keys, takes longer than a thread that serves has.
    pub fn has_redaction(&self) -> bool {
        self.redaction.get().is_some()
    }

    /// What masks every configured secret in a text that clients or Google have written. Made when it is first wanted.
    pub fn redaction(&self) -> &Redaction {
        self.redaction.get_or_init(|| self.config.redaction())
    }
}

/// Reads, checks and builds: the one function behind start, `check`, the watcher, SIGHUP and the admin's reload. It changes
/// nothing: the pools look into the ledger, and book there only once they serve.
///
/// # Errors
/// All that is wrong, when anything is.
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
        config,
    })
}
