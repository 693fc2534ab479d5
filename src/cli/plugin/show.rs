//! `plugin list`, `plugin check` and `plugin docs`.

use std::process::ExitCode;

use clap::Args;

use super::{failed, say};
use crate::plugin::{LIBRARY, Plugins, PluginsSettings};
use crate::problem::Problems;
use crate::reading::Reading;

/// The arguments of `plugin list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// List the plugins that ship with the program; `plugins.library = ["NAME"]` enables one
    #[arg(long)]
    pub library: bool,
}

/// The arguments of `plugin docs`.
#[derive(Debug, Args)]
pub struct DocsArgs {
    /// Names of plugins; without any, all plugins including those of the library
    names: Vec<String>,
}

/// Prints one line for each plugin.
pub fn list(plugins: &Plugins) -> ExitCode {
    for plugin in plugins.list() {
        let hooks: Vec<&str> = plugin.hooks.iter().map(|hook| hook.name).collect();
        let version = plugin.version.unwrap_or_default();
        say(&format!(
            "{:20} {:8} {:7} {:40} {}",
            plugin.name,
            version,
            plugin.state,
            hooks.join(" "),
            plugin.file.display()
        ));
    }
    ExitCode::SUCCESS
}

/// Prints one line for each library plugin.
pub fn library() -> ExitCode {
    match every_volume() {
        Ok(plugins) => {
            plugins.list().iter().for_each(|plugin| say(&format!("{:16} {}", plugin.name, plugin.about)));
            ExitCode::SUCCESS
        }
        Err(problems) => failed(&problems.to_string()),
    }
}

/// Reports that all plugins compile.
pub fn checked(plugins: &Plugins) -> ExitCode {
    let count = plugins.list().len();
    eprintln!("{count} {}: ok", if count == 1 { "plugin" } else { "plugins" });
    ExitCode::SUCCESS
}

/// Prints the pages of plugins as Markdown.
pub fn docs(args: &DocsArgs, plugins: &Plugins) -> ExitCode {
    let mut pages = plugins.pages();
    if let Ok(library) = every_volume() {
        let more = library.pages().into_iter().filter(|(name, _)| !pages.iter().any(|(known, _)| known == name));
        pages.extend(more.collect::<Vec<_>>());
    }
    for name in &args.names {
        if !pages.iter().any(|(known, _)| known == name) {
            return failed(&format!("there is no plugin `{name}`; `gemini-adapter plugin list` lists all"));
        }
    }
    let wanted = pages.iter().filter(|(name, _)| args.names.is_empty() || args.names.contains(name));
    wanted.for_each(|(_, page)| say(page));
    ExitCode::SUCCESS
}

fn every_volume() -> Result<Plugins, Problems> {
    let library = LIBRARY.iter().map(|volume| volume.name.to_owned()).collect();
    let settings = PluginsSettings { dir: "".into(), library, ..PluginsSettings::default() };
    let mut problems = Problems::new();
    let plugins = Plugins::load(&settings, &Reading::default(), &mut problems);
    if problems.has_errors() { Err(problems) } else { Ok(plugins) }
}
