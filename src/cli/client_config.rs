//! `gemini-adapter client-config NAME`: what to write where, so that a client talks to this server.

use std::process::ExitCode;

use clap::Args;

use super::failed;

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

/// The address in the pages.
const ADDRESS: &str = "http://localhost:8000";
/// The model in the pages.
const MODEL: &str = "gemini-2.5-flash";

/// Which client, and what it is to be told.
#[derive(Debug, Args)]
pub struct ClientConfigArgs {
    /// The client; left out, all that are known are listed
    name: Option<String>,
    /// Where the server is, without `/v1`
    #[arg(long, value_name = "URL", default_value = ADDRESS)]
    url: String,
    /// An alias or a model
    #[arg(long, default_value = MODEL)]
    model: String,
}

/// Prints the page of a client. A key is never asked for: it has no place on a screen.
pub fn run(args: &ClientConfigArgs) -> ExitCode {
    let names: Vec<&str> = CLIENTS.iter().map(|(name, _)| *name).collect();
    let text = match &args.name {
        None => names.join("\n") + "\n",
        Some(name) => match CLIENTS.iter().find(|(known, _)| known == name) {
            Some((_, page)) => filled(page, args.url.trim_end_matches('/').trim_end_matches("/v1"), &args.model),
            None => return failed(&format!("no client is called `{name}`; known are {}", names.join(", "))),
        },
    };
    #[expect(clippy::print_stdout, reason = "the page is what was asked for")]
    {
        print!("{text}");
    }
    ExitCode::SUCCESS
}

fn filled(page: &str, url: &str, model: &str) -> String {
    page.replace(ADDRESS, url).replace(MODEL, model)
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
