//! What a conversation begins with, as a number: requests of one conversation have the same, so that they may go to the same key,
//! where Gemini still has their beginning in its cache.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::call::Call;
use crate::secret::Digest;

/// What stays the same while a conversation grows.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opening<'a> {
    #[serde(borrow, default)]
    system_instruction: Option<&'a RawValue>,
    #[serde(borrow, default)]
    contents: Vec<&'a RawValue>,
}

/// The number of a client's conversation with a model: by what the client calls it, else by how it begins. None when neither is
/// there.
pub fn fingerprint(client: &str, conversation: &str, call: &Call) -> Option<u64> {
    if !conversation.is_empty() {
        return number(&format!("{client}\n{}\n{conversation}", call.model));
    }
    let opening: Opening<'_> = serde_json::from_slice(&call.body).ok()?;
    let first = opening.contents.first()?.get();
    let system = opening.system_instruction.map_or("", RawValue::get);
    number(&format!("{client}\n{}\n{system}\n{first}", call.model))
}

fn number(text: &str) -> Option<u64> {
    u64::from_str_radix(&Digest::of(text).hex(8), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Method;
    use crate::model::ModelName;

    fn call(body: &str) -> Call {
        let model = ModelName::parse("gemini-2.5-flash").unwrap();
        Call { model, method: Method::Generate, body: body.to_owned().into() }
    }

    #[test]
    fn a_conversation_keeps_its_number_while_it_grows() {
        let first = r#"{"contents":[{"parts":[{"text":"hi"}]}],"systemInstruction":{"parts":[]}}"#;
        let later = r#"{"systemInstruction":{"parts":[]},"contents":[{"parts":[{"text":"hi"}]},{"role":"model"},{"role":"user"}]}"#;
        let number = fingerprint("one", "", &call(first));
        assert!(number.is_some());
        assert_eq!(fingerprint("one", "", &call(later)), number);
        assert_ne!(fingerprint("two", "", &call(first)), number);
        assert_ne!(fingerprint("one", "", &call(&first.replace("hi", "ho"))), number);
        assert_eq!(fingerprint("one", "", &call("{}")), None);
    }

    #[test]
    fn a_conversation_that_has_a_name_is_known_by_it() {
        let (first, other) =
            (r#"{"contents":[{"parts":[{"text":"hi"}]}]}"#, r#"{"contents":[{"parts":[{"text":"ho"}]}]}"#);
        let number = fingerprint("one", "session", &call(first));
        assert!(number.is_some() && number != fingerprint("one", "", &call(first)));
        assert_eq!(fingerprint("one", "session", &call(other)), number);
        assert_ne!(fingerprint("two", "session", &call(first)), number);
    }
}
