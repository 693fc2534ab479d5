//! The command line: one file for each subcommand. Exit codes:
//!
//! | code | meaning |
//! |---|---|
//! | 0 | success |
//! | 1 | runtime failure |
//! | 2 | usage error |
//! | 3, 4 | `keys check`: some keys are bad; none is good |
//! | 69 | the listen address is taken, or the server does not answer |
//! | 78 | the configuration is rejected |
//!
//! Never: logic that belongs to another module; only arguments, terminal output and exit codes.

mod check;
mod client_config;
mod clients;
mod completions;
mod config;
mod demo;
mod doctor;
mod healthcheck;
mod init;
mod keys;
mod models;
mod plugin;
mod reference;
mod reload;
mod remote;
mod serve;
mod simulate;
mod smoke;
mod top;
mod translate;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::config::Sources;
use crate::environment::Environment;
use crate::telemetry;

/// Exit code: the service is unavailable.
const UNAVAILABLE: u8 = 69;
/// Exit code: the configuration is rejected.
const BAD_CONFIG: u8 = 78;
/// Stack size of each worker thread: large enough for the deepest nesting that scripts are allowed.
const STACK: usize = 4 * 1024 * 1024;

/// Lets any OpenAI client use Google's Gemini.
#[derive(Debug, Parser)]
#[command(name = "gemini-adapter", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    files: Files,
}

/// Where the configuration comes from.
#[derive(Debug, Default, Args)]
struct Files {
    /// The configuration file [default: config/config.toml, or the built-in configuration if that does not exist]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// A file with environment variables
    #[arg(long, value_name = "FILE", default_value = ".env", global = true)]
    env_file: PathBuf,
    /// Override a setting from any other source: `--set server.listen=127.0.0.1:9000`
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = setting, global = true)]
    set: Vec<(String, String)>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (the default without a subcommand)
    Serve,
    /// Check the configuration and the plugins, and report all problems at once; exit 0 or 78
    Check(check::CheckArgs),
    /// Write a configuration to start with: every setting, its description and its default
    Init(init::InitArgs),
    /// Make a running server reload its configuration now; exit 0, 78 if it is rejected, 69 if no server answers
    Reload(reload::ReloadArgs),
    /// Show the configuration, pending changes and history, or roll back
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Run the server with a simulated Gemini behind it; no key needed
    Demo(demo::DemoArgs),
    /// Run only the simulated Gemini, to test clients and faults against
    Simulate(simulate::SimulateArgs),
    /// Print how a request on standard input is translated, field by field, without sending it anywhere
    Translate(translate::TranslateArgs),
    /// Print how to configure a client (`codex`, `claude-code`, `cursor`, …) for this server
    ClientConfig(client_config::ClientConfigArgs),
    /// Write, test and inspect plugins
    #[command(subcommand)]
    Plugin(plugin::PluginCommand),
    /// Manage keys for clients: generate one, or compute the digest of one
    #[command(subcommand)]
    Clients(clients::ClientsCommand),
    /// Check and clean up the keys of the configuration
    Keys(keys::KeysArgs),
    /// Check everything that could prevent the server from working, with advice for each problem; exit 0, 1 or 78
    Doctor(doctor::DoctorArgs),
    /// Send a few real requests through a running server; exit 0, 1, or 69 if no server answers
    Smoke(smoke::SmokeArgs),
    /// Watch a running server: keys by model, current and finished requests; `--once` prints the state once; exit 0,
    /// 1 or 69
    Top(top::TopArgs),
    /// List the model names of a running server
    Models(models::ModelsArgs),
    /// Check whether a running server is ready; exit 0 or 69
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Print the reference of all settings, or write docs/config.md and config/schema.json
    Reference(reference::ReferenceArgs),
    /// Print a shell completion script
    Completions(completions::CompletionsArgs),
    /// Print the manual page, or write one for each command into a folder
    Man(completions::ManArgs),
}

/// Moves all `--set` arguments to the end: if some precede a subcommand and others follow it, clap only keeps the
/// later ones.
fn gathered(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let (mut others, mut set, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--") => rest.extend(std::iter::once(argument).chain(arguments.by_ref())),
            Some("--set") => set.extend(std::iter::once(argument).chain(arguments.next())),
            Some(text) if text.starts_with("--set=") => set.push(argument),
            _ => others.push(argument),
        }
    }
    [others, set, rest].concat()
}

/// Runs the command given by the process's arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse_from(gathered(std::env::args_os()));
    // One crypto provider for all TLS. A conflict with a second one would only surface at the first handshake.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let sources = cli.files.sources();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("cannot start threads: {error}")),
    };
    let code = runtime.block_on(async {
        match cli.command.unwrap_or(Command::Serve) {
            Command::Serve => serve::run(sources).await,
            Command::Check(args) => check::run(&args, &sources),
            Command::Init(args) => init::run(&args, &sources),
            Command::Reload(args) => reload::run(args, &sources).await,
            Command::Config(command) => config::run(command, &sources).await,
            Command::Demo(args) => demo::run(args, sources).await,
            Command::Simulate(args) => simulate::run(args).await,
            Command::Translate(args) => translate::run(&args, sources),
            Command::ClientConfig(args) => client_config::run(&args, &sources),
            Command::Plugin(command) => plugin::run(command, sources),
            Command::Clients(command) => clients::run(&command),
            Command::Keys(args) => keys::run(args, &sources).await,
            Command::Healthcheck(args) => healthcheck::run(args, &sources).await,
            Command::Reference(args) => reference::run(&args),
            Command::Doctor(args) => doctor::run(args, &sources).await,
            Command::Smoke(args) => smoke::run(args, &sources).await,
            Command::Top(args) => top::run(args, &sources).await,
            Command::Models(args) => models::run(args, &sources).await,
            Command::Completions(args) => completions::completions(&args, Cli::command()),
            Command::Man(args) => completions::manual(&args, Cli::command()),
        }
    });
    telemetry::logs::flush();
    code
}

impl Files {
    fn sources(self) -> Sources {
        Sources {
            file: self.config,
            dotenv: self.env_file,
            process: Environment::from_pairs(
                std::env::vars_os()
                    .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
            ),
            overrides: self.set,
        }
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (path, value) = text.split_once('=').ok_or("write PATH=VALUE, such as server.drain=10s")?;
    Ok((path.trim().to_owned(), value.trim().to_owned()))
}

/// The output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Prints the requested output to standard output. A closed pipe is not an error.
fn print(text: &str) {
    use std::io::Write;

    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints the reason to standard error, and returns the exit code for failure.
fn failed(why: &str) -> ExitCode {
    eprintln!("gemini-adapter: {why}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_setting_is_lost_wherever_it_stands() {
        let words = "gemini-adapter --set a=1 check --set=b=2 --set c=3 --strict -- --set d=4";
        let told: Vec<OsString> = gathered(words.split(' ').map(OsString::from));
        let expected = "gemini-adapter check --strict --set a=1 --set=b=2 --set c=3 -- --set d=4";
        assert_eq!(told, expected.split(' ').map(OsString::from).collect::<Vec<_>>());
        let cli = Cli::parse_from(gathered("x --set a=1 serve --set b=2".split(' ').map(OsString::from)));
        assert_eq!(cli.files.set.len(), 2);
    }
}
