//! Environment variables that set something: those of this program's predecessor, by name, and
//! `GEMINI_ADAPTER__SECTION__FIELD` for everything else.

use std::time::Duration;

use figment::value::Value;

use super::Config;
use super::documents::Documents;
use super::layer::{Layer, toml_value};
use super::path::{Step, steps};
use crate::environment::{Environment, SecretRef};
use crate::problem::{Problem, Problems, Source};

/// The lower-case prefix of variables that name a setting by its path.
const OWN: &str = "gemini_adapter__";

/// A variable with its own name.
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The setting it sets.
    pub path: &'static str,
    /// Its description, for `docs/config.md`.
    pub about: &'static str,
    read: Read,
}

/// How a variable's text becomes a value.
#[derive(Clone, Copy)]
enum Read {
    /// The default configuration refers to it as `env:NAME`.
    Referred,
    /// The text itself.
    Text,
    /// A duration; a bare number is seconds.
    Duration,
    /// A number.
    Count,
    /// A number that does not include the first attempt.
    CountOfMore,
    /// `true` or `false`, or a synonym.
    Switch,
    /// A comma-separated list, or a JSON array.
    List,
    /// A reference to the variable itself, because it may contain a password.
    Reference,
    /// The host of `server.listen`; the port is unchanged.
    Host,
    /// The port of `server.listen`; the host is unchanged.
    Port,
}

/// Why a variable's text is not a valid value.
struct Wrong {
    message: &'static str,
    hint: String,
}

/// All named variables.
pub const VARIABLES: &[Variable] = &[
    row(
        "GEMINI_API_KEYS",
        "pools.default.keys",
        Read::Referred,
        "Gemini keys, separated by commas or line ends. Read through `env:GEMINI_API_KEYS`, as in the shipped configuration; unused if the pools in the file list other keys.",
    ),
    row("GEMINI_BASE_URL", "upstream.base_url", Read::Text, "Base URL of the Gemini API."),
    row("GEMINI_COOLING_PERIOD", "cooldown.base", Read::Duration, "First cooldown of a key; a bare number is seconds."),
    row(
        "GEMINI_REQUEST_TIMEOUT",
        "upstream.timeout",
        Read::Duration,
        "Timeout of the whole call; a bare number is seconds.",
    ),
    row("GEMINI_MAX_RETRIES", "upstream.attempts", Read::CountOfMore, "Attempts after the first."),
    row("GEMINI_MAX_FAILURES", "cooldown.failures", Read::Count, "Failures in a row that put a key into cooldown."),
    row(
        "GEMINI_PROXY_URL",
        "upstream.proxy",
        Read::Reference,
        "Proxy for all upstream traffic. Becomes `env:GEMINI_PROXY_URL`, so its password is never shown.",
    ),
    row(
        "SECURITY_ADAPTER_API_KEYS",
        "auth.client_keys",
        Read::Referred,
        "Client keys, separated likewise. Read through `env:SECURITY_ADAPTER_API_KEYS`, as in the shipped configuration.",
    ),
    row(
        "SECURITY_ADMIN_API_KEYS",
        "auth.admin_keys",
        Read::Referred,
        "Admin keys, separated likewise. Read through `env:SECURITY_ADMIN_API_KEYS`, as in the shipped configuration.",
    ),
    row("SERVICE_HOST", "server.listen", Read::Host, "Address to listen on. The port is unchanged."),
    row("SERVICE_PORT", "server.listen", Read::Port, "Port to listen on. The address is unchanged."),
    row("SERVICE_LOG_LEVEL", "log.level", Read::Text, "Log level or filter."),
    row(
        "SERVICE_CORS_ORIGINS",
        "server.cors_origins",
        Read::List,
        "Origins of web pages that may call, separated by commas; or a JSON array.",
    ),
    row("CACHE_ENABLED", "cache.enabled", Read::Switch, "Whether answers are cached: `true` or `false`."),
    row("CACHE_TTL", "cache.ttl", Read::Duration, "How long an answer is cached; a bare number is seconds."),
    row("CACHE_MAX_SIZE", "cache.max_entries", Read::Count, "Maximum number of cached answers."),
    row(
        "SECURITY_ENABLE_RATE_LIMITING",
        "rate_limit.enabled",
        Read::Switch,
        "Whether requests of each client are limited: `true` or `false`.",
    ),
    row("SECURITY_RATE_LIMIT_REQUESTS", "rate_limit.requests", Read::Count, "Requests per client in each window."),
    row(
        "SECURITY_RATE_LIMIT_WINDOW",
        "rate_limit.window",
        Read::Duration,
        "Length of the window; a bare number is seconds.",
    ),
    row(
        "SECURITY_ENABLE_IP_BLOCKING",
        "auth.blocking.enabled",
        Read::Switch,
        "Whether addresses that send wrong keys are blocked: `true` or `false`.",
    ),
    row(
        "SECURITY_MAX_FAILED_ATTEMPTS",
        "auth.blocking.failures",
        Read::Count,
        "How many wrong keys an address may send.",
    ),
    row(
        "SECURITY_BLOCK_DURATION",
        "auth.blocking.duration",
        Read::Duration,
        "How long an address is blocked; a bare number is seconds.",
    ),
    row(
        "DATABASE_REDIS_URL",
        "store.redis",
        Read::Referred,
        "Redis shared by the replicas. Read through `env:DATABASE_REDIS_URL`, the default of `store.redis`.",
    ),
];

const fn row(name: &'static str, path: &'static str, read: Read, about: &'static str) -> Variable {
    Variable { name, path, about, read }
}

/// Returns what the variables override in the document, in order of increasing priority.
pub fn layers(environment: &Environment, document: &Documents, problems: &mut Problems) -> Vec<Layer> {
    let mut listen = document.text_at("server", "listen").unwrap_or("0.0.0.0:8000").to_owned();
    let mut layers = Vec::new();
    for variable in VARIABLES {
        let Some(text) = environment.get(variable.name) else { continue };
        match variable.value(text, &mut listen) {
            Ok(Some(value)) => {
                let source = Source::Environment(variable.name.to_owned());
                layers.push(Layer { source, path: steps(variable.path), value });
            }
            Ok(None) => {}
            Err(Wrong { message, hint }) => {
                problems.push(Problem::error(message).hint(hint).at(variable.path).in_environment(variable.name));
            }
        }
    }
    for (name, _) in environment.iter() {
        let Some(text) = environment.get(name) else { continue };
        if let Some(path) = own_path(name) {
            let source = Source::Environment(name.to_owned());
            layers.push(Layer { source, path, value: toml_value(text) });
        } else if let Some(meant) = misspelt(name) {
            let hint = format!("did you mean {meant}?");
            problems.push(Problem::warning("has no effect").in_environment(name).hint(hint));
        }
    }
    layers
}

/// Warns of variables that are set but have no effect, because the document refers to something else instead.
pub fn warn_of_unused(config: &Config, problems: &mut Problems) {
    for variable in VARIABLES.iter().filter(|variable| matches!(variable.read, Read::Referred)) {
        let reference = SecretRef::Env(variable.name.to_owned());
        let set = config.environment.get(variable.name).is_some();
        // An override on the command line is deliberate.
        let meant = config.source_of(variable.path) == Some(Source::CommandLine);
        if set && !meant && !config.settings.secrets().any(|(_, secret)| *secret == reference) {
            let hint = format!("write `\"env:{}\"` there, or unset it", variable.name);
            let message = format!("has no effect: `{}` does not refer to it", variable.path);
            problems.push(Problem::warning(message).in_environment(variable.name).hint(hint));
        }
    }
}

/// Returns the path that `GEMINI_ADAPTER__SECTION__FIELD` names; case is ignored.
fn own_path(name: &str) -> Option<Vec<Step>> {
    let name = name.to_ascii_lowercase();
    let path = name.strip_prefix(OWN)?;
    Some(path.split("__").map(|word| Step::Key(word.to_owned())).collect())
}

impl Variable {
    /// Returns the value for its setting; None if it sets nothing by itself.
    fn value(&self, text: &str, listen: &mut String) -> Result<Option<Value>, Wrong> {
        Ok(Some(match self.read {
            Read::Referred => return Ok(None),
            Read::Text => text.into(),
            Read::Count => count(text)?.into(),
            Read::CountOfMore => count(text)?.saturating_add(1).into(),
            Read::Duration => duration(text)?.into(),
            Read::Switch => switch(text)?.into(),
            Read::List => list(text),
            Read::Reference => format!("env:{}", self.name).into(),
            Read::Host | Read::Port => {
                let (host, port) = listen.rsplit_once(':').unwrap_or((listen.as_str(), "8000"));
                let bare = !text.starts_with('[') && text.contains(':');
                *listen = match self.read {
                    Read::Port => format!("{host}:{text}"),
                    // An IPv6 address before a port needs brackets.
                    _ if bare => format!("[{text}]:{port}"),
                    _ => format!("{text}:{port}"),
                };
                listen.as_str().into()
            }
        }))
    }
}

fn switch(text: &str) -> Result<bool, Wrong> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(Wrong { message: "is not a boolean", hint: "write `true` or `false`".to_owned() }),
    }
}

fn count(text: &str) -> Result<u32, Wrong> {
    text.parse().map_err(|_| Wrong { message: "is not a whole number", hint: "write digits only: `3`".to_owned() })
}

/// Parses seconds, or a duration as in the configuration file.
fn duration(text: &str) -> Result<String, Wrong> {
    let wrong = || Wrong { message: "is not a duration", hint: "write seconds, or `90s`, `10m`, `1h`".to_owned() };
    if let Ok(seconds) = text.parse::<f64>() {
        let duration = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
        return Ok(humantime::format_duration(duration).to_string());
    }
    humantime::parse_duration(text).map(|_| text.to_owned()).map_err(|_| wrong())
}

fn list(text: &str) -> Value {
    let split = || text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect();
    let items: Vec<String> = serde_json::from_str(text).unwrap_or_else(|_| split());
    items.into()
}

/// Returns the variable that was meant, if the name is almost one of ours. Only close names count, because the
/// environment also has variables of other programs.
fn misspelt(name: &str) -> Option<&'static str> {
    let near = VARIABLES.iter().map(|variable| (strsim::osa_distance(name, variable.name), variable.name)).min()?;
    (1..=2).contains(&near.0).then_some(near.1)
}
