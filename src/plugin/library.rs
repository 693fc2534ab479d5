//! The library: plugins that come with the program. `plugins.library` turns them on by name, wherever the program runs; their sources
//! are `plugins/library/`, to be copied from.

/// A plugin of the library.
#[derive(Clone, Copy, Debug)]
pub struct Volume {
    /// Its name.
    pub name: &'static str,
    /// Its source.
    pub source: &'static str,
    /// Its tests.
    pub tests: &'static str,
}

macro_rules! volumes {
    ($($name:literal),* $(,)?) => {
        &[$(Volume {
            name: $name,
            source: include_str!(concat!("../../plugins/library/", $name, ".rhai")),
            tests: include_str!(concat!("../../plugins/library/tests/", $name, ".toml")),
        }),*]
    };
}

/// All of them.
pub const LIBRARY: &[Volume] = volumes![
    "ab_test",
    "cost_tags",
    "json_repair",
    "model_list",
    "pii",
    "quota_downgrade",
    "reply_language",
    "safety_presets",
    "session_routing",
    "system_prompt",
    "word_guard",
];

/// One of them.
pub fn volume(name: &str) -> Option<&'static Volume> {
    LIBRARY.iter().find(|volume| volume.name == name)
}
