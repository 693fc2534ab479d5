//! Ids of our own making.

/// Makes ids for the tool calls of one answer.
#[derive(Debug)]
pub struct CallIds(fastrand::Rng);

impl CallIds {
    /// The same seed gives the same ids.
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// `call_` and 24 letters or digits, as OpenAI's are.
    pub fn next(&mut self) -> String {
        let tail = std::iter::repeat_with(|| self.0.alphanumeric()).take(24);
        "call_".chars().chain(tail).collect()
    }
}
