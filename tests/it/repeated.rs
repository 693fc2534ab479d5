//! A list of tools that was translated before is not translated again, and nobody can tell.

use std::path::Path;

use gemini_adapter::fault::Remedies;
use gemini_adapter::protocol::{Accepted, Files, Incoming, Notes, Place, Protocol, Target};
use gemini_adapter::store::Signatures;
use serde_json::Value;

use crate::golden::{PROTOCOLS, cases, model, stamp};

/// Lists below this length, in bytes, are not remembered.
const REMEMBERED: usize = 1024;

/// What becomes of a request at a model: what Google gets, and what the client gets.
fn translated(protocol: &dyn Protocol, request: &str, case: &Path, at: &str, notes: &Notes) -> Vec<String> {
    let (place, signatures, model) = (Place::default(), Signatures::default(), model(at));
    let earlier = std::fs::read(case.join("earlier.json")).ok();
    let target = Target {
        model: &model,
        signatures: &signatures,
        files: &Files::Refused,
        earlier: earlier.as_deref(),
        remedies: Remedies::default(),
        notes,
    };
    let accepted: Box<dyn Accepted + '_> = match protocol.accept(Incoming { place: &place, body: request.as_bytes() }) {
        Ok(accepted) => accepted,
        Err(error) => return vec![format!("{error:?}")],
    };
    let call = accepted.call(&target).map(|body| String::from_utf8(body.into()).unwrap());
    let mut all = vec![call.unwrap_or_else(|error| format!("{error:?}"))];
    let mut reply = accepted.reply(stamp(accepted.model()));
    if let Ok(from) = std::fs::read(case.join("from.json")) {
        all.push(format!("{:?}", reply.whole(&from).map(String::from_utf8)));
    }
    if let Ok(from) = std::fs::read_to_string(case.join("from.sse")) {
        let mut out = Vec::new();
        for event in from.split("\n\n").filter_map(|event| event.trim().strip_prefix("data: ")) {
            all.push(format!("{:?}", reply.event(event.as_bytes(), &mut out)));
        }
        all.push(String::from_utf8(out).unwrap());
    }
    all
}

/// The request with white space in its list of tools, which makes it long enough to be remembered. None if it has none.
fn padded(request: &str) -> Option<String> {
    let document: Value = serde_json::from_str(request).ok()?;
    let tools = document.get("tools")?.as_array()?;
    let (before, at) = request.split_once(r#""tools""#).map(|(before, _)| (before, before.len()))?;
    let mut reader = serde_json::Deserializer::from_str(request.get(at..)?.split_once(':')?.1).into_iter::<Value>();
    assert_eq!(reader.next()?.ok()?.as_array(), Some(tools), "the first `tools` are not those of the request");
    let end = request.len() - request.get(at..)?.split_once(':')?.1.len() + reader.byte_offset();
    let (list, rest) = request.split_at(end);
    assert!(list.len() > before.len() && list.ends_with(']'));
    Some(format!("{}{}]{rest}", list.strip_suffix(']')?, " ".repeat(REMEMBERED)))
}

#[test]
fn a_list_that_was_translated_before_is_translated_alike() {
    let mut compared = 0;
    for (folder, protocol) in PROTOCOLS {
        for case in cases(folder) {
            let request = std::fs::read_to_string(case.join("request.json")).unwrap();
            let Some(long) = padded(&request) else { continue };
            compared += 1;
            // Each kind of model twice, and alternately, because what is remembered is remembered for one kind.
            for at in ["gemini-3.8-flash", "gemini-1.5-flash", "gemini-3.8-flash", "gemini-1.5-flash"] {
                for notes in [Notes::off, Notes::on] {
                    assert_eq!(
                        translated(*protocol, &long, &case, at, &notes()),
                        translated(*protocol, &request, &case, at, &notes()),
                        "{} at {at}",
                        case.display()
                    );
                }
            }
        }
    }
    assert!(compared > 20, "only {compared} cases have tools");
}
