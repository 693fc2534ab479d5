//! `gemini-adapter init`: writes a configuration to start with.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::{failed, print};
use crate::config::{Sources, example, reference};

/// The arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
}

/// Writes a configuration with every setting, its default and its description, and the schema for editors beside it.
pub fn run(args: &InitArgs, sources: &Sources) -> ExitCode {
    let file = sources.path();
    if file.exists() && !args.force {
        return failed(&format!("{} already exists; `--force` overwrites it", file.display()));
    }
    let schema = file.with_file_name("schema.json");
    for (path, text) in [(file, example::text()), (schema.as_path(), reference::schema())] {
        if let Err(error) = write(path, &text) {
            return failed(&format!("cannot write {}: {error}", path.display()));
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
