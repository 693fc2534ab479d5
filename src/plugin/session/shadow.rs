//! Plugins in shadow mode: they see what the others see, but what they would do is only logged.

use rhai::Dynamic;

use super::Session;
use crate::plugin::context::{Context, Subject, View};
use crate::plugin::hook::Hook;
use crate::plugin::script::{CallOutcome, Script};
use crate::plugin::verdict::Returned;

/// Maximum number of changed JSON pointers named in a log line.
const MOST_NAMED: usize = 10;

impl Session {
    /// Calls a plugin and logs what it would have done: where it would have made changes, never the content.
    pub(super) fn shadowed(&self, script: &Script, view: View) {
        let hook = view.hook;
        let before = view.clone();
        let context = Context::new(view);
        let what = match self.run(script, hook, &context) {
            CallOutcome::Returned(value) => verdict(value).or_else(|| changed(&before, &context.view())),
            CallOutcome::Rejected(error) => {
                Some(format!("reject with {} {}", error.status, error.code.unwrap_or_default()))
            }
            // The failure was already logged where it happened.
            CallOutcome::Skipped => None,
        };
        if let Some(what) = what {
            self.would(script, hook, &what);
        }
    }

    pub(super) fn would(&self, script: &Script, hook: Hook, what: &str) {
        script.would(hook, &self.facts.id, what);
    }
}

fn verdict(value: Dynamic) -> Option<String> {
    Some(match value.try_cast::<Returned>()? {
        Returned::Say(_) | Returned::Show(_) => "reply itself".to_owned(),
        Returned::Retry => "retry".to_owned(),
        Returned::CoolDown(rest) => format!("cool the key down for {} s", rest.as_secs()),
        Returned::Fail => "give up".to_owned(),
    })
}

fn changed(before: &View, after: &View) -> Option<String> {
    let places = match (&before.subject, &after.subject) {
        (_, Subject::Body(body)) => body.changes(),
        (Subject::Table(old), Subject::Table(new)) => named(old, new),
        (Subject::List(old), Subject::List(new)) if old.len() != new.len() => vec!["models".to_owned()],
        _ => {
            let listed = |view: &View| view.fallback.iter().map(ToString::to_string).collect::<Vec<_>>();
            let route = [
                ("model", before.names.model != after.names.model),
                ("pool", before.names.pool != after.names.pool),
                ("fallback", listed(before) != listed(after)),
            ];
            route.iter().filter(|(_, changed)| *changed).map(|(name, _)| (*name).to_owned()).collect()
        }
    };
    let more = places.len().saturating_sub(MOST_NAMED);
    let named = places.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match (places.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(format!("change {named}")),
        (false, more) => Some(format!("change {named} and {more} more")),
    }
}

fn named(old: &rhai::Map, new: &rhai::Map) -> Vec<String> {
    let text = |value: Option<&Dynamic>| value.map(ToString::to_string);
    new.keys().filter(|name| text(old.get(*name)) != text(new.get(*name))).map(ToString::to_string).collect()
}
