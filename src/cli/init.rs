//! `gemini-adapter init`: a configuration to begin with.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::{failed, print};
use crate::config::{Sources, example, reference};

/// How to write it.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Over a file that is there
    #[arg(long)]
    force: bool,
}

/// Writes every setting with its default and what it is, and the schema for editors beside it.
pub fn run(args: &InitArgs, sources: &Sources) -> ExitCode {
    let file = sources.path();
    if file.exists() && !args.force {
        return failed(&format!("{} is there already; `--force` writes over it", file.display()));
    }
    let schema = file.with_file_name("schema.json");
    for (path, text) in [(file, example::text()), (schema.as_path(), reference::schema())] {
        if let Err(error) = write(path, &text) {
            return failed(&format!("{} cannot be written: {error}", path.display()));
        }
        print(&format!("{} written", path.display()));
    }
    ExitCode::SUCCESS
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}
