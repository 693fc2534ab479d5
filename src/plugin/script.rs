//! One plugin: compiled once, called at its hooks, with an error policy and a fuse that turns it off.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rhai::{AST, Dynamic, Engine, EvalAltResult, Map, Module, Scope};

use super::context::Context;
use super::diagnostics::{self, cause, place, root, thrown};
use super::header::{self, Header, Policy};
use super::hook::{HOOKS, Hook};
use super::sandbox::{Budget, Pace, Spent, run_off_worker, within};
use super::settings::PluginsSettings;
use super::status::{HookStatus, PluginStatus};
use crate::error::Error;
use crate::problem::{Problem, Problems};
use crate::telemetry::{Durations, plugin_durations};

/// Turns a plugin off after this many overruns of one hook in a row.
const FUSE: u32 = 3;
/// Maximum length of a source, in bytes.
const LONGEST_SOURCE: usize = 256 * 1024;
/// Minimum time limit for the top level of a script, which runs only once.
const ONCE: Duration = Duration::from_millis(100);

thread_local! {
    /// The variables of the program that calls a hook: `ctx`, empty between calls. It is kept because to create it takes
    /// several allocations.
    static SCOPE: Cell<Scope<'static>> = Cell::default();
}

/// What the engine returned; None if it panicked.
type Called = Option<Result<Dynamic, Box<EvalAltResult>>>;

/// How a call can fail: an error of the script, a limit exceeded, not called because too many calls are waiting, or a
/// crash of the engine.
const HOW: [&str; 4] = ["error", "limits", "crowded", "crash"];

/// One plugin.
#[derive(Debug)]
pub struct Script {
    /// What it declares about itself.
    pub header: Header,
    /// Its file.
    pub file: PathBuf,
    /// Its settings, as a script value.
    pub config: Arc<Map>,
    /// The `///` comments of its functions, by function name.
    pub comments: BTreeMap<String, String>,
    /// The hooks it implements, by [`Hook::place`].
    hooks: Vec<Option<Entry>>,
    /// Why it was turned off, once it was.
    off: OnceLock<&'static str>,
    /// Why the most recent failed call failed. Never sent to clients, because it may quote a request.
    last_failure: Mutex<Option<String>>,
}

/// A hook that the script implements: the small program that calls it, and its counters.
#[derive(Debug)]
struct Entry {
    call: AST,
    pace: Pace,
    calls: AtomicU64,
    /// Failures by kind, in the order of [`HOW`].
    errors: [AtomicU64; HOW.len()],
    shadowed: AtomicU64,
    nanoseconds: AtomicU64,
    durations: Durations,
    series: metrics::Histogram,
    operations: AtomicU64,
    /// Overruns in a row.
    overruns: AtomicU32,
}

/// The outcome of a call, before the plugin's error policy is applied.
pub enum Attempt {
    /// It returned this.
    Returned(Dynamic),
    /// It rejected the request with this error for the client.
    Rejected(Error),
    /// It failed.
    Failed(Failure),
}

/// Why a call failed.
pub struct Failure {
    /// The reason, for the log.
    pub why: String,
    /// The kind, one of [`HOW`].
    how: &'static str,
    /// Line and column in the script, if known.
    pub place: Option<(usize, usize)>,
    /// How many times in a row the hook exceeded its budget.
    overruns_in_a_row: u32,
}

/// The outcome of a call, after the plugin's error policy is applied.
pub enum CallOutcome {
    /// It returned this.
    Returned(Dynamic),
    /// The client gets this error.
    Rejected(Error),
    /// It failed, and the request continues without it.
    Skipped,
}

impl Script {
    /// Compiles a script and runs its top level once.
    ///
    /// # Errors
    /// Returns the problems found in the script.
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
        let mut ast = engine.compile(source).map_err(|error| diagnostics::syntax(&error, file))?;
        ast.set_source(file.display().to_string());
        let found = diagnostics::hooks(&ast, file, source, &header)?;
        let module = evaluated(engine, &ast, &header.budget)
            .map_err(|(message, place)| Problem::error(message).in_file(file, place))?;
        let namespace = format!("plugin_{number}");
        engine.register_static_module(&namespace, module.into());
        let mut hooks: Vec<Option<Entry>> = HOOKS.iter().map(|_| None).collect();
        for hook in found {
            let mut scope = Scope::new();
            scope.push_dynamic("ctx", Dynamic::UNIT);
            let program = format!("{namespace}::{}(ctx)", hook.name());
            let call = engine.compile_with_scope(&scope, program).map_err(|error| {
                Problem::error(format!("`{}` cannot be called: {error}", hook.name())).in_file(file, None)
            })?;
            if let Some(place) = hooks.get_mut(hook.place()) {
                *place = Some(Entry::new(call, plugin_durations(&header.name, hook.name())));
            }
        }
        let config: Option<Map> = rhai::serde::to_dynamic(&header.config).ok().and_then(Dynamic::try_cast);
        let comments = ast.iter_functions().map(|function| (function.name.to_owned(), function.comments.join("\n")));
        let comments = comments.collect();
        let (off, last_failure) = Default::default();
        let config = Arc::new(config.unwrap_or_default());
        Ok(Self { header, file: file.to_owned(), config, comments, hooks, off, last_failure })
    }

    /// Returns its hooks, in the order in which they occur during a request.
    pub fn hooks(&self) -> impl Iterator<Item = Hook> {
        self.entries().map(|(hook, _)| hook)
    }

    fn entries(&self) -> impl Iterator<Item = (Hook, &Entry)> {
        HOOKS.iter().filter_map(|row| Some((row.hook, self.entry(row.hook)?)))
    }

    fn entry(&self, hook: Hook) -> Option<&Entry> {
        self.hooks.get(hook.place())?.as_ref()
    }

    /// Returns whether it implements this hook and is not turned off.
    pub fn has(&self, hook: Hook) -> bool {
        self.entry(hook).is_some() && self.off.get().is_none()
    }

    /// Calls a hook, and applies the error policy if it fails. Returns also how long it took, including the time it
    /// waited for its turn.
    pub fn call(&self, engine: &Engine, hook: Hook, context: &Context) -> (CallOutcome, Duration) {
        let (attempt, took) = self.attempt(engine, hook, context);
        let outcome = match attempt {
            Attempt::Returned(value) => CallOutcome::Returned(value),
            Attempt::Rejected(error) => CallOutcome::Rejected(error),
            Attempt::Failed(failure) => self.failed(hook, &failure),
        };
        (outcome, took)
    }

    /// Calls a hook without applying the error policy.
    pub fn attempt(&self, engine: &Engine, hook: Hook, context: &Context) -> (Attempt, Duration) {
        let Some(entry) = self.entry(hook) else { return (Attempt::Returned(Dynamic::UNIT), Duration::ZERO) };
        let budget = &self.header.budget;
        if entry.pace.is_long(budget.time) {
            let began = Instant::now();
            let spent = run_off_worker(|| entry.run(engine, context, budget));
            (self.judged(hook, entry, spent), began.elapsed())
        } else {
            let spent = entry.run(engine, context, budget);
            let took = spent.took;
            (self.judged(hook, entry, Some(spent)), took)
        }
    }

    /// Says what came of a call, and counts failures. None is a call that was not made, because too many wait.
    fn judged(&self, hook: Hook, entry: &Entry, spent: Option<Spent<Called>>) -> Attempt {
        let budget = &self.header.budget;
        let failure = match spent {
            None => Failure::new("crowded", "too many plugin calls are already waiting"),
            Some(Spent { met: false, .. }) => Failure {
                overruns_in_a_row: entry.overruns.fetch_add(1, Ordering::Relaxed) + 1,
                ..Failure::new(
                    "limits",
                    format!("it took more than {} ms, or {} operations", budget.time.as_millis(), budget.operations),
                )
            },
            Some(Spent { result: Some(Ok(value)), .. }) => {
                entry.overruns.store(0, Ordering::Relaxed);
                return Attempt::Returned(value);
            }
            Some(Spent { result: Some(Err(error)), .. }) => match thrown(&error) {
                Some(rejection) => return Attempt::Rejected(rejection),
                None => Failure { place: place(root(&error).position()), ..Failure::new("error", cause(&error)) },
            },
            Some(Spent { result: None, .. }) => Failure::new("crash", "the engine panicked"),
        };
        for (_, errors) in HOW.iter().zip(&entry.errors).filter(|(how, _)| **how == failure.how) {
            errors.fetch_add(1, Ordering::Relaxed);
        }
        *self.last_failure.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(format!("in `{}`: {}", hook.name(), failure.why));
        Attempt::Failed(failure)
    }

    /// Logs a failure and applies the error policy.
    fn failed(&self, hook: Hook, failure: &Failure) -> CallOutcome {
        let name = &self.header.name;
        let (why, line) = (&failure.why, failure.place.map(|(line, _)| line));
        tracing::warn!(plugin = name, hook = hook.name(), line, why, "a plugin failed");
        if failure.overruns_in_a_row >= FUSE {
            self.turn_off("one of its hooks exceeded its limits three times in a row");
        }
        match self.header.on_error {
            Policy::Skip => CallOutcome::Skipped,
            Policy::Disable => {
                self.turn_off("it failed, and `on_error` is `disable`");
                CallOutcome::Skipped
            }
            Policy::Fail => {
                let mut rejection = Error::internal(format!("The plugin `{name}` failed. The server's log says why."));
                rejection.code = Some("plugin_error".into());
                CallOutcome::Rejected(rejection)
            }
        }
    }

    fn turn_off(&self, why: &'static str) {
        if self.off.set(why).is_ok() {
            tracing::error!(plugin = self.header.name, why, "plugin turned off until it is loaded again");
        }
    }

    /// Returns the hook and the reason of the most recent failed call.
    pub fn last_failure(&self) -> Option<String> {
        self.last_failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records and logs what the plugin would have done, for a plugin in shadow mode.
    pub fn would(&self, hook: Hook, request: &str, what: &str) {
        if let Some(entry) = self.entry(hook) {
            entry.shadowed.fetch_add(1, Ordering::Relaxed);
        }
        tracing::info!(
            plugin = self.header.name,
            hook = hook.name(),
            request_id = request,
            what,
            "shadow plugin: not applied"
        );
    }

    /// Returns its status.
    pub fn status(&self) -> PluginStatus {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let hooks = self.entries().map(|(hook, entry)| HookStatus {
            name: hook.name(),
            calls: load(&entry.calls),
            errors: entry.errors.iter().map(load).sum(),
            failures: HOW.into_iter().zip(entry.errors.iter().map(load)).collect(),
            shadowed: load(&entry.shadowed),
            operations: load(&entry.operations),
            spent: Duration::from_nanos(load(&entry.nanoseconds)),
            latencies: entry.durations.latencies(),
        });
        let off = self.off.get().copied();
        PluginStatus {
            name: self.header.name.clone(),
            version: self.header.version.clone(),
            about: self.header.about.clone(),
            file: self.file.clone(),
            state: if off.is_some() {
                "off"
            } else if self.header.shadow {
                "shadow"
            } else {
                "live"
            },
            why_off: off,
            hooks: hooks.collect(),
        }
    }
}

impl Failure {
    fn new(how: &'static str, why: impl Into<String>) -> Self {
        Self { why: why.into(), how, place: None, overruns_in_a_row: 0 }
    }
}

impl Entry {
    fn new(call: AST, series: metrics::Histogram) -> Self {
        let zero = AtomicU64::default;
        Self {
            call,
            pace: Pace::default(),
            calls: zero(),
            errors: Default::default(),
            shadowed: zero(),
            nanoseconds: zero(),
            durations: Durations::default(),
            series,
            operations: zero(),
            overruns: AtomicU32::default(),
        }
    }

    /// Calls the hook. The result is None if the engine panicked.
    fn run(&self, engine: &Engine, context: &Context, budget: &Budget) -> Spent<Called> {
        let spent = within(budget, || {
            let mut scope = SCOPE.take();
            scope.set_value("ctx", context.clone());
            let call = || engine.eval_ast_with_scope::<Dynamic>(&mut scope, &self.call);
            let called = catch_unwind(AssertUnwindSafe(call)).ok();
            // Only the empty variable stays for the next call.
            scope.rewind(1).set_value("ctx", ());
            SCOPE.set(scope);
            called
        });
        self.count(spent.took, spent.operations);
        spent
    }

    fn count(&self, spent: Duration, operations: u64) {
        self.pace.took(spent);
        self.durations.add(spent);
        self.series.record(spent.as_secs_f64());
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.nanoseconds.fetch_add(u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.operations.fetch_add(operations, Ordering::Relaxed);
    }
}

/// Evaluates a script as a module, so that its top level runs only once and `global::` finds its constants.
fn evaluated(engine: &Engine, ast: &AST, budget: &Budget) -> Result<Module, (String, Option<(usize, usize)>)> {
    let budget = Budget { time: budget.time.max(ONCE), ..budget.clone() };
    let spent =
        within(&budget, || catch_unwind(AssertUnwindSafe(|| Module::eval_ast_as_new(Scope::new(), ast, engine))));
    match spent.result {
        Ok(Ok(module)) if spent.met => Ok(module),
        Ok(Err(error)) if spent.met => {
            Err((format!("its top level fails: {}", cause(&error)), place(error.position())))
        }
        _ => Err(("its top level takes too long".to_owned(), None)),
    }
}
