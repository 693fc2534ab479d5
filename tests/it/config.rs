//! Configurations: `tests/config/good/*.toml` are accepted without a warning, `tests/config/bad/*.toml` are
//! rejected with exactly the text of the corresponding `*.expected`. A `*.env` with the same name is used as
//! `.env`, otherwise `tests/config/keys.env`.
//!
//! `UPDATE_GOLDEN=1 cargo test --test it config` rewrites the expected texts; review the diff.

use std::path::{Path, PathBuf};

use gemini_adapter::config::Sources;
use gemini_adapter::keys::Ledger;
use gemini_adapter::reading::Reading;
use gemini_adapter::runtime::prepare;

/// Named from the root of the repository, where tests run: so the paths in the words are the same everywhere.
fn cases(folder: &str) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(Path::new("tests/config").join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

fn told(case: &Path) -> (bool, String) {
    let own = case.with_extension("env");
    let dotenv = if own.exists() { own } else { "tests/config/keys.env".into() };
    let sources = Sources { file: Some(case.to_owned()), dotenv, ..Sources::default() };
    match prepare(&sources, &Reading::default(), &Ledger::default()) {
        Ok(snapshot) => (true, format!("{:#}", snapshot.warnings)),
        Err(problems) => (false, format!("{problems:#}")),
    }
}

#[test]
fn good_ones_are_accepted_without_a_word() {
    for case in cases("good") {
        assert_eq!(told(&case), (true, String::new()), "{}", case.display());
    }
}

#[test]
fn bad_ones_are_refused_in_these_words() {
    let mut wrong = Vec::new();
    for case in cases("bad") {
        let (accepted, words) = told(&case);
        assert!(!accepted, "{} is accepted: {words}", case.display());
        // Everything that stands for a secret in these files has this in it.
        assert!(!words.contains("canary"), "{} tells a secret: {words}", case.display());
        let file = case.with_extension("expected");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, words + "\n").unwrap();
            continue;
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        if expected.trim_end() != words {
            wrong.push(format!("{}\n--- expected\n{expected}\n--- found\n{words}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn what_is_shipped_is_accepted() {
    let dotenv = "tests/config/keys.env".into();
    let sources = Sources { file: Some("config/config.toml".into()), dotenv, ..Sources::default() };
    let snapshot = prepare(&sources, &Reading::default(), &Ledger::default()).unwrap();
    assert!(snapshot.warnings.is_empty(), "{}", snapshot.warnings);
}

/// As it is shipped, it says what to fill in, setting by setting.
#[test]
fn the_example_environment_is_refused_until_it_is_filled_in() {
    let sources = Sources { dotenv: ".env.example".into(), ..Sources::default() };
    let problems = prepare(&sources, &Reading::default(), &Ledger::default()).unwrap_err().to_string();
    for setting in ["pools.default.keys[0]: a placeholder", "auth.client_keys[0]: a placeholder"] {
        assert!(problems.contains(setting), "{setting} is not in:\n{problems}");
    }
}

#[test]
fn what_is_made_from_the_settings_is_what_is_there() {
    for file in gemini_adapter::config::reference::FILES {
        let there = std::fs::read_to_string(file.path).unwrap_or_default();
        let again = "run `cargo run -- reference --write`";
        assert!(there == file.text(), "{} is not what the settings say: {again}", file.path);
    }
}
