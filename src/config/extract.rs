//! Turns layers into settings, and collects every problem: a value that is wrong is reported and removed, and the
//! rest is read again until it is valid.

use figment::error::{Actual, Kind};
use figment::providers::Serialized;
use figment::value::{Dict, Value};
use figment::{Figment, Profile};

use super::Settings;
use super::path::{Step, dotted};
use super::sources::Gathered;
use crate::problem::{Problem, Problems};
use crate::secret::scrub_google_keys;

/// Maximum number of values that are removed. More problems are of no use at once, and a problem that removal does
/// not fix must not loop forever.
const MOST: usize = 50;

/// The result of reading.
pub struct Extracted {
    /// The settings; wrong values are replaced by their defaults.
    pub settings: Settings,
    /// The settings in which a default replaces a wrong value.
    pub doubtful: Doubtful,
}

/// The paths where a default replaces what was configured. Rules that are broken there are not reported, because the
/// user did not choose that value.
#[derive(Default)]
pub struct Doubtful(Vec<String>);

impl Doubtful {
    fn add(&mut self, path: String) {
        // If a pool could not be read, references to it in `models` may be correct.
        if path == "pools" {
            self.0.push("models".into());
        }
        self.0.push(path);
    }

    /// Returns whether no default replaces a wrong value.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether a setting is at or below one of these paths.
    pub fn covers(&self, path: &str) -> bool {
        self.0.iter().any(|place| {
            let rest = path.strip_prefix(place.as_str());
            rest.is_some_and(|rest| place.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }
}

/// Reads the settings and collects each problem. Returns None if nothing usable remains.
pub fn extract(gathered: &Gathered, problems: &mut Problems) -> Option<Extracted> {
    let layered = gathered.layers.iter().fold(Figment::from(&gathered.document), Figment::merge);
    let mut found =
        Finding { gathered, taken: Taken::default(), doubtful: Doubtful::default(), meant: Vec::new(), problems };
    let mut values: Dict = match layered.extract() {
        Ok(values) => values,
        Err(error) => {
            found.problems.push(describe(&error.kind));
            return None;
        }
    };
    for path in lists_for_tables(&values) {
        found.note(&path, &Kind::InvalidType(Actual::Seq, "a map".into()));
        found.taken.take(&mut values, &path);
    }
    for _ in 0..MOST {
        let error = match Figment::from(Serialized::from(&values, Profile::Default)).extract() {
            Ok(settings) => return Some(Extracted { settings, doubtful: found.doubtful }),
            Err(error) => error,
        };
        let path = steps_of(&error.path, &values);
        found.note(&path, &error.kind);
        if !found.taken.take(&mut values, &path) {
            break;
        }
    }
    None
}

/// Returns lists in place of tables. serde accepts a list for a struct, field by field; the configuration does not.
fn lists_for_tables(values: &Dict) -> Vec<Vec<Step>> {
    let mut lists = Vec::new();
    let mut look = |path: &[&str], value: &Value| {
        if matches!(value, Value::Array(..)) {
            lists.push(path.iter().map(|name| Step::Key((*name).to_owned())).collect());
        }
    };
    // Except `include`, which is the only setting outside of a section, and `clients`, which is a list of tables.
    for (section, value) in values.iter().filter(|(section, _)| !matches!(section.as_str(), "include" | "clients")) {
        look(&[section], value);
        let pools = value.as_dict().filter(|_| section == "pools");
        for (pool, value) in pools.into_iter().flatten() {
            look(&[section, pool], value);
            if let Some(cooldown) = value.as_dict().and_then(|pool| pool.get("cooldown")) {
                look(&[section, pool, "cooldown"], cooldown);
            }
        }
    }
    lists
}

/// The state of reading.
struct Finding<'f> {
    gathered: &'f Gathered,
    taken: Taken,
    doubtful: Doubtful,
    /// The settings that misspelt names were meant to be. They are not reported as missing as well.
    meant: Vec<String>,
    problems: &'f mut Problems,
}

impl Finding<'_> {
    fn note(&mut self, path: &[Step], kind: &Kind) {
        let original = self.taken.original(path);
        let table = dotted(original.split_last().map_or(&[], |(_, table)| table));
        match kind {
            Kind::MissingField(name) if self.meant.contains(&format!("{}.{name}", dotted(&original))) => return,
            Kind::UnknownField(name, known) => {
                if let Some(meant) = near(name, known) {
                    let meant = if table.is_empty() { meant.to_owned() } else { format!("{table}.{meant}") };
                    self.doubtful.add(meant.clone());
                    self.meant.push(meant);
                }
            }
            _ => self.doubtful.add(table),
        }
        // An unknown name may be a secret in the wrong place.
        let mut problem = describe(kind).at(scrub_google_keys(&dotted(&original)));
        problem.source = self.gathered.locate(&dotted(&original));
        self.problems.push(problem);
    }
}

/// Converts a path from figment, which represents list indices as names.
fn steps_of(path: &[String], values: &Dict) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut here: Option<&Value> = None;
    for (depth, word) in path.iter().enumerate() {
        let table = if depth == 0 { Some(values) } else { here.and_then(Value::as_dict) };
        let list = here.and_then(Value::as_array);
        let (step, next) = match (list, word.trim_matches(['[', ']']).parse::<usize>()) {
            (Some(items), Ok(index)) => (Step::Index(index), items.get(index)),
            _ => (Step::Key(word.clone()), table.and_then(|table| table.get(word))),
        };
        steps.push(step);
        here = next;
    }
    steps
}

/// The list elements that were removed. The elements after them have moved up, but must still be reported by their
/// original index in the document.
#[derive(Default)]
struct Taken(Vec<(Vec<Step>, usize)>);

impl Taken {
    /// Removes the value at the path; returns false if there is none.
    fn take(&mut self, values: &mut Dict, path: &[Step]) -> bool {
        let Some((last, parents)) = path.split_last() else { return false };
        match (walk(values, parents), last) {
            (Some(Place::Table(dict)), Step::Key(name)) => dict.remove(name).is_some(),
            (Some(Place::List(items)), Step::Index(index)) if *index < items.len() => {
                items.remove(*index);
                let meant = self.original(path);
                if let Some((Step::Index(index), list)) = meant.split_last() {
                    self.0.push((list.to_vec(), *index));
                }
                true
            }
            // The path leads deeper than the values do, so the enclosing value is the wrong one.
            _ => self.take(values, parents),
        }
    }

    /// Returns the path with its original indices in the document.
    fn original(&self, path: &[Step]) -> Vec<Step> {
        let mut original: Vec<Step> = Vec::with_capacity(path.len());
        for step in path {
            let step = match step {
                Step::Index(index) => {
                    let mut gone: Vec<usize> =
                        self.0.iter().filter(|(list, _)| *list == original).map(|(_, index)| *index).collect();
                    gone.sort_unstable();
                    Step::Index(gone.into_iter().fold(*index, |index, gone| index + usize::from(gone <= index)))
                }
                key => key.clone(),
            };
            original.push(step);
        }
        original
    }
}

enum Place<'v> {
    Table(&'v mut Dict),
    List(&'v mut Vec<Value>),
}

fn walk<'v>(values: &'v mut Dict, path: &[Step]) -> Option<Place<'v>> {
    path.iter().try_fold(Place::Table(values), |place, step| {
        let value = match (place, step) {
            (Place::Table(dict), Step::Key(name)) => dict.get_mut(name)?,
            (Place::List(items), Step::Index(index)) => items.get_mut(*index)?,
            _ => return None,
        };
        match value {
            Value::Dict(_, dict) => Some(Place::Table(dict)),
            Value::Array(_, items) => Some(Place::List(items)),
            _ => None,
        }
    })
}

/// Describes a problem. Values are never shown, only their types, because any of them may be a secret in the wrong
/// place.
fn describe(kind: &Kind) -> Problem {
    match kind {
        Kind::UnknownField(name, known) => {
            let hint = match near(name, known) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("there are `{}`", known.join("`, `")),
            };
            Problem::error("there is no such setting").hint(hint)
        }
        Kind::UnknownVariant(_, known) => {
            Problem::error("is not a valid value").hint(format!("write one of `{}`", known.join("`, `")))
        }
        Kind::MissingField(name) => Problem::error(format!("`{name}` is missing")),
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) if expected == "a duration" => {
            Problem::error("is not a duration").hint("write `90s`, `10m` or `1h 30m`, in quotes")
        }
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            Problem::error(format!("expected {}, found {}", plain(expected), shape(found)))
        }
        Kind::ISizeOutOfRange(_) | Kind::USizeOutOfRange(_) => Problem::error("is out of range"),
        // The messages of these errors may quote the value.
        _ => Problem::error("cannot be read"),
    }
}

/// Returns the known name that a misspelt one is nearest to, if it is near enough to be a typo.
fn near<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let (distance, meant) = known.iter().map(|known| (strsim::osa_distance(name, known), *known)).min()?;
    (distance <= 2.max(name.len() / 3)).then_some(meant)
}

/// Translates Rust's type names to those of TOML.
fn plain(expected: &str) -> &str {
    match expected {
        "u16" | "u32" | "u64" | "usize" => "a whole number from 0",
        "a sequence" => "a list",
        "a string" | "path string" => "a text",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    }
}

fn shape(found: &Actual) -> &'static str {
    match found {
        Actual::Bool(_) => "a boolean",
        Actual::Signed(number) if *number < 0 => "a negative number",
        Actual::Unsigned(_) | Actual::Signed(_) => "a number",
        Actual::Float(_) => "a fraction",
        Actual::Char(_) | Actual::Str(_) => "a text",
        Actual::Seq => "a list",
        Actual::Map => "a table",
        _ => "something else",
    }
}
