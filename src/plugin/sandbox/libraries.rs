//! Libraries: `import "name" as n;` finds `lib/name.rhai` beside the plugins, and nothing else. All libraries are
//! read together with the plugins, so a half-saved file never reaches a request.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rhai::{Engine, EvalAltResult, Module, ModuleResolver, Position, Scope, Shared};

use super::{Budget, shortened, within};
use crate::problem::{Problem, Problems};

/// Time limit for the top level of a library.
const ONCE: Duration = Duration::from_millis(100);

/// The libraries of one set of plugins. Clones share them.
#[derive(Clone, Default)]
pub struct Libraries(Arc<Mutex<BTreeMap<String, Library>>>);

struct Library {
    file: PathBuf,
    state: State,
}

/// The load state of a library.
enum State {
    /// Read, but not compiled.
    Source(String),
    /// Being compiled. If it is requested in this state, it imports itself.
    Compiling,
    /// Compiled.
    Ready(Shared<Module>),
    /// Not usable; the reason was reported when it was found.
    Broken,
}

impl Libraries {
    /// Creates the libraries from these files.
    pub fn of(sources: &[(PathBuf, String)]) -> Self {
        let named = sources.iter().filter_map(|(file, source)| {
            let name = file.file_stem()?.to_str()?.to_owned();
            Some((name, Library { file: file.clone(), state: State::Source(source.clone()) }))
        });
        Self(Arc::new(Mutex::new(named.collect())))
    }

    /// Compiles all libraries, whether or not a plugin imports them.
    pub fn compile(&self, engine: &Engine, operations: u64, problems: &mut Problems) {
        for name in self.names() {
            let budget = Budget { plugin: "lib".into(), time: ONCE, operations };
            let spent = within(&budget, || self.module(engine, &name));
            let Some(file) = self.file(&name) else { continue };
            match spent.result {
                Ok(_) if spent.met => {}
                Err(error) if spent.met => problems.push(broken(&error, &file)),
                _ => problems.push(Problem::error("its top level takes too long").in_file(&file, None)),
            }
        }
    }

    /// Returns their names.
    pub fn names(&self) -> Vec<String> {
        self.with(|libraries| libraries.keys().cloned().collect())
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        self.with(|libraries| libraries.get(name).map(|library| library.file.clone()))
    }

    fn with<T>(&self, look: impl FnOnce(&mut BTreeMap<String, Library>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn module(&self, engine: &Engine, name: &str) -> Result<Shared<Module>, Box<EvalAltResult>> {
        let unusable = |why: String| Err(Box::new(EvalAltResult::from(why)));
        // The lock is not held during compilation, because the library may import another.
        let source = self.with(|libraries| match libraries.get_mut(name) {
            None => Err(format!("there is no library `{}`", shortened(name))),
            Some(library) => match &library.state {
                State::Ready(module) => Ok(Err(module.clone())),
                State::Compiling => Err(format!("the library `{name}` imports itself")),
                State::Broken => Err(format!("the library `{name}` is broken")),
                State::Source(_) => match std::mem::replace(&mut library.state, State::Compiling) {
                    State::Source(source) => Ok(Ok((library.file.clone(), source))),
                    _ => Err(format!("the library `{name}` is broken")),
                },
            },
        });
        let (file, source) = match source {
            Ok(Ok(source)) => source,
            Ok(Err(ready)) => return Ok(ready),
            Err(why) => return unusable(why),
        };
        let compiled = compile(engine, &file, &source);
        let state = compiled.as_ref().map_or(State::Broken, |module| State::Ready(module.clone()));
        self.with(|libraries| libraries.insert(name.to_owned(), Library { file, state }));
        compiled
    }
}

impl ModuleResolver for Libraries {
    fn resolve(
        &self,
        engine: &Engine,
        _: Option<&str>,
        path: &str,
        position: Position,
    ) -> Result<Shared<Module>, Box<EvalAltResult>> {
        self.module(engine, path).map_err(|mut error| {
            if error.position().is_none() {
                error.set_position(position);
            }
            error
        })
    }
}

fn compile(engine: &Engine, file: &Path, source: &str) -> Result<Shared<Module>, Box<EvalAltResult>> {
    let mut ast = engine.compile(source)?;
    ast.set_source(file.display().to_string());
    Module::eval_ast_as_new(Scope::new(), &ast, engine).map(Into::into)
}

fn broken(error: &EvalAltResult, file: &Path) -> Problem {
    let position = error.position();
    let place = position.line().map(|line| (line, position.position().unwrap_or(1)));
    Problem::error(shortened(&error.to_string())).in_file(file, place)
}
