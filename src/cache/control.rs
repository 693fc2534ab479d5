//! What a request says about cached answers: its `cache-control` header, as RFC 9111 defines it for requests.

use std::time::Duration;

/// The cache directives of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// The request wants no cached answer.
    pub fresh: bool,
    /// Its answer must not be cached, and it must not get a cached one.
    pub no_store: bool,
    /// The request wants a cached answer, or none.
    pub only_cached: bool,
    /// The maximum age of a cached answer.
    pub oldest: Option<Duration>,
}

impl Control {
    /// Parses the header's value. Unknown directives are ignored, as the standard requires.
    pub fn read(value: &str) -> Self {
        let mut control = Self::default();
        for directive in value.split(',') {
            let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-cache" => control.fresh = true,
                "no-store" => control.no_store = true,
                "only-if-cached" => control.only_cached = true,
                // A value that is not a number counts as 0, the most cautious one.
                "max-age" => {
                    let seconds = argument.trim().trim_matches('"').parse().unwrap_or(0);
                    control.oldest = Some(Duration::from_secs(seconds));
                }
                _ => {}
            }
        }
        control
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_read() {
        let none = Control::default();
        for (value, expected) in [
            ("", none),
            ("private, stale-if-error=5", none),
            ("no-cache", Control { fresh: true, ..none }),
            ("No-Store", Control { no_store: true, ..none }),
            ("max-age=60", Control { oldest: Some(Duration::from_secs(60)), ..none }),
            ("only-if-cached, max-age=x", Control { only_cached: true, oldest: Some(Duration::ZERO), ..none }),
        ] {
            assert_eq!(Control::read(value), expected, "{value}");
        }
    }
}
