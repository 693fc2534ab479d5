//! Generated ids.

/// Generates ids for the contents of one answer.
#[derive(Debug)]
pub struct CallIds {
    random: fastrand::Rng,
    prefix: &'static str,
}

impl CallIds {
    /// Creates a generator. The same seed gives the same ids.
    pub fn new(seed: u64, prefix: &'static str) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), prefix }
    }

    /// Returns the prefix followed by 24 letters or digits, like the vendors' ids.
    pub fn next(&mut self) -> String {
        let tail = std::iter::repeat_with(|| self.random.alphanumeric()).take(24);
        self.prefix.chars().chain(tail).collect()
    }
}
