//! Error messages for scripts: load errors with their position and a hint, runtime errors with their cause.

use std::path::Path;

use rhai::{AST, EvalAltResult, Map, ParseError, Position};

use super::api::ENTRIES;
use super::header::{self, Header};
use super::hook::Hook;
use super::sandbox::shortened;
use crate::error::Error;
use crate::problem::{Problem, Problems};

/// Describes a syntax error in a script.
pub fn syntax(error: &ParseError, file: &Path) -> Problem {
    let message = error.err_type().to_string();
    let problem = Problem::error(message.clone()).in_file(file, place(error.position()));
    match reserved_word(&message) {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// Returns the hooks that a script implements. An `on_…` function that is not a known hook is an error, and so is a
/// hook that the header lists but the script does not define.
///
/// # Errors
/// Returns a problem for each such mistake.
pub fn hooks(ast: &AST, file: &Path, source: &str, header: &Header) -> Result<Vec<Hook>, Problems> {
    let mut problems = Problems::new();
    let mut found = Vec::new();
    for function in ast.iter_functions().filter(|function| function.name.starts_with("on_")) {
        let name = function.name;
        let problem = |message: String| Problem::error(message).in_file(file, function_place(source, name));
        match Hook::by_name(name) {
            Some(_) if function.params.len() != 1 => {
                problems.push(problem(format!("`{name}` must take one argument: `fn {name}(ctx)`")));
            }
            Some(hook) => found.push(hook),
            None => {
                let hint = format!("did you mean `{}`?", Hook::nearest(name));
                problems.push(problem(format!("`{name}` is not a hook")).hint(hint));
            }
        }
    }
    for name in header.hooks.iter().flatten() {
        if !found.iter().any(|hook| hook.name() == name) {
            let message = format!("its header lists the hook `{name}`, but there is no such function");
            let problem = Problem::error(message).in_file(file, header::place(source, "hooks"));
            problems.push(problem.hint(match Hook::by_name(name) {
                Some(_) => format!("write `fn {name}(ctx) {{ }}`, or remove it from the header"),
                None => format!("did you mean `{}`?", Hook::nearest(name)),
            }));
        }
    }
    found.sort();
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

/// Reports imports of libraries that do not exist. They are found at load, even where a function would only reach the
/// import much later.
pub fn imports(file: &Path, source: &str, libraries: &[String], problems: &mut Problems) {
    for (number, line) in source.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
        let Some((before, rest)) = line.split_once("import ") else { continue };
        let Some(name) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) else { continue };
        if libraries.iter().any(|known| known == name) {
            continue;
        }
        let problem = Problem::error(format!("there is no library `{}`", shortened(name)));
        let known = libraries.iter().map(String::as_str);
        let hint = match header::nearest(name, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None if libraries.is_empty() => {
                "libraries are `lib/NAME.rhai` beside the plugins; there are none".to_owned()
            }
            None => format!("libraries are `lib/NAME.rhai` beside the plugins: `{}`", libraries.join("`, `")),
        };
        problems.push(problem.in_file(file, Some((number + 1, before.chars().count() + 1))).hint(hint));
    }
}

/// Returns the line and column of a function's name.
fn function_place(source: &str, name: &str) -> Option<(usize, usize)> {
    source.lines().enumerate().find_map(|(number, line)| {
        let at = line.find("fn ")?;
        let named = line.get(at + 3..)?.trim_start();
        let rest = named.strip_prefix(name)?;
        rest.trim_start().starts_with('(').then(|| (number + 1, line.len() - named.len() + 1))
    })
}

/// Returns the error that a script threw on purpose: `throw #{status, code, message}`.
pub fn thrown(error: &EvalAltResult) -> Option<Error> {
    let EvalAltResult::ErrorRuntime(value, _) = root(error) else { return None };
    let map = value.read_lock::<Map>()?;
    let text = |name: &str| map.get(name).and_then(|value| value.clone().into_string().ok());
    let status = map.get("status").and_then(|value| value.as_int().ok()).unwrap_or(500);
    let status = u16::try_from(status).ok().filter(|status| (400..600).contains(status)).unwrap_or(500);
    Some(Error::by_plugin(status, text("code"), text("message").unwrap_or_else(|| "Rejected by a plugin.".to_owned())))
}

/// Unwraps the function calls and modules that an error passed through.
pub fn root(error: &EvalAltResult) -> &EvalAltResult {
    match error {
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _) | EvalAltResult::ErrorInModule(_, inner, _) => root(inner),
        other => other,
    }
}

/// Returns a one-line cause. For an unknown name, it suggests the nearest known one.
pub fn cause(error: &EvalAltResult) -> String {
    let error = root(error);
    let message = shortened(&error.to_string());
    let unknown = match error {
        EvalAltResult::ErrorDotExpr(words, _) => words.split('\'').nth(1),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => signature.split(" (").next(),
        _ => None,
    };
    let known = || ENTRIES.iter().map(|entry| entry.name);
    match unknown.filter(|name| !known().any(|known| known == *name)).and_then(|name| header::nearest(name, known())) {
        Some(near) => format!("{message}; did you mean `{near}`?"),
        None => message,
    }
}

/// Converts the engine's position to a line and column.
pub fn place(position: Position) -> Option<(usize, usize)> {
    Some((position.line()?, position.position().unwrap_or(1)))
}

/// Returns a hint for a reserved word after a dot, which Rhai does not allow; JSON often uses such words as field
/// names.
fn reserved_word(message: &str) -> Option<String> {
    let word = message.split('\'').nth(1).filter(|_| message.contains("reserved"))?;
    Some(format!("`{word}` is a reserved word: write `[\"{word}\"]` instead of `.{word}`"))
}
