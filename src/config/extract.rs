//! From layers to settings, with every problem on the way: what is wrong is noted and taken out, and the rest is read again,
//! until it reads.

use figment::error::{Actual, Kind};
use figment::providers::Serialized;
use figment::value::{Dict, Value};
use figment::{Figment, Profile};

use super::Settings;
use super::path::{Step, dotted};
use super::sources::Gathered;
use crate::problem::{Problem, Problems};
use crate::secret::scrub_google_keys;

/// More mistakes than anyone reads in one go; a bound against a mistake that taking out does not mend, too.
const MOST: usize = 50;

/// What was read.
pub struct Extracted {
    /// The settings; where one was wrong, its default stands in.
    pub settings: Settings,
    /// Where a default stands in for what somebody wrote.
    pub doubtful: Doubtful,
}

/// Places where a default stands in for what somebody wrote: rules that are broken there are not the writer's mistakes.
#[derive(Default)]
pub struct Doubtful(Vec<String>);

impl Doubtful {
    fn add(&mut self, path: String) {
        // A pool that could not be read is one that others may rightly name.
        if path == "pools" {
            self.0.push("models".into());
        }
        self.0.push(path);
    }

    /// Whether nothing stands in for anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a setting is in one of these places.
    pub fn covers(&self, path: &str) -> bool {
        self.0.iter().any(|place| {
            let rest = path.strip_prefix(place.as_str());
            rest.is_some_and(|rest| place.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }
}

/// Reads the settings, noting each problem. None when there is nothing to go on with.
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

/// Lists where tables belong. To serde a list may stand for a table, field by field; to people it may not.
fn lists_for_tables(values: &Dict) -> Vec<Vec<Step>> {
    let mut lists = Vec::new();
    let mut look = |path: &[&str], value: &Value| {
        if matches!(value, Value::Array(..)) {
            lists.push(path.iter().map(|name| Step::Key((*name).to_owned())).collect());
        }
    };
    // The one setting that is in no section, and the one section there may be many of.
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

/// What was found on the way.
struct Finding<'f> {
    gathered: &'f Gathered,
    taken: Taken,
    doubtful: Doubtful,
    /// The settings that misspelt ones were meant to be: they are not missing besides.
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
        // A name nobody knows may be a secret in the wrong place.
        let mut problem = describe(kind).at(scrub_google_keys(&dotted(&original)));
        problem.source = self.gathered.locate(&dotted(&original));
        self.problems.push(problem);
    }
}

/// A path as figment has it: positions in lists are names there.
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

/// What was taken out of arrays: whoever stood behind it has moved up, and is still to be named by the place it has in the
/// document.
#[derive(Default)]
struct Taken(Vec<(Vec<Step>, usize)>);

impl Taken {
    /// Takes out what is at the path; false when there is nothing.
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
            // What is wrong lies deeper than there are values: the value around it is what is wrong.
            _ => self.take(values, parents),
        }
    }

    /// The path as the document has it.
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

/// What is wrong. Values are not shown, only what they are: any of them may be a secret in the wrong place.
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
            Problem::error("is none of the values it can have").hint(format!("write one of `{}`", known.join("`, `")))
        }
        Kind::MissingField(name) => Problem::error(format!("`{name}` is missing")),
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) if expected == "a duration" => {
            Problem::error("is no duration").hint("write `90s`, `10m` or `1h 30m`, in quotes")
        }
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            Problem::error(format!("expected {}, found {}", plain(expected), shape(found)))
        }
        Kind::ISizeOutOfRange(_) | Kind::USizeOutOfRange(_) => Problem::error("is a number out of range"),
        // The words of these may quote the value.
        _ => Problem::error("cannot be read"),
    }
}

/// The name that was meant.
fn near<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let (distance, meant) = known.iter().map(|known| (strsim::osa_distance(name, known), *known)).min()?;
    (distance <= 2.max(name.len() / 3)).then_some(meant)
}

/// Rust's words in those of TOML.
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
