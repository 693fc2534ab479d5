//! One plugin: compiled once, called at its hooks, judged by its policy, cut off by its fuse.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rhai::{AST, Dynamic, Engine, EvalAltResult, Map, Module, Position, Scope};

use super::context::Context;
use super::engine::within;
use super::header::{self, Header, Policy};
use super::hook::Hook;
use super::settings::PluginsSettings;
use super::{HookStatus, PluginStatus};
use crate::error::Error;
use crate::problem::{Problem, Problems};

/// So many overruns in a row blow a plugin's fuse.
const FUSE: u32 = 3;
/// Longest source, in bytes.
const LONGEST_SOURCE: usize = 256 * 1024;

/// One plugin.
pub struct Script {
    /// What it says about itself.
    pub header: Header,
    /// Its file.
    pub file: PathBuf,
    /// Its settings, as it sees them.
    pub config: Map,
    hooks: BTreeMap<Hook, Entry>,
    off: AtomicBool,
    overruns: AtomicU32,
}

/// A hook it has: the tiny program that calls it, and what it has cost.
struct Entry {
    call: AST,
    calls: AtomicU64,
    errors: AtomicU64,
    nanoseconds: AtomicU64,
}

/// What came of a call.
pub enum Called {
    /// It returned this.
    Returned(Dynamic),
    /// It wants the client to be told this.
    Rejected(Error),
    /// It failed, and the request is to go on without it.
    Skipped,
}

impl Script {
    /// Compiles a script and runs its top level, once.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn load(
        engine: &mut Engine,
        file: &Path,
        source: &str,
        number: usize,
        settings: &PluginsSettings,
    ) -> Result<Self, Problems> {
        if source.len() > LONGEST_SOURCE {
            return Err(Problem::error(format!("is longer than {LONGEST_SOURCE} bytes")).in_file(file, None).into());
        }
        let header = header::read(file, source, settings)?;
        let mut ast = engine.compile(source).map_err(|error| {
            let position = error.position();
            let problem = Problem::error(error.err_type().to_string()).in_file(file, place(position));
            match reserved_word(&error.err_type().to_string()) {
                Some(hint) => problem.hint(hint),
                None => problem,
            }
        })?;
        ast.set_source(file.display().to_string());
        let found = functions(&ast, file, &header)?;
        // As a module, so that the top level runs now and never again, and `global::` finds its constants.
        let (module, met) = within(settings.timeout.max(Duration::from_millis(100)), || {
            catch_unwind(AssertUnwindSafe(|| Module::eval_ast_as_new(Scope::new(), &ast, engine)))
        });
        let module = match module {
            Ok(Ok(module)) if met => module,
            Ok(Err(error)) => {
                let problem = Problem::error(format!("its top level fails: {}", cause(&error)));
                return Err(problem.in_file(file, place(error.position())).into());
            }
            _ => return Err(Problem::error("its top level takes too long").in_file(file, None).into()),
        };
        let namespace = format!("plugin_{number}");
        engine.register_static_module(&namespace, module.into());
        let mut hooks = BTreeMap::new();
        for hook in found {
            let mut scope = Scope::new();
            scope.push_dynamic("ctx", Dynamic::UNIT);
            let program = format!("{namespace}::{}(ctx)", hook.name());
            let call = engine.compile_with_scope(&scope, program).map_err(|error| {
                Problem::error(format!("`{}` cannot be called: {error}", hook.name())).in_file(file, None)
            })?;
            let zero = AtomicU64::default;
            hooks.insert(hook, Entry { call, calls: zero(), errors: zero(), nanoseconds: zero() });
        }
        let config = rhai::serde::to_dynamic(&header.config).ok().and_then(Dynamic::try_cast).unwrap_or_default();
        Ok(Self {
            header,
            file: file.to_owned(),
            config,
            hooks,
            off: AtomicBool::default(),
            overruns: AtomicU32::default(),
        })
    }

    /// Whether it has this hook, and is on.
    pub fn has(&self, hook: Hook) -> bool {
        self.hooks.contains_key(&hook) && !self.off.load(Ordering::Relaxed)
    }

    /// Calls a hook.
    pub fn call(&self, engine: &Engine, hook: Hook, context: &Context) -> Called {
        let Some(entry) = self.hooks.get(&hook) else { return Called::Skipped };
        let started = Instant::now();
        let mut scope = Scope::new();
        scope.push("ctx", context.clone());
        let (result, met) = within(self.header.timeout, || {
            catch_unwind(AssertUnwindSafe(|| engine.eval_ast_with_scope::<Dynamic>(&mut scope, &entry.call)))
        });
        entry.calls.fetch_add(1, Ordering::Relaxed);
        let spent = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        entry.nanoseconds.fetch_add(spent, Ordering::Relaxed);
        let error = match result {
            Ok(Ok(value)) if met => {
                self.overruns.store(0, Ordering::Relaxed);
                return Called::Returned(value);
            }
            Ok(Err(error)) => match thrown(&error) {
                Some(rejection) if met => return Called::Rejected(rejection),
                _ => Some(error),
            },
            _ => None,
        };
        entry.errors.fetch_add(1, Ordering::Relaxed);
        self.failed(hook, error.as_deref(), met)
    }

    /// Logs a failure and follows the policy.
    fn failed(&self, hook: Hook, error: Option<&EvalAltResult>, met: bool) -> Called {
        let why = match (error, met) {
            (_, false) => format!("it took more than {} ms, or too many operations", self.header.timeout.as_millis()),
            (Some(error), true) => cause(error),
            (None, true) => "it broke the engine".to_owned(),
        };
        let line = error.and_then(|error| root(error).position().line());
        let name = &self.header.name;
        tracing::warn!(plugin = name, hook = hook.name(), line, why, "a plugin failed");
        if !met && self.overruns.fetch_add(1, Ordering::Relaxed) + 1 >= FUSE {
            self.off.store(true, Ordering::Relaxed);
            tracing::error!(
                plugin = name,
                "the plugin is off until it is loaded again: it overran {FUSE} times in a row"
            );
        }
        match self.header.on_error {
            Policy::Skip => Called::Skipped,
            Policy::Disable => {
                self.off.store(true, Ordering::Relaxed);
                tracing::error!(plugin = name, "the plugin is off until it is loaded again: it failed");
                Called::Skipped
            }
            Policy::Fail => {
                let mut rejection = Error::internal(format!("The plugin `{name}` failed. The server's log says why."));
                rejection.code = Some("plugin_error".into());
                Called::Rejected(rejection)
            }
        }
    }

    /// For people.
    pub fn status(&self) -> PluginStatus {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let hooks = self.hooks.iter().map(|(hook, entry)| HookStatus {
            name: hook.name(),
            calls: load(&entry.calls),
            errors: load(&entry.errors),
            spent: Duration::from_nanos(load(&entry.nanoseconds)),
        });
        PluginStatus {
            name: self.header.name.clone(),
            version: self.header.version.clone(),
            file: self.file.clone(),
            state: if self.off.load(Ordering::Relaxed) { "off" } else { "live" },
            hooks: hooks.collect(),
        }
    }
}

/// The hooks a script has; a function that looks like one and is none is a mistake.
fn functions(ast: &AST, file: &Path, header: &Header) -> Result<Vec<Hook>, Problems> {
    let mut problems = Problems::new();
    let mut found = Vec::new();
    for function in ast.iter_functions().filter(|function| function.name.starts_with("on_")) {
        match Hook::by_name(function.name) {
            Some(_) if function.params.len() != 1 => {
                let message = format!("`{}` must take one argument: `fn {}(ctx)`", function.name, function.name);
                problems.push(Problem::error(message).in_file(file, None));
            }
            Some(hook) => found.push(hook),
            None => {
                let problem = Problem::error(format!("`{}` is no hook", function.name)).in_file(file, None);
                problems.push(problem.hint(format!("did you mean `{}`?", Hook::nearest(function.name))));
            }
        }
    }
    for name in header.hooks.iter().flatten() {
        if !found.iter().any(|hook| hook.name() == name) {
            let message = format!("its header lists the hook `{name}`, and there is no such function");
            let problem = Problem::error(message).in_file(file, None);
            problems.push(problem.hint(format!("did you mean `{}`?", Hook::nearest(name))));
        }
    }
    found.sort();
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

/// What a script throws on purpose: `throw #{status, code, message}`.
fn thrown(error: &EvalAltResult) -> Option<Error> {
    let EvalAltResult::ErrorRuntime(value, _) = root(error) else { return None };
    let map = value.read_lock::<Map>()?;
    let text = |name: &str| map.get(name).and_then(|value| value.clone().into_string().ok());
    let status = map.get("status").and_then(|value| value.as_int().ok()).unwrap_or(500);
    let status = u16::try_from(status).ok().filter(|status| (400..600).contains(status)).unwrap_or(500);
    Some(Error::by_plugin(status, text("code"), text("message").unwrap_or_else(|| "Refused by a plugin.".to_owned())))
}

/// The error inside the calls it went through.
fn root(error: &EvalAltResult) -> &EvalAltResult {
    match error {
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _) | EvalAltResult::ErrorInModule(_, inner, _) => root(inner),
        other => other,
    }
}

fn cause(error: &EvalAltResult) -> String {
    super::engine::shortened(&root(error).to_string())
}

fn place(position: Position) -> Option<(usize, usize)> {
    Some((position.line()?, position.position().unwrap_or(1)))
}

/// Reserved words cannot follow a dot, and JSON is full of them.
fn reserved_word(message: &str) -> Option<String> {
    let word = message.split('\'').nth(1).filter(|_| message.contains("reserved"))?;
    Some(format!("`{word}` is a word of the language: write `[\"{word}\"]` instead of `.{word}`"))
}
