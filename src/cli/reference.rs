//! `gemini-adapter reference`: the configuration's page and schema, made from the settings.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use crate::config::reference::FILES;

/// Prints the page; or, with `write`, writes page and schema where they belong in the repository. 0 when done, 1 when a file
/// cannot be written.
pub fn run(write: bool) -> ExitCode {
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    if !write {
        let _ = out.write_all(FILES[0].text().as_bytes());
        return ExitCode::SUCCESS;
    }
    for file in FILES {
        if let Err(error) = put(Path::new(file.path), &file.text()) {
            let _ = writeln!(err, "{}: cannot be written: {error}", file.path);
            return ExitCode::FAILURE;
        }
        let _ = writeln!(out, "{}: written", file.path);
    }
    ExitCode::SUCCESS
}

fn put(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}
