//! Who may call: client keys, stored as digests, and what each client may do.
//! Never: a key's text, an upstream, a header.

mod account;
mod addresses;
mod client;
mod guard;
#[cfg(test)]
mod interleavings;
mod limits;
mod rate;
pub mod settings;
mod visit;

use std::collections::HashMap;
use std::sync::Arc;

use crate::clock::Moment;
use crate::environment::{Environment, SecretRef};
use crate::glob::Glob;
use crate::problem::{Problem, Problems};
use crate::secret::{Digest, Secret, is_placeholder};

pub use account::Accounts;
pub use addresses::Addresses;
pub use client::{Client, ClientStatus};
pub use guard::Guard;
use limits::Limits;
pub use settings::{
    AuthSettings, BlockingSettings, ClientKeySettings, ClientSettings, Fidelity, Mode, RateLimitSettings,
};
pub use visit::Admission;

/// Shorter keys can be guessed.
const SHORTEST: usize = 16;

/// The kind of key a route requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Needs {
    /// No key.
    Nothing,
    /// A client key.
    Client,
    /// A client key, an admin key, or a key for metrics only.
    Metrics,
    /// An admin key.
    Admin,
}

impl Needs {
    /// The name for display.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Client => "client key",
            Self::Metrics => "client or metrics key",
            Self::Admin => "admin key",
        }
    }
}

/// The role of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Client,
    Metrics,
    Admin,
}

/// Which roles satisfy which needs. Admin keys do not call models: a leaked admin key must not spend quota unnoticed,
/// and a client key must not administer.
const MEETS: &[(Role, Needs)] = &[
    (Role::Client, Needs::Client),
    (Role::Client, Needs::Metrics),
    (Role::Metrics, Needs::Metrics),
    (Role::Admin, Needs::Metrics),
    (Role::Admin, Needs::Admin),
];

/// All configured keys.
#[derive(Debug)]
pub struct Clients {
    by_digest: HashMap<Digest, Arc<Client>>,
    /// Whether some keys are known only by their SHA-256.
    by_sha256: bool,
    /// The client of a request without a key, if no key is required.
    open: Option<Arc<Client>>,
    fidelity: Fidelity,
    common: Limits,
    admin: bool,
    addresses: Addresses,
    blocking: BlockingSettings,
}

impl Clients {
    /// Resolves and validates the settings; problems are reported at `auth…`, `clients…` and `rate_limit…`.
    pub fn prepare(
        (settings, named, rate_limit): (&AuthSettings, &[ClientSettings], &RateLimitSettings),
        environment: &Environment,
        listens_on_loopback: bool,
        problems: &mut Problems,
    ) -> Self {
        rate_limit.check(problems);
        let common = Limits::common(rate_limit);
        let open = || Client { limits: common, ..Client::new("open".into(), settings.fidelity, Some(Role::Client)) };
        let mut clients = Self {
            by_digest: HashMap::new(),
            by_sha256: false,
            open: (settings.mode == Mode::Open).then(|| Arc::new(open())),
            fidelity: settings.fidelity,
            common,
            admin: false,
            addresses: Addresses::prepare(settings, problems),
            blocking: settings.blocking.clone(),
        };
        if settings.blocking.enabled && (settings.blocking.failures == 0 || settings.blocking.duration.is_zero()) {
            let hint = "set `failures` and `duration` above zero, or `enabled = false`";
            problems.push(Problem::error("blocks every address, or none").at("auth.blocking").hint(hint));
        }
        let plain = |keys: &[SecretRef]| keys.iter().cloned().map(Into::into).collect::<Vec<ClientKeySettings>>();
        let groups = [
            ("client_keys", settings.client_keys.clone(), Role::Client),
            ("metrics_keys", plain(&settings.metrics_keys), Role::Metrics),
            ("admin_keys", plain(&settings.admin_keys), Role::Admin),
        ];
        for (field, keys, role) in groups {
            for (index, key) in keys.iter().enumerate() {
                clients.add(key, role, &format!("auth.{field}[{index}]"), environment, problems);
            }
        }
        for (index, client) in named.iter().enumerate() {
            let place = format!("clients[{index}]");
            if named.iter().take(index).any(|other| other.name == client.name) {
                let hint = "give each client a unique name";
                problems.push(Problem::error("is another client's name").at(format!("{place}.name")).hint(hint));
            }
            clients.add_named(client, &place, environment, problems);
        }
        clients.admin = clients.by_digest.values().any(|client| client.role == Some(Role::Admin));
        let has_clients = clients.by_digest.values().any(|client| client.role == Some(Role::Client));
        if clients.open.is_some() && !listens_on_loopback {
            let message = "`open` lets everybody in, and `server.listen` is not a loopback address";
            let hint = "listen on 127.0.0.1, or configure `auth.client_keys`";
            problems.push(Problem::error(message).at("auth.mode").hint(hint));
        } else if clients.open.is_none() && !has_clients {
            let hint = "set SECURITY_ADAPTER_API_KEYS to a key of your choice, in the environment or in `.env`; or write `auth.mode = \"open\"` with a loopback `server.listen`; just to look around, `cargo run --release -- demo`";
            problems
                .push(Problem::error("there is no client key, so nobody could call").at("auth.client_keys").hint(hint));
        }
        clients
    }

    fn add(
        &mut self,
        key: &ClientKeySettings,
        role: Role,
        place: &str,
        environment: &Environment,
        problems: &mut Problems,
    ) {
        if let Some(name) = &key.name {
            check_name(name, place, problems);
        }
        let fidelity = key.fidelity.unwrap_or(self.fidelity);
        let limits = if role == Role::Client { self.common } else { Limits::default() };
        for digest in self.digests(&key.key, place, environment, problems) {
            let kind = if role == Role::Admin { "admin" } else { "client" };
            let name = key.name.clone().unwrap_or_else(|| format!("{kind}-{}", digest.hex(4)));
            let client = Client { limits, ..Client::new(name, fidelity, Some(role)) };
            self.insert(digest, Arc::new(client), place, problems);
        }
    }

    fn add_named(
        &mut self,
        settings: &ClientSettings,
        place: &str,
        environment: &Environment,
        problems: &mut Problems,
    ) {
        check_name(&settings.name, place, problems);
        limits::check(settings, place, problems);
        let client = Arc::new(Client {
            plugins: settings.plugins.clone().map(Into::into),
            limits: Limits::of(settings, &self.common),
            models: settings.models.iter().map(|glob| Glob::new(glob)).collect(),
            addresses: addresses::nets(&settings.addresses, &format!("{place}.addresses"), problems),
            ..Client::new(settings.name.clone(), settings.fidelity.unwrap_or(self.fidelity), Some(Role::Client))
        });
        let key = format!("{place}.key");
        let before = problems.len();
        let digests = self.digests(&settings.key, &key, environment, problems);
        if digests.is_empty() && problems.len() == before {
            let message = format!("contains no key ({})", settings.key.masked());
            problems.push(Problem::error(message).at(&key).hint("`gemini-adapter clients new NAME` makes one"));
        }
        for digest in digests {
            self.insert(digest, client.clone(), &key, problems);
        }
    }

    /// The digests of the keys behind a reference.
    fn digests(
        &mut self,
        reference: &SecretRef,
        place: &str,
        environment: &Environment,
        problems: &mut Problems,
    ) -> Vec<Digest> {
        let secrets = match reference.resolve(environment) {
            Ok(secrets) => secrets,
            Err(message) => {
                problems.push(Problem::error(message).at(place));
                return Vec::new();
            }
        };
        secrets.iter().filter_map(|secret| self.digest(secret, reference, place, problems)).collect()
    }

    fn digest(
        &mut self,
        secret: &Secret,
        reference: &SecretRef,
        place: &str,
        problems: &mut Problems,
    ) -> Option<Digest> {
        match Digest::read_sha256(secret.expose()) {
            Some(Ok(digest)) => {
                self.by_sha256 = true;
                return Some(digest);
            }
            Some(Err(())) => {
                let hint = "`gemini-adapter clients digest` computes one from a key on stdin";
                problems.push(Problem::error("needs 64 hex digits after `sha256:`").at(place).hint(hint));
                return None;
            }
            None => {}
        }
        if is_placeholder(secret.expose()) {
            let message = format!("a placeholder was left in place of a key ({})", reference.masked());
            problems.push(Problem::error(message).at(place).hint("generate one: `gemini-adapter clients new NAME`"));
            return None;
        }
        if secret.expose().len() < SHORTEST {
            let message = format!("a key is shorter than {SHORTEST} characters ({})", reference.masked());
            let hint = "generate a longer one: `gemini-adapter clients new NAME`";
            problems.push(Problem::warning(message).at(place).hint(hint));
        }
        Some(secret.digest())
    }

    fn insert(&mut self, digest: Digest, client: Arc<Client>, place: &str, problems: &mut Problems) {
        match self.by_digest.get(&digest) {
            Some(other) if other.role != client.role => {
                let message = "a key is configured for two roles";
                let hint = "use separate keys for clients, metrics and admins";
                problems.push(Problem::error(message).at(place).hint(hint));
            }
            Some(_) => problems.push(Problem::warning("a key is configured twice").at(place)),
            None => {
                self.by_digest.insert(digest, client);
            }
        }
    }

    /// The client this key belongs to. Looks up the digest of the credential, so that the time it takes reveals nothing
    /// about the configured keys.
    pub fn identify(&self, credential: &str) -> Option<Arc<Client>> {
        let known = self.by_digest.get(&Digest::of(credential));
        let other = || self.by_digest.get(&Digest::of_sha256(credential)).filter(|_| self.by_sha256);
        known.or_else(other).cloned()
    }

    /// The client of a request without a key, if no key is required.
    pub fn open_to(&self, needs: Needs) -> Option<Arc<Client>> {
        self.open.clone().filter(|_| matches!(needs, Needs::Client | Needs::Metrics))
    }

    /// Attaches every client to its account, where its usage is counted from now on.
    pub fn open_accounts(&self, accounts: &Accounts) {
        self.by_digest.values().chain(&self.open).for_each(|client| client.open(accounts));
    }

    /// Every client with its limits and usage, sorted by name.
    pub fn status(&self, now: Moment) -> Vec<ClientStatus> {
        let clients = self.by_digest.values().chain(&self.open).filter(|client| client.may(Needs::Client));
        let mut all: Vec<ClientStatus> = clients.map(|client| client.status(now)).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all.dedup_by(|one, other| one.name == other.name);
        all
    }

    /// Names of the plugins that clients select, with the path of each setting.
    pub fn chosen_plugins(settings: &[ClientSettings]) -> impl Iterator<Item = (&str, String)> {
        settings.iter().enumerate().flat_map(|(index, client)| {
            let names = client.plugins.iter().flatten().enumerate();
            names.map(move |(at, name)| (name.as_str(), format!("clients[{index}].plugins[{at}]")))
        })
    }

    /// The rules about client addresses.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// How wrong keys are handled.
    pub fn blocking(&self) -> &BlockingSettings {
        &self.blocking
    }

    /// Whether there is any admin key.
    pub fn admin_enabled(&self) -> bool {
        self.admin
    }
}

/// Names appear in logs and headers, and must be valid there.
fn check_name(name: &str, place: &str, problems: &mut Problems) {
    let hard = |c: char| c.is_control() || c == '"';
    if name.is_empty() || name.len() > 64 || name.contains(hard) {
        let hint = "write up to 64 characters on a single line";
        problems.push(Problem::error("is not a name").at(format!("{place}.name")).hint(hint));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepare(settings: &AuthSettings, loopback: bool) -> (Clients, Vec<String>) {
        let mut problems = Problems::new();
        let clients = Clients::prepare(
            (settings, &[], &RateLimitSettings::default()),
            &Environment::default(),
            loopback,
            &mut problems,
        );
        (clients, problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect())
    }

    fn keys(client: &str, admin: &str) -> AuthSettings {
        let list = |key: &str| if key.is_empty() { Vec::new() } else { vec![SecretRef::parse(key)] };
        let client_keys = list(client).into_iter().map(Into::into).collect();
        AuthSettings { client_keys, admin_keys: list(admin), ..AuthSettings::default() }
    }

    #[test]
    fn roles_meet_their_needs_only() {
        let (clients, problems) = prepare(&keys("client-key-0123456789", "admin-key-0123456789"), false);
        assert!(problems.is_empty(), "{problems:?}");
        let client = clients.identify("client-key-0123456789").unwrap();
        let admin = clients.identify("admin-key-0123456789").unwrap();
        for (who, needs, may) in [
            (&client, Needs::Client, true),
            (&client, Needs::Metrics, true),
            (&client, Needs::Admin, false),
            (&admin, Needs::Admin, true),
            (&admin, Needs::Client, false),
            (&Client::anonymous().into(), Needs::Client, false),
            (&Client::anonymous().into(), Needs::Nothing, true),
        ] {
            assert_eq!(who.may(needs), may, "{} {needs:?}", who.name);
        }
        assert!(clients.identify("client-key-012345678").is_none());
        assert!(clients.open_to(Needs::Client).is_none());
    }

    #[test]
    fn unsafe_settings_are_refused() {
        for (settings, loopback, expected) in [
            (keys("", ""), true, "auth.client_keys: there is no client key"),
            (keys("your-api-key", ""), true, "auth.client_keys[0]: a placeholder"),
            (
                keys("the-same-key-0123456789", "the-same-key-0123456789"),
                true,
                "auth.admin_keys[0]: a key is configured for two",
            ),
            (AuthSettings { mode: Mode::Open, ..keys("", "") }, false, "auth.mode: `open` lets everybody in"),
        ] {
            let (_, problems) = prepare(&settings, loopback);
            assert!(problems.iter().any(|problem| problem.starts_with(expected)), "{expected}: {problems:?}");
        }
        let (clients, problems) = prepare(&AuthSettings { mode: Mode::Open, ..keys("", "") }, true);
        assert!(
            problems.is_empty() && clients.open_to(Needs::Client).is_some() && clients.open_to(Needs::Admin).is_none()
        );
    }
}
