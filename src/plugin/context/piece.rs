//! A piece of what the model says, as the hooks `on_text`, `on_reasoning`, `on_tool_arguments` and `on_end` see it: `ctx.text`, and
//! ways to wait for more of it. A whole answer is one piece, the last one: so a rule that is written once says the same of both.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString as Text, Map};

use super::{Answer, Context, Subject, View};
use crate::plugin::host::patterns::{Waiting, compiled};
use crate::plugin::sandbox::LONGEST_STRING;

/// A piece.
#[derive(Clone, Debug, Default)]
pub struct Piece {
    /// What it says: when it comes, then when it goes on.
    pub text: String,
    /// Whether it is the end of what is said in one go.
    pub last: bool,
    /// Which of several answers it belongs to.
    pub candidate: i64,
    /// The function whose arguments it is.
    pub tool: String,
    /// What waits.
    pub held: Held,
    /// The how-manieth replacement of this call is next.
    replaced: usize,
}

/// What a plugin holds back of one run of text.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// What comes again in front of the next piece.
    pub text: String,
    /// Whether all of it waits for the end.
    pub to_end: bool,
    /// What waits behind replacements, in the order they are made in.
    behind: BTreeMap<usize, (Arc<str>, Waiting)>,
}

impl Held {
    /// All that waits, in the order it came.
    pub fn release(&self) -> String {
        let behind = self.behind.values().rev().map(|(_, waiting)| waiting.text());
        behind.chain([self.text.as_str()]).collect()
    }
}

impl Piece {
    /// A piece that comes after what was held back.
    pub fn new(candidate: i64, tool: &str, mut held: Held, text: &str, last: bool) -> Self {
        let mut whole = std::mem::take(&mut held.text);
        whole.push_str(text);
        Self { text: whole, last, candidate, tool: tool.to_owned(), held, replaced: 0 }
    }

    /// Holds back the last `count` characters; at the end there is nothing to wait for.
    fn hold(&mut self, count: i64) -> Answer<()> {
        if self.last {
            return Ok(());
        }
        let count = usize::try_from(count).unwrap_or(0);
        let at = self.text.char_indices().rev().take(count).last().map_or(self.text.len(), |(at, _)| at);
        if self.held.text.len() + self.text.len() - at > LONGEST_STRING {
            return Err(format!("hold: more than {LONGEST_STRING} bytes").into());
        }
        let rest = self.text.split_off(at);
        self.held.text.insert_str(0, &rest);
        Ok(())
    }

    fn replace(&mut self, pattern: &Text, with: impl FnMut(&regex::Captures<'_>, &mut String)) -> Answer<()> {
        let compiled = compiled(pattern)?;
        let order = self.replaced;
        self.replaced += 1;
        let fresh = || (Arc::from(pattern.as_str()), Waiting::default());
        let (known, waiting) = self.held.behind.entry(order).or_insert_with(fresh);
        if **known != *pattern.as_str() {
            let message = "replace: the same replacements must be made of each piece, in the same order; \
                           something waits here for a match of another pattern";
            return Err(message.into());
        }
        self.text = waiting.replace(&compiled, &self.text, self.last, with)?;
        Ok(())
    }
}

impl Context {
    /// Does something with the piece of this hook.
    fn piece<T>(&self, name: &str, act: impl FnOnce(&mut Piece) -> Answer<T>) -> Answer<T> {
        let mut view = self.view();
        let View { hook, subject, .. } = &mut *view;
        match subject {
            Subject::Piece(piece) => act(piece),
            _ => Err(Box::new(EvalAltResult::from(format!(
                "there is no `ctx.{name}` in `{}`, only in `on_text` and its kin",
                hook.name()
            )))),
        }
    }
}

/// Gives scripts what concerns pieces.
pub fn register(engine: &mut Engine) {
    engine
        .register_get("text", |ctx: &mut Context| ctx.piece("text", |piece| Ok(piece.text.clone())))
        .register_set("text", |ctx: &mut Context, text: Text| {
            ctx.piece("text", |piece| {
                piece.text = text.into();
                Ok(())
            })
        })
        .register_get("last", |ctx: &mut Context| ctx.piece("last", |piece| Ok(piece.last)))
        .register_get("candidate", |ctx: &mut Context| ctx.piece("candidate", |piece| Ok(piece.candidate)))
        .register_get("tool", |ctx: &mut Context| ctx.piece("tool", |piece| Ok(piece.tool.clone())))
        .register_fn("hold", |ctx: &mut Context, count: i64| ctx.piece("hold", |piece| piece.hold(count)))
        .register_fn("hold_to_end", |ctx: &mut Context| {
            ctx.piece("hold_to_end", |piece| {
                piece.held.to_end = !piece.last;
                piece.hold(i64::MAX)
            })
        })
        .register_fn("replace", |ctx: &mut Context, pattern: Text, with: Text| {
            ctx.piece("replace", |piece| piece.replace(&pattern, |found, out| found.expand(&with, out)))
        })
        .register_fn("replace", |ctx: &mut Context, pattern: Text, with: Map| {
            ctx.piece("replace", |piece| {
                piece.replace(&pattern, |found, out| {
                    let found = found.get(0).map_or("", |whole| whole.as_str());
                    let other = with.get(found).cloned().and_then(|other: Dynamic| other.into_string().ok());
                    out.push_str(other.as_deref().unwrap_or(found));
                })
            })
        });
}
