//! Ids of our own making.

/// Makes ids for what is in one answer.
#[derive(Debug)]
pub struct CallIds {
    random: fastrand::Rng,
    prefix: &'static str,
}

impl CallIds {
    /// The same seed gives the same ids.
    pub fn new(seed: u64, prefix: &'static str) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), prefix }
    }

    /// The prefix and 24 letters or digits, as the vendors' are.
    pub fn next(&mut self) -> String {
        let tail = std::iter::repeat_with(|| self.random.alphanumeric()).take(24);
        self.prefix.chars().chain(tail).collect()
    }
}
