//! What a request says about kept answers: its `cache-control` header, as RFC 9111 has it for requests.

use std::time::Duration;

/// What a request wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// No kept answer.
    pub fresh: bool,
    /// Its answer is not to be kept, nor a kept one to be given.
    pub no_store: bool,
    /// A kept answer, or none.
    pub only_kept: bool,
    /// The oldest kept answer it takes.
    pub oldest: Option<Duration>,
}

impl Control {
    /// Reads the header's value. What is unknown is passed over, as the standard wants.
    pub fn read(value: &str) -> Self {
        let mut control = Self::default();
        for directive in value.split(',') {
            let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-cache" => control.fresh = true,
                "no-store" => control.no_store = true,
                "only-if-cached" => control.only_kept = true,
                // What is no number is the most careful one.
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
            ("only-if-cached, max-age=x", Control { only_kept: true, oldest: Some(Duration::ZERO), ..none }),
        ] {
            assert_eq!(Control::read(value), expected, "{value}");
        }
    }
}
