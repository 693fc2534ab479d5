//! Globs, by which the configuration names models, clients and paths: `*` is any text, `?` any one character.

use wildmatch::WildMatch;

/// A glob, ready for matching. Almost all are a name, or the beginning of one and `*`: these cost one comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Glob {
    /// The text itself.
    Exact(Box<str>),
    /// Everything that begins with the text.
    Prefix(Box<str>),
    /// Any other.
    Pattern(WildMatch),
}

impl Glob {
    /// Reads a glob. Every text is one.
    pub fn new(text: &str) -> Self {
        match text.strip_suffix('*') {
            _ if !is_pattern(text) => Self::Exact(text.into()),
            Some(prefix) if !is_pattern(prefix) => Self::Prefix(prefix.into()),
            _ => Self::Pattern(WildMatch::new(text)),
        }
    }

    /// Whether it matches the whole of `text`.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(name) => **name == *text,
            Self::Prefix(prefix) => text.starts_with(&**prefix),
            Self::Pattern(pattern) => pattern.matches(text),
        }
    }
}

/// Whether the text has a character with a meaning of its own.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_cheap_forms() {
        assert_eq!(Glob::new("gpt-4o"), Glob::Exact("gpt-4o".into()));
        assert_eq!(Glob::new("gpt-4*"), Glob::Prefix("gpt-4".into()));
        assert_eq!(Glob::new("*"), Glob::Prefix("".into()));
        assert!(matches!(Glob::new("*-mini"), Glob::Pattern(_)));
        assert!(matches!(Glob::new("gpt-?o*"), Glob::Pattern(_)));
    }

    proptest! {
        /// The cheap forms match what the library matches.
        #[test]
        fn it_is_one_meaning(glob in "[ab*?é]{0,6}", text in "[abé]{0,6}") {
            prop_assert_eq!(Glob::new(&glob).matches(&text), WildMatch::new(&glob).matches(&text), "{} {}", glob, text);
        }
    }
}
