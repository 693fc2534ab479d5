//! Variables that set something: those of this program's predecessor by name, and `GEMINI_ADAPTER__SECTION__FIELD` for
//! everything else.

use std::time::Duration;

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use crate::environment::Environment;
use crate::problem::{Problem, Problems};

/// The beginning of variables that name a setting by its path.
const OWN: &str = "GEMINI_ADAPTER__";

/// A variable with a name of its own.
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The setting it stands for.
    pub path: &'static str,
    /// What it is, for `docs/config.md`.
    pub about: &'static str,
    read: Read,
}

/// How a variable's text becomes a value.
#[derive(Clone, Copy)]
enum Read {
    /// It is referred to by the default configuration as `env:NAME`.
    Referred,
    /// As it is.
    Text,
    /// A duration; a bare number is seconds.
    Duration,
    /// A count.
    Count,
    /// A count of what comes after the first.
    CountOfMore,
    /// A list, split at commas; or a JSON array.
    List,
    /// A reference to the variable itself: it may hold a password.
    Reference,
    /// Host or port; both together are `server.listen`.
    Address,
    /// Refused, because what it sets is not there yet, unless the switch of its group is off.
    NotYet(&'static str),
}

/// All of them.
pub const VARIABLES: &[Variable] = &[
    row("GEMINI_API_KEYS", "pools.default.keys", Read::Referred, "Gemini keys, split at commas or line ends. Read through `env:GEMINI_API_KEYS`, which the shipped configuration has; a file that lists other keys does without it."),
    row("GEMINI_BASE_URL", "upstream.base_url", Read::Text, "Where the Gemini API is."),
    row("GEMINI_COOLING_PERIOD", "cooldown.base", Read::Duration, "First rest of a key; a bare number is seconds."),
    row("GEMINI_REQUEST_TIMEOUT", "upstream.timeout", Read::Duration, "The whole call; a bare number is seconds."),
    row("GEMINI_MAX_RETRIES", "upstream.attempts", Read::CountOfMore, "Attempts after the first."),
    row("GEMINI_MAX_FAILURES", "cooldown.failures", Read::Count, "Failures in a row that send a key to rest."),
    row("GEMINI_PROXY_URL", "upstream.proxy", Read::Reference, "Proxy for all upstream traffic."),
    row("SECURITY_ADAPTER_API_KEYS", "auth.client_keys", Read::Referred, "Keys of clients. Read through `env:SECURITY_ADAPTER_API_KEYS`."),
    row("SECURITY_ADMIN_API_KEYS", "auth.admin_keys", Read::Referred, "Keys of admins. Read through `env:SECURITY_ADMIN_API_KEYS`."),
    row("SERVICE_HOST", "server.listen", Read::Address, "Address to listen on; the port is 8000 unless SERVICE_PORT says otherwise."),
    row("SERVICE_PORT", "server.listen", Read::Address, "Port to listen on; the address is 0.0.0.0 unless SERVICE_HOST says otherwise."),
    row("SERVICE_LOG_LEVEL", "log.level", Read::Text, "How much is logged."),
    row("SERVICE_CORS_ORIGINS", "server.cors_origins", Read::List, "Origins of web pages that may call, split at commas; or a JSON array."),
    row("CACHE_ENABLED", "", Read::NotYet("CACHE_ENABLED"), "Refused when on: there is no response cache yet."),
    row("CACHE_TTL", "", Read::NotYet("CACHE_ENABLED"), "Refused unless CACHE_ENABLED is off: there is no response cache yet."),
    row("CACHE_MAX_SIZE", "", Read::NotYet("CACHE_ENABLED"), "Refused unless CACHE_ENABLED is off: there is no response cache yet."),
    row("SECURITY_ENABLE_RATE_LIMITING", "", Read::NotYet("SECURITY_ENABLE_RATE_LIMITING"), "Refused when on: clients have no limits yet."),
    row("SECURITY_RATE_LIMIT_REQUESTS", "", Read::NotYet("SECURITY_ENABLE_RATE_LIMITING"), "Refused unless SECURITY_ENABLE_RATE_LIMITING is off: clients have no limits yet."),
    row("SECURITY_RATE_LIMIT_WINDOW", "", Read::NotYet("SECURITY_ENABLE_RATE_LIMITING"), "Refused unless SECURITY_ENABLE_RATE_LIMITING is off: clients have no limits yet."),
    row("DATABASE_REDIS_URL", "", Read::NotYet(""), "Refused: state is not shared through Redis yet."),
];

const fn row(name: &'static str, path: &'static str, read: Read, about: &'static str) -> Variable {
    Variable { name, path, about, read }
}

/// Whether a variable sets anything here.
pub fn is_ours(name: &str) -> bool {
    name.starts_with(OWN) || VARIABLES.iter().any(|variable| variable.name == name)
}

/// One value over the document.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The variable; none for a flag of the command line.
    pub variable: Option<String>,
    /// The setting.
    pub path: String,
    value: Value,
}

impl Layer {
    /// From the command line.
    pub fn flag(path: &str, value: &str) -> Self {
        Self { variable: None, path: path.to_owned(), value: parse(value) }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named("environment variable or flag")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let nested = figment::util::nest(&self.path, self.value.clone());
        Ok(Map::from([(Profile::Default, nested.into_dict().unwrap_or_default())]))
    }
}

/// What the variables set, each a layer.
pub fn layers(environment: &Environment, problems: &mut Problems) -> Vec<Layer> {
    let mut layers = Vec::new();
    for variable in VARIABLES {
        if let Some(text) = environment.get(variable.name) {
            match variable.value(text, environment) {
                Ok(Some(value)) => layers.push(Layer {
                    variable: Some(variable.name.to_owned()),
                    path: variable.path.to_owned(),
                    value,
                }),
                Ok(None) => {}
                Err(problem) => problems.push(problem.in_environment(variable.name)),
            }
        }
    }
    for (name, text) in environment.iter() {
        if let Some(path) = name.strip_prefix(OWN) {
            let path = path.to_ascii_lowercase().replace("__", ".");
            layers.push(Layer { variable: Some(name.to_owned()), path, value: parse(text) });
        } else if let Some(meant) = misspelt(name) {
            let hint = format!("did you mean {meant}?");
            problems.push(Problem::warning("sets nothing").in_environment(name).hint(hint));
        }
    }
    layers
}

impl Variable {
    fn value(&self, text: &str, environment: &Environment) -> Result<Option<Value>, Problem> {
        let number = |text: &str| {
            text.parse::<u32>().map_err(|_| Problem::error("is no whole number").hint("write digits only: `3`"))
        };
        Ok(Some(match self.read {
            Read::Referred => return Ok(None),
            Read::Text => text.into(),
            Read::Count => number(text)?.into(),
            Read::CountOfMore => number(text)?.saturating_add(1).into(),
            Read::Duration => duration(text)?.into(),
            Read::List => list(text),
            Read::Reference => format!("env:{}", self.name).into(),
            Read::Address => {
                let host = environment.get("SERVICE_HOST").unwrap_or("0.0.0.0");
                let port = environment.get("SERVICE_PORT").unwrap_or("8000");
                // An IPv6 address goes in brackets before a port.
                if host.contains(':') && !host.starts_with('[') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }.into()
            }
            Read::NotYet(switch) => {
                let off = |text: &str| matches!(text.to_ascii_lowercase().as_str(), "false" | "0" | "no" | "off");
                if environment.get(switch).is_some_and(off) {
                    return Ok(None);
                }
                let hint = if switch.is_empty() { "leave it out".to_owned() } else { format!("set {switch}=false, or leave it out") };
                return Err(Problem::error("is not yet supported").hint(hint));
            }
        }))
    }
}

/// Seconds, or a duration as the file has it.
fn duration(text: &str) -> Result<String, Problem> {
    let wrong = || Problem::error("is no duration").hint("write seconds, or `90s`, `10m`, `1h`");
    if let Ok(seconds) = text.parse::<f64>() {
        let duration = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
        return Ok(humantime::format_duration(duration).to_string());
    }
    humantime::parse_duration(text).map(|_| text.to_owned()).map_err(|_| wrong())
}

fn list(text: &str) -> Value {
    let items: Vec<String> = serde_json::from_str(text)
        .unwrap_or_else(|_| text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect());
    items.into()
}

/// A TOML value; what is none is a text.
fn parse(text: &str) -> Value {
    let document = toml::from_str::<Dict>(&format!("value = {text}"));
    document.ok().and_then(|mut dict| dict.remove("value")).unwrap_or_else(|| text.into())
}

/// The variable that was meant, when the name is nearly one of ours. Others have variables too: only what is close counts.
fn misspelt(name: &str) -> Option<&'static str> {
    let near = VARIABLES.iter().map(|variable| (strsim::osa_distance(name, variable.name), variable.name)).min()?;
    (1..=2).contains(&near.0).then_some(near.1)
}
