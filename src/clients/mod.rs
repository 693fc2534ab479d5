//! Who may call: keys kept as digests, and what each may do.
//! Never: a key's text, an upstream, a header.

pub mod settings;

use std::collections::HashMap;

use crate::environment::{Environment, SecretRef};
use crate::problem::{Problem, Problems};
use crate::secret::{Digest, Secret, is_placeholder};
pub use settings::{AuthSettings, ClientKeySettings, Fidelity, Mode};

/// Shortest key that nobody guesses.
const SHORTEST: usize = 16;

/// What a route needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Needs {
    /// No key.
    Nothing,
    /// A client's.
    Client,
    /// A client's, an admin's, or one that is for metrics alone.
    Metrics,
    /// An admin's.
    Admin,
}

impl Needs {
    /// The name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Client => "client key",
            Self::Metrics => "client or metrics key",
            Self::Admin => "admin key",
        }
    }
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Client,
    Metrics,
    Admin,
}

/// Which roles meet which need. Admins do not call models: a leaked admin key must not spend quota unseen, and a client key
/// must not administer.
const MEETS: &[(Role, Needs)] = &[
    (Role::Client, Needs::Client),
    (Role::Client, Needs::Metrics),
    (Role::Metrics, Needs::Metrics),
    (Role::Admin, Needs::Metrics),
    (Role::Admin, Needs::Admin),
];

/// Who called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// For logs and plugins: made from the digest, tells nothing of the key.
    pub name: String,
    /// What it wants when a request asks for something Gemini does not have.
    pub fidelity: Fidelity,
    role: Option<Role>,
}

impl Client {
    /// Somebody of whom no key was asked.
    pub fn nobody() -> Self {
        Self { name: "anonymous".into(), fidelity: Fidelity::Lenient, role: None }
    }

    /// Whether this is enough.
    pub fn may(&self, needs: Needs) -> bool {
        needs == Needs::Nothing || self.role.is_some_and(|role| MEETS.contains(&(role, needs)))
    }
}

/// The keys there are.
#[derive(Debug)]
pub struct Clients {
    by_digest: HashMap<Digest, Client>,
    fidelity: Fidelity,
    open: bool,
    admin: bool,
}

impl Clients {
    /// Resolves and checks; problems are at `auth…`.
    pub fn prepare(
        settings: &AuthSettings,
        environment: &Environment,
        listens_on_loopback: bool,
        problems: &mut Problems,
    ) -> Self {
        let mut clients = Self {
            by_digest: HashMap::new(),
            fidelity: settings.fidelity,
            open: settings.mode == Mode::Open,
            admin: false,
        };
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
        clients.admin = clients.by_digest.values().any(|client| client.role == Some(Role::Admin));
        let has_clients = clients.by_digest.values().any(|client| client.role == Some(Role::Client));
        if clients.open && !listens_on_loopback {
            let message = "`open` lets everybody in, and `server.listen` is not a loopback address";
            let hint = "listen on 127.0.0.1, or configure `auth.client_keys`";
            problems.push(Problem::error(message).at("auth.mode").hint(hint));
        } else if !clients.open && !has_clients {
            let hint = "set SECURITY_ADAPTER_API_KEYS to a key of your own making, in the environment or in `.env`; or write `auth.mode = \"open\"` with a loopback `server.listen`; just to look around, `cargo run --release -- demo`";
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
        let reference = &key.key;
        let secrets = match reference.resolve(environment) {
            Ok(secrets) => secrets,
            Err(message) => return problems.push(Problem::error(message).at(place)),
        };
        let hard = |c: char| c.is_control() || c == '"';
        if key.name.as_ref().is_some_and(|name| name.is_empty() || name.len() > 64 || name.contains(hard)) {
            let hint = "write up to 64 characters that fit on a line";
            problems.push(Problem::error("is no name").at(format!("{place}.name")).hint(hint));
        }
        for secret in secrets {
            if is_placeholder(secret.expose()) {
                let message = format!("a placeholder was left in place of a key ({})", reference.masked());
                problems.push(Problem::error(message).at(place).hint("make one up: `openssl rand -hex 24`"));
                continue;
            }
            if secret.expose().len() < SHORTEST {
                let message = format!("a key is shorter than {SHORTEST} characters ({})", reference.masked());
                problems.push(
                    Problem::warning(message).at(place).hint("longer ones are not guessed: `openssl rand -hex 24`"),
                );
            }
            self.insert(&secret, key, role, place, problems);
        }
    }

    fn insert(&mut self, secret: &Secret, key: &ClientKeySettings, role: Role, place: &str, problems: &mut Problems) {
        let digest = secret.digest();
        match self.by_digest.get(&digest) {
            Some(other) if other.role != Some(role) => {
                let message = "a key is configured for two roles";
                let hint = "give clients, metrics and admins keys of their own";
                problems.push(Problem::error(message).at(place).hint(hint));
            }
            Some(_) => problems.push(Problem::warning("a key is configured twice").at(place)),
            None => {
                let kind = if role == Role::Admin { "admin" } else { "client" };
                let name = key.name.clone().unwrap_or_else(|| format!("{kind}-{}", digest.hex(4)));
                let fidelity = key.fidelity.unwrap_or(self.fidelity);
                self.by_digest.insert(digest, Client { name, fidelity, role: Some(role) });
            }
        }
    }

    /// Whose key this is. The digest of what was shown is looked up: nothing about the keys there are can be learned from how
    /// long that takes.
    pub fn identify(&self, credential: &str) -> Option<Client> {
        self.by_digest.get(&Digest::of(credential)).cloned()
    }

    /// Who somebody without a key is, where no key is asked for.
    pub fn open_to(&self, needs: Needs) -> Option<Client> {
        let open = self.open && matches!(needs, Needs::Client | Needs::Metrics);
        open.then(|| Client { name: "open".into(), fidelity: self.fidelity, role: Some(Role::Client) })
    }

    /// Whether there is any admin key.
    pub fn admin_enabled(&self) -> bool {
        self.admin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepare(settings: &AuthSettings, loopback: bool) -> (Clients, Vec<String>) {
        let mut problems = Problems::new();
        let clients = Clients::prepare(settings, &Environment::default(), loopback, &mut problems);
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
            (&Client::nobody(), Needs::Client, false),
            (&Client::nobody(), Needs::Nothing, true),
        ] {
            assert_eq!(who.may(needs), may, "{} {needs:?}", who.name);
        }
        assert_eq!(clients.identify("client-key-012345678"), None);
        assert_eq!(clients.open_to(Needs::Client), None);
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
