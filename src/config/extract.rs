//! From layers to settings, with every problem on the way: what is wrong is noted and taken out, and the rest is read again,
//! until it reads.

use figment::error::{Actual, Kind};
use figment::providers::Serialized;
use figment::value::{Dict, Value};
use figment::{Figment, Profile};

use super::Settings;
use super::document::{Step, dotted};
use super::sources::Gathered;
use crate::problem::{Problem, Problems};

/// More mistakes than anyone makes; a bound against a mistake that taking out does not mend.
const MOST: usize = 200;

/// The settings; where one is wrong, its default stands in, and the problem is noted.
pub fn extract(gathered: &Gathered, problems: &mut Problems) -> Settings {
    let layered = gathered.layers.iter().fold(Figment::from(&gathered.document), Figment::merge);
    let mut values: Dict = match layered.extract() {
        Ok(values) => values,
        Err(error) => {
            problems.push(Problem::error(error.to_string()));
            return Settings::default();
        }
    };
    for _ in 0..MOST {
        let error = match Figment::from(Serialized::from(&values, Profile::Default)).extract::<Settings>() {
            Ok(settings) => return settings,
            Err(error) => error,
        };
        let path = steps_of(&error.path, &values);
        let mut problem = describe(&error.kind, &path);
        // A variable that set it is where it is mended; else the file is, and its place is added later.
        let here = dotted(&path);
        if let Some(name) = gathered.layers.iter().rev().find(|layer| here.starts_with(&layer.path)).and_then(|layer| layer.variable.clone()) {
            problem = problem.in_environment(name);
        }
        problems.push(problem.at(here));
        if !remove(&mut values, &path) {
            break;
        }
    }
    Settings::default()
}

/// A path as figment has it: positions in arrays are names there.
fn steps_of(path: &[String], values: &Dict) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut here = Some(Value::from(values.clone()));
    for word in path {
        let (step, next) = match (&here, word.trim_matches(['[', ']']).parse::<usize>()) {
            (Some(Value::Array(_, items)), Ok(index)) => (Step::Index(index), items.get(index).cloned()),
            (Some(Value::Dict(_, dict)), _) => (Step::Key(word.clone()), dict.get(word).cloned()),
            _ => (Step::Key(word.clone()), None),
        };
        steps.push(step);
        here = next;
    }
    steps
}

/// Takes out what is at the path; inside an array, the whole member, so that the others keep their meaning if not their place.
fn remove(values: &mut Dict, path: &[Step]) -> bool {
    match path {
        [] => false,
        [Step::Key(name)] => values.remove(name).is_some(),
        [Step::Key(name), rest @ ..] => match values.get_mut(name) {
            Some(Value::Dict(_, inner)) => remove(inner, rest) || values.remove(name).is_some(),
            Some(Value::Array(_, items)) => match rest {
                [Step::Index(index), ..] if *index < items.len() => {
                    items.remove(*index);
                    true
                }
                _ => values.remove(name).is_some(),
            },
            Some(_) => values.remove(name).is_some(),
            None => false,
        },
        [Step::Index(_), ..] => false,
    }
}

/// What is wrong. Values are not shown, only what they are: any of them may be a secret in the wrong place.
fn describe(kind: &Kind, path: &[Step]) -> Problem {
    match kind {
        Kind::UnknownField(name, known) => unknown("setting", name, known),
        Kind::UnknownVariant(_, known) => {
            Problem::error("is none of the values it can have").hint(format!("write one of `{}`", known.join("`, `")))
        }
        Kind::MissingField(name) => Problem::error(format!("`{name}` is missing")),
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            Problem::error(format!("expected {}, found {}", plain(expected), shape(found)))
        }
        Kind::Message(message) if is_duration(path) => {
            Problem::error(format!("is no duration: {message}")).hint("write `90s`, `10m` or `1h 30m`, in quotes")
        }
        Kind::Message(message) => Problem::error(message.clone()),
        Kind::ISizeOutOfRange(_) | Kind::USizeOutOfRange(_) => Problem::error("is a number out of range"),
        other => Problem::error(other.to_string()),
    }
}

fn unknown(what: &str, name: &str, known: &[&str]) -> Problem {
    let near = known.iter().map(|known| (strsim::osa_distance(name, known), *known)).min();
    let problem = Problem::error(format!("there is no such {what}"));
    match near {
        Some((distance, meant)) if distance <= 3.max(name.len() / 3) => problem.hint(format!("did you mean `{meant}`?")),
        _ => problem.hint(format!("there are `{}`", known.join("`, `"))),
    }
}

fn is_duration(path: &[Step]) -> bool {
    const DURATIONS: &[&str] = &["timeout", "drain", "keep_alive", "base", "max"];
    matches!(path.last(), Some(Step::Key(name)) if DURATIONS.iter().any(|word| name.ends_with(word)))
}

/// Rust's words in those of TOML.
fn plain(expected: &str) -> String {
    match expected {
        "u16" | "u32" | "u64" | "usize" => "a whole number from 0".to_owned(),
        "a sequence" => "an array".to_owned(),
        "a map" => "a table".to_owned(),
        other if other.starts_with("struct ") => "a table".to_owned(),
        "a duration" => "a duration in quotes, such as \"90s\"".to_owned(),
        other => other.to_owned(),
    }
}

fn shape(found: &Actual) -> &'static str {
    match found {
        Actual::Bool(_) => "a boolean",
        Actual::Unsigned(_) | Actual::Signed(_) => "a number",
        Actual::Float(_) => "a fraction",
        Actual::Char(_) | Actual::Str(_) => "a text",
        Actual::Seq => "an array",
        Actual::Map => "a table",
        _ => "something else",
    }
}
