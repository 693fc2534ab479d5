//! `gemini-adapter reference`: generates the reference of all settings.

use std::process::ExitCode;

use clap::Args;

use super::failed;
use crate::config::reference::{FILES, page};

/// The arguments of `reference`.
#[derive(Debug, Args)]
pub struct ReferenceArgs {
    /// Write docs/config.md, docs/translation.md, config/schema.json and plugins/api.d.rhai instead of printing the
    /// page
    #[arg(long)]
    write: bool,
}

/// Prints the page or writes the files.
pub fn run(args: &ReferenceArgs) -> ExitCode {
    if !args.write {
        #[expect(clippy::print_stdout, reason = "the page is the requested output")]
        {
            print!("{}", page());
        }
        return ExitCode::SUCCESS;
    }
    for file in FILES {
        if let Err(error) = std::fs::write(file.path, file.text()) {
            return failed(&format!("cannot write {}: {error}", file.path));
        }
        eprintln!("{} written", file.path);
    }
    ExitCode::SUCCESS
}
