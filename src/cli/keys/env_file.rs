//! Writes an env file without bad and duplicate keys, beside the existing one and never over it.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::report::Report;
use crate::environment::SecretRef;
use crate::keys::KeyId;
use crate::runtime::Snapshot;
use crate::secret::Secret;

/// Writes the file and returns its path.
///
/// # Errors
/// Returns why it cannot be written, or that there is nothing to write.
pub fn write(snapshot: &Snapshot, dotenv: &Path, report: &Report) -> Result<PathBuf, String> {
    let mut path = dotenv.as_os_str().to_owned();
    path.push(".updated");
    let path = PathBuf::from(path);
    let variables = variables(snapshot, report);
    if variables.is_empty() {
        return Err("no variable contains keys (`env:NAME` in a pool's `keys`): there is nothing to write".into());
    }
    let before = std::fs::read_to_string(dotenv).unwrap_or_default();
    let mut options = std::fs::OpenOptions::new();
    // Readable by the owner only, because it contains keys.
    let written = options.write(true).create(true).truncate(true).mode(0o600).open(&path);
    let written = written.and_then(|mut file| {
        // The file may be an older one that others can read.
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(updated(&before, &variables).as_bytes())
    });
    written.map(|()| path.clone()).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Returns the variables that contain keys, with the keys that are not known to be bad.
fn variables(snapshot: &Snapshot, report: &Report) -> Vec<(String, String)> {
    let mut names = BTreeSet::new();
    for key in snapshot.config.settings.pools.values().flat_map(|pool| &pool.keys) {
        if let SecretRef::Env(name) = &key.key {
            names.insert(name.clone());
        }
    }
    let kept = |name: &String| {
        let secrets = SecretRef::Env(name.clone()).resolve(&snapshot.config.environment).unwrap_or_default();
        let mut known = BTreeSet::new();
        let kept = secrets.iter().filter(|secret| {
            let id = KeyId::of(secret);
            !report.is_bad(&id) && known.insert(id)
        });
        kept.map(Secret::expose).collect::<Vec<_>>().join(",")
    };
    names.iter().map(|name| (name.clone(), kept(name))).collect()
}

/// Returns the text of the env file with new values for these variables; everything else is unchanged.
fn updated(before: &str, variables: &[(String, String)]) -> String {
    let mut missing: Vec<&(String, String)> = variables.iter().collect();
    let mut lines: Vec<String> = Vec::new();
    let mut rest = before.lines();
    while let Some(line) = rest.next() {
        let assigned = line.split_once('=');
        let name = assigned.map(|(name, _)| name.trim().trim_start_matches("export ").trim());
        match missing.iter().position(|(known, _)| Some(known.as_str()) == name) {
            Some(position) => {
                let (name, value) = missing.remove(position);
                lines.push(format!("{name}={value}"));
                // A value in quotes may go on over several lines, all of which are replaced.
                let old = assigned.map_or("", |(_, old)| old.trim_start());
                if let Some(quote) = old.chars().next().filter(|first| matches!(first, '"' | '\''))
                    && !old.get(1..).is_some_and(|old| old.contains(quote))
                {
                    rest.find(|line| line.contains(quote));
                }
            }
            None => lines.push(line.to_owned()),
        }
    }
    lines.extend(missing.into_iter().map(|(name, value)| format!("{name}={value}")));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_about_keys_stays_as_it_was() {
        let before = "# mine\nPORT=1\nexport GEMINI_API_KEYS = a,b\nLAST=x";
        let variables = [("GEMINI_API_KEYS".to_owned(), "b".to_owned()), ("OTHER".to_owned(), "c".to_owned())];
        assert_eq!(updated(before, &variables), "# mine\nPORT=1\nGEMINI_API_KEYS=b\nLAST=x\nOTHER=c\n");
        let before = "GEMINI_API_KEYS=\"a,\nbad\"\nOTHER='c'\nLAST=x";
        assert_eq!(updated(before, &variables), "GEMINI_API_KEYS=b\nOTHER=c\nLAST=x\n");
    }
}
