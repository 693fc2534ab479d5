//! `gemini-adapter plugin`: tools for plugin authors.

mod bench;
mod new;
mod replay;
mod show;
mod test;

use std::process::ExitCode;

use clap::Subcommand;

use super::{BAD_CONFIG, check, failed};
use crate::config::{self, Config, Sources};
use crate::plugin::{Plugins, PluginsSettings};
use crate::problem::{Problems, Severity};
use crate::reading::Reading;

/// The subcommands of `plugin`.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Create a new plugin and its first test, both ready to run
    New(new::NewArgs),
    /// List the live plugins, or those of the library
    List(show::ListArgs),
    /// Compile all plugins with their settings, and report all errors at once; exit 0 or 78
    Check,
    /// Run the tests of all plugins, or of the named ones; exit 0 or 1
    Test(test::TestArgs),
    /// Print a page about each plugin, or about the named ones, from its header and comments
    Docs(show::DocsArgs),
    /// Run the tests of a plugin many times to measure each hook
    Bench(bench::BenchArgs),
    /// Show how plugins change a request from a file, one plugin after the other
    Replay(replay::ReplayArgs),
}

/// Runs the command.
pub fn run(command: PluginCommand, sources: Sources) -> ExitCode {
    match command {
        PluginCommand::Replay(args) => return replay::run(&args, sources),
        PluginCommand::List(args) if args.library => return show::library(),
        _ => {}
    }
    let settings = match settings(&sources) {
        Ok(config) => config.settings.plugins.clone(),
        Err(problems) => return refused(&problems),
    };
    match command {
        PluginCommand::New(args) => new::run(&args, &settings),
        PluginCommand::List(_) => loaded(&settings).map_or_else(|code| code, |plugins| show::list(&plugins)),
        PluginCommand::Check => loaded(&settings).map_or_else(|code| code, |plugins| show::checked(&plugins)),
        PluginCommand::Docs(args) => loaded(&settings).map_or_else(|code| code, |plugins| show::docs(&args, &plugins)),
        PluginCommand::Test(args) => test::run(&args, &settings),
        PluginCommand::Bench(args) => bench::run(&args, &settings),
        PluginCommand::Replay(_) => ExitCode::SUCCESS,
    }
}

/// Loads the configuration, but builds only what plugins need: missing keys do not matter.
fn settings(sources: &Sources) -> Result<Config, Problems> {
    config::load(sources, &Reading::default()).map(|loaded| loaded.config)
}

/// Compiles the plugins without running their tests, which is the job of `plugin test`.
fn loaded(settings: &PluginsSettings) -> Result<Plugins, ExitCode> {
    let mut problems = Problems::new();
    let settings = PluginsSettings { run_tests: false, ..settings.clone() };
    let plugins = Plugins::load(&settings, &Reading::default(), &mut problems);
    if problems.has_errors() {
        return Err(refused(&problems));
    }
    check::show(&problems);
    Ok(plugins)
}

fn refused(problems: &Problems) -> ExitCode {
    check::show(problems);
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    eprintln!("rejected, {errors} {}", if errors == 1 { "error" } else { "errors" });
    ExitCode::from(BAD_CONFIG)
}

/// Prints the requested output to standard output.
fn say(text: &str) {
    #[expect(clippy::print_stdout, reason = "this is the requested output")]
    {
        println!("{text}");
    }
}
