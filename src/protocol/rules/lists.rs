//! Merges several answers into one, for requests that Google only accepts in several calls: lists are joined in order,
//! usage is summed.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::fault::{Blame, Fault, Kind};

/// OpenAI's lists, with all members in which they differ.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct List<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    object: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    created: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    model: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    size: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    output_format: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    usage: Map<String, Value>,
}

/// Merges the lists.
///
/// # Errors
/// When one of them is not a list, which a plugin may have caused.
pub fn merged(answers: &[Bytes]) -> Result<Bytes, Fault> {
    let mut whole = List::default();
    for (index, answer) in answers.iter().enumerate() {
        let list: List<'_> = serde_json::from_slice(answer).map_err(|error| broken(&error))?;
        if index == 0 {
            whole = list;
        } else {
            whole.data.extend(list.data);
            add(&mut whole.usage, list.usage);
        }
    }
    serde_json::to_vec(&whole).map(Bytes::from).map_err(|error| broken(&error))
}

/// Adds numbers at every depth.
fn add(sum: &mut Map<String, Value>, usage: Map<String, Value>) {
    for (name, value) in usage {
        match (sum.get_mut(&name), value) {
            (Some(Value::Object(inner)), Value::Object(more)) => add(inner, more),
            (Some(Value::Number(number)), Value::Number(more)) => {
                let total = number.as_u64().unwrap_or_default().saturating_add(more.as_u64().unwrap_or_default());
                *number = total.into();
            }
            (Some(_), _) => {}
            (None, value) => {
                sum.insert(name, value);
            }
        }
    }
}

fn broken(error: &serde_json::Error) -> Fault {
    Fault::new(Kind::BrokenAnswer, Blame::Internal, format!("The answers could not be joined: {error}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_usage_summed() {
        let one = r#"{"object":"list","data":[{"b":1.50,"a":0}],"model":"m","usage":{"t":1,"d":{"x":2}}}"#;
        let two = r#"{"object":"list","data":[2,3],"model":"n","usage":{"t":4,"d":{"x":5,"y":6}}}"#;
        let answer = merged(&[one.into(), two.into()]).unwrap();
        assert_eq!(
            answer,
            r#"{"object":"list","data":[{"b":1.50,"a":0},2,3],"model":"m","usage":{"t":5,"d":{"x":7,"y":6}}}"#
        );
    }

    #[test]
    fn usage_that_is_no_number_is_the_firsts() {
        let list = |usage: &str| format!(r#"{{"data":[],"usage":{{"t":{usage}}}}}"#).into();
        assert_eq!(merged(&[list("1"), list(r#""odd""#)]).unwrap(), r#"{"data":[],"usage":{"t":1}}"#);
    }

    #[test]
    fn what_is_no_list_is_a_fault() {
        assert!(merged(&["[]x".into()]).is_err());
    }
}
