//! Tests of plugins: `tests/NAME.toml` beside the plugins. Each case gives the input of some hooks and the expected
//! results. Cases run through the same code that serves requests. Reloads, `gemini-adapter plugin test` and this
//! program's tests share this runner.

mod expect;
mod run;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::files::{File, Files};
use super::settings::PluginsSettings;
use super::{HookStatus, Plugins, header};
use crate::problem::{Problem, Problems};
use crate::reading::Reading;

/// Maximum number of cases for one plugin; more would slow down a reload.
const MOST: usize = 200;

/// The result of a case.
#[derive(Clone, Debug, Serialize)]
pub struct CaseReport {
    /// The plugin.
    pub plugin: String,
    /// The case.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// The line where the case begins.
    pub line: usize,
    /// What was wrong; None if the case passed.
    pub wrong: Option<String>,
}

/// The cost of a hook in one case.
#[derive(Clone, Debug)]
pub struct CaseCost {
    /// The case.
    pub case: String,
    /// The counters of the hook.
    pub hook: HookStatus,
}

/// A file of cases.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    plugin: Option<String>,
    #[serde(default)]
    case: Vec<Case>,
}

/// One case: its input and its expected results. Hooks without input are not run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    #[serde(default = "no_name")]
    name: String,
    /// Earlier requests, run through the hooks up to `on_upstream_error`. The plugin keeps the state it stored during
    /// them.
    #[serde(default)]
    before: Vec<Case>,
    #[serde(default = "chat")]
    api: String,
    #[serde(default = "path")]
    path: String,
    #[serde(default = "client")]
    client: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    config: Map<String, Value>,
    model: Option<String>,
    request: Option<Value>,
    route: Option<Map<String, Value>>,
    up: Option<Value>,
    failure: Option<Map<String, Value>>,
    text: Option<Pieces>,
    reasoning: Option<Pieces>,
    arguments: Option<Map<String, Value>>,
    chunks: Option<Vec<Value>>,
    answer: Option<Value>,
    response: Option<Value>,
    error: Option<Map<String, Value>>,
    models: Option<Vec<Value>>,
    log: Option<Map<String, Value>>,
    #[serde(default)]
    expect: Map<String, Value>,
}

/// A text, whole or in pieces.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Pieces {
    One(String),
    Many(Vec<String>),
}

impl Pieces {
    fn list(&self) -> Vec<&str> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts.iter().map(String::as_str).collect(),
        }
    }
}

fn no_name() -> String {
    "without a name".to_owned()
}

fn chat() -> String {
    "chat".to_owned()
}

fn path() -> String {
    "/v1/chat/completions".to_owned()
}

fn client() -> String {
    "client".to_owned()
}

/// Runs the cases of every plugin. Each failure is an error at the case's line.
pub fn check(files: &Files, settings: &PluginsSettings, problems: &mut Problems) {
    for report in run(files, settings, problems) {
        if let Some(wrong) = report.wrong {
            let message = format!("the test `{}` of `{}` fails: {wrong}", report.name, report.plugin);
            let problem = Problem::error(message).in_file(&report.file, Some((report.line, 1)));
            problems.push(problem.hint("fix the plugin or the test; `plugins.run_tests = false` skips the tests"));
        }
    }
}

/// Runs the cases in the folder. They can also test library plugins that are enabled.
pub fn of_folder(settings: &PluginsSettings, reading: &Reading, problems: &mut Problems) -> Vec<CaseReport> {
    let settings = PluginsSettings { run_tests: true, ..settings.clone() };
    let files = Files::read(&settings, reading, problems);
    run(&files, &settings, problems)
}

/// Runs the cases of the library plugins.
pub fn of_library(problems: &mut Problems) -> Vec<CaseReport> {
    run(&Files::of_library(), &PluginsSettings::default(), problems)
}

/// Measures the hooks of one plugin by running each of its cases `times` times.
pub fn costs(
    plugin: &str,
    library: bool,
    times: u32,
    settings: &PluginsSettings,
    reading: &Reading,
    problems: &mut Problems,
) -> Vec<CaseCost> {
    let settings = PluginsSettings { run_tests: true, ..settings.clone() };
    let files = if library { Files::of_library() } else { Files::read(&settings, reading, problems) };
    let mut costs = Vec::new();
    for tests in &files.tests {
        let Ok((of, cases)) = read(tests) else { continue };
        let Some(file) = files.plugins.iter().find(|file| of == plugin && stem(&file.path) == of) else { continue };
        for case in &cases {
            let Ok(plugins) = alone(file, &files, &settings, &case.config) else { continue };
            (0..times).for_each(|_| drop(run::run(&plugins, case)));
            let hooks = plugins.list().into_iter().flat_map(|status| status.hooks).filter(|hook| hook.calls > 0);
            costs.extend(hooks.map(|hook| CaseCost { case: case.name.clone(), hook }));
        }
    }
    costs
}

/// Runs the cases in these files.
fn run(files: &Files, settings: &PluginsSettings, problems: &mut Problems) -> Vec<CaseReport> {
    let mut reports = Vec::new();
    for tests in &files.tests {
        match read(tests) {
            Ok((plugin, cases)) => match files.plugins.iter().find(|file| stem(&file.path) == plugin) {
                Some(file) => reports.extend(of_plugin(tests, &plugin, &cases, file, files, settings)),
                None => {
                    let problem = Problem::warning(format!("there is no plugin `{plugin}.rhai` for these tests"));
                    problems.push(problem.in_file(&tests.path, None).hint("rename or remove them"));
                }
            },
            Err(problem) => problems.push(*problem),
        }
    }
    reports
}

fn read(tests: &File) -> Result<(String, Vec<Case>), Box<Problem>> {
    let document: Document = toml::from_str(&tests.text).map_err(|error| {
        let before = error.span().and_then(|span| tests.text.get(..span.start)).unwrap_or_default();
        let place =
            (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1);
        let problem = Problem::error(error.message().to_owned()).in_file(&tests.path, Some(place));
        Box::new(problem.hint("docs/plugins.md describes the tests' format"))
    })?;
    if document.case.len() > MOST {
        let problem = Problem::error(format!("contains more than {MOST} cases"));
        return Err(Box::new(problem.in_file(&tests.path, None)));
    }
    Ok((document.plugin.unwrap_or_else(|| stem(&tests.path)), document.case))
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn of_plugin(
    tests: &File,
    plugin: &str,
    cases: &[Case],
    file: &File,
    files: &Files,
    settings: &PluginsSettings,
) -> Vec<CaseReport> {
    let lines: Vec<usize> = (tests.text.lines().enumerate())
        .filter(|(_, line)| line.trim() == "[[case]]")
        .map(|(number, _)| number + 1)
        .collect();
    let mut reports = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        // Each case gets a fresh plugin, without state or failures from earlier cases.
        let wrong = match alone(file, files, settings, &case.config) {
            Ok(plugins) => run::run(&plugins, case),
            Err(problems) => expect::refused(case, &problems),
        };
        let line = lines.get(number).copied().unwrap_or(1);
        let (name, file) = (case.name.clone(), tests.path.clone());
        reports.push(CaseReport { plugin: plugin.to_owned(), name, file, line, wrong });
    }
    reports
}

/// Compiles the plugin alone, with these settings and not in shadow mode.
fn alone(
    file: &File,
    files: &Files,
    settings: &PluginsSettings,
    config: &Map<String, Value>,
) -> Result<Plugins, String> {
    let name = header::name(&file.path, &file.text);
    let settings = PluginsSettings {
        library: Vec::new(),
        shadow: Vec::new(),
        settings: BTreeMap::from([(name, config.clone())]),
        ..settings.clone()
    };
    let files = Files { plugins: vec![file.clone()], libraries: files.libraries.clone(), tests: Vec::new() };
    let mut problems = Problems::new();
    let plugins = Plugins::compile(&files, &settings, &mut problems);
    if problems.has_errors() { Err(problems.to_string()) } else { Ok(plugins.without_shadow()) }
}
