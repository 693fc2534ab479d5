//! Lists of functions that were translated before. Agents send the same list with every request, and reading and
//! translating it takes longer than everything else about a short request. Only what a pure function returned is
//! remembered, so nobody can tell whether it was.

use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Names;
use crate::error::Error;
use crate::protocol::Notes;
use crate::protocol::rules::document::nested;
use crate::wire::gemini::request::FunctionDeclaration;
use crate::wire::json::{Json, Recent, Repeated};

/// The lists of one dialect that were translated lately, by their text. Each is held with up to two translations, which
/// are about as long.
#[derive(Debug)]
pub struct Lists(Recent<Arc<Known>>);

/// What a list of functions was translated to.
#[derive(Debug)]
pub struct Known {
    /// Gemini's names of the functions.
    pub functions: Vec<String>,
    /// Their names for the client.
    pub names: Names,
    /// Whether calls must conform to the schemas.
    pub strict: bool,
    /// The declarations as JSON, for models that do not take JSON Schema and for those that do; once they were needed.
    written: [OnceLock<Arc<RawValue>>; 2],
}

impl Lists {
    /// No lists yet.
    pub const fn new() -> Self {
        Self(Recent::new())
    }

    /// Remembers what the list with this text was translated to, for models of one kind. A list that is too short or too
    /// long to be remembered costs nothing here.
    pub fn remember(
        &self,
        text: &RawValue,
        takes_json_schema: bool,
        declared: &[FunctionDeclaration<'_>],
        rest: impl FnOnce() -> (Names, bool),
    ) {
        if !Recent::<Arc<Known>>::takes(text.get()) {
            return;
        }
        let Ok(written) = serde_json::value::to_raw_value(declared) else { return };
        let known = self.0.get(text.get()).unwrap_or_else(|| {
            let (names, strict) = rest();
            let functions = declared.iter().map(|function| function.name.to_string()).collect();
            let known = Arc::new(Known { functions, names, strict, written: Default::default() });
            self.0.add(text.get(), Arc::clone(&known));
            known
        });
        // Whoever comes second writes the same.
        drop(known.slot(takes_json_schema).set(written.into()));
    }
}

impl Known {
    fn slot(&self, takes_json_schema: bool) -> &OnceLock<Arc<RawValue>> {
        let [dialect, json_schema] = &self.written;
        if takes_json_schema { json_schema } else { dialect }
    }

    /// The declarations as JSON, for a model of this kind; None if they have not been needed before.
    pub fn written(&self, takes_json_schema: bool) -> Option<Json<'static>> {
        self.slot(takes_json_schema).get().cloned().map(Json::Shared)
    }
}

/// The tools as a client lists them. They are read only if the list was not translated before.
#[derive(Debug)]
pub struct List<'a, T> {
    pub(super) text: &'a RawValue,
    pub(super) lists: &'static Lists,
    known: Option<Arc<Known>>,
    read: OnceLock<Vec<T>>,
}

impl<'a, T: Deserialize<'a>> List<'a, T> {
    /// Finds the list among those that were translated lately, or reads it.
    ///
    /// # Errors
    /// 400, naming the field.
    pub fn of(Repeated(text): Repeated<'a>, lists: &'static Lists) -> Result<Self, Error> {
        let list = Self { text, lists, known: lists.0.get(text.get()), read: OnceLock::new() };
        if list.known.is_none() {
            list.tools()?;
        }
        Ok(list)
    }

    /// The tools, one by one.
    ///
    /// # Errors
    /// 400, naming the field.
    pub fn tools(&self) -> Result<&[T], Error> {
        if let Some(tools) = self.read.get() {
            return Ok(tools);
        }
        let tools = nested(self.text, &"tools")?;
        Ok(self.read.get_or_init(|| tools))
    }

    /// What all tools of the list, which then are functions, were translated to before. None if what becomes of them
    /// is to be noted, or if it was for models of another kind.
    pub fn translated(&self, takes_json_schema: bool, notes: &Notes) -> Option<&Arc<Known>> {
        let known = self.known.as_ref().filter(|_| !notes.are_on())?;
        known.written(takes_json_schema).map(|_| known)
    }

    /// The names of the functions, if the list is known to hold only functions.
    pub fn names(&self) -> Option<&Names> {
        self.known.as_ref().map(|known| &known.names)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::wire::json;

    #[test]
    fn a_list_is_known_once_it_was_translated_for_models_of_that_kind() {
        static LISTS: Lists = Lists::new();
        let text = format!(r#"[{{"name":"f"}}{}]"#, " ".repeat(1024));
        let list = || List::<'_, Value>::of(json::read(&text).unwrap(), &LISTS).unwrap();
        let translated = |takes_json_schema, notes: &Notes| {
            list().translated(takes_json_schema, notes).map(|known| known.functions.clone())
        };
        let off = Notes::off();

        assert_eq!((translated(true, &off), list().names().is_none()), (None, true));
        let function =
            FunctionDeclaration { name: "f".into(), description: None, parameters_json_schema: None, parameters: None };
        LISTS.remember(list().text, true, &[function], || (Names::default(), false));

        assert_eq!(translated(true, &off), Some(vec!["f".to_owned()]));
        assert_eq!(translated(false, &off), None, "its declarations look different");
        assert_eq!(translated(true, &Notes::on()), None, "notes come from translating");
        assert!(list().names().is_some());
        assert_eq!(list().tools().unwrap(), [serde_json::json!({ "name": "f" })], "it can still be read");
    }
}
