//! The configuration commands, run as processes: their output, their effects, their exit codes.

use std::path::Path;
use std::process::Output;

use crate::process::{Process, output, simulator};

const CLIENT: (&str, &str) = ("SECURITY_ADAPTER_API_KEYS", "client-key-0123456789");
const ADMIN: (&str, &str) = ("SECURITY_ADMIN_API_KEYS", "admin-key-0123456789");
const KEYS: (&str, &str) = ("GEMINI_API_KEYS", "gemini-key-good-000000000");

fn ran(output: &Output) -> (Option<i32>, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
}

/// A folder with what `init` writes.
fn begun() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(ran(&output(dir.path(), &["init"], &[])).0, Some(0));
    dir
}

fn edit(dir: &Path, from: &str, to: &str) {
    let file = dir.join("config/config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{from} is not in\n{text}");
    std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn init_writes_what_check_accepts_and_nothing_over_a_file() {
    let dir = begun();
    let (code, said) = ran(&output(dir.path(), &["check"], &[CLIENT, KEYS]));
    assert_eq!(code, Some(0), "{said}");
    let schema: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("config/schema.json")).unwrap()).unwrap();
    assert_eq!(schema["title"], "gemini-adapter configuration");
    edit(dir.path(), "attempts = 4", "attempts = 3");
    let (code, said) = ran(&output(dir.path(), &["init"], &[]));
    assert!(code == Some(1) && said.contains("--force"), "{said}");
    assert_eq!(ran(&output(dir.path(), &["init", "--force"], &[])).0, Some(0));
    edit(dir.path(), "attempts = 4", "attempts = 4");
}

#[test]
fn check_tells_programs_too() {
    let dir = begun();
    edit(dir.path(), "#attempts = 4", "atempts = 99");
    let found = output(dir.path(), &["check", "--format", "json"], &[CLIENT, KEYS]);
    assert_eq!((found.status.code(), found.stderr.is_empty()), (Some(78), true));
    let told: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(told["ok"], false);
    let problem = &told["problems"][0];
    assert_eq!(problem["path"], "upstream.atempts");
    assert_eq!(problem["hint"], "did you mean `attempts`?");
    assert_eq!(problem["excerpt"], "atempts = 99");
    assert_eq!(problem["source"]["file"]["file"], "config/config.toml");
    let (_, said) = ran(&output(dir.path(), &["check"], &[CLIENT, KEYS]));
    assert!(said.contains(" | atempts = 99\n      | ^^^^^^^\n") && !said.contains('\u{1b}'), "{said}");
}

#[test]
fn show_names_each_source_and_no_secret() {
    let dir = begun();
    let variables = [CLIENT, ADMIN, KEYS, ("GEMINI_MAX_RETRIES", "1")];
    let (code, said) = ran(&output(dir.path(), &["config", "show", "--set", "server.drain=7s"], &variables));
    assert_eq!(code, Some(0), "{said}");
    let line = |name: &str| said.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(line("upstream.attempts = 2 ").ends_with("# environment variable GEMINI_MAX_RETRIES"), "{said}");
    assert!(line("server.drain = \"7s\"").ends_with("# command line"), "{said}");
    assert!(line("models.default = ").contains("# config/config.toml:"), "{said}");
    assert!(line("pools.default.keys[0].key = \"env:GEMINI_API_KEYS").contains("# config/config.toml:"), "{said}");
    assert!(line("media.").is_empty(), "{said}");
    let (_, all) = ran(&output(dir.path(), &["config", "show", "--resolved"], &variables));
    assert!(all.contains("server.keep_alive = \"15s\"") && all.contains("# default"), "{all}");
    for secret in [CLIENT.1, ADMIN.1, KEYS.1] {
        assert!(!said.contains(secret) && !all.contains(secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reload_diff_history_and_rollback_of_a_running_server() {
    let simulator = simulator().await;
    let dir = begun();
    let upstream = simulator.base_url();
    let variables = [CLIENT, ADMIN, KEYS, ("GEMINI_BASE_URL", upstream.as_str())];
    let process = Process::start(dir.path(), &variables);
    let server = format!("http://{}", process.address);
    let run = |arguments: &[&str]| ran(&output(dir.path(), &[arguments, &["--server", &server]].concat(), &variables));
    let said = |(code, said): (Option<i32>, String), expected: i32, words: &[&str]| {
        assert_eq!(code, Some(expected), "{said}");
        assert!(words.iter().all(|words| said.contains(words)), "{words:?} are not in\n{said}");
    };
    said(run(&["reload"]), 0, &["nothing has changed: generation 1"]);
    said(run(&["config", "diff"]), 0, &["nothing would change"]);

    let change = "models.default: \"gemini-flash-latest\" -> \"gemini-2.5-pro\"";
    edit(dir.path(), "default = \"gemini-flash-latest\"", "default = \"gemini-2.5-pro\"");
    // Whether the watcher or we are first: it is live, and its change is kept.
    let (code, _) = run(&["reload"]);
    assert_eq!(code, Some(0));
    said(run(&["config", "history"]), 0, &["     2  ", "(live)", change]);

    edit(dir.path(), "#attempts = 4", "attempts = 99");
    said(run(&["reload"]), 78, &["error: upstream.attempts: must be between 1 and 10", "| ^^^^^^^^", "rejected"]);
    said(run(&["config", "diff"]), 78, &["upstream.attempts"]);
    said(run(&["config", "rollback", "9"]), 78, &["generation 9 is not stored"]);
    said(
        run(&["config", "rollback", "1"]),
        0,
        &["accepted: generation 3", "\"gemini-2.5-pro\" -> \"gemini-flash-latest\""],
    );
    let aside = std::fs::read_to_string(dir.path().join("config/config.toml.set-aside")).unwrap();
    assert!(aside.contains("attempts = 99"), "the edit that was refused is not lost");
    said(run(&["reload", "--admin-key", "env:NOBODY"]), 1, &["no admin key"]);
    said(run(&["reload", "--admin-key", "wrong-key-0123456789"]), 1, &["401"]);

    // Without the server: what it kept is still there to go back to.
    drop(process);
    said(run(&["reload"]), 69, &["does not answer"]);
    said(run(&["config", "history"]), 0, &["no server answers", "     3  "]);
    said(run(&["config", "rollback", "2"]), 0, &["for the next start"]);
    said(
        run(&["config", "diff", "--last-good"]),
        0,
        &["models.default: \"gemini-flash-latest\" -> \"gemini-2.5-pro\""],
    );
}
