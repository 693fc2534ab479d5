//! `plugin new`: creates a plugin and its first test.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::{failed, say};
use crate::plugin::{LIBRARY, PluginsSettings};

/// The arguments of `plugin new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// The name of the plugin: lower-case letters, digits and `_`
    name: String,
    /// A library plugin to start from
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
}

const PLUGIN: &str = r#"//! name = "NAME"
//! version = "0.1.0"
//! about = "What it is for, in a sentence."
//! api = 1
//! hooks = ["on_request"]
//! [config.word]
//! type = "string"
//! default = "please"
//! doc = "What is added to the user's last message."

/// Adds a word to what the user said last.
fn on_request(ctx) {
    ctx.req.last_user_text += " " + ctx.config.word;
}
"#;

const TEST: &str = r#"[[case]]
name = "a word is added"
request = { model = "gpt-4o", messages = [{ role = "user", content = "Sing" }] }
expect.request."/messages/0/content" = "Sing please"

[[case]]
name = "it may be another word"
config = { word = "now" }
request = { model = "gpt-4o", messages = [{ role = "user", content = "Sing" }] }
expect.request."/messages/0/content" = "Sing now"
"#;

/// Writes both files; existing files are never overwritten.
pub fn run(args: &NewArgs, settings: &PluginsSettings) -> ExitCode {
    let name = &args.name;
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || !name.bytes().all(good) {
        return failed("a plugin's name consists of lower-case letters, digits and `_`");
    }
    let (plugin, test) = match &args.from {
        None => (PLUGIN.replace("NAME", name), TEST.to_owned()),
        Some(from) => match LIBRARY.iter().find(|volume| volume.name == from) {
            Some(volume) => {
                let own = |line: &str| format!("//! name = \"{line}\"");
                (volume.source.replacen(&own(from), &own(name), 1), volume.tests.to_owned())
            }
            None => {
                return failed(&format!(
                    "the library has no `{from}`; `gemini-adapter plugin list --library` lists its plugins"
                ));
            }
        },
    };
    let files = [
        (settings.dir.join(format!("{name}.rhai")), plugin),
        (settings.dir.join("tests").join(format!("{name}.toml")), test),
    ];
    if let Some((there, _)) = files.iter().find(|(path, _)| path.exists()) {
        return failed(&format!("`{}` already exists", there.display()));
    }
    // The test is written first, so that a server that watches the folder does not load the plugin without it.
    for (path, text) in files.iter().rev() {
        if let Err(error) = write(path, text) {
            return failed(&format!("cannot write `{}`: {error}", path.display()));
        }
        say(&format!("{}", path.display()));
    }
    eprintln!("try it: gemini-adapter plugin test {name}");
    ExitCode::SUCCESS
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    std::fs::write(path, text)
}
