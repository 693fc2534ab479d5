//! `gemini-adapter completions` and `gemini-adapter man`: output generated from the command-line definition.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::failed;

/// The arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// The arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// A folder for the pages of all commands; without one, the main page is printed
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints a completion script for the shell.
pub fn completions(args: &CompletionsArgs, mut command: Command) -> ExitCode {
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut std::io::stdout());
    ExitCode::SUCCESS
}

/// Prints or writes the manual pages.
pub fn manual(args: &ManArgs, command: Command) -> ExitCode {
    let command = command.after_long_help(EXIT_CODES);
    let done = match &args.dir {
        None => Man::new(command).render(&mut std::io::stdout()),
        Some(dir) => std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(command, dir)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&format!("cannot write the pages: {error}")),
    }
}

/// The same table as in the module documentation of `cli`.
const EXIT_CODES: &str = "Exit codes: 0 all is well; 1 it failed while running; 2 the command is written wrongly; \
    3, 4 `keys check`: some keys are bad, none is good; 69 the address to listen on is taken, or the server does not answer; \
    78 the configuration was rejected.";
