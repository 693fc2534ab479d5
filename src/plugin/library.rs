//! The plugins that ship with the program. `plugins.library` enables them by name. They are compiled in, so they work
//! wherever the program runs; their sources in `plugins/library/` can be copied as a starting point.

/// A library plugin.
#[derive(Clone, Copy, Debug)]
pub struct LibraryPlugin {
    /// Its name.
    pub name: &'static str,
    /// Its source.
    pub source: &'static str,
    /// Its tests.
    pub tests: &'static str,
}

macro_rules! volumes {
    ($($name:literal),* $(,)?) => {
        &[$(LibraryPlugin {
            name: $name,
            source: include_str!(concat!("../../plugins/library/", $name, ".rhai")),
            tests: include_str!(concat!("../../plugins/library/tests/", $name, ".toml")),
        }),*]
    };
}

/// All library plugins.
pub const LIBRARY: &[LibraryPlugin] = volumes![
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

/// Returns the library plugin with this name.
pub fn volume(name: &str) -> Option<&'static LibraryPlugin> {
    LIBRARY.iter().find(|volume| volume.name == name)
}
