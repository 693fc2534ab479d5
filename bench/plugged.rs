//! Plugins for benchmarks.

use gemini_adapter::plugin::{Plugins, PluginsSettings, Session, SessionFacts};
use gemini_adapter::problem::Problems;
use gemini_adapter::reading::Reading;

/// Loads `count` plugins with the same source.
pub fn plugins(count: usize, source: &str) -> Plugins {
    let dir = tempfile::tempdir().expect("a folder");
    for number in 0..count {
        std::fs::write(dir.path().join(format!("p{number}.rhai")), source).expect("a file");
    }
    let settings = PluginsSettings { dir: dir.path().to_owned(), ..PluginsSettings::default() };
    let mut problems = Problems::new();
    let plugins = Plugins::load(&settings, &Reading::default(), &mut problems);
    assert!(problems.is_empty(), "{problems}");
    plugins
}

/// A plugin session for one request.
pub fn session(plugins: &Plugins) -> Session {
    plugins.session(|| SessionFacts {
        id: "bench".into(),
        api: "chat",
        path: "/v1/chat/completions",
        model: None,
        client: "client".into(),
        headers: vec![("x-team".into(), "red".into())],
    })
}
