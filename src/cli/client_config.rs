//! `gemini-adapter client-config NAME`: prints how to configure a client for this server.

use std::process::ExitCode;

use clap::Args;

use super::failed;
use super::remote;
use crate::clients::{Clients, Mode};
use crate::config::{Config, Settings, Sources, lenient};
use crate::glob::is_pattern;
use crate::problem::Problems;
use crate::reading::Reading;

/// The pages of `docs/clients/`, by name.
const CLIENTS: &[(&str, &str)] = &[
    ("aider", include_str!("../../docs/clients/aider.md")),
    ("anthropic-sdk", include_str!("../../docs/clients/anthropic-sdk.md")),
    ("claude-code", include_str!("../../docs/clients/claude-code.md")),
    ("cline", include_str!("../../docs/clients/cline.md")),
    ("codex", include_str!("../../docs/clients/codex.md")),
    ("continue", include_str!("../../docs/clients/continue.md")),
    ("cursor", include_str!("../../docs/clients/cursor.md")),
    ("jetbrains", include_str!("../../docs/clients/jetbrains.md")),
    ("langchain", include_str!("../../docs/clients/langchain.md")),
    ("llamaindex", include_str!("../../docs/clients/llamaindex.md")),
    ("open-webui", include_str!("../../docs/clients/open-webui.md")),
    ("openai-sdk", include_str!("../../docs/clients/openai-sdk.md")),
];

/// The server address used in the pages.
const ADDRESS: &str = "http://localhost:8000";
/// The model used in the pages.
const MODEL: &str = "gemini-2.5-flash";

/// The arguments of `client-config`.
#[derive(Debug, Args)]
pub struct ClientConfigArgs {
    /// The client; without one, all known clients are listed
    name: Option<String>,
    /// The server's URL, without `/v1` [default: the address the configuration listens on]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// An alias or a model [default: the first alias of the configuration, or a common model]
    #[arg(long)]
    model: Option<String>,
}

/// Prints the page of a client with the configured values filled in, and facts about this server. A key is named,
/// never shown.
pub fn run(args: &ClientConfigArgs, sources: &Sources) -> ExitCode {
    let names: Vec<&str> = CLIENTS.iter().map(|(name, _)| *name).collect();
    let text = match &args.name {
        None => names.join("\n") + "\n",
        Some(name) => match CLIENTS.iter().find(|(known, _)| known == name) {
            Some((_, page)) => page_for(page, args, &lenient(sources, &Reading::default())),
            None => return failed(&format!("unknown client `{name}`; known clients: {}", names.join(", "))),
        },
    };
    #[expect(clippy::print_stdout, reason = "the page is the requested output")]
    {
        print!("{text}");
    }
    ExitCode::SUCCESS
}

fn page_for(page: &str, args: &ClientConfigArgs, config: &Config) -> String {
    let aliases = aliases(config);
    let url = args.url.clone().unwrap_or_else(|| remote::url(config));
    let model = args.model.as_deref().or(aliases.first().copied()).unwrap_or(MODEL);
    let mut text = filled(page, url.trim_end_matches('/').trim_end_matches("/v1"), model);
    text.push_str(&format!("\n## This server\n\n- Key: {}\n", key(config)));
    if !aliases.is_empty() {
        text.push_str(&format!("- Aliases: `{}`; `GET /v1/models` lists all models.\n", aliases.join("`, `")));
    }
    text
}

fn filled(page: &str, url: &str, model: &str) -> String {
    page.replace(ADDRESS, url).replace(MODEL, model)
}

/// Returns the aliases that are plain names, not patterns.
fn aliases(config: &Config) -> Vec<&str> {
    let names = config.settings.models.aliases.keys().map(String::as_str);
    names.filter(|name| !is_pattern(name)).collect()
}

/// Describes which key a client should use: the first one, by its name in logs.
fn key(config: &Config) -> String {
    let Settings { auth, clients: named, rate_limit, .. } = &config.settings;
    if auth.mode == Mode::Open {
        return "none is required; any text is accepted".to_owned();
    }
    let clients = Clients::prepare((auth, named, rate_limit), &config.environment, true, &mut Problems::new());
    let first = auth.client_keys.iter().find_map(|client| {
        let secret = client.key.resolve(&config.environment).ok()?.into_iter().next()?;
        Some((clients.identify(secret.expose())?.name.clone(), client.key.masked()))
    });
    match first.or_else(|| Some((named.first()?.name.clone(), "[[clients]]".to_owned()))) {
        Some((name, place)) => format!("`YOUR_CLIENT_KEY` is the key named `{name}` in logs, the first of `{place}`"),
        None => "none is configured yet: set SECURITY_ADAPTER_API_KEYS".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_filled_with_address_and_model() {
        for (name, page) in CLIENTS {
            assert!(page.contains(ADDRESS) && page.contains("YOUR_CLIENT_KEY"), "{name}");
            let filled = filled(page, "https://gemini.example", "gpt-4o");
            assert!(filled.contains("https://gemini.example") && !filled.contains(ADDRESS), "{name}");
            assert!(!page.contains(MODEL) || filled.contains("gpt-4o"), "{name}");
        }
    }

    #[test]
    fn every_page_is_a_client() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/clients");
        for page in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = page.file_stem().unwrap().to_string_lossy().into_owned();
            assert!(name == "README" || CLIENTS.iter().any(|(known, _)| *known == name), "{name}");
        }
    }
}
