//! Checks of the configuration files and of the folders that the server writes to.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::Finding;
use crate::config::Config;

/// Warns if the configuration file is mounted into this container instead of its folder: a new file of the same name
/// would then never be visible.
pub fn mount(config: &Config) -> Vec<Finding> {
    let Some(file) = config.file.as_deref().and_then(|file| fs::canonicalize(file).ok()) else { return Vec::new() };
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    if !is_mounted(&mounts, &file) {
        return Vec::new();
    }
    vec![Finding::warning(
        "mount",
        format!("only the file `{}` is mounted: saves by editors that replace it are not visible here", file.display()),
        "mount its folder instead: `./config:/app/config:ro`",
    )]
}

/// Returns whether a mount point is exactly this path. The mount point is the fifth field; spaces are escaped in
/// octal.
fn is_mounted(mounts: &str, file: &Path) -> bool {
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(4));
    points.map(|point| point.replace("\\040", " ")).any(|point| Path::new(&point) == file)
}

/// Warns if other users of this machine can read files that contain keys.
pub fn readers(config: &Config, dotenv: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in config.file.iter().map(PathBuf::as_path).chain([dotenv]) {
        let Ok(about) = fs::metadata(file) else { continue };
        let text = fs::read_to_string(file).unwrap_or_default();
        let tells = crate::secret::scrub_google_keys(&text) != text;
        if about.permissions().mode() & 0o004 != 0 && tells {
            let found = format!("the keys in `{}` are readable by every user of this machine", file.display());
            findings.push(Finding::warning("permissions", found, format!("chmod 640 {}", file.display())));
        }
    }
    findings
}

/// Checks whether the folders for data that outlives a restart are writable.
pub fn folders(config: &Config) -> Vec<Finding> {
    let settings = &config.settings;
    let folders = [("store.dir", &settings.store.dir), ("runtime.dir", &settings.runtime.dir)];
    folders.iter().filter(|(_, dir)| !dir.as_os_str().is_empty()).map(|(name, dir)| folder(name, dir)).collect()
}

fn folder(name: &str, dir: &Path) -> Finding {
    // A missing folder is created at startup, in its nearest existing ancestor.
    let there = dir.ancestors().map(|dir| if dir == Path::new("") { Path::new(".") } else { dir });
    let there = there.into_iter().find(|dir| dir.exists()).unwrap_or(Path::new("/"));
    let probe = there.join(format!(".gemini-adapter-doctor-{}", std::process::id()));
    match fs::write(&probe, "") {
        Ok(()) => {
            let _ = fs::remove_file(&probe);
            Finding::good("folders", format!("`{}` is writable", dir.display()))
        }
        Err(error) => Finding::warning(
            "folders",
            format!("`{}` is not writable ({error}): learned state is lost at a restart", dir.display()),
            format!("make the folder writable for this user, mount a volume there, or set `{name} = \"\"`"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_of_the_file_is_told_from_one_of_its_folder() {
        let mounts = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n\
                      40 35 98:0 /x /app/my\\040config/config.toml ro - ext4 /dev/sda1 ro";
        assert!(is_mounted(mounts, Path::new("/app/my config/config.toml")));
        assert!(!is_mounted(mounts, Path::new("/app/my config")));
        assert!(is_mounted(mounts, Path::new("/mnt2")));
    }
}
