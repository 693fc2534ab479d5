//! The traffic of a trial: JSON lines, one per request.

use std::time::Duration;

use serde::Deserialize;

use crate::model::ModelName;

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// When it arrives, from the start of the trial.
    pub at: Duration,
    /// The model.
    pub model: ModelName,
    /// How long its answer takes.
    pub takes: Duration,
}

/// `{"at": 12.5, "model": "gemini-2.5-flash", "takes": 3.2}`, in seconds; `takes` defaults to 2.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    at: f64,
    model: String,
    #[serde(default = "two")]
    takes: f64,
}

fn two() -> f64 {
    2.0
}

/// Reads requests, and sorts them by time.
///
/// # Errors
/// What is wrong, with the line number.
pub fn read(text: &str) -> Result<Vec<Request>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let requests = lines.map(|(index, line)| request(line).map_err(|error| format!("line {}: {error}", index + 1)));
    let mut requests: Vec<Request> = requests.collect::<Result<_, _>>()?;
    requests.sort_by_key(|request| request.at);
    Ok(requests)
}

fn request(line: &str) -> Result<Request, String> {
    let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let seconds = |field: &str, seconds: f64| {
        let duration = Duration::try_from_secs_f64(seconds).ok().filter(|duration| duration.as_secs() < 366 * 86_400);
        duration.ok_or_else(|| format!("`{field}` must be seconds, from 0 to a year"))
    };
    let model = ModelName::parse(&line.model).ok_or("`model` is not a model name")?;
    Ok(Request { at: seconds("at", line.at)?, takes: seconds("takes", line.takes)?, model })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_mistakes_are_placed() {
        let requests = read("{\"at\":2,\"model\":\"m\"}\n\n{\"at\":1.5,\"model\":\"m\",\"takes\":1}").unwrap();
        assert_eq!(requests.iter().map(|request| request.at.as_secs_f64()).collect::<Vec<_>>(), [1.5, 2.0]);
        for (text, words) in [
            ("{\"at\":1,\"model\":\"m\"}\n{\"at\":-1,\"model\":\"m\"}", "line 2: `at`"),
            ("{\"at\":1e300,\"model\":\"m\"}", "line 1: `at`"),
            ("{\"at\":1,\"model\":\"../x\"}", "line 1: `model`"),
            ("nothing", "line 1: "),
        ] {
            assert!(read(text).unwrap_err().starts_with(words), "{text}");
        }
    }
}
