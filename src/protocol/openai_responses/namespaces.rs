//! Namespaces distinguish functions of the same name by where they are declared. Gemini has no namespaces, so the
//! function's name begins with its namespace there.

use std::borrow::Cow;

use crate::protocol::rules::tools::gemini_name;
use crate::wire::openai::responses::Tool;

/// Returns Gemini's name for a function in this namespace.
pub fn joined<'a>(namespace: Option<&Cow<'a, str>>, name: &Cow<'a, str>) -> Cow<'a, str> {
    match namespace.filter(|namespace| !namespace.is_empty()) {
        Some(namespace) => format!("{namespace}__{name}").into(),
        None => name.clone(),
    }
}

/// A function that is declared in a namespace.
#[derive(Clone, Debug)]
struct Member {
    /// Gemini's name for the function.
    joined: String,
    namespace: String,
    name: String,
}

/// The functions of a request that are declared in namespaces.
#[derive(Clone, Debug, Default)]
pub struct Namespaces(Vec<Member>);

impl Namespaces {
    /// Collects the functions that these tools declare in namespaces.
    pub fn of(tools: &[Tool<'_>]) -> Self {
        let member = |(namespace, tool): (Option<&Cow<'_, str>>, &Tool<'_>)| {
            let (namespace, name) = (namespace?, tool.name.as_ref()?);
            let joined = gemini_name(&joined(Some(namespace), name)).into_owned();
            Some(Member { joined, namespace: namespace.to_string(), name: name.to_string() })
        };
        Self(flat(tools).filter_map(member).collect())
    }

    /// Returns the namespace and name of the function that Gemini calls by this name, if it is in a namespace.
    pub fn of_call(&self, called: &str) -> Option<(&str, &str)> {
        let member = self.0.iter().find(|member| member.joined == called)?;
        Some((&member.namespace, &member.name))
    }
}

/// Returns all tools, including those in namespaces, each with its namespace.
pub fn flat<'t, 'a>(tools: &'t [Tool<'a>]) -> impl Iterator<Item = (Option<&'t Cow<'a, str>>, &'t Tool<'a>)> {
    tools.iter().flat_map(|tool| {
        let is_namespace = tool.kind.as_deref() == Some("namespace");
        let inside = tool.tools.iter().filter(move |_| is_namespace).map(|inner| (tool.name.as_ref(), inner));
        (!is_namespace).then_some((None, tool)).into_iter().chain(inside)
    })
}
