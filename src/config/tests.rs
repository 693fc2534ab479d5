//! Layers, problems and places; and that what is generated is what is there.

use std::path::Path;

use super::*;
use crate::problem::{Severity, Source};

fn sources(file: &Path, variables: &[(&str, &str)]) -> Sources {
    Sources {
        file: Some(file.to_owned()),
        dotenv: file.with_file_name("absent.env"),
        process: Environment::from_pairs(variables.iter().map(|(name, value)| ((*name).into(), (*value).into()))),
        overrides: Vec::new(),
    }
}

fn load_text(text: &str, variables: &[(&str, &str)]) -> Result<(Config, Problems), Problems> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    std::fs::write(&file, text).unwrap();
    load(&sources(&file, variables))
}

/// `line: path: message`, as far as they are there.
fn lines(problems: &Problems) -> Vec<String> {
    let line = |problem: &crate::problem::Problem| match &problem.source {
        Some(Source::File { line: Some(line), .. }) => format!("{line}: {}: {}", problem.path, problem.message),
        Some(Source::Environment(name)) => format!("{name}: {}: {}", problem.path, problem.message),
        _ => format!("{}: {}", problem.path, problem.message),
    };
    problems.iter().map(line).collect()
}

#[test]
fn the_built_in_document_equals_the_defaults() {
    let (config, problems) = load_text(BUILT_IN, &[]).unwrap();
    assert_eq!(config.settings.server, Settings::default().server);
    assert_eq!(config.settings.models, Settings::default().models);
    let mut expected = Settings::default();
    expected.plugins.settings.insert("model_mapping".into(), serde_json::Map::new());
    assert_eq!(config.settings, expected);
    assert!(problems.is_empty(), "{problems}");
}

#[test]
fn five_mistakes_are_five_problems_each_in_its_place() {
    let text = r#"
[server]
lisen = "0.0.0.0:1"
keep_alive = "soon"

[upstream]
attempts = "many"

[pools.default]
keys = ["env:K", { key = "secret-canary", wieght = 2 }]

[cooldown]
base = 5
"#;
    let problems = load_text(text, &[]).unwrap_err();
    let mut found = lines(&problems);
    found.sort();
    assert_eq!(found.len(), 5, "{found:#?}");
    for (found, expected) in found.iter().zip([
        "10: pools.default.keys[1].wieght: there is no such setting",
        "13: cooldown.base: expected a duration",
        "3: server.lisen: there is no such setting",
        "4: server.keep_alive: ",
        "7: upstream.attempts: expected a whole number from 0, found a text",
    ]) {
        assert!(found.starts_with(expected), "{found} is not {expected}");
    }
    assert!(problems.iter().any(|problem| problem.hint.as_deref() == Some("did you mean `listen`?")));
    assert!(!problems.to_string().contains("canary"), "{problems}");
}

#[test]
fn mistakes_of_form_have_a_place() {
    let problems = load_text("[server\nlisten = 1\n", &[]).unwrap_err();
    assert!(matches!(&problems.iter().next().unwrap().source, Some(Source::File { line: Some(1), .. })), "{problems}");
    let problems = load_text("[log]\nlevel = \"info\"\nlevel = \"warn\"\n", &[]).unwrap_err();
    assert!(matches!(&problems.iter().next().unwrap().source, Some(Source::File { line: Some(3), .. })), "{problems}");
}

#[test]
fn variables_are_over_the_file_and_flags_over_both() {
    let text = "[server]\nlisten = \"127.0.0.1:1\"\n[upstream]\ntimeout = \"1s\"\n";
    let variables = [
        ("GEMINI_COOLING_PERIOD", "60"),
        ("GEMINI_REQUEST_TIMEOUT", "90s"),
        ("GEMINI_MAX_RETRIES", "2"),
        ("GEMINI_MAX_FAILURES", "3"),
        ("GEMINI_BASE_URL", "http://127.0.0.1:9"),
        ("GEMINI_PROXY_URL", "http://user:canary@127.0.0.1:8"),
        ("SERVICE_PORT", "9000"),
        ("SERVICE_LOG_LEVEL", "debug"),
        ("SERVICE_CORS_ORIGINS", "https://a.example, https://b.example:8080"),
        ("GEMINI_ADAPTER__SERVER__DRAIN", "7s"),
        ("gemini_unrelated", "x"),
    ];
    let (config, problems) = load_text(text, &variables).unwrap();
    assert!(problems.is_empty(), "{problems}");
    let seconds = std::time::Duration::from_secs;
    let settings = &config.settings;
    assert_eq!(settings.server.listen, "0.0.0.0:9000");
    assert_eq!((settings.cooldown.base, settings.cooldown.failures), (seconds(60), 3));
    assert_eq!((settings.upstream.timeout, settings.upstream.attempts), (seconds(90), 3));
    assert_eq!(settings.upstream.base_url, "http://127.0.0.1:9");
    assert_eq!(settings.server.cors_origins, ["https://a.example", "https://b.example:8080"]);
    assert_eq!(settings.server.drain, seconds(7));
    assert_eq!(settings.log.level, "debug");
    assert!(!config.resolved().to_string().contains("canary"));

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    std::fs::write(&file, text).unwrap();
    let mut sources = sources(&file, &variables);
    sources.overrides.push(("server.listen".into(), "\"127.0.0.1:7\"".into()));
    assert_eq!(load(&sources).unwrap().0.settings.server.listen, "127.0.0.1:7");
}

#[test]
fn variables_that_cannot_be_are_named() {
    let variables = [
        ("GEMINI_COOLING_PERIOD", "soon"),
        ("CACHE_TTL", "60"),
        ("DATABASE_REDIS_URL", "redis://canary@x"),
        ("SECURITY_ENABLE_RATE_LIMITING", "true"),
        ("GEMINI_ADAPTER__SERVER__LISEN", "x"),
        ("GEMINI_ADAPTER__UPSTREAM__ATTEMPTS", "many"),
        ("GEMINI_API_KEY", "canary"),
    ];
    let problems = load_text("", &variables).unwrap_err();
    let found = lines(&problems);
    for expected in [
        "GEMINI_COOLING_PERIOD: : is no duration",
        "CACHE_TTL: : is not yet supported",
        "DATABASE_REDIS_URL: : is not yet supported",
        "SECURITY_ENABLE_RATE_LIMITING: : is not yet supported",
        "GEMINI_ADAPTER__SERVER__LISEN: server.lisen: there is no such setting",
        "GEMINI_ADAPTER__UPSTREAM__ATTEMPTS: upstream.attempts: expected a whole number",
        "GEMINI_API_KEY: : sets nothing",
    ] {
        assert!(found.iter().any(|line| line.starts_with(expected)), "{expected} is not in {found:#?}");
    }
    assert!(!problems.to_string().contains("canary"), "{problems}");
    let off = [("CACHE_ENABLED", "false"), ("CACHE_TTL", "60"), ("SECURITY_ENABLE_RATE_LIMITING", "off")];
    assert!(load_text("", &off).is_ok());
}

#[test]
fn rules_between_settings() {
    for (text, expected) in [
        ("[server]\nlisten = \"nowhere\"", "2: server.listen: is no address"),
        ("[server]\ncors_origins = [\"https://a.example/path\"]", "2: server.cors_origins[0]: is no origin"),
        ("[upstream]\nattempts = 0", "2: upstream.attempts: must be between 1 and 10"),
        ("[cooldown]\nbase = \"10s\"\nmax = \"5s\"", "3: cooldown.max: must not be shorter than `base`"),
        ("[log]\nlevel = \"loud\"", "2: log.level: is no log level"),
    ] {
        let found = lines(&load_text(text, &[]).unwrap_err());
        assert!(found.iter().any(|line| line.starts_with(expected)), "{expected} is not in {found:?}");
    }
    let (_, problems) = load_text("[upstream]\nbase_url = \"http://example.org\"", &[]).unwrap();
    assert_eq!(problems.iter().next().unwrap().severity, Severity::Warning);
}

#[test]
fn a_section_without_default_has_none() {
    let (config, _) = load_text("[models]\n", &[]).unwrap();
    assert_eq!((config.settings.models.default, config.settings.models.aliases.len()), (None, 0));
}

#[test]
fn what_is_referred_to_changes_the_hash() {
    let hash = |variables: &[(&str, &str)]| load_text("[pools.default]\nkeys = [\"env:MINE\"]", variables).unwrap().0.hash;
    let before = hash(&[("MINE", "a"), ("OTHER", "a")]);
    assert_eq!(before, hash(&[("MINE", "a"), ("OTHER", "b")]));
    assert_ne!(before, hash(&[("MINE", "b"), ("OTHER", "a")]));
}

#[test]
fn generated_files_are_what_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (file, made) in [("docs/config.md", reference::page()), ("config/schema.json", reference::schema())] {
        let there = std::fs::read_to_string(root.join(file)).unwrap_or_default();
        assert!(there == made, "{file} is not what the settings say: run `cargo run -- reference --write`");
    }
}
