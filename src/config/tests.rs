//! Layers, problems and positions.

use std::path::Path;

use proptest::prelude::*;

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

/// Returns the configuration and its problems, if anything usable was read.
fn read(sources: &Sources) -> Result<(Config, Problems), Problems> {
    let Loaded { config, mut problems, doubtful } = load(sources, &Reading::default())?;
    config.locate(&mut problems);
    problems.sort();
    if doubtful.is_empty() { Ok((config, problems)) } else { Err(problems) }
}

fn load_text(text: &str, variables: &[(&str, &str)]) -> Result<(Config, Problems), Problems> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    std::fs::write(&file, text).unwrap();
    read(&sources(&file, variables))
}

/// Formats problems as `line: path: message`, as far as these exist.
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
fn the_example_equals_the_defaults_with_its_comments_and_without() {
    let text = example::text();
    let setting = |line: &str| line.starts_with('#') && !line.starts_with("# ") && !line.starts_with("#:");
    let bare: Vec<&str> = text.lines().map(|line| if setting(line) { &line[1..] } else { line }).collect();
    let (as_it_is, _) = load_text(&text, &[]).unwrap_or_else(|problems| panic!("{text}\n{problems}"));
    let (all_set, problems) = load_text(&bare.join("\n"), &[]).unwrap_or_else(|problems| panic!("{problems}"));
    let (built_in, _) = load_text(BUILT_IN, &[]).unwrap();
    assert_eq!(as_it_is.settings, built_in.settings);
    assert_eq!(all_set.settings, built_in.settings);
    assert!(problems.is_empty(), "{problems}");
    // Every setting must appear in it.
    for name in
        ["keep_alive", "check_json", "metrics_keys", "selection", "failures", "start_from_last_good", "max_operations"]
    {
        assert!(text.contains(&format!("{name} = ")), "{name} is not in\n{text}");
    }
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
        "13: cooldown.base: is not a duration",
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
        ("GEMINI_ADAPTER__SERVER__KEEP_ALIVE", ""),
        ("gemini_unrelated", "x"),
    ];
    let (config, problems) = load_text(text, &variables).unwrap();
    assert!(problems.is_empty(), "{problems}");
    let seconds = std::time::Duration::from_secs;
    let settings = &config.settings;
    assert_eq!(settings.server.listen, "127.0.0.1:9000");
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
    assert_eq!(read(&sources).unwrap().0.settings.server.listen, "127.0.0.1:7");
}

#[test]
fn variables_that_cannot_be_are_named() {
    let variables = [
        ("GEMINI_COOLING_PERIOD", "soon"),
        ("CACHE_TTL", "soon"),
        ("CACHE_ENABLED", "perhaps"),
        ("SECURITY_RATE_LIMIT_WINDOW", "long"),
        ("GEMINI_ADAPTER__SERVER__LISEN", "x"),
        ("GEMINI_ADAPTER__UPSTREAM__ATTEMPTS", "many"),
        ("GEMINI_API_KEY", "canary"),
    ];
    let problems = load_text("", &variables).unwrap_err();
    let found = lines(&problems);
    for expected in [
        "GEMINI_COOLING_PERIOD: cooldown.base: is not a duration",
        "CACHE_TTL: cache.ttl: is not a duration",
        "CACHE_ENABLED: cache.enabled: is not a boolean",
        "SECURITY_RATE_LIMIT_WINDOW: rate_limit.window: is not a duration",
        "GEMINI_ADAPTER__SERVER__LISEN: server.lisen: there is no such setting",
        "GEMINI_ADAPTER__UPSTREAM__ATTEMPTS: upstream.attempts: expected a whole number",
        "GEMINI_API_KEY: : has no effect",
    ] {
        assert!(found.iter().any(|line| line.starts_with(expected)), "{expected} is not in {found:#?}");
    }
    assert!(!problems.to_string().contains("canary"), "{problems}");
    let off = [
        ("CACHE_ENABLED", "True"),
        ("CACHE_TTL", "60"),
        ("CACHE_MAX_SIZE", "9"),
        ("SECURITY_ENABLE_RATE_LIMITING", "off"),
    ];
    let cache = load_text("", &off).unwrap().0.settings.cache;
    assert_eq!((cache.enabled, cache.ttl.as_secs(), cache.max_entries), (true, 60, Some(9)));
}

#[test]
fn rules_between_settings() {
    for (text, expected) in [
        ("[server]\nlisten = \"nowhere\"", "2: server.listen: is not an address"),
        ("[server]\ncors_origins = [\"https://a.example/path\"]", "2: server.cors_origins[0]: is not an origin"),
        ("[upstream]\nattempts = 0", "2: upstream.attempts: must be between 1 and 10"),
        ("[cooldown]\nbase = \"10s\"\nmax = \"5s\"", "3: cooldown.max: must not be shorter than `base`"),
        ("[cache]\nmax_bytes = 10\nmax_entry = 11", "3: cache.max_entry: must be between 1 and"),
        ("[log]\nlevel = \"loud\"", "2: log.level: is not a log level"),
    ] {
        let found = lines(&load_text(text, &[]).unwrap().1);
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
    let hash =
        |variables: &[(&str, &str)]| load_text("[pools.default]\nkeys = [\"env:MINE\"]", variables).unwrap().0.hash;
    let before = hash(&[("MINE", "a"), ("OTHER", "a")]);
    assert_eq!(before, hash(&[("MINE", "a"), ("OTHER", "b")]));
    assert_ne!(before, hash(&[("MINE", "b"), ("OTHER", "a")]));
}

#[test]
fn host_and_port_are_set_apart() {
    let listen = |file: &str, variables: &[(&str, &str)]| {
        let text = if file.is_empty() { String::new() } else { format!("[server]\nlisten = \"{file}\"") };
        load_text(&text, variables).unwrap().0.settings.server.listen
    };
    assert_eq!(listen("127.0.0.1:1", &[("SERVICE_PORT", "9")]), "127.0.0.1:9");
    assert_eq!(listen("127.0.0.1:1", &[("SERVICE_HOST", "10.0.0.1")]), "10.0.0.1:1");
    assert_eq!(listen("[::1]:1", &[("SERVICE_PORT", "9")]), "[::1]:9");
    assert_eq!(listen("", &[("SERVICE_HOST", "::1"), ("SERVICE_PORT", "9")]), "[::1]:9");
    assert_eq!(listen("", &[("SERVICE_HOST", "[::]")]), "[::]:8000");
}

#[test]
fn who_set_what_is_known() {
    let text = "[upstream]\nattempts = 2\n";
    let (config, _) = load_text(text, &[("GEMINI_REQUEST_TIMEOUT", "9")]).unwrap();
    assert!(matches!(config.source_of("upstream.attempts"), Some(Source::File { line: Some(2), .. })));
    assert_eq!(config.source_of("upstream.timeout"), Some(Source::Environment("GEMINI_REQUEST_TIMEOUT".into())));
    assert_eq!(config.source_of("upstream.idle_timeout"), None);
}

#[test]
fn secrets_show_nowhere() {
    let text = r#"
[auth]
client_keys = ["canary-client-0123456789"]
[[clients]]
name = "team"
key = "canary-team-0123456789"
[upstream]
proxy = "http://user:canary@127.0.0.1:1"
[pools.default]
keys = ["canary-gemini"]
[plugins.settings.mailer]
api_token = "canary"
nested = { password = "canary", list = [{ secret = "canary" }], keys = ["canary"], names = ["shown"] }
"#;
    let (config, problems) = load_text(text, &[("GEMINI_ADAPTER__AUTH__ADMIN_KEYS", "[\"canary-admin\"]")]).unwrap();
    let resolved = config.resolved().to_string();
    assert!(resolved.contains("shown") && resolved.contains("mailer"));
    for told in [resolved, problems.to_string(), format!("{:?}", config.gathered)] {
        assert!(!told.contains("canary"), "{told}");
    }
}

#[test]
fn a_secret_file_changes_the_hash() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("keys");
    let text = format!("[pools.default]\nkeys = [\"file:{}\"]", secret.display());
    let hash = |content: &str| {
        std::fs::write(&secret, content).unwrap();
        load_text(&text, &[]).unwrap().0.hash
    };
    assert_ne!(hash("one"), hash("two"));
    assert_eq!(hash("three"), hash("three"));
}

#[test]
fn what_cannot_be_read_is_a_problem() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    let told = |file: &Path| read(&sources(file, &[])).unwrap_err().to_string();
    assert!(told(&file).contains("config.toml: error: cannot be read"));
    assert!(told(dir.path()).contains("error: cannot be read"));
    std::fs::write(&file, b"[log]\nlevel = \"\xff\"").unwrap();
    assert!(told(&file).contains("error: cannot be read"));
}

fn any_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("\"canary\"".to_owned()),
        Just("\"5s\"".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        Just("1.5".to_owned()),
        Just("true".to_owned()),
        Just("2026-11-24".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
            ("(key|weight|name|model|base|x)", inner).prop_map(|(name, value)| format!("{{ {name} = {value} }}")),
        ]
    })
}

fn any_document() -> impl Strategy<Value = String> {
    const NAMES: &[&str] = &[
        "server.listen",
        "server.keep_alive",
        "server",
        "upstream.attempts",
        "upstream.proxy",
        "auth.client_keys",
        "auth.mode",
        "pools.default.keys",
        "pools.default.cooldown",
        "pools.other",
        "pools",
        "cooldown.failures",
        "models.default",
        "models.aliases.\"gpt-*\"",
        "plugins.settings.x",
        "log",
        "unknown.thing",
    ];
    proptest::collection::btree_map(proptest::sample::select(NAMES), any_value(), 0..6)
        .prop_map(|lines| lines.iter().map(|(name, value)| format!("{name} = {value}\n")).collect())
}

proptest! {
    #[test]
    fn any_document_is_read_or_refused_and_no_value_is_told(text in any_document()) {
        let problems = match load_text(&text, &[]) {
            Ok((_, problems)) => problems,
            Err(problems) => {
                prop_assert!(problems.has_errors(), "refused without a word:\n{text}");
                problems
            }
        };
        prop_assert!(!problems.to_string().contains("canary"), "{text}\n{problems}");
    }
}
