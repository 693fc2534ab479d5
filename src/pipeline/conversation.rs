//! A fingerprint of how a conversation begins. Requests of one conversation share it, so they can go to the same key,
//! for which Gemini still has the conversation's beginning in its cache.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::call::Call;
use crate::secret::Digest;
use crate::wire::json;

/// The part of a request that stays the same while the conversation grows.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opening<'a> {
    #[serde(borrow, default)]
    system_instruction: Option<&'a RawValue>,
    #[serde(borrow, default)]
    contents: Vec<&'a RawValue>,
}

/// The fingerprint of a client's conversation with a model: from the client's conversation id if it sends one, else
/// from the first content and system instruction. None when there is neither.
pub fn fingerprint(client: &str, conversation: &str, call: &Call) -> Option<u64> {
    if !conversation.is_empty() {
        return number(&format!("{client}\n{}\n{conversation}", call.model));
    }
    let opening: Opening<'_> = json::read_slice(&call.body).ok()?;
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
